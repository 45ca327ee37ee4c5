//! The solver: integer arithmetic that computes an exact function of the accumulator.
//!
//! [`choose`] tries the forms of [`FormKind`] in the order of their cost and returns the first one that the
//! checker in `certify` proves; the pass that removes scales from the graph calls it once per layer.
//! [`solve_form`] forces one form. Layer-wide arrays shrink to one element where all channels can share it.

mod choose;
mod constraints;
mod even_odd;
mod hull;
mod lines;
mod multiply;
mod multiply_high;
mod offset;
mod pair;
mod pair_line;
mod pair_nearly;
mod pair_thresholds;
mod params;
mod shift_half_even;
mod slopes;
mod table;
mod thresholds;

pub use choose::{Choice, Costs, choose, order};
pub use exactum_runtime::num::requant::FormKind;
pub use pair::{PairChoice, choose_pair};
pub use params::{FormParams, RequantParams, TableCodes};

use crate::certify::CertifyError;
use crate::exact::{Channel, Shape};
use constraints::Constraints;
use exactum_runtime::num::IntRange;
use num_traits::ToPrimitive;
use params::LineParams;

/// Most codes above the smallest one that a channel may reach on its range: 18 bits of codes.
pub const MAX_STEPS: i64 = (1 << 18) - 1;

/// Accumulators a layer may have: 62 bits, so that differences of products with codes fit 128 bits.
const WIDEST: IntRange = IntRange { lo: -(1 << 61), hi: (1 << 61) - 1 };

/// Why a layer cannot be requantized.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequantError {
    /// The layer has no channels.
    #[error("a layer without channels cannot be requantized")]
    NoChannels,
    /// The accumulators of a channel do not fit 62 bits.
    #[error("accumulators {range} of channel {channel} exceed 62 bits")]
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
    /// The direction of each channel; `None` if one is not monotone.
    falling: Option<Vec<bool>>,
    /// What one line has to satisfy in each channel, if all are monotone.
    constraints: Option<Vec<Constraints>>,
    lo: i32,
    hi: i32,
}

impl<'a> Layer<'a> {
    fn new(channels: &'a [Channel]) -> Result<Self, RequantError> {
        let mut codes = channels.first().ok_or(RequantError::NoChannels)?.function.codes();
        let mut shapes = Vec::with_capacity(channels.len());
        for (channel, Channel { function, range }) in channels.iter().enumerate() {
            if !WIDEST.contains_range(*range) {
                return Err(RequantError::Range { channel, range: *range });
            }
            if !fits_i32(function.codes()) {
                return Err(RequantError::Codes { channel, codes: function.codes() });
            }
            codes = codes.union(function.codes());
            let (a, b) = (function.eval(range.lo), function.eval(range.hi));
            let steps = a.abs_diff(b);
            if steps > MAX_STEPS.unsigned_abs() {
                return Err(RequantError::Steps { channel, steps: steps.to_i64().unwrap_or(i64::MAX) });
            }
            shapes.push(function.shape(*range));
        }
        let narrow = |code| i32::try_from(code).map_err(|_| RequantError::Codes { channel: 0, codes });
        let (lo, hi) = (narrow(codes.lo)?, narrow(codes.hi)?);
        let falling = directions(&shapes);
        let constraints =
            falling.as_ref().map(|falling| Constraints::of_layer(channels, falling, codes, |code| code));
        Ok(Self { channels, falling, constraints, lo, hi })
    }

    fn codes(&self) -> IntRange {
        IntRange { lo: self.lo.into(), hi: self.hi.into() }
    }

    /// Whether all accumulators fit 32 bits.
    fn is_narrow(&self) -> bool {
        self.channels.iter().all(|channel| fits_i32(channel.range))
    }

    fn params(&self, form: FormParams) -> RequantParams {
        RequantParams { form, lo: self.lo, hi: self.hi }
    }

    fn solve(&self, form: FormKind) -> Option<RequantParams> {
        let params = match form {
            form if form.accumulator_bits() == 32 && !self.is_narrow() => None,
            FormKind::Offset => offset::solve(self),
            FormKind::ShiftHalfEven => shift_half_even::solve32(self),
            FormKind::Multiply32 => multiply::solve32(self),
            FormKind::Multiply64 => multiply::solve64(self),
            FormKind::EvenOdd => even_odd::solve(self),
            FormKind::Thresholds => thresholds::solve32(self),
            FormKind::Thresholds64 => thresholds::solve64(self),
            FormKind::Table => table::solve(self),
            FormKind::ShiftHalfEven64 => shift_half_even::solve64(self),
            FormKind::Multiply128 => multiply::solve128(self),
            FormKind::MultiplyHigh => multiply_high::solve(self),
        };
        params.map(|form| self.params(form))
    }
}

/// Whether each channel falls, or `None` if one is not monotone. Constant channels go with the first that is not.
fn directions(shapes: &[Shape]) -> Option<Vec<bool>> {
    let leading = shapes.iter().find_map(|shape| match shape {
        Shape::Rising => Some(false),
        Shape::Falling => Some(true),
        Shape::Constant | Shape::General => None,
    });
    let default = leading.unwrap_or(false);
    let direction = |shape: &Shape| match shape {
        Shape::Rising => Some(false),
        Shape::Falling => Some(true),
        Shape::Constant => Some(default),
        Shape::General => None,
    };
    shapes.iter().map(direction).collect()
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
