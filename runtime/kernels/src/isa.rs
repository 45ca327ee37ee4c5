//! Instruction sets: the primitives of the kernels, which a processor may do faster.
//!
//! Every primitive has a portable default, so an instruction set overrides what it has instructions for and whole layers
//! stay generic. All instruction sets compute the same integers: each function of one is compared with its portable twin
//! on random blocks.

#[cfg(isa = "cortex_m0")]
mod cortex_m0;
#[cfg(any(isa = "cortex_m_dsp", test))]
mod cortex_m_dsp;
mod pairs;
mod portable;
mod taps;
mod tiles;

#[cfg(isa = "cortex_m_dsp")]
pub use cortex_m_dsp::CortexMDsp;
#[cfg(isa = "cortex_m0")]
pub use cortex_m0::CortexM0;
pub use pairs::{Rows, Spread};
pub use portable::Portable;
pub(crate) use taps::dot_tap;
pub use taps::{TapRun, Taps};
pub use tiles::{Pixels, TileCodes, TileProducts, Tiles};

use exactum_num::Requant;
use exactum_num::codes::Code;
use exactum_num::requant::multiply_high;

use crate::byte_sum::ByteSum;
use crate::high_form::HighForm;

/// The instruction set that a program runs with unless another one is asked for: that of the target it is built for.
#[cfg(isa = "cortex_m_dsp")]
pub type Native = CortexMDsp;
/// The instruction set that a program runs with unless another one is asked for: that of the target it is built for.
#[cfg(isa = "cortex_m0")]
pub type Native = CortexM0;
/// The instruction set that a program runs with unless another one is asked for: that of the target it is built for.
#[cfg(not(any(isa = "cortex_m0", isa = "cortex_m_dsp")))]
pub type Native = Portable;

