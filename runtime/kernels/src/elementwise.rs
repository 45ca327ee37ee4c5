//! Two tensors to one, elementwise: the frame of additions and multiplications.

use crate::element::{ElementType, Read};
use crate::isa::Isa;
use crate::store::BLOCK_CHANNELS;

/// Codes in a buffer.
#[derive(Clone, Copy, Debug)]
pub struct Place<E> {
    /// Their element type.
    pub element: E,
    /// Their first byte.
    pub offset_bytes: usize,
    /// How many there are.
    pub elems: usize,
}

impl<E: ElementType> Place<E> {
    fn bytes(&self, start: usize, elems: usize) -> core::ops::Range<usize> {
        let size_bytes = self.element.size_bytes();
        let from = self.offset_bytes.wrapping_add(start.wrapping_mul(size_bytes));
        from..from.wrapping_add(elems.wrapping_mul(size_bytes))
    }

    fn part<'a>(&self, buffer: &'a [u8], start: usize, elems: usize) -> Option<E::Codes<'a>> {
        self.element.codes(buffer.get(self.bytes(start, elems))?)
    }

    fn part_mut<'a>(&self, buffer: &'a mut [u8], start: usize, elems: usize) -> Option<E::CodesMut<'a>> {
        self.element.codes_mut(buffer.get_mut(self.bytes(start, elems))?)
    }
}

/// What an op reads and writes in one buffer: the output may lie at the very bytes of an operand, whose elements are read
/// before those of their positions are written.
#[derive(Clone, Copy, Debug)]
pub struct Operands<A, B, O> {
    /// As many elements as the output.
    pub first: Place<A>,
    /// As many elements, or fewer, which are repeated.
    pub second: Place<B>,
    /// What is written.
    pub output: Place<O>,
    /// Elements of one row.
    pub channels: u32,
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
    buffer: &mut [u8],
    finish: &Block<'_, O>,
) {
    let (elems, channels) = (operands.output.elems, operands.channels as usize);
    let period = operands.second.elems;
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
        let Some(codes) = operands.first.part(buffer, done, block) else { return };
        codes.load(isa, accs);
        if period > 1 {
            let Some(codes) = operands.second.part(buffer, phase, block) else { return };
            codes.load(isa, others);
        } else {
            others.fill(operands.second.part(buffer, 0, 1).map(Read::first).unwrap_or_default());
        }
        let Some(output) = operands.output.part_mut(buffer, done, block) else { return };
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
