//! Armv7E-M (Cortex-M4, Cortex-M7): the DSP extension multiplies two pairs of 16-bit integers and adds both products with
//! one instruction.
//!
//! The kernels are written over [`Instructions`], so that hosts compare them with their portable twins.

#[cfg(isa = "cortex_m_dsp")]
mod instructions;

mod bytes;

#[cfg(isa = "cortex_m_dsp")]
use exactum_num::codes::{Code, Element};
#[cfg(isa = "cortex_m_dsp")]
use zerocopy::IntoBytes;
use zerocopy::transmute;

#[cfg(isa = "cortex_m_dsp")]
use crate::byte_sum::ByteSum;
#[cfg(isa = "cortex_m_dsp")]
use crate::high_form::HighForm;

#[cfg(isa = "cortex_m_dsp")]
use super::{Isa, Pixels, Rows, TapRun, TileCodes, TileProducts, Tiles, tiles};
use super::{Spread, Taps, pairs};

/// Instructions of Armv7E-M.
#[cfg(isa = "cortex_m_dsp")]
#[derive(Clone, Copy, Debug, Default)]
pub struct CortexMDsp;

#[cfg(isa = "cortex_m_dsp")]
impl Isa for CortexMDsp {
    #[inline(always)]
    fn dot_rows(self, codes: &[i16], weights: &[i8], filter_elems: usize, accs: &mut [i32]) {
        dot_rows::<instructions::Dsp>(codes, weights, filter_elems, accs);
    }

    #[inline(always)]
    fn spread<T: Code>(self, codes: &[T], zero_point: i32, at: Spread, to: &mut [i16]) {
        bytes::spread::<instructions::Dsp, T>(codes, zero_point, at, to);
    }

    #[inline(always)]
    fn spread_two<T: Code>(self, codes: &[T], rows: &Rows, to: &mut [i16]) -> bool {
        let done = match T::ELEMENT {
            Element::U8 => instructions::spread_two(codes.as_bytes(), false, rows, to),
            Element::I8 => instructions::spread_two(codes.as_bytes(), true, rows, to),
            _ => false,
        };
        done || pairs::spread_two(codes, rows, to)
    }

    #[inline(always)]
    fn dot_two(
        self,
        codes: &[[i16; 4]],
        weights: &[[i16; 8]],
        last: bool,
        starts: [i32; 4],
    ) -> [[i32; 4]; 2] {
        instructions::Dsp::dot_two(codes, weights, last, starts)
    }

    #[inline(always)]
    fn dot_one(self, codes: &[[i16; 4]], weights: &[[i16; 8]], starts: [[i32; 4]; 2]) -> [[i32; 4]; 2] {
        instructions::Dsp::dot_one(codes, weights, starts)
    }

    #[inline(always)]
    fn dot_taps<T: Code>(
        self,
        taps: &Taps,
        codes: &[T],
        zero_point: i32,
        weights: &[[i16; 4]],
        sums: [i32; 4],
    ) -> [i32; 4] {
        bytes::dot_taps::<instructions::Dsp, T>(taps, codes, zero_point, weights, sums)
    }

    #[inline(always)]
    fn codes_of_two<T: Code>(
        self,
        codes: &[[i16; 4]],
        weights: &[[i16; 8]],
        form: &HighForm<'_>,
        [first, second]: [&mut [T]; 2],
    ) -> usize {
        let outputs = [first.as_mut_bytes(), second.as_mut_bytes()];
        instructions::codes_of_two(codes, weights, form, T::ELEMENT, outputs)
    }

    #[inline(always)]
    fn codes_of_one<T: Code>(
        self,
        codes: &[[i16; 4]],
        weights: &[[i16; 8]],
        form: &HighForm<'_>,
        output: &mut [T],
    ) -> usize {
        instructions::codes_of_one(codes, weights, form, T::ELEMENT, output.as_mut_bytes())
    }

