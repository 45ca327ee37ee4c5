//! The tutorial's exports: flavours, node lists, constants, refusals and warnings.

mod common;

use common::{GOLDEN, floats, parameter};
use exactum_qonnx::{AttributeValue, Model, Node, TensorData, read, write};
use exactum_training::backend::Tensor;
use exactum_training::burn::{self, module::Module};
use exactum_training::export::warnings;
use exactum_training::nn::{
    QuantConv1d, QuantConvTranspose1d, QuantIdentity, QuantLinear, QuantReLU, QuantTanh,
};
use exactum_training::quant::{
    FloatToIntImplType, Int8ActPerTensorFloat, Int8BiasPerTensorFloatInternalScaling, Int16Bias, Scaling,
    SignedBinaryWeightPerTensorConst, ZeroPointImpl,
};
use exactum_training::{
    Activation, Component, ExportError, ForwardError, Init, Mode, Network, evaluate, to_qcdq, to_qonnx,
};
use std::sync::Arc;

/// The layer of the tutorial's first export: 4-bit weights, 8-bit input and output, 16-bit bias.
#[derive(Module, Debug)]
struct Conv {
    conv: QuantConv1d,
}

impl Network<3, 3> for Conv {
    fn input_shape(&self) -> [usize; 3] {
        [1, 2, 5]
    }

    fn forward(&self, x: &Activation<3>) -> Result<Activation<3>, ForwardError> {
        self.conv.forward(x)
    }
}

fn tutorial(weights_only: bool) -> Conv {
    let cell = &GOLDEN["c39_export_conv1d_w4a8_bias16"];
    let conv = QuantConv1d::builder("conv", 2, 4, 3).weight_bit_width(4);
    let conv = if weights_only {
        conv
    } else {
        conv.bias_quant(Int16Bias).input_quant(Int8ActPerTensorFloat).output_quant(Int8ActPerTensorFloat)
    };
    let conv = conv.with_parameters(parameter(&cell["weight"]), Some(parameter(&cell["bias"])));
    Conv { conv: conv.unwrap() }
}

/// Input quantizer, layer, activation.
#[derive(Module, Debug)]
struct Perceptron {
    input: QuantIdentity,
    fc: QuantLinear,
    relu: QuantReLU,
}

impl Network<2> for Perceptron {
    fn input_shape(&self) -> [usize; 2] {
        [1, 2]
    }

    fn forward(&self, x: &Activation<2>) -> Result<Activation<2>, ForwardError> {
        self.relu.forward(&self.fc.forward(&self.input.forward(x)?)?)
    }
}

fn perceptron(input: QuantIdentity, fc: QuantLinear) -> Perceptron {
    let relu = QuantReLU::builder("relu").bit_width(4).max_val(1.0).build().unwrap();
    Perceptron { input, fc, relu }
}

fn calibrated() -> QuantIdentity {
    QuantIdentity::builder("in").max_val(1.0).build().unwrap()
}

fn linear() -> QuantLinear {
    QuantLinear::builder("fc", 2, 4).bias_quant(Int16Bias).build(&mut Init::from_seed(1)).unwrap()
}

fn operators(model: &Model) -> Vec<&str> {
    model.graph.nodes.iter().map(|node| node.op_type.as_str()).collect()
}

fn constant(model: &Model, node: &Node, input: usize) -> Vec<f32> {
    model.graph.initializer(&node.inputs[input]).unwrap().as_f32().unwrap().to_vec()
}

fn node<'a>(model: &'a Model, name: &str) -> &'a Node {
    model.graph.nodes.iter().find(|node| node.name == name).unwrap()
}

/// A file that can be read back, whose nodes all fit their operators.
fn round_trip(model: &Model) {
    assert_eq!(model.check(), []);
    assert_eq!(&read(&write(model)).unwrap(), model);
}

#[test]
fn s81_there_are_several_flavours() {
    let network = perceptron(calibrated(), linear());
    let (qonnx, qcdq) = (to_qonnx(&network, "net").unwrap(), to_qcdq(&network, "net").unwrap());
    assert_eq!(operators(&qonnx), ["Quant", "Quant", "Quant", "Gemm", "Relu", "Quant"]);
    let dequantized = ["DequantizeLinear"; 2];
    let needed = [
        &["QuantizeLinear", "DequantizeLinear"][..],
        &dequantized,
        &["Gemm", "Relu", "QuantizeLinear", "Clip", "DequantizeLinear"],
    ];
    assert_eq!(operators(&qcdq), needed.concat());
    round_trip(&qonnx);
    round_trip(&qcdq);
    assert_eq!(qcdq.opset_version("qonnx.custom_op.general"), None);
}

