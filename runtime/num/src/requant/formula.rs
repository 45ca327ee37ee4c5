//! The formulas of the forms on single accumulators, in wrapping arithmetic.

/// `(multiplier * acc + offset) >> shift` in wrapping 32-bit arithmetic.
pub const fn multiply32(acc: i32, multiplier: i32, offset: i32, shift: u8) -> i32 {
    multiplier.wrapping_mul(acc).wrapping_add(offset) >> (shift & 31)
}

/// `(multiplier * acc + offset) >> shift` in wrapping 64-bit arithmetic.
pub const fn multiply64(acc: i32, multiplier: i32, offset: i64, shift: u8) -> i64 {
    (multiplier as i64).wrapping_mul(acc as i64).wrapping_add(offset) >> (shift & 63)
}

/// `addend` and the high 32 bits of `multiplier * acc + 2^31`, in wrapping 32-bit arithmetic: one instruction of many processors.
pub const fn multiply_high(acc: i32, [multiplier, addend]: [i32; 2]) -> i32 {
    let high = (multiplier as i64).wrapping_mul(acc as i64).wrapping_add(1 << 31).wrapping_shr(32) as i32;
    high.wrapping_add(addend)
}

/// `(multiplier * acc + offset) >> shift` in wrapping 128-bit arithmetic; `offset` is low word, high word.
pub const fn multiply128(acc: i64, multiplier: i64, offset: [i64; 2], shift: u8) -> i128 {
    (multiplier as i128).wrapping_mul(acc as i128).wrapping_add(join(offset)) >> (shift & 127)
}

/// The integer of a low and a high word.
pub(super) const fn join([low, high]: [i64; 2]) -> i128 {
    (high as i128) << 64 | (low as u64) as i128
}

/// `multiplier * acc / 2^shift` rounded half to even, with everything else inside `offset`.
///
/// The low bits of `y` are all ones exactly at a tie; adding the parity of the floor then carries.
pub const fn shift_half_even(acc: i32, multiplier: i32, offset: i32, shift: u8) -> i32 {
    let shift = shift & 31;
    let y = multiplier.wrapping_mul(acc).wrapping_add(offset);
    y.wrapping_add(y >> shift & 1) >> shift
}

/// The same in wrapping 64-bit arithmetic.
pub const fn shift_half_even64(acc: i64, multiplier: i64, offset: i64, shift: u8) -> i64 {
    let shift = shift & 63;
    let y = multiplier.wrapping_mul(acc).wrapping_add(offset);
    y.wrapping_add(y >> shift & 1) >> shift
}

/// How many of the ascending `thresholds` are not above `value`.
pub fn count_passed<T: PartialOrd>(thresholds: &[T], value: T) -> i32 {
    thresholds.partition_point(|threshold| *threshold <= value) as i32
}
