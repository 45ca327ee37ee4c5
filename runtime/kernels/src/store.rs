//! Blocks of accumulators: started with biases, and at the end requantized and stored.

use exactum_format::Bias;
use exactum_num::codes::{Codes, CodesMut};
use exactum_num::{Requant, with_codes};

use crate::isa::Isa;

/// Output channels that are accumulated before they are requantized together.
pub const BLOCK_CHANNELS: usize = 64;

/// Accumulators of one block, each started with its bias.
#[inline(never)]
pub(crate) fn start(bias: Bias<'_>, first_channel: usize, accs: &mut [i32]) {
    fn copy<T: Copy + Into<i32>>(biases: &[T], first_channel: usize, accs: &mut [i32]) {
        let biases = biases.get(first_channel..).unwrap_or_default();
        accs.iter_mut().zip(biases).for_each(|(acc, bias)| *acc = (*bias).into());
    }
    match bias {
        Bias::None => accs.fill(0),
        Bias::I16(biases) => copy(biases, first_channel, accs),
        Bias::I32(biases) => copy(biases, first_channel, accs),
    }
}

/// Calls `block(first, elems)` for consecutive blocks of at most [`BLOCK_CHANNELS`] of `channels` channels.
pub(crate) fn blocks(channels: usize, mut block: impl FnMut(usize, usize)) {
    let mut first = 0usize;
    while first < channels {
        let elems = channels.wrapping_sub(first).min(BLOCK_CHANNELS);
        block(first, elems);
        first = first.wrapping_add(elems);
    }
}

/// Requantizes `accs`, the first of which is of channel `first_channel`, and stores the codes.
///
/// One loop per form and one per element type, rather than one for each pair of them.
#[inline(never)]
pub(crate) fn store<K: Isa>(
    isa: K,
    requant: Option<&Requant<'_>>,
    first_channel: usize,
    accs: &mut [i32],
    output: CodesMut<'_>,
) {
    if let Some(requant) = requant {
        isa.requantize(requant, first_channel, accs);
    }
    with_codes!(CodesMut, output, codes => isa.narrow(accs, codes));
}

/// The same for 64-bit accumulators; without requantization their low 32 bits are stored.
#[inline(never)]
pub(crate) fn store_wide<K: Isa>(
    isa: K,
    requant: Option<&Requant<'_>>,
    first_channel: usize,
    accs: &[i64],
    output: CodesMut<'_>,
) {
    let mut codes = [0; BLOCK_CHANNELS];
    for (index, (code, acc)) in codes.iter_mut().zip(accs).enumerate() {
        *code = match requant {
            Some(requant) => requant.apply_wide(first_channel.wrapping_add(index), *acc),
            None => *acc as i32,
        };
    }
    store(isa, None, first_channel, codes.get_mut(..accs.len()).unwrap_or_default(), output);
}

/// Widens `codes` to accumulators.
pub(crate) fn load<K: Isa>(isa: K, codes: Codes<'_>, accs: &mut [i32]) {
    with_codes!(Codes, codes, slice => isa.widen(slice, accs));
}
