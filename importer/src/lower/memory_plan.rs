//! Where every value lives in the arena: an exact planner for buffers with known lifetimes.
//!
//! First fit in several orders gives a plan, branch and bound improves it. A plan is optimal if it meets the lower
//! bound or the search was exhausted; otherwise its distance from the lower bound is known. The independent
//! [`check`] repeats nothing of this. Called when a graph is scheduled.

mod branch_and_bound;
mod check;
mod first_fit;
mod places;
mod sharing;

pub use check::{PlanError, check};

use places::Places;

/// Something to store while the operations `first` to `last` run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// Space needed.
    pub size_bytes: usize,
    /// Index of the operation that writes it first.
    pub first: usize,
    /// Index of the last operation that uses it, included; not below `first`.
    pub last: usize,
    /// Buffer whose place this one may take over, because the operation that writes this one is the last to use the
    /// other and tolerates that both start at the same byte. Ignored where the lifetimes do not meet like that.
    pub in_place_of: Option<usize>,
}

impl Buffer {
    /// Whether this buffer, one of `buffers`, may lie over number `other` during the operation that they share.
    fn may_replace(&self, other: usize, buffers: &[Self]) -> bool {
        let dies_here = |old: &Self| old.first < self.first && old.last == self.first;
        self.in_place_of == Some(other) && buffers.get(other).is_some_and(dies_here)
    }
}

/// Offsets of all buffers in one arena.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Start of each buffer, a multiple of the alignment.
    pub offsets: Vec<usize>,
    /// Size of the arena, a multiple of the alignment.
    pub arena_bytes: usize,
    /// No arena is smaller: most bytes in use during one operation, each buffer rounded up to the alignment and
    /// every legal sharing done.
    pub lower_bound_bytes: usize,
    /// Whether it is proven that no smaller arena exists, by the lower bound or by an exhausted search.
    pub optimal: bool,
}

/// Limit on the work for one plan, in visited time slots: some tenths of a second.
const BUDGET_SLOTS: u64 = 50_000_000;

/// Places `buffers` in the smallest arena that the search finds. Deterministic; the same plan on every machine.
///
/// # Panics
/// If `alignment_bytes` is 0, or all buffers together exceed the address space.
pub fn plan(buffers: &[Buffer], alignment_bytes: usize) -> Plan {
    plan_within(buffers, alignment_bytes, BUDGET_SLOTS)
}

fn plan_within(buffers: &[Buffer], alignment_bytes: usize, budget_slots: u64) -> Plan {
    let mut planner = Planner {
        buffers,
        alignment_bytes,
        pairs: sharing::pairs(buffers),
        lower_bound_units: sharing::lower_bound_units(buffers, alignment_bytes),
        budget: Budget { left_slots: budget_slots },
        best: None,
        complete: true,
    };
    planner.choose_sharing(0, &mut vec![None; buffers.len()]);
    let lower_bound_bytes = planner.lower_bound_units * alignment_bytes;
    let (arena_units, offsets_units) = planner.best.unwrap_or_default();
    let arena_bytes = arena_units * alignment_bytes;
    Plan {
        offsets: offsets_units.into_iter().map(|offset| offset * alignment_bytes).collect(),
        arena_bytes,
        lower_bound_bytes,
        optimal: planner.complete || arena_bytes == lower_bound_bytes,
    }
}

/// Work that may still be done.
struct Budget {
    left_slots: u64,
}

impl Budget {
    /// Takes `slots` of work; false once nothing is left.
    fn spend(&mut self, slots: usize) -> bool {
        self.left_slots = self.left_slots.saturating_sub(slots as u64);
        self.left_slots > 0
    }
}

/// The choice of what shares a place; each choice is then placed by itself.
struct Planner<'a> {
    buffers: &'a [Buffer],
    alignment_bytes: usize,
    /// Legal sharings `(old, new)`.
    pairs: Vec<(usize, usize)>,
    lower_bound_units: usize,
    budget: Budget,
    /// Arena size and offset of each buffer.
    best: Option<(usize, Vec<usize>)>,
    /// Whether nothing was left out that could be better than `best`.
    complete: bool,
}

impl Planner<'_> {
    /// Decides on the pairs from `next` on: shared first, which is nearly always best, then apart.
    /// `replaced_by` holds the decisions so far.
    fn choose_sharing(&mut self, next: usize, replaced_by: &mut Vec<Option<usize>>) {
        let Some(&(old, new)) = self.pairs.get(next) else {
            return self.place(replaced_by);
        };
        if replaced_by[old].is_none() {
            replaced_by[old] = Some(new);
            self.choose_sharing(next + 1, replaced_by);
            replaced_by[old] = None;
        }
        let done = self.best.as_ref().is_some_and(|(arena, _)| *arena == self.lower_bound_units);
        if done {
            return;
        }
        if self.best.is_some() && self.budget.left_slots == 0 {
            self.complete = false;
            return;
        }
        self.choose_sharing(next + 1, replaced_by);
    }

    fn place(&mut self, replaced_by: &[Option<usize>]) {
        let places = Places::new(self.buffers, replaced_by, self.alignment_bytes);
        let limit_units = self.best.as_ref().map(|(arena, _)| *arena);
        if limit_units.is_some_and(|limit| limit <= places.most_live_units()) {
            return;
        }
        let (start_units, start) = first_fit::best_of_orders(&places, &mut self.budget);
        if limit_units.is_none_or(|limit| start_units < limit) {
            self.best = Some((start_units, places.of_buffers(&start)));
        }
        let limit_units = limit_units.map_or(start_units, |limit| limit.min(start_units));
        let (better, exhausted) = branch_and_bound::smaller_than(limit_units, &places, &mut self.budget);
        self.complete &= exhausted;
        if let Some((arena_units, offsets)) = better {
            self.best = Some((arena_units, places.of_buffers(&offsets)));
        }
    }
}

#[cfg(test)]
mod tests;
