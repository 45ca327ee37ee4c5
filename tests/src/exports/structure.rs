//! Layers without weights, and arithmetic and shapes of activations.

use exactum_training::nn::{
    AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool1d, AvgPool2d, BatchNorm1d, BatchNorm2d, Dropout, Flatten,
    MaxPool1d, MaxPool2d, QuantCat, QuantEltwiseAdd, QuantIdentity, QuantLinear, QuantUpsample,
    TruncAvgPool1d, TruncAvgPool2d,
};
use exactum_training::{Activation, ForwardError, Init};

use super::{Error, Export, between, export, input};

pub(super) fn exports() -> Result<Vec<Export>, Error> {
    Ok([pools()?, layers()?, joins()?, arithmetic()?, shapes()?].concat())
}

fn pools() -> Result<Vec<Export>, Error> {
    let max = MaxPool2d::new("pool", [2, 3], [2, 1]);
    let max_all = MaxPool2d::new("pool", [3, 2], [2, 2]).padding([1, 1]).dilation([1, 2]);
    let max_ceil = MaxPool2d::new("pool", [2, 2], [2, 2]).ceil_mode(true);
    let max_line = MaxPool1d::new("pool", [2], [2]);
    let average = AvgPool2d::new("pool", [2, 3], [1, 2]);
    let average_padded = AvgPool2d::new("pool", [2, 2], [2, 1]).padding([1, 0]);
    let average_line = AvgPool1d::new("pool", [3], [2]);
    let adaptive = AdaptiveAvgPool2d::new("pool", [2, 1]);
    let global = AdaptiveAvgPool2d::new("pool", [1, 1]);
    let adaptive_max = AdaptiveMaxPool2d::new("pool", [2, 1]);
    let truncate = TruncAvgPool2d::new("pool", [2, 2], [2, 2]);
    let truncate_floor = TruncAvgPool2d::new("pool", [2, 2], [2, 2]).floor();
    let truncate_line = TruncAvgPool1d::new("pool", [4], [2]).bit_width(6);
    let truncate_nine = TruncAvgPool2d::new("pool", [3, 3], [1, 1]);
    let start = input()?;
    Ok(vec![
        between("layer_max_pool2d", [1, 2, 4, 5], |x| max.forward(x))?,
        between("layer_max_pool2d_padding_dilation", [1, 2, 5, 5], |x| max_all.forward(x))?,
        between("layer_max_pool2d_ceil", [1, 2, 5, 3], |x| max_ceil.forward(x))?,
        between("layer_max_pool1d", [1, 2, 6], |x| max_line.forward(x))?,
        between("layer_avg_pool2d", [1, 2, 3, 5], |x| average.forward(x))?,
        between("layer_avg_pool2d_padding", [1, 2, 4, 3], |x| average_padded.forward(x))?,
        between("layer_avg_pool1d", [1, 2, 7], |x| average_line.forward(x))?,
        between("layer_adaptive_avg_pool2d", [1, 2, 4, 3], |x| adaptive.forward(x))?,
        between("layer_adaptive_avg_pool2d_global", [1, 2, 3, 4], |x| global.forward(x))?,
        between("layer_adaptive_max_pool2d", [1, 2, 4, 3], |x| adaptive_max.forward(x))?,
        export("layer_trunc_avg_pool2d", [1, 2, 4, 4], |x| truncate.forward(&start.forward(x)?))?,
        export("layer_trunc_avg_pool2d_floor", [1, 2, 4, 4], |x| truncate_floor.forward(&start.forward(x)?))?,
        export("layer_trunc_avg_pool1d_6_bits", [1, 2, 8], |x| truncate_line.forward(&start.forward(x)?))?,
        export("layer_trunc_avg_pool2d_nine", [1, 2, 4, 4], |x| truncate_nine.forward(&start.forward(x)?))?,
    ])
}

fn layers() -> Result<Vec<Export>, Error> {
    let (vectors, lines, images) =
        (BatchNorm1d::new("bn", 5), BatchNorm1d::new("bn", 3), BatchNorm2d::new("bn", 2).eps(1e-3));
    for (index, layer) in [&vectors, &lines, &images].into_iter().enumerate() {
        let channels = layer.weight().len_elems();
        let spread = |offset: f32| (0..channels).map(|c| offset + 0.3 * (c + index) as f32).collect();
        layer.weight().set(spread(-0.7));
        layer.bias().set(spread(0.1));
    }
    let flatten = Flatten::new("flatten");
    let dropout = Dropout::new("dropout", 0.25, 1);
    let upsample = QuantUpsample::new("up", [2, 3]);
    let fc = QuantLinear::builder("fc", 12, 3).build(&mut Init::from_seed(5))?;
    Ok(vec![
        between("layer_batch_norm1d", [1, 5], |x| vectors.forward(x))?,
        between("layer_batch_norm1d_lines", [1, 3, 4], |x| lines.forward(x))?,
        between("layer_batch_norm2d", [1, 2, 3, 3], |x| images.forward(x))?,
        between("layer_flatten", [1, 2, 2, 3], |x| fc.forward(&flatten.forward(x)))?,
        between("layer_dropout", [1, 12], |x| fc.forward(&dropout.forward(x)?))?,
        between("layer_upsample", [1, 2, 2, 2], |x| upsample.forward(x))?,
    ])
}

