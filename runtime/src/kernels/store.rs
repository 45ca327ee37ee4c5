//! From a block of accumulators to stored codes: one loop for each form of requantization.

use crate::codes::{Code, CodesMut, with_codes};
use crate::num::Requant;
use crate::num::requant::{Form, at, multiply32, shift_half_even};
use crate::program::op::Bias;

/// Output channels that are accumulated before they are requantized together.
pub(super) const BLOCK_CHANNELS: usize = 64;

/// Accumulators of one block, each started with its bias.
pub(super) fn start(bias: Bias<'_>, first_channel: usize, accs: &mut [i32]) {
    for (index, acc) in accs.iter_mut().enumerate() {
        *acc = bias.at(first_channel.wrapping_add(index));
    }
}

/// Calls `block(first, elems)` for consecutive blocks of at most [`BLOCK_CHANNELS`] of `channels` channels.
pub(super) fn blocks(channels: usize, mut block: impl FnMut(usize, usize)) {
    let mut first = 0usize;
    while first < channels {
        let elems = channels.wrapping_sub(first).min(BLOCK_CHANNELS);
        block(first, elems);
        first = first.wrapping_add(elems);
    }
}

/// Stores the codes of `accs`, the first of which is of channel `first_channel`.
pub(super) fn store(requant: Option<&Requant<'_>>, first_channel: usize, accs: &[i32], output: CodesMut<'_>) {
    with_codes!(CodesMut, output, codes => store_as(requant, first_channel, accs, codes));
}

fn store_as<T: Code>(requant: Option<&Requant<'_>>, first: usize, accs: &[i32], codes: &mut [T]) {
    let Some(requant) = requant else {
        codes.iter_mut().zip(accs).for_each(|(code, acc)| *code = T::truncate(*acc));
        return;
    };
    match requant.form {
        Form::Offset { offsets } => {
            each(requant, first, accs, codes, |channel, acc| acc.wrapping_add(at(offsets, channel)));
        }
        Form::ShiftHalfEven { multipliers, offsets, shifts } => {
            each(requant, first, accs, codes, |channel, acc| {
                shift_half_even(acc, at(multipliers, channel), at(offsets, channel), at(shifts, channel))
            });
        }
        Form::Multiply32(line) => each(requant, first, accs, codes, |channel, acc| {
            multiply32(
                acc,
                at(line.multipliers, channel),
                at(line.offsets, channel),
                at(line.shifts, channel),
            )
        }),
        Form::Multiply64(line) => {
            each(requant, first, accs, codes, |channel, acc| line.value(channel, acc));
        }
        Form::EvenOdd { even, odd } => each(requant, first, accs, codes, |channel, acc| {
            even.value(channel, acc).wrapping_add(odd.value(channel, acc))
        }),
        Form::Thresholds { .. } | Form::Table { .. } => {
            each(requant, first, accs, codes, |channel, acc| requant.apply(channel, acc));
        }
    }
}

fn each<T: Code, V: Ord + Copy + From<i32> + Truncate>(
    requant: &Requant<'_>,
    first_channel: usize,
    accs: &[i32],
    codes: &mut [T],
    value: impl Fn(usize, i32) -> V,
) {
    let (lo, hi) = (V::from(requant.lo), V::from(requant.hi));
    for (index, (code, acc)) in codes.iter_mut().zip(accs).enumerate() {
        let value = value(first_channel.wrapping_add(index), *acc);
        // Not `clamp`, which panics on an empty range.
        *code = T::truncate(value.min(hi).max(lo).truncate());
    }
}

/// The low 32 bits of a clamped value.
trait Truncate {
    fn truncate(self) -> i32;
}

impl Truncate for i32 {
    fn truncate(self) -> i32 {
        self
    }
}

impl Truncate for i64 {
    fn truncate(self) -> i32 {
        self as i32
    }
}
