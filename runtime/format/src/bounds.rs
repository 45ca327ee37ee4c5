//! Checks that ops share: accumulator bounds, recomputed from the weights at load so that no program can overflow
//! silently, and the shapes of elementwise ops.

use exactum_num::codes::Element;
use exactum_num::{IntRange, Requant};

use crate::error::OpFault;
use crate::tensor::Tensor;
use crate::work::Work;

/// Codes minus zero point, as they enter the products; with `padded`, 0 as well.
///
/// # Errors
///
/// The kernels carry centered codes in 16 bits.
pub(crate) fn centered(input: &Tensor, zero_point: i32, padded: bool) -> Result<IntRange, OpFault> {
    let range = input.range.checked_add(IntRange::point(i64::from(zero_point).saturating_neg()));
    let range = range.ok_or(OpFault::CenteredRange)?;
    if !Element::I16.range().contains_range(range) {
        return Err(OpFault::CenteredRange);
    }
    Ok(if padded { range.union(IntRange::point(0)) } else { range })
}

/// The accumulators `bias + sum weight * x` can reach for `x` in `centered`; attained unless taps are padded.
///
/// # Errors
///
/// They leave 32 bits, or if `wide` 64 bits.
pub(crate) fn accumulator(
    weights: impl Iterator<Item = i32>,
    centered: IntRange,
    bias: i32,
    wide: bool,
) -> Result<IntRange, OpFault> {
    let (mut positive, mut negative) = (0i64, 0i64);
    for weight in weights {
        let sum = if weight > 0 { &mut positive } else { &mut negative };
        *sum = sum.saturating_add(weight.into());
    }
    centered
        .checked_scale(positive)
        .zip(centered.checked_scale(negative))
        .and_then(|(up, down)| up.checked_add(down)?.checked_add(IntRange::point(bias.into())))
        .filter(|range| wide || range.signed_bits() <= i32::BITS)
        .ok_or(OpFault::Accumulator)
}

/// Checks a requantization of `channels` channels with the accumulators that `acc` gives for each of the first `different`,
/// which others repeat, and what it stores; `None` of it stands for accumulators past the bits of the device's.
pub(crate) fn elementwise(
    requant: Option<&Requant<'_>>,
    channels: u32,
    different: usize,
    acc: impl Fn(usize) -> Option<IntRange>,
    output: &Tensor,
    work: &mut Work,
) -> Result<(), OpFault> {
    let channels = channels as usize;
    if requant.is_none() && output.element != Element::I32 {
        return Err(OpFault::Element);
    }
    let different = different.max(well_formed(requant, channels, work)?);
    work.spend(different)?;
    (0..different).try_for_each(|channel| {
        let acc = acc(channel).ok_or(OpFault::Accumulator)?;
        stored(requant, channel, acc, output)
    })
}

/// How many channels differ in the parameters of a requantization, which suits `channels` channels.
///
/// # Errors
///
/// It does not suit them, or finding out takes too many steps.
pub(crate) fn well_formed(
    requant: Option<&Requant<'_>>,
    channels: usize,
    work: &mut Work,
) -> Result<usize, OpFault> {
    let Some(requant) = requant else { return Ok(1) };
    work.spend(requant.parameters())?;
    if requant.is_well_formed(channels) {
        Ok(requant.distinct(channels))
    } else {
        Err(OpFault::RequantParameters)
    }
}

/// Checks that the output tensor may hold what channel `channel` gives for accumulators in `acc`, and that its
/// requantization does not wrap on them.
pub(crate) fn stored(
    requant: Option<&Requant<'_>>,
    channel: usize,
    acc: IntRange,
    output: &Tensor,
) -> Result<(), OpFault> {
    let stored = match requant {
        Some(requant) if !requant.is_exact_on(channel, acc) => return Err(OpFault::RequantWraps),
        Some(requant) => requant.range(),
        None => acc,
    };
    if output.range.contains_range(stored) { Ok(()) } else { Err(OpFault::OutputRange) }
}

/// Whether a tensor that an elementwise op reads may lie at the very bytes of its output: each element is read before the
/// one of its position is written.
pub(crate) fn may_share(input: &Tensor, output: &Tensor) -> bool {
    input.element.size_bytes() == output.element.size_bytes()
}

/// Checks the shapes of an elementwise op with two operands: as many elements in the first as in the output, and in the
/// second as many, or fewer, which are repeated; rows of `channels`.
pub(crate) fn verify_shapes(
    first: &Tensor,
    second: &Tensor,
    output: &Tensor,
    channels: u32,
) -> Result<(), OpFault> {
    let elems = output.shape.elems();
    if first.shape.elems() != elems {
        return Err(OpFault::OutputShape);
    }
    // No shape has 0 elements, of which everything would be a multiple.
    if !elems.is_multiple_of(second.shape.elems()) {
        return Err(OpFault::InputShape);
    }
    if channels == 0 || !elems.is_multiple_of(channels) { Err(OpFault::Geometry) } else { Ok(()) }
}
