//! Inputs and outputs of the network.

use super::*;

#[test]
fn integers_get_a_quantizer_with_scale_one() {
    let net =
        Net::of(ElemType::U8, vec![Dim::Known(1), Dim::Known(3)]).node(node("Cast", ["x"]).attr("to", 1));
    assert_eq!(net.outputs(&[3.0, 300.0, -4.0], &["y"])[0].data, [3.0, 255.0, 0.0]);
    let net = Net::new(&[1, 3]).annotation("x", "INT4").number("c", 2.0).node(node("Mul", ["x", "c"]));
    assert_eq!(net.outputs(&[3.0, 300.0, -40.0], &["y"])[0].data, [6.0, 14.0, -16.0]);
    let net = Net::new(&[1, 2]).annotation("x", "BIPOLAR").node(node("Identity", ["x"]));
    assert_eq!(net.outputs(&[0.0, -3.0], &["y"])[0].data, [1.0, -1.0]);
    let quantized = quantized(&[1, 2]).annotation("x", "UINT8").node(node("Relu", ["q"]));
    assert_eq!(quantized.operators(), ["quant", "activation"]);
}

#[test]
fn sizes_have_to_be_fixed() {
    let free = |dims: Vec<Dim>| Net::of(ElemType::F32, dims).node(node("Relu", ["x"]));
    let symbol = |name: &str| Dim::Symbol(name.to_owned());
    let report = free(vec![symbol("batch"), Dim::Known(3), symbol("height")]).refused();
    assert!(report.contains("E0204") && report.contains("--dim height=32"), "{report}");
    assert_eq!(free(vec![symbol("batch"), Dim::Known(3)]).graph().values[0].shape, [1, 3]);
    assert_eq!(free(vec![Dim::Known(8), Dim::Known(3)]).graph().values[0].shape, [1, 3]);
    let of = |elem| Net::of(elem, vec![Dim::Known(1), Dim::Known(3)]).node(node("Identity", ["x"]));
    assert!(of(ElemType::U64).refused().contains("integers with a sign"));
    assert_eq!(of(ElemType::I64).graph().values[0].shape, [1, 3]);
}

#[test]
fn constant_outputs_are_left_out() {
    let net = quantized(&[1, 2]).node(node("Relu", ["q"]));
    assert_eq!(net.outputs(&[1.0, 2.0], &["one", "y"]).len(), 1);
}
