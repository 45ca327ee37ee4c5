//! ONNX's own test cases of single operators as users meet them: the result is a constant of a small network, added to
//! quantized codes and quantized again. What program and reference compute is what the recorded result gives.
//!
//! The codes that are expected come from the recorded numbers alone: scales are powers of two, so doubles are exact.

use std::collections::BTreeMap;
use std::io::Read;

use exactum_importer::batch::{Batch, Host};
use exactum_importer::compile;
use exactum_importer::container::Container;
use exactum_importer::npy::Array;
use exactum_importer::reference::Reference;
use exactum_qonnx::{DEFAULT_DOMAIN, ElemType, Graph, Model, Node, QONNX_DOMAIN, Tensor, ValueInfo};

/// Cases that give the recorded codes, at least.
const RIGHT: usize = 980;

/// Bits of the codes that the constant is added to, and steps of the sum that one step of them makes.
const CODES: (f32, f64) = (4.0, 32.0);

/// Bits of the sum, and its codes. More bits show more of the constants, and take long to compile.
const SUMS: (f32, f64, f64) = (10.0, -512.0, 511.0);

/// Cases whose recorded results are typed with four digits.
const FEW_DIGITS: [&str; 1] = ["averagepool_2d_ceil_last_window_starts_on_pad"];

fn cases() -> Model {
    let file = std::fs::File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node_cases.onnx.gz")).unwrap();
    let mut bytes = vec![];
    flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    exactum_qonnx::read(&bytes).unwrap()
}

/// What becomes of a case.
#[derive(Debug)]
enum Outcome {
    Right,
    Wrong(String),
    Refused(String),
}

/// How the constant meets the codes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    /// Codes plus the constant as a row.
    Row,
    /// The constant in its own shape plus codes of that shape.
    Whole,
}

/// One result of a case.
struct Case<'m> {
    node: &'m Node,
    constants: Vec<&'m Tensor>,
    /// Which of the node's results.
    result: &'m str,
    elem: ElemType,
    shape: &'m [usize],
    /// The recorded numbers.
    recorded: Vec<f64>,
}

/// Adds a quantizer of QONNX, and its parameters.
fn quantize(graph: &mut Graph, from: &str, to: &str, scale: f64, bits: f32) {
    let parameters = [("scale", scale as f32), ("zero", 0.0), ("bits", bits)];
    let names = parameters.map(|(part, value)| {
        graph.initializers.push(Tensor::scalar(format!("{to}/{part}"), value));
        format!("{to}/{part}")
    });
    let node = Node::new("Quant", [&[from.to_owned()], &names[..]].concat(), [to]);
    graph.nodes.push(node.attr("signed", 1).attr("narrow", 0).attr("rounding_mode", "ROUND"));
}

