//! Requantizations in the image; the forms are the rows of the table in `exactum_num`.

use exactum_num::requant::{Entries, Form};
use exactum_num::{Requant, requant_forms};

use exactum_num::codes::Element;

use crate::constants::{ConstRef, Constants};
use crate::error::OpFault;
use crate::record::record;
#[cfg(feature = "encode")]
use crate::writer::ConstantWriter;

record! {
    /// A requantization in the image.
    #[derive(Default)]
    pub(crate) struct RequantRecord {
        pub(crate) form: u32 = "0 none (raw accumulators), else the form's number.",
        pub(crate) lo: i32 = "Smallest code.",
        pub(crate) hi: i32 = "Largest code.",
        pub(crate) first: i32 = "`table`: accumulator of the first entry; else 0.",
        pub(crate) domain: u32 = "`table`: entries of one channel; else 0.",
        pub(crate) element: u8 = "`table`: element type of the entries, `i8`, `u8` or `i16`; else 0.",
        pub(crate) reserved: [u8; 3] = "Zeros.",
        pub(crate) arrays: [ConstRef; 6] = "The form's arrays in order, the rest empty.",
    }
}

impl RequantRecord {
    /// What a form with none of the record's single integers leaves in it.
    const fn has_singles(&self, first: i32, domain: u32, element: u8) -> bool {
        self.first == first && self.domain == domain && self.element == element
    }

    /// The table's entries at `place`.
    fn entries<'p>(&self, place: ConstRef, constants: Constants<'p>) -> Result<Entries<'p>, OpFault> {
        match Element::from_code(self.element) {
            Some(Element::I8) => constants.slice(place).map(Entries::I8),
            Some(Element::U8) => constants.slice(place).map(Entries::U8),
            Some(Element::I16) => constants.slice(place).map(Entries::I16),
            _ => Err(OpFault::Form),
        }
    }
}

/// The array of a row of the table, and the element type it needs stated.
macro_rules! read {
    ($record:ident, $place:expr, $constants:ident, $element:ident, code) => {{
        $element = $record.element;
        $record.entries($place, $constants)?
    }};
    ($record:ident, $place:expr, $constants:ident, $element:ident, $ty:tt) => {
        $constants.slice::<$ty>($place)?
    };
}

/// Writes an array of a row of the table.
#[cfg(feature = "encode")]
macro_rules! write_array {
    ($record:ident, $constants:ident, $array:ident, code) => {{
        let (element, place) = match $array {
            Entries::I8(codes) => (Element::I8, $constants.put(codes)),
            Entries::U8(codes) => (Element::U8, $constants.put(codes)),
            Entries::I16(codes) => (Element::I16, $constants.put(codes)),
        };
        $record.element = element.code();
        place
    }};
    ($record:ident, $constants:ident, $array:ident, $ty:tt) => {
        $constants.put($array)
    };
}

macro_rules! records {
    ($(
        $(#[doc = $formula:literal])+
        $number:literal $form:ident $name:literal $acc_bits:literal $bits:literal {
            $($(#[doc = $about:literal])+ $array:ident: $ty:tt $what:ident,)*
        } [$($(#[doc = $single_about:literal])+ $single:ident: $single_ty:ty,)*];
    )*) => {
        impl RequantRecord {
            /// The record's meaning: none for raw accumulators.
            pub(crate) fn decode<'p>(
                &self,
                constants: Constants<'p>,
            ) -> Result<Option<Requant<'p>>, OpFault> {
                let mut places = self.arrays.iter();
                let mut place = || places.next().copied().unwrap_or_default();
                let mut element = 0;
                let mut singles = Self::default();
                let form = match self.form {
                    0 => None,
                    $($number => {
                        $(let $array = read!(self, place(), constants, element, $ty);)*
                        $(let $single = self.$single;
                        singles.$single = $single;)*
                        Some(Form::$form { $($array,)* $($single,)* })
                    })*
                    _ => return Err(OpFault::Form),
                };
                if !self.has_singles(singles.first, singles.domain, element)
                    || (form.is_none() && (self.lo != 0 || self.hi != 0))
                    || places.any(|place| place.elems != 0)
                {
                    return Err(OpFault::Form);
                }
                if self.reserved != [0; 3] {
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
                let mut arrays = [ConstRef::default(); 6];
                let mut places = arrays.iter_mut();
                let mut put = |place| {
                    if let Some(to) = places.next() {
                        *to = place;
                    }
                };
                match requant.form {
                    $(Form::$form { $($array,)* $($single,)* } => {
                        $(put(write_array!(record, constants, $array, $ty));)*
                        $(record.$single = $single;)*
                        record.form = $number;
                    })*
                }
                record.arrays = arrays;
                record
            }
        }
    };
}

requant_forms!(records);
