//! Packings: how the weights of a layer lie in the constant section. One file for each packing.
//!
//! A packing is a fact of the op's record. It says how many elements the weights of a shape take, in which of them weight
//! `i` of filter `o` lies, and what the weight is, given that element; loading bounds accumulators through that, and the
//! compiler writes through it. Every packing runs on every target by the portable kernels.

mod filter_pairs;
mod filter_quads;
mod nibbles;
mod row_major;
mod tap_blocks;
mod tap_major;
mod winograd;

pub use nibbles::nibble;
pub use tap_major::is_depthwise;

use exactum_num::IntRange;
use exactum_num::codes::{Codes, Element};

/// Filters of a layer, one for each output channel, and the weights of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterShape {
    /// Output channels.
    pub filters: usize,
    /// Weights of one filter; those of a convolution are counted height, width, input channel of the group.
    pub elems: usize,
}

/// Which codes the filters of a layer read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// All the same: dense layers, and convolutions of one group.
    Shared,
    /// All the same, through windows of 3 by 3 neighbouring taps that move by one.
    Tiles,
    /// Those of a group.
    Grouped,
    /// Each those of a channel of its own.
    Depthwise,
    /// Those of a transposed convolution.
    Transposed,
}

macro_rules! packings {
    ($($(#[doc = $about:literal])* $code:literal $packing:ident $name:literal $file:ident;)*) => {
        /// How weights lie in the constant section.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub enum Packing {
            $($(#[doc = $about])* $packing,)*
        }

        impl Packing {
            /// Every packing, in the order of their numbers.
            pub const ALL: [Self; [$($code),*].len()] = [$(Self::$packing),*];

            /// The number that stands for it in a program.
            pub const fn code(self) -> u8 {
                match self {
                    $(Self::$packing => $code,)*
                }
            }

            /// The packing a program's number stands for.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$packing),)*
                    _ => None,
                }
            }

            /// The name in listings, options and tables of costs.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$packing => $name,)*
                }
            }

            /// One sentence on where weights lie.
            pub const fn about(self) -> &'static str {
                match self {
                    $(Self::$packing => concat!($($about),*).trim_ascii(),)*
                }
            }

            /// Element types that weights may have.
            pub const fn elements(self) -> &'static [Element] {
                match self {
                    $(Self::$packing => $file::ELEMENTS,)*
                }
            }

            /// Whether a layer may have it whose filters read `codes`, with sums of 64 bits if `wide`.
            pub const fn allows(self, codes: Reads, wide: bool) -> bool {
                match self {
                    $(Self::$packing => $file::allows(codes, wide),)*
                }
            }

            /// Whether kernels take the sums of filter `o` in `range` from its elements.
            pub fn holds(self, o: usize, range: IntRange) -> bool {
                match self {
                    Self::FilterPairs => filter_pairs::holds(o, range),
                    Self::Winograd => winograd::holds(range),
                    Self::RowMajor | Self::TapMajor | Self::Nibbles | Self::TapBlocks | Self::FilterQuads => true,
                }
            }

            /// Whether kernels multiply codes that are in `centered` without their zero point.
            pub fn takes(self, centered: IntRange) -> bool {
                match self {
                    Self::Winograd => winograd::takes(centered),
                    Self::RowMajor
                    | Self::TapMajor
                    | Self::Nibbles
                    | Self::FilterPairs
                    | Self::TapBlocks
                    | Self::FilterQuads => true,
                }
            }

            /// The weights that elements of type `element` hold.
            pub const fn range(self, element: Element) -> IntRange {
                match self {
                    $(Self::$packing => $file::range(element),)*
                }
            }

            /// Elements that the weights of `shape` take; `None` past the address space.
            pub const fn len_elems(self, shape: FilterShape) -> Option<usize> {
                match self {
                    $(Self::$packing => $file::len_elems(shape),)*
                }
            }

            /// Weight `i` of filter `o`, held by `elements`; 0 if there is none.
            pub fn weight(self, elements: Codes<'_>, shape: FilterShape, o: usize, i: usize) -> i32 {
                match self {
                    $(Self::$packing => $file::weight(elements, shape, o, i),)*
                }
            }

            /// Makes `weight` weight `i` of filter `o`, which was 0.
            pub fn put(self, elements: &mut [i32], shape: FilterShape, o: usize, i: usize, weight: i32) {
                match self {
                    $(Self::$packing => $file::put(elements, shape, o, i, weight),)*
                }
            }
        }
    };
}