fn joins() -> Result<Vec<Export>, Error> {
    let init = &mut Init::from_seed(6);
    let (left, right) =
        (QuantLinear::builder("left", 6, 4).build(init)?, QuantLinear::builder("right", 6, 4).build(init)?);
    let add = QuantEltwiseAdd::builder("add").build()?;
    let tied = QuantEltwiseAdd::builder("add").tie_input_output_quant(true).build()?;
    let exact_sum = QuantEltwiseAdd::builder("add").output_quant(None).build()?;
    let cat = QuantCat::builder("cat").input_bit_width(6).output_bit_width(5).build()?;
    let exact_cat = QuantCat::builder("cat").output_quant(None).build()?;
    let start = input()?;
    type Pair<'a> = dyn Fn(&Activation<2>, &Activation<2>) -> Result<Activation<2>, ForwardError> + 'a;
    let joined = |name: &str, join: &Pair<'_>| {
        export(name, [1, 6], |x| {
            let x = start.forward(x)?;
            join(&left.forward(&x)?, &right.forward(&x)?)
        })
    };
    Ok(vec![
        joined("layer_eltwise_add", &|x, y| add.forward(x, y))?,
        joined("layer_eltwise_add_tied", &|x, y| tied.forward(x, y))?,
        joined("layer_eltwise_add_exact", &|x, y| exact_sum.forward(x, y))?,
        joined("layer_cat", &|x, y| cat.forward(&[x, y], 1))?,
        joined("layer_cat_exact", &|x, y| exact_cat.forward(&[x, y], 1))?,
    ])
}

fn arithmetic() -> Result<Vec<Export>, Error> {
    type Step = fn(&Activation<2>) -> Result<Activation<2>, ForwardError>;
    let steps: [(&str, Step); 16] = [
        ("add", |x| x.add(&x.relu()?)),
        ("sub", |x| x.sub(&x.neg()?)),
        ("mul", |x| x.mul(&x.abs()?)),
        ("mul_twice", |x| x.mul(x)),
        ("neg", Activation::neg),
        ("abs", Activation::abs),
        ("relu", Activation::relu),
        ("add_scalar", |x| x.add_scalar(0.3)),
        ("mul_scalar", |x| x.mul_scalar(-0.7)),
        ("div_scalar", |x| x.div_scalar(3.0)),
        ("hardtanh", |x| Ok(x.hardtanh(-0.5, 0.25))),
        ("relu6", |x| Ok(x.relu6())),
        ("tanh", |x| Ok(x.tanh())),
        ("sigmoid", |x| Ok(x.sigmoid())),
        ("softmax", |x| x.softmax(1)),
        ("cat", |x| Activation::cat(&[x, &x.relu()?], 1)),
    ];
    steps.into_iter().map(|(name, step)| between(format!("step_{name}"), [1, 12], step)).collect()
}

fn shapes() -> Result<Vec<Export>, Error> {
    let output = QuantIdentity::builder("out").bit_width(6).build()?;
    let start = input()?;
    Ok(vec![
        between("step_reshape", [1, 4, 3], |x| x.reshape([x.dims()[0], 2, 6]))?,
        between("step_flatten", [1, 2, 2, 3], |x| x.flatten::<3>(1, 2))?,
        between("step_squeeze", [1, 1, 5], |x| x.squeeze::<2>(1))?,
        between("step_unsqueeze", [1, 5], |x| x.unsqueeze::<3>(2))?,
        between("step_permute", [1, 2, 3, 2], |x| x.permute([0, 3, 1, 2]))?,
        between("step_transpose", [1, 2, 5], |x| x.transpose(1, 2))?,
        between("step_pixel_shuffle", [1, 8, 1, 2], |x| x.pixel_shuffle(2))?,
        between("step_pixel_unshuffle", [1, 2, 2, 4], |x| x.pixel_unshuffle(2))?,
        export("step_none", [1, 5], |x| output.forward(&start.forward(x)?))?,
    ])
}
