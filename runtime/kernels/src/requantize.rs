//! Elementwise requantization of stored codes, into other memory or in place.

use crate::element::{ElementType, Read};
use crate::isa::Isa;
use crate::store::{BLOCK_CHANNELS, blocks};
use crate::tail::{Finish, Tail};

/// Elements from which on it is worth it to know the codes of all bytes.
const MANY: usize = 512;

/// Whether codes of `elems` elements of one `channels`, of these types, are to be [looked up](looked_up).
pub fn is_looked_up<I: ElementType, O: ElementType>(
    channels: usize,
    (from, to): (I, O),
    elems: usize,
) -> bool {
    channels == 1 && elems >= MANY && from.size_bytes() == 1 && to.size_bytes() == 1
}

/// Stores the codes that become of bytes, in a way that all channels share: those of all bytes are computed once and then looked
/// up. Without an `input`, `output` holds it.
///
/// Input and output are of types of 8 bits; of others nothing is stored.
#[inline(never)]
pub fn looked_up<K: Isa, I: ElementType, O: ElementType>(
    isa: K,
    (from, to): (I, O),
    finish: &impl for<'a> Finish<i32, O::CodesMut<'a>>,
    input: Option<&[u8]>,
    output: &mut [u8],
) {
    if from.size_bytes() != 1 || to.size_bytes() != 1 {
        return;
    }
    let mut table = [0; 256];
    let mut accs = [0; BLOCK_CHANNELS];
    let mut first: u8 = 0;
    for block in table.as_chunks_mut::<BLOCK_CHANNELS>().0 {
        for (index, byte) in block.iter_mut().enumerate() {
            *byte = first.wrapping_add(index as u8);
        }
        if let Some(codes) = from.codes(block) {
            codes.load(isa, &mut accs);
        }
        if let Some(codes) = to.codes_mut(block) {
            finish.finish(0, &mut accs, codes);
        }
        first = first.wrapping_add(BLOCK_CHANNELS as u8);
    }
    match input {
        Some(input) => translate(&table, input, output),
        None => translate_in_place(&table, output),
    }
}

fn code(table: &[u8; 256], byte: u8) -> u8 {
    table.get(usize::from(byte)).copied().unwrap_or_default()
}

/// Four at a time, so that the compiler keeps one pointer for each slice.
fn translate(table: &[u8; 256], input: &[u8], output: &mut [u8]) {
    let ((input, last_input), (output, last_output)) = (input.as_chunks::<4>(), output.as_chunks_mut::<4>());
    let code = |byte| code(table, byte);
    for (output, input) in output.iter_mut().zip(input) {
        *output = input.map(code);
    }
    for (output, input) in last_output.iter_mut().zip(last_input) {
        *output = code(*input);
    }
}

fn translate_in_place(table: &[u8; 256], bytes: &mut [u8]) {
    let (fours, last) = bytes.as_chunks_mut::<4>();
    let code = |byte| code(table, byte);
    for four in fours {
        *four = four.map(code);
    }
    for byte in last {
        *byte = code(*byte);
    }
}

/// Stores the codes that become of `input`, rows of `channels` codes.
#[inline(never)]
pub fn requantize<K: Isa, R: Read, T: Tail<i32>>(isa: K, channels: usize, mut input: R, mut tail: T) {
    let mut accs = [0; BLOCK_CHANNELS];
    let channels = row(channels);
    while channels > 0 && !input.is_empty() {
        blocks([0, channels], |first, elems| {
            let codes = input.take_front(elems);
            let Some(accs) = accs.get_mut(..codes.len()) else { return };
            codes.load(isa, accs);
            tail.store(first, accs);
        });
    }
}

/// The same where `bytes` holds the input and receives the output; the element sizes agree.
#[inline(never)]
pub fn in_place<K: Isa, I: ElementType, O: ElementType>(
    isa: K,
    channels: usize,
    (from, to): (I, O),
    finish: &impl for<'a> Finish<i32, O::CodesMut<'a>>,
    mut bytes: &mut [u8],
) {
    let mut accs = [0; BLOCK_CHANNELS];
    let channels = row(channels);
    while channels > 0 && !bytes.is_empty() {
        blocks([0, channels], |first, elems| {
            let block_bytes = elems.wrapping_mul(from.size_bytes()).min(bytes.len());
            let Some((block, rest)) = core::mem::take(&mut bytes).split_at_mut_checked(block_bytes) else {
                return;
            };
            bytes = rest;
            let Some(codes) = from.codes(block) else { return };
            let Some(accs) = accs.get_mut(..codes.len()) else { return };
            codes.load(isa, accs);
            if let Some(codes) = to.codes_mut(block) {
                finish.finish(first, accs, codes);
            }
        });
    }
}

/// Codes that are made together at most: one channel is any of a block.
const fn row(channels: usize) -> usize {
    if channels == 1 { BLOCK_CHANNELS } else { channels }
}
