//! Two tensors to one, elementwise: the frame of additions and multiplications.

use super::store::{BLOCK_CHANNELS, load};
use crate::codes::{Codes, CodesMut};
use crate::error::OpFault;
use crate::num::Requant;
use crate::program::Tensor;

/// What an op reads and writes.
pub(crate) struct Operands<'a> {
    /// As many elements as the output.
    pub(crate) first: &'a Tensor,
    /// As many elements, or fewer, which are repeated.
    pub(crate) second: &'a Tensor,
    pub(crate) output: &'a Tensor,
    pub(crate) channels: u32,
    pub(crate) requant: Option<&'a Requant<'a>>,
}

/// Whether a tensor that an op reads may lie at the very bytes of its output: each element is read before the one of
/// its position is written.
pub(crate) fn may_share(input: &Tensor, output: &Tensor) -> bool {
    input.element.size_bytes() == output.element.size_bytes()
}

/// Checks that the shapes are as [`Operands`] says.
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

/// Requantizes and stores a block: the channel of its first element, the integers of both operands, the place of the
/// codes.
type Finish<'a> = dyn Fn(usize, &mut [i32], &[i32], CodesMut<'_>) + 'a;

/// Calls `finish` for blocks of elements, in order, with the channel of the first, their integers in `first`, those of
/// `second` that meet them, and the place of their codes.
///
/// `finish` is called through a pointer: the frame is larger than what differs between operations.
#[inline(never)]
pub(crate) fn run(operands: &Operands<'_>, arena: &mut [u8], finish: &Finish<'_>) {
    let (elems, channels) = (operands.output.shape.elems() as usize, operands.channels as usize);
    let period = operands.second.shape.elems() as usize;
    let (mut accs, mut others) = ([0; BLOCK_CHANNELS], [0; BLOCK_CHANNELS]);
    let (mut done, mut channel, mut phase) = (0usize, 0usize, 0usize);
    while done < elems {
        // A block ends with the row and with the second tensor, unless all have the same parameters or operand.
        let mut block = elems.wrapping_sub(done).min(BLOCK_CHANNELS);
        if channels > 1 {
            block = block.min(channels.wrapping_sub(channel));
        }
        if period > 1 {
            block = block.min(period.wrapping_sub(phase));
        }
        let (Some(accs), Some(others)) = (accs.get_mut(..block), others.get_mut(..block)) else { return };
        let Some(codes) = part(arena, operands.first, done, block) else { return };
        load(codes, accs);
        if period > 1 {
            let Some(codes) = part(arena, operands.second, phase, block) else { return };
            load(codes, others);
        } else {
            let code = part(arena, operands.second, 0, 1).and_then(|codes| codes.get(0));
            others.fill(code.unwrap_or_default());
        }
        let place = bytes(operands.output, done, block);
        let Some(output) = arena.get_mut(place) else { return };
        let Some(output) = CodesMut::from_bytes(operands.output.element, output) else { return };
        finish(channel, accs, others, output);
        done = done.wrapping_add(block);
        channel = advance(channel, block, channels);
        phase = advance(phase, block, period);
    }
}

/// `at + block`, from the start again where that reaches `end`.
fn advance(at: usize, block: usize, end: usize) -> usize {
    let next = at.wrapping_add(block);
    if next >= end { 0 } else { next }
}

fn bytes(tensor: &Tensor, start: usize, elems: usize) -> core::ops::Range<usize> {
    let size_bytes = tensor.element.size_bytes() as usize;
    let from = (tensor.offset_bytes as usize).wrapping_add(start.wrapping_mul(size_bytes));
    from..from.wrapping_add(elems.wrapping_mul(size_bytes))
}

fn part<'a>(arena: &'a [u8], tensor: &Tensor, start: usize, elems: usize) -> Option<Codes<'a>> {
    Codes::from_bytes(tensor.element, arena.get(bytes(tensor, start, elems))?)
}
