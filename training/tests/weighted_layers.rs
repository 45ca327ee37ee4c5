//! Layers with weights: the tutorial's numbers, integer loops for every geometry, widths, and bad input.

mod common;
#[path = "common/geometry.rs"]
mod geometry;

use common::{GOLDEN, assert_close, assert_golden, floats, input, parameter, values};
use exactum_training::backend::{Tensor, evaluation_device};
use exactum_training::nn::{
    Padding, QuantConv1d, QuantConv2d, QuantConvTranspose1d, QuantConvTranspose2d, QuantIdentity, QuantLinear,
};
use exactum_training::quant::{
    ActQuant, Int8ActPerTensorFloat, Int8WeightPerTensorFloat, Int16Bias, SignedBinaryWeightPerTensorConst,
    Uint8ActPerTensorFloat,
};
use exactum_training::{Activation, Component, ForwardError, Init, Parameter, QuantTensor, Tree};
use geometry::Geometry;

/// A bias-free layer with the weight of a cell.
fn layer(cell: &str, input: Option<ActQuant>, return_quant_tensor: bool) -> QuantLinear {
    QuantLinear::builder("fc", 2, 4)
        .bias(false)
        .input_quant(input)
        .return_quant_tensor(return_quant_tensor)
        .with_parameters(parameter(&GOLDEN[cell]["weight"]), None)
        .unwrap()
}

#[test]
fn s01_linear_takes_a_quantizer_for_each_operand() {
    let fc = QuantLinear::builder("fc", 2, 4)
        .bias(true)
        .weight_quant(Int8WeightPerTensorFloat)
        .bias_quant(Int16Bias)
        .input_quant(Int8ActPerTensorFloat)
        .output_quant(Int8ActPerTensorFloat)
        .return_quant_tensor(true)
        .build(&mut Init::from_seed(1))
        .unwrap();
    let y = fc.forward(&input("c08_input_quant")).unwrap();
    assert_eq!(y.quant().unwrap().bit_width(), 8.0);
    assert_eq!((fc.weight().shape(), fc.bias().unwrap().shape()), (&[4, 2][..], &[4][..]));
    // By default there is a bias, and the weight alone is quantized.
    let fc = QuantLinear::builder("fc", 2, 4).build(&mut Init::from_seed(1)).unwrap();
    assert!(fc.bias().is_some());
    assert_eq!(parts(&fc), ["weight_quant"]);
    let named = QuantLinear::builder("fc", 2, 4).weight_quant(Int8WeightPerTensorFloat);
    let named = named.with_parameters(fc.weight().clone(), fc.bias().cloned()).unwrap();
    assert_eq!(Tree(&fc).to_string(), Tree(&named).to_string());
}

/// The quantizers of a layer.
fn parts(layer: &dyn Component) -> Vec<&'static str> {
    layer.children().into_iter().map(|(name, _)| name).collect()
}

/// Four kinds of layers, one mechanism: the same keywords, the same parts.
#[test]
fn s02_all_layers_with_weights_share_one_mechanism() {
    macro_rules! parts {
        ($builder:expr) => {{
            let layer = $builder
                .input_quant(Int8ActPerTensorFloat)
                .output_quant(Uint8ActPerTensorFloat)
                .bias_quant(Int16Bias)
                .weight_bit_width(4)
                .build(&mut Init::from_seed(1))
                .unwrap();
            parts(&layer)
        }};
    }
    let needed = ["input_quant", "output_quant", "weight_quant", "bias_quant"];
    assert_eq!(parts!(QuantLinear::builder("l", 2, 4)), needed);
    assert_eq!(parts!(QuantConv1d::builder("l", 2, 4, 3)), needed);
    assert_eq!(parts!(QuantConv2d::builder("l", 2, 4, 3)), needed);
    assert_eq!(parts!(QuantConvTranspose1d::builder("l", 2, 4, 3)), needed);
    assert_eq!(parts!(QuantConvTranspose2d::builder("l", 2, 4, 3)), needed);
}

