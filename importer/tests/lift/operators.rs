//! Single operators, against what onnxruntime, the reference of ONNX and the Python `qonnx` package computed for them
//! (`tests/fixtures/operators/cases.json`).
//!
//! Each case is read with its first operand computed and the others constant, and with all of them constant.

use std::fs;
use std::path::Path;

use exactum_importer::lift::lift;
use exactum_qonnx::{Dim, ElemType, Graph, Model, Node, Tensor, TensorData, ValueInfo};
use serde_json::Value as Json;

use crate::evaluate::{Numbers, evaluate};
use crate::files::imported_passes;

/// Cases whose forms no program can be made of, by operator and a word of the reason.
const REFUSED: &[(&str, &str)] = &[
    // Codes with a scale for each channel are no numbers.
    ("QuantizeLinear", "the same scales"),
    ("DequantizeLinear", "the same scales"),
    // Its first operand is a scale.
    ("QLinearConcat", "first axis is the batch"),
    ("MatMul", "one constant matrix"),
    ("Gemm", "one element for each"),
    ("Min", "one number for all elements"),
    ("Max", "one number for all elements"),
    ("Sqrt", "constants only"),
    ("Log", "constants only"),
    ("Sign", "not supported"),
    ("Cast", "numbers that are limited"),
    ("AveragePool", "padding that counts"),
    ("ReduceMean", "the batch"),
    ("ReduceSum", "the batch"),
    ("ReduceMax", "the batch"),
    ("ReduceMin", "the batch"),
    ("Pad", "the batch"),
    ("Resize", "each element repeated equally often"),
    ("TopK", "which is read"),
    ("TopK", "the batch"),
    ("ArgMax", "the batch"),
    ("ArgMin", "the batch"),
    ("ArgMax", "smallest index"),
    ("ArgMin", "smallest index"),
];

fn numbers(json: &Json) -> Numbers {
    let shape: Vec<usize> =
        json["shape"].as_array().unwrap().iter().map(|size| size.as_u64().unwrap() as usize).collect();
    let value =
        |value: &Json| value.as_f64().unwrap_or_else(|| f64::from(u8::from(value.as_bool() == Some(true))));
    Numbers::new(&shape, json["values"].as_array().unwrap().iter().map(value).collect())
}

fn elem(json: &Json) -> ElemType {
    let name = json["type"].as_str().unwrap();
    *ElemType::ALL.iter().find(|elem| elem.name() == name).unwrap()
}

fn tensor(name: &str, json: &Json) -> Tensor {
    let Numbers { shape, data } = numbers(json);
    fn cast<T>(data: Vec<f64>, f: impl Fn(f64) -> T) -> Vec<T> {
        data.into_iter().map(f).collect()
    }
    let data: TensorData = match elem(json) {
        ElemType::F32 => cast(data, |x| x as f32).into(),
        ElemType::I64 => cast(data, |x| x as i64).into(),
        ElemType::I32 => cast(data, |x| x as i32).into(),
        ElemType::U8 => cast(data, |x| x as u8).into(),
        ElemType::I8 => cast(data, |x| x as i8).into(),
        ElemType::U16 => cast(data, |x| x as u16).into(),
        ElemType::I16 => cast(data, |x| x as i16).into(),
        elem => panic!("operands of type {elem}"),
    };
    Tensor::new(name, &shape, data)
}

