//! Which values of a graph share a place in the arena, and how large and long-lived each place is.
//!
//! The pass `plan-memory` asks where they go, `program` which tensor each becomes. A reshape is a new name for the same
//! bytes; a requantization to codes of the same size may overwrite what it reads. Accumulators that are requantized at
//! once stay in registers and have no place. What is pushed to a state lies in the state's place.

use exactum_runtime::codes::Element;

use super::memory_plan::Buffer;
use crate::graph::{Graph, Node, Op, Type, Value, ValueId};

/// Who lives in a buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resident {
    /// Values, one or more names of the same elements.
    Values(Vec<ValueId>),
    /// The kernel of a node, while it runs.
    Scratch(usize),
}

/// Everything that needs a place in the arena, states left out: the buffers of the values, then those that `scratch`, nodes
/// with bytes, asks for.
pub(crate) fn residents(graph: &Graph, scratch: &[(usize, usize)]) -> (Vec<Resident>, Vec<Buffer>) {
    let all = buffers(graph);
    // Those outside take no place, and leave none to others.
    let is_inside: Vec<bool> = all.groups.iter().map(|group| outside(graph, group).is_none()).collect();
    let kept =
        |group: usize| is_inside[group].then(|| is_inside[..group].iter().filter(|inside| **inside).count());
    let (mut residents, mut buffers) = (vec![], vec![]);
    for (index, (group, buffer)) in all.groups.into_iter().zip(all.buffers).enumerate() {
        if is_inside[index] {
            residents.push(Resident::Values(group));
            buffers.push(Buffer { in_place_of: buffer.in_place_of.and_then(kept), ..buffer });
        }
    }
    for (node, size_bytes) in scratch {
        // The kernel of a layer runs when its accumulators are requantized.
        let runs = graph.fused_requantize(*node).unwrap_or(*node);
        residents.push(Resident::Scratch(*node));
        buffers.push(Buffer { size_bytes: *size_bytes, first: runs, last: runs, in_place_of: None });
    }
    (residents, buffers)
}

/// The names of each state, in the order of the states, and its bytes.
pub(crate) fn states(graph: &Graph) -> impl Iterator<Item = (Vec<ValueId>, usize)> + use<> {
    let sizes: Vec<usize> = graph.states.iter().map(|state| size_bytes(graph.value(state.value))).collect();
    buffers(graph).states.into_iter().zip(sizes)
}

/// Values that share places.
pub(crate) struct Buffers {
    /// Values that live in each buffer, in the order of their first value.
    pub(crate) groups: Vec<Vec<ValueId>>,
    /// The buffers.
    pub(crate) buffers: Vec<Buffer>,
    /// Values that live in the place of each state, the state first.
    pub(crate) states: Vec<Vec<ValueId>>,
}

/// Where a value lives.
#[derive(Clone, Copy)]
enum Home {
    Buffer(usize),
    State(usize),
}

/// Buffers of the program and the values that live in each.
pub(crate) fn buffers(graph: &Graph) -> Buffers {
    let mut groups: Vec<Vec<ValueId>> = vec![];
    let mut buffers: Vec<Buffer> = vec![];
    let mut states: Vec<Vec<ValueId>> = graph.states.iter().map(|state| vec![state.value]).collect();
    let mut homes: Vec<Option<Home>> = vec![None; graph.values.len()];
    for (index, state) in graph.states.iter().enumerate() {
        homes[state.value.index()] = Some(Home::State(index));
    }
    for (index, layer) in graph.steps() {
        let node = &graph.nodes[index];
        if let Op::Dequantize(_) = node.op {
            continue;
        }
        let read = &graph.nodes[layer.unwrap_or(index)].inputs;
        for id in read {
            if let Some(Home::Buffer(group)) = homes[id.index()] {
                let buffer: &mut Buffer = &mut buffers[group];
                buffer.last = index;
            }
        }
        let source = if layer.is_some() { None } else { homes[node.inputs[0].index()] };
        let names = source.map(|source| match source {
            Home::Buffer(group) => &mut groups[group],
            Home::State(state) => &mut states[state],
        });
        let home = match (&node.op, source, names) {
            (Op::Push, Some(source), Some(names)) => {
                names.push(node.output);
                source
            }
            // What a state was is gone after its push, so only what it is then has other names.
            (Op::Reshape, Some(source), Some(names))
                if one_shape(graph, names, node.output)
                    && !graph.states.iter().any(|state| state.value == node.inputs[0]) =>
            {
                names.push(node.output);
                source
            }
            (op, source, _) => {
                let size_bytes = size_bytes(graph.value(node.output));
                let in_place_of = match source {
                    Some(Home::Buffer(group)) if matches!(op, Op::Requantize(_)) => Some(group),
                    _ => None,
                };
                let in_place_of = in_place_of.filter(|group| {
                    let same_size = buffers[*group].size_bytes == size_bytes;
                    same_size && last_use(graph, &groups[*group]) == index
                });
                // The caller fills all inputs before the first op.
                let first = if matches!(op, Op::Quantize(_)) { 0 } else { index };
                groups.push(vec![node.output]);
                buffers.push(Buffer { size_bytes, first, last: index, in_place_of });
                Home::Buffer(buffers.len() - 1)
            }
        };
        homes[node.output.index()] = Some(home);
    }
    for id in graph.outputs.iter().map(|id| graph.integers(*id)) {
        if let Some(Home::Buffer(group)) = homes[id.index()] {
            buffers[group].last = graph.nodes.len();
        }
    }
    Buffers { groups, buffers, states }
}

