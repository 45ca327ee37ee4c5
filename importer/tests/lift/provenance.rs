//! Where values and nodes of every level come from: each knows the file's, whatever it is called or shaped like, and
//! `verify --layers` compares every value that model and program both have.

use std::collections::BTreeSet;

use exactum_importer::batch::Batch;
use exactum_importer::container::Container;
use exactum_importer::graph::{Graph, Op, Type};
use exactum_importer::npy::Array;
use exactum_importer::reference::Reference;
use exactum_importer::trace::{Exact, Float, HostProgram, LayerComparison, compare};
use exactum_importer::{Compiled, compile};
use exactum_qonnx::{Graph as FileGraph, Model, Node, ValueInfo};

use crate::models::{Net, floats};

/// Samples that values are compared on.
const SAMPLES: usize = 3;

fn net(shape: &[usize]) -> Net {
    Net::new(shape).number("one", 1.0).number("half", 0.5).number("zero", 0.0).number("eight", 8.0)
}

/// Quantizes `x` to `y` with the scale that is called `scale`.
fn quant(x: &str, y: &str, scale: &str) -> Node {
    let node = Node::new("Quant", [x, scale, "zero", "eight"], [y]).named("quant");
    node.attr("signed", 1).attr("narrow", 0).attr("rounding_mode", "ROUND")
}

/// With a convolution of a 3x3 window from `x` to the codes `y`, whose weights no other has.
fn conv(net: Net, x: &str, y: &str, channels: [usize; 2], scale: &str) -> Net {
    let shape = [channels[1], channels[0], 3, 3];
    let seed = y.bytes().map(usize::from).sum::<usize>();
    let weights: Vec<f32> =
        (0..shape.iter().product()).map(|i: usize| ((i * 5 + seed) % 7) as f32 - 3.0).collect();
    let [weight, codes, sum] = ["w", "q", "sum"].map(|part| format!("{y}.{part}"));
    net.with(&weight, &shape, weights)
        .node(quant(&weight, &codes, "one"))
        .node(Node::new("Conv", [x, &codes], [&sum]).named("conv").attr("pads", [1, 1, 1, 1]))
        .node(quant(&sum, y, scale))
}

/// Layers of one shape whose nodes have one name.
fn equal_names_and_shapes() -> Model {
    let net = net(&[1, 4, 3, 3]).number("big", 8.0).node(quant("x", "a", "one"));
    let net = conv(net, "a", "b", [4, 4], "big");
    let net = conv(net, "b", "c", [4, 4], "big");
    conv(net, "c", "y", [4, 4], "big").model(&["y"])
}

/// Values that are read both channels first and channels last.
fn transposed_twins() -> Model {
    let net = net(&[1, 3, 4, 4]).number("big", 8.0).node(quant("x", "a", "one"));
    let net = conv(net, "a", "b", [3, 3], "big");
    conv(net, "b", "c", [3, 3], "big").model(&["a", "b", "c"])
}

/// Activations that are part of a layer.
fn fused_away() -> Model {
    let net = net(&[1, 2, 3, 3]).number("big", 8.0).node(quant("x", "a", "one"));
    let weights = floats(36);
    net.with("w", &[2, 2, 3, 3], weights)
        .node(quant("w", "wq", "one"))
        .node(Node::new("Conv", ["a", "wq"], ["sum"]).attr("pads", [1, 1, 1, 1]))
        .node(Node::new("Relu", ["sum"], ["relu"]))
        .node(quant("relu", "y", "big"))
        .model(&["y"])
}

/// Channels that go two ways and are joined in the other order.
fn split_channels() -> Model {
    let net = net(&[1, 4, 3, 3]).number("big", 8.0).ints("parts", &[2, 2]).node(quant("x", "a", "one"));
    let net = net.node(Node::new("Split", ["a", "parts"], ["left", "right"]).named("split").attr("axis", 1));
    let net = conv(net, "left", "b", [2, 2], "big");
    let net = conv(net, "right", "c", [2, 2], "big");
    net.node(Node::new("Concat", ["c", "b"], ["y"]).named("concat").attr("axis", 1)).model(&["y"])
}

/// A branch that is known to be taken, in which names of the graph around it occur again.
fn branch_inside() -> Model {
    let branch = |scale: &str| {
        let mut graph = FileGraph::new("branch");
        graph.nodes.push(Node::new("Relu", ["a"], ["r"]).named("quant"));
        graph.nodes.push(quant("r", "b", scale));
        graph.outputs.push(ValueInfo { name: "b".to_owned(), ..ValueInfo::default() });
        graph
    };
    net(&[1, 6])
        .with("yes", &[], vec![true])
        .node(quant("x", "a", "half"))
        .node(
            Node::new("If", ["yes"], ["y"])
                .named("quant")
                .attr("then_branch", branch("one"))
                .attr("else_branch", branch("half")),
        )
        .model(&["y"])
}