/// The node of a case with operands `i0`, `i1` and so on, and results `o0`, `o1`.
fn node(case: &Json) -> Node {
    let name = |(index, operand): (usize, &Json)| {
        if operand.is_null() { String::new() } else { format!("i{index}") }
    };
    let inputs: Vec<String> = case["inputs"].as_array().unwrap().iter().enumerate().map(name).collect();
    let outputs = (0..case["outputs"].as_array().unwrap().len()).map(|index| format!("o{index}"));
    let mut node = Node::new(case["op"].as_str().unwrap(), inputs, outputs.collect::<Vec<_>>());
    node.domain = case["domain"].as_str().unwrap().to_owned();
    for (name, value) in case["attributes"].as_object().unwrap() {
        node = match value {
            Json::String(text) => node.attr(name, text.as_str()),
            Json::Number(number) if number.is_i64() => node.attr(name, number.as_i64().unwrap()),
            Json::Number(number) => node.attr(name, number.as_f64().unwrap() as f32),
            Json::Array(values) if values.iter().all(Json::is_i64) => {
                node.attr(name, values.iter().map(|value| value.as_i64().unwrap()).collect::<Vec<i64>>())
            }
            Json::Array(values) => node
                .attr(name, values.iter().map(|value| value.as_f64().unwrap() as f32).collect::<Vec<f32>>()),
            value => panic!("attribute {value}"),
        };
    }
    node
}

/// A model of the case: operand 0 is the input `x`, brought to its shape by a reshape if `shaped`.
fn computed(case: &Json, output: usize, shaped: bool) -> Model {
    let mut graph = Graph::new("case");
    let operands = case["inputs"].as_array().unwrap();
    let first = numbers(&operands[0]);
    for (index, operand) in operands.iter().enumerate().skip(1).filter(|(_, operand)| !operand.is_null()) {
        graph.initializers.push(tensor(&format!("i{index}"), operand));
    }
    let dims = |shape: &[usize]| shape.iter().map(|size| Dim::Known(*size)).collect();
    if shaped {
        graph.inputs.push(ValueInfo::with_dims("x", elem(&operands[0]), dims(&[1, first.data.len()])));
        let shape: Vec<i64> = first.shape.iter().map(|size| *size as i64).collect();
        graph.initializers.push(Tensor::new("shape", &[shape.len()], shape));
        graph.nodes.push(Node::new("Reshape", ["x", "shape"], ["i0"]));
    } else {
        graph.inputs.push(ValueInfo::with_dims("i0", elem(&operands[0]), dims(&first.shape)));
    }
    graph.nodes.push(node(case));
    finish(graph, case, output)
}

/// With the result called `y`, as numbers if it is of codes.
fn finish(mut graph: Graph, case: &Json, output: usize) -> Model {
    let name = format!("o{output}");
    let floats = elem(&case["outputs"][output]) == ElemType::F32;
    if !floats {
        graph.initializers.push(Tensor::scalar("one", 1.0));
        graph.nodes.push(Node::new("DequantizeLinear", [name.as_str(), "one"], ["y"]));
    }
    let name = if floats { name } else { "y".to_owned() };
    graph.outputs.push(ValueInfo { name, ..ValueInfo::default() });
    model(graph, case)
}

/// A model in the version of operators that the case is of.
fn model(graph: Graph, case: &Json) -> Model {
    let before_sizes =
        case["op"] == "Resize" && case["inputs"].as_array().is_some_and(|inputs| inputs.len() == 2);
    Model::new(graph).opset("", if before_sizes { 10 } else { 20 }).opset("com.microsoft", 1)
}

/// What the model computes of `input`, which the passes do not change.
fn run(model: &Model, input: &[f64]) -> Result<Numbers, String> {
    let mut graph = lift(model).map_err(|report| report.to_string())?;
    graph.verify().map_err(|violations| format!("{violations:?}"))?;
    let before = evaluate(&graph, &[input.to_vec()]);
    let Some(before) = before.into_iter().next() else { return Err("nothing computed".to_owned()) };
    if imported_passes(&mut graph).is_ok() {
        let after = evaluate(&graph, &[input.to_vec()]).remove(0);
        let near =
            before.data.iter().zip(&after.data).all(|(a, b)| (a - b).abs() <= 1e-12 * a.abs().max(1.0));
        assert!(near && before.shape == after.shape, "{before:?} became {after:?} by passes\n{graph}");
    }
    Ok(before)
}

