//! Weights of any packing and element type with sums of any width.
//!
//! Sums that fit 32 bits may have wrapped at 32 bits on the way; their low 32 bits are right.

use exactum_format::packing::nibble;
use exactum_format::{Bias, Packing, Weights};
use exactum_num::codes::{Code, Codes};

use super::{Filters, Products};
use crate::isa::Isa;

/// Elements that hold weights, from one of them on.
#[derive(Clone, Copy, Debug)]
enum Elements<'p> {
    I8(&'p [i8]),
    I16(&'p [i16]),
    Nibbles { bytes: &'p [u8], odd: bool },
}

/// Weights of any kind.
#[derive(Clone, Copy, Debug)]
pub struct General<'p, K> {
    elements: Elements<'p>,
    /// Whether sums need more than 32 bits.
    wide: bool,
    isa: K,
}

impl<'p, K: Copy> General<'p, K> {
    /// The weights of a layer, whose sums need more than 32 bits if `wide`; none where the packing does not allow their
    /// elements.
    pub const fn new(isa: K, weights: Weights<'p>, wide: bool) -> Self {
        let elements = match (weights.packing, weights.elements) {
            (Packing::RowMajor | Packing::TapMajor, Codes::I8(weights)) => Elements::I8(weights),
            (Packing::RowMajor | Packing::TapMajor, Codes::I16(weights)) => Elements::I16(weights),
            (Packing::Nibbles, Codes::U8(bytes)) => Elements::Nibbles { bytes, odd: false },
            (Packing::RowMajor | Packing::TapMajor, Codes::U8(_) | Codes::I32(_))
            | (Packing::Nibbles, Codes::I8(_) | Codes::I16(_) | Codes::I32(_))
            // Packings of layers of their own.
            | (Packing::FilterPairs | Packing::FilterQuads | Packing::TapBlocks | Packing::Winograd, _) => Elements::I8(&[]),
        };
        Self { elements, wide, isa }
    }

    fn with(self, elements: Elements<'p>) -> Self {
        Self { elements, ..self }
    }

    fn dot(self, codes: &[i16], acc: i64) -> i64 {
        match self.elements {
            Elements::I8(row) => dot_wide(codes, row, acc),
            Elements::I16(row) if self.wide => dot_wide(codes, row, acc),
            Elements::I16(row) => dot(codes, row, acc as i32).into(),
            Elements::Nibbles { bytes, odd } => codes.iter().enumerate().fold(acc, |acc, (index, code)| {
                let index = index.wrapping_add(odd.into());
                let byte = bytes.get(index >> 1).copied().unwrap_or_default();
                multiply_add_wide(acc, *code, nibble(byte, index))
            }),
        }
    }
}

fn dot(codes: &[i16], row: &[i16], acc: i32) -> i32 {
    codes
        .iter()
        .zip(row)
        .fold(acc, |acc, (code, weight)| acc.wrapping_add(i32::from(*code).wrapping_mul((*weight).into())))
}

fn dot_wide<W: Copy + Into<i64>>(codes: &[i16], row: &[W], acc: i64) -> i64 {
    codes.iter().zip(row).fold(acc, |acc, (code, weight)| multiply_add_wide(acc, *code, *weight))
}

fn multiply_add_wide<W: Into<i64>>(acc: i64, code: i16, weight: W) -> i64 {
    acc.wrapping_add(i64::from(code).wrapping_mul(weight.into()))
}

impl<K: Isa> Products for General<'_, K> {
    type Isa = K;
    type Acc = i64;

    fn isa(self) -> K {
        self.isa
    }

    fn skip(self, elems: usize) -> Self {
        self.with(match self.elements {
            Elements::I8(row) => Elements::I8(row.get(elems..).unwrap_or_default()),
            Elements::I16(row) => Elements::I16(row.get(elems..).unwrap_or_default()),
            Elements::Nibbles { bytes, odd } => {
                let halves = elems.wrapping_add(odd.into());
                let bytes = bytes.get(halves >> 1..).unwrap_or_default();
                Elements::Nibbles { bytes, odd: halves & 1 != 0 }
            }
        })
    }

    fn skip_filters(self, filters: usize, filter_elems: usize) -> Self {
        match self.elements {
            Elements::I8(_) | Elements::I16(_) => self.skip(filters.wrapping_mul(filter_elems)),
            Elements::Nibbles { bytes, odd } => {
                let start = filters.wrapping_mul(filter_elems.div_ceil(2));
                self.with(Elements::Nibbles { bytes: bytes.get(start..).unwrap_or_default(), odd })
            }
        }
    }

    fn start(bias: Bias<'_>, first: usize, accs: &mut [i64]) {
        for (index, acc) in accs.iter_mut().enumerate() {
            *acc = bias.at(first.wrapping_add(index)).into();
        }
    }

    #[inline(never)]
    fn multiply(codes: &[i16], filters: &mut Filters<'_, Self>) {
        let mut row = filters.rest;
        for acc in filters.accs.iter_mut() {
            *acc = row.dot(codes, *acc);
            row = row.skip_filters(1, filters.filter_elems);
        }
        filters.rest = filters.rest.skip(codes.len());
    }

    fn multiply_each<T: Code>(self, codes: &[T], zero_point: i32, accs: &mut [i64]) {
        fn each<T: Code, W: Copy + Into<i64>>(codes: &[T], zero_point: i32, weights: &[W], accs: &mut [i64]) {
            for ((acc, code), weight) in accs.iter_mut().zip(codes).zip(weights) {
                let code: i32 = (*code).into();
                *acc = multiply_add_wide(*acc, code.wrapping_sub(zero_point) as i16, *weight);
            }
        }
        match self.elements {
            Elements::I8(weights) => each(codes, zero_point, weights, accs),
            Elements::I16(weights) => each(codes, zero_point, weights, accs),
            // No depthwise convolution has this packing.
            Elements::Nibbles { .. } => {}
        }
    }
}
