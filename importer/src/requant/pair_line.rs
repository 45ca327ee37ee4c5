//! A line in two operands: `(m0 * a + m1 * b + c) >> s`, in 32 bits or in 64.
//!
//! As for one operand, a line equals the function if it reaches certain points and stays below others, and `c`
//! exists if and only if a window is not empty. How wide the window is in codes is a concave function of both
//! slopes. Its maximum is found roughly, in doubles; integers near it are then tried exactly, least shift first.

use crate::exact::{PairFunction, Quantizer, Shape};
use exactum_runtime::num::IntRange;
use num_traits::ToPrimitive;

/// Most runs that are looked at, over all rows.
const MAX_RUNS: i64 = 1 << 21;

/// Most corners, which every trial evaluates.
const MAX_CORNERS: usize = 1 << 17;

/// Steps of the search for the widest window.
const STEPS: u32 = 200;

/// How far from the rounded best slopes multipliers are tried.
const REACH: i64 = 3;

/// A pair and a code.
#[derive(Clone, Copy, Debug)]
struct Point {
    at: [i64; 2],
    code: i64,
}

/// The arithmetic of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// Multipliers, sums and offset of 32 bits.
    W32,
    /// Multipliers and sums of 64 bits; the offset may be larger.
    W64,
}

impl Width {
    fn holds(self, value: i64) -> bool {
        self == Self::W64 || i32::try_from(value).is_ok()
    }

    fn shifts(self) -> std::ops::Range<u8> {
        match self {
            Self::W32 => 0..31,
            Self::W64 => 0..63,
        }
    }
}

/// `(multipliers[0] * a + multipliers[1] * b + offset) >> shift`.
#[derive(Clone, Copy, Debug)]
pub(super) struct PairLine {
    pub(super) multipliers: [i64; 2],
    pub(super) offset: i128,
    pub(super) shift: u8,
}

/// What a line has to satisfy: `at_least` its code at some points, `below` it at others.
#[derive(Debug)]
pub(super) struct Corners {
    at_least: Vec<Point>,
    below: Vec<Point>,
    /// The operand of whose runs the ends alone are here, and whether the function falls in it: a line has to as well.
    along: usize,
    falling: bool,
    /// About the slopes, in codes, that leave most room.
    slopes: [f64; 2],
}

impl Corners {
    /// The constraints of `f`, clamped to `codes`; `None` if no line computes it or none can be found.
    pub(super) fn of(f: &PairFunction, ranges: [IntRange; 2], codes: IntRange) -> Option<Self> {
        let [a, b] = ranges.map(|range| range.hi.checked_sub(range.lo)?.checked_add(1));
        let (a, b) = (a?, b?);
        let steps = codes.hi.checked_sub(codes.lo)?.checked_add(1)?.min(a.max(b));
        a.min(b).checked_mul(steps).filter(|runs| *runs <= MAX_RUNS)?;
        let mut corners = if a <= b {
            Self::new(f, ranges, codes)?
        } else {
            let [a, b] = ranges;
            Self::new(&f.swapped(), [b, a], codes)?.swapped()
        };
        corners.slopes = corners.widest(corners.first_guess(f)?, [a, b])?;
        // The corners that bind near these slopes come first: most lines fail at one of them.
        let [slope_a, slope_b] = corners.slopes;
        let room =
            |point: &Point| point.code as f64 - slope_a * point.at[0] as f64 - slope_b * point.at[1] as f64;
        corners.at_least.sort_by(|a, b| room(b).total_cmp(&room(a)));
        corners.below.sort_by(|a, b| room(a).total_cmp(&room(b)));
        Some(corners)
    }

    /// The line of the least shift that is found.
    pub(super) fn line(&self, width: Width, ranges: [IntRange; 2]) -> Option<PairLine> {
        width.shifts().find_map(|shift| self.line_near(width, shift, ranges))
    }

