//! The solver: integer arithmetic that computes an exact function of the accumulator.
//!
//! [`choose`] tries the forms of [`FormKind`] in the order of their cost and returns the first one that the
//! checker in `certify` proves; the pass that removes scales from the graph calls it once per layer.
//! [`solve_form`] forces one form. Layer-wide arrays shrink to one element where all channels can share it.

mod choose;
mod constraints;
mod even_odd;
mod form;
mod hull;
mod lines;
mod multiply;
mod offset;
mod params;
mod shift_half_even;
mod slopes;
mod table;
mod thresholds;

pub use choose::{Choice, choose, order};
pub use form::FormKind;
pub use params::{FormParams, LineParams, RequantParams};

use crate::certify::CertifyError;
use crate::exact::Channel;
use constraints::Constraints;
use exactum_runtime::num::IntRange;
use num_traits::ToPrimitive;

/// Most codes above the smallest one that a channel may reach on its range: 17 bits of codes.
pub const MAX_STEPS: i64 = (1 << 17) - 1;

/// Why a layer cannot be requantized.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequantError {
    /// The layer has no channels.
    #[error("a layer without channels cannot be requantized")]
    NoChannels,
    /// The accumulators of a channel do not fit 32 bits.
    #[error("accumulators {range} of channel {channel} exceed 32 bits")]
    Range {
        /// Output channel.
        channel: usize,
        /// Its accumulators.
        range: IntRange,
    },
    /// The codes of a channel do not fit 32 bits.
    #[error("codes {codes} of channel {channel} exceed 32 bits")]
    Codes {
        /// Output channel.
        channel: usize,
        /// Its codes.
        codes: IntRange,
    },
    /// Channels of one layer have different codes.
    #[error("channel {channel} has codes {found}, needed the {needed} of channel 0")]
    CodesDiffer {
        /// Output channel.
        channel: usize,
        /// Its codes.
        found: IntRange,
        /// The codes of the first channel.
        needed: IntRange,
    },
    /// A channel reaches too many codes to solve for.
    #[error("channel {channel} reaches {steps} steps between codes, at most {MAX_STEPS} are supported")]
    Steps {
        /// Output channel.
        channel: usize,
        /// Its steps.
        steps: i64,
    },
    /// No form of the runtime computes this layer.
    #[error("no form of the runtime computes the {channels} channels with codes {codes}")]
    NoForm {
        /// Number of channels.
        channels: usize,
        /// Their codes.
        codes: IntRange,
    },
    /// A solution failed the checker: a defect of the solver.
    #[error("the {form} solution is wrong, please report this: {error}")]
    Uncertified {
        /// Form of the solution.
        form: FormKind,
        /// What the checker found.
        error: CertifyError,
    },
}

/// Channels that passed the checks every form relies on.
struct Layer<'a> {
    channels: &'a [Channel],
    /// What one line has to satisfy in each channel.
    constraints: Vec<Constraints>,
    lo: i32,
    hi: i32,
}

impl<'a> Layer<'a> {
    fn new(channels: &'a [Channel]) -> Result<Self, RequantError> {
        let first = channels.first().ok_or(RequantError::NoChannels)?;
        let needed = first.function.codes();
        for (channel, Channel { function, range }) in channels.iter().enumerate() {
            if !fits_i32(*range) {
                return Err(RequantError::Range { channel, range: *range });
            }
            if function.codes() != needed {
                return Err(RequantError::CodesDiffer { channel, found: function.codes(), needed });
            }
            let (a, b) = (function.eval(range.lo), function.eval(range.hi));
            let steps = a.abs_diff(b);
            if steps > MAX_STEPS.unsigned_abs() {
                return Err(RequantError::Steps { channel, steps: steps.to_i64().unwrap_or(i64::MAX) });
            }
        }
        match (i32::try_from(needed.lo), i32::try_from(needed.hi)) {
            (Ok(lo), Ok(hi)) => {
                let constraints = Constraints::of_layer(channels, |code| code);
                Ok(Self { channels, constraints, lo, hi })
            }
            _ => Err(RequantError::Codes { channel: 0, codes: needed }),
        }
    }

    fn codes(&self) -> IntRange {
        IntRange { lo: self.lo.into(), hi: self.hi.into() }
    }

    fn params(&self, form: FormParams) -> RequantParams {
        RequantParams { form, lo: self.lo, hi: self.hi }
    }

    fn solve(&self, form: FormKind) -> Option<RequantParams> {
        let params = match form {
            FormKind::Offset => offset::solve(self),
            FormKind::ShiftHalfEven => shift_half_even::solve(self),
            FormKind::Multiply32 => multiply::solve32(self),
            FormKind::Multiply64 => multiply::solve64(self),
            FormKind::EvenOdd => even_odd::solve(self),
            FormKind::Thresholds => thresholds::solve(self),
            FormKind::Table => table::solve(self),
        };
        params.map(|form| self.params(form))
    }
}

/// Solves a layer in one form, or returns `None` if the form cannot compute it.
///
/// # Errors
///
/// [`RequantError`] if the layer is malformed. The solution is not yet certified.
pub fn solve_form(form: FormKind, channels: &[Channel]) -> Result<Option<RequantParams>, RequantError> {
    Ok(Layer::new(channels)?.solve(form))
}

fn fits_i32(range: IntRange) -> bool {
    IntRange { lo: i32::MIN.into(), hi: i32::MAX.into() }.contains_range(range)
}

/// One element instead of many equal ones.
fn share<T: Copy + PartialEq>(mut values: Vec<T>) -> Vec<T> {
    if values.windows(2).all(|pair| pair[0] == pair[1]) {
        values.truncate(1);
    }
    values
}

#[cfg(test)]
mod tests;
