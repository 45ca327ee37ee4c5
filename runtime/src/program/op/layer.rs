//! What dense layers and convolutions of both directions have in common: checks and listing.

use core::fmt;

use super::{Bias, Weights};
use crate::codes::Element;
use crate::error::OpFault;
use crate::num::{IntRange, Requant};
use crate::program::bounds;
use crate::program::tensor::Tensor;

/// Weights and what follows their products.
pub(super) struct Layer<'a> {
    pub(super) weights: Weights<'a>,
    pub(super) bias: Bias<'a>,
    pub(super) requant: Option<&'a Requant<'a>>,
    pub(super) wide: bool,
}

impl Layer<'_> {
    /// Checks element types, biases, requantization, and the accumulators and codes of each of `channels` channels,
    /// for input elements minus zero point in `centered`. The weight of element `i` of the filter of channel `o`
    /// lies at `index(o, i)`.
    pub(super) fn verify(
        &self,
        input: &Tensor,
        output: &Tensor,
        centered: IntRange,
        channels: usize,
        filter_elems: usize,
        index: impl Fn(usize, usize) -> usize,
    ) -> Result<(), OpFault> {
        if input.element == Element::I32 || (self.requant.is_none() && output.element != Element::I32) {
            return Err(OpFault::Element);
        }
        if self.wide && self.requant.is_none() {
            return Err(OpFault::Form);
        }
        if !self.bias.suits(channels) {
            return Err(OpFault::Bias);
        }
        if self.requant.is_some_and(|requant| !requant.is_well_formed(channels)) {
            return Err(OpFault::RequantParameters);
        }
        for channel in 0..channels {
            let weights = (0..filter_elems).map(|element| self.weights.at(index(channel, element)));
            let acc = bounds::accumulator(weights, centered, self.bias.at(channel), self.wide)?;
            bounds::stored(self.requant, channel, acc, output)?;
        }
        Ok(())
    }
}

impl fmt::Display for Layer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let element = if matches!(self.weights, Weights::I16(_)) { "i16 " } else { "" };
        write!(f, "{} {element}weights, ", self.weights.len())?;
        match self.bias {
            Bias::None => {}
            Bias::I16(_) => f.write_str("i16 bias, ")?,
            Bias::I32(_) => f.write_str("i32 bias, ")?,
        }
        if self.wide {
            f.write_str("64-bit sums, ")?;
        }
        list_requant(f, self.requant)
    }
}

pub(super) fn list_requant(f: &mut fmt::Formatter<'_>, requant: Option<&Requant<'_>>) -> fmt::Result {
    match requant {
        Some(requant) => write!(f, "{} to {}", requant.form_name(), requant.range()),
        None => f.write_str("accumulators"),
    }
}

/// The meaning of a record's byte that is 0 or 1.
pub(super) const fn flag(byte: u8) -> Result<bool, OpFault> {
    match byte {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(OpFault::Reserved),
    }
}
