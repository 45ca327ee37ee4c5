//! How large constants may get, and how long all of them may take, so that no file makes this allocate or compute without
//! bound.

use std::cell::Cell;

use super::{Fault, Problem, Result, Tensor};

/// Most elements of a result that is larger than its operands.
const MAX_ELEMS: usize = 1 << 24;

/// Most elements of all results together, and how many there may be for each element that the file has.
const ALL_ELEMS: (usize, usize) = (1 << 25, 8);

/// Most additions and the like.
const MAX_STEPS: u128 = 1 << 31;

/// What is left for the constants of a file.
#[derive(Debug)]
pub(crate) struct Budget {
    most: usize,
    elems: Cell<usize>,
    steps: Cell<u128>,
}

impl Budget {
    /// The budget of a file whose tensors have `elems` elements.
    pub(crate) fn new(elems: usize) -> Self {
        let most = ALL_ELEMS.0.saturating_add(elems.saturating_mul(ALL_ELEMS.1));
        Self { most, elems: Cell::new(0), steps: Cell::new(0) }
    }

    /// Refuses what would take too long, together with all before it.
    pub(crate) fn steps(&self, factors: &[usize]) -> Result<()> {
        let steps = factors.iter().fold(1u128, |product, factor| product.saturating_mul(*factor as u128));
        self.steps.set(self.steps.get().saturating_add(steps));
        if self.steps.get() <= MAX_STEPS {
            return Ok(());
        }
        let found = format!("{} steps to compute constants", self.steps.get());
        Err(Problem::new(Fault::Size, found, format!("at most {MAX_STEPS}")))
    }

    /// Counts `elems` elements of a result, if there is room for them.
    pub(crate) fn elems(&self, elems: usize) -> Result<()> {
        self.elems.set(self.elems.get().saturating_add(elems));
        if self.elems.get() <= self.most {
            return Ok(());
        }
        let found = format!("{} elements of computed constants", self.elems.get());
        Err(Problem::new(Fault::Size, found, format!("at most {} in this file", self.most)))
    }
}

/// `shape`, if a result of `operands` may be so large.
pub(crate) fn sized<'t>(
    shape: Vec<usize>,
    operands: impl Iterator<Item = Option<&'t Tensor>>,
) -> Result<Vec<usize>> {
    let limit = MAX_ELEMS.max(operands.flatten().map(Tensor::len).max().unwrap_or(0));
    let elems = shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
    if shape.contains(&0) || elems.is_some_and(|elems| elems <= limit) {
        return Ok(shape);
    }
    let found = format!("a constant of shape {shape:?}");
    Err(Problem::new(Fault::Size, found, format!("at most {limit} elements")))
}
