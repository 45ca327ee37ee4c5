//! Small models, and ways to spoil them.

use exactum_qonnx::{AttributeValue, Dim, ElemType, Graph, Model, Node, Tensor, TensorData, ValueInfo};

/// Adds a `Quant` node `name` that quantizes `input`, with scale, zero point and bit width as initializers
/// `{name}.scale`, `{name}.zero_point` and `{name}.bits`.
fn quant(graph: &mut Graph, name: &str, input: &str, scale: &[f32], zero_point: f32, bits: f32, signed: i64) {
    let shape: &[usize] = if scale.len() == 1 { &[] } else { &[scale.len(), 1] };
    graph.initializers.push(Tensor::new(format!("{name}.scale"), shape, scale.to_vec()));
    graph.initializers.push(Tensor::scalar(format!("{name}.zero_point"), zero_point));
    graph.initializers.push(Tensor::scalar(format!("{name}.bits"), bits));
    let parameters = ["scale", "zero_point", "bits"].map(|parameter| format!("{name}.{parameter}"));
    let inputs = std::iter::once(input.to_owned()).chain(parameters);
    let node = Node::new("Quant", inputs, [format!("{name}.out")]).named(name);
    graph.nodes.push(node.attr("signed", signed).attr("narrow", signed).attr("rounding_mode", "ROUND"));
}

fn gemm(graph: &mut Graph, name: &str, inputs: [&str; 3]) {
    graph.nodes.push(Node::new("Gemm", inputs, [format!("{name}.out")]).named(name).attr("transB", 1));
}

/// Two dense layers on four inputs: 8-bit activations, 4-bit weights with a scale for each channel, a bias, a ReLU.
/// Ends in accumulators.
fn layers() -> Graph {
    let mut graph = Graph::new("tiny");
    let batch = vec![Dim::Symbol("batch".to_owned()), Dim::Known(4)];
    graph.inputs.push(ValueInfo::with_dims("x", ElemType::F32, batch));
    let w1: Vec<f32> = (0..12).map(|i| (i * 7 % 11) as f32 / 10.0 - 0.5).collect();
    let w2: Vec<f32> = (0..6).map(|i| (i * 5 % 7) as f32 / 10.0 - 0.3).collect();
    graph.initializers.push(Tensor::new("w1", &[3, 4], w1));
    graph.initializers.push(Tensor::new("b1", &[3], vec![0.25f32, -0.1, 0.05]));
    graph.initializers.push(Tensor::new("w2", &[2, 3], w2));
    graph.initializers.push(Tensor::new("b2", &[2], vec![0.5f32, 0.0]));
    quant(&mut graph, "quant_x", "x", &[0.031], 0.0, 8.0, 0);
    quant(&mut graph, "quant_w1", "w1", &[0.071, 0.083, 0.05], 0.0, 4.0, 1);
    gemm(&mut graph, "fc1", ["quant_x.out", "quant_w1.out", "b1"]);
    graph.nodes.push(Node::new("Relu", ["fc1.out"], ["relu.out"]).named("relu"));
    quant(&mut graph, "quant_h", "relu.out", &[0.023], 0.0, 8.0, 0);
    quant(&mut graph, "quant_w2", "w2", &[0.043], 0.0, 4.0, 1);
    gemm(&mut graph, "fc2", ["quant_h.out", "quant_w2.out", "b2"]);
    graph
}

fn output(graph: &mut Graph, name: &str) {
    let batch = vec![Dim::Symbol("batch".to_owned()), Dim::Known(2)];
    graph.outputs.push(ValueInfo::with_dims(name, ElemType::F32, batch));
}

/// The two layers and an output quantizer with a zero point.
pub(crate) fn tiny() -> Model {
    let mut graph = layers();
    quant(&mut graph, "quant_y", "fc2.out", &[0.037], 100.0, 8.0, 0);
    output(&mut graph, "quant_y.out");
    Model::new(graph).produced_by("tests", "1")
}

/// The two layers with their accumulators as output.
pub(crate) fn without_output_quantizer() -> Model {
    let mut graph = layers();
    output(&mut graph, "fc2.out");
    Model::new(graph).produced_by("tests", "1")
}

/// The two layers and a softmax, which quantizers with steps of 1/256 are around, as onnxruntime writes it.
pub(crate) fn with_quantized_softmax() -> Model {
    let mut model = tiny();
    let graph = &mut model.graph;
    graph.nodes.push(Node::new("Softmax", ["quant_y.out"], ["softmax.out"]).named("softmax").attr("axis", 1));
    quant(graph, "quant_p", "softmax.out", &[1.0 / 256.0], 0.0, 8.0, 0);
    graph.outputs.clear();
    output(graph, "quant_p.out");
    model
}

/// Inputs for [`tiny`]: `samples` rows of four values around the quantizer's range.
pub(crate) fn inputs(samples: usize) -> Vec<f32> {
    (0..samples * 4).map(|i| (i * 37 % 101) as f32 / 10.0 - 1.0).collect()
}

/// The data of initializer `name`, to change.
pub(crate) fn data<'a>(model: &'a mut Model, name: &str) -> &'a mut Vec<f32> {
    match &mut tensor(model, name).data {
        TensorData::F32(values) => values,
        _ => panic!("{name} holds floats"),
    }
}

/// Initializer `name`, to change.
pub(crate) fn tensor<'a>(model: &'a mut Model, name: &str) -> &'a mut Tensor {
    model.graph.initializers.iter_mut().find(|tensor| tensor.name == name).expect("an initializer")
}

