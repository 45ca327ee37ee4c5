//! Places in the arena: values alive together, and what a kernel works in while they are, must not overlap.

use super::{Location, Verifier};
use crate::graph::{Graph, MemoryPlan, Op, Type, ValueId};

/// The nodes during which a value must keep its elements: from its birth to its last use. A layer whose accumulators
/// stay in registers reads its operands when these are requantized.
fn lifetime(graph: &Graph, id: ValueId) -> (usize, usize) {
    if lies_in_state(graph, id) {
        return (0, graph.nodes.len());
    }
    let first = graph.producer(id).unwrap_or(0);
    let executed = |node: usize| graph.fused_requantize(node).unwrap_or(node);
    let last = graph.consumers(id).map(executed).max().unwrap_or(first);
    let is_output = graph.outputs.iter().any(|output| graph.integers(*output) == id);
    (first, if is_output { graph.nodes.len() } else { last })
}

/// Whether `id` has the place of a state, which it is a name of.
fn lies_in_state(graph: &Graph, id: ValueId) -> bool {
    let state = graph.state_of(id).map(|state| graph.value(graph.states[state].value));
    state.is_some_and(|state| state.placement == graph.value(id).placement)
}

/// The value of which `id` is another shape, or the state that it is the new content of.
fn origin(graph: &Graph, id: ValueId) -> ValueId {
    let renames = |op: &Op| matches!(op, Op::Reshape | Op::Push);
    let renaming = graph.producer(id).map(|node| &graph.nodes[node]).filter(|node| renames(&node.op));
    renaming.map_or(id, |node| origin(graph, node.inputs[0]))
}

/// Whether `id` is a name of what one port alone gives or takes, on a side that lies outside the arena.
fn lies_outside(graph: &Graph, id: ValueId) -> bool {
    let first = origin(graph, id);
    if graph.states.iter().any(|state| state.value == first) {
        return false;
    }
    let is_given = graph.producer(first).is_none_or(|node| matches!(graph.nodes[node].op, Op::Quantize(_)));
    let names = |output: &&ValueId| {
        let integers = graph.integers(**output);
        graph.value(integers).placement.is_none() && origin(graph, integers) == first
    };
    match graph.outputs.iter().filter(names).count() {
        0 => is_given && graph.outside.inputs,
        1 => !is_given && graph.outside.outputs,
        _ => false,
    }
}

pub(super) fn verify(verifier: &mut Verifier<'_>) {
    let graph = verifier.graph;
    let scratch = graph.nodes.iter().filter_map(|node| node.scratch);
    let ends = graph.values.iter().filter_map(|value| value.placement).chain(scratch);
    let end = ends.map(|place| place.offset_bytes + place.size_bytes).max().unwrap_or(0);
    let holds = graph.memory.is_none_or(|memory| {
        let MemoryPlan { arena_bytes, lower_bound_bytes, optimal } = memory;
        end <= arena_bytes && lower_bound_bytes <= arena_bytes && (optimal || lower_bound_bytes < arena_bytes)
    });
    let at = Location::part("arena");
    verifier.require(holds, &at, "the arena holds every place and is no smaller than its bound", || {
        format!("{:?} for places up to byte {end}", graph.memory)
    });
    let mut placed = vec![];
    for (index, value) in graph.values.iter().enumerate().filter(|(_, value)| value.constant.is_none()) {
        let id = ValueId::new(index);
        let float_input = value.ty == Type::Float;
        let in_registers = graph.producer(id).is_some_and(|node| graph.fused_requantize(node).is_some());
        let at = Location::part(format!("{id} {:?}", value.name));
        let needed = !float_input && !in_registers;
        let placed_outside = needed && value.placement.is_none() && lies_outside(graph, id);
        verifier.require(
            placed_outside || value.placement.is_some() == needed,
            &at,
            "every value of the program has a place, in the arena or in the buffer of a port",
            || format!("{:?}", value.placement),
        );
        if let Some(place) = value.placement {
            placed.push((id, place, lifetime(graph, id)));
        }
    }
    for (index, place) in
        graph.nodes.iter().enumerate().filter_map(|(index, node)| Some((index, node.scratch?)))
    {
        let runs = graph.fused_requantize(index).unwrap_or(index);
        for (id, other, (first, last)) in &placed {
            let apart = place.offset_bytes + place.size_bytes <= other.offset_bytes
                || other.offset_bytes + other.size_bytes <= place.offset_bytes;
            let at = Location::part(format!("{id} and the scratch of node {index}"));
            verifier.require(
                apart || runs < *first || *last < runs,
                &at,
                "what a kernel works in overlaps no value that is alive",
                || format!("{place:?} and {other:?}"),
            );
        }
    }
    for (i, (a, place_a, (first_a, last_a))) in placed.iter().enumerate() {
        for (b, place_b, (first_b, last_b)) in &placed[i + 1..] {
            let apart = place_a.offset_bytes + place_a.size_bytes <= place_b.offset_bytes
                || place_b.offset_bytes + place_b.size_bytes <= place_a.offset_bytes;
            let alive_together = first_a <= last_b && first_b <= last_a;
            // Another name for the same bytes.
            let renamed =
                place_a.offset_bytes == place_b.offset_bytes && origin(graph, *a) == origin(graph, *b);
            let taken_over =
                place_a.offset_bytes == place_b.offset_bytes && (last_a == first_b || last_b == first_a);
            let at = Location::part(format!("{a} and {b}"));
            verifier.require(
                apart || !alive_together || taken_over || renamed,
                &at,
                "values alive together do not overlap",
                || format!("{place_a:?} and {place_b:?}"),
            );
        }
    }
    states(verifier);
}

/// States lie behind everything else, in their order, and what is pushed to them lies there too.
fn states(verifier: &mut Verifier<'_>) {
    let graph = verifier.graph;
    let scratch = graph.nodes.iter().filter_map(|node| node.scratch);
    let others = (0..graph.values.len()).map(ValueId::new).filter(|id| !lies_in_state(graph, *id));
    let others = others.filter_map(|id| graph.value(id).placement);
    let mut end = others.chain(scratch).map(|place| place.offset_bytes + place.size_bytes).max().unwrap_or(0);
    for state in &graph.states {
        let Some(place) = graph.value(state.value).placement else { continue };
        let at = Location::part(format!("state {}", state.value));
        verifier.require(
            place.offset_bytes >= end,
            &at,
            "states lie behind everything else, in order",
            || format!("{place:?}, where others end at {end}"),
        );
        end = place.offset_bytes + place.size_bytes;
    }
    for node in graph.nodes.iter().filter(|node| node.op == Op::Push) {
        let [from, to] = [node.inputs[0], node.output].map(|id| graph.value(id).placement);
        let at = Location::part(format!("state {}", node.inputs[0]));
        verifier
            .require(from == to, &at, "a push leaves a state where it is", || format!("{from:?} and {to:?}"));
    }
}