impl Case<'_> {
    fn largest(&self) -> f64 {
        let finite = self.recorded.iter().filter(|value| value.is_finite());
        finite.fold(0f64, |largest, value| largest.max(value.abs()))
    }

    /// The step of the sum's codes: 8 bits for the largest number.
    fn scale(&self) -> f64 {
        let exponent = if self.largest() == 0.0 { 0.0 } else { self.largest().log2().floor() };
        (exponent.clamp(-80.0, 80.0) - 7.0).exp2()
    }

    fn model(&self, form: Form) -> Model {
        let mut graph = Graph::new("case");
        let row = [1, self.recorded.len()];
        let whole = [&[1], self.shape].concat();
        let shape = if form == Form::Row { &row[..] } else { &whole };
        graph.inputs.push(ValueInfo::new("x", ElemType::F32, shape));
        graph.outputs.push(ValueInfo { name: "y".to_owned(), elem: ElemType::F32, shape: None });
        graph.initializers = self.constants.iter().map(|tensor| (*tensor).clone()).collect();
        quantize(&mut graph, "x", "codes", CODES.1 * self.scale(), CODES.0);
        graph.nodes.push(self.node.clone());
        let mut result = self.result;
        if self.elem != ElemType::F32 {
            let to = i64::from(ElemType::F32.code());
            graph.nodes.push(Node::new("Cast", [result], ["real"]).attr("to", to));
            result = "real";
        }
        if form == Form::Row {
            graph.initializers.push(Tensor::new("row/shape", &[2], vec![1i64, -1]));
            graph.nodes.push(Node::new("Reshape", [result, "row/shape"], ["row"]));
            graph.nodes.push(Node::new("Add", ["codes", "row"], ["sum"]));
        } else {
            graph.nodes.push(Node::new("Add", [result, "codes"], ["sum"]));
        }
        quantize(&mut graph, "sum", "y", self.scale(), SUMS.0);
        let version = self.node.metadata.iter().find(|(key, _)| key == "version").unwrap();
        // Sums that broadcast began with version 7.
        let version = version.1.parse::<i64>().unwrap().max(7);
        Model::new(graph).opset(DEFAULT_DOMAIN, version).opset(QONNX_DOMAIN, 2)
    }

    /// How far the recorded number `value` may be from the definition's, as its tool computed in fewer digits.
    fn slack(&self, value: f64) -> f64 {
        let digits = match self.elem {
            _ if FEW_DIGITS.contains(&self.node.name.as_str()) => 1e-3,
            ElemType::F32 | ElemType::F64 => 1e-5,
            ElemType::F16 => 1e-3,
            ElemType::Bf16 => 1e-2,
            _ => return 0.0,
        };
        digits * value.abs().max(1e-2 * self.largest())
    }

    fn outcome(&self, form: Form) -> Outcome {
        let model = self.model(form);
        let compiled = match compile(&model) {
            Ok(compiled) => compiled,
            Err(report) => {
                let first = &report.diagnostics()[0];
                let problem = format!("{}: found {}, needed {}", first.code, first.found, first.needed);
                return Outcome::Refused(problem);
            }
        };
        let shape = compiled.interface.inputs[0].shape.clone();
        let code = |index: usize| (index as i64 * 5 % 16 - 8) as f64;
        let values = (0..self.recorded.len()).map(|index| code(index) * CODES.1 * self.scale()).collect();
        let batch = Batch::new(&compiled.interface, &[Array { shape, values }]).unwrap();
        let reference = Reference::new(&compiled.quantized).run(&batch.sample(0)).unwrap().remove(0);
        let container = Container::new(&compiled, &model, &[]);
        let host = Host::new(container.program()).run(&batch.sample(0)).remove(0);
        if !reference.iter().copied().eq(host.iter().map(|code| i64::from(*code))) {
            return Outcome::Wrong("program and reference differ".to_owned());
        }
        for (index, recorded) in self.recorded.iter().enumerate() {
            let exact = |value: f64| {
                (code(index) * CODES.1 + value / self.scale()).round_ties_even().clamp(SUMS.1, SUMS.2)
            };
            let slack = self.slack(*recorded);
            let found = reference[index] as f64;
            if !(exact(recorded - slack)..=exact(recorded + slack)).contains(&found) {
                let expected = exact(*recorded);
                return Outcome::Wrong(format!("element {index}: {found}, not {expected} of {recorded}"));
            }
        }
        Outcome::Right
    }
}

/// What becomes of all results of `node`, or `None` if one of them shows nothing in a sum.
fn outcome(constants: &BTreeMap<&str, &Tensor>, node: &Node) -> Option<Outcome> {
    let mut inputs: Vec<&Tensor> =
        node.inputs.iter().filter_map(|name| constants.get(name.as_str()).copied()).collect();
    inputs.sort_by_key(|tensor| &tensor.name);
    inputs.dedup_by_key(|tensor| &tensor.name);
    let mut outcome = Outcome::Right;
    for (index, result) in node.outputs.iter().filter(|output| !output.is_empty()).enumerate() {
        let expected = constants[format!("{}/out/{index}", node.name).as_str()];
        let real = constants.get(format!("{}/real/{index}", node.name).as_str()).unwrap_or(&expected);
        let recorded = real.to_f64().unwrap();
        if recorded.is_empty() || recorded.iter().any(|value| value.is_nan()) {
            return None;
        }
        let (constants, elem, shape) = (inputs.clone(), expected.elem(), expected.shape.as_slice());
        let case = Case { node, constants, result, elem, shape, recorded };
        for form in [Form::Row, Form::Whole] {
            match case.outcome(form) {
                Outcome::Right => {}
                Outcome::Wrong(problem) => return Some(Outcome::Wrong(format!("{form:?}: {problem}"))),
                Outcome::Refused(problem) => outcome = Outcome::Refused(format!("{form:?}: {problem}")),
            }
        }
    }
    Some(outcome)
}

#[test]
fn cases_of_onnx_are_constants_of_networks() {
    let model = cases();
    let constants: BTreeMap<&str, &Tensor> =
        model.graph.initializers.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let (mut right, mut wrong, mut count) = (0, vec![], 0);
    let mut refused: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for node in &model.graph.nodes {
        let Some(outcome) = outcome(&constants, node) else { continue };
        count += 1;
        match outcome {
            Outcome::Right => right += 1,
            Outcome::Wrong(problem) => wrong.push(format!("{} ({}): {problem}", node.name, node.op_type)),
            Outcome::Refused(problem) => {
                refused.entry(&node.op_type).or_default().push(format!("{}: {problem}", node.name));
            }
        }
    }
    println!("{right} of {count} cases");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(right >= RIGHT, "{right} of {count} cases; refused: {refused:#?}");
}