const PLAIN: Geometry = Geometry {
    batch: 1,
    inputs: 2,
    outputs: 4,
    groups: 1,
    extents: [1, 9],
    kernel: [1, 3],
    stride: [1, 1],
    pads: [[0, 0]; 2],
    dilation: [1, 1],
    output_padding: [0, 0],
};

fn image(g: Geometry) -> Vec<f32> {
    let len = g.inputs * g.extents[0] * g.extents[1];
    (0..len).map(|i| ((i * 37 + 11) % 83) as f32 / 41.0 - 1.0).collect()
}

/// Codes of the input, of the weight and of the output of a layer.
macro_rules! run {
    ($geometry:expr, $layer:expr, $shape:expr, $rank:literal) => {{
        let identity = QuantIdentity::builder("in").max_val(1.0).build().unwrap();
        let x = identity.forward(&Activation::from_values(image($geometry), $shape)).unwrap();
        let layer = $layer
            .bias(false)
            .weight_scaling_per_output_channel(true)
            .build(&mut Init::from_seed(3))
            .unwrap();
        let y = layer.forward(&x).unwrap();
        let weight: QuantTensor<$rank> = layer.quant_weight().unwrap();
        let codes = |q: &QuantTensor<$rank>| q.codes().unwrap();
        (codes(x.quant().unwrap()), codes(&weight), codes(y.quant().unwrap()))
    }};
}

fn check_conv1d(g: Geometry, same: bool) {
    let padding = if same { Padding::Same } else { Padding::from(g.pads[1][0]) };
    let conv = QuantConv1d::builder("conv", g.inputs, g.outputs, g.kernel[1])
        .stride(g.stride[1])
        .padding(padding)
        .dilation(g.dilation[1])
        .groups(g.groups);
    let (x, w, y) = run!(g, conv, [1, g.inputs, g.extents[1]], 3);
    assert_eq!(y, g.apply(false, &x, &w), "{g:?}");
}

fn check_conv2d(g: Geometry) {
    let conv = QuantConv2d::builder("conv", g.inputs, g.outputs, g.kernel)
        .stride(g.stride)
        .padding([g.pads[0][0], g.pads[1][0]])
        .dilation(g.dilation)
        .groups(g.groups);
    let (x, w, y) = run!(g, conv, [1, g.inputs, g.extents[0], g.extents[1]], 4);
    assert_eq!(y, g.apply(false, &x, &w), "{g:?}");
}

fn check_transpose1d(g: Geometry) {
    let conv = QuantConvTranspose1d::builder("conv", g.inputs, g.outputs, g.kernel[1])
        .stride(g.stride[1])
        .padding(g.pads[1][0])
        .output_padding(g.output_padding[1])
        .dilation(g.dilation[1])
        .groups(g.groups);
    let (x, w, y) = run!(g, conv, [1, g.inputs, g.extents[1]], 3);
    assert_eq!(y, g.apply(true, &x, &w), "{g:?}");
}

fn check_transpose2d(g: Geometry) {
    let conv = QuantConvTranspose2d::builder("conv", g.inputs, g.outputs, g.kernel)
        .stride(g.stride)
        .padding([g.pads[0][0], g.pads[1][0]])
        .output_padding(g.output_padding)
        .dilation(g.dilation)
        .groups(g.groups);
    let (x, w, y) = run!(g, conv, [1, g.inputs, g.extents[0], g.extents[1]], 4);
    assert_eq!(y, g.apply(true, &x, &w), "{g:?}");
}

#[test]
fn s03_conv1d_equals_integer_loops_in_every_geometry() {
    check_conv1d(PLAIN, false);
    check_conv1d(Geometry { stride: [1, 2], pads: [[0, 0], [1, 1]], ..PLAIN }, false);
    check_conv1d(Geometry { dilation: [1, 3], pads: [[0, 0], [2, 2]], ..PLAIN }, false);
    check_conv1d(Geometry { groups: 2, ..PLAIN }, false);
    // As long as the input, or a half of it rounded up; the odd zero is behind.
    check_conv1d(Geometry { kernel: [1, 4], pads: [[0, 0], [1, 2]], ..PLAIN }, true);
    check_conv1d(Geometry { stride: [1, 2], pads: [[0, 0], [1, 1]], ..PLAIN }, true);
    check_conv1d(Geometry { stride: [1, 2], extents: [1, 8], pads: [[0, 0], [0, 1]], ..PLAIN }, true);
}

