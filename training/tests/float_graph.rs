//! Float graphs: files of both PyTorch exporters compute what PyTorch computes, and transformations keep that.

use std::fs;
use std::path::PathBuf;

use exactum_host::npy;
use exactum_qonnx::{ElemType, Graph, Model, Node, Tensor, ValueInfo};
use exactum_training::float::transform::{self, EqualizeConfig, Transform};
use exactum_training::float::{FloatGraph, FloatGraphError, FloatOp, from_onnx};

const NETWORKS: [&str; 4] = ["digits", "residual", "activations", "signal"];
const EXPORTERS: [&str; 2] = ["legacy", "dynamo"];

fn path(name: &str, file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../tests/fixtures/float", name, file].iter().collect()
}

fn graph(name: &str) -> FloatGraph {
    let bytes = fs::read(path(name, "model.onnx")).unwrap();
    from_onnx(&exactum_qonnx::read(&bytes).unwrap()).unwrap()
}

fn array(name: &str, file: &str) -> Vec<f32> {
    npy::read(&fs::read(path(name, file)).unwrap()).unwrap().to_f32()
}

/// Samples for a network; those of the digits are the test set.
fn inputs(name: &str) -> Vec<f32> {
    if name.starts_with("digits") {
        exactum_training::data::digits::load().unwrap().test.inputs
    } else {
        array(name, "input.npy")
    }
}

/// Compares within a few roundings of sums.
fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let magnitude = expected.iter().fold(0f32, |largest, value| largest.max(value.abs()));
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let distance = (found - expected).abs();
        assert!(distance <= 2e-6 * magnitude, "{what}: output {index} is {found}, needed {expected}");
    }
}

fn names() -> Vec<String> {
    NETWORKS.iter().flat_map(|name| EXPORTERS.map(|exporter| format!("{name}_{exporter}"))).collect()
}

#[test]
fn files_of_both_exporters_compute_what_pytorch_computes() {
    for name in names() {
        assert_close(&graph(&name).run(&inputs(&name)).unwrap(), &array(&name, "output.npy"), &name);
    }
}

/// Every transformation, alone and in its place, keeps what each network computes, and does something somewhere.
#[test]
fn s92_graph_transformations_keep_the_function() {
    let mut changes = vec![0; transform::PREPROCESS.len()];
    for name in names() {
        let inputs = inputs(&name);
        let expected = array(&name, "output.npy");
        let mut in_sequence = graph(&name);
        for (index, Transform { name: transform, apply, .. }) in transform::PREPROCESS.iter().enumerate() {
            let mut alone = graph(&name);
            apply(&mut alone);
            assert_close(&alone.run(&inputs).unwrap(), &expected, &format!("{name} after {transform} alone"));
            changes[index] += apply(&mut in_sequence);
            let what = format!("{name} after {transform}");
            assert_close(&in_sequence.run(&inputs).unwrap(), &expected, &what);
        }
        assert!(
            !in_sequence.nodes.iter().any(|node| matches!(
                node.op,
                FloatOp::BatchNorm(_) | FloatOp::Identity | FloatOp::Dropout { .. } | FloatOp::Mean { .. }
            )) || name.starts_with("signal")
                || name.starts_with("activations"),
            "{in_sequence}"
        );
        let pairs = transform::equalize(&mut in_sequence, &EqualizeConfig::default());
        assert_close(
            &in_sequence.run(&inputs).unwrap(),
            &expected,
            &format!("{name} equalized over {pairs} pairs"),
        );
    }
    // Exporters leave these out; each has a test of its own.
    let alone =
        ["unique-names", "drop-identity", "collapse-consecutive-concats", "move-relu-before-max-pool"];
    let idle: Vec<&str> = transform::PREPROCESS
        .iter()
        .zip(changes)
        .filter(|(_, changes)| *changes == 0)
        .map(|(transform, _)| transform.name)
        .collect();
    assert_eq!(idle, alone);
}

fn model(nodes: Vec<Node>, initializers: Vec<Tensor>, input: &[usize]) -> Model {
    let mut graph = Graph::new("net");
    graph.inputs = vec![ValueInfo::new("x", ElemType::F32, input)];
    graph.outputs = vec![ValueInfo::new("y", ElemType::F32, &[])];
    graph.initializers = initializers;
    graph.nodes = nodes;
    Model::new(graph)
}

