//! Integer codes of the element types a program stores: typed views of arena bytes.
//!
//! Kernels read and write them, the engine hands them to applications.

use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::range::IntRange;

/// Storage type of a tensor's codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Element {
    /// Signed 8 bits.
    I8,
    /// Unsigned 8 bits.
    U8,
    /// Signed 16 bits.
    I16,
    /// Signed 32 bits: accumulators.
    I32,
}

impl Element {
    /// Every element type, in the order of their codes.
    pub const ALL: [Self; 4] = [Self::I8, Self::U8, Self::I16, Self::I32];

    /// The number that stands for it in a program; 0 is none.
    pub const fn code(self) -> u8 {
        match self {
            Self::I8 => 1,
            Self::U8 => 2,
            Self::I16 => 3,
            Self::I32 => 4,
        }
    }

    /// The type a program's number stands for.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::I8),
            2 => Some(Self::U8),
            3 => Some(Self::I16),
            4 => Some(Self::I32),
            _ => None,
        }
    }

    /// The type's name: `i8`, `u8`, `i16` or `i32`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::I8 => "i8",
            Self::U8 => "u8",
            Self::I16 => "i16",
            Self::I32 => "i32",
        }
    }

    /// Bytes of one element.
    pub const fn size_bytes(self) -> u32 {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 => 2,
            Self::I32 => 4,
        }
    }

    /// Every integer the type holds.
    pub const fn range(self) -> IntRange {
        match self {
            Self::I8 => IntRange { lo: i8::MIN as i64, hi: i8::MAX as i64 },
            Self::U8 => IntRange { lo: 0, hi: u8::MAX as i64 },
            Self::I16 => IntRange { lo: i16::MIN as i64, hi: i16::MAX as i64 },
            Self::I32 => IntRange { lo: i32::MIN as i64, hi: i32::MAX as i64 },
        }
    }

    /// The smallest type that holds every member of `range`, or `None` past 32 bits.
    pub fn smallest_for(range: IntRange) -> Option<Self> {
        Self::ALL.into_iter().find(|element| element.range().contains_range(range))
    }
}

impl core::fmt::Display for Element {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

/// A Rust type that stores codes: `i8`, `u8`, `i16` or `i32`.
pub trait Code:
    Copy + Ord + Default + Into<i32> + FromBytes + IntoBytes + Immutable + sealed::Sealed
{
    /// Its name in a program.
    const ELEMENT: Element;
    /// The smallest value.
    const MIN: Self;
    /// The low bits of `value`: exact for a value in range.
    fn truncate(value: i32) -> Self;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! code {
    ($($ty:ident $element:ident)*) => {$(
        impl sealed::Sealed for $ty {}
        impl Code for $ty {
            const ELEMENT: Element = Element::$element;
            const MIN: Self = $ty::MIN;
            fn truncate(value: i32) -> Self {
                value as $ty
            }
        }
    )*};
}

code!(i8 I8 u8 U8 i16 I16 i32 I32);

/// Runs `$body` with `$slice` bound to the typed slice inside `$codes`, a `Codes` or `CodesMut` as `$kind` says.
#[macro_export]
macro_rules! with_codes {
    ($kind:ident, $codes:expr, $slice:ident => $body:expr) => {
        match $codes {
            $crate::codes::$kind::I8($slice) => $body,
            $crate::codes::$kind::U8($slice) => $body,
            $crate::codes::$kind::I16($slice) => $body,
            $crate::codes::$kind::I32($slice) => $body,
        }
    };
}
pub use with_codes;

/// Codes of one tensor, row-major.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codes<'a> {
    /// Signed 8 bits.
    I8(&'a [i8]),
    /// Unsigned 8 bits.
    U8(&'a [u8]),
    /// Signed 16 bits.
    I16(&'a [i16]),
    /// Signed 32 bits.
    I32(&'a [i32]),
}

impl<'a> Codes<'a> {
    /// `bytes` as codes; `None` if they are misaligned or end inside an element.
    pub fn from_bytes(element: Element, bytes: &'a [u8]) -> Option<Self> {
        Some(match element {
            Element::I8 => Self::I8(<[i8]>::ref_from_bytes(bytes).ok()?),
            Element::U8 => Self::U8(bytes),
            Element::I16 => Self::I16(<[i16]>::ref_from_bytes(bytes).ok()?),
            Element::I32 => Self::I32(<[i32]>::ref_from_bytes(bytes).ok()?),
        })
    }

    /// The codes' bytes, little endian.
    pub fn as_bytes(self) -> &'a [u8] {
        with_codes!(Codes, self, slice => slice.as_bytes())
    }

    /// Number of codes.
    pub const fn len(self) -> usize {
        with_codes!(Codes, self, slice => slice.len())
    }

    /// Whether there is no code.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Their storage type.
    pub const fn element(self) -> Element {
        match self {
            Self::I8(_) => Element::I8,
            Self::U8(_) => Element::U8,
            Self::I16(_) => Element::I16,
            Self::I32(_) => Element::I32,
        }
    }

    /// Code `index`, if there is one.
    pub fn get(self, index: usize) -> Option<i32> {
        fn at<T: Code>(slice: &[T], index: usize) -> Option<i32> {
            slice.get(index).map(|code| (*code).into())
        }
        with_codes!(Codes, self, slice => at(slice, index))
    }

    /// Takes the first `elems` codes off the front; fewer if there are fewer.
    pub fn take_front(&mut self, elems: usize) -> Codes<'a> {
        fn split<'a, T>(slice: &mut &'a [T], elems: usize) -> &'a [T] {
            let (front, rest) = slice.split_at_checked(elems).unwrap_or((slice, &[]));
            *slice = rest;
            front
        }
        match self {
            Self::I8(slice) => Codes::I8(split(slice, elems)),
            Self::U8(slice) => Codes::U8(split(slice, elems)),
            Self::I16(slice) => Codes::I16(split(slice, elems)),
            Self::I32(slice) => Codes::I32(split(slice, elems)),
        }
    }

    /// All codes in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = i32> + 'a {
        (0..self.len()).map(move |index| self.get(index).unwrap_or_default())
    }
}

