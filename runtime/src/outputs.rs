//! Outputs of a run: their codes, and what these stand for.

use exactum_format::{PortNumbers, Program};
use exactum_num::Real;
use exactum_num::codes::Codes;

use crate::engine::Engine;

impl<K, P> Engine<'_, '_, K, P> {
    /// The codes of output `index` after a run; `None` if there is no such output in the arena.
    pub fn output(&self, index: usize) -> Option<Codes<'_>> {
        let tensor = self.program.tensor(self.program.output_tensor(index)?)?;
        if tensor.role.is_outside() {
            return None;
        }
        Codes::from_bytes(tensor.element, self.arena.get(tensor.place())?)
    }

    /// The real number that element `element` of output `index` stands for, exactly; `None` if there is no such element or
    /// the program does not say what it stands for.
    pub fn output_real(&self, index: usize, element: usize) -> Option<Real> {
        Answer { numbers: self.program.output_numbers(index), codes: self.output(index)? }.real(element)
    }

    /// Writes the positions of the largest elements of output `index` to `best`, the largest first and of equal ones the one
    /// that comes first; how many there are.
    ///
    /// Compares the real numbers that the integers stand for, exactly; the integers themselves where the program does not
    /// say what these are.
    pub fn largest(&self, index: usize, best: &mut [usize]) -> usize {
        let numbers = self.program.output_numbers(index);
        self.output(index).map_or(0, |codes| Answer { numbers, codes }.largest(best))
    }

    /// The position of the largest element of output `index`, as [`largest`](Self::largest) finds it.
    pub fn argmax(&self, index: usize) -> Option<usize> {
        let mut best = [0];
        (self.largest(index, &mut best) > 0).then_some(best[0])
    }
}

/// The codes of an output and what they stand for, wherever they lie.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    numbers: Option<PortNumbers<'a>>,
    codes: Codes<'a>,
}

impl<'a> Answer<'a> {
    /// `codes` as what output `index` of `program` has given, such as a buffer outside the arena.
    pub fn new(program: &Program<'a>, index: usize, codes: Codes<'a>) -> Self {
        Self { numbers: program.output_numbers(index), codes }
    }

    /// The real number that element `element` stands for, exactly; `None` if there is no such element or the program does not
    /// say what it stands for.
    pub fn real(&self, element: usize) -> Option<Real> {
        Some(self.numbers?.real(element, self.codes.get(element)?))
    }

    /// Writes the positions of the largest elements to `best`, as [`Engine::largest`] does; how many there are.
    pub fn largest(&self, best: &mut [usize]) -> usize {
        let Self { numbers, codes } = *self;
        let score = |element: usize, code: i32| {
            numbers.map_or(code.into(), |numbers| numbers.real(element, code).count)
        };
        let at = |element: usize| score(element, codes.get(element).unwrap_or_default());
        let mut found = 0usize;
        for (element, code) in codes.iter().enumerate() {
            let own = score(element, code);
            let known = best.get(..found).unwrap_or_default();
            let place = known.partition_point(|other| at(*other) >= own);
            // What is best so far moves by one, the last of it out if there is no room.
            found = found.saturating_add(1).min(best.len());
            let mut moved = element;
            for later in best.get_mut(place..found).unwrap_or_default() {
                moved = core::mem::replace(later, moved);
            }
        }
        found
    }

    /// The position of the largest element, as [`largest`](Self::largest) finds it.
    pub fn argmax(&self) -> Option<usize> {
        let mut best = [0];
        (self.largest(&mut best) > 0).then_some(best[0])
    }
}
