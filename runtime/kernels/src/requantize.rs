//! Elementwise requantization of stored codes, into other memory or in place.

use exactum_num::Requant;
use exactum_num::codes::{Codes, CodesMut, Element};

use crate::isa::Isa;
use crate::store::{BLOCK_CHANNELS, blocks, load, store};

/// Writes the requantized codes of `input`, rows of `channels` codes, to `output`.
#[inline(never)]
pub fn requantize<K: Isa>(
    isa: K,
    requant: &Requant<'_>,
    channels: usize,
    mut input: Codes<'_>,
    mut output: CodesMut<'_>,
) {
    let mut accs = [0; BLOCK_CHANNELS];
    while channels > 0 && !input.is_empty() {
        blocks(channels, |first, elems| {
            let Some(accs) = accs.get_mut(..elems) else { return };
            load(isa, input.take_front(elems), accs);
            store(isa, Some(requant), first, accs, output.take_front(elems));
        });
    }
}

/// The same where `bytes` holds the input and receives the output; the element sizes agree.
#[inline(never)]
pub fn in_place<K: Isa>(
    isa: K,
    requant: &Requant<'_>,
    channels: usize,
    from: Element,
    to: Element,
    mut bytes: &mut [u8],
) {
    let mut accs = [0; BLOCK_CHANNELS];
    while channels > 0 && !bytes.is_empty() {
        blocks(channels, |first, elems| {
            let block_bytes = elems.wrapping_mul(from.size_bytes() as usize);
            let Some((block, rest)) = core::mem::take(&mut bytes).split_at_mut_checked(block_bytes) else {
                return;
            };
            bytes = rest;
            let Some(accs) = accs.get_mut(..elems) else { return };
            let Some(codes) = Codes::from_bytes(from, block) else { return };
            load(isa, codes, accs);
            if let Some(codes) = CodesMut::from_bytes(to, block) {
                store(isa, Some(requant), first, accs, codes);
            }
        });
    }
}
