//! Bit widths of results, from the ranges of codes.
//!
//! A signed width must hold the least and the greatest code, so a signed and an unsigned 8-bit tensor add up to 10 bits,
//! and the negative of a signed 8-bit tensor has 9. In training widths are tensors: rounding up lets the gradient pass.

use exactum_runtime::num::IntRange;

use super::OperandError;
use crate::backend::{self, Tensor};
use crate::math::{exp2, log2, straight_through};

/// Codes at or above `lo` and below `end`, both `[1, 1]`: powers of two stay exact where a greatest code would not.
#[derive(Clone, Debug)]
pub(super) struct Span {
    lo: Tensor<2>,
    end: Tensor<2>,
}

impl Span {
    /// All codes of a width.
    pub(super) fn of(bit_width: &Tensor<2>, signed: bool) -> Self {
        if signed {
            let half = exp2(bit_width.clone() - 1.0);
            Self { lo: half.clone().neg(), end: half }
        } else {
            let end = exp2(bit_width.clone());
            Self { lo: end.zeros_like(), end }
        }
    }

    pub(super) fn add(self, other: Self) -> Self {
        Self { lo: self.lo + other.lo, end: self.end + other.end - 1.0 }
    }

    pub(super) fn neg(self) -> Self {
        Self { lo: self.end.neg() + 1.0, end: self.lo.neg() + 1.0 }
    }

    pub(super) fn abs(self) -> Self {
        let (below, end) = (self.lo.clone().neg() + 1.0, self.end);
        let longer = if backend::scalar(&below) > backend::scalar(&end) { below } else { end };
        Self { lo: longer.zeros_like(), end: longer }
    }

    /// Differences of two codes.
    pub(super) fn around(self) -> Self {
        let width = self.end - self.lo;
        Self { lo: width.clone().neg() + 1.0, end: width }
    }

    /// Sums of `count` codes.
    pub(super) fn sum(self, count: usize) -> Self {
        let count = count as f64;
        Self { lo: self.lo * count, end: (self.end - 1.0) * count + 1.0 }
    }

    /// The bits of a type that holds all codes; `signed` as needed if there are codes below zero.
    pub(super) fn bit_width(self, signed: bool) -> Tensor<2> {
        let (lo, end) = (backend::scalar(&self.lo), backend::scalar(&self.end));
        let magnitude = if -lo > end { self.lo.neg() } else { self.end };
        let bits = log2(magnitude);
        let rounded = straight_through(bits.clone(), bits.ceil()).clamp_min(f32::from(u8::from(!signed)));
        if signed { rounded + 1.0 } else { rounded }
    }
}

/// Bits of the smallest type that holds `range`, signed if asked for or needed.
pub(super) fn bits(range: IntRange, signed: bool) -> Result<u8, OperandError> {
    let bound = range.lo.unsigned_abs().max(range.hi.unsigned_abs());
    if bound >= 1 << 53 {
        return Err(OperandError::Overflow { bound });
    }
    let bits = if signed { None } else { range.unsigned_bits() };
    Ok(bits.unwrap_or_else(|| range.signed_bits()) as u8)
}