    #[inline(always)]
    fn codes_of_taps<C: Code, T: Code>(
        self,
        taps: &Taps,
        run: &TapRun,
        codes: &[C],
        zero_point: i32,
        weights: &[[i16; 4]],
        form: &HighForm<'_>,
        output: &mut [T],
    ) -> usize {
        if zero_point != 0 {
            return 0;
        }
        let elements = [C::ELEMENT, T::ELEMENT];
        instructions::codes_of_taps(
            taps,
            run,
            codes.as_bytes(),
            weights,
            form,
            elements,
            output.as_mut_bytes(),
        )
    }

    #[inline(always)]
    fn sums_of_bytes<T: Code>(self, sum: &ByteSum, operands: [Option<&[u8]>; 2], output: &mut [u8]) -> usize {
        instructions::sums_of_bytes(sum, T::ELEMENT, operands, output)
    }

    #[inline(always)]
    fn gather_tiles<T: Code>(self, codes: &[T], zero_point: i32, pixels: &Pixels, to: &mut [TileCodes]) {
        let is_byte = matches!(T::ELEMENT, Element::U8 | Element::I8);
        let signed = T::ELEMENT == Element::I8;
        if !is_byte || !instructions::gather_tiles(codes.as_bytes(), signed, zero_point, pixels, to) {
            tiles::gather(codes, zero_point, pixels, to);
        }
    }

    #[inline(always)]
    fn transform_tiles(self, codes: &[TileCodes], to: &mut [Tiles]) {
        tiles::transform::<Halves<instructions::Dsp>>(codes, to);
    }

    #[inline(always)]
    fn tile_products(self, weights: &[[i16; 8]], codes: &[Tiles], products: &mut TileProducts) {
        if !instructions::tile_products(weights, codes, products) {
            tiles::products::<Halves<instructions::Dsp>>(weights, codes, products);
        }
    }

    #[inline(always)]
    fn codes_of_tiles<T: Code>(
        self,
        products: &TileProducts,
        parameters: (&[i32; 4], &[[i32; 2]; 4]),
        shift: u8,
        apart: [usize; 2],
        output: &mut [T],
    ) -> bool {
        let output = output.as_mut_bytes();
        instructions::codes_of_tiles(products, parameters, shift, apart, T::ELEMENT, output)
    }

    #[inline(always)]
    fn multiply_high(self, acc: i32, [multiplier, addend]: [i32; 2]) -> i32 {
        instructions::Dsp::smmlar(acc, multiplier, addend)
    }

    #[inline(always)]
    fn saturate<T: Code>(self, value: i32) -> i32 {
        match T::ELEMENT {
            Element::U8 => instructions::Dsp::usat8(value),
            _ => instructions::Dsp::ssat8(value),
        }
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

    /// Bytes 0 and 2.
    fn uxtb16(bytes: u32) -> u32;

    /// Bytes 1 and 3.
    fn uxtb16_ror8(bytes: u32) -> u32;

    /// The differences of halves, wrapping.
    fn ssub16(a: u32, b: u32) -> u32;

    /// The sums of halves, wrapping.
    fn sadd16(a: u32, b: u32) -> u32;

    /// `acc` and the high 32 bits of the product and half of their unit, wrapping.
    fn smmlar(a: i32, b: i32, acc: i32) -> i32;

    /// The nearest integer from 0 to 255.
    fn usat8(value: i32) -> i32;

    /// The nearest integer from -128 to 127.
    fn ssat8(value: i32) -> i32;

    /// Writes bytes, with a sign if `signed`, minus `zero_point`, to the pairs that `at` says.
    #[inline(always)]
    fn spread_bytes(bytes: &[u8], signed: bool, zero_point: i32, at: Spread, to: &mut [i16]) {
        bytes::spread_bytes::<Self>(bytes, signed, zero_point, at, to);
    }

    /// As [`Isa::dot_two`](super::Isa::dot_two).
    #[inline(always)]
    fn dot_two(codes: &[[i16; 4]], weights: &[[i16; 8]], last: bool, starts: [i32; 4]) -> [[i32; 4]; 2] {
        pairs::dot_two::<Halves<Self>>(codes, weights, last, starts)
    }

    /// As [`Isa::dot_one`](super::Isa::dot_one).
    #[inline(always)]
    fn dot_one(codes: &[[i16; 4]], weights: &[[i16; 8]], starts: [[i32; 4]; 2]) -> [[i32; 4]; 2] {
        pairs::dot_one::<Halves<Self>>(codes, weights, starts)
    }

    /// As [`Isa::dot_taps`](super::Isa::dot_taps), of bytes with a sign if `signed`, in two or three columns and with zero
    /// point 0; `None` where there are other taps.
    #[inline(always)]
    fn dot_byte_taps(_: &Taps, _: &[u8], _signed: bool, _: &[[i16; 4]], _: [i32; 4]) -> Option<[i32; 4]> {
        None
    }

    /// Adds to `accs[k]` the products of `codes` and the weights from `k * filter_elems` on; nothing where weights are
    /// missing.
    #[inline(always)]
    fn dot4(codes: &[Block], weights: &[i8], filter_elems: usize, mut accs: [i32; 4]) -> [i32; 4] {
        let mut rest = weights;
        for acc in &mut accs {
            let (row, _) = rest.as_chunks();
            for (codes, weights) in codes.iter().zip(row) {
                *acc = multiply_block::<Self>(pairs(*codes), *weights, *acc);
            }
            rest = rest.get(filter_elems..).unwrap_or_default();
        }
        accs
    }
}

/// The arithmetic of words by instructions.
struct Halves<I: ?Sized>(core::marker::PhantomData<I>);

impl<I: Instructions + ?Sized> pairs::Halves for Halves<I> {
    #[inline(always)]
    fn multiply_add(a: [i16; 2], b: [i16; 2], acc: i32) -> i32 {
        I::smlad(transmute!(a), transmute!(b), acc)
    }

