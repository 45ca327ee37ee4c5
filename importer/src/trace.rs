//! Every intermediate value of a model, as one of several backends computes it: what `exactum verify --layers` compares
//! and `exactum run --dump` writes.
//!
//! The values are those of the quantized graph, which keeps the names of the file. The exact reference gives all of
//! them, the program on this machine those that it stores, floats and archives those that they have under the same
//! names.

mod arrays;
mod compare;
mod dump;
mod float;
mod host;

pub use arrays::Arrays;
pub use compare::{FirstDifference, LayerComparison, LayerRow, compare};
pub use dump::dump;
pub use float::Float;
pub use host::HostProgram;

use std::collections::BTreeMap;

use crate::batch::Batch;
use crate::graph::{Graph, Level, Type, ValueId};
use crate::reference::Reference;

/// The elements of one value for one sample, in the file's order.
#[derive(Clone, Debug, PartialEq)]
pub enum Tensor {
    /// Codes or accumulators.
    Integers(Vec<i64>),
    /// What they stand for.
    Reals(Vec<f64>),
}

impl Tensor {
    /// Number of elements.
    pub const fn len(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Reals(values) => values.len(),
        }
    }

    /// Whether there is no element.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Something that computes, or has computed, a model's values.
pub trait Backend {
    /// The name in texts.
    fn name(&self) -> &str;

    /// The values of sample `index`, by the [`ValueId`] of the quantized graph; `None` for those it does not have.
    fn sample(&mut self, index: usize) -> Vec<Option<Tensor>>;
}

/// The values that nodes of `graph` compute, in execution order, each with its node. On the quantized level without
/// floats, which the caller makes of outputs.
pub fn computed(graph: &Graph) -> impl Iterator<Item = (usize, ValueId)> + '_ {
    let computed = graph.nodes.iter().enumerate().map(|(index, node)| (index, node.output));
    computed.filter(|(_, id)| graph.level == Level::Imported || graph.value(*id).ty != Type::Float)
}

/// The computed values of `graph` by name. Where several have one name, the last is the file's, because passes put what
/// they insert before it; but not a copy of a value under its own name, which only reads its integers in another way.
pub(crate) fn by_name(graph: &Graph) -> BTreeMap<&str, ValueId> {
    let name = |id: ValueId| graph.value(id).name.as_str();
    let copies = |node: usize, id: ValueId| {
        graph.nodes[node].inputs.first().is_some_and(|from| name(*from) == name(id))
    };
    computed(graph).filter(|(node, id)| !copies(*node, *id)).map(|(_, id)| (name(id), id)).collect()
}

/// The exact reference as a backend.
#[derive(Debug)]
pub struct Exact<'a> {
    reference: &'a Reference<'a>,
    batch: &'a Batch,
}

impl<'a> Exact<'a> {
    /// The values of `reference` for the samples of `batch`, which is for the same model.
    pub const fn new(reference: &'a Reference<'a>, batch: &'a Batch) -> Self {
        Self { reference, batch }
    }
}

impl Backend for Exact<'_> {
    fn name(&self) -> &'static str {
        "exact"
    }

    fn sample(&mut self, index: usize) -> Vec<Option<Tensor>> {
        let values =
            self.reference.trace(&self.batch.sample(index)).expect("a batch fits the model's inputs");
        values.into_iter().map(|value| (!value.is_empty()).then_some(Tensor::Integers(value))).collect()
    }
}
