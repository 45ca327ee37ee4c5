//! Runs in steps, between which something else can be done: a watchdog fed, a task polled, a deadline looked at.

use exactum_format::op::OpRecords;
use exactum_format::{OpKind, OpRecord, Program};
use exactum_kernels::isa::{Isa, Native};

use crate::memory::{Space, reset};
use crate::parts::Grid;
use crate::run::{grid, run};

/// A run in steps; each item is the number of the op that a step has computed, whole or in part.
///
/// Outputs are those of a run at once, whatever the steps are, and mean something once all of them are done. Dropping it
/// before that gives the run up: states are then what they were before, or, if the run had pushed to one already, what they
/// hold before the first run, as [`reset`](crate::Engine::reset) sets them. A run never leaves some states pushed and others not.
#[derive(Debug)]
pub struct Steps<'s, 'p, 'b, K = Native> {
    isa: K,
    program: Program<'p>,
    space: Space<'s, 'b>,
    records: OpRecords<'p>,
    /// Most work of a step.
    limit: u64,
    /// Number of the next op to begin.
    next: usize,
    /// The op that was begun and not finished, and how many of its units are done.
    begun: Option<(OpRecord<'p>, Grid, u64)>,
    /// Whether a state was pushed, and the run is not at its end.
    pushed: bool,
}

impl<'s, 'p, 'b, K> Steps<'s, 'p, 'b, K> {
    pub(crate) const fn new(isa: K, program: Program<'p>, space: Space<'s, 'b>) -> Self {
        let records = program.op_records();
        Self { isa, program, space, records, limit: u64::MAX, next: 0, begun: None, pushed: false }
    }

    /// The same with steps of at most `work` from here on: multiply-accumulates of a layer, in other ops elements that are read
    /// or written. A step does one pixel of an image, one element of a row, or one push of a state, at least.
    #[must_use]
    pub fn within(mut self, work: u32) -> Self {
        self.limit = work.into();
        self
    }
}

impl<K: Isa> Iterator for Steps<'_, '_, '_, K> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let tensors = self.program.tensor_table();
        let (record, grid, done) = match self.begun.take() {
            Some(begun) => begun,
            None => {
                let Some(Ok(record)) = self.records.next() else {
                    self.pushed = false;
                    return None;
                };
                self.next = self.next.wrapping_add(1);
                (record, grid(record, tensors), 0)
            }
        };
        self.pushed |= record.code() == OpKind::Push.code();
        let part = grid.part(done, self.limit);
        let (total, count) = (grid.total(), part.count());
        if count >= total {
            run(self.isa, record, tensors, self.space.reborrow(), None);
        } else {
            run(self.isa, record, tensors, self.space.reborrow(), Some(&part));
            let done = done.saturating_add(count);
            if done < total {
                self.begun = Some((record, grid, done));
            }
        }
        if self.begun.is_none() && self.next == self.program.op_count() {
            self.pushed = false;
        }
        Some(self.next.wrapping_sub(1))
    }
}

impl<K> Drop for Steps<'_, '_, '_, K> {
    fn drop(&mut self) {
        if self.pushed {
            reset(&self.program, self.space.arena);
        }
    }
}
