//! Models that are odd or broken in one place: they compile to what the exact reference says, or are refused.
//!
//! Each was found by changing models at random (`tests/fuzz`), and is here in its smallest form.

use exactum_importer::batch::{Batch, Host};
use exactum_importer::container::Container;
use exactum_importer::diagnostic::{Code, Result};
use exactum_importer::graph::Graph as CompiledGraph;
use exactum_importer::npy::Array;
use exactum_importer::reference::Reference;
use exactum_importer::{Compiled, compile};
use exactum_qonnx::{ElemType, Graph, Model, Node, Tensor, TensorData, ValueInfo};

/// A model under construction: input `x`, output `y`.
struct Net(Graph);

impl Net {
    fn new(shape: &[usize]) -> Self {
        let mut graph = Graph::new("net");
        graph.inputs.push(ValueInfo::new("x", ElemType::F32, shape));
        graph.outputs.push(ValueInfo { name: "y".to_owned(), elem: ElemType::F32, shape: None });
        Self(graph)
    }

    fn with(mut self, name: &str, shape: &[usize], data: impl Into<TensorData>) -> Self {
        self.0.initializers.push(Tensor::new(name, shape, data));
        self
    }

    fn node(mut self, node: Node) -> Self {
        self.0.nodes.push(node);
        self
    }

    /// Quantizes value `from` as `to` with 8 signed bits.
    fn quant(self, from: &str, to: &str, scale: f32) -> Self {
        self.quant_with(from, to, scale, 8.0, "ROUND")
    }

    fn quant_with(self, from: &str, to: &str, scale: f32, bits: f32, rounding: &str) -> Self {
        let names = ["scale", "zero", "bits"].map(|part| format!("{to}_{part}"));
        let numbers = [scale, 0.0, bits];
        let net = names.iter().zip(numbers).fold(self, |net, (name, value)| net.with(name, &[], vec![value]));
        let [scale, zero, bits] = &names;
        let node = Node::new("Quant", [from, scale, zero, bits], [to]);
        net.node(node.attr("signed", 1).attr("narrow", 0).attr("rounding_mode", rounding))
    }

    fn compile(&self) -> Result<Compiled> {
        compile(&self.model())
    }

    fn model(&self) -> Model {
        Model::new(self.0.clone())
    }

    /// The code of the first problem.
    fn refused(&self) -> Code {
        self.compile().expect_err("a model that is refused").diagnostics()[0].code
    }

    /// Compiles, and compares program and reference for `values`; gives the integers of the output.
    fn runs(&self, values: &[f32]) -> Vec<i64> {
        let compiled = self.compile().unwrap_or_else(|report| panic!("{report}"));
        let container = Container::new(&compiled, &self.model(), &[]);
        assert_eq!(Container::read(&container.write()).as_ref(), Ok(&container));
        let shape = compiled.interface.inputs[0].shape.clone();
        let values = values.iter().map(|value| f64::from(*value)).collect();
        let batch = Batch::new(&compiled.interface, &[Array { shape, values }]).unwrap();
        let expected = Reference::new(&compiled.quantized).run(&batch.sample(0)).unwrap();
        let found = Host::new(container.program()).run(&batch.sample(0));
        let found: Vec<i64> = found[0].iter().map(|code| i64::from(*code)).collect();
        assert_eq!(found, expected[0]);
        found
    }
}

#[test]
fn scales_with_more_axes_than_their_value_are_refused() {
    let net = Net::new(&[1, 2])
        .quant("x", "codes", 0.5)
        .with("number", &[], vec![3.0f32])
        .with("scales", &[2], vec![0.5f32, 0.25])
        .with("zero", &[], vec![0.0f32])
        .with("bits", &[], vec![8.0f32])
        .node(
            Node::new("Quant", ["number", "scales", "zero", "bits"], ["constant"])
                .attr("signed", 1)
                .attr("narrow", 0),
        )
        .node(Node::new("Mul", ["codes", "constant"], ["product"]))
        .quant("product", "y", 1.0);
    assert_eq!(net.refused(), Code::BadChannels);
}

#[test]
fn constants_keep_their_number_of_elements() {
    let net = Net::new(&[1, 2])
        .quant("x", "codes", 0.5)
        .with("two", &[2], vec![1.0f32, 2.0])
        .with("shape", &[2], vec![2i64, 2])
        .node(Node::new("Reshape", ["two", "shape"], ["constant"]))
        .node(Node::new("Add", ["codes", "constant"], ["sum"]))
        .quant("sum", "y", 0.5);
    assert_eq!(net.refused(), Code::ShapeMismatch);
}

