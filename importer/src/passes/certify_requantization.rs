//! Chooses an integer form for every requantization, has it proven by the checker, and drops all scales inside.

use super::Pass;
use super::bound_accumulators::channels;
use crate::diagnostic::{Code, Diagnostic, Report, Result};
use crate::graph::{Certified, Graph, Level, Op, Requantize, Tail, ValueId};
use crate::requant::{self, RequantError};

pub(super) const PASS: Pass = Pass {
    name: "certify-requantization",
    about: "replace each exact requantization by its cheapest integer form and the proof that both are equal",
    from: Level::Quantized,
    to: Level::Integer,
    run,
};

fn run(graph: &mut Graph) -> Result<()> {
    let mut problems = vec![];
    for index in 0..graph.nodes.len() {
        let Op::Requantize(Requantize::Exact(tail)) = &graph.nodes[index].op else { continue };
        match certify(graph, index, tail) {
            Ok(certified) => {
                graph.nodes[index].op = Op::Requantize(Requantize::Certified(Box::new(certified)));
            }
            Err(problem) => problems.push(problem),
        }
    }
    strip_meanings(graph);
    Report::check(problems, ())
}

fn certify(graph: &Graph, index: usize, tail: &Tail) -> Result<Certified, Diagnostic> {
    let channels = channels(tail, graph.value(graph.nodes[index].inputs[0]));
    let at = graph.location(index);
    match requant::choose(&channels) {
        Ok(choice) => Ok(Certified { params: choice.params, certificate: choice.certificate }),
        Err(error @ RequantError::Uncertified { .. }) => {
            Err(Diagnostic::new(Code::ProofRefuted, at, error.to_string(), "a form that the checker accepts"))
        }
        Err(error) => Err(Diagnostic::new(
            Code::NoRequantization,
            at,
            error.to_string(),
            "a form within 32-bit multipliers or a table of at most 65536 entries",
        )),
    }
}

/// Scales and meanings stay where a caller meets them: at the codes of inputs and at outputs.
fn strip_meanings(graph: &mut Graph) {
    let mut edge = graph.outputs.clone();
    edge.extend(graph.nodes.iter().filter(|node| matches!(node.op, Op::Quantize)).map(|node| node.output));
    for index in 0..graph.values.len() {
        if edge.contains(&ValueId::new(index)) {
            continue;
        }
        let value = &mut graph.values[index];
        value.ty = value.ty.without_meaning();
    }
}
