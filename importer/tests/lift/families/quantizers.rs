//! Quantizers of QONNX, of computed values and of constants.

use super::*;

fn quant(inputs: [&str; 4]) -> Node {
    node("Quant", inputs).attr("signed", 1).attr("narrow", 0)
}

#[test]
fn one_signed_bit_is_a_sign() {
    let net = Net::new(&[1, 3])
        .number("s", 0.5)
        .number("z", 0.0)
        .number("b", 1.0)
        .node(quant(["x", "s", "z", "b"]));
    assert_eq!(net.operators(), ["bipolar_quant"]);
    assert_eq!(net.outputs(&[-0.1, 0.0, 3.0], &["y"])[0].data, [-0.5, 0.5, 0.5]);
}

#[test]
fn parameters_of_other_types() {
    let net = Net::new(&[1, 2])
        .with("s", &[], vec![0.5f64])
        .with("z", &[], vec![1i64])
        .with("b", &[], vec![4i32])
        .node(quant(["x", "s", "z", "b"]));
    // Codes 7 and -8 at the ends, less the zero point.
    assert_eq!(net.outputs(&[9.0, -9.0], &["y"])[0].data, [3.0, -4.5]);
}

#[test]
fn bit_widths_computed_by_the_file() {
    let net = Net::new(&[1, 2])
        .number("s", 1.0)
        .number("z", 0.0)
        .number("raw", 8.5)
        .number("two", 2.0)
        .node(Node::new("Log", ["raw"], ["log"]))
        .node(Node::new("Log", ["two"], ["log2"]))
        .node(Node::new("Div", ["log", "log2"], ["bits"]))
        .node(Node::new("Ceil", ["bits"], ["b"]))
        .node(quant(["x", "s", "z", "b"]));
    assert_eq!(net.outputs(&[9.0, -9.0], &["y"])[0].data, [7.0, -8.0]);
}

#[test]
fn bad_parameters() {
    let net = |s: f32, z: f32, b: f32| {
        let net = Net::new(&[1, 2]).number("s", s).number("z", z).number("b", b);
        net.node(quant(["x", "s", "z", "b"])).refused()
    };
    assert!(net(-1.0, 0.0, 4.0).contains("E0302"));
    assert!(net(f32::NAN, 0.0, 4.0).contains("E0302"));
    assert!(net(1.0, 0.0, 4.5).contains("E0304"));
    assert!(net(1.0, 0.0, 33.0).contains("E0304"));
    assert!(net(1.0, 1.0, 1.0).contains("E0303"));
    let names = Net::new(&[1, 2]).number("s", 1.0).number("z", 0.0).number("b", 4.0);
    let dpu = names.node(quant(["x", "s", "z", "b"]).attr("rounding_mode", "DPU")).refused();
    assert!(dpu.contains("ROUND_TO_ZERO"), "{dpu}");
    assert!(Net::new(&[1, 2]).node(quant(["x", "x", "x", "x"])).refused().contains("E0203"));
}

#[test]
fn truncations() {
    let net = Net::new(&[1, 3])
        .number("s", 0.25)
        .number("z", 0.0)
        .number("in", 6.0)
        .number("out", 4.0)
        .number("big", 1.0);
    let old = net.clone().node(node("Trunc", ["x", "s", "z", "in", "out"]));
    // 22, 5 and -5 quarters by four, floored, in quarters.
    assert_eq!(old.outputs(&[5.5, 1.25, -1.25], &["y"])[0].data, [1.25, 0.25, -0.5]);
    let new = net.node(node("Trunc", ["x", "s", "z", "in", "big", "out"]).attr("rounding_mode", "ROUND"));
    assert_eq!(new.outputs(&[5.5, 1.25, -1.25], &["y"])[0].data, [6.0, 1.0, -1.0]);
}

#[test]
fn thresholds() {
    let net = |shape: &[usize], layout: &str| {
        Net::new(shape).with("t", &[2, 2], vec![0.0f32, 2.0, -1.0, 5.0]).node(
            node("MultiThreshold", ["x", "t"])
                .attr("out_dtype", "INT2")
                .attr("out_bias", -1.0)
                .attr("data_layout", layout),
        )
    };
    let first = net(&[1, 2, 1, 2], "").outputs(&[-1.0, 3.0, -1.0, 3.0], &["y"]).remove(0);
    assert_eq!(first.data, [-1.0, 1.0, 0.0, 0.0]);
    let last = net(&[1, 1, 2, 2], "NHWC").outputs(&[-1.0, -1.0, 3.0, 3.0], &["y"]).remove(0);
    assert_eq!(last.data, [-1.0, 0.0, 1.0, 0.0]);
    assert!(net(&[1, 3], "").refused().contains("E0305"));
}

#[test]
fn weights_with_zero_points_lose_them() {
    let quant = |inputs: [&str; 4]| Node::new("Quant", inputs, ["w"]).attr("signed", 0).attr("narrow", 0);
    let net = quantized(&[1, 2])
        .with("raw", &[2, 2], vec![-3.0f32, 4.0, 2.0, -1.0])
        .with("s", &[2, 1], vec![1.0f32, 0.5])
        .with("z", &[2, 1], vec![7.0f32, 3.0])
        .number("four", 4.0)
        .node(quant(["raw", "s", "z", "four"]))
        .node(node("Gemm", ["q", "w"]).attr("transB", 1));
    let graph = net.graph();
    let weight = graph.values.iter().find(|value| value.name == "w").unwrap();
    let codes = weight.codes().unwrap();
    assert_eq!((codes.zero_point, codes.int.to_string(), codes.axis), (0, "int4n".to_owned(), Some(0)));
    // The second row is -1 at a scale of 0.5: codes 7 and 1, less 3.
    same(net.outputs(&[1.0, 10.0], &["y"]).remove(0), &[1, 2], &[37.0, -8.0]);
}

#[test]
fn quantized_constants_can_be_quantized_again() {
    let net = weighted(quantized(&[1, 2]), &[2, 2])
        .number("quarter", 0.25)
        .node(Node::new("Quant", ["w", "quarter", "zero", "four"], ["v"]).attr("signed", 1).attr("narrow", 0))
        .node(node("MatMul", ["q", "v"]));
    // Weights -2.5, 1, -1, 2.5 in quarters are limited to -2 and 1.75.
    same(net.outputs(&[1.0, 2.0], &["y"]).remove(0), &[1, 2], &[-4.0, 4.5]);
}

#[test]
fn bipolar_weights() {
    let net = quantized(&[1, 2])
        .with("raw", &[2, 1], vec![0.0f32, -0.3])
        .number("half", 0.5)
        .node(Node::new("BipolarQuant", ["raw", "half"], ["w"]))
        .node(node("MatMul", ["q", "w"]));
    same(net.outputs(&[3.0, 8.0], &["y"]).remove(0), &[1, 1], &[-2.5]);
}