#[test]
fn s04_conv2d_equals_integer_loops_in_every_geometry() {
    let plain = Geometry { extents: [6, 7], kernel: [3, 2], ..PLAIN };
    check_conv2d(plain);
    check_conv2d(Geometry { stride: [2, 1], pads: [[1, 1], [0, 0]], ..plain });
    check_conv2d(Geometry { dilation: [1, 2], pads: [[0, 0], [2, 2]], groups: 2, ..plain });
}

#[test]
fn s05_conv_transpose1d_equals_integer_loops_in_every_geometry() {
    check_transpose1d(PLAIN);
    check_transpose1d(Geometry { stride: [1, 2], pads: [[0, 0], [1, 1]], output_padding: [0, 1], ..PLAIN });
    check_transpose1d(Geometry { stride: [1, 3], dilation: [1, 2], ..PLAIN });
    check_transpose1d(Geometry { groups: 2, stride: [1, 2], ..PLAIN });
}

#[test]
fn s06_conv_transpose2d_equals_integer_loops_in_every_geometry() {
    let plain = Geometry { extents: [3, 4], kernel: [3, 2], ..PLAIN };
    check_transpose2d(plain);
    check_transpose2d(Geometry { stride: [2, 3], pads: [[1, 1], [0, 0]], output_padding: [1, 2], ..plain });
    check_transpose2d(Geometry { groups: 2, stride: [2, 1], ..plain });
}

#[test]
fn s07_by_default_only_weights_are_quantized() {
    let fc = QuantLinear::builder("fc", 2, 4).build(&mut Init::from_seed(1)).unwrap();
    assert_eq!(parts(&fc), ["weight_quant"]);
    let x = input("c04_float_input");
    let y = fc.forward(&x).unwrap();
    assert!(y.quant().is_none());
    // The bias is added as it is.
    let plain = QuantLinear::builder("fc", 2, 4).with_parameters(fc.weight().clone(), None).unwrap();
    let difference = values(y.value() - plain.forward(&x).unwrap().value());
    assert_close(&difference, &fc.bias().unwrap().values().repeat(3));
}

/// The layer of the tutorial's second cell.
fn default_layer() -> QuantLinear {
    let cell = &GOLDEN["c02_default_weight"];
    let parameters = (parameter(&cell["weight"]), Some(parameter(&cell["bias"])));
    QuantLinear::builder("fc", 2, 4).with_parameters(parameters.0, parameters.1).unwrap()
}

#[test]
fn s08_default_weight_quantizer() {
    let fc = default_layer();
    let quant = fc.quant_weight::<2>().unwrap();
    assert_golden(&quant, &GOLDEN["c02_default_weight"]["q"]);
    // The scale is a function of the largest weight, -0.5820, so that it gets the scale's gradient: code - w / scale of
    // every weight, over 127 and with its sign.
    let weights = fc.weight().values();
    let codes = quant.codes().unwrap();
    let through_scale: f32 =
        weights.iter().zip(&codes).map(|(w, code)| *code as f32 - w / quant.scale()[0]).sum();
    let mut needed = vec![1.0; 8];
    needed[2] -= through_scale / 127.0;
    assert!((needed[2] - 1.0).abs() > 1e-4 && codes[2] == -127);
    let gradients = quant.value().sum().backward();
    assert_close(&values(fc.weight().gradient(&gradients).unwrap()), &needed);
}

#[test]
fn s09_float_weight_and_quantized_weight_side_by_side() {
    let fc = default_layer();
    assert_eq!(fc.weight().values(), floats(&GOLDEN["c02_default_weight"]["weight"]));
    let quantized = values(fc.quant_weight::<2>().unwrap().value());
    assert_close(&quantized, &floats(&GOLDEN["c02_default_weight"]["q"]["value"]));
}