    #[inline(always)]
    fn low_bytes(halves: [i16; 2]) -> [i16; 2] {
        transmute!(I::sxtb16(transmute!(halves)))
    }

    #[inline(always)]
    fn sum(a: [i16; 2], b: [i16; 2]) -> [i16; 2] {
        transmute!(I::sadd16(transmute!(a), transmute!(b)))
    }

    #[inline(always)]
    fn difference(a: [i16; 2], b: [i16; 2]) -> [i16; 2] {
        transmute!(I::ssub16(transmute!(a), transmute!(b)))
    }
}

/// Codes that are multiplied at once: two pairs.
type Block = [i16; 4];

/// Adds to `accs[o]` the products of `codes` and the weights from `o * filter_elems` on.
#[inline(always)]
fn dot_rows<I: Instructions>(codes: &[i16], weights: &[i8], filter_elems: usize, accs: &mut [i32]) {
    let (blocks, last_codes) = codes.as_chunks();
    let in_blocks = codes.len().wrapping_sub(last_codes.len());
    let mut rest = weights;
    // Four filters at a time, so that codes are loaded and paired once for four.
    let (quads, singles) = accs.as_chunks_mut::<4>();
    for accs in quads {
        *accs = I::dot4(blocks, rest, filter_elems, *accs);
        for acc in accs {
            // What is left of a filter is short.
            *acc = dot_last(last_codes, rest, in_blocks, *acc);
            rest = rest.get(filter_elems..).unwrap_or_default();
        }
    }
    for acc in singles {
        let (row, _) = rest.as_chunks();
        for (codes, weights) in blocks.iter().zip(row) {
            *acc = multiply_block::<I>(pairs(*codes), *weights, *acc);
        }
        *acc = dot_last(last_codes, rest, in_blocks, *acc);
        rest = rest.get(filter_elems..).unwrap_or_default();
    }
}

/// `acc` plus the products of `codes` and the weights from `start` on.
#[inline(always)]
fn dot_last(codes: &[i16], weights: &[i8], start: usize, acc: i32) -> i32 {
    codes
        .iter()
        .zip(weights.get(start..).unwrap_or_default())
        .fold(acc, |acc, (code, weight)| acc.wrapping_add(i32::from(*code).wrapping_mul(i32::from(*weight))))
}

/// Codes 0 and 2, and 1 and 3: paired as the bytes of weights come apart.
#[inline(always)]
fn pairs(codes: Block) -> [u32; 2] {
    let [low, high]: [u32; 2] = transmute!(codes);
    [low & 0xffff | high << 16, low >> 16 | high & 0xffff_0000]
}

/// `acc` plus the products of paired codes and weights.
#[inline(always)]
fn multiply_block<I: Instructions + ?Sized>([even, odd]: [u32; 2], weights: [i8; 4], acc: i32) -> i32 {
    let weights: u32 = transmute!(weights);
    let acc = I::smlad(even, I::sxtb16(weights), acc);
    I::smlad(odd, I::sxtb16_ror8(weights), acc)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::super::{portable, taps, tiles};
    use super::*;
    use exactum_num::requant::multiply_high;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    /// Weights that pairs hold, the ends more often than others.
    fn weight() -> impl Strategy<Value = i8> {
        prop_oneof![2 => -127i8..=127, 1 => Just(127), 1 => Just(-127)]
    }

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

        fn uxtb16(bytes: u32) -> u32 {
            bytes & 0x00ff_00ff
        }

        fn uxtb16_ror8(bytes: u32) -> u32 {
            bytes >> 8 & 0x00ff_00ff
        }

        fn ssub16(a: u32, b: u32) -> u32 {
            let half = |shift: u32| u32::from(((a >> shift) as u16).wrapping_sub((b >> shift) as u16));
            half(0) | half(16) << 16
        }

        fn sadd16(a: u32, b: u32) -> u32 {
            let half = |shift: u32| u32::from(((a >> shift) as u16).wrapping_add((b >> shift) as u16));
            half(0) | half(16) << 16
        }

        fn smmlar(a: i32, b: i32, acc: i32) -> i32 {
            let words = (i128::from(acc) << 32) + i128::from(a) * i128::from(b) + (1 << 31);
            (words >> 32) as i32
        }

        fn usat8(value: i32) -> i32 {
            value.clamp(0, 255)
        }

        fn ssat8(value: i32) -> i32 {
            value.clamp(-128, 127)
        }
    }

