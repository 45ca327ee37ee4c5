//! Constants of a file while it is lifted: numbers with a shape and an element type.
//!
//! Initializers and `Constant` nodes become these; `fold` computes with them, and nodes of the graph get them as values.

use exactum_qonnx::{ElemType, TensorData};

use super::context::MAX_RANK;
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::graph::{Constant, Type, Value};

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tensor {
    /// Element type; halves are held as `float32`, which contains them.
    pub(super) elem: ElemType,
    /// Elements along each axis.
    pub(super) shape: Vec<usize>,
    /// The elements, row-major.
    pub(super) numbers: Numbers,
}

/// Elements of a constant.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Numbers {
    /// Floats; each is a number of the element type.
    Real(Vec<f64>),
    /// Integers, and truth values as 0 and 1.
    Int(Vec<i64>),
}

impl Numbers {
    pub(super) const fn len(&self) -> usize {
        match self {
            Self::Real(values) => values.len(),
            Self::Int(values) => values.len(),
        }
    }

    /// The elements at `indices`.
    pub(super) fn pick(&self, indices: &[usize]) -> Self {
        match self {
            Self::Real(values) => Self::Real(indices.iter().map(|index| values[*index]).collect()),
            Self::Int(values) => Self::Int(indices.iter().map(|index| values[*index]).collect()),
        }
    }

    /// The elements as doubles.
    pub(super) fn reals(&self) -> Vec<f64> {
        match self {
            Self::Real(values) => values.clone(),
            Self::Int(values) => values.iter().map(|value| *value as f64).collect(),
        }
    }
}

impl Tensor {
    /// A list of 64-bit integers.
    pub(super) fn ints(values: Vec<i64>) -> Self {
        Self { elem: ElemType::I64, shape: vec![values.len()], numbers: Numbers::Int(values) }
    }

    /// What the file's tensor holds.
    pub(super) fn read(tensor: &exactum_qonnx::Tensor, at: &Location) -> Result<Self, Diagnostic> {
        if !tensor.is_consistent() {
            let found = format!("shape {:?} and other data", tensor.shape);
            let needed = "as many elements as the shape has";
            return Err(Diagnostic::new(Code::BadTensor, at.clone(), found, needed));
        }
        if tensor.shape.len() > MAX_RANK {
            let found = format!("{} axes", tensor.shape.len());
            return Err(Diagnostic::new(Code::TooLarge, at.clone(), found, format!("at most {MAX_RANK}")));
        }
        fn wide<T: Copy + Into<i64>>(values: &[T]) -> Option<Numbers> {
            Some(Numbers::Int(values.iter().map(|value| (*value).into()).collect()))
        }
        let reals = |values: Vec<f32>| Some(Numbers::Real(values.into_iter().map(f64::from).collect()));
        let mut elem = tensor.elem();
        let numbers = match &tensor.data {
            TensorData::F32(values) => reals(values.clone()),
            TensorData::F64(values) => Some(Numbers::Real(values.clone())),
            TensorData::I8(values) => wide(values),
            TensorData::U8(values) => wide(values),
            TensorData::I16(values) => wide(values),
            TensorData::U16(values) => wide(values),
            TensorData::I32(values) => wide(values),
            TensorData::U32(values) => wide(values),
            TensorData::I64(values) => wide(values),
            TensorData::Bool(values) => wide(values),
            TensorData::U64(values) => {
                let narrow: Option<Vec<i64>> =
                    values.iter().map(|value| i64::try_from(*value).ok()).collect();
                narrow.map(Numbers::Int)
            }
            TensorData::Opaque { elem: ElemType::F16, bytes } => {
                elem = ElemType::F32;
                reals(
                    bytes.chunks_exact(2).map(|pair| half(u16::from_le_bytes([pair[0], pair[1]]))).collect(),
                )
            }
            TensorData::Opaque { elem: ElemType::Bf16, bytes } => {
                elem = ElemType::F32;
                let single = |pair: &[u8]| f32::from_le_bytes([0, 0, pair[0], pair[1]]);
                reals(bytes.chunks_exact(2).map(single).collect())
            }
            TensorData::Opaque { elem: ElemType::I4 | ElemType::U4, bytes } => {
                let sign = if elem == ElemType::I4 { 8 } else { 0 };
                let nibbles = bytes.iter().flat_map(|byte| [byte & 15, byte >> 4]);
                let values = nibbles.map(|nibble| (i64::from(nibble) ^ sign) - sign);
                Some(Numbers::Int(values.take(tensor.len_elems().unwrap_or(0)).collect()))
            }
            TensorData::Strings(_) | TensorData::Opaque { .. } => None,
        };
        match numbers {
            Some(numbers) => Ok(Self { elem, shape: tensor.shape.clone(), numbers }),
            None => {
                let found = format!("elements of type {}", tensor.elem());
                let needed = "numbers of at most 64 bits: floats, integers or truth values";
                Err(Diagnostic::new(Code::BadTensor, at.clone(), found, needed))
            }
        }
    }