#[test]
fn s92_a_chain_of_concatenations_becomes_one() {
    let nodes = vec![
        Node::new("Relu", ["x"], ["a"]).named("relu"),
        Node::new("Sigmoid", ["x"], ["b"]).named("relu"),
        Node::new("Concat", ["a", "b"], ["ab"]).named("first").attr("axis", 1),
        Node::new("Tanh", ["x"], ["c"]).named("relu"),
        Node::new("Concat", ["c", "ab"], ["y"]).named("second").attr("axis", -3),
    ];
    let mut graph = from_onnx(&model(nodes, vec![], &[1, 2, 2, 1])).unwrap();
    let inputs = [0.5, -1.0, 2.0, 0.25];
    let before = graph.run(&inputs).unwrap();
    assert_eq!(transform::collapse_consecutive_concats(&mut graph), 1);
    assert_eq!(graph.nodes.last().unwrap().inputs, ["c", "a", "b"]);
    assert_eq!(graph.run(&inputs).unwrap(), before);
    // The three activations were calls of one module.
    assert_eq!(transform::unique_names(&mut graph), 2);
    let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["relu", "relu_1", "relu_2", "second"]);
}

#[test]
fn s92_identities_disappear_and_rectifiers_precede_max_pools() {
    let pool = Node::new("MaxPool", ["b"], ["c"]).named("pool").attr("kernel_shape", [2, 2]);
    let nodes = vec![
        Node::new("Identity", ["x"], ["a"]).named("same"),
        Node::new("Dropout", ["a"], ["b"]).named("drop"),
        pool,
        Node::new("Relu", ["c"], ["d"]).named("relu"),
        Node::new("Identity", ["d"], ["y"]).named("end"),
    ];
    let mut graph = from_onnx(&model(nodes, vec![], &[1, 1, 2, 3])).unwrap();
    let inputs = [-0.5, -1.0, 2.0, -0.25, -3.0, 1.0];
    let before = graph.run(&inputs).unwrap();
    assert_eq!(transform::drop_identity(&mut graph), 3);
    assert_eq!(transform::move_relu_before_max_pool(&mut graph), 1);
    let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["relu", "pool"]);
    assert_eq!(graph.run(&inputs).unwrap(), before);
}

#[test]
fn s92_relu6_becomes_relu() {
    let mut graph = graph("digits_legacy");
    let inputs = inputs("digits_legacy");
    let bright: Vec<f32> = inputs.iter().map(|value| value * 10.0).collect();
    let before = (graph.run(&inputs).unwrap(), graph.run(&bright).unwrap());
    assert_eq!(transform::relu6_to_relu(&mut graph), 1);
    // The bound matters where it is reached, and nowhere else.
    assert!(graph.run(&inputs).unwrap() == before.0);
    assert!(graph.run(&bright).unwrap() != before.1);
}

/// Equalization makes the ranges of a channel equal on both sides.
#[test]
fn s92_equalization_balances_the_weights() {
    let mut graph = graph("digits_legacy");
    transform::preprocess(&mut graph).unwrap();
    transform::relu6_to_relu(&mut graph);
    assert_eq!(transform::equalize(&mut graph, &EqualizeConfig::default()), 2);
    let layers: Vec<_> = graph
        .nodes
        .iter()
        .filter_map(|node| match &node.op {
            FloatOp::Weighted(layer) => Some(layer),
            _ => None,
        })
        .collect();
    let range = |values: &mut dyn Iterator<Item = (usize, f32)>, channels: usize| {
        let mut ranges = vec![0f32; channels];
        values.for_each(|(channel, value)| ranges[channel] = ranges[channel].max(value.abs()));
        ranges
    };
    for pair in layers.windows(2) {
        let channels = pair[0].out_channels();
        let repeat = pair[1].in_channels() / channels;
        let outputs = range(&mut pair[0].elements().map(|(output, _, value)| (output, value)), channels);
        let inputs =
            range(&mut pair[1].elements().map(|(_, input, value)| (input / repeat, value)), channels);
        for (output, input) in outputs.iter().zip(inputs) {
            assert!((output / input - 1.0).abs() < 0.03, "{output} and {input}");
        }
    }
}