/// The batch is no longer the first axis: programs store all axes then.
#[test]
fn transposes_may_move_the_batch() {
    let net = Net::new(&[1, 2, 3])
        .quant("x", "codes", 0.5)
        .node(Node::new("Transpose", ["codes"], ["turned"]).attr("perm", [2, 1, 0]))
        .quant("turned", "y", 1.0);
    assert_eq!(net.runs(&[0.5, 1.0, 1.5, 2.0, 2.5, 3.0]), [0, 2, 1, 2, 2, 3]);
}

#[test]
fn outputs_may_have_negative_scales() {
    let net = Net::new(&[1, 2])
        .quant("x", "codes", 0.5)
        .with("factor", &[2], vec![-3.0f32, 0.0])
        .node(Node::new("Mul", ["codes", "factor"], ["y"]));
    assert_eq!(net.runs(&[1.5, 1.5]), [3, 3]);
    let output = &net.compile().unwrap().interface.outputs[0];
    assert_eq!([output.real(0, 3), output.real(1, 3)], [-4.5, 0.0]);
}

#[test]
fn outputs_past_all_doubles_are_refused() {
    let mut net = Net::new(&[1, 2]).quant("x", "value0", 1.0).with("factor", &[], vec![1e38f32]);
    for step in 0..9 {
        let output = if step == 8 { "y".to_owned() } else { format!("value{}", step + 1) };
        net = net.node(Node::new("Mul", [format!("value{step}"), "factor".to_owned()], [output]));
    }
    assert_eq!(net.refused(), Code::BadScale);
}

/// After a ReLU every sign is positive: the clamp of the program lets less through than the quantizer.
#[test]
fn signs_of_what_is_never_negative() {
    let net = Net::new(&[1, 3])
        .quant("x", "codes", 0.5)
        .node(Node::new("Relu", ["codes"], ["positive"]))
        .with("one", &[], vec![1.0f32])
        .node(Node::new("BipolarQuant", ["positive", "one"], ["y"]));
    assert_eq!(net.runs(&[-1.0, 0.0, 1.0]), [1, 1, 1]);
}

/// Infinity is past every scale, even where no finite float leaves the first few codes.
#[test]
fn infinities_are_larger_than_any_scale() {
    let x = [f32::NEG_INFINITY, f32::MIN, -1.0, 1.0, f32::MAX, f32::INFINITY];
    let net = Net::new(&[1, 6]).quant_with("x", "y", f32::MAX, 8.0, "CEIL");
    assert_eq!(net.runs(&x), [-128, -1, 0, 1, 1, 127]);
    let falling = Net::new(&[1, 6])
        .with("factor", &[], vec![-1e-30f32])
        .node(Node::new("Mul", ["x", "factor"], ["small"]))
        .quant("small", "y", 1e30);
    assert_eq!(falling.runs(&x), [127, 0, 0, 0, 0, -128]);
}

/// No window reaches the elements that `output_padding` adds past a stride: nothing is summed there.
#[test]
fn transposed_convolutions_may_end_behind_all_windows() {
    let net = |padding: i64| {
        let conv = Node::new("ConvTranspose", ["codes", "weight_codes"], ["sums"]);
        Net::new(&[1, 1, 2, 2])
            .quant("x", "codes", 0.5)
            .with("weight", &[1, 1, 2, 2], vec![1.0f32, 2.0, 3.0, 4.0])
            .quant("weight", "weight_codes", 1.0)
            .node(conv.attr("strides", [2, 2]).attr("output_padding", [padding, 0]))
            .quant("sums", "y", 1.0)
    };
    let sums = [1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 1, 2, 0, 0, 3, 4];
    for padding in 0..4 {
        let more = vec![0; 4 * padding];
        assert_eq!(net(padding as i64).runs(&[1.0, 0.0, 0.0, 1.0]), [&sums[..], &more].concat());
    }
}

#[test]
fn an_infinite_epsilon_is_refused() {
    let norm = Node::new("BatchNormalization", ["codes", "one", "one", "one", "one"], ["normal"]);
    let net = Net::new(&[1, 1, 2, 2])
        .quant("x", "codes", 0.5)
        .with("one", &[1], vec![1.0f32])
        .node(norm.attr("epsilon", f32::INFINITY))
        .quant("normal", "y", 1.0);
    assert_eq!(net.refused(), Code::UnsupportedForm);
}

