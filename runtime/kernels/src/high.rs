//! The tail of layers that keep the high word of one product: sums start with the offsets of the form, and a code takes a
//! multiplication, a shift and a saturation where processors have them.

use exactum_num::codes::Code;

pub use crate::high_form::HighForm;
use crate::isa::Isa;

/// Codes of all of the 8-bit type `T`, made by the form `multiply-high` of sums without a bias.
#[derive(Debug)]
pub struct High<'a, K, T> {
    /// The instructions that multiply.
    pub isa: K,
    /// Multiplier and addend, a pair for each channel.
    pub lines: &'a [[i32; 2]],
    /// One for each channel.
    pub offsets: &'a [i32],
    /// Of all channels.
    pub shift: u8,
    /// Where codes go.
    pub output: &'a mut [T],
}

impl<'a> HighForm<'a> {
    /// The tail that writes `output`.
    pub fn tail<K, T>(self, isa: K, output: &'a mut [T]) -> High<'a, K, T> {
        let Self { lines, offsets, shift } = self;
        High { isa, lines, offsets, shift, output }
    }
}

/// Runs `$body` with `$tail` bound to the tail of `$form`, of either type of 8 bits; else `$other`.
macro_rules! with_high {
    ($form:expr, $isa:expr, $output:expr, $tail:ident => $body:expr, $other:ident => $else:expr) => {
        match ($form, $output) {
            (Some(form), CodesMut::U8(output)) => {
                let $tail = form.tail($isa, output);
                $body
            }
            (Some(form), CodesMut::I8(output)) => {
                let $tail = form.tail($isa, output);
                $body
            }
            (_, $other) => $else,
        }
    };
}
pub(crate) use with_high;

impl<'a, K: Isa, T: Code> High<'a, K, T> {
    /// The form, and the codes of the position whose first code is `start` and those behind it.
    pub(crate) fn parts(&mut self, start: usize) -> (HighForm<'a>, &mut [T]) {
        let Self { lines, offsets, shift, .. } = *self;
        let form = HighForm { lines, offsets, shift };
        (form, self.output.get_mut(start..).unwrap_or_default())
    }

    /// What the sums of the four channels of block `quad` start with.
    #[inline(always)]
    pub(crate) fn starts(&self, quad: usize) -> [i32; 4] {
        match self.offsets.as_chunks::<4>().0.get(quad) {
            Some(offsets) => *offsets,
            None => last(self.offsets),
        }
    }

    /// Stores the codes of the sums of block `quad` of the position whose first code is `start`.
    #[inline(always)]
    pub(crate) fn store(&mut self, start: usize, quad: usize, sums: [i32; 4]) {
        let first = quad.wrapping_mul(4);
        let place = start.wrapping_add(first);
        let Some(lines) = self.lines.as_chunks::<4>().0.get(quad) else {
            self.store_last(start, sums);
            return;
        };
        let codes = self.codes(sums, *lines);
        if let Some(to) = self.output.get_mut(place..).and_then(<[T]>::first_chunk_mut::<4>) {
            *to = codes;
        }
    }

    #[inline(always)]
    fn codes(&self, sums: [i32; 4], lines: [[i32; 2]; 4]) -> [T; 4] {
        let [a, b, c, d] = sums;
        let [p, q, r, s] = lines;
        let mut high = [(a, p), (b, q), (c, r), (d, s)].map(|(sum, line)| self.isa.multiply_high(sum, line));
        if self.shift != 0 {
            let shift = u32::from(self.shift);
            high = high.map(|high| high.wrapping_shr(shift));
        }
        high.map(|high| T::truncate(self.isa.saturate::<T>(high)))
    }

    /// The same of the channels behind the last whole block.
    #[inline(never)]
    fn store_last(&mut self, start: usize, sums: [i32; 4]) {
        let codes = self.codes(sums, last(self.lines));
        let whole = self.lines.len() & !3;
        let place = start.wrapping_add(whole)..start.wrapping_add(self.lines.len());
        if let Some(to) = self.output.get_mut(place) {
            to.iter_mut().zip(codes).for_each(|(to, code)| *to = code);
        }
    }
}

/// What lies behind the last whole four.
#[inline(never)]
fn last<T: Copy + Default>(values: &[T]) -> [T; 4] {
    let mut all = [T::default(); 4];
    all.iter_mut().zip(values.as_chunks::<4>().1).for_each(|(to, value)| *to = *value);
    all
}