/// A threshold that depends on the input in evaluation, too.
struct Dynamic;

impl Component for Dynamic {
    fn label(&self) -> String {
        "Dynamic()".into()
    }
}

impl Scaling for Dynamic {
    fn forward(&self, x: Option<&Tensor<2>>, _mode: Mode) -> Tensor<2> {
        x.map_or_else(|| Tensor::ones([1, 1], &Default::default()), |x| x.clone().abs().max_dim(1))
    }

    fn is_dynamic(&self) -> bool {
        true
    }
}

#[test]
fn s82_dynamic_scales_are_refused() {
    let input = QuantIdentity::builder("in").scaling_impl(Arc::new(Dynamic)).build().unwrap();
    let error = to_qonnx(&perceptron(input, linear()), "net").unwrap_err().to_string();
    assert!(error.contains("`in`") && error.contains("dynamic"), "{error}");
}

#[test]
fn s83_flavours_refuse_what_they_cannot_say() {
    let refused = |network: &Perceptron, name: &str, what: &str| {
        let error = to_qcdq(network, "net").unwrap_err();
        assert!(matches!(error, ExportError::Unsupported { .. }), "{error}");
        let error = error.to_string();
        assert!(error.contains(name) && error.contains(what), "{error}");
        to_qonnx(network, "net").unwrap();
    };
    let wide = QuantIdentity::builder("in").max_val(1.0).bit_width(9).build().unwrap();
    refused(&perceptron(wide, linear()), "`in`", "9 bits");
    let floor = QuantIdentity::builder("in")
        .max_val(1.0)
        .float_to_int_impl_type(FloatToIntImplType::Floor)
        .build()
        .unwrap();
    refused(&perceptron(floor, linear()), "`in`", "Floor");
    let binary = QuantLinear::builder("fc", 2, 4).bias(false).weight_quant(SignedBinaryWeightPerTensorConst);
    refused(
        &perceptron(calibrated(), binary.build(&mut Init::from_seed(1)).unwrap()),
        "fc.weight",
        "-1 and 1",
    );
    let dpu = QuantIdentity::builder("in")
        .max_val(1.0)
        .float_to_int_impl_type(FloatToIntImplType::Dpu)
        .build()
        .unwrap();
    let error = to_qonnx(&perceptron(dpu, linear()), "net").unwrap_err();
    assert!(matches!(&error, ExportError::Unsupported { flavour: "QONNX", .. }), "{error}");
}

/// Biases of 32-bit integers are taken to be in units of the accumulator, so others are bytes.
#[test]
fn standard_biases_with_a_scale_of_their_own_are_bytes() {
    let export = |bits| {
        let fc = QuantLinear::builder("fc", 2, 4)
            .bias_quant(Int8BiasPerTensorFloatInternalScaling)
            .bias_bit_width(bits)
            .build(&mut Init::from_seed(1))
            .unwrap();
        to_qcdq(&perceptron(calibrated(), fc), "net")
    };
    let codes = |model: &Model| model.graph.initializer("fc.bias_quant.codes").unwrap().data.clone();
    assert!(matches!(codes(&export(8).unwrap()), TensorData::I8(_)));
    let in_units = to_qcdq(&perceptron(calibrated(), linear()), "net").unwrap();
    assert!(matches!(codes(&in_units), TensorData::I32(_)));
    let error = export(9).unwrap_err().to_string();
    assert!(error.contains("`fc.bias_quant`") && error.contains("9 bits"), "{error}");
}

/// What a viewer shows: every value has a name, a type and a shape; the text form lists all nodes.
#[test]
fn s84_graphs_can_be_viewed() {
    let model = to_qonnx(&perceptron(calibrated(), linear()), "net").unwrap();
    for node in &model.graph.nodes {
        assert!(!node.name.is_empty());
    }
    for name in ["input", "in_out", "fc_out", "output"] {
        assert!(model.graph.value(name).unwrap().shape.is_some(), "{name}");
    }
    let text = model.to_string();
    for node in &model.graph.nodes {
        assert!(text.contains(&node.op_type) && text.contains(&node.outputs[0]), "{} in\n{text}", node.name);
    }
}

