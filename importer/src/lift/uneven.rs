//! Constant codes whose scales are for blocks, are 0 or are negative.
//!
//! Zero points and signs go into the codes. Blocks along an axis get one scale where theirs are equal, or whole multiples
//! of one small enough for codes of 16 bits.

use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

use super::codes::At;
use super::tensor::Tensor;
use super::{Context, Lifter};
use crate::diagnostic::{Code, Diagnostic};
use crate::exact::{self, Rational};
use crate::graph::channels::{along, varying_axis};
use crate::graph::{Codes, Constant, Type, ValueId, exact_scale};
use exactum_runtime::num::IntType;

impl Lifter<'_> {
    /// The reals of the constant codes at `operand`, if their scales are not just positive numbers for the tensor or its
    /// channels.
    pub(super) fn uneven_constant(
        &mut self,
        context: &Context<'_>,
        operand: usize,
        at: At,
        axis: i64,
    ) -> Result<Option<ValueId>, Diagnostic> {
        let Ok(tensor) = context.tensor(operand) else { return Ok(None) };
        let scales = context.tensor(at.scale)?;
        let block = match usize::try_from(context.node.int("block_size").unwrap_or(0)) {
            Ok(block) => block,
            Err(_) => return Err(context.attribute("block_size", "less than 0", "0 or more")),
        };
        let reals = scales.numbers.reals();
        if let Some(bad) =
            reals.iter().find(|scale| !scale.is_finite() || f64::from(**scale as f32) != **scale)
        {
            return Err(context.problem(
                Code::BadScale,
                format!("input {}", at.scale),
                format!("{bad:?}"),
                "finite numbers that float32 holds exactly",
            ));
        }
        if block == 0 && reals.iter().all(|scale| *scale > 0.0) {
            return Ok(None);
        }
        let axis = if tensor.shape.len() == 1 { 0 } else { context.axis(axis, tensor.shape.len().max(1))? };
        let places = Places { shape: &tensor.shape, axis, block };
        let per_scale = places.of(context, &scales, at.scale)?;
        let zero_points = context.optional_tensor(at.zero_point)?;
        let per_zero = match &zero_points {
            Some(zero_points) => Some(places.of(context, zero_points, at.zero_point)?),
            None => None,
        };
        let (Some(values), zeros) = (
            tensor.as_ints().filter(|values| !values.is_empty()),
            zero_points.as_ref().map(|zeros| zeros.as_ints()),
        ) else {
            let found = format!("{} elements of type {}", tensor.len(), tensor.elem);
            let needed = "integer codes, one at least";
            return Err(context.problem(Code::BadTensor, format!("input {operand}"), found, needed));
        };
        // A code of scale 0 is 0 in any scale.
        let any = reals.iter().map(|scale| scale.abs()).find(|scale| *scale > 0.0).unwrap_or(1.0);
        let magnitude = |index: usize| match reals[per_scale[index]].abs() {
            0.0 => any as f32,
            scale => scale as f32,
        };
        let code = |index: usize| {
            let zero = match (&per_zero, zeros) {
                (Some(places), Some(Some(zeros))) => zeros[places[index]],
                (Some(_), _) => return None,
                (None, _) => 0,
            };
            let scale = reals[per_scale[index]];
            let sign = if scale == 0.0 { 0 } else { scale.signum() as i64 };
            values[index].checked_sub(zero)?.checked_mul(sign)
        };
        let scale: Vec<f32> = (0..values.len()).map(magnitude).collect();
        let codes: Option<Vec<i64>> = (0..values.len()).map(code).collect();
        let Some(codes) = codes else {
            let part = format!("input {}", at.zero_point);
            return Err(context.problem(
                Code::BadZeroPoint,
                part,
                "no integers, or such beyond 64 bits",
                "codes",
            ));
        };
        let Some((ty, codes)) = of_elements(&tensor.shape, &codes, &scale, (block > 0).then_some(axis))
        else {
            let problem = context.attribute(
                "block_size",
                format!("blocks of {block} along axis {axis} with scales of no common step"),
                "scales that are small multiples of one along the axis, or one for each channel",
            );
            return Err(problem.with_hint("quantize for the whole tensor or for each channel"));
        };
        let name = format!("{}:{}", context.name, context.node.input(operand).unwrap_or_default());
        Ok(Some(self.constant(&name, &tensor.shape, Type::Codes(ty), Constant::Codes(codes))))
    }
}

/// Where the parameters of elements are.
struct Places<'a> {
    shape: &'a [usize],
    axis: usize,
    /// Elements of a block along the axis; 0 without blocks.
    block: usize,
}

