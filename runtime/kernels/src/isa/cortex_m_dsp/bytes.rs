//! Codes of 8 bits, four in a word.

use exactum_num::codes::{Code, Element};
use zerocopy::{IntoBytes, transmute};

use super::Instructions;
use crate::isa::{Spread, Taps, pairs, taps};

/// As [`Isa::spread`](crate::Isa::spread).
#[inline(always)]
pub(super) fn spread<I: Instructions, T: Code>(codes: &[T], zero_point: i32, at: Spread, to: &mut [i16]) {
    match T::ELEMENT {
        Element::U8 => I::spread_bytes(codes.as_bytes(), false, zero_point, at, to),
        Element::I8 => I::spread_bytes(codes.as_bytes(), true, zero_point, at, to),
        _ => wide(codes, zero_point, at, to),
    }
}

/// Codes of other types. Not inlined: layers of bytes do without.
#[inline(never)]
fn wide<T: Code>(codes: &[T], zero_point: i32, at: Spread, to: &mut [i16]) {
    pairs::spread(codes, zero_point, at, to);
}

/// Writes bytes, with a sign if `signed`, minus `zero_point`.
#[inline(always)]
pub(super) fn spread_bytes<I: Instructions + ?Sized>(
    bytes: &[u8],
    signed: bool,
    zero_point: i32,
    at: Spread,
    to: &mut [i16],
) {
    if signed {
        words(bytes, zero_point, at, to, |word| [I::sxtb16(word), I::sxtb16_ror8(word)], I::ssub16);
    } else {
        words(bytes, zero_point, at, to, |word| [I::uxtb16(word), I::uxtb16_ror8(word)], I::ssub16);
    }
}

#[inline(always)]
fn words(
    bytes: &[u8],
    zero_point: i32,
    at: Spread,
    to: &mut [i16],
    halves: impl Fn(u32) -> [u32; 2],
    subtract: impl Fn(u32, u32) -> u32,
) {
    let zero = u32::from(zero_point as u16).wrapping_mul(0x0001_0001);
    let (words, _) = bytes.as_chunks::<4>();
    let paired = |word: &[u8; 4]| -> [[i16; 2]; 2] {
        let [even, odd] = halves(u32::from_le_bytes(*word)).map(|halves| subtract(halves, zero));
        let pairs = [even & 0xffff | odd << 16, even >> 16 | odd & 0xffff_0000];
        pairs.map(|pair| transmute!(pair))
    };
    match at {
        Spread::Only => {
            for ([a, b, c, d], word) in to.as_chunks_mut::<4>().0.iter_mut().zip(words) {
                [[*a, *b], [*c, *d]] = paired(word);
            }
        }
        Spread::First => {
            for ([a, b, _, _, c, d, _, _], word) in to.as_chunks_mut::<8>().0.iter_mut().zip(words) {
                [[*a, *b], [*c, *d]] = paired(word);
            }
        }
        Spread::Second => {
            for ([_, _, a, b, _, _, c, d], word) in to.as_chunks_mut::<8>().0.iter_mut().zip(words) {
                [[*a, *b], [*c, *d]] = paired(word);
            }
        }
    }
}

/// As [`Isa::dot_taps`](crate::Isa::dot_taps).
#[inline(always)]
pub(super) fn dot_taps<I: Instructions, T: Code>(
    taps: &Taps,
    codes: &[T],
    zero_point: i32,
    weights: &[[i16; 4]],
    sums: [i32; 4],
) -> [i32; 4] {
    let fast = match T::ELEMENT {
        Element::U8 | Element::I8 if zero_point == 0 => {
            I::dot_byte_taps(taps, codes.as_bytes(), T::ELEMENT == Element::I8, weights, sums)
        }
        _ => None,
    };
    fast.unwrap_or_else(|| slow_taps(taps, codes, zero_point, weights, sums))
}

#[inline(never)]
fn slow_taps<T: Code>(
    taps: &Taps,
    codes: &[T],
    zero_point: i32,
    weights: &[[i16; 4]],
    sums: [i32; 4],
) -> [i32; 4] {
    taps::dot_taps(taps, codes, zero_point, weights, sums)
}