/// Where values lie that have no place in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    /// In the buffer of the input with this number.
    Input(usize),
    /// In the buffer of the output with this number.
    Output(usize),
}

/// The port whose buffer holds the values of `group`, if they lie outside the arena of `graph`.
pub(crate) fn outside(graph: &Graph, group: &[ValueId]) -> Option<Port> {
    let input = graph.input_codes().iter().position(|id| group.contains(id));
    let mut outputs = graph.outputs.iter().enumerate();
    let mut outputs = outputs.by_ref().filter(|(_, id)| group.contains(&graph.integers(**id)));
    match (input, outputs.next(), outputs.next()) {
        (Some(input), None, None) => graph.outside.inputs.then_some(Port::Input(input)),
        (None, Some((output, _)), None) => graph.outside.outputs.then_some(Port::Output(output)),
        _ => None,
    }
}

/// The shape that programs need for a value: operators with windows read height, width and channels from it.
pub(crate) fn window_shape(graph: &Graph, id: ValueId) -> Option<&[usize]> {
    let has_window = |node: &Node| {
        matches!(node.op, Op::Conv2d(_) | Op::ConvTranspose2d(_) | Op::MaxPool(_) | Op::SumPool(_))
    };
    let read = graph.nodes.iter().any(|node| has_window(node) && node.inputs[0] == id);
    let layer = graph.producer(id).map(|node| &graph.nodes[node]);
    let made = layer.is_some_and(|node| {
        let fused = graph.producer(node.inputs[0]).filter(|_| matches!(node.op, Op::Requantize(_)));
        has_window(node) || fused.is_some_and(|node| has_window(&graph.nodes[node]))
    });
    (read || made).then_some(graph.value(id).shape.as_slice())
}

/// Whether `id` may be another name for the values of `group`: no two of them need different shapes.
fn one_shape(graph: &Graph, group: &[ValueId], id: ValueId) -> bool {
    let needed = group.iter().find_map(|id| window_shape(graph, *id));
    window_shape(graph, id).is_none_or(|shape| needed.is_none_or(|needed| needed == shape))
}

/// Index of the last node that reads one of `group`; past the end if the caller reads one.
fn last_use(graph: &Graph, group: &[ValueId]) -> usize {
    let is_output = |id: &ValueId| graph.outputs.iter().any(|output| graph.integers(*output) == *id);
    let of_value = |id: &ValueId| match is_output(id) {
        true => graph.nodes.len(),
        false => graph.consumers(*id).last().unwrap_or(0),
    };
    group.iter().map(of_value).max().unwrap_or(0)
}

/// Bytes of a value in the arena.
fn size_bytes(value: &Value) -> usize {
    value.elems() * element_bytes(value)
}

/// Bytes of one element: accumulators take 4, codes as many as their type needs.
fn element_bytes(value: &Value) -> usize {
    match &value.ty {
        Type::Codes(codes) => {
            Element::smallest_for(codes.int.range()).unwrap_or(Element::I32).size_bytes() as usize
        }
        Type::Accumulators { .. } | Type::Float | Type::Shape => 4,
    }
}
