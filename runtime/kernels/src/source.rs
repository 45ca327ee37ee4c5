//! What layers read: codes of one element type, for which a loop of its own is built, or of any.
//!
//! The usual layers, with 8-bit weights and 32-bit sums, are built for each element type; the others once.

use exactum_num::codes::{Code, Codes};

use crate::high::HighForm;
use crate::isa::{Isa, Pixels, Rows, TapRun, Taps, TileCodes, dot_tap};
use crate::lane::Lane;
use crate::patch::Patch;
use crate::products::{Filters, Products};

/// Codes of an input.
#[allow(clippy::too_many_arguments, reason = "what a block of taps is made of")]
pub trait Source: Copy {
    /// `elems` codes from `start` on, if there are as many.
    fn run(self, start: usize, elems: usize) -> Option<Self>;

    /// The codes from `start` on; none past the end.
    fn starting_at(self, start: usize) -> Self;

    /// Appends the codes minus `zero_point` to `patch`.
    fn push<W: Products>(self, zero_point: i32, patch: &mut Patch<'_>, filters: &mut Filters<'_, W>);

    /// Adds to each accumulator the product of its code minus `zero_point` and its weight.
    fn multiply_each<W: Products>(self, zero_point: i32, weights: W, accs: &mut [W::Acc]);

    /// How many codes there are.
    fn elems(self) -> usize;

    /// Appends codes minus `zero_point` to `lane`: of so many rows, so many codes each, so many from one to the next, from this
    /// place on.
    fn spread_rows<K: Isa>(self, isa: K, zero_point: i32, rows: [usize; 4], lane: &mut Lane<'_>);

    /// As [`Isa::spread_two`], of these codes.
    fn spread_two<K: Isa>(self, isa: K, rows: &Rows, to: &mut [i16]) -> bool;

    /// As [`Isa::gather_tiles`], of these codes.
    fn gather_tiles<K: Isa>(self, isa: K, zero_point: i32, pixels: &Pixels, to: &mut [TileCodes]);

    /// As [`Isa::dot_taps`], of these codes.
    fn dot_taps<K: Isa>(
        self,
        isa: K,
        taps: &Taps,
        zero_point: i32,
        weights: &[[i16; 4]],
        sums: [i32; 4],
    ) -> [i32; 4];

    /// As [`Isa::codes_of_taps`], of these codes.
    fn codes_of_taps<K: Isa, O: Code>(
        self,
        isa: K,
        taps: &Taps,
        run: &TapRun,
        zero_point: i32,
        weights: &[[i16; 4]],
        form: &HighForm<'_>,
        output: &mut [O],
    ) -> usize;

    /// `sum` plus the products of the taps of the first code with weight `channel` of each four.
    fn dot_tap(self, taps: &Taps, zero_point: i32, weights: &[[i16; 4]], channel: usize, sum: i32) -> i32;
}

impl<T: Code> Source for &[T] {
    fn run(self, start: usize, elems: usize) -> Option<Self> {
        self.get(start..)?.get(..elems)
    }

    fn starting_at(self, start: usize) -> Self {
        self.get(start..).unwrap_or_default()
    }

    fn push<W: Products>(self, zero_point: i32, patch: &mut Patch<'_>, filters: &mut Filters<'_, W>) {
        patch.push(self, zero_point, filters);
    }

    fn multiply_each<W: Products>(self, zero_point: i32, weights: W, accs: &mut [W::Acc]) {
        weights.multiply_each(self, zero_point, accs);
    }

    fn elems(self) -> usize {
        self.len()
    }

    #[inline(never)]
    fn spread_rows<K: Isa>(
        self,
        isa: K,
        zero_point: i32,
        [rows, elems, apart, first]: [usize; 4],
        lane: &mut Lane<'_>,
    ) {
        let mut start = first;
        for _ in 0..rows {
            if let Some(codes) = self.get(start..start.wrapping_add(elems)) {
                lane.push(isa, codes, zero_point);
            }
            start = start.wrapping_add(apart);
        }
    }

    #[inline(always)]
    fn spread_two<K: Isa>(self, isa: K, rows: &Rows, to: &mut [i16]) -> bool {
        isa.spread_two(self, rows, to)
    }

    #[inline(always)]
    fn gather_tiles<K: Isa>(self, isa: K, zero_point: i32, pixels: &Pixels, to: &mut [TileCodes]) {
        isa.gather_tiles(self, zero_point, pixels, to);
    }

    #[inline(always)]
    fn dot_taps<K: Isa>(
        self,
        isa: K,
        taps: &Taps,
        zero_point: i32,
        weights: &[[i16; 4]],
        sums: [i32; 4],
    ) -> [i32; 4] {
        isa.dot_taps(taps, self, zero_point, weights, sums)
    }

    #[inline(always)]
    fn codes_of_taps<K: Isa, O: Code>(
        self,
        isa: K,
        taps: &Taps,
        run: &TapRun,
        zero_point: i32,
        weights: &[[i16; 4]],
        form: &HighForm<'_>,
        output: &mut [O],
    ) -> usize {
        isa.codes_of_taps(taps, run, self, zero_point, weights, form, output)
    }

