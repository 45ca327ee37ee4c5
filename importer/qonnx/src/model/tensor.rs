//! Constant tensors and their element types.

use std::fmt;

macro_rules! elem_types {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $name:literal, $bits:literal;)*) => {
        /// Element type of a tensor, as ONNX enumerates them.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ElemType {
            $($(#[$doc])* $variant = $code,)*
        }

        impl ElemType {
            /// Every element type, in the order of the codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The type ONNX gives number `code`.
            pub fn from_code(code: i32) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The number ONNX gives this type.
            pub fn code(self) -> i32 {
                self as i32
            }

            /// The name used in text, such as `float32`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Bits an element takes in packed storage; 0 for strings and the undefined type.
            pub fn size_bits(self) -> usize {
                match self {
                    $(Self::$variant => $bits,)*
                }
            }
        }
    };
}

elem_types! {
    /// Not stated.
    #[default] Undefined = 0, "undefined", 0;
    /// IEEE single precision.
    F32 = 1, "float32", 32;
    /// Unsigned 8-bit integer.
    U8 = 2, "uint8", 8;
    /// Signed 8-bit integer.
    I8 = 3, "int8", 8;
    /// Unsigned 16-bit integer.
    U16 = 4, "uint16", 16;
    /// Signed 16-bit integer.
    I16 = 5, "int16", 16;
    /// Signed 32-bit integer.
    I32 = 6, "int32", 32;
    /// Signed 64-bit integer.
    I64 = 7, "int64", 64;
    /// Text.
    String = 8, "string", 0;
    /// Truth value, one byte each.
    Bool = 9, "bool", 8;
    /// IEEE half precision.
    F16 = 10, "float16", 16;
    /// IEEE double precision.
    F64 = 11, "float64", 64;
    /// Unsigned 32-bit integer.
    U32 = 12, "uint32", 32;
    /// Unsigned 64-bit integer.
    U64 = 13, "uint64", 64;
    /// Two single precision numbers.
    Complex64 = 14, "complex64", 64;
    /// Two double precision numbers.
    Complex128 = 15, "complex128", 128;
    /// The upper half of a single precision number.
    Bf16 = 16, "bfloat16", 16;
    /// 8-bit float, 4-bit exponent, no infinity.
    F8E4M3Fn = 17, "float8e4m3fn", 8;
    /// 8-bit float, 4-bit exponent, no infinity, no negative zero.
    F8E4M3Fnuz = 18, "float8e4m3fnuz", 8;
    /// 8-bit float, 5-bit exponent.
    F8E5M2 = 19, "float8e5m2", 8;
    /// 8-bit float, 5-bit exponent, no infinity, no negative zero.
    F8E5M2Fnuz = 20, "float8e5m2fnuz", 8;
    /// Unsigned 4-bit integer, two to a byte.
    U4 = 21, "uint4", 4;
    /// Signed 4-bit integer, two to a byte.
    I4 = 22, "int4", 4;
    /// 4-bit float, 2-bit exponent, two to a byte.
    F4E2M1 = 23, "float4e2m1", 4;
    /// 8-bit power of two.
    F8E8M0 = 24, "float8e8m0", 8;
    /// Unsigned 2-bit integer, four to a byte.
    U2 = 25, "uint2", 2;
    /// Signed 2-bit integer, four to a byte.
    I2 = 26, "int2", 2;
}

impl fmt::Display for ElemType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A constant tensor in row-major order.
///
/// The reader guarantees as many elements as `shape` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Name by which nodes refer to an initializer; often empty inside an attribute.
    pub name: String,
    /// Size of each dimension; empty for a scalar.
    pub shape: Vec<usize>,
    /// The elements.
    pub data: TensorData,
}

/// The elements of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum TensorData {
    /// IEEE single precision.
    F32(Vec<f32>),
    /// IEEE double precision.
    F64(Vec<f64>),
    /// Signed 8-bit integers.
    I8(Vec<i8>),
    /// Unsigned 8-bit integers.
    U8(Vec<u8>),
    /// Signed 16-bit integers.
    I16(Vec<i16>),
    /// Unsigned 16-bit integers.
    U16(Vec<u16>),
    /// Signed 32-bit integers.
    I32(Vec<i32>),
    /// Unsigned 32-bit integers.
    U32(Vec<u32>),
    /// Signed 64-bit integers.
    I64(Vec<i64>),
    /// Unsigned 64-bit integers.
    U64(Vec<u64>),
    /// Truth values.
    Bool(Vec<bool>),
    /// Byte strings, by custom UTF-8.
    Strings(Vec<Vec<u8>>),
    /// Types nothing here computes with: their little-endian packed bytes.
    Opaque {
        /// Element type: a half, 8-bit, 4-bit or complex float, or a 4-bit or 2-bit integer.
        elem: ElemType,
        /// Elements, [`ElemType::size_bits`] each, the last byte padded.
        bytes: Vec<u8>,
    },
}

impl Tensor {
    /// A tensor of `data` in row-major order.
    ///
    /// # Panics
    /// If `shape` does not hold as many elements as `data`.
    pub fn new(name: impl Into<String>, shape: &[usize], data: impl Into<TensorData>) -> Self {
        let tensor = Self { name: name.into(), shape: shape.to_vec(), data: data.into() };
        assert!(
            tensor.is_consistent(),
            "tensor \"{}\": shape {shape:?} does not match its data",
            tensor.name
        );
        tensor
    }

    /// A tensor of rank 0.
    pub fn scalar(name: impl Into<String>, value: f32) -> Self {
        Self { name: name.into(), shape: Vec::new(), data: TensorData::F32(vec![value]) }
    }