/// The primitives. A value stands for the fact that the processor has the instructions.
pub trait Isa: Copy + core::fmt::Debug + 'static {
    /// Row-major 8-bit weights: adds to `accs[o]` the products of `codes` and the weights from `o * filter_elems` on.
    fn dot_rows(self, codes: &[i16], weights: &[i8], filter_elems: usize, accs: &mut [i32]) {
        portable::dot_rows(codes, weights, filter_elems, accs);
    }

    /// 4-bit weights, two a byte: adds to `accs[o]` the products of `codes` and the weights from byte `o * row_bytes` on,
    /// from the high half of that byte on if `odd`.
    fn dot_nibbles(self, codes: &[i16], weights: &[u8], odd: bool, row_bytes: usize, accs: &mut [i32]) {
        portable::dot_nibbles(codes, weights, odd, row_bytes, accs);
    }

    /// Adds to each accumulator the product of its code minus `zero_point`, which fits 16 bits, and its weight.
    fn dot_each<T: Code>(self, codes: &[T], zero_point: i32, weights: &[i8], accs: &mut [i32]) {
        portable::dot_each(codes, zero_point, weights, accs);
    }

    /// Adds to each accumulator its code.
    fn sum_each<T: Code>(self, codes: &[T], accs: &mut [i32]) {
        portable::sum_each(codes, accs);
    }

    /// Raises each of `largest` to its code.
    fn max_each<T: Code>(self, codes: &[T], largest: &mut [T]) {
        portable::max_each(codes, largest);
    }

    /// Writes codes minus `zero_point`, which fit 16 bits.
    fn center<T: Code>(self, codes: &[T], zero_point: i32, to: &mut [i16]) {
        portable::center(codes, zero_point, to);
    }

    /// Writes codes as accumulators.
    fn widen<T: Code>(self, codes: &[T], accs: &mut [i32]) {
        portable::widen(codes, accs);
    }

    /// Writes the low bits of accumulators as codes.
    fn narrow<T: Code>(self, accs: &[i32], codes: &mut [T]) {
        portable::narrow(accs, codes);
    }

    /// Replaces the accumulators of the channels from `first` on by their codes.
    fn requantize(self, requant: &Requant<'_>, first: usize, accs: &mut [i32]) {
        portable::requantize(requant, first, accs);
    }

    /// Writes codes minus `zero_point`, which fit 16 bits, to the pairs that `at` says: whole fours of them.
    fn spread<T: Code>(self, codes: &[T], zero_point: i32, at: Spread, to: &mut [i16]) {
        pairs::spread(codes, zero_point, at, to);
    }

    /// Writes the codes of two positions, minus 0, to pairs, those of the first position first: of each of `rows` rows, which
    /// start at `rows.first` in `codes`, and zeros to a multiple of four. Whether all of them are there.
    fn spread_two<T: Code>(self, codes: &[T], rows: &Rows, to: &mut [i16]) -> bool {
        pairs::spread_two(codes, rows, to)
    }

    /// Products of the codes of two positions with four filters that are packed in pairs, the first or the last of each
    /// row of `weights`; sums start with `starts`.
    fn dot_two(
        self,
        codes: &[[i16; 4]],
        weights: &[[i16; 8]],
        last: bool,
        starts: [i32; 4],
    ) -> [[i32; 4]; 2] {
        pairs::dot_two::<pairs::Words>(codes, weights, last, starts)
    }

    /// Products of the codes of one position with eight filters that are packed in pairs.
    fn dot_one(self, codes: &[[i16; 4]], weights: &[[i16; 8]], starts: [[i32; 4]; 2]) -> [[i32; 4]; 2] {
        pairs::dot_one::<pairs::Words>(codes, weights, starts)
    }

    /// The sum of codes, and an integer that is negative if one of them is.
    fn sum_codes(self, codes: &[[i16; 4]]) -> [i32; 2] {
        portable::sum_codes(codes)
    }

    /// Products of the codes of one position with four filters that are packed together: `starts`, and for each four codes those
    /// with a row of elements, four of which are multiplied with each code.
    fn dot_quads(self, codes: &[[i16; 4]], rows: &[[u8; 16]], starts: [i32; 4]) -> [i32; 4] {
        portable::dot_quads(codes, rows, starts)
    }

    /// Adds to `sums` the products of the codes of four channels, of which `codes` starts with the first tap's, minus
    /// `zero_point`, with their weights, of which `weights` starts with the first tap's.
    fn dot_taps<T: Code>(
        self,
        taps: &Taps,
        codes: &[T],
        zero_point: i32,
        weights: &[[i16; 4]],
        sums: [i32; 4],
    ) -> [i32; 4] {
        taps::dot_taps(taps, codes, zero_point, weights, sums)
    }

    /// Codes of the products of `codes`, of two positions, with as many whole blocks of four filters as the instructions take,
    /// the first ones; how many these are.
    fn codes_of_two<T: Code>(
        self,
        _codes: &[[i16; 4]],
        _weights: &[[i16; 8]],
        _form: &HighForm<'_>,
        _outputs: [&mut [T]; 2],
    ) -> usize {
        0
    }

    /// The same of one position, and of whole blocks of eight filters.
    fn codes_of_one<T: Code>(
        self,
        _codes: &[[i16; 4]],
        _weights: &[[i16; 8]],
        _form: &HighForm<'_>,
        _output: &mut [T],
    ) -> usize {
        0
    }

    /// Codes of the products of `codes`, of one position, with as many whole blocks of four filters that are packed together as the
    /// instructions take, the first ones; how many these are. The first of `about` is what elements add to all sums, the second
    /// negative if a code is.
    fn codes_of_quads<T: Code>(
        self,
        _codes: &[[i16; 4]],
        _rows: &[[u8; 16]],
        _about: [i32; 2],
        _form: &HighForm<'_>,
        _output: &mut [T],
    ) -> usize {
        0
    }

    /// Codes of the products of taps at the positions of `run`, the first one's in `codes` and in `weights`, of as many whole
    /// blocks of four channels as the instructions take, the first ones; how many these are.
    #[allow(clippy::too_many_arguments, reason = "what a row of taps is made of")]
    fn codes_of_taps<C: Code, T: Code>(
        self,
        _taps: &Taps,
        _run: &TapRun,
        _codes: &[C],
        _zero_point: i32,
        _weights: &[[i16; 4]],
        _form: &HighForm<'_>,
        _output: &mut [T],
    ) -> usize {
        0
    }

    /// Codes of type `T` of as many `sum`s of bytes as the instructions take, the first ones; how many these are. An operand that is
    /// `None` lies at the output.
    fn sums_of_bytes<T: Code>(
        self,
        _sum: &ByteSum,
        _operands: [Option<&[u8]>; 2],
        _output: &mut [u8],
    ) -> usize {
        0
    }

    /// Writes codes minus `zero_point`, which fit 14 bits, of pixels; channels that fill the last four are zeros.
    fn gather_tiles<T: Code>(self, codes: &[T], zero_point: i32, pixels: &Pixels, to: &mut [TileCodes]) {
        tiles::gather(codes, zero_point, pixels, to);
    }

    /// Transforms the codes of windows of two tiles, of four channels after the other.
    fn transform_tiles(self, codes: &[TileCodes], to: &mut [Tiles]) {
        tiles::transform::<pairs::Words>(codes, to);
    }

    /// Products of transformed windows with four filters, of which `weights` has two rows for each place and each four channels.
    fn tile_products(self, weights: &[[i16; 8]], tiles: &[Tiles], products: &mut TileProducts) {
        tiles::products::<pairs::Words>(weights, tiles, products);
    }

    /// Codes of four filters at two tiles, of which all outputs are wanted, of their `products`: with their offsets and lines, to `output`,
    /// whose positions are as many codes apart as `apart` says first, and its rows as it says then. Whether the instructions do it.
    fn codes_of_tiles<T: Code>(
        self,
        _products: &TileProducts,
        _parameters: (&[i32; 4], &[[i32; 2]; 4]),
        _shift: u8,
        _apart: [usize; 2],
        _output: &mut [T],
    ) -> bool {
        false
    }

    /// The addend of `line` and the high 32 bits of `acc * multiplier + 2^31` with its multiplier, wrapping.
    fn multiply_high(self, acc: i32, line: [i32; 2]) -> i32 {
        multiply_high(acc, line)
    }

    /// `value`, or the nearest integer that the 8-bit type `T` holds.
    fn saturate<T: Code>(self, value: i32) -> i32 {
        portable::saturate::<T>(value)
    }

    /// Copies bytes.
    fn copy(self, from: &[u8], to: &mut [u8]) {
        portable::copy(from, to);
    }
}