packings! {
    /// one filter after the other: element `o * elems + i`
    0 RowMajor "row-major" row_major;
    /// depthwise convolutions: the first weights of all filters, then the second: element `i * filters + o`
    1 TapMajor "tap-major" tap_major;
    /// 4-bit weights, two a byte, the first in the low half; each filter starts at a byte: element `o * ceil(elems / 2) + i / 2`
    2 Nibbles "nibbles" nibbles;
    /// two filters in one element, the odd one times 256: filters in blocks of 8, weights two by two, `r` of them for each filter, a multiple of 4: of the pair of `o`, element `o / 8 * r * 4 + i / 2 * 8 + o % 8 / 2 * 2 + i % 2`
    3 FilterPairs "filter-pairs" filter_pairs;
    /// depthwise convolutions, channels in blocks of 4: element `o / 4 * elems * 4 + i * 4 + o % 4`
    4 TapBlocks "tap-blocks" tap_blocks;
    /// 3 by 3 convolutions of one group, transformed: filters in blocks of 4, `r` input channels, a multiple of 4: of place `p` and channel `c`, element `((o / 4 * 16 + p) * r / 2 + c / 4 * 2 + c % 2) * 8 + o % 4 * 2 + c % 4 / 2`
    5 Winograd "winograd" winograd;
    /// four filters after each other, plus 128: filters in blocks of 4, `r` weights of each, a multiple of 4: element `o / 4 * 4 * r + i * 4 + o % 4`
    6 FilterQuads "filter-quads" filter_quads;
}

/// Element `index`, which holds a weight by itself; 0 if there is none.
fn element(elements: Codes<'_>, index: usize) -> i32 {
    elements.get(index).unwrap_or_default()
}

/// Changes element `index`, if there is one.
fn change(elements: &mut [i32], index: usize, to: impl FnOnce(i32) -> i32) {
    if let Some(element) = elements.get_mut(index) {
        *element = to(*element);
    }
}

impl core::fmt::Display for Packing {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

/// Weights of a layer: their packing and the elements that hold them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights<'p> {
    /// How they lie in `elements`.
    pub packing: Packing,
    /// Of a type that the packing allows.
    pub elements: Codes<'p>,
}

impl Default for Weights<'_> {
    fn default() -> Self {
        Self { packing: Packing::RowMajor, elements: Codes::I8(&[]) }
    }
}

impl<'p> Weights<'p> {
    /// 8-bit weights, one filter after the other.
    pub const fn i8s(weights: &'p [i8]) -> Self {
        Self { packing: Packing::RowMajor, elements: Codes::I8(weights) }
    }

    /// 16-bit weights, one filter after the other.
    pub const fn i16s(weights: &'p [i16]) -> Self {
        Self { packing: Packing::RowMajor, elements: Codes::I16(weights) }
    }

    /// Weight `i` of filter `o`; 0 if there is none.
    pub fn get(self, shape: FilterShape, o: usize, i: usize) -> i32 {
        self.packing.weight(self.elements, shape, o, i)
    }

    /// Whether the elements of filter `o` can be those of weights.
    pub(crate) fn are_weights(self, shape: FilterShape, o: usize) -> bool {
        self.packing != Packing::Winograd || winograd::is_transformed(self.elements, shape, o)
    }

    /// Whether as many elements are there as weights of `shape` take.
    pub fn suits(self, shape: FilterShape) -> bool {
        self.packing.len_elems(shape) == Some(self.elements.len())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use proptest::prelude::*;
    use std::vec;

    proptest! {
        /// Every weight has a place of its own inside the array, and is read as it was put.
        #[test]
        fn weights_are_read_as_they_were_put(filters in 1usize..6, elems in 1usize..8, seed in any::<u64>()) {
            let shape = FilterShape { filters, elems };
            for packing in Packing::ALL {
                for element in packing.elements() {
                    let range = packing.range(*element);
                    let weight = |o: usize, i: usize| {
                        let random = seed.rotate_left((7 * o + 13 * i) as u32) & 0xffff;
                        (range.lo + random as i64 % (range.hi - range.lo + 1)) as i32
                    };
                    let mut stored = vec![0i32; packing.len_elems(shape).unwrap()];
                    for o in 0..filters {
                        for i in 0..elems {
                            packing.put(&mut stored, shape, o, i, weight(o, i));
                        }
                    }
                    prop_assert!(stored.iter().all(|stored| element.range().contains((*stored).into())));
                    let elements = Codes::I32(&stored);
                    for o in 0..filters {
                        for i in 0..elems {
                            prop_assert_eq!(packing.weight(elements, shape, o, i), weight(o, i));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn numbers_are_told_apart() {
        for packing in Packing::ALL {
            assert_eq!(Packing::from_code(packing.code()), Some(packing));
        }
        assert_eq!(Packing::from_code(Packing::ALL.len() as u8), None);
    }
}