    fn dot_tap(self, taps: &Taps, zero_point: i32, weights: &[[i16; 4]], channel: usize, sum: i32) -> i32 {
        dot_tap(taps, self, zero_point, weights, channel, sum)
    }
}

/// Codes of 32 bits are not loaded: minus zero point they must fit 16 bits.
impl Source for Codes<'_> {
    fn run(self, start: usize, elems: usize) -> Option<Self> {
        Some(match self {
            Self::I8(codes) => Self::I8(codes.run(start, elems)?),
            Self::U8(codes) => Self::U8(codes.run(start, elems)?),
            Self::I16(codes) => Self::I16(codes.run(start, elems)?),
            Self::I32(_) => return None,
        })
    }

    fn starting_at(self, start: usize) -> Self {
        match self {
            Self::I8(codes) => Self::I8(codes.starting_at(start)),
            Self::U8(codes) => Self::U8(codes.starting_at(start)),
            Self::I16(codes) => Self::I16(codes.starting_at(start)),
            Self::I32(_) => self,
        }
    }

    #[inline(never)]
    fn push<W: Products>(self, zero_point: i32, patch: &mut Patch<'_>, filters: &mut Filters<'_, W>) {
        match self {
            Self::I8(codes) => patch.push(codes, zero_point, filters),
            Self::U8(codes) => patch.push(codes, zero_point, filters),
            Self::I16(codes) => patch.push(codes, zero_point, filters),
            Self::I32(_) => {}
        }
    }

    #[inline(never)]
    fn multiply_each<W: Products>(self, zero_point: i32, weights: W, accs: &mut [W::Acc]) {
        match self {
            Self::I8(codes) => weights.multiply_each(codes, zero_point, accs),
            Self::U8(codes) => weights.multiply_each(codes, zero_point, accs),
            Self::I16(codes) => weights.multiply_each(codes, zero_point, accs),
            Self::I32(_) => {}
        }
    }

    fn elems(self) -> usize {
        self.len()
    }

    #[inline(never)]
    fn spread_rows<K: Isa>(self, isa: K, zero_point: i32, rows: [usize; 4], lane: &mut Lane<'_>) {
        match self {
            Self::I8(codes) => codes.spread_rows(isa, zero_point, rows, lane),
            Self::U8(codes) => codes.spread_rows(isa, zero_point, rows, lane),
            Self::I16(codes) => codes.spread_rows(isa, zero_point, rows, lane),
            Self::I32(_) => {}
        }
    }

    #[inline(never)]
    fn spread_two<K: Isa>(self, isa: K, rows: &Rows, to: &mut [i16]) -> bool {
        match self {
            Self::I8(codes) => codes.spread_two(isa, rows, to),
            Self::U8(codes) => codes.spread_two(isa, rows, to),
            Self::I16(codes) => codes.spread_two(isa, rows, to),
            Self::I32(_) => false,
        }
    }

    #[inline(never)]
    fn gather_tiles<K: Isa>(self, isa: K, zero_point: i32, pixels: &Pixels, to: &mut [TileCodes]) {
        match self {
            Self::I8(codes) => codes.gather_tiles(isa, zero_point, pixels, to),
            Self::U8(codes) => codes.gather_tiles(isa, zero_point, pixels, to),
            Self::I16(codes) => codes.gather_tiles(isa, zero_point, pixels, to),
            Self::I32(_) => {}
        }
    }

    #[inline(never)]
    fn dot_taps<K: Isa>(
        self,
        isa: K,
        taps: &Taps,
        zero_point: i32,
        weights: &[[i16; 4]],
        sums: [i32; 4],
    ) -> [i32; 4] {
        match self {
            Self::I8(codes) => codes.dot_taps(isa, taps, zero_point, weights, sums),
            Self::U8(codes) => codes.dot_taps(isa, taps, zero_point, weights, sums),
            Self::I16(codes) => codes.dot_taps(isa, taps, zero_point, weights, sums),
            Self::I32(_) => sums,
        }
    }

    fn codes_of_taps<K: Isa, O: Code>(
        self,
        isa: K,
        taps: &Taps,
        run: &TapRun,
        zero_point: i32,
        weights: &[[i16; 4]],
        form: &HighForm<'_>,
        output: &mut [O],
    ) -> usize {
        match self {
            Self::I8(codes) => codes.codes_of_taps(isa, taps, run, zero_point, weights, form, output),
            Self::U8(codes) => codes.codes_of_taps(isa, taps, run, zero_point, weights, form, output),
            Self::I16(_) | Self::I32(_) => 0,
        }
    }

    fn dot_tap(self, taps: &Taps, zero_point: i32, weights: &[[i16; 4]], channel: usize, sum: i32) -> i32 {
        match self {
            Self::I8(codes) => codes.dot_tap(taps, zero_point, weights, channel, sum),
            Self::U8(codes) => codes.dot_tap(taps, zero_point, weights, channel, sum),
            Self::I16(codes) => codes.dot_tap(taps, zero_point, weights, channel, sum),
            Self::I32(_) => sum,
        }
    }
}

/// Runs `$body` with `$slice` bound to the typed codes of at most 16 bits of `$codes`.
macro_rules! with_narrow {
    ($codes:expr, $slice:ident => $body:expr) => {
        match $codes {
            Codes::I8($slice) => $body,
            Codes::U8($slice) => $body,
            Codes::I16($slice) => $body,
            Codes::I32(_) => {}
        }
    };
}
pub(crate) use with_narrow;