impl Places<'_> {
    /// For each element the index of its number in `parameter`, which is operand `index`.
    fn of(&self, context: &Context<'_>, parameter: &Tensor, index: usize) -> Result<Vec<usize>, Diagnostic> {
        let elems: usize = self.shape.iter().product();
        if parameter.len() == 1 && self.block == 0 {
            return Ok(vec![0; elems]);
        }
        let rank = self.shape.len();
        let size = |axis: usize| match (axis == self.axis, self.block) {
            (true, 0) => self.shape[axis],
            (true, block) => self.shape[axis].div_ceil(block),
            (false, 0) => 1,
            (false, _) => self.shape[axis],
        };
        let expected: Vec<usize> = (0..rank).map(size).collect();
        let fits = if self.block == 0 {
            parameter.shape == [self.shape.get(self.axis).copied().unwrap_or(1)]
        } else {
            parameter.shape == expected
        };
        if !fits {
            let found = format!("shape {:?} for codes of shape {:?}", parameter.shape, self.shape);
            let needed = format!("{expected:?}");
            return Err(context.problem(Code::BadChannels, format!("input {index}"), found, needed));
        }
        let mut places = vec![0usize];
        for axis in 0..rank {
            let stride: usize = expected[axis + 1..].iter().product();
            let own = |i: usize| match (axis == self.axis, self.block) {
                (true, 0) => i,
                (true, block) => i / block,
                (false, 0) => 0,
                (false, _) => i,
            };
            places = places
                .iter()
                .flat_map(|base| (0..self.shape[axis]).map(move |i| base + own(i) * stride))
                .collect();
        }
        Ok(places)
    }
}

/// Codes with a scale for each element in codes with a scale for all or for each index of one axis.
fn of_elements(
    shape: &[usize],
    codes: &[i64],
    scale: &[f32],
    blocks: Option<usize>,
) -> Option<(Codes, Vec<i32>)> {
    let axis = varying_axis(shape, shape.len(), scale, |a, b| a == b);
    let (axis, unit, multipliers) = match axis {
        Ok(axis) if axis.is_none() || axis != blocks => (axis, along(shape, shape.len(), scale, axis), None),
        Ok(_) => {
            let (unit, multipliers) = common(scale)?;
            (None, vec![unit], Some(multipliers))
        }
        Err(axes) => {
            let channels: Vec<usize> = axes.into_iter().filter(|axis| Some(*axis) != blocks).collect();
            let &[axis] = channels.as_slice() else { return None };
            let inner: usize = shape[axis + 1..].iter().product::<usize>().max(1);
            let channel = |index: usize| index / inner % shape[axis];
            let mut rows: Vec<Vec<f32>> = vec![vec![]; shape[axis]];
            for (index, scale) in scale.iter().enumerate() {
                rows[channel(index)].push(*scale);
            }
            let mut units = vec![];
            let mut factors: Vec<std::vec::IntoIter<i64>> = vec![];
            for row in &rows {
                let (unit, multipliers) = common(row)?;
                units.push(unit);
                factors.push(multipliers.into_iter());
            }
            let multipliers =
                (0..scale.len()).map(|index| factors[channel(index)].next()).collect::<Option<_>>()?;
            (Some(axis), units, Some(multipliers))
        }
    };
    let widest = IntType::new(16, true, false)?.range();
    let code = |(index, code): (usize, &i64)| match &multipliers {
        Some(multipliers) => {
            let product = code.checked_mul(multipliers[index])?;
            widest.contains(product).then_some(product as i32)
        }
        None => i32::try_from(*code).ok(),
    };
    let codes: Vec<i32> = codes.iter().enumerate().map(code).collect::<Option<_>>()?;
    Some((Codes::of_constant(&codes, unit, axis), codes))
}

/// The largest step of which all of `scales` are multiples, if `float32` holds it, and the multiples.
fn common(scales: &[f32]) -> Option<(f32, Vec<i64>)> {
    let mut unit = Rational::zero();
    for scale in scales {
        let scale = exact_scale(*scale);
        let denom = unit.denom().lcm(scale.denom());
        let whole = |value: &Rational| (value.numer() * (&denom / value.denom())).abs();
        unit = Rational::new(whole(&unit).gcd(&whole(&scale)), denom);
    }
    let narrow = unit.to_f64()? as f32;
    if exact::from_f32(narrow)? != unit || narrow <= 0.0 {
        return None;
    }
    let multiples = scales.iter().map(|scale| (exact_scale(*scale) / &unit).to_integer().to_i64());
    Some((narrow, multiples.collect::<Option<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_of_blocks_that_are_multiples_become_one() {
        // Two blocks along the columns of two rows.
        let scale = [0.5, 0.25, 3.0, 1.0];
        let (codes, elements) = of_elements(&[2, 2], &[3, -5, 1, 2], &scale, Some(1)).unwrap();
        assert_eq!((codes.scale, codes.axis), (vec![0.25, 1.0], Some(0)));
        assert_eq!(elements, [6, -5, 3, 2]);
        assert!(of_elements(&[1, 2], &[100, 100], &[0.1, 0.3], Some(1)).is_none());
    }

    #[test]
    fn equal_blocks_are_one() {
        let (codes, elements) = of_elements(&[2, 2], &[3, -5, 1, 2], &[0.1, 0.1, 0.3, 0.3], Some(1)).unwrap();
        assert_eq!((codes.scale, codes.axis), (vec![0.1, 0.3], Some(0)));
        assert_eq!(elements, [3, -5, 1, 2]);
    }
}
