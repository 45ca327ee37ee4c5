//! Two tensors to one, elementwise: the frame of additions and multiplications.

use crate::element::{ElementType, Read};
use crate::isa::Isa;
use crate::store::BLOCK_CHANNELS;

/// What an op of two tensors is told of them.
#[derive(Clone, Copy, Debug)]
pub struct Operands<A, B, O> {
    /// Element type of the first, which has as many elements as the output.
    pub first: A,
    /// Element type of the second.
    pub second: B,
    /// Element type of the output.
    pub output: O,
    /// Elements of the second: as many, or fewer, which are repeated.
    pub period: usize,
    /// Elements of one row.
    pub channels: u32,
    /// The first element to compute, and the one behind the last.
    pub elems: [usize; 2],
}

/// The bytes of the tensors of [`Operands`]. An operand that is `None` lies at the very bytes of the output: its elements are
/// read before those of their positions are written.
#[derive(Debug)]
pub struct Buffers<'a> {
    /// The first operand.
    pub first: Option<&'a [u8]>,
    /// The second one.
    pub second: Option<&'a [u8]>,
    /// What is written.
    pub output: &'a mut [u8],
}

/// `elems` elements of `bytes` from number `start` on.
fn part<E: ElementType>(element: E, bytes: &[u8], start: usize, elems: usize) -> Option<E::Codes<'_>> {
    let size_bytes = element.size_bytes();
    let rest = bytes.get(start.wrapping_mul(size_bytes)..)?;
    element.codes(rest.get(..elems.wrapping_mul(size_bytes))?)
}

/// The same, to be written.
fn part_mut<E: ElementType>(
    element: E,
    bytes: &mut [u8],
    start: usize,
    elems: usize,
) -> Option<E::CodesMut<'_>> {
    let size_bytes = element.size_bytes();
    let rest = bytes.get_mut(start.wrapping_mul(size_bytes)..)?;
    element.codes_mut(rest.get_mut(..elems.wrapping_mul(size_bytes))?)
}

/// Requantizes and stores a block: the channel of its first element, the integers of both operands, the place of the
/// codes.
type Block<'a, O> = dyn Fn(usize, &mut [i32], &[i32], <O as ElementType>::CodesMut<'_>) + 'a;

/// Calls `finish` for blocks of elements, in order, with the channel of the first, their integers in `first`, those of
/// `second` that meet them, and the place of their codes.
///
/// `finish` is called through a pointer: the frame is larger than what differs between operations.
#[inline(never)]
pub(crate) fn run<K: Isa, A: ElementType, B: ElementType, O: ElementType>(
    isa: K,
    operands: &Operands<A, B, O>,
    buffers: Buffers<'_>,
    finish: &Block<'_, O>,
) {
    let Buffers { first, second, output } = buffers;
    let (channels, period) = (operands.channels as usize, operands.period);
    let (mut accs, mut others) = ([0; BLOCK_CHANNELS], [0; BLOCK_CHANNELS]);
    let [mut done, end] = operands.elems;
    let position = |of: usize| done.checked_rem(of).unwrap_or_default();
    let (mut channel, mut phase) = (position(channels), position(period));
    while done < end {
        // A block ends with the row and with the second tensor, unless all have the same parameters or operand.
        let mut block = end.wrapping_sub(done).min(BLOCK_CHANNELS);
        if channels > 1 {
            block = block.min(channels.wrapping_sub(channel));
        }
        if period > 1 {
            block = block.min(period.wrapping_sub(phase));
        }
        let (Some(accs), Some(others)) = (accs.get_mut(..block), others.get_mut(..block)) else { return };
        let Some(codes) = part(operands.first, first.unwrap_or(output), done, block) else { return };
        codes.load(isa, accs);
        let second = second.unwrap_or(output);
        if period > 1 {
            let Some(codes) = part(operands.second, second, phase, block) else { return };
            codes.load(isa, others);
        } else {
            others.fill(part(operands.second, second, 0, 1).map(Read::first).unwrap_or_default());
        }
        let Some(codes) = part_mut(operands.output, output, done, block) else { return };
        finish(channel, accs, others, codes);
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
