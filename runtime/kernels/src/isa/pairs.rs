//! Products with filters that are packed in pairs, written over words of two integers of 16 bits.
//!
//! An element of the weights is `even + 256 * odd`. The product of codes with it, `even sum + 256 * odd sum`, less the product
//! with the low byte alone, is 256 times the sum of the odd filter: its 24 bits are what the packing promises.

use exactum_num::codes::Code;

use super::portable::centered;

/// Arithmetic on words of two integers of 16 bits, the low half first.
pub(super) trait Halves {
    /// `acc` plus both products of a half of `a` and the same half of `b`, wrapping.
    fn multiply_add(a: [i16; 2], b: [i16; 2], acc: i32) -> i32;

    /// The low bytes of both halves, sign-extended.
    fn low_bytes(halves: [i16; 2]) -> [i16; 2];

    /// The sums of halves, wrapping.
    fn sum(a: [i16; 2], b: [i16; 2]) -> [i16; 2];

    /// The differences of halves, wrapping.
    fn difference(a: [i16; 2], b: [i16; 2]) -> [i16; 2];
}

/// Every processor's.
pub(super) struct Words;

impl Halves for Words {
    #[inline(always)]
    fn multiply_add(a: [i16; 2], b: [i16; 2], acc: i32) -> i32 {
        let product = |[a, b]: [i16; 2]| i32::from(a).wrapping_mul(b.into());
        acc.wrapping_add(product([a[0], b[0]])).wrapping_add(product([a[1], b[1]]))
    }

    #[inline(always)]
    fn low_bytes([low, high]: [i16; 2]) -> [i16; 2] {
        [low as i8 as i16, high as i8 as i16]
    }

    #[inline(always)]
    fn sum(a: [i16; 2], b: [i16; 2]) -> [i16; 2] {
        [a[0].wrapping_add(b[0]), a[1].wrapping_add(b[1])]
    }

    #[inline(always)]
    fn difference(a: [i16; 2], b: [i16; 2]) -> [i16; 2] {
        [a[0].wrapping_sub(b[0]), a[1].wrapping_sub(b[1])]
    }
}

/// Sums of a pair of filters, of which products are added: those of the even one, and those of the elements.
#[derive(Clone, Copy)]
struct Pair {
    even: i32,
    both: i32,
}

impl Pair {
    #[inline(always)]
    fn start(even: i32, odd: i32) -> Self {
        Self { even, both: odd.wrapping_shl(8).wrapping_add(even) }
    }

    #[inline(always)]
    fn add<H: Halves>(&mut self, codes: [i16; 2], weights: [i16; 2]) {
        self.both = H::multiply_add(codes, weights, self.both);
        self.even = H::multiply_add(codes, H::low_bytes(weights), self.even);
    }

    #[inline(always)]
    fn sums(self) -> [i32; 2] {
        [self.even, self.both.wrapping_sub(self.even) >> 8]
    }
}

/// Sums before the first product: of the even filters, and of the elements, as instructions keep them.
#[cfg_attr(
    not(isa = "cortex_m_dsp"),
    expect(dead_code, reason = "for instructions that keep sums in registers")
)]
#[inline(always)]
pub(super) fn started([a, b, c, d]: [i32; 4]) -> [i32; 4] {
    let [low, high] = [Pair::start(a, b), Pair::start(c, d)];
    [low.even, low.both, high.even, high.both]
}

/// The sums of four filters, of what instructions have kept.
#[cfg_attr(
    not(isa = "cortex_m_dsp"),
    expect(dead_code, reason = "for instructions that keep sums in registers")
)]
#[inline(always)]
pub(super) fn finished([a, ab, c, cd]: [i32; 4]) -> [i32; 4] {
    let ([a, b], [c, d]) = (Pair { even: a, both: ab }.sums(), Pair { even: c, both: cd }.sums());
    [a, b, c, d]
}

/// The pairs of a row of weights: `[even and odd of the first two], ...`, each of two weights.
#[inline(always)]
fn words([a, b, c, d, e, f, g, h]: [i16; 8]) -> [[i16; 2]; 4] {
    [[a, b], [c, d], [e, f], [g, h]]
}

#[inline(always)]
pub(super) fn dot_two<H: Halves>(
    codes: &[[i16; 4]],
    weights: &[[i16; 8]],
    last: bool,
    [a, b, c, d]: [i32; 4],
) -> [[i32; 4]; 2] {
    let start = [Pair::start(a, b), Pair::start(c, d)];
    let [mut first, mut second] = [start; 2];
    for (codes, row) in codes.iter().zip(weights) {
        let [w, x, y, z] = words(*row);
        let pairs = if last { [y, z] } else { [w, x] };
        let [a, b, c, d] = *codes;
        for (sums, codes) in [(&mut first, [a, b]), (&mut second, [c, d])] {
            for (pair, weights) in sums.iter_mut().zip(pairs) {
                pair.add::<H>(codes, weights);
            }
        }
    }
    [first, second].map(|[low, high]| {
        let ([a, b], [c, d]) = (low.sums(), high.sums());
        [a, b, c, d]
    })
}

