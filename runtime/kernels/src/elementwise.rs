//! Two tensors to one, elementwise: the frame of additions and multiplications.

use exactum_num::Requant;
use exactum_num::codes::{Codes, CodesMut, Element};

use crate::isa::Isa;
use crate::store::{BLOCK_CHANNELS, load};

/// Codes in a buffer.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Their element type.
    pub element: Element,
    /// Their first byte.
    pub offset_bytes: usize,
    /// How many there are.
    pub elems: usize,
}

/// What an op reads and writes in one buffer: the output may lie at the very bytes of an operand, whose elements are read
/// before those of their positions are written.
#[derive(Clone, Copy, Debug)]
pub struct Operands<'a> {
    /// As many elements as the output.
    pub first: Place,
    /// As many elements, or fewer, which are repeated.
    pub second: Place,
    /// What is written.
    pub output: Place,
    /// Elements of one row.
    pub channels: u32,
    /// `None` stores the accumulators as `i32`.
    pub requant: Option<&'a Requant<'a>>,
}

/// Requantizes and stores a block: the channel of its first element, the integers of both operands, the place of the
/// codes.
type Finish<'a> = dyn Fn(usize, &mut [i32], &[i32], CodesMut<'_>) + 'a;

/// Calls `finish` for blocks of elements, in order, with the channel of the first, their integers in `first`, those of
/// `second` that meet them, and the place of their codes.
///
/// `finish` is called through a pointer: the frame is larger than what differs between operations.
#[inline(never)]
pub(crate) fn run<K: Isa>(isa: K, operands: &Operands<'_>, buffer: &mut [u8], finish: &Finish<'_>) {
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
        let Some(codes) = part(buffer, &operands.first, done, block) else { return };
        load(isa, codes, accs);
        if period > 1 {
            let Some(codes) = part(buffer, &operands.second, phase, block) else { return };
            load(isa, codes, others);
        } else {
            let code = part(buffer, &operands.second, 0, 1).and_then(|codes| codes.get(0));
            others.fill(code.unwrap_or_default());
        }
        let place = bytes(&operands.output, done, block);
        let Some(output) = buffer.get_mut(place) else { return };
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

fn bytes(place: &Place, start: usize, elems: usize) -> core::ops::Range<usize> {
    let size_bytes = place.element.size_bytes() as usize;
    let from = place.offset_bytes.wrapping_add(start.wrapping_mul(size_bytes));
    from..from.wrapping_add(elems.wrapping_mul(size_bytes))
}

fn part<'a>(buffer: &'a [u8], place: &Place, start: usize, elems: usize) -> Option<Codes<'a>> {
    Codes::from_bytes(place.element, buffer.get(bytes(place, start, elems))?)
}
