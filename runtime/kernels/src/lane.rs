//! Where the codes of a position are gathered for filters in pairs. Filled by sources of codes, read by `pairs`.

use exactum_num::codes::Code;

use crate::isa::{Isa, Spread};

/// Where the codes of a position go.
#[derive(Debug)]
pub struct Lane<'s> {
    codes: &'s mut [i16],
    at: Spread,
    filled: usize,
}

impl<'s> Lane<'s> {
    pub(crate) fn new(codes: &'s mut [i16], at: Spread) -> Self {
        Self { codes, at, filled: 0 }
    }

    /// The places from the next pair on.
    fn rest(&mut self) -> &mut [i16] {
        let place = self.at.places(self.filled & !1);
        self.codes.get_mut(place..).unwrap_or_default()
    }

    fn put(&mut self, code: i16) {
        let place = (self.filled & 1).wrapping_add(self.at.first());
        if let Some(to) = self.rest().get_mut(place) {
            *to = code;
        }
        self.filled = self.filled.wrapping_add(1);
    }

    /// Appends `codes - zero_point`.
    pub(crate) fn push<K: Isa, T: Code>(&mut self, isa: K, codes: &[T], zero_point: i32) {
        let centered = |code: &T| {
            let code: i32 = (*code).into();
            code.wrapping_sub(zero_point) as i16
        };
        let mut codes = codes;
        if self.filled & 1 == 1 {
            let Some((code, rest)) = codes.split_first() else { return };
            self.put(centered(code));
            codes = rest;
        }
        let (at, whole) = (self.at, codes.len() & !3);
        isa.spread(codes, zero_point, at, self.rest());
        self.filled = self.filled.wrapping_add(whole);
        for code in codes.get(whole..).unwrap_or_default() {
            self.put(centered(code));
        }
    }

    /// Appends `elems` zeros.
    pub(crate) fn push_zeros(&mut self, elems: usize) {
        // A few are sooner put one by one.
        if elems < 4 {
            (0..elems).for_each(|_| self.put(0));
            return;
        }
        let mut elems = elems;
        if self.filled & 1 == 1 {
            self.put(0);
            elems = elems.wrapping_sub(1);
        }
        let (at, pairs) = (self.at, elems >> 1);
        match at {
            Spread::Only => {
                self.rest().as_chunks_mut::<2>().0.iter_mut().take(pairs).for_each(|to| *to = [0; 2])
            }
            Spread::First | Spread::Second => {
                let places = self.rest().as_chunks_mut::<4>().0.iter_mut().take(pairs);
                places.for_each(|[a, b, c, d]| {
                    let [p, q] = if at == Spread::First { [a, b] } else { [c, d] };
                    (*p, *q) = (0, 0);
                });
            }
        }
        self.filled = self.filled.wrapping_add(pairs.wrapping_mul(2));
        if elems & 1 == 1 {
            self.put(0);
        }
    }

    /// Appends zeros to a multiple of four.
    pub(crate) fn fill_up(&mut self) {
        self.push_zeros(self.filled.wrapping_neg() & 3);
    }
}
