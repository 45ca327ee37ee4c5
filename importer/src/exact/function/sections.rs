//! Curves that are affine piece by piece, as lines on consecutive intervals of integers.

use super::line::{Line, saturate};
use super::{RoundedLine, Shape};
use crate::exact::curve::Piece;
use crate::exact::{Curve, Quantizer, Rational, from_integer};
use exactum_runtime::num::{IntRange, Rounding};
use num_traits::{One, Signed, ToPrimitive, Zero};

/// Most lines of one function; more are evaluated as any curve.
const MAX_SECTIONS: usize = 32;

/// Lines on intervals that cover all integers of 64 bits, ascending.
#[derive(Clone, Debug)]
pub(super) struct Sections(Vec<Section>);

#[derive(Clone, Debug)]
struct Section {
    range: IntRange,
    /// Value of the curve: `gain * acc + offset`.
    gain: Rational,
    offset: Rational,
    rule: Rule,
}

/// How codes follow from integers within a section.
#[derive(Clone, Debug)]
enum Rule {
    Constant(i64),
    /// `clamp(round(line), codes) + shift`.
    Rounded {
        line: Line,
        codes: IntRange,
        shift: i64,
        rounding: Rounding,
    },
    /// `first + step *` the number of `thresholds` at most `sign * acc`.
    Counted {
        falling: bool,
        thresholds: Vec<i64>,
        first: i64,
        step: i64,
    },
}

/// A line on an interval, before its quantizer.
struct Stretch {
    range: IntRange,
    gain: Rational,
    offset: Rational,
}

impl Sections {
    /// `None` for curves with pieces that are not affine on intervals.
    pub(super) fn new(curve: &Curve, quantizer: &Quantizer) -> Option<Self> {
        let all = IntRange { lo: i64::MIN, hi: i64::MAX };
        let mut stretches = vec![Stretch { range: all, gain: Rational::one(), offset: Rational::zero() }];
        for piece in curve.pieces() {
            let mut next = Vec::with_capacity(stretches.len());
            for stretch in stretches {
                stretch.push_through(piece, &mut next)?;
            }
            if next.len() > MAX_SECTIONS {
                return None;
            }
            stretches = next;
        }
        Some(Self(stretches.into_iter().map(|stretch| Section::new(stretch, quantizer)).collect()))
    }

    fn at(&self, acc: i64) -> &Section {
        &self.0[self.0.partition_point(|section| section.range.hi < acc).min(self.0.len() - 1)]
    }

    /// The sections within `range`, each with its part of it.
    fn within(&self, range: IntRange) -> impl DoubleEndedIterator<Item = (&Section, IntRange)> {
        let common = move |section: &Section| {
            IntRange::new(section.range.lo.max(range.lo), section.range.hi.min(range.hi))
        };
        self.0.iter().filter_map(move |section| Some((section, common(section)?)))
    }

    pub(super) fn eval(&self, acc: i64) -> i64 {
        self.at(acc).eval(acc)
    }

    /// Monotone if the sections are, in one direction, and their codes at the seams go the same way.
    pub(super) fn shape(&self, range: IntRange) -> Shape {
        let (mut rises, mut falls, mut before) = (false, false, None);
        for (section, part) in self.within(range) {
            let (first, last) = (section.eval(part.lo), section.eval(part.hi));
            // Lines and counts are monotone, so what happens in a section shows at its ends.
            for (a, b) in [(before.unwrap_or(first), first), (first, last)] {
                rises |= a < b;
                falls |= a > b;
            }
            before = Some(last);
        }
        match (rises, falls) {
            (true, true) => Shape::General,
            (true, false) => Shape::Rising,
            (false, true) => Shape::Falling,
            (false, false) => Shape::Constant,
        }
    }

    /// Whether the only line in `range` falls.
    pub(super) fn leans_down(&self, range: IntRange) -> bool {
        let mut parts = self.within(range);
        parts.next().is_some_and(|(section, _)| section.gain.is_negative()) && parts.next().is_none()
    }