#[test]
fn s10_integers_of_the_weight() {
    let codes = default_layer().quant_weight::<2>().unwrap().codes().unwrap();
    assert_eq!(codes, [-1, 83, -127, -114, -59, 41, -3, 122]);
}

#[test]
fn s12_float_input_gives_float_output() {
    let y = layer("c04_float_input", None, true).forward(&input("c04_float_input")).unwrap();
    assert!(y.quant().is_none());
    assert_close(&values(y.value()), &floats(&GOLDEN["c04_float_input"]["out"]));
}

#[test]
fn s19_input_quantizer_inside_the_layer() {
    let cell = "c08_input_quant";
    let y = layer(cell, Some(Int8ActPerTensorFloat), true).forward(&input(cell)).unwrap();
    assert_close(&values(y.value()), &floats(&GOLDEN[cell]["out"]));
    // Seen through a float weight that changes nothing: the codes of the input.
    let through = QuantLinear::builder("fc", 2, 2)
        .bias(false)
        .weight_quant(None)
        .input_quant(Int8ActPerTensorFloat)
        .with_parameters(Parameter::new(vec![1.0, 0.0, 0.0, 1.0], &[2, 2]), None)
        .unwrap();
    let x = values(through.forward(&input(cell)).unwrap().value());
    let codes = [91.0, -17.0, -128.0, 33.0, -64.0, -82.0];
    assert_close(&x, &codes.map(|code| code * 0.017_021_792));
}

#[test]
fn s20_floats_are_returned_where_no_quantized_tensor_is_asked_for() {
    let cell = "c08_input_quant";
    let y = layer(cell, Some(Int8ActPerTensorFloat), false).forward(&input(cell)).unwrap();
    assert!(y.quant().is_none());
    assert_close(&values(y.value()), &floats(&GOLDEN[cell]["out"]));
}

#[test]
fn s21_accumulator_as_quantized_tensor() {
    let cell = "c09_return_qt";
    let y = layer(cell, Some(Int8ActPerTensorFloat), true).forward(&input(cell)).unwrap();
    assert_golden(y.quant().unwrap(), &GOLDEN[cell]["q"]);
}

#[test]
fn s22_quantizer_before_the_layer() {
    let cell = "c10_identity";
    let x = QuantIdentity::builder("id").build().unwrap().forward(&input(cell)).unwrap();
    assert_golden(x.quant().unwrap(), &GOLDEN[cell]["qin"]);
    assert_golden(layer(cell, None, true).forward(&x).unwrap().quant().unwrap(), &GOLDEN[cell]["qout"]);
    assert_eq!(GOLDEN[cell]["qout"], GOLDEN["c09_return_qt"]["q"]);
}

#[test]
fn s23_quantizers_inside_and_before_a_layer_give_the_same_numbers() {
    let cell = "c10_identity";
    let inside = layer(cell, Some(Int8ActPerTensorFloat), true).forward(&input(cell)).unwrap();
    let x = QuantIdentity::builder("id").build().unwrap().forward(&input(cell)).unwrap();
    let before = layer(cell, None, true).forward(&x).unwrap();
    let codes = |y: &Activation<2>| y.quant().unwrap().codes().unwrap();
    assert_eq!(codes(&inside), codes(&before));
    assert_eq!(inside.quant().unwrap().scale(), before.quant().unwrap().scale());
}

/// Declared bits of a transposed convolution of 8-bit operands.
fn declared_bits(kernel: usize, stride: usize, groups: usize) -> f32 {
    let conv = QuantConvTranspose1d::builder("conv", 64, 2, kernel)
        .stride(stride)
        .groups(groups)
        .bias(false)
        .build(&mut Init::from_seed(1))
        .unwrap();
    let identity = QuantIdentity::builder("in").max_val(1.0).build().unwrap();
    let x = identity.forward(&Activation::from_values(vec![0.5; 64 * 4], [1, 64, 4])).unwrap();
    conv.forward(&x).unwrap().quant().unwrap().bit_width()
}

