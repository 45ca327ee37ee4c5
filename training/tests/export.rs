//! Exported models: their nodes, their constants, and that reading a written file gives the model back.

use exactum_qonnx::{Dim, Model, read, write};
use exactum_training::burn::{self, module::Module};
use exactum_training::models::{Arithmetic, digits_cnn, digits_mlp};
use exactum_training::nn::{QuantIdentity, QuantLinear};
use exactum_training::quant::{Int8ActPerTensorFloat, Int8WeightPerChannelFloat};
use exactum_training::{Activation, ExportError, ForwardError, Init, Network, to_qonnx};

fn operators(model: &Model) -> Vec<&str> {
    model.graph.nodes.iter().map(|node| node.op_type.as_str()).collect()
}

fn round_trip(model: &Model) {
    assert_eq!(model.check(), []);
    let bytes = write(model);
    assert_eq!(&read(&bytes).unwrap(), model);
    assert_eq!(write(model), bytes);
}

#[test]
fn perceptron() {
    let model = to_qonnx(&digits_mlp(Arithmetic::Quantized, 1).unwrap(), "digits_mlp").unwrap();
    round_trip(&model);
    let layer = ["Quant", "Quant", "Gemm", "Relu", "Quant"];
    let needed = [&["Quant"][..], &layer, &layer, &layer[..3]].concat();
    assert_eq!(operators(&model), needed);
    let gemm = &model.graph.nodes[3];
    assert_eq!(gemm.inputs, ["input_quant_out", "fc1.weight_quant_out", "fc1.bias_quant_out"]);
    assert_eq!(model.graph.initializer("fc1.weight").unwrap().shape, [64, 64]);
    assert_eq!(model.graph.initializer("fc1.bias_quant.scale").unwrap().shape, [1]);
    assert_eq!(model.graph.inputs[0].shape, Some(vec![Dim::Symbol("batch".into()), Dim::Known(64)]));
    assert_eq!(model.graph.outputs[0].shape, Some(vec![Dim::Symbol("batch".into()), Dim::Known(10)]));
    assert_eq!(model.opset_version("qonnx.custom_op.general"), Some(2));
}

#[test]
fn convolutional_network() {
    let model = to_qonnx(&digits_cnn(Arithmetic::Quantized, 1).unwrap(), "digits_cnn").unwrap();
    round_trip(&model);
    let block = ["Quant", "Quant", "Conv", "Relu", "Quant", "MaxPool"];
    let needed = [&["Quant"][..], &block, &block, &["Flatten", "Quant", "Quant", "Gemm"]].concat();
    assert_eq!(operators(&model), needed);
    assert_eq!(model.graph.initializer("conv2.weight_quant.scale").unwrap().shape, [16, 1, 1, 1]);
    assert_eq!(model.graph.initializer("conv2.bias_quant.scale").unwrap().shape, [16]);
    assert_eq!(model.graph.initializer("fc.weight_quant.scale").unwrap().shape, [10, 1]);
}

#[test]
fn bias_scale_is_the_rounded_product() {
    let model = to_qonnx(&digits_cnn(Arithmetic::Quantized, 1).unwrap(), "digits_cnn").unwrap();
    let scale = |name: &str| model.graph.initializer(name).unwrap().as_f32().unwrap().to_vec();
    let input = scale("input_quant.scale")[0];
    let product: Vec<f32> = scale("conv1.weight_quant.scale").iter().map(|weight| input * weight).collect();
    assert_eq!(scale("conv1.bias_quant.scale"), product);
}

/// A layer with a quantized output and without bias, or with the name of another one.
#[derive(Module, Debug)]
struct Custom {
    layers: Vec<QuantLinear>,
    input: QuantIdentity,
}

impl Custom {
    fn new(names: &[&str]) -> Self {
        let layer = |name: &&str| {
            QuantLinear::builder(*name, 3, 3)
                .bias(false)
                .weight_quant(Int8WeightPerChannelFloat)
                .output_quant(Int8ActPerTensorFloat)
                .build(&mut Init::from_seed(5))
                .unwrap()
        };
        Self {
            layers: names.iter().map(layer).collect(),
            input: QuantIdentity::builder("in").build().unwrap(),
        }
    }
}

impl Network<2> for Custom {
    fn input_shape(&self) -> [usize; 2] {
        [1, 3]
    }

    fn forward(&self, x: &Activation<2>) -> Result<Activation<2>, ForwardError> {
        self.layers.iter().try_fold(self.input.forward(x)?, |x, layer| layer.forward(&x))
    }
}

#[test]
fn without_bias_and_with_quantized_output() {
    let model = to_qonnx(&Custom::new(&["a", "b"]), "custom").unwrap();
    round_trip(&model);
    assert_eq!(operators(&model), ["Quant", "Quant", "Gemm", "Quant", "Quant", "Gemm", "Quant"]);
    assert_eq!(model.graph.nodes[2].inputs.len(), 2);
    assert_eq!(model.graph.nodes[6].outputs, ["output"]);
}

#[test]
fn equal_names_are_refused() {
    let error = to_qonnx(&Custom::new(&["a", "a"]), "custom").unwrap_err();
    assert_eq!(error, ExportError::DuplicateName { name: "a".into() });
}

#[test]
fn float_networks_have_no_quantizers() {
    let model = to_qonnx(&digits_mlp(Arithmetic::Float, 1).unwrap(), "float").unwrap();
    round_trip(&model);
    assert_eq!(operators(&model), ["Gemm", "Relu", "Gemm", "Relu", "Gemm"]);
}
