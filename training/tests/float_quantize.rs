//! Float networks replaced by quantized ones: accuracy, exactness, export, and what is refused.

mod common;

use common::relative_distance;
use std::fs;
use std::path::PathBuf;

use exactum_training::calibrate::{CalibrateConfig, calibrate_model};
use exactum_training::data::{Dataset, digits};
use exactum_training::float::{
    FloatGraph, FloatNode, FloatOp, GraphNetwork, QuantizeConfig, from_onnx, quantize, summarize, value_trace,
};
use exactum_training::nn::{Flatten, MaxPool1d, QuantConv1d, QuantConvTranspose1d, QuantLinear};
use exactum_training::quant::RestrictValueType;
use exactum_training::{Activation, Init, Network, Parameter, evaluate, layers, named_parameters, to_qonnx};

fn graph(name: &str) -> FloatGraph {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "../tests/fixtures/float", name, "model.onnx"].iter().collect();
    from_onnx(&exactum_qonnx::read(&fs::read(path).unwrap()).unwrap()).unwrap()
}

fn classes(outputs: &[f32], classes: usize) -> Vec<usize> {
    let largest = |row: &[f32]| (0..classes).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap();
    outputs.chunks(classes).map(largest).collect()
}

fn accuracy(found: &[usize], data: &Dataset) -> f64 {
    let right = found.iter().zip(&data.labels).filter(|(found, label)| found == label).count();
    right as f64 / data.len_samples() as f64
}

/// Calibrates with inputs in `batches` batches.
fn calibrate(network: &GraphNetwork<4>, data: &[f32], batches: usize, bias_correction: bool) {
    let shape = network.input_shape();
    let elems: usize = shape.iter().skip(1).product();
    let batches = data.chunks((data.len() / elems).div_ceil(batches) * elems).map(|values| {
        let shape = [values.len() / elems, shape[1], shape[2], shape[3]];
        Activation::from_values(values.to_vec(), shape).value()
    });
    let config = CalibrateConfig { bias_correction, ..CalibrateConfig::default() };
    calibrate_model(network, batches, &config).unwrap();
}

#[test]
fn s90_layers_of_a_float_network_are_replaced_by_quantized_ones() {
    let network: GraphNetwork<4> = quantize(&graph("digits_dynamo"), &QuantizeConfig::default()).unwrap();
    let labels: Vec<String> = layers(&network).iter().map(|layer| layer.component.label()).collect();
    let kinds: Vec<&str> = labels.iter().filter_map(|label| label.split('(').next()).collect();
    let conv = ["QuantConv2d", "QuantReLU", "MaxPool2d"];
    assert_eq!(kinds, [&["QuantIdentity"][..], &conv, &conv, &["Flatten", "QuantLinear"]].concat());
    let names: Vec<&str> = network.layer_names().collect();
    assert_eq!(names[0], "input_quant");
    assert_eq!(named_parameters(&network).len(), 3 + 6, "scales, weights and biases");
}

#[test]
fn quantization_to_8_bits_keeps_the_accuracy_of_the_float_network() {
    let data = digits::load().unwrap();
    for name in ["digits_legacy", "digits_dynamo"] {
        let graph = graph(name);
        let float = accuracy(&classes(&graph.run(&data.test.inputs).unwrap(), 10), &data.test);
        assert!(float > 0.98, "{name}: {float}");
        for (kind, per_channel) in [
            (RestrictValueType::Fp, false),
            (RestrictValueType::Fp, true),
            (RestrictValueType::PowerOfTwo, true),
        ] {
            let config = QuantizeConfig::default().restrict_scaling_type(kind).per_channel(per_channel);
            let network: GraphNetwork<4> = quantize(&graph, &config).unwrap();
            calibrate(&network, &data.train.inputs, 8, per_channel);
            let found = evaluate(&network, &data.test.inputs).unwrap();
            let quantized = accuracy(&found.classes, &data.test);
            assert!((float - quantized).abs() <= 0.005, "{name}, {kind:?}: {float} became {quantized}");
            assert!(found.integers.is_some(), "the last layer returns its accumulator");
        }
    }
}

#[test]
fn quantized_graphs_are_exported_like_networks_written_by_hand() {
    let network: GraphNetwork<4> = quantize(&graph("digits_legacy"), &QuantizeConfig::default()).unwrap();
    calibrate(&network, &digits::load().unwrap().train.inputs, 4, false);
    let model = to_qonnx(&network, "digits").unwrap();
    assert_eq!(model.check(), []);
    let operators: Vec<&str> = model.graph.nodes.iter().map(|node| node.op_type.as_str()).collect();
    let conv = ["Quant", "Quant", "Conv", "Relu", "Quant", "MaxPool"];
    let needed = [&["Quant"][..], &conv, &conv, &["Flatten", "Quant", "Quant", "Gemm"]].concat();
    assert_eq!(operators, needed);
}

/// ReLU6 clips at its largest code, whatever the data.
#[test]
fn s90_relu6_keeps_its_bound() {
    let network: GraphNetwork<4> = quantize(&graph("digits_legacy"), &QuantizeConfig::default()).unwrap();
    calibrate(&network, &digits::load().unwrap().train.inputs, 4, false);
    let summaries = summarize(&network, &vec![100.0; 64]).unwrap();
    let relu6 = summaries.iter().find(|summary| summary.kind == "QuantReLU").unwrap();
    assert_eq!(relu6.scales, [6.0 / 255.0]);
    let input = &summaries[0];
    assert_eq!((input.bits, input.signed, input.saturation), (8, true, Some(1.0)));
}

