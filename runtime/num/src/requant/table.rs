//! The table of requantization forms: everything about a form that is no arithmetic, once.
//!
//! A row gives the form's number in programs, its name in listings, certificates, options and tables of costs, the bits
//! of the accumulators it takes, the bits of its products, its formula, its arrays and its single integers. Whoever needs something for each form
//! calls [`requant_forms!`](crate::requant_forms) with a macro that makes it from the rows: the enums below, the records
//! of programs, the compiler's owned parameters.
//!
//! What an array holds is said behind its type:
//! - `each`: an integer for each channel, or one for all; none is read as zeros;
//! - `factor`: the same, multiplied with the accumulator;
//! - `line`: the same, a pair of which the first is multiplied with the accumulator;
//! - `shift`: the same, bits to shift right, fewer than the form's products have;
//! - `group`: a list for each channel, or one for all.

/// Calls the macro `$then` with the rows of the table of forms.
#[macro_export]
macro_rules! requant_forms {
    ($then:ident) => {
        $then! {
            /// `acc + offset`
            1 Offset "offset" 32 32 {
                /// Added to the accumulator.
                offsets: i32 each,
            } [];
            /// `y = multiplier * acc + offset; (y + (y >> shift & 1)) >> shift` in 32 bits
            2 ShiftHalfEven "shift-half-even" 32 32 {
                /// Odd factor of a dyadic scale, times the power of two that gives channels a common shift.
                multipliers: i32 factor,
                /// Bias, zero point and the `2^(shift - 1) - 1` of the rounding.
                offsets: i32 each,
                /// 0 to 31.
                shifts: u8 shift,
            } [];
            /// `(multiplier * acc + offset) >> shift` in 32 bits
            3 Multiply32 "multiply32" 32 32 {
                /// Slope times `2^shift`.
                multipliers: i32 factor,
                /// Intercept times `2^shift`, rounding included.
                offsets: i32 each,
                /// 0 to 31.
                shifts: u8 shift,
            } [];
            /// `(multiplier * acc + offset) >> shift` in 64 bits
            4 Multiply64 "multiply64" 32 64 {
                /// Slope times `2^shift`.
                multipliers: i32 factor,
                /// Intercept times `2^shift`, rounding included.
                offsets: i64 each,
                /// 0 to 63.
                shifts: u8 shift,
            } [];
            /// the sum of two lines as in `multiply64`: the even codes passed and the odd ones
            5 EvenOdd "even-odd" 32 64 {
                /// Slope of the line that counts even codes, times `2^shift`.
                even_multipliers: i32 factor,
                /// Intercept of it times `2^shift`, rounding included.
                even_offsets: i64 each,
                /// 0 to 63.
                even_shifts: u8 shift,
                /// Slope of the line that counts odd codes, times `2^shift`.
                odd_multipliers: i32 factor,
                /// Intercept of it times `2^shift`, rounding included.
                odd_offsets: i64 each,
                /// 0 to 63.
                odd_shifts: u8 shift,
            } [];
            /// `lo` plus the number of the channel's `hi - lo` ascending thresholds not above `sign * acc`
            6 Thresholds "thresholds" 32 32 {
                /// 1, or -1 where the function decreases.
                signs: i8 each,
                /// `hi - lo` ascending thresholds for each channel, or for all.
                thresholds: i32 group,
            } [];
            /// the channel's entry `acc - first`, the nearest one if there is none
            7 Table "table" 32 32 {
                /// Codes for each channel, or for all, `domain` of each.
                entries: code group,
            } [
                /// Accumulator of the first entry.
                first: i32,
                /// Entries of one channel.
                domain: u32,
            ];
            /// `y = multiplier * acc + offset; (y + (y >> shift & 1)) >> shift` in 64 bits
            8 ShiftHalfEven64 "shift-half-even64" 64 64 {
                /// Odd factor of a dyadic scale, times the power of two that gives channels a common shift.
                multipliers: i64 factor,
                /// Bias, zero point and the `2^(shift - 1) - 1` of the rounding.
                offsets: i64 each,
                /// 0 to 63.
                shifts: u8 shift,
            } [];
            /// `(multiplier * acc + offset) >> shift` in 128 bits; offsets are low word, high word
            9 Multiply128 "multiply128" 64 128 {
                /// Slope times `2^shift`.
                multipliers: i64 factor,
                /// Intercept times `2^shift`, rounding included: low word, high word.
                offsets: [i64; 2] each,
                /// 0 to 127.
                shifts: u8 shift,
            } [];
            /// `lo` plus the number of the channel's `hi - lo` ascending thresholds not above `sign * acc`
            10 Thresholds64 "thresholds64" 64 64 {
                /// 1, or -1 where the function decreases.
                signs: i8 each,
                /// `hi - lo` ascending thresholds for each channel, or for all.
                thresholds: i64 group,
            } [];
            /// `(addend + (multiplier * (acc + offset) + 2^31 >> 32)) >> shift`, sums in 32 bits, the product in 64; lines are multiplier, addend
            11 MultiplyHigh "multiply-high" 32 32 {
                /// Multiplier and addend: slope times `2^(32 + shift)`, and what the offset leaves of zero point and rounding, times
                /// `2^shift`.
                lines: [i32; 2] line,
                /// Added to the accumulator.
                offsets: i32 each,
                /// 0 to 31.
                shifts: u8 shift,
            } [];
        }
    };
}

