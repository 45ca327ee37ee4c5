//! Armv6-M (Cortex-M0, Cortex-M0+): eight registers that all instructions reach, a product of 32 bits, and no longer one.

mod instructions;

use exactum_num::codes::{Code, Element};
use zerocopy::IntoBytes;

use super::{Isa, TapRun, Taps, portable};
use crate::high_form::HighForm;
use instructions::Bytes;

/// Instructions of Armv6-M.
#[derive(Clone, Copy, Debug, Default)]
pub struct CortexM0;

impl Isa for CortexM0 {
    #[inline(always)]
    fn dot_quads(self, codes: &[[i16; 4]], rows: &[[u8; 16]], starts: [i32; 4]) -> [i32; 4] {
        instructions::dot_quads(codes, rows, starts)
    }

    #[inline(always)]
    fn codes_of_quads<T: Code>(
        self,
        codes: &[[i16; 4]],
        rows: &[[u8; 16]],
        about: [i32; 2],
        form: &HighForm<'_>,
        output: &mut [T],
    ) -> usize {
        let bytes = Bytes { signed: T::ELEMENT == Element::I8, shift: form.shift.into() };
        instructions::codes_of_quads(codes, rows, about, form, bytes, output.as_mut_bytes())
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
        let signed = match C::ELEMENT {
            Element::U8 => false,
            Element::I8 => true,
            _ => return 0,
        };
        let bytes = Bytes { signed: T::ELEMENT == Element::I8, shift: form.shift.into() };
        let (codes, output) = (codes.as_bytes(), output.as_mut_bytes());
        instructions::codes_of_taps(taps, run, codes, signed, zero_point, weights, form, bytes, output)
    }

    #[inline(always)]
    fn multiply_high(self, acc: i32, [multiplier, addend]: [i32; 2]) -> i32 {
        portable::high_of_halves(acc, multiplier).wrapping_add(addend)
    }
}