#[test]
fn s85_conv1d_with_four_quantizers() {
    let cell = &GOLDEN["c39_export_conv1d_w4a8_bias16"];
    let model = to_qonnx(&tutorial(false), "conv").unwrap();
    round_trip(&model);
    assert_eq!(operators(&model), ["Quant", "Quant", "Quant", "Conv", "Quant"]);
    let scales: Vec<f32> =
        [0, 1, 2, 4].iter().flat_map(|index| constant(&model, &model.graph.nodes[*index], 1)).collect();
    let needed = ["input_scale_uncalibrated", "weight_scale", "bias_scale", "output_scale_uncalibrated"];
    assert_eq!(scales, needed.iter().flat_map(|name| floats(&cell[*name])).collect::<Vec<_>>());
    let bits: Vec<f32> =
        [0, 1, 2, 4].iter().flat_map(|index| constant(&model, &model.graph.nodes[*index], 3)).collect();
    assert_eq!(bits, [8.0, 4.0, 16.0, 8.0]);
    // The stored weight is quantized already.
    let weight = model.graph.initializer("conv.weight").unwrap().as_f32().unwrap();
    let scale = floats(&cell["weight_scale"])[0];
    assert!(weight.iter().all(|value| (value / scale).round() * scale == *value));
    // Scales that nobody calibrated: one warning per activation quantizer.
    let paths: Vec<String> = warnings(&tutorial(false)).into_iter().map(|warning| warning.path).collect();
    assert_eq!(paths.len(), 2, "{paths:?}");
    assert!(paths[0].starts_with("conv.input_quant") && paths[1].starts_with("conv.output_quant"));
    assert_eq!(warnings(&perceptron(calibrated(), linear())), []);
}

#[test]
fn s86_quant_nodes_say_everything() {
    let floor = QuantIdentity::builder("in")
        .max_val(0.7)
        .bit_width(5)
        .narrow_range(true)
        .float_to_int_impl_type(FloatToIntImplType::Floor)
        .build()
        .unwrap();
    let model = to_qonnx(&perceptron(floor, linear()), "net").unwrap();
    round_trip(&model);
    let quant = node(&model, "in");
    assert_eq!((constant(&model, quant, 2), constant(&model, quant, 3)), (vec![0.0], vec![5.0]));
    assert_eq!((quant.int("signed"), quant.int("narrow")), (Some(1), Some(1)));
    assert_eq!(quant.string("rounding_mode"), Some("FLOOR"));
    // Rounded down, 0.7 would lose its code if 15 steps were more.
    assert_eq!(constant(&model, quant, 1), [(0.7f32 / 15.0).next_down()]);
    let shifted = QuantIdentity::builder("in")
        .signed(false)
        .bit_width(6)
        .max_val(6.3)
        .zero_point_impl(ZeroPointImpl::Parameter)
        .zero_point_init(2.0)
        .build()
        .unwrap();
    let model = to_qonnx(&perceptron(shifted, linear()), "net").unwrap();
    round_trip(&model);
    let quant = node(&model, "in");
    let constants: Vec<f32> = [1, 2, 3].iter().flat_map(|input| constant(&model, quant, *input)).collect();
    assert_eq!(constants, [6.3f32 / 63.0, 20.0, 6.0]);
    assert_eq!((quant.int("signed"), quant.int("narrow")), (Some(0), Some(0)));
    assert_eq!(quant.string("rounding_mode"), Some("ROUND"));
}

/// A layer with all its quantizers, and the same quantizers as layers around it: one graph, but for names.
#[test]
fn s23_quantizers_inside_and_around_a_layer_are_one_graph() {
    #[derive(Module, Debug)]
    struct Around {
        input: QuantIdentity,
        fc: QuantLinear,
        output: QuantIdentity,
    }
    impl Network<2> for Around {
        fn input_shape(&self) -> [usize; 2] {
            [1, 2]
        }

        fn forward(&self, x: &Activation<2>) -> Result<Activation<2>, ForwardError> {
            self.output.forward(&self.fc.forward(&self.input.forward(x)?)?)
        }
    }
    let float = || QuantIdentity::builder("float").act_quant(None).build().unwrap();
    let linear = || QuantLinear::builder("fc", 2, 4).bias_quant(Int16Bias);
    let inside = linear()
        .input_quant(Int8ActPerTensorFloat)
        .input_max_val(1.0)
        .output_quant(Int8ActPerTensorFloat)
        .output_max_val(0.5)
        .build(&mut Init::from_seed(1))
        .unwrap();
    let inside = Around { input: float(), fc: inside, output: float() };
    let output = QuantIdentity::builder("out").max_val(0.5).build().unwrap();
    let fc = linear().build(&mut Init::from_seed(1)).unwrap();
    let around = Around { input: calibrated(), fc, output };
    let constants = |model: &Model| -> Vec<Vec<f32>> {
        let quants = model.graph.nodes.iter().filter(|node| node.op_type == "Quant");
        quants.flat_map(|quant| [1, 2, 3].map(|input| constant(model, quant, input))).collect()
    };
    let networks = [&inside, &around];
    for [inside, around] in [
        networks.map(|network| to_qonnx(network, "net").unwrap()),
        networks.map(|network| to_qcdq(network, "net").unwrap()),
    ] {
        round_trip(&inside);
        assert_eq!(operators(&inside), operators(&around));
        assert_eq!(constants(&inside), constants(&around));
    }
    let x: Vec<f32> = (0..64).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0).collect();
    let [inside, around] = networks.map(|network| evaluate(network, &x).unwrap());
    assert_eq!(inside.integers.unwrap().codes, around.integers.unwrap().codes);
}

