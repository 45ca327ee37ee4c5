//! Layers with weights, and activation layers.

use exactum_training::Init;
use exactum_training::nn::{
    Padding, QuantConv1d, QuantConv2d, QuantConvTranspose1d, QuantConvTranspose2d, QuantEmbedding,
    QuantHardTanh, QuantIdentity, QuantLinear, QuantReLU, QuantSigmoid, QuantTanh,
};
use exactum_training::quant::{
    Int8ActPerTensorFloat, Int8WeightPerChannelFloat, Int8WeightPerTensorFloat, Int16Bias,
};

use super::{BATCH, Error, Export, between, export, export_of, input};

pub(super) fn exports() -> Result<Vec<Export>, Error> {
    Ok([dense()?, convolutions()?, transposed()?, activations()?].concat())
}

fn dense() -> Result<Vec<Export>, Error> {
    let init = &mut Init::from_seed(1);
    let fc = QuantLinear::builder("fc", 6, 5).bias_quant(Int16Bias).build(init)?;
    let own = QuantLinear::builder("fc", 6, 4)
        .input_quant(Int8ActPerTensorFloat)
        .output_quant(Int8ActPerTensorFloat)
        .bias_quant(Int16Bias)
        .build(init)?;
    let accumulator = QuantLinear::builder("fc", 6, 4).bias_quant(Int16Bias).build(init)?;
    let weights_only = QuantLinear::builder("fc", 6, 4).build(init)?;
    let float = QuantLinear::builder("fc", 6, 4).weight_quant(None).build(init)?;
    let start = input()?;
    let table = QuantEmbedding::builder("table", 7, 3).weight_bit_width(5).build(init)?;
    let float_table = QuantEmbedding::builder("table", 7, 3).weight_quant(None).build(init)?;
    let indices: Vec<f32> = (0..BATCH * 4).map(|index| (index * 3 % 7) as f32).collect();
    Ok(vec![
        between("layer_linear", [1, 6], |x| fc.forward(x))?,
        export("layer_linear_own_quantizers", [1, 6], |x| own.forward(x))?,
        export("layer_linear_accumulator", [1, 6], |x| accumulator.forward(&start.forward(x)?))?,
        export("layer_linear_weights_only", [1, 6], |x| weights_only.forward(x))?,
        export("layer_linear_float", [1, 6], |x| float.forward(x))?,
        export_of("layer_embedding", [1, 4], indices.clone(), |x| table.forward(x))?,
        export_of("layer_embedding_float", [1, 4], indices, |x| float_table.forward(x))?,
    ])
}

fn convolutions() -> Result<Vec<Export>, Error> {
    let init = &mut Init::from_seed(2);
    let line = QuantConv1d::builder("conv", 2, 3, 3).bias_quant(Int16Bias).build(init)?;
    let line_all = QuantConv1d::builder("conv", 4, 4, 3)
        .stride(2)
        .padding(1)
        .dilation(2)
        .groups(2)
        .weight_quant(Int8WeightPerChannelFloat)
        .build(init)?;
    let image = QuantConv2d::builder("conv", 2, 3, [3, 2]).bias_quant(Int16Bias).build(init)?;
    let strided =
        QuantConv2d::builder("conv", 2, 3, 3).stride([2, 1]).padding([1, 2]).bias(false).build(init)?;
    let same = QuantConv2d::builder("conv", 2, 2, [2, 3]).padding(Padding::Same).build(init)?;
    let dilated = QuantConv2d::builder("conv", 2, 3, 2).dilation([2, 3]).build(init)?;
    let grouped = QuantConv2d::builder("conv", 4, 6, 2)
        .groups(2)
        .weight_quant(Int8WeightPerChannelFloat)
        .bias_quant(Int16Bias)
        .build(init)?;
    let depthwise = QuantConv2d::builder("conv", 3, 3, 2).groups(3).bias_quant(Int16Bias).build(init)?;
    Ok(vec![
        between("layer_conv1d", [1, 2, 6], |x| line.forward(x))?,
        between("layer_conv1d_stride_groups_dilation", [1, 4, 9], |x| line_all.forward(x))?,
        between("layer_conv2d", [1, 2, 4, 4], |x| image.forward(x))?,
        between("layer_conv2d_stride_padding", [1, 2, 5, 4], |x| strided.forward(x))?,
        between("layer_conv2d_same", [1, 2, 3, 4], |x| same.forward(x))?,
        between("layer_conv2d_dilation", [1, 2, 4, 5], |x| dilated.forward(x))?,
        between("layer_conv2d_groups", [1, 4, 3, 3], |x| grouped.forward(x))?,
        between("layer_conv2d_depthwise", [1, 3, 3, 3], |x| depthwise.forward(x))?,
    ])
}

