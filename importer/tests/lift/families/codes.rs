//! Operators of standard quantized ONNX, whose values are integer codes.

use super::*;

/// `x` as 8-bit codes `c` of scale 0.5 and zero point 3.
fn coded(shape: &[usize]) -> Net {
    Net::new(shape)
        .number("s", 0.5)
        .with("z", &[], vec![3i8])
        .node(Node::new("QuantizeLinear", ["x", "s", "z"], ["c"]).named("quantize"))
}

fn decoded(net: Net, codes: &str) -> Net {
    net.node(node("DequantizeLinear", [codes, "s", "z"]))
}

#[test]
fn quantize_and_dequantize() {
    let net = decoded(coded(&[1, 4]), "c");
    assert_eq!(net.operators(), ["quant"]);
    // Rounding comes before the zero point: 0.25 and 0.75 go to the even codes 0 and 2 halves.
    assert_eq!(net.outputs(&[0.25, 0.75, 100.0, -100.0], &["y"])[0].data, [0.0, 1.0, 62.0, -65.5]);
    let other = coded(&[1, 2])
        .number("t", 2.0)
        .with("u", &[], vec![1i8])
        .node(node("DequantizeLinear", ["c", "t", "u"]));
    // Codes 5 and -1, less 1, by 2.
    assert_eq!(other.outputs(&[1.0, -2.0], &["y"])[0].data, [8.0, -4.0]);
}

#[test]
fn channels_of_codes() {
    let net = Net::new(&[1, 2, 1])
        .with("s", &[2], vec![0.5f32, 2.0])
        .with("z", &[2], vec![0u8, 10])
        .node(Node::new("QuantizeLinear", ["x", "s", "z"], ["c"]))
        .node(node("DequantizeLinear", ["c", "s", "z"]));
    assert_eq!(net.outputs(&[-3.0, -300.0], &["y"])[0].data, [0.0, -20.0]);
}

#[test]
fn codes_are_limited_in_their_quantizer() {
    let limited = coded(&[1, 3]).with("lo", &[], vec![-5i8]).with("hi", &[], vec![7i8]);
    let net = decoded(limited.node(Node::new("Clip", ["c", "lo", "hi"], ["d"])), "d");
    assert_eq!(net.operators(), ["quant"]);
    assert_eq!(net.outputs(&[100.0, -100.0, 1.0], &["y"])[0].data, [2.0, -4.0, 1.0]);
}

#[test]
fn moves_keep_codes() {
    let net = coded(&[1, 2, 2])
        .with("lo", &[], vec![3i8])
        .ints("flat", &[1, 4])
        .node(Node::new("Transpose", ["c"], ["t"]).attr("perm", [0, 2, 1]))
        .node(Node::new("Reshape", ["t", "flat"], ["r"]))
        .node(Node::new("Clip", ["r", "lo"], ["d"]));
    let net = decoded(net, "d");
    assert_eq!(net.outputs(&[1.0, -2.0, 3.0, 4.0], &["y"])[0].data, [1.0, 3.0, 0.0, 4.0]);
    let pad = coded(&[1, 1]).ints("p", &[0, 1, 0, 0]).node(Node::new("Pad", ["c", "p", "z"], ["d"]));
    assert_eq!(decoded(pad, "d").outputs(&[2.0], &["y"])[0].data, [0.0, 2.0]);
    let reals = coded(&[1, 2]).node(node("Sigmoid", ["c"])).refused();
    assert!(reals.contains("DequantizeLinear"), "{reals}");
}

#[test]
fn constants_of_codes() {
    let net = decoded(coded(&[1, 2]), "c");
    let model = net
        .with("w", &[2, 2], vec![10i8, 0, 4, 6])
        .with("ws", &[2], vec![0.5f32, 0.25])
        .with("wz", &[2], vec![2i8, 4])
        .with("b", &[2], vec![8i32, -4])
        .with("bs", &[2], vec![0.25f32, 0.125])
        .node(Node::new("DequantizeLinear", ["w", "ws", "wz"], ["v"]).attr("axis", 0))
        .node(Node::new("DequantizeLinear", ["b", "bs"], ["bias"]).attr("axis", 0))
        .node(Node::new("Gemm", ["y", "v", "bias"], ["out"]).attr("transB", 1));
    // Weights 4, -1 and 0, 0.5; biases 2 and -0.5.
    assert_eq!(model.outputs(&[1.0, 2.0], &["out"])[0].data, [4.0, 0.5]);
}

