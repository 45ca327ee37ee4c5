//! What becomes of accumulators: the codes of an op, stored one block after the other.
//!
//! Kernels are written over [`Tail`]. An engine learns forms and element types from its program and has one tail for all
//! of them. Code that is written for one model knows them, and has no other form or type in it than its own; it may hand
//! `&mut dyn Tail` to kernels, so that one copy of a kernel serves all tails.

use exactum_num::codes::{Code, CodesMut};
use exactum_num::requant::forms::{Accumulator, Apply};
use exactum_num::{Requant, with_codes};

use crate::element::Write;
use crate::isa::Isa;
use crate::store::BLOCK_CHANNELS;

/// Takes the accumulators of an op, block by block.
pub trait Tail<A> {
    /// Stores the codes of `accs`, the first of which is of channel `first`, behind those stored before. What `accs` holds
    /// afterwards means nothing.
    fn store(&mut self, first: usize, accs: &mut [A]);
}

impl<A, T: Tail<A> + ?Sized> Tail<A> for &mut T {
    fn store(&mut self, first: usize, accs: &mut [A]) {
        (**self).store(first, accs);
    }
}

/// Makes codes of accumulators.
pub trait Finish<A, C> {
    /// Writes the codes of `accs`, the first of which is of channel `first`. What `accs` holds afterwards means nothing.
    fn finish(&self, first: usize, accs: &mut [A], codes: C);
}

impl<A, C, F: Finish<A, C> + ?Sized> Finish<A, C> for &F {
    fn finish(&self, first: usize, accs: &mut [A], codes: C) {
        (**self).finish(first, accs, codes);
    }
}

/// Codes that go to one place after the other.
#[derive(Debug)]
pub struct Stored<F, C> {
    /// Makes the codes.
    pub finish: F,
    /// Where the next ones go.
    pub output: C,
}

impl<A, C: Write, F: Finish<A, C>> Tail<A> for Stored<F, C> {
    #[inline]
    fn store(&mut self, first: usize, accs: &mut [A]) {
        let codes = self.output.take_front(accs.len());
        self.finish.finish(first, accs, codes);
    }
}

/// A form that a program says.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a, K> {
    /// The instructions that requantize.
    pub isa: K,
    /// `None` stores accumulators as `i32`, of 64 bits the low ones.
    pub requant: Option<&'a Requant<'a>>,
}

/// One loop per form and one per element type, rather than one for each pair of them.
impl<K: Isa> Finish<i32, CodesMut<'_>> for Said<'_, K> {
    #[inline(never)]
    fn finish(&self, first: usize, accs: &mut [i32], codes: CodesMut<'_>) {
        if let Some(requant) = self.requant {
            self.isa.requantize(requant, first, accs);
        }
        with_codes!(CodesMut, codes, codes => self.isa.narrow(accs, codes));
    }
}

impl<K: Isa> Finish<i64, CodesMut<'_>> for Said<'_, K> {
    #[inline(never)]
    fn finish(&self, first: usize, accs: &mut [i64], codes: CodesMut<'_>) {
        let mut narrow = [0; BLOCK_CHANNELS];
        for (index, (code, acc)) in narrow.iter_mut().zip(accs.iter()).enumerate() {
            *code = match self.requant {
                Some(requant) => requant.apply_wide(first.wrapping_add(index), *acc),
                None => *acc as i32,
            };
        }
        let narrow = narrow.get_mut(..accs.len()).unwrap_or_default();
        Said { isa: self.isa, requant: None }.finish(first, narrow, codes);
    }
}

/// A form that is known where code is built.
#[derive(Clone, Copy, Debug)]
pub struct Known<F> {
    /// The form and its parameters.
    pub form: F,
    /// The smallest and the largest code.
    pub codes: [i32; 2],
}

impl<F: Apply, A: Accumulator, T: Code> Finish<A, &mut [T]> for Known<F> {
    fn finish(&self, first: usize, accs: &mut [A], codes: &mut [T]) {
        for (index, (code, acc)) in codes.iter_mut().zip(accs).enumerate() {
            *code = T::truncate(self.form.apply(first.wrapping_add(index), *acc, self.codes));
        }
    }
}

/// No form: accumulators are stored.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

impl<A: Accumulator> Finish<A, &mut [i32]> for Plain {
    fn finish(&self, _: usize, accs: &mut [A], codes: &mut [i32]) {
        for (code, acc) in codes.iter_mut().zip(accs) {
            *code = acc.narrow();
        }
    }
}