/// Codes of one tensor, to be written, row-major.
#[derive(Debug, PartialEq, Eq)]
pub enum CodesMut<'a> {
    /// Signed 8 bits.
    I8(&'a mut [i8]),
    /// Unsigned 8 bits.
    U8(&'a mut [u8]),
    /// Signed 16 bits.
    I16(&'a mut [i16]),
    /// Signed 32 bits.
    I32(&'a mut [i32]),
}

impl<'a> CodesMut<'a> {
    /// `bytes` as codes; `None` if they are misaligned or end inside an element.
    pub fn from_bytes(element: Element, bytes: &'a mut [u8]) -> Option<Self> {
        Some(match element {
            Element::I8 => Self::I8(<[i8]>::mut_from_bytes(bytes).ok()?),
            Element::U8 => Self::U8(bytes),
            Element::I16 => Self::I16(<[i16]>::mut_from_bytes(bytes).ok()?),
            Element::I32 => Self::I32(<[i32]>::mut_from_bytes(bytes).ok()?),
        })
    }

    /// The codes' bytes, little endian.
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        with_codes!(CodesMut, self, slice => slice.as_mut_bytes())
    }

    /// The same codes, to be read.
    pub fn as_codes(&self) -> Codes<'_> {
        match self {
            Self::I8(slice) => Codes::I8(slice),
            Self::U8(slice) => Codes::U8(slice),
            Self::I16(slice) => Codes::I16(slice),
            Self::I32(slice) => Codes::I32(slice),
        }
    }

    /// Sets every code to the low bits of `value`.
    pub fn fill(&mut self, value: i32) {
        with_codes!(CodesMut, self, slice => slice.fill(Code::truncate(value)));
    }

    /// Takes the first `elems` codes off the front; fewer if there are fewer.
    pub fn take_front(&mut self, elems: usize) -> CodesMut<'a> {
        fn split<'a, T>(slice: &mut &'a mut [T], elems: usize) -> &'a mut [T] {
            let all = core::mem::take(slice);
            let elems = elems.min(all.len());
            let Some((front, rest)) = all.split_at_mut_checked(elems) else { return &mut [] };
            *slice = rest;
            front
        }
        match self {
            Self::I8(slice) => CodesMut::I8(split(slice, elems)),
            Self::U8(slice) => CodesMut::U8(split(slice, elems)),
            Self::I16(slice) => CodesMut::I16(split(slice, elems)),
            Self::I32(slice) => CodesMut::I32(split(slice, elems)),
        }
    }
}