    pub(super) fn first_at_least(&self, code: i64, range: IntRange, falling: bool) -> i64 {
        let mut parts = self.within(range);
        loop {
            let next = if falling { parts.next_back() } else { parts.next() };
            let Some((section, part)) = next else { return i64::MAX };
            let (first, last) = if falling { (part.hi, part.lo) } else { (part.lo, part.hi) };
            let n = |acc: i64| if falling { acc.saturating_neg() } else { acc };
            if section.eval(last) < code {
                continue;
            }
            return if section.eval(first) >= code { n(first) } else { section.threshold(code) };
        }
    }

    /// Gain and offset of the section whose codes change on `range`, or of the first if none do; `None` if several do.
    pub(super) fn line(&self, range: IntRange) -> Option<(&Rational, &Rational)> {
        let changes = |(section, part): &(&Section, IntRange)| section.eval(part.lo) != section.eval(part.hi);
        let mut changing = self.within(range).filter(changes);
        let section = match changing.next() {
            Some((section, _)) => section,
            None => self.within(range).next()?.0,
        };
        changing.next().is_none().then_some((&section.gain, &section.offset))
    }

    /// Whether the line, rounded and clamped to `codes`, gives the codes of all sections within `range`.
    pub(super) fn is_clamped_line(&self, range: IntRange, line: &RoundedLine, codes: IntRange) -> bool {
        let other = Line::new(&line.alpha, &line.beta);
        let agrees = |section: &Section, acc| section.eval(acc) == other.round(acc, codes, line.rounding);
        // A section that changes is on the line itself; there the clamps at both ends decide.
        self.within(range).all(|(section, part)| agrees(section, part.lo) && agrees(section, part.hi))
    }
}

impl Stretch {
    fn constant(range: IntRange, value: Rational) -> Self {
        Self { range, gain: Rational::zero(), offset: value }
    }

    fn scaled(self, gain: &Rational, offset: &Rational) -> Self {
        if self.gain.is_one() && self.offset.is_zero() {
            return Self { range: self.range, gain: gain.clone(), offset: offset.clone() };
        }
        Self { range: self.range, offset: self.offset * gain + offset, gain: self.gain * gain }
    }

    /// The stretches of `piece` after this one, in order; `None` if it is not affine on intervals.
    fn push_through(self, piece: &Piece, to: &mut Vec<Self>) -> Option<()> {
        let zero = Rational::zero();
        match piece {
            Piece::Affine { gain, offset } => to.push(self.scaled(&gain[0], &offset[0])),
            Piece::Clip { lo, hi } => {
                let mut raised = vec![];
                match lo {
                    Some(lo) => {
                        self.split(lo, |below| Self::constant(below.range, lo.clone()), |s| s, &mut raised);
                    }
                    None => raised.push(self),
                }
                match hi {
                    Some(hi) => raised.into_iter().for_each(|stretch| {
                        stretch.split(hi, |s| s, |above| Self::constant(above.range, hi.clone()), to);
                    }),
                    None => to.extend(raised),
                }
            }
            Piece::LeakyRelu { slope } => {
                self.split(&zero, |below| below.scaled(&slope[0], &zero), |s| s, to)
            }
            Piece::Abs => self.split(&zero, |below| below.scaled(&from_integer(-1), &zero), |s| s, to),
            Piece::Power { exponent: 0 } => to.push(Self::constant(self.range, Rational::one())),
            Piece::Power { exponent: 1 } => to.push(self),
            Piece::Sign => self.signs(to),
            Piece::Product { factors } => self.combined([&factors[0], &factors[1]], product, to)?,
            Piece::Sum { terms } => self.combined([&terms[0], &terms[1]], sum, to)?,
            Piece::Select { parts } => {
                // A choice is a line where the condition is one number.
                let conditions = Self::through_all(vec![self], &parts[0])?;
                for (start, condition) in conditions {
                    if !condition.gain.is_zero() {
                        return None;
                    }
                    let choice = if condition.offset.is_zero() { &parts[2] } else { &parts[1] };
                    let from = Self { range: condition.range, ..start };
                    to.extend(Self::through_all(vec![from], choice)?.into_iter().map(|(_, after)| after));
                }
            }
            Piece::Power { .. }
            | Piece::Round { .. }
            | Piece::Sigmoid
            | Piece::Tanh
            | Piece::Elu { .. }
            | Piece::Erf
            | Piece::Short { .. }
            | Piece::Softsign
            | Piece::Reciprocal
            | Piece::Elementary { .. } => return None,
        }
        Some(())
    }

