//! Blocks of accumulators: started with biases.

use exactum_format::Bias;

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

/// Calls `block(first, elems)` for consecutive blocks of at most [`BLOCK_CHANNELS`] of the channels from `first` to before
/// `end`.
pub(crate) fn blocks([mut first, end]: [usize; 2], mut block: impl FnMut(usize, usize)) {
    while first < end {
        let elems = end.wrapping_sub(first).min(BLOCK_CHANNELS);
        block(first, elems);
        first = first.wrapping_add(elems);
    }
}
