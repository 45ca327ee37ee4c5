//! Passes of the imported level on graphs that files give: what they leave, with the same results as before.

use exactum_importer::graph::Op;
use exactum_qonnx::Node;

use crate::models::Net;

fn quant(input: &str, output: &str) -> Node {
    Node::new("Quant", [input, "s", "z", "b"], [output]).attr("signed", 1).attr("narrow", 0).named(output)
}

fn net(shape: &[usize]) -> Net {
    Net::new(shape).number("s", 0.5).number("z", 0.0).number("b", 4.0)
}

/// A quantizer that reads a move ends before it, and nothing else has changed, which [`Net::output`] checks.
#[test]
fn quantizers_go_before_moves() {
    let moved = |net: Net| {
        net.output();
        net.operators()
    };
    let flat = net(&[1, 2, 3]).node(Node::new("Flatten", ["x"], ["f"])).node(Node::new("Relu", ["f"], ["r"]));
    assert_eq!(moved(flat.node(quant("r", "y"))), ["activation", "quant", "reshape"]);
    let turned = net(&[1, 2, 3]).node(Node::new("Transpose", ["x"], ["t"]).attr("perm", [0, 2, 1]));
    assert_eq!(moved(turned.node(quant("t", "y"))), ["quant", "transpose"]);
    let pool = Node::new("MaxPool", ["x"], ["p"]).attr("kernel_shape", [2, 2]);
    let pooled = net(&[1, 2, 3, 3]).node(pool.clone());
    assert_eq!(moved(pooled.node(quant("p", "y"))), ["quant", "max_pool"]);
    let falling = net(&[1, 2, 3, 3]).node(pool).node(Node::new("Neg", ["p"], ["n"]));
    assert_eq!(moved(falling.node(quant("n", "y"))), ["max_pool", "affine", "quant"]);
    let padded = net(&[1, 2]).node(Node::new("Pad", ["x"], ["p"]).attr("pads", [0, 1, 0, 1]));
    assert_eq!(moved(padded.node(quant("p", "y"))), ["quant", "pad"]);
}

#[test]
fn each_operand_of_a_join_gets_a_quantizer() {
    let joined =
        |net: Net| net.node(Node::new("Concat", ["l", "r"], ["c"]).attr("axis", 1)).node(quant("c", "y"));
    let reals = net(&[1, 3]).node(Node::new("Abs", ["x"], ["l"])).node(Node::new("Neg", ["x"], ["r"]));
    let reals = joined(reals);
    reals.output();
    assert_eq!(reals.operators(), ["activation", "affine", "quant", "quant", "concat"]);
    // Codes of one coding are joined as they are.
    let codes = joined(net(&[1, 3]).node(quant("x", "l")).node(quant("x", "r")));
    assert_eq!(codes.operators(), ["quant", "concat", "quant"]);
    // Those of two are not.
    let other = Node::new("Quant", ["x", "t", "z", "b"], ["r"]).attr("signed", 1).attr("narrow", 0);
    let codes = joined(net(&[1, 3]).number("t", 0.25).node(quant("x", "l")).node(other));
    codes.output();
    assert_eq!(codes.operators(), ["quant", "quant", "quant", "quant", "concat"]);
}

