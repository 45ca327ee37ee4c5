//! States: codes that one `push` changes, after all that read what they were.

use super::Verifier;
use crate::diagnostic::Location;
use crate::graph::{Graph, Op, Type, ValueId};

pub(super) fn verify(verifier: &mut Verifier<'_>) {
    let graph = verifier.graph;
    for state in &graph.states {
        let id = state.value;
        let at = Location::part(format!("state {id}"));
        let codes = graph.value(id).codes();
        let holds = codes.is_some_and(|codes| codes.range.contains(state.fill));
        verifier.require(holds, &at, "states hold codes, their fill among them", || state.fill.to_string());
        let pushes: Vec<usize> =
            graph.consumers(id).filter(|index| graph.nodes[*index].op == Op::Push).collect();
        let last = *pushes.first().unwrap_or(&0);
        let holds = pushes.len() == 1
            && graph.nodes[last].inputs.iter().filter(|input| **input == id).count() == 1
            && !graph.outputs.contains(&id)
            && readers(graph, id).all(|index| index <= last);
        verifier.require(holds, &at, "the last to read a state is the one that pushes to it", || {
            format!("{pushes:?}")
        });
    }
    for (index, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.op == Op::Push) {
        let at = graph.location(index);
        let known = graph.states.iter().any(|state| state.value == node.inputs[0]);
        verifier.require(known, &at, "only states are pushed to", || node.inputs[0].to_string());
        let Some(rows) = node.inputs.get(1).map(|id| &graph.value(*id).ty) else { continue };
        let fits = match (rows, &graph.value(node.output).ty) {
            (Type::Codes(rows), Type::Codes(state)) => {
                rows.int == state.int
                    && rows.zero_point == state.zero_point
                    && state.range.contains_range(rows.range)
            }
            _ => false,
        };
        verifier.require(fits, &at, "what is pushed has the type of the state", || format!("{rows:?}"));
    }
}

/// The nodes that read the elements of `id`, when they run, but for reshapes of it.
fn readers(graph: &Graph, id: ValueId) -> Box<dyn Iterator<Item = usize> + '_> {
    Box::new(graph.consumers(id).flat_map(move |index| match graph.nodes[index].op {
        Op::Reshape => readers(graph, graph.nodes[index].output),
        _ => Box::new(std::iter::once(graph.fused_requantize(index).unwrap_or(index))),
    }))
}