/// The fan-in of a transposed convolution is input channels per group times the window elements that meet.
#[test]
fn q1_transposed_convolutions_declare_all_bits() {
    assert_eq!(declared_bits(3, 1, 1), 24.0);
    assert_eq!(declared_bits(3, 2, 1), 23.0);
    assert_eq!(declared_bits(4, 4, 2), 21.0);
}

/// 255 * 2 needs ten bits with its sign.
#[test]
fn q2_binary_weights_count_the_sign() {
    let fc = QuantLinear::builder("fc", 2, 1)
        .bias(false)
        .weight_quant(SignedBinaryWeightPerTensorConst)
        .with_parameters(Parameter::new(vec![1.0, 1.0], &[1, 2]), None)
        .unwrap();
    let identity =
        QuantIdentity::builder("in").act_quant(Uint8ActPerTensorFloat).max_val(1.0).build().unwrap();
    let x = identity.forward(&Activation::from_values(vec![1.0, 1.0], [1, 2])).unwrap();
    let y = fc.forward(&x).unwrap();
    let y = y.quant().unwrap();
    assert_eq!((y.codes().unwrap(), y.bit_width()), (vec![510], 10.0));
    assert!(y.is_valid());
}

#[test]
fn geometry_that_fits_no_input_is_refused_when_the_layer_is_built() {
    let refused = |error: Option<exactum_training::error::BuildError>, needed: &str| {
        let error = error.unwrap().to_string();
        assert!(error.contains("`conv`") && error.contains(needed), "{error}");
    };
    let init = &mut Init::from_seed(1);
    refused(QuantConv1d::builder("conv", 3, 4, 3).groups(2).build(init).err(), "groups that divide 3 input");
    refused(QuantConv2d::builder("conv", 2, 4, 3).stride([1, 0]).build(init).err(), "stride of at least 1");
    let transposed = QuantConvTranspose1d::builder("conv", 2, 4, 3).stride(2).output_padding(2);
    refused(transposed.build(init).err(), "output_padding below the stride");
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let conv = QuantConv1d::builder("conv", 2, 4, 3).build(&mut Init::from_seed(1)).unwrap();
    let error =
        |shape| conv.forward(&Activation::eval(Tensor::zeros(shape, &evaluation_device()))).err().unwrap();
    assert_eq!(
        error([1, 3, 5]).to_string(),
        "layer `conv`: found input of shape [1, 3, 5], needed [batch, 2, at least 3]"
    );
    assert!(matches!(error([1, 2, 2]), ForwardError::Shape { .. }));
    let conv =
        QuantConvTranspose1d::builder("conv", 2, 4, 3).padding(2).build(&mut Init::from_seed(1)).unwrap();
    let error =
        conv.forward(&Activation::eval(Tensor::zeros([1, 2, 1], &evaluation_device()))).err().unwrap();
    assert!(error.to_string().contains("at least 3"), "{error}");
}

#[test]
fn data_and_weights_must_be_finite() {
    let identity = QuantIdentity::builder("in").max_val(1.0).build().unwrap();
    for bad in [f32::NAN, f32::INFINITY] {
        let x = Activation::from_values(vec![0.0, bad], [1, 2]);
        for x in [Activation::train(x.value()), x] {
            let error = identity.forward(&x).err().unwrap();
            assert!(
                matches!(&error, ForwardError::NotFinite { layer, index: 1, .. } if layer == "in"),
                "{error}"
            );
        }
        let fc = QuantLinear::builder("fc", 2, 1)
            .with_parameters(Parameter::new(vec![0.5, bad], &[1, 2]), None)
            .unwrap();
        let x = Activation::from_values(vec![0.0, 0.5], [1, 2]);
        for x in [Activation::train(x.value()), x] {
            let error = fc.forward(&identity.forward(&x).unwrap()).err().unwrap();
            assert!(
                matches!(&error, ForwardError::NotFinite { layer, .. } if layer.starts_with("fc")),
                "{error}"
            );
        }
    }
}
