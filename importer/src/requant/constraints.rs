//! What a line must satisfy to compute a function: points it must reach and points it must stay below.
//!
//! Each step of the function gives one of each kind; so do the ends of the range where no clamp helps. The floor
//! of a line that satisfies all of them equals the function on the whole range, after the clamp.

use super::hull::{LowerHull, Point, UpperHull};
use crate::exact::{Channel, StepFunction};
use exactum_runtime::num::IntRange;

/// Constraints on lines `y(x)` for one channel, where `x` is the accumulator, or its negative for functions that
/// fall, so that lines never fall.
#[derive(Clone, Debug)]
pub(super) struct Constraints {
    /// `x = -acc`.
    pub(super) falling: bool,
    /// The range of `x`.
    pub(super) range: IntRange,
    /// `y(x) >= k`.
    pub(super) at_least: UpperHull,
    /// `y(x) < k`.
    pub(super) below: LowerHull,
}

/// A part of a code that a line computes: the code itself, or how many even or odd codes were passed.
pub(super) type Part = fn(i64) -> i64;

impl Constraints {
    /// The constraints of one channel on the line that computes `part` of its code.
    ///
    /// `falling` is the direction of `x`; a function that is constant on the range accepts both.
    fn new(Channel { function, range }: &Channel, falling: bool, part: Part) -> Self {
        let range = if falling { IntRange { lo: -range.hi, hi: -range.lo } } else { *range };
        let eval = |x: i64| function.eval(if falling { -x } else { x });
        let (first, last) = (eval(range.lo), eval(range.hi));
        let (mut at_least, mut below) = (UpperHull::default(), LowerHull::default());
        if first > function.codes().lo {
            at_least.push(Point { x: range.lo, k: part(first) });
        }
        for Step { x, before, code } in steps(function, first, last) {
            below.push(Point { x: x - 1, k: part(before) + 1 });
            at_least.push(Point { x, k: part(code) });
        }
        if last < function.codes().hi {
            below.push(Point { x: range.hi, k: part(last) + 1 });
        }
        Self { falling, range, at_least, below }
    }

    /// The constraints of every channel. Channels that are constant follow the direction of the first that is not.
    pub(super) fn of_layer(channels: &[Channel], part: Part) -> Vec<Self> {
        let is_constant = |channel: &Channel| {
            let (a, b) = channel.end_codes();
            a == b
        };
        let constant: Vec<bool> = channels.iter().map(is_constant).collect();
        let leading = constant.iter().position(|constant| !constant);
        let default = leading.is_some_and(|leading| channels[leading].function.is_falling());
        let direction = |(channel, constant): (&Channel, &bool)| {
            let falling = if *constant { default } else { channel.function.is_falling() };
            Self::new(channel, falling, part)
        };
        channels.iter().zip(&constant).map(direction).collect()
    }

    /// The constraints of one line for all channels, or `None` if their directions differ.
    pub(super) fn union(channels: &[Self]) -> Option<Self> {
        let first = channels.first()?;
        let range = channels.iter().map(|channel| channel.range).reduce(IntRange::union)?;
        channels.iter().all(|channel| channel.falling == first.falling).then(|| Self {
            falling: first.falling,
            range,
            at_least: UpperHull::union(channels.iter().map(|channel| &channel.at_least)),
            below: LowerHull::union(channels.iter().map(|channel| &channel.below)),
        })
    }

    /// The offsets `b` for which `(m * x + b) >> shift` satisfies every constraint, or `None` if there are none.
    ///
    /// A side without constraints is put one code away from the other.
    pub(super) fn offsets(&self, multiplier: i64, shift: u8) -> Option<(i128, i128)> {
        let at = |point: Point| (i128::from(point.k) << shift) - i128::from(multiplier) * i128::from(point.x);
        let least = self.at_least.corners().map(at).max();
        let most = self.below.corners().map(|point| at(point) - 1).min();
        let code = (1 << shift) - 1;
        let (least, most) = match (least, most) {
            (Some(least), Some(most)) => (least, most),
            (Some(least), None) => (least, least + code),
            (None, Some(most)) => (most - code, most),
            (None, None) => (0, code),
        };
        (least <= most).then_some((least, most))
    }
}

/// The first `x` with `code`, after a run of `before`.
struct Step {
    x: i64,
    before: i64,
    code: i64,
}

/// The steps from code `first` to code `last`, in the order of `x`. Codes that no `x` attains are skipped.
fn steps(function: &StepFunction, first: i64, last: i64) -> impl Iterator<Item = Step> {
    let mut thresholds = (first + 1..=last).map(|code| (function.threshold(code), code)).peekable();
    let mut before = first;
    std::iter::from_fn(move || {
        let (x, mut code) = thresholds.next()?;
        while let Some((_, next)) = thresholds.next_if(|(next, _)| *next == x) {
            code = next;
        }
        let step = Step { x, before, code };
        before = code;
        Some(step)
    })
}
