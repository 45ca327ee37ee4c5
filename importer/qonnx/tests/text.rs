//! The text form, as people see it.

use exactum_qonnx::{Annotation, Dim, ElemType, Graph, Model, Node, Tensor, TensorData, ValueInfo};

#[test]
fn a_model_prints_with_types_constants_and_subgraphs() {
    let mut body = Graph::new("then");
    body.nodes = vec![Node::new("Mul", ["h", "half"], ["out"])];
    body.outputs = vec![ValueInfo::default()];
    body.outputs[0].name = "out".into();
    let mut graph = Graph::new("net");
    graph.inputs = vec![
        ValueInfo::with_dims(
            "x",
            ElemType::F32,
            vec![Dim::Symbol("batch".into()), Dim::Unknown, Dim::Known(3)],
        ),
        ValueInfo::new("w", ElemType::F32, &[3, 3]),
    ];
    graph.outputs = vec![ValueInfo { name: "y".into(), elem: ElemType::F32, shape: None }];
    graph.value_info = vec![ValueInfo::new("h", ElemType::F32, &[])];
    graph.initializers = vec![
        Tensor::new("w", &[3, 3], vec![0.5_f32; 9]),
        Tensor::scalar("half", 0.5),
        Tensor::scalar("bits", 8.0),
        Tensor::new("axes", &[2], vec![-1_i64, 4]),
        Tensor {
            name: "p".into(),
            shape: vec![3],
            data: TensorData::Opaque { elem: ElemType::I4, bytes: vec![0x1f, 0x02] },
        },
    ];
    graph.nodes = vec![
        Node::new("IntQuant", ["x", "half", "1.5", "bits"], ["7"])
            .in_domain("onnx.brevitas")
            .attr("signed", 1),
        Node::new("MatMul", ["7", "w"], ["h"]).named("a layer"),
        Node::new("Odd", ["h", "", "axes", "p"], ["", "z"])
            .attr("mode", "a\"b")
            .attr("scales", vec![1.0_f32]),
        Node::new("If", ["z"], ["y"])
            .attr("then_branch", body)
            .attr("value", Tensor::new("", &[], vec![1_u8])),
    ];
    graph.annotations =
        vec![Annotation { value: "h".into(), entries: vec![("finn_datatype".into(), "INT4".into())] }];
    let model = Model::new(graph).produced_by("exactum", "0.1").opset("", 18);
    // The CRC-32 of nine little-endian halves was computed with zlib.
    let expected = r#"model ir 10 by "exactum 0.1"
opset ai.onnx 18
opset qonnx.custom_op.general 2
graph net
  input x: float32[batch, ?, 3]
  constant w: float32[3, 3] crc 1a8d8d85
  7 = onnx.brevitas:IntQuant(x, 0.5, "1.5", 8.0) {signed = 1}
  h: float32[] = MatMul(7, w) # "a layer"
  "", z = Odd(h, "", int64[2]{-1, 4}, int4[3]{bytes 1f 02}) {mode = "a\"b", scales = [1.0]}
  y: float32[...] = If(z) {then_branch = graph then, value = uint8[]{1}}
    graph then
      out = Mul(h, 0.5)
      output out
  annotation h: finn_datatype = "INT4"
  output y: float32[...]"#;
    assert_eq!(model.to_string(), expected);
}

#[test]
fn an_excerpt_marks_a_node_among_its_neighbours() {
    let mut graph = Graph::new("g");
    graph.nodes = vec![
        Node::new("Relu", ["x"], ["a"]),
        Node::new("Relu", ["x"], ["b"]),
        Node::new("Add", ["a", "b"], ["c"]).named("sum"),
        Node::new("Tanh", ["c"], ["d"]),
        Node::new("Abs", ["c"], ["e"]),
        Node::new("Abs", ["d"], ["f"]),
    ];
    let expected =
        ["  a = Relu(x)", "  b = Relu(x)", "> c = Add(a, b) # sum", "  d = Tanh(c)", "  e = Abs(c)"];
    assert_eq!(graph.excerpt(2, 2), expected);
    assert_eq!(graph.excerpt(2, 1)[1], "  (1 more operands)");
    assert_eq!(graph.excerpt(9, 2), Vec::<String>::new());
}
