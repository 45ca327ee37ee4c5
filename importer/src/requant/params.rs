//! Parameters of a requantization, owned by the compiler until the program is written.

use exactum_runtime::num::requant::{Entries, Form, FormKind};
use exactum_runtime::num::{Requant, requant_forms};
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

/// Parameters of `(multiplier * acc + offset) >> shift`, as the solvers of lines find them.
pub(super) struct LineParams<T, M = i32> {
    /// Slope times `2^shift`.
    pub(super) multipliers: Vec<M>,
    /// Intercept times `2^shift`, rounding included.
    pub(super) offsets: Vec<T>,
    /// Bits to shift right.
    pub(super) shifts: Vec<u8>,
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
}

/// An array of a form, owned.
trait Owned {
    /// The array as programs borrow it.
    type Borrowed<'a>
    where
        Self: 'a;

    fn view(&self) -> Self::Borrowed<'_>;

    fn size_bytes(&self) -> usize;
}

impl<T> Owned for Vec<T> {
    type Borrowed<'a>
        = &'a [T]
    where
        T: 'a;

    fn view(&self) -> &[T] {
        self
    }

    fn size_bytes(&self) -> usize {
        size_of_val(&**self)
    }
}

impl Owned for TableCodes {
    type Borrowed<'a> = Entries<'a>;

    fn view(&self) -> Entries<'_> {
        match self {
            Self::I8(codes) => Entries::I8(codes),
            Self::U8(codes) => Entries::U8(codes),
            Self::I16(codes) => Entries::I16(codes),
        }
    }

    fn size_bytes(&self) -> usize {
        match self {
            Self::I8(codes) => codes.size_bytes(),
            Self::U8(codes) => codes.size_bytes(),
            Self::I16(codes) => codes.size_bytes(),
        }
    }
}

/// The type in which the compiler owns an array of the table of forms.
macro_rules! owned {
    (code) => {
        TableCodes
    };
    ($ty:tt) => {
        Vec<$ty>
    };
}

macro_rules! params {
    ($(
        $(#[doc = $formula:literal])+
        $number:literal $form:ident $name:literal $acc_bits:literal $bits:literal {
            $($(#[doc = $about:literal])+ $array:ident: $ty:tt $what:ident,)*
        } [$($(#[doc = $single_about:literal])+ $single:ident: $single_ty:ty,)*];
    )*) => {
        /// The owned twin of [`Form`]: arrays hold one element (or group) for each channel, or one for all.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum FormParams {
            $($(#[doc = $formula])+ $form {
                $($(#[doc = $about])+ $array: owned!($ty),)*
                $($(#[doc = $single_about])+ $single: $single_ty,)*
            },)*
        }

        impl FormParams {
            fn view(&self) -> Form<'_> {
                match self {
                    $(Self::$form { $($array,)* $($single,)* } => {
                        Form::$form { $($array: $array.view(),)* $($single: *$single,)* }
                    })*
                }
            }

            fn kind(&self) -> FormKind {
                match self {
                    $(Self::$form { .. } => FormKind::$form,)*
                }
            }

            fn size_bytes(&self) -> usize {
                match self {
                    $(Self::$form { $($array,)* .. } => 0 $(+ $array.size_bytes())*,)*
                }
            }
        }
    };
}

requant_forms!(params);

impl RequantParams {
    /// The form the runtime applies.
    pub fn view(&self) -> Requant<'_> {
        Requant { form: self.form.view(), lo: self.lo, hi: self.hi }
    }

    /// Which form it is.
    pub fn kind(&self) -> FormKind {
        self.form.kind()
    }

    /// Bytes of the parameter arrays, without headers and alignment.
    pub fn size_bytes(&self) -> usize {
        self.form.size_bytes()
    }
}
