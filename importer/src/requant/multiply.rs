//! The forms with one line, in 32, 64 and 128 bits.

use super::lines::{self, Lines, Machine};
use super::{FormParams, Layer, LineParams};

pub(super) fn solve32(layer: &Layer<'_>) -> Option<FormParams> {
    let lines = lines::solve(layer.constraints.as_ref()?, Machine::BITS_32)?;
    let LineParams { multipliers, offsets, shifts } = lines.convert(|offset| i32::try_from(offset).ok())?;
    Some(FormParams::Multiply32 { multipliers, offsets, shifts })
}

pub(super) fn solve64(layer: &Layer<'_>) -> Option<FormParams> {
    let lines = lines::solve(layer.constraints.as_ref()?, Machine::BITS_64)?;
    let LineParams { multipliers, offsets, shifts } = lines.convert(|offset| i64::try_from(offset).ok())?;
    Some(FormParams::Multiply64 { multipliers, offsets, shifts })
}

pub(super) fn solve128(layer: &Layer<'_>) -> Option<FormParams> {
    let lines = lines::solve(layer.constraints.as_ref()?, Machine::BITS_128)?;
    // Low word, high word.
    let words = |offset| Some([offset as i64, (offset >> 64) as i64]);
    let LineParams { multipliers, offsets, shifts } = lines.convert(words)?;
    Some(FormParams::Multiply128 { multipliers, offsets, shifts })
}

impl Lines {
    /// The lines with narrower integers, or `None` if one does not fit.
    pub(super) fn convert<T, M: TryFrom<i64>>(
        self,
        offset: impl Fn(i128) -> Option<T>,
    ) -> Option<LineParams<T, M>> {
        let Self { multipliers, offsets, shifts } = self;
        let multipliers = multipliers.into_iter().map(|multiplier| M::try_from(multiplier).ok());
        let offsets = offsets.into_iter().map(offset);
        Some(LineParams {
            multipliers: multipliers.collect::<Option<_>>()?,
            offsets: offsets.collect::<Option<_>>()?,
            shifts,
        })
    }
}
