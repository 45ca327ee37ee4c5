//! What the exact reference computed for calibration samples: how often each code, how far each accumulator.

use std::collections::BTreeMap;

use exactum_runtime::num::IntRange;

use crate::batch::Batch;
use crate::graph::{Graph, Type, ValueId};
use crate::reference::Reference;
use crate::trace::computed;

/// Statistics of a model's values over a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Samples seen.
    pub samples: usize,
    /// By the value of the quantized graph.
    values: BTreeMap<ValueId, Seen>,
}

/// What was seen of one value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How often each code occurred; empty for accumulators.
    pub counts: BTreeMap<i64, u64>,
    /// Integers seen in each channel.
    pub channels: Vec<IntRange>,
}

impl Statistics {
    /// Executes the quantized `graph` on every sample of `batch`. Calls `progress` after each.
    ///
    /// # Panics
    /// If graph and batch do not belong together.
    pub fn collect(graph: &Graph, batch: &Batch, mut progress: impl FnMut()) -> Self {
        let reference = Reference::new(graph);
        let mut values: BTreeMap<ValueId, Seen> = BTreeMap::new();
        for sample in 0..batch.samples() {
            let trace = reference.trace(&batch.sample(sample)).expect("a batch fits the model's inputs");
            for (_, id) in computed(graph) {
                let value = graph.value(id);
                let codes = matches!(value.ty, Type::Codes(_));
                values.entry(id).or_default().add(&trace[id.index()], &value.shape, codes);
            }
            progress();
        }
        Self { samples: batch.samples(), values }
    }

    /// What was seen of the quantized graph's value `id`.
    pub fn of(&self, id: ValueId) -> Option<&Seen> {
        self.values.get(&id)
    }
}

impl Seen {
    fn add(&mut self, integers: &[i64], shape: &[usize], codes: bool) {
        let channels = shape.get(1).copied().unwrap_or(1).max(1);
        let inner = shape.iter().skip(2).product::<usize>().max(1);
        for (index, integer) in integers.iter().enumerate() {
            if codes {
                *self.counts.entry(*integer).or_default() += 1;
            }
            let channel = index / inner % channels;
            let point = IntRange::point(*integer);
            match self.channels.get_mut(channel) {
                Some(range) => *range = range.union(point),
                None => self.channels.push(point),
            }
        }
    }

    /// Elements seen, of values that hold codes.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How often `code` occurred.
    pub fn count(&self, code: i64) -> u64 {
        self.counts.get(&code).copied().unwrap_or(0)
    }

    /// Integers seen in any channel.
    pub fn range(&self) -> Option<IntRange> {
        self.channels.iter().copied().reduce(IntRange::union)
    }
}