    /// Number of elements.
    pub(super) const fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The integers, if it holds such.
    pub(super) fn as_ints(&self) -> Option<&[i64]> {
        match &self.numbers {
            Numbers::Int(values) => Some(values),
            Numbers::Real(_) => None,
        }
    }

    /// The one element, as a double.
    pub(super) fn scalar(&self) -> Option<f64> {
        match &self.numbers {
            Numbers::Real(values) if values.len() == 1 => Some(values[0]),
            Numbers::Int(values) if values.len() == 1 => Some(values[0] as f64),
            _ => None,
        }
    }

    /// The constant as a value of the graph, or the number that no `float32` is.
    pub(super) fn to_value(&self, name: &str) -> Result<Value, f64> {
        let (ty, constant) = match &self.numbers {
            Numbers::Real(values) => {
                let narrow: Vec<f32> = values.iter().map(|value| *value as f32).collect();
                let inexact = values
                    .iter()
                    .zip(&narrow)
                    .find(|(wide, narrow)| !wide.is_nan() && f64::from(**narrow) != **wide);
                if let Some((value, _)) = inexact {
                    return Err(*value);
                }
                (Type::Float, Constant::Float(narrow))
            }
            Numbers::Int(values) => (Type::Shape, Constant::Shape(values.clone())),
        };
        let mut value = Value::new(name, self.shape.clone(), ty);
        value.constant = Some(constant);
        Ok(value)
    }
}

/// The value of a half precision number.
fn half(bits: u16) -> f32 {
    let fraction = f32::from(bits & 0x3ff);
    let magnitude = match bits >> 10 & 31 {
        0 => fraction * (-24f32).exp2(),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        exponent => (1024.0 + fraction) * (f32::from(exponent) - 25.0).exp2(),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(shape: &[usize], data: TensorData) -> Tensor {
        let tensor = exactum_qonnx::Tensor { name: "t".to_owned(), shape: shape.to_vec(), data };
        Tensor::read(&tensor, &Location::default()).unwrap()
    }

    #[test]
    fn halves_are_their_values() {
        let bytes = [0x3c00u16, 0xc100, 0x0001, 0x7bff, 0x8000].iter().flat_map(|bits| bits.to_le_bytes());
        let data = TensorData::Opaque { elem: ElemType::F16, bytes: bytes.collect() };
        let expected = vec![1.0, -2.5, 5.960_464_477_539_063e-8, 65504.0, -0.0];
        assert_eq!(read(&[5], data).numbers, Numbers::Real(expected));
        assert!(half(0x7e00).is_nan());
        assert_eq!([half(0x7c00), half(0xfc00)], [f32::INFINITY, f32::NEG_INFINITY]);
        let data = TensorData::Opaque { elem: ElemType::Bf16, bytes: vec![0x80, 0x3f, 0x20, 0xc0] };
        assert_eq!(read(&[2], data).numbers, Numbers::Real(vec![1.0, -2.5]));
    }

    #[test]
    fn nibbles_are_integers() {
        let data = |elem| TensorData::Opaque { elem, bytes: vec![0xf8, 0x07] };
        assert_eq!(read(&[3], data(ElemType::I4)).numbers, Numbers::Int(vec![-8, -1, 7]));
        assert_eq!(read(&[3], data(ElemType::U4)).numbers, Numbers::Int(vec![8, 15, 7]));
    }
}