    fn copy(&self, range: IntRange) -> Self {
        Self { range, gain: self.gain.clone(), offset: self.offset.clone() }
    }

    /// `starts` after `curve`, each with what it was before.
    fn through_all(starts: Vec<Self>, curve: &Curve) -> Option<Vec<(Self, Self)>> {
        let mut result = vec![];
        for start in starts {
            let mut stretches = vec![start.copy(start.range)];
            for piece in curve.pieces() {
                let mut next = vec![];
                for stretch in stretches {
                    stretch.push_through(piece, &mut next)?;
                }
                if next.len() > MAX_SECTIONS {
                    return None;
                }
                stretches = next;
            }
            result.extend(stretches.into_iter().map(|after| (start.copy(start.range), after)));
        }
        Some(result)
    }

    /// Both `curves` of this stretch, put together where both are lines.
    fn combined(
        self,
        curves: [&Curve; 2],
        combine: fn(Self, Self) -> Option<Self>,
        to: &mut Vec<Self>,
    ) -> Option<()> {
        let [first, second] = curves.map(|curve| Self::through_all(vec![self.copy(self.range)], curve));
        let (first, second) = (first?, second?);
        let (mut a, mut b) = (0, 0);
        while let (Some((_, x)), Some((_, y))) = (first.get(a), second.get(b)) {
            let (lo, hi) = (x.range.lo.max(y.range.lo), x.range.hi.min(y.range.hi));
            let range = IntRange::new(lo, hi)?;
            to.push(combine(x.copy(range), y.copy(range))?);
            a += usize::from(x.range.hi == hi);
            b += usize::from(y.range.hi == hi);
        }
        Some(())
    }

    /// -1, 0 and 1 for the integers at which the line is below, at and above zero.
    fn signs(self, to: &mut Vec<Self>) {
        let zero = Rational::zero();
        let constant = |value: i64| move |part: Self| Self::constant(part.range, from_integer(value));
        // Below zero, and from zero on; of these the ones above zero are below it with their sign turned.
        let mut parts = vec![];
        self.split(&zero, constant(-1), |s| s, &mut parts);
        for part in parts {
            if part.gain.is_zero() {
                let sign = part.offset.numer().sign();
                let value =
                    i64::from(sign == num_bigint::Sign::Plus) - i64::from(sign == num_bigint::Sign::Minus);
                to.push(Self::constant(part.range, from_integer(value)));
                continue;
            }
            let turned = part.scaled(&from_integer(-1), &zero);
            turned.split(&zero, constant(1), constant(0), to);
        }
    }

