//! Parameters of a requantization, owned by the compiler until the program is written.

use super::FormKind;
use exactum_runtime::num::Requant;
use exactum_runtime::num::requant::{Entries, Form, Line32, Line64};
use serde::{Deserialize, Serialize};

/// The owned twin of [`Requant`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequantParams {
    /// Form and its parameters.
    pub form: FormParams,
    /// Smallest code.
    pub lo: i32,
    /// Largest code.
    pub hi: i32,
}

/// The owned twin of [`Form`]: arrays hold one element (or group) for each channel, or one for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of Form")]
pub enum FormParams {
    /// See [`Form::Offset`].
    Offset { offsets: Vec<i32> },
    /// See [`Form::ShiftHalfEven`].
    ShiftHalfEven(LineParams<i32>),
    /// See [`Form::Multiply32`].
    Multiply32(LineParams<i32>),
    /// See [`Form::Multiply64`].
    Multiply64(LineParams<i64>),
    /// See [`Form::EvenOdd`].
    EvenOdd { even: LineParams<i64>, odd: LineParams<i64> },
    /// See [`Form::Thresholds`].
    Thresholds { signs: Vec<i8>, thresholds: Vec<i32> },
    /// See [`Form::Table`].
    Table { first: i32, entries: TableCodes, domain: u32 },
    /// See [`Form::ShiftHalfEven64`].
    ShiftHalfEven64(LineParams<i64, i64>),
    /// See [`Form::Multiply128`].
    Multiply128(LineParams<[i64; 2], i64>),
}

/// Parameters of `(multiplier * acc + offset) >> shift`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineParams<T, M = i32> {
    /// Slope times `2^shift`.
    pub multipliers: Vec<M>,
    /// Intercept times `2^shift`, rounding included.
    pub offsets: Vec<T>,
    /// Bits to shift right.
    pub shifts: Vec<u8>,
}

/// The owned twin of [`Entries`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the variants are those of Entries")]
pub enum TableCodes {
    I8(Vec<i8>),
    U8(Vec<u8>),
    I16(Vec<i16>),
}

impl TableCodes {
    /// `codes` in the smallest type that holds all of them; `None` if 16 bits do not.
    pub fn new(codes: &[i64]) -> Option<Self> {
        fn all<T: TryFrom<i64>>(codes: &[i64]) -> Option<Vec<T>> {
            codes.iter().map(|code| T::try_from(*code).ok()).collect()
        }
        all(codes).map(Self::I8).or_else(|| all(codes).map(Self::U8)).or_else(|| all(codes).map(Self::I16))
    }

    fn view(&self) -> Entries<'_> {
        match self {
            Self::I8(codes) => Entries::I8(codes),
            Self::U8(codes) => Entries::U8(codes),
            Self::I16(codes) => Entries::I16(codes),
        }
    }

    fn size_bytes(&self) -> usize {
        match self {
            Self::I8(codes) => size_of_val(&**codes),
            Self::U8(codes) => size_of_val(&**codes),
            Self::I16(codes) => size_of_val(&**codes),
        }
    }
}

impl<T, M> LineParams<T, M> {
    fn size_bytes(&self) -> usize {
        size_of_val(&*self.multipliers) + size_of_val(&*self.offsets) + size_of_val(&*self.shifts)
    }
}

impl LineParams<i64> {
    fn view(&self) -> Line64<'_> {
        Line64 { multipliers: &self.multipliers, offsets: &self.offsets, shifts: &self.shifts }
    }
}

impl RequantParams {
    /// The form the runtime applies.
    pub fn view(&self) -> Requant<'_> {
        let form = match &self.form {
            FormParams::Offset { offsets } => Form::Offset { offsets },
            FormParams::ShiftHalfEven(LineParams { multipliers, offsets, shifts }) => {
                Form::ShiftHalfEven { multipliers, offsets, shifts }
            }
            FormParams::Multiply32(LineParams { multipliers, offsets, shifts }) => {
                Form::Multiply32(Line32 { multipliers, offsets, shifts })
            }
            FormParams::Multiply64(line) => Form::Multiply64(line.view()),
            FormParams::EvenOdd { even, odd } => Form::EvenOdd { even: even.view(), odd: odd.view() },
            FormParams::Thresholds { signs, thresholds } => Form::Thresholds { signs, thresholds },
            FormParams::Table { first, entries, domain } => {
                Form::Table { first: *first, entries: entries.view(), domain: *domain }
            }
            FormParams::ShiftHalfEven64(LineParams { multipliers, offsets, shifts }) => {
                Form::ShiftHalfEven64 { multipliers, offsets, shifts }
            }
            FormParams::Multiply128(LineParams { multipliers, offsets, shifts }) => {
                Form::Multiply128 { multipliers, offsets, shifts }
            }
        };
        Requant { form, lo: self.lo, hi: self.hi }
    }

    /// Which form it is.
    pub fn kind(&self) -> FormKind {
        match &self.form {
            FormParams::Offset { .. } => FormKind::Offset,
            FormParams::ShiftHalfEven(_) => FormKind::ShiftHalfEven,
            FormParams::Multiply32(_) => FormKind::Multiply32,
            FormParams::Multiply64(_) => FormKind::Multiply64,
            FormParams::EvenOdd { .. } => FormKind::EvenOdd,
            FormParams::Thresholds { .. } => FormKind::Thresholds,
            FormParams::Table { .. } => FormKind::Table,
            FormParams::ShiftHalfEven64(_) => FormKind::ShiftHalfEven64,
            FormParams::Multiply128(_) => FormKind::Multiply128,
        }
    }

    /// Bytes of the parameter arrays, without headers and alignment.
    pub fn size_bytes(&self) -> usize {
        match &self.form {
            FormParams::Offset { offsets } => size_of_val(&**offsets),
            FormParams::ShiftHalfEven(line) | FormParams::Multiply32(line) => line.size_bytes(),
            FormParams::Multiply64(line) => line.size_bytes(),
            FormParams::EvenOdd { even, odd } => even.size_bytes() + odd.size_bytes(),
            FormParams::Thresholds { signs, thresholds } => {
                size_of_val(&**signs) + size_of_val(&**thresholds)
            }
            FormParams::Table { entries, .. } => entries.size_bytes(),
            FormParams::ShiftHalfEven64(line) => line.size_bytes(),
            FormParams::Multiply128(line) => line.size_bytes(),
        }
    }
}
