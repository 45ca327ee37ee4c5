//! The oracle against other tools: single operators, and every recorded result of a fixture. Needs no compiler.
//!
//! `fixtures/make/operator_cases.py` recorded what onnxruntime and the Python `qonnx` package compute for single operators.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;

use exactum_qonnx::{
    AttributeValue, DEFAULT_DOMAIN, Dim, ElemType, Graph, Model, Node, Tensor, TensorData, ValueInfo,
};
use exactum_tests::case::{fixtures, index};
use exactum_tests::generate::mixed;
use exactum_tests::oracle::{Exact, Oracle, Output};
use exactum_tests::recorded::{Reading, folder, of_outputs};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::Value as Json;

type Outcome = Result<(), Box<dyn Error>>;

/// Random networks.
const NETWORKS: usize = 240;
/// Of the largest result, for results that float32 does not hold.
const NEAR: f64 = 2e-6;

fn numbers(json: &Json) -> Vec<f64> {
    json.as_array().into_iter().flatten().filter_map(Json::as_f64).collect()
}

/// A recorded tensor.
fn tensor(name: &str, json: &Json) -> Result<Tensor, String> {
    let shape: Vec<usize> = numbers(&json["shape"]).into_iter().map(|size| size as usize).collect();
    let values = numbers(&json["values"]);
    macro_rules! data {
        ($($name:literal => $native:ty),*) => {
            match json["type"].as_str().unwrap_or_default() {
                $($name => values.iter().map(|value| *value as $native).collect::<Vec<$native>>().into(),)*
                "bool" => TensorData::Bool(values.iter().map(|value| *value != 0.0).collect()),
                other => return Err(format!("elements of type {other}")),
            }
        };
    }
    let data = data!(
        "float32" => f32, "int8" => i8, "uint8" => u8, "int16" => i16, "uint16" => u16, "int32" => i32,
        "int64" => i64
    );
    Ok(Tensor::new(name, &shape, data))
}

fn attribute(json: &Json) -> Result<AttributeValue, String> {
    let list = json.as_array().cloned().unwrap_or_default();
    Ok(match json {
        Json::String(text) => text.as_str().into(),
        Json::Number(number) if number.is_i64() => number.as_i64().unwrap_or_default().into(),
        Json::Number(number) => (number.as_f64().unwrap_or_default() as f32).into(),
        Json::Array(_) if list.iter().all(Json::is_i64) => {
            list.iter().filter_map(Json::as_i64).collect::<Vec<_>>().into()
        }
        Json::Array(_) => numbers(json).into_iter().map(|number| number as f32).collect::<Vec<_>>().into(),
        other => return Err(format!("attribute {other}")),
    })
}

/// A model of the one operator on constants; the oracle needs an input beside them.
fn model(case: &Json) -> Result<Model, String> {
    let mut graph = Graph::new("operator");
    graph.inputs = vec![ValueInfo::new("unused", ElemType::F32, &[1, 1])];
    let mut names = vec![];
    for (at, operand) in case["inputs"].as_array().into_iter().flatten().enumerate() {
        let name = if operand.is_null() { String::new() } else { format!("x{at}") };
        if !operand.is_null() {
            graph.initializers.push(tensor(&name, operand)?);
        }
        names.push(name);
    }
    let results = case["outputs"].as_array().ok_or("no outputs")?;
    let outputs: Vec<String> = (0..results.len()).map(|at| format!("y{at}")).collect();
    graph.outputs = outputs.iter().map(|name| ValueInfo::new(name, ElemType::Undefined, &[])).collect();
    let text = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
    let mut node = Node::new(text("op"), names, outputs).in_domain(text("domain"));
    for (name, value) in case["attributes"].as_object().into_iter().flatten() {
        node = node.attr(name, attribute(value)?);
    }
    graph.nodes = vec![node];
    Ok(Model::new(graph))
}

