//! Values as the program computes them on this machine, turned back into the file's order of elements.

use exactum_runtime::codes::Codes;
use exactum_runtime::{Observer, Program};

use super::{Backend, Tensor, computed};
use crate::Compiled;
use crate::batch::{Batch, Host};
use crate::graph::{Graph, Op, Storage, ValueId};
use crate::lower::input_codes;

/// Axis of the file's order that each axis of a channels-last value has.
const TO_LAST: [usize; 4] = [0, 2, 3, 1];
/// The way back.
const TO_FIRST: [usize; 4] = [0, 3, 1, 2];

/// A compiled program that runs the samples of a batch on this machine.
#[derive(Debug)]
pub struct HostProgram<'a> {
    host: Host<'a>,
    batch: &'a Batch,
    /// Values of the quantized graph.
    values: usize,
    inputs: Vec<Option<Target>>,
    /// What each op of the program writes.
    ops: Vec<Option<Target>>,
}

/// A value of the quantized graph that a tensor of the program holds.
#[derive(Clone, Debug)]
struct Target {
    value: ValueId,
    /// Shape in the program's order, if that is not the file's.
    turned: Option<Vec<usize>>,
    /// What is subtracted from the codes that are stored.
    less: i64,
}

/// Order of the elements of a value in the scheduled graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    File,
    ChannelsLast,
    Unknown,
}

impl<'a> HostProgram<'a> {
    /// `program`, which is that of `compiled`, on the samples of `batch`.
    pub fn new(compiled: &Compiled, program: Program<'a>, batch: &'a Batch) -> Self {
        let (quantized, scheduled) = (&compiled.quantized, &compiled.scheduled);
        let orders = orders(scheduled);
        let target = |id: ValueId| target(quantized, scheduled, &orders, id);
        Self {
            host: Host::new(program),
            batch,
            values: quantized.values.len(),
            inputs: input_codes(scheduled).into_iter().map(target).collect(),
            ops: compiled.ops.iter().map(|op| target(op.output)).collect(),
        }
    }
}

impl Backend for HostProgram<'_> {
    fn name(&self) -> &'static str {
        "host"
    }

    fn sample(&mut self, index: usize) -> Vec<Option<Tensor>> {
        let mut recorder = Recorder { ops: &self.ops, found: vec![None; self.values] };
        let inputs = self.host.run_observed(&self.batch.sample(index), &mut recorder);
        for (target, codes) in self.inputs.iter().zip(inputs) {
            if let Some(target) = target {
                recorder.found[target.value.index()] = Some(target.tensor(codes));
            }
        }
        recorder.found
    }
}

struct Recorder<'t> {
    ops: &'t [Option<Target>],
    found: Vec<Option<Tensor>>,
}

impl Observer for Recorder<'_> {
    fn after(&mut self, op: usize, output: Codes<'_>) {
        if let Some(Some(target)) = self.ops.get(op) {
            // A value that is turned for its readers was written first where it is computed.
            let found = &mut self.found[target.value.index()];
            if found.is_none() {
                *found = Some(target.tensor(output.iter().collect()));
            }
        }
    }
}

impl Target {
    fn tensor(&self, codes: Vec<i32>) -> Tensor {
        let codes: Vec<i64> = codes.into_iter().map(|code| i64::from(code) + self.less).collect();
        Tensor::Integers(match &self.turned {
            Some(shape) => crate::passes::permuted(&codes, shape, &TO_FIRST),
            None => codes,
        })
    }
}

/// The value of the quantized graph that value `id` of the scheduled one holds, if that and its order are known.
fn target(quantized: &Graph, scheduled: &Graph, orders: &[Order], id: ValueId) -> Option<Target> {
    let stored = scheduled.value(id);
    let called = computed(quantized).filter(|(_, id)| quantized.value(*id).name == stored.name);
    let mut fitting = called.filter_map(|(_, value)| {
        let turned = is_turned(&quantized.value(value).shape, &stored.shape, orders[id.index()])?;
        let less = quantized.value(value).codes().map_or(0, |codes| Storage::of(codes.int).less);
        Some(Target { value, turned: turned.then(|| stored.shape.clone()), less })
    });
    // Of two values with one name and shape either could be meant.
    fitting.next().filter(|_| fitting.next().is_none())
}

/// Whether a value of `shape` is stored channels last in a place of shape `stored`; `None` if that is not certain or
/// the shapes do not fit.
fn is_turned(shape: &[usize], stored: &[usize], order: Order) -> Option<bool> {
    let turned = shape.len() == 4 && stored == TO_LAST.map(|axis| shape[axis]);
    match (stored == shape, turned, order) {
        (false, false, _) | (true, _, Order::Unknown) => None,
        (true, false, _) => Some(false),
        (false, true, _) => Some(true),
        // Both orders have this shape.
        (true, true, order) => Some(order == Order::ChannelsLast),
    }
}

/// The order of every value of a scheduled graph: transposes and reshapes that keep a value's name change it, other
/// nodes hand it on.
fn orders(graph: &Graph) -> Vec<Order> {
    let mut orders = vec![Order::File; graph.values.len()];
    for node in &graph.nodes {
        let Some(first) = node.inputs.first() else { continue };
        let (from, to) = (graph.value(*first), graph.value(node.output));
        let before = orders[first.index()];
        let same_value = from.name == to.name;
        orders[node.output.index()] = match &node.op {
            Op::Transpose { perm } if same_value && *perm == TO_LAST => Order::ChannelsLast,
            Op::Transpose { perm } if same_value && *perm == TO_FIRST => Order::File,
            Op::Reshape if same_value && before == Order::File => Order::ChannelsLast,
            Op::Reshape if same_value => Order::File,
            Op::Reshape | Op::Transpose { .. } if before == Order::File => Order::File,
            Op::Reshape | Op::Transpose { .. } => Order::Unknown,
            Op::Dense => Order::File,
            _ if to.shape.len() < 4 && before != Order::File && to.elems() == from.elems() => Order::Unknown,
            _ if to.shape.len() < 4 => Order::File,
            _ => before,
        };
    }
    orders
}
