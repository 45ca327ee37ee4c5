//! Chooses an integer form for every requantization, has it proven by the checker, and drops all scales inside.

use exactum_runtime::num::IntRange;
use num_traits::Zero;
use rayon::prelude::*;

use super::bound_accumulators::{self, channels};
use super::{Pass, Run};
use crate::cost::CostTable;
use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use crate::exact::{PairFunction, Rational};
use crate::graph::{Certified, Graph, Level, Op, Requantize, RequantizePair, Type, Value, ValueId};
use crate::requant::{self, Costs, RequantError};
use crate::target::Target;

pub(super) const PASS: Pass = Pass {
    name: "certify-requantization",
    about: "replace each exact requantization by its cheapest integer form and the proof that both are equal",
    from: Level::Quantized,
    to: Level::Integer,
    run: Run::For(run),
};

fn run(graph: &mut Graph, target: &Target) -> Result<()> {
    // Layers do not depend on each other's proofs.
    let certified: Vec<Option<Result<Op, Diagnostic>>> = (0..graph.nodes.len())
        .into_par_iter()
        .map(|index| certify(graph, index, target.costs.as_ref()))
        .collect();
    let mut problems = vec![];
    for (node, certified) in graph.nodes.iter_mut().zip(certified) {
        match certified {
            Some(Ok(op)) => {
                narrow(&mut graph.values[node.output.index()], &op);
                node.op = op;
            }
            Some(Err(problem)) => problems.push(problem),
            None => {}
        }
    }
    strip_meanings(graph);
    Report::check(problems, ())
}

/// The certified form of node `index`, if it is a requantization.
fn certify(graph: &Graph, index: usize, costs: Option<&CostTable>) -> Option<Result<Op, Diagnostic>> {
    let node = &graph.nodes[index];
    let at = graph.location(index);
    // Kernels with codes in registers are those of layers, and of sums of two tensors.
    let sums = match &node.op {
        Op::Requantize(_) => graph.producer(node.inputs[0]).is_some_and(|from| {
            let op = &graph.nodes[from].op;
            op.is_layer() || matches!(op, Op::Sum { .. })
        }),
        _ => true,
    };
    let in_registers = sums && costs.is_some_and(CostTable::has_codes_in_registers);
    let costs = Costs { table: costs, in_registers };
    match &node.op {
        Op::Requantize(Requantize::Exact(tail)) => {
            let channels = channels(graph, index, tail);
            Some(requant::choose(&channels, costs).map_err(|error| problem(at, &error)).map(|choice| {
                let certified = Certified { params: choice.params, certificate: choice.certificate };
                Op::Requantize(Requantize::Certified(Box::new(certified)))
            }))
        }
        Op::RequantizePair(pair @ RequantizePair::Exact { gains, tail }) => {
            let range = |operand: usize| {
                let ranges = bound_accumulators::of_value(graph, node.inputs[operand])?;
                ranges.into_iter().reduce(IntRange::union)
            };
            let (Some(a), Some(b)) = (range(0), range(1)) else {
                let found = "operands whose ranges are unknown";
                return Some(Err(Diagnostic::new(Code::AccumulatorTooWide, at, found, "quantized operands")));
            };
            let channels = pair.channels()?;
            let function = |channel: usize| PairFunction {
                gains: [0, 1].map(|operand: usize| gains[operand][channel % gains[operand].len()].clone()),
                offset: Rational::zero(),
                curve: tail.curve.channel(channel),
                quantizer: tail.quantizer.channel(channel),
            };
            let functions: Vec<PairFunction> = (0..channels).map(function).collect();
            Some(requant::choose_pair(&functions, a, b, costs).map_err(|error| problem(at, &error)).map(
                |choice| {
                    let certified = Certified { params: choice.params, certificate: choice.certificate };
                    let (multipliers, certified) = (choice.multipliers, Box::new(certified));
                    Op::RequantizePair(RequantizePair::Certified { multipliers, certified })
                },
            ))
        }
        _ => None,
    }
}

/// Leaves of the codes of `value` those that the clamp of `op` lets through: it can be narrower than the quantizer's, as
/// narrow as the function's values.
fn narrow(value: &mut Value, op: &Op) {
    let (Op::Requantize(Requantize::Certified(certified))
    | Op::RequantizePair(RequantizePair::Certified { certified, .. })) = op
    else {
        return;
    };
    if let Type::Codes(codes) = &mut value.ty {
        let clamp = certified.params.view().range();
        codes.range = IntRange { lo: clamp.clamp(codes.range.lo), hi: clamp.clamp(codes.range.hi) };
    }
}

fn problem(at: Location, error: &RequantError) -> Diagnostic {
    let (code, needed) = match error {
        RequantError::Uncertified { .. } => (Code::ProofRefuted, "a form that the checker accepts"),
        _ => (Code::NoRequantization, "a form within 64-bit multipliers or a table of at most 65536 entries"),
    };
    let problem = Diagnostic::new(code, at, error.to_string(), needed);
    match error {
        RequantError::NoForm { .. } => problem.with_hint(
            "a function that rises and falls, or of two values, needs a quantizer of few bits before it",
        ),
        _ => problem,
    }
}

/// Scales and meanings stay where a caller meets them: at the codes of inputs and at outputs.
fn strip_meanings(graph: &mut Graph) {
    let mut edge = graph.outputs.clone();
    edge.extend(graph.nodes.iter().filter(|node| matches!(node.op, Op::Quantize(_))).map(|node| node.output));
    for index in 0..graph.values.len() {
        if edge.contains(&ValueId::new(index)) {
            continue;
        }
        let value = &mut graph.values[index];
        value.ty = value.ty.without_meaning();
    }
}