/// Node `name`, to change.
pub(crate) fn node<'a>(model: &'a mut Model, name: &str) -> &'a mut Node {
    model.graph.nodes.iter_mut().find(|node| node.name == name).expect("a node")
}

/// Sets attribute `attribute` of node `name`.
pub(crate) fn set(model: &mut Model, name: &str, attribute: &str, value: impl Into<AttributeValue>) {
    let node = node(model, name);
    *node = std::mem::take(node).attr(attribute, value);
}

/// [`tiny`] after `change`, as a file.
pub(crate) fn changed(change: impl FnOnce(&mut Model)) -> Vec<u8> {
    let mut model = tiny();
    change(&mut model);
    exactum_qonnx::write(&model)
}

/// A causal convolution over windows of eight frames, and a sum of all frames; `pads` are those of the convolution.
pub(crate) fn line(pads: [i64; 2]) -> Model {
    let mut graph = Graph::new("line");
    let window = vec![Dim::Symbol("batch".to_owned()), Dim::Known(2), Dim::Symbol("time".to_owned())];
    graph.inputs.push(ValueInfo::with_dims("x", ElemType::F32, window));
    let w: Vec<f32> = (0..18).map(|i| (i * 7 % 11) as f32 / 10.0 - 0.5).collect();
    graph.initializers.push(Tensor::new("w", &[3, 2, 3], w));
    quant(&mut graph, "quant_x", "x", &[0.031], 3.0, 8.0, 1);
    quant(&mut graph, "quant_w", "w", &[0.071], 0.0, 4.0, 1);
    let conv = Node::new("Conv", ["quant_x.out", "quant_w.out"], ["conv.out"]).named("conv");
    graph.nodes.push(conv.attr("pads", pads.to_vec()).attr("dilations", vec![2i64]));
    quant(&mut graph, "quant_h", "conv.out", &[0.043], 0.0, 8.0, 1);
    graph.nodes.push(Node::new("GlobalAveragePool", ["quant_h.out"], ["mean.out"]).named("mean"));
    let frames = |size: Dim| vec![Dim::Symbol("batch".to_owned()), Dim::Known(3), size];
    let time = Dim::Symbol("time".to_owned());
    graph.outputs.push(ValueInfo::with_dims("quant_h.out", ElemType::F32, frames(time)));
    graph.outputs.push(ValueInfo::with_dims("mean.out", ElemType::F32, frames(Dim::Known(1))));
    Model::new(graph).produced_by("tests", "1")
}

/// A layer whose output it takes again with the next sample; `scale` is that of the output.
pub(crate) fn recurrent(scale: f32) -> Model {
    let mut graph = Graph::new("recurrent");
    for (name, size) in [("x", 2), ("h", 3)] {
        let shape = vec![Dim::Symbol("batch".to_owned()), Dim::Known(size)];
        graph.inputs.push(ValueInfo::with_dims(name, ElemType::F32, shape));
        quant(&mut graph, &format!("quant_{name}"), name, &[0.031], 2.0, 8.0, 1);
    }
    let w: Vec<f32> = (0..15).map(|i| (i * 7 % 11) as f32 / 10.0 - 0.5).collect();
    graph.initializers.push(Tensor::new("w", &[3, 5], w));
    graph.initializers.push(Tensor::new("b", &[3], vec![0.25f32, -0.1, 0.05]));
    quant(&mut graph, "quant_w", "w", &[0.071], 0.0, 4.0, 1);
    let both = Node::new("Concat", ["quant_x.out", "quant_h.out"], ["both.out"]).named("both");
    graph.nodes.push(both.attr("axis", 1i64));
    gemm(&mut graph, "fc", ["both.out", "quant_w.out", "b"]);
    quant(&mut graph, "next", "fc.out", &[scale], 2.0, 8.0, 1);
    let shape = vec![Dim::Symbol("batch".to_owned()), Dim::Known(3)];
    graph.outputs.push(ValueInfo::with_dims("next.out", ElemType::F32, shape));
    Model::new(graph).produced_by("tests", "1")
}

/// A convolution of images of three channels.
pub(crate) fn image() -> Model {
    let mut graph = Graph::new("image");
    let batch = Dim::Symbol("batch".to_owned());
    let sizes =
        |sizes: [usize; 3]| [batch.clone()].into_iter().chain(sizes.map(Dim::Known)).collect::<Vec<_>>();
    graph.inputs.push(ValueInfo::with_dims("pixels", ElemType::F32, sizes([3, 4, 5])));
    let w: Vec<f32> = (0..54).map(|i| (i * 7 % 11) as f32 / 10.0 - 0.5).collect();
    graph.initializers.push(Tensor::new("w", &[2, 3, 3, 3], w));
    quant(&mut graph, "quant_x", "pixels", &[0.031], 3.0, 8.0, 1);
    quant(&mut graph, "quant_w", "w", &[0.071], 0.0, 4.0, 1);
    graph.nodes.push(Node::new("Conv", ["quant_x.out", "quant_w.out"], ["conv.out"]).named("conv"));
    quant(&mut graph, "quant_y", "conv.out", &[0.043], 0.0, 8.0, 1);
    graph.outputs.push(ValueInfo::with_dims("quant_y.out", ElemType::F32, sizes([2, 2, 3])));
    Model::new(graph).produced_by("tests", "1")
}
