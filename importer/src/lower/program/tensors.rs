//! The tensor table of a program.

use exactum_runtime::codes::Element;
use exactum_runtime::num::IntRange;
use exactum_runtime::program::{Role, Shape, Tensor, TensorId};

use super::super::buffers::{Buffers, Port, buffers, outside, window_shape};
use crate::diagnostic::{Code, Diagnostic, Location, Result};
use crate::graph::{Graph, Node, Op, Type, Value, ValueId};

/// The tensor table and the number of each value in it.
pub(super) struct Tensors {
    pub(super) tensors: Vec<Tensor>,
    ids: Vec<u16>,
    /// Of each node what its kernel works in.
    scratch: Vec<Option<TensorId>>,
}

impl Tensors {
    /// The tensor of value `id`.
    pub(super) fn id(&self, id: ValueId) -> TensorId {
        TensorId(self.ids[id.index()])
    }

    /// What the kernel of node `index` works in.
    pub(super) fn scratch(&self, index: usize) -> Option<TensorId> {
        self.scratch[index]
    }

    /// Whether `node` gives the same place another name.
    pub(super) fn is_renaming(&self, node: &Node) -> bool {
        node.op == Op::Reshape && self.ids[node.inputs[0].index()] == self.ids[node.output.index()]
    }
}

/// One tensor for each place, whatever names its value has; its shape is the one that a window needs. Inputs come first, then
/// states, then what each op writes and works in, in the order in which they run.
pub(super) fn tensors(graph: &Graph) -> Result<Tensors> {
    let mut table = Tensors {
        tensors: vec![],
        ids: vec![u16::MAX; graph.values.len()],
        scratch: vec![None; graph.nodes.len()],
    };
    let Buffers { mut groups, states, .. } = buffers(graph);
    let inputs = graph.input_codes();
    let input = |group: &Vec<ValueId>| inputs.iter().position(|id| group.contains(id));
    groups.sort_by_key(|group| input(group).unwrap_or(usize::MAX));
    let given = groups.iter().take_while(|group| input(group).is_some()).count();
    // Buffers outside are numbered in the order of ports.
    let mut ports: Vec<Port> = groups.iter().filter_map(|group| outside(graph, group)).collect();
    ports.sort_by_key(|port| match port {
        Port::Input(index) | Port::Output(index) => *index,
    });
    let number = |port: Port| {
        let side = std::mem::discriminant(&port);
        let mut same = ports.iter().filter(|other| std::mem::discriminant(*other) == side);
        same.position(|other| *other == port).unwrap_or_default()
    };
    let ordered = groups[..given].iter().chain(&states).chain(&groups[given..]);
    for group in ordered {
        let value = graph.value(group[0]);
        let shape = group.iter().find_map(|id| window_shape(graph, *id)).unwrap_or(value.shape.as_slice());
        let (element, range) = stored(value);
        // A program handles one sample; the batch axis is its caller's loop. A transpose can have moved it.
        let sample = match shape {
            [1, sample @ ..] if !sample.is_empty() => sample,
            whole => whole,
        };
        let dims: Option<Vec<u32>> = sample.iter().map(|dim| u32::try_from(*dim).ok()).collect();
        let place = value.placement.map_or(0, |place| place.offset_bytes);
        // Kernels without windows count elements only, so a value of many axes can be stored as a list.
        let shape = dims.and_then(|dims| {
            let whole = [dims.iter().product()];
            Shape::new(&dims).or_else(|| Shape::new(&whole))
        });
        let (Some(shape), Ok(id)) = (shape, u16::try_from(table.tensors.len())) else {
            let at = Location::part(format!("value `{}`", value.name));
            let found = format!("shape {:?} in a program of {} tensors", value.shape, table.tensors.len());
            let needed = "no empty axis, fewer than 2^31 elements, at most 65535 tensors";
            return Err(Diagnostic::new(Code::TooLarge, at, found, needed).into());
        };
        for member in group {
            table.ids[member.index()] = id;
        }
        let is_state = states.contains(group);
        let (offset, role) = match outside(graph, group).filter(|_| !is_state) {
            None => (place, Role::Value),
            Some(port @ Port::Input(_)) => (number(port), Role::OutsideInput),
            Some(port @ Port::Output(_)) => (number(port), Role::OutsideOutput),
        };
        table.tensors.push(Tensor { element, shape, offset_bytes: offset as u32, range, role });
        if table.tensors.len() > given + states.len() {
            table.push_scratch(graph, group[0]);
        }
    }
    Ok(table)
}

impl Tensors {
    /// The tensor in which the kernel that makes `value` works, if it has one.
    fn push_scratch(&mut self, graph: &Graph, value: ValueId) {
        let Some(last) = graph.producer(value) else { return };
        let layer = graph.producer(graph.nodes[last].inputs[0]);
        let layer = layer.filter(|layer| graph.fused_requantize(*layer) == Some(last)).unwrap_or(last);
        let place = graph.nodes[layer].scratch;
        let tensor =
            place.and_then(|place| Tensor::scratch(place.offset_bytes as u32, place.size_bytes as u32));
        if let Some(tensor) = tensor {
            self.scratch[layer] = Some(TensorId(self.tensors.len() as u16));
            self.tensors.push(tensor);
        }
    }
}

/// How a value's integers are stored, and which can occur.
fn stored(value: &Value) -> (Element, IntRange) {
    match &value.ty {
        Type::Codes(codes) => (Element::smallest_for(codes.int.range()).unwrap_or(Element::I32), codes.range),
        Type::Accumulators { bounds, .. } => {
            let range = bounds.iter().copied().reduce(IntRange::union);
            (Element::I32, range.unwrap_or(Element::I32.range()))
        }
        Type::Float | Type::Shape => (Element::I32, Element::I32.range()),
    }
}
