//! Models of the sizes that compilers meet, made in code: weights are random, architectures are real.

use exactum_qonnx::{ElemType, Graph, Model, Node, Tensor, ValueInfo};

/// A name, and what makes the model.
type Named = (&'static str, fn() -> Model);

/// All models.
pub(super) const ALL: &[Named] = &[
    ("mobilenet-0.25-96", || mobilenet(0.25, 96, 0)),
    ("mobilenet-0.25-224", || mobilenet(0.25, 224, 0)),
    ("mobilenet-0.5-160", || mobilenet(0.5, 160, 0)),
    ("mobilenet-1.0-96", || mobilenet(1.0, 96, 0)),
    ("mobilenet-1.0-224", || mobilenet(1.0, 224, 0)),
    ("mobilenet-wide-10x", || mobilenet(3.25, 224, 0)),
    ("mobilenet-deep-10x", || mobilenet(1.0, 224, 143)),
    ("mlp-2048", || mlp(&[784, 2048, 2048, 10])),
    ("mlp-6144", || mlp(&[784, 6144, 6144, 6144, 10])),
];

/// A model under construction.
struct Net {
    graph: Graph,
    /// The value at the end, and its channels.
    end: String,
    channels: usize,
    random: u64,
}

impl Net {
    fn new(shape: &[usize]) -> Self {
        let mut graph = Graph::new("net");
        graph.inputs.push(ValueInfo::new("x", ElemType::F32, shape));
        Self { graph, end: "x".to_owned(), channels: shape[1], random: 1 }
    }

    /// A number from -1 to 1, denser around 0.
    fn number(&mut self) -> f32 {
        let mut uniform = || {
            self.random =
                self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.random >> 40) as f32 / (1 << 24) as f32
        };
        (uniform() + uniform() + uniform() + uniform()) / 2.0 - 1.0
    }

    fn numbers(&mut self, count: usize, middle: f32, spread: f32) -> Vec<f32> {
        (0..count).map(|_| middle + spread * self.number()).collect()
    }

    fn constant(&mut self, name: &str, shape: &[usize], values: Vec<f32>) -> String {
        self.graph.initializers.push(Tensor::new(name, shape, values));
        name.to_owned()
    }

    /// Adds a node behind the end.
    fn node(&mut self, node: Node, name: &str) {
        let mut node = node.named(name);
        node.outputs = vec![format!("{name}_out")];
        self.end = format!("{name}_out");
        self.graph.nodes.push(node);
    }

    fn quantize(&mut self, name: &str, scale: f32, signed: bool) {
        let scale = self.constant(&format!("{name}.scale"), &[], vec![scale]);
        let zero = self.constant(&format!("{name}.zero"), &[], vec![0.0]);
        let bits = self.constant(&format!("{name}.bits"), &[], vec![8.0]);
        let inputs = [self.end.clone(), scale, zero, bits];
        let node = Node::new("Quant", inputs, Vec::<String>::new());
        self.node(
            node.attr("signed", i64::from(signed)).attr("narrow", 0).attr("rounding_mode", "ROUND"),
            name,
        );
    }

    /// Weights of 8 bits with a scale for each output; gives the name of their codes.
    fn weights(&mut self, name: &str, shape: &[usize]) -> String {
        let inputs: usize = shape[1..].iter().product();
        let spread = (3.0 / inputs as f32).sqrt();
        let values = self.numbers(shape.iter().product(), 0.0, spread);
        let largest = |row: &[f32]| row.iter().fold(0f32, |most, value| most.max(value.abs()));
        let scales = values.chunks(inputs).map(|row| largest(row) / 127.0).collect();
        let mut per_channel = vec![1; shape.len()];
        per_channel[0] = shape[0];
        let weights = self.constant(&format!("{name}.weight"), shape, values);
        let scale = self.constant(&format!("{name}.weight_scale"), &per_channel, scales);
        let zero = self.constant(&format!("{name}.weight_zero"), &[], vec![0.0]);
        let bits = self.constant(&format!("{name}.weight_bits"), &[], vec![8.0]);
        let output = format!("{name}.weight_out");
        let node = Node::new("Quant", [weights, scale, zero, bits], [output.clone()]);
        let node = node.named(format!("{name}.weight_quant")).attr("signed", 1).attr("narrow", 1);
        self.graph.nodes.push(node.attr("rounding_mode", "ROUND"));
        output
    }

    /// Batch norm that was not merged, ReLU, 8 bits without a sign.
    fn tail(&mut self, name: &str) {
        let count = self.channels;
        let mut inputs = vec![self.end.clone()];
        for (part, middle, spread) in
            [("gamma", 1.0, 0.5), ("beta", 0.0, 0.5), ("mean", 0.0, 0.5), ("var", 1.0, 0.5)]
        {
            let values = self.numbers(count, middle, spread);
            inputs.push(self.constant(&format!("{name}.{part}"), &[count], values));
        }
        self.node(Node::new("BatchNormalization", inputs, Vec::<String>::new()), &format!("{name}.bn"));
        self.node(Node::new("Relu", [self.end.clone()], Vec::<String>::new()), &format!("{name}.relu"));
        self.quantize(&format!("{name}.quant"), 4.0 / 255.0, false);
    }

    fn conv(&mut self, name: &str, outputs: usize, size: usize, stride: i64, depthwise: bool) {
        let per_group = if depthwise { 1 } else { self.channels };
        let weights = self.weights(name, &[outputs, per_group, size, size]);
        let pad = size as i64 / 2;
        let node = Node::new("Conv", [self.end.clone(), weights], Vec::<String>::new())
            .attr("kernel_shape", [size as i64; 2])
            .attr("strides", [stride; 2])
            .attr("pads", [pad; 4])
            .attr("dilations", [1; 2])
            .attr("group", if depthwise { outputs as i64 } else { 1 });
        self.node(node, name);
        self.channels = outputs;
        self.tail(name);
    }

    fn linear(&mut self, name: &str, outputs: usize) {
        let weights = self.weights(name, &[outputs, self.channels]);
        let node = Node::new("Gemm", [self.end.clone(), weights], Vec::<String>::new());
        self.node(node.attr("transB", 1), name);
        self.channels = outputs;
    }

    fn finish(mut self) -> Model {
        let output = ValueInfo::new(self.end.clone(), ElemType::F32, &[1, self.channels]);
        self.graph.outputs.push(output);
        Model::new(self.graph)
    }
}