fn refusal(nodes: Vec<Node>, initializers: Vec<Tensor>) -> String {
    from_onnx(&model(nodes, initializers, &[1, 2, 4, 4])).unwrap_err().to_string()
}

#[test]
fn refusals_name_the_node_and_what_is_needed() {
    let gru = refusal(vec![Node::new("GRU", ["x"], ["y"]).named("encoder")], vec![]);
    assert!(gru.starts_with("node `encoder`: operator GRU is not supported"), "{gru}");
    let quant = Node::new("Quant", ["x"], ["y"]).named("q").in_domain("qonnx.custom_op.general");
    let quant = refusal(vec![quant], vec![]);
    assert!(quant.contains("Quant of domain qonnx.custom_op.general"), "{quant}");
    let weight = |shape: &[usize], value: f32| Tensor::new("w", shape, vec![value; shape.iter().product()]);
    let conv = |shape: &[usize], value| {
        refusal(vec![Node::new("Conv", ["x", "w"], ["y"]).named("conv")], vec![weight(shape, value)])
    };
    let channels = conv(&[3, 5, 1, 1], 0.5);
    assert_eq!(
        channels,
        "node `conv`: found Conv of inputs of shapes [[1, 2, 4, 4]], needed [batch, 5] and 2 spatial dimensions"
    );
    let large = conv(&[3, 2, 5, 5], 0.5);
    assert!(large.contains("spatial extents of at least [5, 5]"), "{large}");
    let nan = conv(&[1, 2, 1, 1], f32::NAN);
    assert!(nan.starts_with("node `conv`: element 0 of its weight is NaN"), "{nan}");
    let stride = Node::new("Conv", ["x", "w"], ["y"]).named("conv").attr("strides", [0, 1]);
    let stride = refusal(vec![stride], vec![weight(&[1, 2, 1, 1], 1.0)]);
    assert_eq!(stride, "node `conv`: found strides [0, 1], needed 2 numbers from 1 to 65535");
    let ceil = Node::new("AveragePool", ["x"], ["y"]).named("pool").attr("kernel_shape", [3, 3]);
    let ceil = refusal(vec![ceil.attr("strides", [2, 2]).attr("ceil_mode", 1)], vec![]);
    assert!(ceil.contains("ceil_mode 1"), "{ceil}");
    let undefined = refusal(vec![Node::new("Relu", ["z"], ["y"]).named("relu")], vec![]);
    assert!(undefined.contains("`z`, which nothing before it defines"), "{undefined}");
    let product = refusal(vec![Node::new("Mul", ["x", "x"], ["y"]).named("square")], vec![]);
    assert!(product.contains("node `square`: found Mul of two values"), "{product}");
}

/// Windows that would begin behind the input are none, and padding may be derived from the extents of the result.
#[test]
fn windows_are_as_the_operators_define_them() {
    let pool = Node::new("MaxPool", ["x"], ["y"]).attr("kernel_shape", [1, 1]).attr("strides", [1, 2]);
    let pool = pool.attr("pads", [0, 0, 0, 1]).attr("ceil_mode", 1);
    let graph = from_onnx(&model(vec![pool], vec![], &[1, 1, 1, 4])).unwrap();
    assert_eq!(graph.run(&[1.0, 2.0, 3.0, 4.0]).unwrap(), [1.0, 3.0]);
    let weight = Tensor::new("w", &[1, 1, 1, 3], vec![1.0f32, 2.0, 4.0]);
    let conv = Node::new("ConvTranspose", ["x", "w"], ["y"]).attr("auto_pad", "SAME_UPPER");
    let graph = from_onnx(&model(vec![conv], vec![weight], &[1, 1, 1, 3])).unwrap();
    assert_eq!(graph.run(&[1.0, 0.0, 10.0]).unwrap(), [2.0, 14.0, 20.0]);
}

#[test]
fn inputs_must_be_whole_samples_of_finite_numbers() {
    let graph = graph("digits_legacy");
    for (inputs, found) in [
        (vec![], "found 0 values"),
        (vec![0.0; 65], "found 65 values"),
        ([vec![0.0; 64], vec![f32::NAN; 64]].concat(), "found NaN in sample 1"),
    ] {
        let error = graph.run(&inputs).unwrap_err();
        assert!(
            matches!(error, FloatGraphError::Input { .. }) && error.to_string().contains(found),
            "{error}"
        );
    }
}
