//! ONNX's own test cases of single operators on constants: how many give the recorded results, and none other ones.

use std::collections::BTreeMap;
use std::io::Read;
use std::rc::Rc;

use exactum_qonnx::{Model, Node};

use super::super::tensor::{Numbers, Tensor};
use super::super::{Context, Item};
use super::evaluate;
use crate::constants::{Budget, is_refused};
use crate::diagnostic::{Code, Location};
use crate::graph::FileNodeId;

/// Cases that give the recorded results, at least.
const RIGHT: usize = 1085;

/// How far floats may be from the recorded ones, of which other tools know no more digits.
const TOLERANCE: f64 = 1e-3;

fn cases() -> Model {
    let file = std::fs::File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node_cases.onnx.gz")).unwrap();
    let mut bytes = vec![];
    flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    exactum_qonnx::read(&bytes).unwrap()
}

/// What a case gives: nothing wrong, or the operator and why there is no result.
fn outcome(model: &Model, node: &Node) -> Result<(), (bool, String)> {
    let tensor = |name: &str| {
        let tensor = model.graph.initializer(name).ok_or((false, format!("no {name}")))?;
        Tensor::read(tensor, &Location::default()).map_err(|problem| (false, problem.to_string()))
    };
    let operands: Vec<Option<Item>> = node
        .inputs
        .iter()
        .map(|name| match name.as_str() {
            "" => Ok(None),
            name => Ok(Some(Item::Constant(Rc::new(tensor(name)?)))),
        })
        .collect::<Result<_, (bool, String)>>()?;
    let version =
        node.metadata.iter().find(|(key, _)| key == "version").map(|(_, value)| value.parse().unwrap());
    let at = Location::node(0, &node.name, &node.op_type);
    let (id, name) = (FileNodeId::new(0), node.name.clone());
    let context = Context { at, node, id, operands, version: version.unwrap(), name, first: 0 };
    let found = match evaluate(&context, &Budget::new(0)) {
        Ok(Some(found)) => found,
        Ok(None) => return Err((false, "no constants are computed with it".to_owned())),
        Err(problem) => {
            assert!(problem.code != Code::ProofRefuted);
            return Err((false, format!("found {}, needed {}", problem.found, problem.needed)));
        }
    };
    let named = node.outputs.iter().enumerate().filter(|(_, output)| !output.is_empty());
    for (expected, (index, output)) in named.enumerate() {
        let expectation = tensor(&format!("{}/out/{expected}", node.name))?;
        let found = found.get(index).ok_or((false, format!("no result {index} for {output}")))?;
        if (found.elem, &found.shape) != (expectation.elem, &expectation.shape) {
            let found = format!("{} {:?}", found.elem, found.shape);
            return Err((true, format!("{found} for {} {:?}", expectation.elem, expectation.shape)));
        }
        let equal = |a: f64, b: f64| {
            a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= TOLERANCE * b.abs().max(1e-4)
        };
        let same = match (&found.numbers, &expectation.numbers) {
            (Numbers::Int(found), Numbers::Int(expected)) => found == expected,
            (found, expected) => found.reals().iter().zip(expected.reals()).all(|(a, b)| equal(*a, b)),
        };
        if !same {
            return Err((true, format!("{:?} for {:?}", found.numbers, expectation.numbers)));
        }
    }
    Ok(())
}

#[test]
fn cases_of_onnx_give_their_results_or_are_refused() {
    let model = cases();
    let (mut right, mut wrong) = (0, vec![]);
    let mut refused: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for node in &model.graph.nodes {
        match outcome(&model, node) {
            Ok(()) => right += 1,
            Err((true, problem)) => wrong.push(format!("{} ({}): {problem}", node.name, node.op_type)),
            Err((false, problem)) => {
                refused.entry(&node.op_type).or_default().push(format!("{}: {problem}", node.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    // Codes stay codes until a node reads what they stand for.
    let codes = refused.remove("DequantizeLinear").unwrap_or_default();
    assert!(codes.iter().all(|problem| problem.contains("no constants are computed")), "{codes:#?}");
    let unsaid: Vec<_> = refused.iter().filter(|(operator, _)| !is_refused(operator)).collect();
    assert!(unsaid.is_empty(), "refused without a reason in the documentation: {unsaid:#?}");
    assert!(right >= RIGHT, "{right} of {} cases; refused: {refused:#?}", model.graph.nodes.len());
}
