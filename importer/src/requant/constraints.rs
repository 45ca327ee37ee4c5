//! What a line must satisfy to compute a function: points it must reach and points it must stay below.
//!
//! Each step of the function gives one of each kind; so do the ends of the range where no clamp helps. The floor
//! of a line that satisfies all of them equals the function on the whole range, after the clamp.

use super::hull::{LowerHull, Point, UpperHull};
use crate::exact::Channel;
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
    /// The constraints of one channel on the line that computes `part` of its code, clamped to `codes`.
    ///
    /// `falling` is the direction of `x`; a function that is constant on the range accepts both.
    fn new(Channel { function, range }: &Channel, falling: bool, codes: IntRange, part: Part) -> Self {
        let eval = |x: i64| function.eval(if falling { -x } else { x });
        let own = *range;
        let range = if falling { IntRange { lo: -own.hi, hi: -own.lo } } else { own };
        let (first, last) = (eval(range.lo), eval(range.hi));
        let (mut at_least, mut below) = (UpperHull::default(), LowerHull::default());
        if first > codes.lo {
            at_least.push(Point { x: range.lo, k: part(first) });
        }
        let threshold = |code| function.first_at_least(code, own, falling);
        for Step { x, before, code } in steps(threshold, first, last) {
            below.push(Point { x: x - 1, k: part(before) + 1 });
            at_least.push(Point { x, k: part(code) });
        }
        if last < codes.hi {
            below.push(Point { x: range.hi, k: part(last) + 1 });
        }
        Self { falling, range, at_least, below }
    }

    /// The constraints of every channel, in directions that the layer knows.
    pub(super) fn of_layer(channels: &[Channel], falling: &[bool], codes: IntRange, part: Part) -> Vec<Self> {
        let of = |(channel, falling): (&Channel, &bool)| Self::new(channel, *falling, codes, part);
        channels.iter().zip(falling).map(of).collect()
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
        let unit = 1i128 << shift;
        let at = |point: Point| {
            i128::from(point.k).checked_mul(unit)?.checked_sub(i128::from(multiplier) * i128::from(point.x))
        };
        let (mut least, mut most) = (None, None);
        for point in self.at_least.corners() {
            let bound = at(point)?;
            least = Some(least.map_or(bound, |least: i128| least.max(bound)));
        }
        for point in self.below.corners() {
            let bound = at(point)? - 1;
            most = Some(most.map_or(bound, |most: i128| most.min(bound)));
        }
        let code = unit - 1;
        let (least, most) = match (least, most) {
            (Some(least), Some(most)) => (least, most),
            (Some(least), None) => (least, least.checked_add(code)?),
            (None, Some(most)) => (most.checked_sub(code)?, most),
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
fn steps(threshold: impl Fn(i64) -> i64, first: i64, last: i64) -> impl Iterator<Item = Step> {
    let mut thresholds = (first + 1..=last).map(move |code| (threshold(code), code)).peekable();
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