/// One operand decides the sum, and lines would need slopes past 64 bits.
#[test]
fn sums_of_scales_that_are_far_apart() {
    let net = Net::new(&[1, 4])
        .quant("x", "codes", 1.0)
        .with("factor", &[], vec![1e30f32])
        .node(Node::new("Mul", ["codes", "factor"], ["large"]))
        .node(Node::new("Transpose", ["codes"], ["other"]).attr("perm", [1, 0]))
        .with("shape", &[2], vec![1i64, 4])
        .node(Node::new("Reshape", ["other", "shape"], ["small"]))
        .node(Node::new("Add", ["large", "small"], ["sum"]))
        .quant("sum", "y", 1.0);
    assert_eq!(net.runs(&[-2.0, 0.0, 1.0, 100.0]), [-128, 0, 127, 127]);
}

#[test]
fn doubles_survive_being_printed() {
    // Products and quotients of floats that `serde_json` reads as their neighbours by default.
    for factor in [0.008_726_646_f32, 0.041_666_668, 1.098_612_3, 0.118_355_42] {
        let net = Net::new(&[1, 2])
            .quant("x", "codes", 0.5)
            .with("gamma", &[2], vec![factor, 0.1f32])
            .with("other", &[2], vec![0.3f32, factor])
            .node(Node::new("BatchNormalization", ["codes", "gamma", "other", "other", "gamma"], ["normal"]))
            .quant("normal", "y", 1.0);
        let compiled = net.compile().unwrap();
        let mut graph = compiled.imported.clone();
        for pass in exactum_importer::passes::PASSES.iter().take(5) {
            pass.apply(&mut graph, &compiled.target).unwrap();
        }
        let text = graph.to_string();
        assert_eq!(text.parse::<CompiledGraph>().as_ref(), Ok(&graph), "{text}");
    }
    let line = "graph \"g\" imported\ninput %0 \"x\": float[1,1]\n%1 \"y\": float[1,1] = affine(%0) \"a\" \
                {\"multiply\":[0.009897230193018913],\"divide\":[0.11835542321205139],\"add\":[0.0],\"axis\":1}\n\
                output %1\n";
    let graph: CompiledGraph = line.parse().unwrap();
    assert_eq!(graph.to_string(), line);
}

/// A ReLU6 leaves 7 of 2^32 codes: layers take them, and they need a byte each.
#[test]
fn wide_quantizers_of_limited_values() {
    let net = Net::new(&[1, 2])
        .quant("x", "codes", 0.5)
        .with("zero", &[], vec![0.0f32])
        .with("six", &[], vec![6.0f32])
        .node(Node::new("Clip", ["codes", "zero", "six"], ["limited"]))
        .quant_with("limited", "wide", 1.0, 32.0, "ROUND")
        .with("weight", &[2, 2], vec![1.0f32, 2.0, 3.0, 4.0])
        .quant("weight", "weight_codes", 1.0)
        .node(Node::new("MatMul", ["wide", "weight_codes"], ["y"]));
    assert_eq!(net.runs(&[2.0, 50.0]), [2 + 3 * 6, 2 * 2 + 4 * 6]);
}

/// Thousands of codes of a function that is none of lines, with a limit behind it.
#[test]
fn limited_sigmoids_of_many_codes() {
    let net = Net::new(&[1, 4])
        .quant("x", "codes", 0.03125)
        .node(Node::new("Sigmoid", ["codes"], ["between"]))
        .with("factor", &[], vec![-3.0f32])
        .node(Node::new("Mul", ["between", "factor"], ["scaled"]))
        .with("two", &[], vec![2.0f32])
        .node(Node::new("Add", ["scaled", "two"], ["moved"]))
        .node(Node::new("Relu", ["moved"], ["limited"]))
        .quant_with("limited", "y", 0.0001, 16.0, "ROUND");
    let expected = [-4.0f64, -1.0, 0.0, 1.0].map(|x| (2.0 - 3.0 / (1.0 + (-x).exp())).max(0.0) * 10_000.0);
    let found = net.runs(&[-4.0, -1.0, 0.0, 1.0]);
    assert!(found.iter().zip(expected).all(|(code, real)| (*code as f64 - real).abs() < 0.51), "{found:?}");
}

#[test]
fn groups_past_all_channels_are_refused() {
    let net = Net::new(&[1, 2, 2, 2])
        .quant("x", "codes", 0.5)
        .with("weight", &[2, 2, 1, 1], vec![1.0f32, 2.0, 3.0, 4.0])
        .quant("weight", "weight_codes", 1.0)
        .node(Node::new("Conv", ["codes", "weight_codes"], ["y"]).attr("group", i64::MAX));
    assert_eq!(net.refused(), Code::ShapeMismatch);
}