/// One value under two names of outputs.
fn two_outputs_of_one_value() -> Model {
    let net = net(&[1, 2, 3, 3]).number("big", 8.0).node(quant("x", "a", "one"));
    let net = conv(net, "a", "b", [2, 2], "big");
    net.node(Node::new("Identity", ["b"], ["y"])).model(&["b", "y"])
}

/// Two inputs of one shape.
fn two_equal_inputs() -> Model {
    net(&[1, 5])
        .input("other", &[1, 5])
        .node(quant("x", "a", "one"))
        .node(quant("other", "b", "one"))
        .node(Node::new("Sub", ["a", "b"], ["d"]))
        .node(quant("d", "y", "one"))
        .model(&["y"])
}

/// One input that two quantizers read.
fn one_input_quantized_twice() -> Model {
    net(&[1, 5])
        .node(quant("x", "a", "one"))
        .node(quant("x", "b", "half"))
        .node(Node::new("Add", ["a", "b"], ["d"]))
        .node(quant("d", "y", "one"))
        .model(&["y"])
}

/// A residual sum of values of one shape.
fn residual() -> Model {
    let net = net(&[1, 3, 3, 3]).number("big", 8.0).node(quant("x", "a", "one"));
    let net = conv(net, "a", "b", [3, 3], "big");
    net.node(Node::new("Add", ["b", "a"], ["d"])).node(quant("d", "y", "one")).model(&["y"])
}

fn kinds() -> Vec<(&'static str, Model)> {
    vec![
        ("equal names and shapes", equal_names_and_shapes()),
        ("transposed twins", transposed_twins()),
        ("fused away", fused_away()),
        ("split channels", split_channels()),
        ("branch inside", branch_inside()),
        ("two outputs of one value", two_outputs_of_one_value()),
        ("two equal inputs", two_equal_inputs()),
        ("one input quantized twice", one_input_quantized_twice()),
        ("residual", residual()),
    ]
}

fn compiled(kind: &str, model: &Model) -> Compiled {
    compile(model).unwrap_or_else(|report| panic!("{kind}: {report}"))
}

/// Samples of every input that is read; no two inputs and no two samples are equal.
fn arrays(compiled: &Compiled) -> Vec<Array> {
    let ports = compiled.interface.read_inputs().into_iter().enumerate();
    ports
        .map(|(input, port)| {
            let mut shape = port.shape.clone();
            shape[0] = SAMPLES;
            let elems = SAMPLES * port.elems();
            let values = (0..elems).map(|i| ((i * 13 + input * 5) % 23) as f64 * 0.75 - 8.0).collect();
            Array { shape, values }
        })
        .collect()
}

fn compared(kind: &str, model: &Model, float: bool) -> (Compiled, LayerComparison) {
    let compiled = compiled(kind, model);
    let container = Container::of_source(&compiled, model, [0; 32]);
    let arrays = arrays(&compiled);
    let batch = Batch::new(&compiled.interface, &arrays).unwrap_or_else(|report| panic!("{kind}: {report}"));
    let reference = Reference::new(&compiled.quantized);
    let mut exact = Exact::new(&reference, &batch);
    let graph = &compiled.quantized;
    let comparison = if float {
        compare(graph, &reference, &batch, &mut exact, &mut Float::new(&compiled, &batch), || {})
    } else {
        let mut host = HostProgram::new(&compiled, container.program(), &batch);
        compare(graph, &reference, &batch, &mut exact, &mut host, || {})
    };
    (compiled, comparison)
}

#[test]
fn every_node_knows_nodes_of_the_file() {
    for (kind, model) in kinds() {
        let compiled = compiled(kind, &model);
        let mut names: BTreeSet<String> = model.graph.nodes.iter().map(|node| node.label()).collect();
        names.extend(["quant/quant", "sum", "relu", "y", "d"].map(str::to_owned));
        for graph in [&compiled.imported, &compiled.quantized, &compiled.integer, &compiled.scheduled] {
            for (index, node) in graph.nodes.iter().enumerate() {
                assert!(!node.origin.is_empty(), "{kind}, {}: {} {node:?}", graph.level.name(), node.name);
                assert!(node.origin.iter().all(|id| graph.file.contains_key(id)), "{kind}: {node:?}");
                let place = graph.location(index).node.unwrap();
                let of_file = &model.graph.nodes[place.index];
                let inside = of_file.op_type == "If";
                assert!(place.in_file && (inside || of_file.op_type == place.op), "{kind}: {place:?}");
                assert!(names.contains(&place.name), "{kind}: {place:?}");
            }
        }
        for op in &compiled.ops {
            assert!(!op.nodes.is_empty() && op.origin.len() >= op.nodes.len(), "{kind}: {op:?}");
        }
    }
}