    /// Splits at the integers where the value reaches `bound`.
    fn split(
        self,
        bound: &Rational,
        below: impl FnOnce(Self) -> Self,
        above: impl FnOnce(Self) -> Self,
        to: &mut Vec<Self>,
    ) {
        let IntRange { lo, hi } = self.range;
        let part = |lo: i128, hi: i128, from: &Self| {
            let range = IntRange::new(lo.to_i64()?, hi.to_i64()?)?;
            Some(Self { range, gain: from.gain.clone(), offset: from.offset.clone() })
        };
        let (lo, hi) = (i128::from(lo), i128::from(hi));
        let clamped = |at: Rational| {
            let outside = if at.is_negative() { lo - 1 } else { hi + 1 };
            at.to_integer().to_i128().unwrap_or(outside).clamp(lo - 1, hi + 1)
        };
        if self.gain.is_zero() {
            to.push(if self.offset < *bound { below(self) } else { above(self) });
        } else if self.gain.is_positive() {
            let first_above = clamped(((bound - &self.offset) / &self.gain).ceil()).max(lo);
            to.extend(part(lo, first_above - 1, &self).map(below));
            to.extend(part(first_above, hi, &self).map(above));
        } else {
            let last_above = clamped(((bound - &self.offset) / &self.gain).floor()).min(hi);
            to.extend(part(lo, last_above, &self).map(above));
            to.extend(part(last_above + 1, hi, &self).map(below));
        }
    }
}

/// The product of two lines, if one is a constant.
fn product(a: Stretch, b: Stretch) -> Option<Stretch> {
    let (line, constant) = if b.gain.is_zero() { (a, b) } else { (b, a) };
    constant.gain.is_zero().then(|| line.scaled(&constant.offset, &Rational::zero()))
}

fn sum(a: Stretch, b: Stretch) -> Option<Stretch> {
    Some(Stretch { range: a.range, gain: a.gain + b.gain, offset: a.offset + b.offset })
}

impl Section {
    fn new(stretch: Stretch, quantizer: &Quantizer) -> Self {
        let Stretch { range, gain, offset } = stretch;
        let counted = |thresholds: &[Rational], first, step| {
            let size = gain.abs();
            let reach = |threshold: &Rational| saturate(&((threshold - &offset) / &size).ceil().to_integer());
            let thresholds = thresholds.iter().map(reach).collect();
            Rule::Counted { falling: gain.is_negative(), thresholds, first, step }
        };
        let rule = match quantizer {
            _ if gain.is_zero() => Rule::Constant(quantizer.eval(0, &offset)),
            Quantizer::Uniform { scale, zero_point, after: shift, range: codes, rounding } => {
                let line = Line::new(&(&gain / scale), &(&offset / scale + from_integer(*zero_point)));
                // A code past 64 bits before the shift is past every clamp.
                let codes =
                    IntRange { lo: codes.lo.saturating_sub(*shift), hi: codes.hi.saturating_sub(*shift) };
                Rule::Rounded { line, codes, shift: *shift, rounding: *rounding }
            }
            Quantizer::Sign => counted(&[Rational::zero()], -1, 2),
            Quantizer::Thresholds { thresholds } => counted(&thresholds[0], 0, 1),
        };
        Self { range, gain, offset, rule }
    }

    fn eval(&self, acc: i64) -> i64 {
        match &self.rule {
            Rule::Constant(code) => *code,
            Rule::Rounded { line, codes, shift, rounding } => {
                line.round(acc, *codes, *rounding).saturating_add(*shift)
            }
            Rule::Counted { falling, thresholds, first, step } => {
                let n = if *falling { acc.saturating_neg() } else { acc };
                let passed = thresholds.partition_point(|threshold| *threshold <= n);
                first + step * i64::try_from(passed).unwrap_or(i64::MAX)
            }
        }
    }

    /// The smallest `n`, in the direction of the line, with at least `code`.
    fn threshold(&self, code: i64) -> i64 {
        match &self.rule {
            Rule::Constant(own) => {
                if *own >= code {
                    i64::MIN
                } else {
                    i64::MAX
                }
            }
            Rule::Rounded { line, shift, rounding, .. } => {
                line.rounded_threshold(code.saturating_sub(*shift), *rounding)
            }
            Rule::Counted { thresholds, first, step, .. } => {
                let needed = code.saturating_sub(*first);
                if needed <= 0 {
                    return i64::MIN;
                }
                let last = usize::try_from((needed - 1) / step).unwrap_or(usize::MAX);
                thresholds.get(last).copied().unwrap_or(i64::MAX)
            }
        }
    }
}
