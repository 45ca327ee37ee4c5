//! Every intermediate value of a model, as one of several backends computes it: what `exactum verify --layers` compares
//! and `exactum run --dump` writes.
//!
//! The values are those of the quantized graph. The exact reference gives all of them, the program on this machine those
//! that it stores, by the sources that passes wrote; floats those of the file that they stand for, and archives those
//! that have the names of these.

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

use crate::Compiled;
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

/// The names under which the values of a compiled model are dumped and looked for: those of the file's values that they
/// hold, and of values that passes made their own, where the file has no such name.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    /// Each with the value of the quantized graph, and that of the imported one.
    pub(crate) values: BTreeMap<&'a str, (ValueId, Option<ValueId>)>,
}

impl<'a> Names<'a> {
    pub(crate) fn of(compiled: &'a Compiled) -> Self {
        let (imported, quantized) = (&compiled.imported, &compiled.quantized);
        let mut values = BTreeMap::new();
        for (_, id) in computed(quantized) {
            for source in &quantized.value(id).sources {
                let name = imported.value(source.value).name.as_str();
                values.entry(name).or_insert((id, Some(source.value)));
            }
        }
        for (_, id) in computed(quantized).filter(|(_, id)| quantized.value(*id).sources.is_empty()) {
            values.entry(quantized.value(id).name.as_str()).or_insert((id, None));
        }
        Self { values }
    }
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