    proptest! {
        /// Whatever words hold.
        #[test]
        fn dots_of_pairs_are_their_portable_twins(
            codes in prop::collection::vec(any::<[i16; 4]>(), 0..9), weights in prop::collection::vec(any::<[i16; 8]>(), 0..9),
            last in any::<bool>(), starts in any::<[[i32; 4]; 2]>(),
        ) {
            prop_assert_eq!(
                Model::dot_two(&codes, &weights, last, starts[0]),
                pairs::dot_two::<pairs::Words>(&codes, &weights, last, starts[0])
            );
            prop_assert_eq!(
                Model::dot_one(&codes, &weights, starts),
                pairs::dot_one::<pairs::Words>(&codes, &weights, starts)
            );
        }

        /// Where the instructions have no way of their own for the taps.
        #[test]
        fn other_taps_are_their_portable_twins(
            codes in prop::collection::vec(any::<u8>(), 0..60), weights in prop::collection::vec(any::<[i16; 4]>(), 0..9),
            size in any::<[u8; 2]>(), zero_point in 0i32..256, starts in any::<[i32; 4]>(),
        ) {
            let taps = Taps { size: size.map(|taps| usize::from(taps % 4)), codes: [12, 4], row_weights: 3 };
            prop_assert_eq!(
                bytes::dot_taps::<Model, u8>(&taps, &codes, zero_point, &weights, starts),
                taps::dot_taps(&taps, &codes, zero_point, &weights, starts)
            );
        }

        /// Whatever words hold.
        #[test]
        fn tiles_are_their_portable_twins(
            codes in prop::collection::vec(prop::array::uniform24(any::<[i16; 4]>()), 0..4),
            weights in prop::collection::vec(any::<[i16; 8]>(), 0..100),
        ) {
            let mut transformed = [vec![[[0; 8]; 16]; codes.len()], vec![[[0; 8]; 16]; codes.len()]];
            tiles::transform::<Halves<Model>>(&codes, &mut transformed[0]);
            tiles::transform::<pairs::Words>(&codes, &mut transformed[1]);
            prop_assert_eq!(&transformed[0], &transformed[1]);
            let mut products = [[[0; 8]; 16], [[1; 8]; 16]];
            tiles::products::<Halves<Model>>(&weights, &transformed[0], &mut products[0]);
            tiles::products::<pairs::Words>(&weights, &transformed[0], &mut products[1]);
            prop_assert_eq!(products[0], products[1]);
        }

        /// Weights and codes at the ends of their types, against products of single weights.
        #[test]
        fn pairs_are_products_of_single_weights(
            codes in prop::collection::vec(
                prop::array::uniform4(prop_oneof![-255i16..=255, Just(-255), Just(255)]), 0..9,
            ),
            weights in prop::collection::vec(prop::array::uniform16(weight()), 9),
            starts in prop::array::uniform2(prop::array::uniform4(-100_000i32..100_000)), last in any::<bool>(),
        ) {
            // Of each pair of elements: weights of eight filters, first those of the first element.
            let packed: Vec<[i16; 8]> = weights.iter().map(|weights| core::array::from_fn(|place| {
                let (pair, half) = (place / 2, place % 2);
                let [even, odd] = [0, 1].map(|filter| i16::from(weights[half * 8 + pair * 2 + filter]));
                even + 256 * odd
            })).collect();
            let sum = |filter: usize, start: i32, code: &dyn Fn(usize) -> i16, count: usize| {
                (0..count).fold(start, |sum, index| {
                    sum + i32::from(code(index)) * i32::from(weights[index / 2][index % 2 * 8 + filter])
                })
            };
            let two = pairs::dot_two::<Halves<Model>>(&codes, &packed, last, starts[0]);
            for position in 0..2 {
                let code = |index: usize| codes[index / 2][position * 2 + index % 2];
                for filter in 0..4 {
                    let own = filter + if last { 4 } else { 0 };
                    let expected = sum(own, starts[0][filter], &code, codes.len() * 2);
                    prop_assert_eq!(two[position][filter], expected);
                }
            }
            prop_assert_eq!(two, pairs::dot_two::<pairs::Words>(&codes, &packed, last, starts[0]));
            let codes = codes.get(..4.min(codes.len())).unwrap();
            let one = pairs::dot_one::<Halves<Model>>(codes, &packed, starts);
            let code = |index: usize| codes[index / 4][index % 4];
            for filter in 0..8 {
                let expected = sum(filter, starts[filter / 4][filter % 4], &code, codes.len() * 4);
                prop_assert_eq!(one[filter / 4][filter % 4], expected);
            }
            prop_assert_eq!(one, pairs::dot_one::<pairs::Words>(codes, &packed, starts));
        }

        /// Codes of both types, any zero point, places that are too few.
        #[test]
        fn codes_are_spread_as_the_portable_twin_spreads_them(
            codes in prop::collection::vec(any::<u8>(), 0..30), zero_point in -128i32..256,
            at in prop::sample::select(vec![Spread::Only, Spread::First, Spread::Second]), places in 0usize..70,
        ) {
            let signed: Vec<i8> = codes.iter().map(|code| *code as i8).collect();
            let (mut found, mut expected) = (vec![9i16; places], vec![9i16; places]);
            bytes::spread::<Model, u8>(&codes, zero_point, at, &mut found);
            pairs::spread(&codes, zero_point, at, &mut expected);
            prop_assert_eq!(&found, &expected);
            bytes::spread::<Model, i8>(&signed, zero_point, at, &mut found);
            pairs::spread(&signed, zero_point, at, &mut expected);
            prop_assert_eq!(&found, &expected);
        }

        #[test]
        fn codes_are_made_as_the_portable_twin_makes_them(
            acc in any::<i32>(), multiplier in any::<i32>(), addend in any::<i32>(),
        ) {
            let high = multiply_high(acc, [multiplier, addend]);
            prop_assert_eq!(Model::smmlar(acc, multiplier, addend), high);
            prop_assert_eq!(Model::usat8(high), portable::saturate::<u8>(high));
            prop_assert_eq!(Model::ssat8(high), portable::saturate::<i8>(high));
        }

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