    /// The extreme points of each code. `None` for functions without a direction in the second operand.
    fn new(f: &PairFunction, [a, b]: [IntRange; 2], codes: IntRange) -> Option<Self> {
        let lists = codes.hi.checked_sub(codes.lo)?.to_usize().filter(|steps| *steps < MAX_CORNERS)? + 1;
        let (mut at_least, mut below) = (vec![Vec::new(); lists], vec![Vec::new(); lists]);
        let list = |code: i64| usize::try_from(code - codes.lo).unwrap_or(0);
        let rows: Vec<_> = (a.lo..=a.hi).map(|first| (first, f.of_second(first))).collect();
        // A line falls in all rows or in none, so rows that are constant follow the others.
        let shapes: Vec<Shape> = rows.iter().map(|(_, row)| row.shape(b)).collect();
        let falling = shapes.contains(&Shape::Falling);
        if shapes.contains(&Shape::General) || falling && shapes.contains(&Shape::Rising) {
            return None;
        }
        for (first, row) in rows {
            let (start, end) = if falling { (b.hi, b.lo) } else { (b.lo, b.hi) };
            let n = |second: i64| if falling { -second } else { second };
            let (mut code, last) = (row.eval(start), row.eval(end));
            let mut from = start;
            loop {
                let next = if code < last { n(row.first_at_least(code + 1, b, falling)) } else { end };
                if code > codes.lo {
                    at_least[list(code)].push([first, from]);
                }
                let to = if code < last { n(n(next) - 1) } else { end };
                if code < codes.hi {
                    below[list(code)].push([first, to]);
                }
                if code >= last {
                    break;
                }
                (from, code) = (next, row.eval(next));
            }
        }
        let corners = |lists: Vec<Vec<[i64; 2]>>, above: i64| {
            let of = |(index, points): (usize, Vec<[i64; 2]>)| {
                let code = codes.lo + i64::try_from(index).unwrap_or(0) + above;
                hull(&points).into_iter().map(move |at| Point { at, code })
            };
            lists.into_iter().enumerate().flat_map(of).collect::<Vec<_>>()
        };
        let (at_least, below) = (corners(at_least, 0), corners(below, 1));
        let found = Self { at_least, below, along: 1, falling, slopes: [0.0; 2] };
        (found.at_least.len() + found.below.len() <= MAX_CORNERS).then_some(found)
    }

    fn swapped(mut self) -> Self {
        self.at_least.iter_mut().chain(&mut self.below).for_each(|point| point.at.reverse());
        self.along = 1 - self.along;
        self
    }

    /// Slopes in codes: the gains, times the codes between two steps over the reals between them.
    fn first_guess(&self, f: &PairFunction) -> Option<[f64; 2]> {
        let gains = [f.gains[0].to_f64()?, f.gains[1].to_f64()?];
        let value = |point: &Point| gains[0] * point.at[0] as f64 + gains[1] * point.at[1] as f64;
        let code = |point: &Point| match f.quantizer {
            Quantizer::Uniform { .. } => f.unrounded(point.at).to_f64().unwrap_or(f64::NAN),
            _ => point.code as f64,
        };
        let codes_per_unit = match (self.at_least.first(), self.at_least.last()) {
            (Some(first), Some(last)) if first.code != last.code => {
                (code(last) - code(first)) / (value(last) - value(first))
            }
            _ if gains == [0.0; 2] => 0.0,
            _ => 1.0 / gains[0].abs().max(gains[1].abs()),
        };
        let slopes = gains.map(|gain| gain * codes_per_unit);
        slopes.iter().all(|slope| slope.is_finite()).then_some(slopes)
    }

    /// The window's width in codes, and the direction in which it grows.
    fn width(&self, slopes: [f64; 2]) -> (f64, [f64; 2]) {
        let room = |point: &Point| {
            point.code as f64 - slopes[0] * point.at[0] as f64 - slopes[1] * point.at[1] as f64
        };
        let (mut most, mut least) = ((f64::MAX, [0, 0]), (f64::MIN, [0, 0]));
        for point in &self.below {
            if room(point) < most.0 {
                most = (room(point), point.at);
            }
        }
        for point in &self.at_least {
            if room(point) > least.0 {
                least = (room(point), point.at);
            }
        }
        (most.0 - least.0, [0, 1].map(|i| (least.1[i] - most.1[i]) as f64))
    }

    /// The slopes with about the widest window, by the ellipsoid method; `None` if all windows seen are empty.
    ///
    /// `counts` are the numbers of values of the operands.
    fn widest(&self, mut centre: [f64; 2], counts: [i64; 2]) -> Option<[f64; 2]> {
        if self.below.is_empty() || self.at_least.is_empty() {
            return Some(centre);
        }
        // Lines that are right at the ends of a range differ by a code or two between them.
        let steep = 0.02 * centre[0].abs().max(centre[1].abs());
        let radius = counts.map(|count| steep.min(4.0 / count as f64));
        // Points `x` away from the centre lie in the ellipsoid if `x` times the inverse of this, times `x`, is at
        // most 1. The matrix is symmetric: xx, xy, yy.
        let mut matrix = [radius[0] * radius[0], 0.0, radius[1] * radius[1]];
        let mut best = (0.0, None);
        for _ in 0..STEPS {
            let [gx, gy] = if self.leans(centre[self.along]) {
                let (width, grows) = self.width(centre);
                if width > best.0 {
                    best = (width, Some(centre));
                }
                grows
            } else {
                // Back to where the corners are all that a line has to satisfy.
                let back = if self.falling { -1.0 } else { 1.0 };
                if self.along == 0 { [back, 0.0] } else { [0.0, back] }
            };
            let [xx, xy, yy] = matrix;
            let along = [xx * gx + xy * gy, xy * gx + yy * gy];
            let norm = (gx * along[0] + gy * along[1]).sqrt();
            if !norm.is_normal() {
                break;
            }
            let [x, y] = along.map(|part| part / norm);
            centre = [centre[0] + x / 3.0, centre[1] + y / 3.0];
            matrix = [xx - x * x / 1.5, xy - x * y / 1.5, yy - y * y / 1.5].map(|cell| cell * 4.0 / 3.0);
        }
        best.1
    }