#[inline(always)]
pub(super) fn dot_one<H: Halves>(
    codes: &[[i16; 4]],
    weights: &[[i16; 8]],
    [[a, b, c, d], [e, f, g, h]]: [[i32; 4]; 2],
) -> [[i32; 4]; 2] {
    let mut sums = [Pair::start(a, b), Pair::start(c, d), Pair::start(e, f), Pair::start(g, h)];
    let (rows, _) = weights.as_chunks::<2>();
    for ([a, b, c, d], rows) in codes.iter().zip(rows) {
        for (codes, row) in [[*a, *b], [*c, *d]].into_iter().zip(rows) {
            for (pair, weights) in sums.iter_mut().zip(words(*row)) {
                pair.add::<H>(codes, weights);
            }
        }
    }
    let [[a, b], [c, d], [e, f], [g, h]] = sums.map(Pair::sums);
    [[a, b, c, d], [e, f, g, h]]
}

/// Rows of codes of two positions.
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    /// The first code of both.
    pub first: [usize; 2],
    /// How many there are.
    pub rows: usize,
    /// Codes of one, and from one to the next.
    pub elems: [usize; 2],
}

/// To which pairs the codes of a position go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// One after the other.
    Only,
    /// To the first of each two.
    First,
    /// To the second of each two.
    Second,
}

impl Spread {
    /// Places that `codes` codes take, those between them included.
    pub(crate) const fn places(self, codes: usize) -> usize {
        match self {
            Self::Only => codes,
            Self::First | Self::Second => codes.wrapping_mul(2),
        }
    }

    /// The place of the first code.
    pub(crate) const fn first(self) -> usize {
        match self {
            Self::Only | Self::First => 0,
            Self::Second => 2,
        }
    }
}

/// Writes codes minus `zero_point`.
#[inline(always)]
pub(super) fn spread<T: Code>(codes: &[T], zero_point: i32, at: Spread, to: &mut [i16]) {
    let (fours, _) = codes.as_chunks::<4>();
    let center = |codes: &[T; 4]| codes.map(|code| centered(code, zero_point));
    match at {
        Spread::Only => {
            for (to, codes) in to.as_chunks_mut::<4>().0.iter_mut().zip(fours) {
                *to = center(codes);
            }
        }
        Spread::First => {
            for ([a, b, _, _, c, d, _, _], codes) in to.as_chunks_mut::<8>().0.iter_mut().zip(fours) {
                [*a, *b, *c, *d] = center(codes);
            }
        }
        Spread::Second => {
            for ([_, _, a, b, _, _, c, d], codes) in to.as_chunks_mut::<8>().0.iter_mut().zip(fours) {
                [*a, *b, *c, *d] = center(codes);
            }
        }
    }
}

/// Writes the codes of two positions, and zeros to a multiple of four; whether all of them are there. Rows may end within a pair.
#[inline(always)]
pub(super) fn spread_two<T: Code>(codes: &[T], rows: &Rows, to: &mut [i16]) -> bool {
    let Rows { first: [mut first, mut second], rows, elems: [elems, apart] } = *rows;
    let (mut pairs, mut kept): (_, Option<[i16; 2]>) = (to.as_chunks_mut::<4>().0.iter_mut(), None);
    let whole = rows.wrapping_mul(elems).wrapping_neg() & 3;
    let code = |code: &T| centered(*code, 0);
    for _ in 0..rows {
        let row = |first: usize| codes.get(first..first.wrapping_add(elems));
        let (Some(mut a), Some(mut b)) = (row(first), row(second)) else { return false };
        if let (Some([p, q]), Some((r, rest_a)), Some((s, rest_b))) = (kept, a.split_first(), b.split_first())
        {
            let Some(to) = pairs.next() else { return false };
            *to = [p, code(r), q, code(s)];
            (a, b, kept) = (rest_a, rest_b, None);
        }
        let ((whole_a, last_a), (whole_b, last_b)) = (a.as_chunks::<2>(), b.as_chunks::<2>());
        for ([p, q], [r, s]) in whole_a.iter().zip(whole_b) {
            let Some(to) = pairs.next() else { return false };
            *to = [code(p), code(q), code(r), code(s)];
        }
        if let ([p], [q]) = (last_a, last_b) {
            kept = Some([code(p), code(q)]);
        }
        (first, second) = (first.wrapping_add(apart), second.wrapping_add(apart));
    }
    if let Some([p, q]) = kept {
        let Some(to) = pairs.next() else { return false };
        *to = [p, 0, q, 0];
    }
    if whole >= 2 {
        let Some(to) = pairs.next() else { return false };
        *to = [0; 4];
    }
    true
}
