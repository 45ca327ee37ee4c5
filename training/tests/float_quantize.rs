//! Float networks replaced by quantized ones: accuracy, exactness, export, and what is refused.

use std::fs;
use std::path::PathBuf;

use exactum_training::data::{Dataset, digits};
use exactum_training::float::{FloatGraph, GraphNetwork, QuantizeConfig, from_onnx, quantize};
use exactum_training::quant::RestrictValueType;
use exactum_training::{Activation, Network, Parameter, evaluate, layers, named_parameters, to_qonnx};

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

/// Passes in training mode over `samples` of the data, in batches.
fn collect<const D: usize>(network: &GraphNetwork<D>, data: &[f32], batches: usize)
where
    Activation<D>: exactum_training::float::Ranked,
{
    let mut shape = network.input_shape();
    let elems: usize = shape.iter().skip(1).product();
    for batch in data.chunks(data.len() / elems / batches * elems).take(batches) {
        shape[0] = batch.len() / elems;
        let x = Activation::from_values(batch.to_vec(), shape);
        network.forward(&Activation::train(x.value())).unwrap();
    }
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
            let config = QuantizeConfig::default()
                .restrict_scaling_type(kind)
                .per_channel(per_channel)
                .collect_stats_steps(8);
            let network: GraphNetwork<4> = quantize(&graph, &config).unwrap();
            collect(&network, &data.train.inputs, 8);
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
    collect(&network, &digits::load().unwrap().train.inputs, 4);
    let model = to_qonnx(&network, "digits").unwrap();
    assert_eq!(model.check(), []);
    let operators: Vec<&str> = model.graph.nodes.iter().map(|node| node.op_type.as_str()).collect();
    let conv = ["Quant", "Quant", "Conv", "Relu", "Quant", "MaxPool"];
    let needed = [&["Quant"][..], &conv, &conv, &["Flatten", "Quant", "Quant", "Gemm"]].concat();
    assert_eq!(operators, needed);
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
