//! Each family of operators: what a file's node computes is what its definition says.

mod codes;
mod elementwise;
mod inputs;
mod layers;
mod moves;
mod pools;
mod quantizers;

use exactum_importer::graph::{Activation, Op, Type};
use exactum_qonnx::{Dim, ElemType, Graph as FileGraph, Node, TensorData};

use crate::evaluate::Numbers;
use crate::models::{Net, floats, numbers};

fn node<const N: usize>(op: &str, inputs: [&str; N]) -> Node {
    Node::new(op, inputs, ["y"]).named("node")
}

fn same(found: Numbers, shape: &[usize], data: &[f64]) {
    assert_eq!(found, Numbers::new(shape, data.to_vec()));
}

/// `x` after a quantizer with scale 1, so that layers have codes.
fn quantized(shape: &[usize]) -> Net {
    Net::new(shape)
        .number("one", 1.0)
        .number("zero", 0.0)
        .number("eight", 8.0)
        .node(Node::new("Quant", ["x", "one", "zero", "eight"], ["q"]).attr("signed", 1).attr("narrow", 0))
}

/// With a weight of small integers, quantized with scale 0.5, called `w`.
fn weighted(net: Net, shape: &[usize]) -> Net {
    let values: Vec<f32> = floats(shape.iter().product()).iter().map(|value| value / 2.0).collect();
    net.with("raw", shape, values)
        .number("half", 0.5)
        .number("four", 4.0)
        .node(Node::new("Quant", ["raw", "half", "zero", "four"], ["w"]).attr("signed", 1).attr("narrow", 1))
}

/// The weight of [`weighted`].
fn weight(count: usize) -> Vec<f64> {
    numbers(count).into_iter().map(|value| value / 2.0).collect()
}

#[test]
fn every_problem_of_a_file_is_told_at_once() {
    let report = Net::new(&[1, 4])
        .number("zero", 0.0)
        .node(Node::new("Unheard", ["x"], ["a"]).named("first"))
        .node(Node::new("Div", ["x", "zero"], ["b"]).named("second"))
        .node(Node::new("Unheard", ["a"], ["y"]).named("third"))
        .refused();
    for (name, code) in [("first", "E0201"), ("second", "E0103"), ("third", "E0201")] {
        assert!(report.lines().any(|line| line.contains(name) && line.contains(code)), "{report}");
    }
}

/// Where operands are not what an operator needs, reading says so and never panics.
#[test]
fn nodes_with_odd_operands_are_refused_or_read() {
    let operands = ["x", "none", "zero", "ints", "huge", "empty", "matrix", "text"];
    for op in exactum_importer::lift::support::OPERATORS {
        for first in operands {
            for second in operands {
                let mut graph = FileGraph::new("odd");
                let net = Net::new(&[1, 2, 3, 4])
                    .number("zero", 0.0)
                    .ints("ints", &[-1, 0, 3])
                    .ints("huge", &[i64::MAX, i64::MIN, 1 << 40])
                    .ints("empty", &[])
                    .with("matrix", &[2, 2], vec![f32::NAN, f32::INFINITY, -1.0, 0.0])
                    .with("text", &[1], TensorData::Strings(vec![b"a".to_vec()]));
                let operand = |name: &str| if name == "none" { String::new() } else { name.to_owned() };
                for attributes in 0..2 {
                    let inputs =
                        [operand(first), operand(second), operand(second), operand(second), operand(second)];
                    let mut node = Node::new(op.op, inputs, ["y"]);
                    if attributes == 1 {
                        for name in ["axis", "group", "blocksize", "keepdims", "k", "to"] {
                            node = node.attr(name, i64::MIN);
                        }
                        for name in
                            ["pads", "strides", "dilations", "kernel_shape", "axes", "starts", "ends", "perm"]
                        {
                            node = node.attr(name, [i64::MAX, -7]);
                        }
                    }
                    graph.nodes = vec![node.clone()];
                    let model = net.clone().node(node).model(&["y"]);
                    if let Ok(mut graph) = exactum_importer::lift::lift(&model) {
                        assert_eq!(graph.verify(), Ok(()), "{}", op.op);
                        let _ = crate::files::imported_passes(&mut graph);
                    }
                }
            }
        }
    }
}

/// The kinds of values that files have beside those of constants.
#[test]
fn results_are_floats() {
    let graph = quantized(&[1, 2]).node(node("Relu", ["q"])).graph();
    assert!(graph.nodes.iter().all(|node| graph.value(node.output).ty == Type::Float));
    assert!(graph.nodes.iter().any(|node| node.op == Op::Activation(Activation::Relu)));
}