fn agrees(output: &Output, recorded: &Json, near: bool) -> Result<(), String> {
    let expected = tensor("expected", recorded)?;
    if output.value.shape != expected.shape {
        return Err(format!("shape {:?} instead of {:?}", output.value.shape, expected.shape));
    }
    if output.is_integer() != expected.elem().name().contains("int") {
        return Err(format!("type {} instead of {}", output.elem, expected.elem()));
    }
    let values = numbers(&recorded["values"]);
    let largest = values.iter().fold(0f64, |largest, value| largest.max(value.abs()));
    let allowed = BigRational::from_float(if near { largest * NEAR } else { 0.0 }).ok_or("no tolerance")?;
    for (element, (found, value)) in output.value.rationals().iter().zip(&values).enumerate() {
        let exact = BigRational::from_float(*value).ok_or("an element that is no number")?;
        if (found - exact).abs() > allowed {
            return Err(format!("element {element}: {found} instead of {value}"));
        }
    }
    Ok(())
}

#[test]
fn single_operators_are_those_of_other_tools() -> Outcome {
    let recorded: Json = serde_json::from_slice(&fs::read(fixtures().join("operators/cases.json"))?)?;
    let cases = recorded["cases"].as_array().ok_or("no cases")?;
    let (mut operators, mut exactly, mut problems) = (BTreeSet::new(), 0, vec![]);
    for (number, case) in cases.iter().enumerate() {
        let near = case["near"].as_bool().unwrap_or_default();
        let check = || -> Result<(), String> {
            let model = model(case)?;
            let outputs = Oracle::new(&model).and_then(|oracle| oracle.run(&[0.0]));
            let recorded = case["outputs"].as_array().into_iter().flatten();
            for (output, recorded) in outputs.map_err(|error| error.to_string())?.iter().zip(recorded) {
                agrees(output, recorded, near)?;
            }
            Ok(())
        };
        if let Err(problem) = check() {
            problems.push(format!("case {number}, {}: {problem}", case["op"]));
        }
        operators.insert(format!("{} of {}", case["op"], case["domain"]));
        exactly += usize::from(!near);
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(operators.len() > 70 && exactly > 220, "{} operators, {exactly} exactly", operators.len());
    Ok(())
}

/// The integer codes of an output whose node is a quantizer, from its real numbers.
fn codes(model: &Model, output: &Output) -> Result<Vec<BigRational>, Box<dyn Error>> {
    let graph = &model.graph;
    let makes = |node: &&Node| node.output(0) == Some(graph.outputs[0].name.as_str());
    let node = graph.nodes.iter().find(makes).ok_or("no last node")?;
    let parameter = |at: usize| -> Result<Exact, Box<dyn Error>> {
        let tensor = node.input(at).and_then(|name| graph.initializer(name)).ok_or("a computed parameter")?;
        let mut shape = tensor.shape.clone();
        if node.op_type == "DequantizeLinear" && shape.len() == 1 {
            let axis = usize::try_from(node.int("axis").unwrap_or(1))?;
            shape.resize(output.value.shape.len() - axis, 1);
        }
        Ok(Exact::from_f64(shape, &tensor.to_f64().ok_or("no numbers")?)?)
    };
    let scale = if node.op_type == "Trunc" { parameter(4)? } else { parameter(1)? };
    let codes = output.value.mul(&scale.reciprocals()?)?;
    Ok(if node.op_type == "BipolarQuant" { codes } else { codes.add(&parameter(2)?)? }.rationals())
}

/// Every code that other tools computed for what training exports, in QONNX and in standard operators.
#[test]
fn exports_have_the_codes_of_other_tools() -> Outcome {
    let folder = fixtures().join("training");
    let recorded: Json = serde_json::from_slice(&fs::read(folder.join("index.json"))?)?;
    let (mut compared, mut refused) = (0, BTreeSet::new());
    for (name, network) in recorded["networks"].as_object().ok_or("no networks")? {
        let input: Vec<f32> = numbers(&network["input"]).into_iter().map(|value| value as f32).collect();
        for flavour in ["qonnx", "qcdq"] {
            let found = &network[flavour];
            let Some(recorded) = found["codes"].as_array() else { continue };
            let file = format!("{name}.{flavour}.onnx");
            let model = exactum_qonnx::read(&fs::read(folder.join(&file))?)?;
            let oracle = Oracle::new(&model).map_err(|error| format!("{file}: {error}"))?;
            // A softmax in the middle of a network is no rational function.
            if model.graph.nodes.iter().any(|node| node.op_type == "Softmax") {
                refused.insert(name.as_str());
                continue;
            }
            let batch = numbers(&found["shape"])[0] as usize;
            let mut exact = vec![];
            for sample in input.chunks(input.len() / batch) {
                let outputs = oracle.run(sample).map_err(|error| format!("{file}: {error}"))?;
                exact.extend(codes(&model, &outputs[0])?);
            }
            let recorded: Vec<BigRational> =
                recorded.iter().filter_map(Json::as_i64).map(|code| BigInt::from(code).into()).collect();
            assert_eq!(exact, recorded, "{file}");
            compared += exact.len();
        }
    }
    assert_eq!(refused, BTreeSet::from(["step_softmax"]));
    assert!(compared > 6000, "{compared} codes compared");
    Ok(())
}

/// What Brevitas and onnxruntime computed in float32 for their own files: as many codes differ as is recorded, by as
/// much. Of models of powers of two none does.
fn recordings(group: &str, least: usize) -> Outcome {
    let mut problems = vec![];
    let list = index(group)?;
    for fixture in &list {
        let name = fixture["name"].as_str().ok_or("no name")?;
        let check = || -> Result<(), String> {
            let folder = folder(group, name);
            let reading = Reading::new(&folder)?;
            for (at, about) in of_outputs(fixture).into_iter().enumerate() {
                let found = reading.compare(&folder, about, at)?;
                let count = if found.codes && !about["output_quantizer"].is_null() {
                    about["codes_off_exact"].as_u64()
                } else {
                    about["outputs_off_exact"].as_u64().or(about["codes_off_exact"].as_u64())
                };
                let largest = about["max_code_difference"].as_i64();
                if count != Some(found.differing as u64) {
                    return Err(format!("output {at}: {found:?}, recorded {count:?}"));
                }
                if largest.is_some_and(|largest| found.largest != largest.into()) {
                    return Err(format!("output {at}: {found:?}, recorded at most {largest:?}"));
                }
                if fixture["power_of_two"] == true && found.codes && found.differing > 0 {
                    return Err(format!("output {at}: {found:?} although all scales are powers of two"));
                }
            }
            Ok(())
        };
        if let Err(problem) = check() {
            problems.push(format!("{group}::{name}: {problem}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(list.len() >= least, "{} fixtures", list.len());
    Ok(())
}

#[test]
fn brevitas_computes_the_recorded_codes() -> Outcome {
    recordings("brevitas", 29)
}

#[test]
fn standard_operators_compute_the_recorded_codes() -> Outcome {
    recordings("standard", 16)
}

/// Random networks of all operators have exact values, of the shape they declare, and outputs that depend on the input.
#[test]
fn mixed_networks_are_understood() -> Outcome {
    let mut runner = TestRunner::deterministic();
    let (mut text, mut varied) = (String::new(), 0);
    for _ in 0..NETWORKS {
        let network = mixed().new_tree(&mut runner).map_err(|reason| reason.to_string())?.current();
        let source = network.source();
        assert_eq!(source.model.check(), []);
        let oracle = Oracle::new(&source.model).map_err(|error| format!("{error}: {network:?}"))?;
        let mut outputs = BTreeSet::new();
        for sample in &source.samples {
            let output = oracle.run(sample).map_err(|error| format!("{error}: {network:?}"))?.remove(0);
            let declared = source.model.graph.outputs[0].shape.clone().unwrap_or_default();
            let found: Vec<Dim> = output.value.shape.iter().map(|size| Dim::Known(*size)).collect();
            assert_eq!(found, declared, "{network:?}");
            outputs.insert(output.value.rationals());
        }
        varied += usize::from(outputs.len() > 1);
        text.push_str(&source.model.to_string());
    }
    let operators = [
        "Abs(",
        "Add(",
        "AveragePool(",
        "BatchNormalization(",
        "BipolarQuant(",
        "Clip(",
        "Concat(",
        "Conv(",
        "ConvTranspose(",
        "DepthToSpace(",
        "GlobalAveragePool(",
        "HardSigmoid(",
        "LeakyRelu(",
        "MaxPool(",
        "Mul(",
        "MultiThreshold(",
        "PRelu(",
        "Pad(",
        "QuantizeLinear(",
        "Relu(",
        "Resize(",
        "Sigmoid(",
        "Slice(",
        "Split(",
        "Tanh(",
        "Trunc(",
    ];
    let absent: Vec<&str> = operators.into_iter().filter(|operator| !text.contains(operator)).collect();
    assert!(absent.is_empty(), "no network has {absent:?}");
    assert!(varied * 2 > NETWORKS, "{varied} of {NETWORKS} networks have outputs that vary");
    Ok(())
}

/// Files whose operators the oracle does not know, or whose functions have no exact value, are refused by name.
#[test]
fn what_has_no_exact_value_is_refused() {
    let refusal = |node: Node, tensors: Vec<Tensor>| {
        let mut graph = Graph::new("refused");
        graph.inputs = vec![ValueInfo::new("x", ElemType::F32, &[1, 2])];
        graph.outputs = vec![ValueInfo::new("y", ElemType::F32, &[1, 2])];
        graph.initializers = tensors;
        graph.nodes = vec![node, Node::new("Neg", ["z"], ["y"])];
        let model = Model::new(graph).opset(DEFAULT_DOMAIN, 20);
        let result = Oracle::new(&model).and_then(|oracle| oracle.run(&[1.0, 2.0]));
        result.map(|_| String::new()).unwrap_or_else(|error| error.to_string())
    };
    assert_eq!(refusal(Node::new("Hardmax", ["x"], ["z"]), vec![]), "Hardmax of z: operator Hardmax");
    assert_eq!(refusal(Node::new("Softmax", ["x"], ["z"]), vec![]), "Softmax of z: operator Softmax");
    assert_eq!(refusal(Node::new("Asin", ["x"], ["z"]), vec![]), "Asin of z: no value at 2");
    let infinite = Tensor::scalar("c", f32::INFINITY);
    let mul = Node::new("Mul", ["x", "c"], ["z"]);
    assert_eq!(refusal(mul, vec![infinite]), "Mul of z: operand 1 is infinite");
}

/// What is left to the host is not evaluated where it ends a file, and is where a quantizer follows.
#[test]
fn last_functions_are_left_to_the_host() -> Outcome {
    for (op_type, quantized) in [("Softmax", false), ("Sigmoid", false), ("Tanh", false), ("Sigmoid", true)] {
        let mut graph = Graph::new("host");
        graph.inputs = vec![ValueInfo::new("x", ElemType::F32, &[1, 2])];
        graph.outputs = vec![ValueInfo::new("y", ElemType::F32, &[1, 2])];
        let scalar = |name: &str, value| Tensor::scalar(name, value);
        graph.initializers = vec![scalar("scale", 0.25), scalar("zero", 0.0), scalar("bits", 4.0)];
        let last = match quantized {
            true => Node::new("Quant", ["z", "scale", "zero", "bits"], ["y"]).attr("signed", 0),
            false => Node::new("Identity", ["z"], ["y"]),
        };
        graph.nodes = vec![Node::new(op_type, ["x"], ["z"]).named("function"), last];
        let model = Model::new(graph);
        let output = Oracle::new(&model)?.run(&[0.0, 3.0])?.remove(0);
        let reals: Vec<Option<f64>> = output.value.rationals().iter().map(ToPrimitive::to_f64).collect();
        if quantized {
            assert_eq!((output.skipped.as_deref(), reals), (None, vec![Some(0.5), Some(1.0)]));
        } else {
            assert_eq!((output.skipped.as_deref(), reals), (Some("function"), vec![Some(0.0), Some(3.0)]));
        }
    }
    Ok(())
}
