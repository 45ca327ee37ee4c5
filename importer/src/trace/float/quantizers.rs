//! Quantizers in floats: `(clamp(round(x / scale + zero_point)) - zero_point) * scale`, each operation rounded to `f32`.

use exactum_runtime::num::Rounding;

use super::Operands;
use crate::graph::{MultiThreshold, QuantAttributes};

pub(super) fn quant(operands: &Operands<'_>, attributes: &QuantAttributes) -> Vec<f32> {
    let [scale, zero_point, bits] = [1, 2, 3].map(|index| operands.spread(index));
    let value = |(index, x): (usize, &f32)| {
        let (scale, zero_point) = (scale[index], zero_point[index]);
        let (mut lo, mut hi) = range(attributes, bits[index]);
        if let Some([least, most]) = attributes.clip {
            (lo, hi) = (lo.max(least as f32), hi.min(most as f32));
        }
        let code = match attributes.zero_point_outside {
            true => (rounded(x / scale, attributes.rounding) + zero_point).clamp(lo, hi),
            false => rounded((x / scale + zero_point).clamp(lo, hi), attributes.rounding),
        };
        (code - zero_point) * scale
    };
    operands.x().iter().enumerate().map(value).collect()
}

pub(super) fn bipolar(operands: &Operands<'_>) -> Vec<f32> {
    let scale = operands.spread(1);
    operands.x().iter().zip(scale).map(|(x, scale)| if *x / scale >= 0.0 { scale } else { -scale }).collect()
}

/// Version 1 keeps the input's scale, version 2 names one for the output and clamps to its bits.
pub(super) fn trunc(operands: &Operands<'_>, attributes: &QuantAttributes) -> Vec<f32> {
    let [scale, zero_point, input_bits, fifth] = [1, 2, 3, 4].map(|index| operands.spread(index));
    let output_bits = operands.get(5).map(|_| operands.spread(5));
    let value = |(index, x): (usize, &f32)| {
        let (scale, zero_point) = (scale[index], zero_point[index]);
        let code = (x / scale + zero_point).round_ties_even();
        match &output_bits {
            None => {
                let step = (input_bits[index] - fifth[index]).exp2();
                (rounded(code / step, attributes.rounding) - zero_point) * scale
            }
            Some(bits) => {
                let output_scale = fifth[index];
                let step = (output_scale / scale).log2().round_ties_even().exp2();
                let (lo, hi) = range(attributes, bits[index]);
                let code = rounded((code / step).clamp(lo, hi), attributes.rounding);
                (code - zero_point / step) * output_scale
            }
        }
    };
    operands.x().iter().enumerate().map(value).collect()
}

pub(super) fn multi_threshold(operands: &Operands<'_>, attributes: &MultiThreshold) -> Vec<f32> {
    let (thresholds, shape) = operands.at(1);
    let steps = shape.last().copied().unwrap_or(0);
    let value = |(index, x): (usize, &f32)| {
        let channels = thresholds.len() / steps.max(1);
        let channel = if channels == 1 { 0 } else { operands.channel(attributes.axis, index) };
        let row = &thresholds[channel * steps..][..steps];
        let passed = row.iter().filter(|threshold| **threshold <= *x).count();
        attributes.out_scale * passed as f32 + attributes.out_bias
    };
    operands.x().iter().enumerate().map(value).collect()
}

/// Least and greatest code.
fn range(attributes: &QuantAttributes, bits: f32) -> (f32, f32) {
    let narrow = f32::from(u8::from(attributes.narrow));
    match attributes.signed {
        true => (narrow - (bits - 1.0).exp2(), (bits - 1.0).exp2() - 1.0),
        false => (0.0, bits.exp2() - 1.0 - narrow),
    }
}

pub(super) fn rounded(x: f32, rounding: Rounding) -> f32 {
    match rounding {
        Rounding::HalfEven => x.round_ties_even(),
        Rounding::HalfAway => x.round(),
        Rounding::HalfToward => (x.abs() - 0.5).ceil().copysign(x),
        Rounding::Floor => x.floor(),
        Rounding::Ceil => x.ceil(),
        Rounding::Away => x.abs().ceil().copysign(x),
        Rounding::Toward => x.trunc(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_rounds_as_integers_do() {
        for rounding in Rounding::ALL {
            for quarters in -12i32..=12 {
                let (floor, rest) = (quarters.div_euclid(4), quarters.rem_euclid(4));
                let whole = rounding.round(i64::from(floor), rest.unsigned_abs().into(), 4);
                let float = rounded(quarters as f32 / 4.0, rounding);
                assert_eq!(Some(float as i64), whole, "{rounding:?} of {quarters} quarters");
            }
        }
    }
}