#[test]
fn constants_of_channels_follow_their_axis() {
    let scale = |net: Net, count: usize, shape: &[usize]| {
        net.with("c", shape, (1..=count).map(|i| i as f32).collect::<Vec<f32>>()).node(Node::new(
            "Mul",
            ["m", "c"],
            ["y"],
        ))
    };
    let axes = |net: Net| -> Vec<(usize, Vec<f64>)> {
        net.output();
        let ops = net.ops().into_iter();
        ops.filter_map(|op| match op {
            Op::Affine(affine) => Some((affine.axis, affine.multiply)),
            _ => None,
        })
        .collect()
    };
    let turned = net(&[1, 2, 3]).node(Node::new("Transpose", ["x"], ["m"]).attr("perm", [0, 2, 1]));
    assert_eq!(axes(scale(turned, 3, &[3, 1])), [(2, vec![1.0, 2.0, 3.0])]);
    let flat = net(&[1, 2, 3]).ints("shape", &[1, 1, 2, 3]).node(Node::new("Reshape", ["x", "shape"], ["m"]));
    assert_eq!(axes(scale(flat, 2, &[2, 1])), [(1, vec![1.0, 2.0])]);
    let joined = net(&[1, 2])
        .node(Node::new("Abs", ["x"], ["a"]))
        .node(Node::new("Concat", ["a", "x"], ["m"]).attr("axis", 1));
    assert_eq!(axes(scale(joined, 4, &[4])), [(1, vec![1.0, 2.0]), (1, vec![3.0, 4.0])]);
    // Merged with another axis, channels are none any more.
    let merged = net(&[1, 2, 3]).node(Node::new("Flatten", ["x"], ["m"]));
    let merged = scale(merged, 6, &[6]);
    merged.output();
    assert_eq!(merged.operators(), ["reshape", "affine"]);
}

#[test]
fn thresholds_of_joined_channels_are_parted() {
    let net = net(&[1, 2])
        .with("t", &[3, 2], vec![-4f32, 0.0, 1.0, 2.0, -1.0, 6.0])
        .ints("one", &[1])
        .ints("two", &[2])
        .node(Node::new("Slice", ["x", "one", "two", "one"], ["last"]))
        .node(Node::new("Concat", ["x", "last"], ["c"]).attr("axis", 1))
        .node(Node::new("MultiThreshold", ["c", "t"], ["y"]).attr("out_dtype", "UINT2"));
    net.output();
    assert_eq!(net.operators(), ["multi_threshold", "multi_threshold", "slice", "concat"]);
}

#[test]
fn padding_joins_its_layer() {
    let conv = |input: &str| Node::new("Conv", [input, "v"], ["y"]).attr("pads", [1, 0, 0, 0]);
    let weighted = |shape: &[usize]| {
        net(shape)
            .with("w", &[1, 1, 2, 2], vec![0.5f32, -1.0, 1.5, 2.0])
            .node(quant("w", "v"))
            .node(quant("x", "q"))
    };
    let padded =
        weighted(&[1, 1, 3, 3]).node(Node::new("Pad", ["q"], ["p"]).attr("pads", [0, 0, 1, 2, 0, 0, 0, 1]));
    let padded = padded.node(conv("p"));
    padded.output();
    assert_eq!(padded.operators(), ["quant", "conv"]);
    let Op::Conv(op) = &padded.ops()[1] else { panic!("no convolution") };
    assert_eq!(op.window.pads, [2, 2, 0, 1]);
    let average = Node::new("AveragePool", ["p"], ["y"]).attr("kernel_shape", [2]);
    let line =
        net(&[1, 1, 3]).node(Node::new("Pad", ["x"], ["p"]).attr("pads", [0, 0, 1, 0, 0, 1])).node(average);
    line.output();
    assert_eq!(line.operators(), ["reshape", "average_pool", "reshape"]);
    // A maximum would see the zeros.
    let largest = Node::new("MaxPool", ["p"], ["y"]).attr("kernel_shape", [2]);
    let line =
        net(&[1, 1, 3]).node(Node::new("Pad", ["x"], ["p"]).attr("pads", [0, 0, 1, 0, 0, 1])).node(largest);
    line.output();
    assert!(line.operators().contains(&"pad"));
}

#[test]
fn biases_of_transposed_convolutions_are_found() {
    let net = net(&[1, 1, 2, 2])
        .with("w", &[1, 2, 1, 1], vec![0.5f32, -1.0])
        .with("c", &[2, 1, 1], vec![1.0f32, 2.0])
        .node(quant("w", "v"))
        .node(quant("x", "q"))
        .node(Node::new("ConvTranspose", ["q", "v"], ["t"]))
        .node(Node::new("Add", ["t", "c"], ["y"]));
    net.output();
    assert_eq!(net.operators(), ["quant", "conv_transpose"]);
}