#[test]
fn layers_from_codes_to_codes() {
    let net = coded(&[1, 1, 1, 3])
        .with("w", &[1, 1, 1, 2], vec![3u8, 1])
        .number("ws", 0.25)
        .with("wz", &[], vec![2u8])
        .with("b", &[1], vec![8i32])
        .number("ys", 0.5)
        .with("yz", &[], vec![100u8])
        .node(Node::new("QLinearConv", ["c", "s", "z", "w", "ws", "wz", "ys", "yz", "b"], ["d"]));
    let net = net.node(node("DequantizeLinear", ["d", "ys", "yz"]));
    // Weights 0.25 and -0.25, the bias 8 eighths, and halves as a result: 0.75 and 1.25 are ties between codes.
    assert_eq!(net.outputs(&[1.0, 2.0, 1.0], &["y"])[0].data, [1.0, 1.0]);
    assert_eq!(net.outputs(&[4.0, 0.0, 2.0], &["y"])[0].data, [2.0, 0.5]);
    let product = coded(&[1, 2])
        .with("w", &[2, 2], vec![4i8, 2, -4, 2])
        .number("ws", 0.5)
        .with("wz", &[], vec![0i8])
        .node(Node::new("QLinearMatMul", ["c", "s", "z", "w", "ws", "wz", "s", "z"], ["d"]));
    assert_eq!(decoded(product, "d").outputs(&[3.0, 1.0], &["y"])[0].data, [4.0, 4.0]);
    let gemm = coded(&[1, 2])
        .with("w", &[2, 2], vec![4i8, 2, -4, 2])
        .number("ws", 0.5)
        .with("wz", &[], vec![0i8])
        .with("b", &[2], vec![8i32, 4])
        .node(node("QGemm", ["c", "s", "z", "w", "ws", "wz", "b"]).attr("transB", 1));
    // Rows 2, 1 and -2, 1; biases in quarters.
    assert_eq!(gemm.outputs(&[3.0, 1.0], &["y"])[0].data, [9.0, -4.0]);
}

#[test]
fn functions_from_codes_to_codes() {
    let net = |op: &str, shape: &[usize]| {
        coded(shape).number("ys", 0.25).with("yz", &[], vec![0i8]).node(Node::new(
            op,
            ["c", "s", "z", "ys", "yz"],
            ["d"],
        ))
    };
    let of = |net: Net, x: &[f64]| {
        net.node(node("DequantizeLinear", ["d", "ys", "yz"])).outputs(x, &["y"]).remove(0).data
    };
    assert_eq!(of(net("QLinearGlobalAveragePool", &[1, 1, 1, 2]), &[1.0, 2.0]), [1.5]);
    assert_eq!(of(net("QLinearSigmoid", &[1, 1]), &[0.0]), [0.5]);
    let binary = |op: &str| {
        coded(&[1, 2])
            .number("ys", 0.25)
            .with("yz", &[], vec![0i8])
            .with("other", &[], vec![5i8])
            .node(Node::new(op, ["c", "s", "z", "other", "s", "z", "ys", "yz"], ["d"]))
    };
    // The constant is (5 - 3) / 2.
    assert_eq!(of(binary("QLinearAdd"), &[1.0, 2.0]), [2.0, 3.0]);
    assert_eq!(of(binary("QLinearMul"), &[1.0, 2.0]), [1.0, 2.0]);
    let concat = coded(&[1, 1])
        .number("ys", 0.25)
        .with("yz", &[], vec![0i8])
        .node(Node::new("QLinearConcat", ["ys", "yz", "c", "s", "z", "c", "s", "z"], ["d"]).attr("axis", 1));
    assert_eq!(of(concat, &[1.5]), [1.5, 1.5]);
}

#[test]
fn layers_of_integers() {
    let net = coded(&[1, 2])
        .with("w", &[2, 1], vec![3u8, 5])
        .with("wz", &[], vec![4u8])
        .number("scale", 0.125)
        .node(Node::new("MatMulInteger", ["c", "w", "z", "wz"], ["acc"]))
        .node(Node::new("Cast", ["acc"], ["real"]).attr("to", 1))
        .node(node("Mul", ["real", "scale"]));
    // Codes less 3 are 6 and 2; weights -1 and 1.
    assert_eq!(net.outputs(&[3.0, 1.0], &["y"])[0].data, [-0.5]);
    let conv = coded(&[1, 1, 2])
        .with("w", &[1, 1, 2], vec![1i8, 2])
        .node(Node::new("ConvInteger", ["c", "w"], ["acc"]))
        .node(node("Cast", ["acc"]).attr("to", 1));
    // Without a zero point the codes themselves count: 9 and 5.
    assert_eq!(conv.outputs(&[3.0, 1.0], &["y"])[0].data, [19.0]);
    let dynamic = Net::new(&[1, 2]).node(Node::new("DynamicQuantizeLinear", ["x"], ["y", "s", "z"]));
    assert!(dynamic.refused().contains("E0203"));
}

#[test]
fn bad_parameters() {
    let net = |scale: f32, zero: TensorData| {
        let net = Net::new(&[1, 2]).number("s", scale).with("z", &[], zero);
        net.node(node("QuantizeLinear", ["x", "s", "z"])).refused()
    };
    assert!(net(-0.5, vec![0u8].into()).contains("E0302"));
    assert!(net(0.5, vec![0.0f32].into()).contains("E0202"));
    let channels =
        Net::new(&[1, 3]).with("s", &[2], vec![1f32, 2.0]).node(node("QuantizeLinear", ["x", "s"]));
    assert!(channels.refused().contains("E0305"));
    let empty = Net::new(&[1, 3]).with("s", &[0], Vec::<f32>::new()).node(node("QuantizeLinear", ["x", "s"]));
    assert!(empty.refused().contains("E0305"));
}
