//! Elementwise requantization of stored codes, into other memory or in place.

use crate::element::{ElementType, Read};
use crate::isa::Isa;
use crate::store::{BLOCK_CHANNELS, blocks};
use crate::tail::{Finish, Tail};

/// Stores the codes that become of `input`, rows of `channels` codes.
#[inline(never)]
pub fn requantize<K: Isa, R: Read, T: Tail<i32>>(isa: K, channels: usize, mut input: R, mut tail: T) {
    let mut accs = [0; BLOCK_CHANNELS];
    while channels > 0 && !input.is_empty() {
        blocks([0, channels], |first, elems| {
            let Some(accs) = accs.get_mut(..elems) else { return };
            input.take_front(elems).load(isa, accs);
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
    while channels > 0 && !bytes.is_empty() {
        blocks([0, channels], |first, elems| {
            let block_bytes = elems.wrapping_mul(from.size_bytes());
            let Some((block, rest)) = core::mem::take(&mut bytes).split_at_mut_checked(block_bytes) else {
                return;
            };
            bytes = rest;
            let Some(accs) = accs.get_mut(..elems) else { return };
            let Some(codes) = from.codes(block) else { return };
            codes.load(isa, accs);
            if let Some(codes) = to.codes_mut(block) {
                finish.finish(first, accs, codes);
            }
        });
    }
}