/// MobileNetV1 with `width` times its channels for images of `size` by `size`: 27 convolutions and a linear layer; `more`
/// pairs of depthwise and pointwise convolutions are put into its middle.
fn mobilenet(width: f64, size: usize, more: usize) -> Model {
    let channels = |count: usize| ((count as f64 * width / 8.0).round() as usize * 8).max(8);
    let mut net = Net::new(&[1, 3, size, size]);
    net.quantize("input", 1.0 / 255.0, false);
    net.conv("conv", channels(32), 3, 2, false);
    let mut blocks = vec![(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)];
    blocks.extend(std::iter::repeat_n((512, 1), 5 + more));
    blocks.extend([(1024, 2), (1024, 1)]);
    for (index, (outputs, stride)) in blocks.into_iter().enumerate() {
        let inputs = net.channels;
        net.conv(&format!("block{index}.depthwise"), inputs, 3, stride, true);
        net.conv(&format!("block{index}.pointwise"), channels(outputs), 1, 1, false);
    }
    net.node(Node::new("GlobalAveragePool", [net.end.clone()], Vec::<String>::new()), "pool");
    net.quantize("pool.quant", 4.0 / 255.0, false);
    net.node(Node::new("Flatten", [net.end.clone()], Vec::<String>::new()).attr("axis", 1), "flatten");
    net.linear("classifier", 1000);
    net.finish()
}

/// Linear layers of `widths`.
fn mlp(widths: &[usize]) -> Model {
    let mut net = Net::new(&[1, widths[0]]);
    net.quantize("input", 1.0 / 255.0, false);
    for (index, outputs) in widths[1..].iter().enumerate() {
        net.linear(&format!("linear{index}"), *outputs);
        if index + 2 < widths.len() {
            net.tail(&format!("linear{index}"));
        }
    }
    net.finish()
}