fn transposed() -> Result<Vec<Export>, Error> {
    let init = &mut Init::from_seed(3);
    let line = QuantConvTranspose1d::builder("conv", 2, 3, 3).bias_quant(Int16Bias).build(init)?;
    let line_all = QuantConvTranspose1d::builder("conv", 4, 6, 3)
        .stride(2)
        .padding(1)
        .output_padding(1)
        .groups(2)
        .weight_quant(Int8WeightPerChannelFloat)
        .bias_quant(Int16Bias)
        .build(init)?;
    let image = QuantConvTranspose2d::builder("conv", 2, 3, 2).bias_quant(Int16Bias).build(init)?;
    let image_all = QuantConvTranspose2d::builder("conv", 2, 4, [3, 2])
        .stride([2, 3])
        .padding([1, 0])
        .output_padding([1, 2])
        .dilation([2, 1])
        .groups(2)
        .weight_quant(Int8WeightPerChannelFloat)
        .build(init)?;
    Ok(vec![
        between("layer_conv_transpose1d", [1, 2, 4], |x| line.forward(x))?,
        between("layer_conv_transpose1d_all", [1, 4, 4], |x| line_all.forward(x))?,
        between("layer_conv_transpose2d", [1, 2, 3, 3], |x| image.forward(x))?,
        between("layer_conv_transpose2d_all", [1, 2, 3, 2], |x| image_all.forward(x))?,
    ])
}

fn activations() -> Result<Vec<Export>, Error> {
    let init = &mut Init::from_seed(4);
    let fc = QuantLinear::builder("fc", 6, 5)
        .weight_quant(Int8WeightPerTensorFloat)
        .bias_quant(Int16Bias)
        .build(init)?;
    let start = input()?;
    let identity = QuantIdentity::builder("act").bit_width(5).build()?;
    let relu = QuantReLU::builder("act").bit_width(4).build()?;
    let hard_tanh = QuantHardTanh::builder("act", -0.4, 0.3).build()?;
    let sigmoid = QuantSigmoid::builder("act").build()?;
    let tanh = QuantTanh::builder("act").build()?;
    let float_identity = QuantIdentity::builder("act").act_quant(None).build()?;
    let float_relu = QuantReLU::builder("act").act_quant(None).build()?;
    let float_hard_tanh = QuantHardTanh::builder("act", -0.4, 0.3).act_quant(None).build()?;
    let float_sigmoid = QuantSigmoid::builder("act").act_quant(None).build()?;
    let float_tanh = QuantTanh::builder("act").act_quant(None).build()?;
    macro_rules! behind_linear {
        ($($name:literal, $layer:ident;)*) => {
            vec![$(export($name, [1, 6], |x| $layer.forward(&fc.forward(&start.forward(x)?)?))?),*]
        };
    }
    Ok(behind_linear! {
        "layer_identity", identity;
        "layer_relu", relu;
        "layer_hard_tanh", hard_tanh;
        "layer_sigmoid", sigmoid;
        "layer_tanh", tanh;
        "layer_identity_float", float_identity;
        "layer_relu_float", float_relu;
        "layer_hard_tanh_float", float_hard_tanh;
        "layer_sigmoid_float", float_sigmoid;
        "layer_tanh_float", float_tanh;
    })
}