use super::entries::Entries;
use super::forms::{self, Accumulator, Apply};

/// The type in which a form borrows an array of the table.
macro_rules! array {
    ($lifetime:lifetime code) => {
        Entries<$lifetime>
    };
    ($lifetime:lifetime $ty:tt) => {
        &$lifetime [$ty]
    };
}
pub(super) use array;

/// Number of integers of a group; 1 for arrays of one integer for each channel.
macro_rules! is_group {
    (group) => {
        true
    };
    ($what:ident) => {
        false
    };
}

/// Calls `$visit` for the multipliers of an array.
macro_rules! visit_factors {
    ($array:expr, $visit:expr, factor) => {
        $array.iter().for_each(|factor| $visit(i64::from(*factor)))
    };
    ($array:expr, $visit:expr, line) => {
        $array.iter().for_each(|[factor, _]| $visit(i64::from(*factor)))
    };
    ($array:expr, $visit:expr, $what:ident) => {
        let _ = $array;
    };
}

/// Whether an array holds no shift of `$bits` bits or more.
macro_rules! shifts_suit {
    ($array:expr, $bits:expr, shift) => {
        $array.iter().all(|shift| u32::from(*shift) < $bits)
    };
    ($array:expr, $bits:expr, $what:ident) => {{
        let _ = $array;
        true
    }};
}

macro_rules! declare {
    ($(
        $(#[doc = $formula:literal])+
        $number:literal $form:ident $name:literal $acc_bits:literal $bits:literal {
            $($(#[doc = $about:literal])+ $array:ident: $ty:tt $what:ident,)*
        } [$($(#[doc = $single_about:literal])+ $single:ident: $single_ty:ty,)*];
    )*) => {
        /// A form and its parameters.
        ///
        /// Arrays hold one element (or group) for each channel, or one for all; an empty array is read as zeros.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Form<'a> {
            $($(#[doc = $formula])+ $form {
                $($(#[doc = $about])+ $array: array!('a $ty),)*
                $($(#[doc = $single_about])+ $single: $single_ty,)*
            },)*
        }

        /// The forms without their parameters.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub enum FormKind {
            $($(#[doc = $formula])+ $form,)*
        }

        impl FormKind {
            /// Every form, in the order of their numbers.
            pub const ALL: [Self; [$($number),*].len()] = [$(Self::$form),*];

            /// The number in programs.
            pub const fn number(self) -> u32 {
                match self {
                    $(Self::$form => $number,)*
                }
            }

            /// The name in listings, certificates, options, reports and tables of costs.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$form => $name,)*
                }
            }

            /// The value before the clamp, in Markdown.
            pub const fn formula(self) -> &'static str {
                match self {
                    $(Self::$form => concat!($($formula),*).trim_ascii(),)*
                }
            }

            /// Bits of the accumulators that the form takes: 32 or 64.
            pub const fn accumulator_bits(self) -> u32 {
                match self {
                    $(Self::$form => $acc_bits,)*
                }
            }

            /// Names and element types of the arrays, in their order in programs.
            pub const fn arrays(self) -> &'static [(&'static str, &'static str)] {
                match self {
                    $(Self::$form => &[$((stringify!($array), stringify!($ty))),*],)*
                }
            }
        }

        impl Apply for Form<'_> {
            fn apply<A: Accumulator>(&self, channel: usize, acc: A, codes: [i32; 2]) -> i32 {
                match *self {
                    $(Self::$form { $($array,)* $($single,)* } => {
                        forms::$form { $($array,)* $($single,)* }.apply(channel, acc, codes)
                    })*
                }
            }
        }

        impl Form<'_> {
            /// Which form it is.
            pub const fn kind(&self) -> FormKind {
                match self {
                    $(Self::$form { .. } => FormKind::$form,)*
                }
            }

            /// Calls `visit` with each array's name, number of elements, and whether it holds groups.
            pub fn visit_arrays(&self, mut visit: impl FnMut(&'static str, usize, bool)) {
                match *self {
                    $(Self::$form { $($array,)* .. } => {
                        $(visit(stringify!($array), $array.len(), is_group!($what));)*
                    })*
                }
            }

            /// Calls `visit` with the factors of accumulators.
            pub fn visit_multipliers(&self, mut visit: impl FnMut(i64)) {
                let _ = &mut visit;
                match *self {
                    $(Self::$form { $($array,)* .. } => {
                        $(visit_factors!($array, visit, $what);)*
                    })*
                }
            }

            /// Whether all shifts are smaller than the words they shift.
            pub(super) fn shifts_suit(&self) -> bool {
                match *self {
                    $(Self::$form { $($array,)* .. } => {
                        true $(&& shifts_suit!($array, $bits, $what))*
                    })*
                }
            }
        }
    };
}

requant_forms!(declare);

impl FormKind {
    /// The form that `name` stands for.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name)
    }
}

impl core::fmt::Display for FormKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}