/// Whether the program never stores the sums `id`: their one reader takes them as they are made.
fn stays_in_registers(graph: &Graph, name: &str) -> bool {
    let mut values = graph.values.iter().enumerate().filter(|(_, value)| value.name == name);
    let sums = |(index, value): (usize, &exactum_importer::graph::Value)| {
        let id = exactum_importer::graph::ValueId::new(index);
        let readers: Vec<usize> = graph.consumers(id).collect();
        matches!(value.ty, Type::Accumulators { .. })
            && !graph.outputs.contains(&id)
            && matches!(readers[..], [reader] if matches!(graph.nodes[reader].op, Op::Requantize(_)))
    };
    values.any(sums)
}

#[test]
fn every_value_that_both_sides_have_is_compared() {
    for (kind, model) in kinds() {
        let (compiled, comparison) = compared(kind, &model, false);
        assert_eq!(comparison.differing(), 0, "{kind}: {comparison:?}");
        for row in &comparison.layers {
            let left_out = stays_in_registers(&compiled.quantized, &row.value);
            assert_eq!(row.elements == 0, left_out, "{kind}: {row:?}\n{}", compiled.scheduled);
        }
        assert!(comparison.compared() > 1, "{kind}: {comparison:?}");
    }
}

/// What floats compute is told with the same values: nothing is rounded here, so they agree.
#[test]
fn floats_have_every_value_of_the_file() {
    for (kind, model) in kinds() {
        let (_, comparison) = compared(kind, &model, true);
        assert_eq!(comparison.differing(), 0, "{kind}: {comparison:?}");
        assert!(comparison.layers.iter().all(|row| row.elements > 0), "{kind}: {comparison:?}");
    }
}

/// Values of one shape are told apart: exchanging the weights of two layers of one name changes the rows of both.
#[test]
fn values_of_one_name_and_shape_are_told_apart() {
    let model = equal_names_and_shapes();
    let compiled = compiled("equal names and shapes", &model);
    let reference = Reference::new(&compiled.quantized);
    let arrays = arrays(&compiled);
    let batch = Batch::new(&compiled.interface, &arrays).unwrap();
    let values = reference.trace(&batch.sample(0)).unwrap();
    let codes: Vec<&Vec<i64>> = compiled
        .quantized
        .nodes
        .iter()
        .filter(|node| matches!(node.op, Op::Requantize(_)))
        .map(|node| &values[node.output.index()])
        .collect();
    assert_eq!(codes.len(), 3);
    assert!(
        codes.iter().enumerate().all(|(at, one)| codes[..at].iter().all(|other| one != other)),
        "{codes:?}"
    );
}

/// A problem of a node that was made of another names the file's node, with its place there.
#[test]
fn problems_name_the_files_node() {
    let unquantized = net(&[1, 4])
        .with("w", &[4, 4], floats(16))
        .node(quant("x", "a", "one"))
        .node(quant("w", "wq", "one"))
        .node(Node::new("MatMul", ["a", "wq"], ["m"]).named("first"))
        .node(Node::new("Selu", ["m"], ["s"]).named("between"))
        .node(Node::new("MatMul", ["s", "wq"], ["y"]).named("second"))
        .model(&["y"]);
    let report = compile(&unquantized).unwrap_err().in_model("net.onnx", &unquantized);
    let [problem] = report.diagnostics() else { panic!("{report}") };
    let node = problem.at.node.as_ref().unwrap();
    assert_eq!((node.index, node.op.as_str(), node.name.as_str()), (4, "MatMul", "second"), "{report}");
    assert!(problem.excerpt.iter().any(|line| line.contains("second")), "{:?}", problem.excerpt);
    // Nodes of one name are told apart by their places.
    let twice = net(&[1, 4])
        .with("w", &[4, 4], floats(16))
        .with("bad", &[], vec![-1.0f32])
        .node(quant("x", "a", "one"))
        .node(quant("w", "wq", "one"))
        .node(Node::new("MatMul", ["a", "wq"], ["m"]))
        .node(quant("m", "y", "bad"))
        .model(&["y"]);
    let report = compile(&twice).unwrap_err().in_model("net.onnx", &twice);
    assert_eq!(report.diagnostics()[0].at.node.as_ref().map(|node| node.index), Some(3), "{report}");
}

#[test]
fn a_branch_that_is_not_taken_leaves_nothing() {
    let model = branch_inside();
    let compiled = compiled("branch inside", &model);
    // The quantizer outside, and the two nodes of the branch within the one node of the file.
    assert_eq!(compiled.imported.file.len(), 4, "{}", compiled.imported);
    let within = compiled.imported.file.values().filter(|node| node.within.is_some()).count();
    assert_eq!(within, 2);
}