/// The result for all samples: at once, or sample by sample.
fn computed_result(case: &Json, output: usize) -> Result<Numbers, String> {
    let first = numbers(&case["inputs"][0]);
    let whole = run(&computed(case, output, true), &first.data);
    let expected = numbers(&case["outputs"][output]);
    let Err(reason) = whole else { return whole };
    let samples = first.shape.first().copied().unwrap_or(1);
    if expected.shape.first() != Some(&samples) {
        return Err(reason);
    }
    let model = computed(case, output, false);
    let mut data = vec![];
    for sample in first.data.chunks(first.data.len() / samples) {
        data.extend(run(&model, sample)?.data);
    }
    Ok(Numbers { shape: expected.shape, data })
}

fn equal(case: &Json, found: &Numbers, expected: &Numbers) -> bool {
    let near = case["near"].as_bool() == Some(true);
    let tolerance = |value: f64| if near { 1e-5 * value.abs().max(1.0) } else { 0.0 };
    let pairs = found.data.iter().zip(&expected.data);
    found.shape == expected.shape
        && pairs.into_iter().all(|(a, b)| (a - b).abs() <= tolerance(*b) || a.is_nan() && b.is_nan())
}

fn cases() -> Vec<Json> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/operators/cases.json");
    let file: Json = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    file["cases"].as_array().unwrap().clone()
}

#[test]
fn computed_values_are_what_other_tools_computed() {
    let (mut faults, mut refused, mut right) = (vec![], vec![], 0);
    for (index, case) in cases().iter().enumerate().filter(|(_, case)| !case["inputs"][0].is_null()) {
        let op = case["op"].as_str().unwrap();
        for (output, expected) in case["outputs"].as_array().unwrap().iter().enumerate() {
            // Shapes and the like are constants.
            if ["Shape", "Size"].contains(&op) {
                continue;
            }
            match computed_result(case, output) {
                Ok(found) if equal(case, &found, &numbers(expected)) => right += 1,
                Ok(found) => faults
                    .push(format!("case {index}, {op} {}: {found:?} for {expected}", case["attributes"])),
                Err(reason) if REFUSED.iter().any(|(name, word)| *name == op && reason.contains(word)) => {
                    refused.push(index);
                }
                Err(reason) => faults.push(format!("case {index}, {op} {}: {reason}", case["attributes"])),
            }
        }
    }
    assert!(faults.is_empty(), "{} right, {} refused\n{}", right, refused.len(), faults.join("\n"));
    assert!(right > 200, "{right} right");
}

#[test]
fn constants_are_what_other_tools_computed() {
    let (mut faults, mut right) = (vec![], 0);
    for (index, case) in cases().iter().enumerate() {
        let op = case["op"].as_str().unwrap();
        for (output, expected) in case["outputs"].as_array().unwrap().iter().enumerate() {
            let mut graph = Graph::new("case");
            for (index, operand) in case["inputs"].as_array().unwrap().iter().enumerate() {
                if !operand.is_null() {
                    graph.initializers.push(tensor(&format!("i{index}"), operand));
                }
            }
            graph.inputs.push(ValueInfo::new("x", ElemType::F32, &[1]));
            graph.nodes.push(node(case));
            graph.nodes.push(Node::new("Cast", [format!("o{output}")], ["real"]).attr("to", 1));
            graph.nodes.push(Node::new("Add", ["real", "x"], ["y"]));
            graph.outputs.push(ValueInfo { name: "y".to_owned(), ..ValueInfo::default() });
            let Ok(graph) = lift(&model(graph, case)) else { continue };
            let found = evaluate(&graph, &[vec![0.0]]).remove(0);
            let expected = numbers(expected);
            // A scalar and a list of one element are a list.
            let found = Numbers {
                shape: if expected.data.len() == 1 { expected.shape.clone() } else { found.shape },
                ..found
            };
            if equal(case, &found, &expected) {
                right += 1;
            } else {
                faults.push(format!("case {index}, {op} {}: {found:?} for {expected:?}", case["attributes"]));
            }
        }
    }
    assert!(faults.is_empty(), "{right} right\n{}", faults.join("\n"));
    assert!(right > 100, "{right} right");
}
