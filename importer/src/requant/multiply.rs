//! The forms with one line, in 32 and in 64 bits.

use super::lines::{self, Lines, Machine};
use super::{FormParams, Layer, LineParams};

pub(super) fn solve32(layer: &Layer<'_>) -> Option<FormParams> {
    let Lines { multipliers, offsets, shifts } = lines::solve(&layer.constraints, Machine::BITS_32)?;
    let offsets = offsets.into_iter().map(|offset| i32::try_from(offset).ok()).collect::<Option<_>>()?;
    Some(FormParams::Multiply32(LineParams { multipliers, offsets, shifts }))
}

pub(super) fn solve64(layer: &Layer<'_>) -> Option<FormParams> {
    lines::solve(&layer.constraints, Machine::BITS_64).map(|lines| FormParams::Multiply64(lines.into()))
}

impl From<Lines> for LineParams<i64> {
    fn from(Lines { multipliers, offsets, shifts }: Lines) -> Self {
        Self { multipliers, offsets, shifts }
    }
}