    /// Number of elements `shape` holds, or `None` beyond the address space.
    pub fn len_elems(&self) -> Option<usize> {
        element_count(&self.shape)
    }

    /// Whether `shape` and `data` agree on the number of elements.
    pub fn is_consistent(&self) -> bool {
        self.len_elems().is_some_and(|elems| self.data.holds(elems))
    }

    /// Type of the elements.
    pub fn elem(&self) -> ElemType {
        self.data.elem()
    }

    /// The elements if they are single precision numbers.
    pub fn as_f32(&self) -> Option<&[f32]> {
        match &self.data {
            TensorData::F32(values) => Some(values),
            _ => None,
        }
    }

    /// The elements if they are 64-bit integers, as shapes and axes are.
    pub fn as_i64(&self) -> Option<&[i64]> {
        match &self.data {
            TensorData::I64(values) => Some(values),
            _ => None,
        }
    }
}

impl Tensor {
    /// The elements as double precision numbers, or `None` if they are no numbers or one of them has no exact
    /// double, which only 64-bit integers can cause.
    ///
    /// Some exporters store the scales of `Quant` as doubles and its zero points and bit widths as integers.
    pub fn to_f64(&self) -> Option<Vec<f64>> {
        fn widen<T: Copy + Into<f64>>(values: &[T]) -> Option<Vec<f64>> {
            Some(values.iter().map(|&value| value.into()).collect())
        }
        // Integers that a double holds exactly are those with at most 53 significant bits.
        let exact = |magnitude: u64| {
            magnitude == 0
                || 64 - magnitude.leading_zeros() - magnitude.trailing_zeros() <= f64::MANTISSA_DIGITS
        };
        match &self.data {
            TensorData::F32(values) => widen(values),
            TensorData::F64(values) => widen(values),
            TensorData::I8(values) => widen(values),
            TensorData::U8(values) => widen(values),
            TensorData::I16(values) => widen(values),
            TensorData::U16(values) => widen(values),
            TensorData::I32(values) => widen(values),
            TensorData::U32(values) => widen(values),
            TensorData::I64(values) => {
                values.iter().map(|&value| exact(value.unsigned_abs()).then_some(value as f64)).collect()
            }
            TensorData::U64(values) => {
                values.iter().map(|&value| exact(value).then_some(value as f64)).collect()
            }
            TensorData::Bool(_) | TensorData::Strings(_) | TensorData::Opaque { .. } => None,
        }
    }
}

/// Product of `shape`, or `None` on overflow. A zero anywhere makes an empty tensor.
pub(crate) fn element_count(shape: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1_usize, |count, &dim| count.checked_mul(dim))
}

macro_rules! plain_data {
    ($($variant:ident($native:ty)),* $(,)?) => {
        $(impl From<Vec<$native>> for TensorData {
            fn from(values: Vec<$native>) -> Self {
                Self::$variant(values)
            }
        })*

        impl TensorData {
            /// Type of the elements.
            pub fn elem(&self) -> ElemType {
                match self {
                    $(Self::$variant(_) => ElemType::$variant,)*
                    Self::Strings(_) => ElemType::String,
                    Self::Opaque { elem, .. } => *elem,
                }
            }

            /// Whether there are exactly `elems` elements.
            fn holds(&self, elems: usize) -> bool {
                match self {
                    $(Self::$variant(values) => values.len() == elems,)*
                    Self::Strings(values) => values.len() == elems,
                    Self::Opaque { elem, bytes } => packed_size_bytes(*elem, elems) == Some(bytes.len()),
                }
            }
        }
    };
}

plain_data!(
    F32(f32),
    F64(f64),
    I8(i8),
    U8(u8),
    I16(i16),
    U16(u16),
    I32(i32),
    U32(u32),
    I64(i64),
    U64(u64),
    Bool(bool)
);

/// Bytes of `elems` packed elements, or `None` beyond the address space.
pub(crate) fn packed_size_bytes(elem: ElemType, elems: usize) -> Option<usize> {
    elems.checked_mul(elem.size_bits()).map(|bits| bits.div_ceil(8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_exact_or_refused() {
        let to_f64 = |data: TensorData| Tensor { name: String::new(), shape: vec![1], data }.to_f64();
        assert_eq!(to_f64(vec![0.1_f32].into()), Some(vec![f64::from(0.1_f32)]));
        assert_eq!(to_f64(vec![u32::MAX].into()), Some(vec![4_294_967_295.0]));
        assert_eq!(to_f64(vec![(1_i64 << 53) + 1].into()), None);
        assert_eq!(to_f64(vec![-(1_i64 << 53)].into()), Some(vec![-9_007_199_254_740_992.0]));
        assert_eq!(to_f64(vec![i64::MIN].into()), Some(vec![-9_223_372_036_854_775_808.0]));
        assert_eq!(to_f64(vec![u64::MAX].into()), None);
        assert_eq!(to_f64(vec![true].into()), None);
    }

    #[test]
    fn shapes_and_data_must_agree() {
        let tensor =
            |shape: &[usize], data: TensorData| Tensor { name: String::new(), shape: shape.to_vec(), data };
        assert!(tensor(&[2, 0, usize::MAX], Vec::<f32>::new().into()).is_consistent());
        assert!(!tensor(&[usize::MAX, 2], vec![1.0_f32].into()).is_consistent());
        assert!(tensor(&[3], TensorData::Opaque { elem: ElemType::I4, bytes: vec![0, 0] }).is_consistent());
        assert!(!tensor(&[5], TensorData::Opaque { elem: ElemType::I4, bytes: vec![0, 0] }).is_consistent());
    }
}