#[test]
fn s87_weights_only() {
    let model = to_qonnx(&tutorial(true), "conv").unwrap();
    round_trip(&model);
    assert_eq!(operators(&model), ["Quant", "Conv"]);
    assert_eq!(model.graph.nodes[1].inputs, ["input", "conv.weight_quant_out", "conv.bias"]);
    let quant = &model.graph.nodes[0];
    let constants: Vec<f32> = [1, 2, 3].iter().flat_map(|input| constant(&model, quant, *input)).collect();
    let cell = &GOLDEN["c39_export_conv1d_w4a8_bias16"];
    assert_eq!(constants, [floats(&cell["weight_scale"])[0], 0.0, 4.0]);
    assert_eq!((quant.int("signed"), quant.int("narrow")), (Some(1), Some(1)));
    assert_eq!(model.graph.initializer("conv.bias").unwrap().as_f32().unwrap(), floats(&cell["bias"]));
    let kernel = model.graph.nodes[1].attribute("kernel_shape");
    assert_eq!(kernel, Some(&AttributeValue::Ints(vec![3])));
}

/// The default exporter of Brevitas 0.13.4 writes `BipolarQuant` and `Gemm`, as we do. Its older one, which the tutorial
/// used, writes `Transpose` and `MatMul` instead of `Gemm` for linear layers without bias, whatever the quantizer: the
/// same product of the same weight, by a node more.
#[test]
fn s88_binary_weights_are_bipolar() {
    let binary = QuantLinear::builder("fc", 2, 4)
        .bias(false)
        .weight_quant(SignedBinaryWeightPerTensorConst)
        .build(&mut Init::from_seed(1))
        .unwrap();
    let model = to_qonnx(&perceptron(calibrated(), binary), "net").unwrap();
    round_trip(&model);
    assert_eq!(operators(&model), ["Quant", "BipolarQuant", "Gemm", "Relu", "Quant"]);
    let gemm = node(&model, "fc");
    assert_eq!(gemm.inputs, ["in_out", "fc.weight_quant_out"]);
    assert_eq!((gemm.int("transA"), gemm.int("transB")), (Some(0), Some(1)));
    let weight = model.graph.initializer("fc.weight").unwrap().as_f32().unwrap();
    assert!(weight.iter().all(|value| value.abs() == 0.1));
    assert_eq!(constant(&model, node(&model, "fc.weight_quant"), 1), [0.1]);
}

/// Transposed convolutions and functions, too.
#[derive(Module, Debug)]
struct Decoder {
    input: QuantIdentity,
    conv: QuantConvTranspose1d,
    tanh: QuantTanh,
}

impl Network<3, 3> for Decoder {
    fn input_shape(&self) -> [usize; 3] {
        [1, 4, 5]
    }

    fn forward(&self, x: &Activation<3>) -> Result<Activation<3>, ForwardError> {
        self.tanh.forward(&self.conv.forward(&self.input.forward(x)?)?)
    }
}

#[test]
fn s89_domains_and_versions_are_those_of_qonnx() {
    let conv = QuantConvTranspose1d::builder("conv", 4, 6, 3)
        .stride(2)
        .padding(1)
        .output_padding(1)
        .groups(2)
        .weight_scaling_per_output_channel(true)
        .bias_quant(Int16Bias)
        .build(&mut Init::from_seed(1))
        .unwrap();
    let tanh = QuantTanh::builder("tanh").max_val(1.0).build().unwrap();
    let model = to_qonnx(&Decoder { input: calibrated(), conv, tanh }, "decoder").unwrap();
    round_trip(&model);
    assert_eq!(operators(&model), ["Quant", "Quant", "Quant", "ConvTranspose", "Tanh", "Quant"]);
    for node in &model.graph.nodes {
        let needed = if node.op_type == "Quant" { "qonnx.custom_op.general" } else { "" };
        assert_eq!(node.domain, needed);
    }
    let shape = |name: &str| model.graph.initializer(name).unwrap().shape.clone();
    assert_eq!(shape("conv.weight_quant.scale"), [1, 3, 1]);
    assert_eq!((shape("conv.weight"), shape("conv.bias_quant.scale")), (vec![4, 3, 3], vec![6]));
}