    /// Whether a line with this slope along the runs is right on all of a run if it is at the ends.
    fn leans(&self, slope: f64) -> bool {
        if self.falling { slope <= 0.0 } else { slope >= 0.0 }
    }

    /// A line with `shift` whose multipliers are near the slopes.
    fn line_near(&self, width: Width, shift: u8, ranges: [IntRange; 2]) -> Option<PairLine> {
        let unit = f64::from(shift).exp2();
        let [m0, m1] = self.slopes.map(|slope| (slope * unit).round_ties_even() as i64);
        let near = |m: i64| {
            (0..=2 * REACH).map(move |i| m.saturating_add(if i % 2 == 0 { i / 2 } else { -i / 2 - 1 }))
        };
        let line = |multipliers: [i64; 2]| {
            let leans = self.leans(multipliers[self.along] as f64);
            leans.then(|| self.line_with(width, multipliers, shift, ranges)).flatten()
        };
        near(m0).find_map(|m0| near(m1).find_map(|m1| line([m0, m1])))
    }

    fn line_with(
        &self,
        width: Width,
        multipliers: [i64; 2],
        shift: u8,
        ranges: [IntRange; 2],
    ) -> Option<PairLine> {
        let scaled =
            |i: usize| ranges[i].checked_scale(multipliers[i]).filter(|_| width.holds(multipliers[i]));
        let sums = scaled(0)?.checked_add(scaled(1)?)?;
        let (mut least, mut most) = (None, None);
        let bound = |point: &Point| {
            (i128::from(point.code) << shift)
                - i128::from(multipliers[0]) * i128::from(point.at[0])
                - i128::from(multipliers[1]) * i128::from(point.at[1])
        };
        for index in 0..self.at_least.len().max(self.below.len()) {
            if let Some(point) = self.at_least.get(index) {
                let bound = bound(point);
                least = Some(least.map_or(bound, |least: i128| least.max(bound)));
            }
            if let Some(point) = self.below.get(index) {
                let bound = bound(point) - 1;
                most = Some(most.map_or(bound, |most: i128| most.min(bound)));
            }
            if least.zip(most).is_some_and(|(least, most)| least > most) {
                return None;
            }
        }
        let code = (1i128 << shift) - 1;
        let (least, most) = match (least, most) {
            (Some(least), Some(most)) => (least, most),
            (Some(least), None) => (least, least + code),
            (None, Some(most)) => (most - code, most),
            (None, None) => (0, 0),
        };
        let offset = least + (most - least) / 2;
        let fits = width == Width::W64 || {
            let offset = i32::try_from(offset).ok().map(|offset| IntRange::point(offset.into()));
            let shifted = offset.and_then(|offset| sums.checked_add(offset));
            [Some(sums), shifted].into_iter().all(|range| range.is_some_and(super::fits_i32))
        };
        fits.then_some(PairLine { multipliers, offset, shift })
    }
}

/// The corners of the convex hull of points that arrive in the order of their first coordinate.
fn hull(points: &[[i64; 2]]) -> Vec<[i64; 2]> {
    let turn = |a: [i64; 2], b: [i64; 2], c: [i64; 2]| {
        let d = |p: [i64; 2], i: usize| i128::from(p[i]) - i128::from(a[i]);
        d(b, 0) * d(c, 1) - d(b, 1) * d(c, 0)
    };
    let mut corners: Vec<[i64; 2]> = Vec::new();
    for side in [1, -1] {
        let start = corners.len();
        for point in points {
            while corners.len() >= start + 2
                && turn(corners[corners.len() - 2], corners[corners.len() - 1], *point) * side >= 0
            {
                corners.pop();
            }
            corners.push(*point);
        }
    }
    corners
}
