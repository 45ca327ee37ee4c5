//! Armv7E-M (Cortex-M4, Cortex-M7): the DSP extension multiplies two pairs of 16-bit integers and adds both products with
//! one instruction.
//!
//! The kernels are written over [`Instructions`], so that hosts compare them with their portable twins.

#[cfg(isa = "cortex_m_dsp")]
mod instructions;

use core::fmt::Debug;

use zerocopy::transmute;

use super::{Isa, portable};

/// Instructions of Armv7E-M.
#[cfg(isa = "cortex_m_dsp")]
#[derive(Clone, Copy, Debug, Default)]
pub struct CortexMDsp;

#[cfg(isa = "cortex_m_dsp")]
impl Isa for CortexMDsp {
    #[inline(always)]
    fn dot_rows(codes: &[i16], weights: &[i8], filter_elems: usize, accs: &mut [i32]) {
        dot_rows::<instructions::Dsp>(codes, weights, filter_elems, accs);
    }
}

/// The instructions that kernels use, on words of two 16-bit or four 8-bit integers, the lowest first.
trait Instructions {
    /// `acc` plus both products of a half of `a` and the same half of `b`, wrapping.
    fn smlad(a: u32, b: u32, acc: i32) -> i32;

    /// Bytes 0 and 2, sign-extended.
    fn sxtb16(bytes: u32) -> u32;

    /// Bytes 1 and 3, sign-extended.
    fn sxtb16_ror8(bytes: u32) -> u32;
}

/// Codes that are multiplied at once: two pairs. More would not fit the registers beside four filters.
const BLOCK: usize = 4;

/// Adds to `accs[o]` the products of `codes` and the weights from `o * filter_elems` on.
#[inline(always)]
fn dot_rows<I: Instructions>(codes: &[i16], weights: &[i8], filter_elems: usize, accs: &mut [i32]) {
    let mut rest = weights;
    // Rows of known length, so that no loop looks for the shortest.
    let mut next_row = || {
        let row = rest.get(..codes.len());
        rest = rest.get(filter_elems..).unwrap_or_default();
        row
    };
    // Four filters at a time, so that codes are loaded and paired once for four.
    let (quads, singles) = accs.as_chunks_mut::<4>();
    for accs in quads {
        let [Some(a), Some(b), Some(c), Some(d)] = [next_row(), next_row(), next_row(), next_row()] else {
            return;
        };
        *accs = dot4::<I>(codes, [a, b, c, d], *accs);
    }
    for acc in singles {
        let Some(row) = next_row() else { return };
        *acc = dot::<I>(codes, row, *acc);
    }
}

#[inline(always)]
fn dot4<I: Instructions>(codes: &[i16], rows: [&[i8]; 4], accs: [i32; 4]) -> [i32; 4] {
    let (blocks, last_codes) = codes.as_chunks::<BLOCK>();
    let [(a, last_a), (b, last_b), (c, last_c), (d, last_d)] = rows.map(<[i8]>::as_chunks::<BLOCK>);
    let [mut sum_a, mut sum_b, mut sum_c, mut sum_d] = accs;
    for ((((codes, a), b), c), d) in blocks.iter().zip(a).zip(b).zip(c).zip(d) {
        let pairs = pairs(*codes);
        sum_a = multiply_block::<I>(pairs, *a, sum_a);
        sum_b = multiply_block::<I>(pairs, *b, sum_b);
        sum_c = multiply_block::<I>(pairs, *c, sum_c);
        sum_d = multiply_block::<I>(pairs, *d, sum_d);
    }
    portable::dot4(last_codes, [last_a, last_b, last_c, last_d], [sum_a, sum_b, sum_c, sum_d])
}

#[inline(always)]
fn dot<I: Instructions>(codes: &[i16], row: &[i8], mut acc: i32) -> i32 {
    let ((blocks, last_codes), (weights, last_weights)) =
        (codes.as_chunks::<BLOCK>(), row.as_chunks::<BLOCK>());
    for (codes, weights) in blocks.iter().zip(weights) {
        acc = multiply_block::<I>(pairs(*codes), *weights, acc);
    }
    portable::dot(last_codes, last_weights, acc)
}

/// Codes 0 and 2, and 1 and 3: paired as the bytes of weights come apart.
#[inline(always)]
fn pairs(codes: [i16; BLOCK]) -> [u32; 2] {
    let [low, high]: [u32; 2] = transmute!(codes);
    [low & 0xffff | high << 16, low >> 16 | high & 0xffff_0000]
}

/// `acc` plus the products of paired codes and weights.
#[inline(always)]
fn multiply_block<I: Instructions>([even, odd]: [u32; 2], weights: [i8; BLOCK], acc: i32) -> i32 {
    let weights: u32 = transmute!(weights);
    let acc = I::smlad(even, I::sxtb16(weights), acc);
    I::smlad(odd, I::sxtb16_ror8(weights), acc)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use proptest::prelude::*;
    use std::vec;

    /// The instructions as Arm's architecture manual defines them.
    struct Model;

    fn byte(bytes: u32, index: u32) -> u32 {
        let byte = (bytes >> (8 * index)) as u8 as i8;
        u32::from(i16::from(byte) as u16)
    }

    impl Instructions for Model {
        fn smlad(a: u32, b: u32, acc: i32) -> i32 {
            let half = |word: u32, shift: u32| i32::from((word >> shift) as u16 as i16);
            let products = [0, 16].map(|shift| half(a, shift) * half(b, shift));
            acc.wrapping_add(products[0]).wrapping_add(products[1])
        }

        fn sxtb16(bytes: u32) -> u32 {
            byte(bytes, 0) | byte(bytes, 2) << 16
        }

        fn sxtb16_ror8(bytes: u32) -> u32 {
            byte(bytes, 1) | byte(bytes, 3) << 16
        }
    }

    proptest! {
        /// Blocks of any length, rows that are longer than the codes, and integers at the ends of their types.
        #[test]
        fn dot_rows_is_its_portable_twin(
            codes in prop::collection::vec(prop_oneof![any::<i16>(), Just(i16::MIN), Just(i16::MAX)], 0..40),
            weights in prop::collection::vec(prop_oneof![any::<i8>(), Just(i8::MIN), Just(i8::MAX)], 0..400),
            longer in 0usize..9, accs in prop::collection::vec(any::<i32>(), 0..11),
        ) {
            let filter_elems = codes.len() + longer;
            let (mut found, mut expected) = (accs.clone(), accs);
            let mut all = vec![3i8; filter_elems * found.len()];
            all.iter_mut().zip(&weights).for_each(|(to, weight)| *to = *weight);
            dot_rows::<Model>(&codes, &all, filter_elems, &mut found);
            portable::dot_rows(&codes, &all, filter_elems, &mut expected);
            prop_assert_eq!(found, expected);
        }
    }
}
