//! From a block of accumulators to stored codes: one loop for each form of requantization.

use crate::codes::{Code, Codes, CodesMut, with_codes};
use crate::num::Requant;
use crate::num::requant::{Form, at, multiply32, shift_half_even};
use crate::program::op::Bias;

/// Output channels that are accumulated before they are requantized together.
pub(super) const BLOCK_CHANNELS: usize = 64;

/// Accumulators of one block, each started with its bias.
#[inline(never)]
pub(super) fn start(bias: Bias<'_>, first_channel: usize, accs: &mut [i32]) {
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
pub(super) fn blocks(channels: usize, mut block: impl FnMut(usize, usize)) {
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
pub(super) fn store(
    requant: Option<&Requant<'_>>,
    first_channel: usize,
    accs: &mut [i32],
    output: CodesMut<'_>,
) {
    if let Some(requant) = requant {
        apply(requant, first_channel, accs);
    }
    fn narrow<T: Code>(accs: &[i32], codes: &mut [T]) {
        codes.iter_mut().zip(accs).for_each(|(code, acc)| *code = T::truncate(*acc));
    }
    with_codes!(CodesMut, output, codes => narrow(accs, codes));
}

/// The same for 64-bit accumulators; without requantization their low 32 bits are stored.
#[inline(never)]
pub(super) fn store_wide(
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
    store(None, first_channel, codes.get_mut(..accs.len()).unwrap_or_default(), output);
}

/// Widens `codes` to accumulators.
pub(super) fn load(codes: Codes<'_>, accs: &mut [i32]) {
    fn widen<T: Code>(codes: &[T], accs: &mut [i32]) {
        accs.iter_mut().zip(codes).for_each(|(acc, code)| *acc = (*code).into());
    }
    with_codes!(Codes, codes, slice => widen(slice, accs));
}

fn apply(requant: &Requant<'_>, first: usize, accs: &mut [i32]) {
    match requant.form {
        Form::Offset { offsets } => {
            each(requant, first, accs, |channel, acc| acc.wrapping_add(at(offsets, channel)));
        }
        Form::ShiftHalfEven { multipliers, offsets, shifts } => each(requant, first, accs, |channel, acc| {
            shift_half_even(acc, at(multipliers, channel), at(offsets, channel), at(shifts, channel))
        }),
        Form::Multiply32(line) => each(requant, first, accs, |channel, acc| {
            multiply32(
                acc,
                at(line.multipliers, channel),
                at(line.offsets, channel),
                at(line.shifts, channel),
            )
        }),
        Form::Multiply64(line) => {
            each_wide(requant, first, accs, |channel, acc| line.value(channel, acc));
        }
        Form::EvenOdd { even, odd } => each_wide(requant, first, accs, |channel, acc| {
            even.value(channel, acc).wrapping_add(odd.value(channel, acc))
        }),
        Form::Thresholds { .. }
        | Form::Table { .. }
        | Form::ShiftHalfEven64 { .. }
        | Form::Multiply128 { .. } => {
            each(requant, first, accs, |channel, acc| requant.apply(channel, acc));
        }
    }
}

fn each(requant: &Requant<'_>, first: usize, accs: &mut [i32], value: impl Fn(usize, i32) -> i32) {
    for (index, acc) in accs.iter_mut().enumerate() {
        // Not `clamp`, which panics on an empty range.
        *acc = value(first.wrapping_add(index), *acc).min(requant.hi).max(requant.lo);
    }
}

fn each_wide(requant: &Requant<'_>, first: usize, accs: &mut [i32], value: impl Fn(usize, i32) -> i64) {
    let (lo, hi) = (i64::from(requant.lo), i64::from(requant.hi));
    for (index, acc) in accs.iter_mut().enumerate() {
        *acc = value(first.wrapping_add(index), *acc).min(hi).max(lo) as i32;
    }
}
