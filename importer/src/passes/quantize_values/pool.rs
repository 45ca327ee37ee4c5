//! Average pools: the exact sum of each window.

use num_integer::Integer;
use num_traits::{One, ToPrimitive, Zero};

use super::Quantizer;
use super::known::{Known, Source, of_meaning};
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::exact::{self, Curve, Rational};
use crate::graph::{AveragePool, Meaning, Node, Op, Pool, SumPool, Type, Value, ValueId, Window};

/// Longest side of a window of a program.
const LONGEST: usize = u16::MAX as usize;

impl Quantizer<'_> {
    pub(super) fn average_pool(
        &mut self,
        at: &Location,
        node: &Node,
        average: &AveragePool,
    ) -> Result<(), Diagnostic> {
        let known = self.known(at, node.inputs[0])?;
        let padded = average.pool.window.is_padded();
        let affine = self.integers(at, known.clone())?;
        // Integer, gain and offset of each channel, and the integer of zero, which padding needs.
        let (x, gain, offset, zero_point) = match (&affine.source, affine.curve.as_affine()) {
            (Source::Integer(id), Some((gain, offset))) if !padded => (*id, gain, offset, 0),
            (Source::Integer(id), Some((gain, offset))) => match whole_zero(&gain, &offset) {
                Some(zero_point) => (*id, gain, vec![Rational::zero()], zero_point),
                None => self.gridded(at, node, known)?,
            },
            _ => self.gridded(at, node, known)?,
        };
        let window = average.pool.window;
        let size = (window.size[0] * window.size[1]) as i64;
        let unit = if average.count_include_pad || !padded { 0 } else { counts(average, self, node)? };
        let divisor = exact::from_integer(if unit == 0 { size } else { unit });
        let gain = gain.iter().map(|gain| gain / &divisor).collect();
        let meaning = Meaning { gain, offset, channels: None };
        let ty = Type::Accumulators { meaning: Some(meaning.clone()), bounds: vec![] };
        let mut op = SumPool { pool: average.pool, zero_point, unit: unit.unsigned_abs() };
        let mut x = x;
        let outputs = self.from.value(node.output).shape.clone();
        for axis in [0, 1] {
            if unit == 0 && outputs.get(axis + 2) == Some(&1) && op.pool.window.size[axis] > LONGEST {
                x = self.sums_of_parts(node, x, &mut op, axis);
            }
        }
        let output = self.result(node.output, ty);
        self.push(node, &affine.origin, Op::SumPool(op), vec![x], output);
        self.known.insert(node.output, Known::integer(output, of_meaning(&meaning)));
        Ok(())
    }

    /// The sums of parts of a window along `axis` that is longer than a program's windows; `pool` is left to add them up.
    fn sums_of_parts(&mut self, node: &Node, x: ValueId, pool: &mut SumPool, axis: usize) -> ValueId {
        let window = &mut pool.pool.window;
        let length = window.size[axis];
        let parts = length.div_ceil(LONGEST);
        let part = length.div_ceil(parts);
        let mut first = Window { size: [1; 2], stride: [1; 2], pads: [0; 4], dilation: [1; 2] };
        (first.size[axis], first.stride[axis]) = (part, part);
        // The last part may be shorter: what it lacks counts as nothing, as padding does.
        first.pads[axis] = std::mem::take(&mut window.pads[axis]);
        first.pads[axis + 2] = std::mem::take(&mut window.pads[axis + 2]) + part * parts - length;
        let first = SumPool {
            pool: Pool { window: first, layout: pool.pool.layout },
            zero_point: std::mem::take(&mut pool.zero_point),
            unit: 0,
        };
        (window.size[axis], window.stride[axis]) = (parts, 1);
        let Value { name, mut shape, .. } = self.to.value(x).clone();
        shape[axis + 2] = parts;
        let name = format!("{name}.parts");
        let meaning = Meaning { gain: vec![Rational::one()], offset: vec![Rational::zero()], channels: None };
        let ty = Type::Accumulators { meaning: Some(meaning), bounds: vec![] };
        let output = self.to.add(Value::new(name.clone(), shape, ty));
        let origin = node.origin.clone();
        self.to.nodes.push(Node::new(name, origin, Op::SumPool(first), vec![x], output));
        output
    }

    fn gridded(
        &mut self,
        at: &Location,
        node: &Node,
        known: Known,
    ) -> Result<(ValueId, Vec<Rational>, Vec<Rational>, i64), Diagnostic> {
        let grid = self.grid(at, node, known, 32)?;
        Ok((grid.id, vec![grid.gain], vec![Rational::zero()], grid.zero_point))
    }
}

/// The integer that stands for zero in all channels.
pub(super) fn whole_zero(gain: &[Rational], offset: &[Rational]) -> Option<i64> {
    let channels = gain.len().max(offset.len());
    let zero = |channel: usize| {
        let gain = &gain[if gain.len() == 1 { 0 } else { channel }];
        let offset = &offset[if offset.len() == 1 { 0 } else { channel }];
        (!gain.is_zero()).then(|| -offset / gain).filter(Rational::is_integer)?.to_i64()
    };
    let first = zero(0)?;
    (0..channels).all(|channel| zero(channel) == Some(first)).then_some(first)
}

/// Whether larger integers never give smaller reals in any channel, or `Some(false)` if never larger ones; `None` if
/// neither is known.
pub(super) fn direction(curve: &Curve) -> Option<bool> {
    curve.pieces().iter().try_fold(true, |up, piece| Some(up == piece.rises()?))
}

/// The least common multiple of the numbers of input elements that windows of `average` hold.
fn counts(average: &AveragePool, quantizer: &Quantizer<'_>, node: &Node) -> Result<i64, Diagnostic> {
    let shape = &quantizer.from.value(node.inputs[0]).shape;
    let output = &quantizer.from.value(node.output).shape;
    let window = &average.pool.window;
    let along = |axis: usize| -> Vec<i64> {
        let inside = |position: usize| {
            (0..window.size[axis])
                .filter(|tap| {
                    let at = position * window.stride[axis] + tap * window.dilation[axis];
                    at >= window.pads[axis] && at - window.pads[axis] < shape[axis + 2]
                })
                .count() as i64
        };
        let mut counts: Vec<i64> = (0..output[axis + 2]).map(inside).collect();
        counts.sort_unstable();
        counts.dedup();
        counts
    };
    let (rows, columns) = (along(0), along(1));
    let mut unit = 1i64;
    for count in rows.iter().flat_map(|row| columns.iter().map(move |column| row * column)) {
        let next = if count == 0 { None } else { Some(unit.lcm(&count)) };
        unit = next.filter(|unit| *unit <= i64::from(u32::MAX)).ok_or_else(|| {
            let at = quantizer.from.location_of(0, node);
            let found = format!("windows of {count} elements among others");
            Diagnostic::new(
                Code::UnsupportedForm,
                at,
                found,
                "numbers of elements with a small common multiple",
            )
        })?;
    }
    Ok(unit)
}
