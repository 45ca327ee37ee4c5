//! What follows the multiply-accumulates of an op: bias at the start, requantization at the end.

use super::constants::{ConstRef, Constants};
#[cfg(feature = "encode")]
use super::encode::ConstantWriter;
use super::record::record;
#[cfg(feature = "encode")]
use crate::codes::Code;
use crate::codes::Element;
use crate::error::OpFault;
use crate::num::Requant;
use crate::num::requant::{Entries, Form, Line32, Line64};

/// Integers that start the accumulators, one for each output channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bias<'p> {
    /// Accumulators start at 0.
    #[default]
    None,
    /// 16-bit biases.
    I16(&'p [i16]),
    /// 32-bit biases.
    I32(&'p [i32]),
}

impl<'p> Bias<'p> {
    /// The bias of `channel`; 0 if there is none.
    pub fn at(self, channel: usize) -> i32 {
        match self {
            Self::None => None,
            Self::I16(values) => values.get(channel).map(|value| i32::from(*value)),
            Self::I32(values) => values.get(channel).copied(),
        }
        .unwrap_or_default()
    }

    /// Whether this holds a bias for each of `channels` channels, or none at all.
    pub(crate) fn suits(self, channels: usize) -> bool {
        match self {
            Self::None => true,
            Self::I16(values) => values.len() == channels,
            Self::I32(values) => values.len() == channels,
        }
    }

    pub(crate) fn decode(element: u8, place: ConstRef, constants: Constants<'p>) -> Result<Self, OpFault> {
        match Element::from_code(element) {
            None if element == 0 && place.elems == 0 => Ok(Self::None),
            Some(Element::I16) => constants.slice(place).map(Self::I16),
            Some(Element::I32) => constants.slice(place).map(Self::I32),
            _ => Err(OpFault::Bias),
        }
    }

    #[cfg(feature = "encode")]
    pub(crate) fn encode<S: Extend<u8>>(self, constants: &mut ConstantWriter<'_, S>) -> (u8, ConstRef) {
        match self {
            Self::None => (0, ConstRef::default()),
            Self::I16(values) => (i16::ELEMENT.code(), constants.put(values)),
            Self::I32(values) => (i32::ELEMENT.code(), constants.put(values)),
        }
    }
}

record! {
    /// A requantization in the image.
    #[derive(Default)]
    pub(crate) struct RequantRecord {
        pub(crate) form: u32 = "0 none (raw accumulators), else the form's number.",
        pub(crate) lo: i32 = "Smallest code.",
        pub(crate) hi: i32 = "Largest code.",
        pub(crate) first: i32 = "`table`: accumulator of the first entry; else 0.",
        pub(crate) domain: u32 = "`table`: entries of one channel; else 0.",
        pub(crate) reserved: u32 = "Zero.",
        pub(crate) arrays: [ConstRef; 6] = "The form's arrays in order, the rest empty.",
    }
}

/// The forms: number, name, arrays, and how to make one from its arrays.
macro_rules! forms {
    ($(
        $(#[doc = $about:literal])*
        $code:literal $name:literal [$($array:ident: $ty:ty),*] $pattern:pat $(, $record:ident)? => $form:expr;
    )*) => {
        /// Number, name, arrays with their types, and formula of each form, for the documentation.
        #[cfg(test)]
        pub(crate) const FORMS: &[(u32, &str, &[(&str, &str)], &str)] = &[
            $(($code, $name, &[$((stringify!($array), stringify!($ty))),*], concat!($($about),*)),)*
        ];

        impl RequantRecord {
            /// The record's meaning: none for raw accumulators.
            pub(crate) fn decode<'p>(
                &self,
                constants: Constants<'p>,
            ) -> Result<Option<Requant<'p>>, OpFault> {
                let mut places = self.arrays.iter();
                let mut place = || places.next().copied().unwrap_or_default();
                let form = match self.form {
                    0 => None,
                    $($code => {
                        $(let $array: &'p [$ty] = constants.slice(place())?;)*
                        $(let $record = self;)?
                        Some($form)
                    })*
                    _ => return Err(OpFault::Form),
                };
                let is_table = matches!(form, Some(Form::Table { .. }));
                if (!is_table && (self.first != 0 || self.domain != 0))
                    || (form.is_none() && (self.lo != 0 || self.hi != 0))
                    || places.any(|place| place.elems != 0)
                {
                    return Err(OpFault::Form);
                }
                if self.reserved != 0 {
                    return Err(OpFault::Reserved);
                }
                Ok(form.map(|form| Requant { form, lo: self.lo, hi: self.hi }))
            }

            /// The record of `requant`, its arrays written to `constants`.
            #[cfg(feature = "encode")]
            pub(crate) fn encode<S: Extend<u8>>(
                requant: Option<&Requant<'_>>,
                constants: &mut ConstantWriter<'_, S>,
            ) -> Self {
                let Some(requant) = requant else { return Self::default() };
                let mut record = Self { lo: requant.lo, hi: requant.hi, ..Self::default() };
                let mut places = record.arrays.iter_mut();
                let mut put = |place| {
                    if let Some(to) = places.next() {
                        *to = place;
                    }
                };
                match requant.form {
                    $($pattern => {
                        $(put(constants.put($array));)*
                        record.form = $code;
                    })*
                }
                if let Form::Table { first, domain, .. } = requant.form {
                    (record.first, record.domain) = (first, domain);
                }
                record
            }
        }
    };
}

forms! {
    /// `acc + offset`
    1 "offset" [offsets: i32]
        Form::Offset { offsets } => Form::Offset { offsets };
    /// `y = multiplier * acc + offset; (y + (y >> shift & 1)) >> shift` in 32 bits
    2 "shift-half-even" [multipliers: i32, offsets: i32, shifts: u8]
        Form::ShiftHalfEven { multipliers, offsets, shifts }
        => Form::ShiftHalfEven { multipliers, offsets, shifts };
    /// `(multiplier * acc + offset) >> shift` in 32 bits
    3 "multiply32" [multipliers: i32, offsets: i32, shifts: u8]
        Form::Multiply32(Line32 { multipliers, offsets, shifts })
        => Form::Multiply32(Line32 { multipliers, offsets, shifts });
    /// `(multiplier * acc + offset) >> shift` in 64 bits
    4 "multiply64" [multipliers: i32, offsets: i64, shifts: u8]
        Form::Multiply64(Line64 { multipliers, offsets, shifts })
        => Form::Multiply64(Line64 { multipliers, offsets, shifts });
    /// the sum of two lines as in `multiply64`
    5 "even-odd" [
        even_multipliers: i32, even_offsets: i64, even_shifts: u8,
        odd_multipliers: i32, odd_offsets: i64, odd_shifts: u8
    ]
        Form::EvenOdd {
            even: Line64 { multipliers: even_multipliers, offsets: even_offsets, shifts: even_shifts },
            odd: Line64 { multipliers: odd_multipliers, offsets: odd_offsets, shifts: odd_shifts },
        } => Form::EvenOdd {
            even: Line64 { multipliers: even_multipliers, offsets: even_offsets, shifts: even_shifts },
            odd: Line64 { multipliers: odd_multipliers, offsets: odd_offsets, shifts: odd_shifts },
        };
    /// `lo` plus the number of the channel's `hi - lo` ascending thresholds not above `sign * acc`
    6 "thresholds" [signs: i8, thresholds: i32]
        Form::Thresholds { signs, thresholds } => Form::Thresholds { signs, thresholds };
    /// the channel's entry `acc - first`, the nearest one if there is none
    7 "table" [entries: i16]
        Form::Table { entries: Entries::I16(entries), .. }, record
        => Form::Table { first: record.first, entries: Entries::I16(entries), domain: record.domain };
    /// `y = multiplier * acc + offset; (y + (y >> shift & 1)) >> shift` in 64 bits
    8 "shift-half-even64" [multipliers: i64, offsets: i64, shifts: u8]
        Form::ShiftHalfEven64 { multipliers, offsets, shifts }
        => Form::ShiftHalfEven64 { multipliers, offsets, shifts };
    /// `(multiplier * acc + offset) >> shift` in 128 bits; offsets are low word, high word
    9 "multiply128" [multipliers: i64, offsets: [i64; 2], shifts: u8]
        Form::Multiply128 { multipliers, offsets, shifts }
        => Form::Multiply128 { multipliers, offsets, shifts };
    /// the channel's entry `acc - first`, the nearest one if there is none
    10 "table" [entries: i8]
        Form::Table { entries: Entries::I8(entries), .. }, record
        => Form::Table { first: record.first, entries: Entries::I8(entries), domain: record.domain };
    /// the channel's entry `acc - first`, the nearest one if there is none
    11 "table" [entries: u8]
        Form::Table { entries: Entries::U8(entries), .. }, record
        => Form::Table { first: record.first, entries: Entries::U8(entries), domain: record.domain };
}
