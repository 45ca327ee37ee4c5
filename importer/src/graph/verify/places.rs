//! Places in the arena: values alive together, and what a kernel works in while they are, must not overlap.

use super::{Location, Verifier};
use crate::graph::{Graph, MemoryPlan, Op, Type, ValueId};

/// The nodes during which a value must keep its elements: from its birth to its last use. A layer whose accumulators
/// stay in registers reads its operands when these are requantized.
fn lifetime(graph: &Graph, id: ValueId) -> (usize, usize) {
    let first = graph.producer(id).unwrap_or(0);
    let executed = |node: usize| graph.fused_requantize(node).unwrap_or(node);
    let last = graph.consumers(id).map(executed).max().unwrap_or(first);
    let is_output = graph.outputs.iter().any(|output| graph.integers(*output) == id);
    (first, if is_output { graph.nodes.len() } else { last })
}

/// The value of which `id` is another shape.
fn origin(graph: &Graph, id: ValueId) -> ValueId {
    let renaming = graph.producer(id).map(|node| &graph.nodes[node]).filter(|node| node.op == Op::Reshape);
    renaming.map_or(id, |node| origin(graph, node.inputs[0]))
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
        verifier.require(
            value.placement.is_some() == needed,
            &at,
            "every value of the program has a place",
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
}