/// The copy trains on; the graph keeps its weights.
#[test]
fn weights_of_the_network_are_copies() {
    let graph = graph("digits_legacy");
    let before = graph.clone();
    let network: GraphNetwork<4> = quantize(&graph, &QuantizeConfig::default()).unwrap();
    let parameters: Vec<Parameter> =
        named_parameters(&network).into_iter().map(|named| named.parameter).collect();
    for parameter in parameters {
        parameter.set(vec![1.0; parameter.len_elems()]);
    }
    assert_eq!(graph, before);
}

#[test]
fn networks_of_another_rank_are_refused() {
    let error = quantize::<2, 2>(&graph("digits_legacy"), &QuantizeConfig::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "network `main_graph`: found `input` of shape [1, 1, 8, 8], needed 2 dimensions"
    );
}

/// A network of the activations that saturate; each ends in codes of its own quantizer.
#[test]
fn s90_saturating_activations_are_replaced() {
    let init = &mut Init::from_seed(9);
    let mut linear = |name: &str, inputs, outputs| {
        QuantLinear::builder(name, inputs, outputs).weight_quant(None).build(init).unwrap()
    };
    let layers = [linear("fc1", 4, 8), linear("fc2", 8, 8), linear("fc3", 8, 8), linear("fc4", 8, 3)];
    let inputs: Vec<f32> = (0..64 * 4).map(|index| (index * 29 % 97) as f32 / 30.0 - 1.6).collect();
    let x = Activation::from_values(inputs.clone(), [64, 4]);
    let graph = value_trace("saturating", x.value(), |x| {
        let x = layers[0].forward(x)?.tanh();
        let x = layers[1].forward(&x)?.sigmoid();
        layers[3].forward(&layers[2].forward(&x)?.hardtanh(-0.25, 0.25))
    })
    .unwrap();
    let network: GraphNetwork<2> = quantize(&graph, &QuantizeConfig::default().per_channel(true)).unwrap();
    calibrate_model(&network, [x.value()], &CalibrateConfig::default()).unwrap();
    let kinds: Vec<String> = network.layers().map(|(_, layer)| layer.kind()).collect();
    let fc = "QuantLinear";
    assert_eq!(kinds, ["QuantIdentity", fc, "QuantTanh", fc, "QuantSigmoid", fc, "QuantHardTanh", fc]);
    let expected = graph.run(&inputs).unwrap();
    let found = evaluate(&network, &inputs).unwrap();
    assert!(found.integers.is_some());
    let distance = relative_distance(&found.values, &expected);
    assert!(distance < 0.02, "{distance}");
}

/// Convolutions over one dimension and transposed ones, between a pool and a classifier.
#[test]
fn s90_one_dimensional_and_transposed_layers_are_replaced() {
    let init = &mut Init::from_seed(7);
    let conv = QuantConv1d::builder("conv", 2, 4, 3).padding(1).weight_quant(None).build(init).unwrap();
    let up = QuantConvTranspose1d::builder("up", 4, 3, 2).stride(2).weight_quant(None).build(init).unwrap();
    let pool = MaxPool1d::new("pool", [3], [2]).padding([1]);
    let fc = QuantLinear::builder("fc", 24, 3).weight_quant(None).build(init).unwrap();
    let inputs: Vec<f32> = (0..32 * 16).map(|index| (index * 29 % 97) as f32 / 50.0 - 1.0).collect();
    let x = Activation::from_values(inputs.clone(), [32, 2, 8]);
    let graph = value_trace("signal", x.value(), |x| {
        let x = up.forward(&conv.forward(x)?)?;
        fc.forward(&Flatten::new("flatten").forward(&pool.forward(&x)?))
    })
    .unwrap();
    let config = QuantizeConfig::default().per_channel(true);
    let network: GraphNetwork<3> = quantize(&graph, &config).unwrap();
    // Accumulators that need codes get a quantizer.
    let names: Vec<&str> = network.layer_names().collect();
    assert_eq!(
        names,
        ["input_quant", "conv", "conv_out_quant", "up", "up_out_quant", "pool", "flatten", "fc"]
    );
    calibrate_model(&network, [x.value()], &CalibrateConfig::default()).unwrap();
    let found = evaluate(&network, &inputs).unwrap();
    assert!(found.integers.is_some());
    let expected = graph.run(&inputs).unwrap();
    let distance = relative_distance(&found.values, &expected);
    assert!(distance < 0.02, "{distance}");
    let model = to_qonnx(&network, "signal").unwrap();
    let count = |operator| model.graph.nodes.iter().filter(|node| node.op_type == operator).count();
    assert_eq!(["Conv", "ConvTranspose", "MaxPool", "Gemm"].map(count), [1; 4]);
}

/// PyTorch's exporters reshape and transpose where layers of one dimension meet others.
#[test]
fn reshapes_of_pytorch_are_replaced() {
    let network = quantize::<2, 2>(&graph("signal_legacy"), &QuantizeConfig::default()).unwrap();
    let kinds: Vec<String> = network.layers().map(|(_, layer)| layer.kind()).collect();
    assert!(kinds.iter().any(|kind| kind == "Reshape"), "{kinds:?}");
}

#[test]
fn layers_that_cannot_be_quantized_are_named() {
    let graph = FloatGraph {
        name: "means".into(),
        input: "x".into(),
        input_shape: vec![1, 4],
        nodes: vec![FloatNode {
            name: "mean".into(),
            op: FloatOp::Mean { axes: vec![1], keep_dims: true },
            inputs: vec!["x".into()],
            output: "y".into(),
        }],
        output: "y".into(),
    };
    let error = quantize::<2, 2>(&graph, &QuantizeConfig::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "node `mean`: found operator Mean, needed a layer that can be quantized; transform or retrain the network \
         without it"
    );
}
