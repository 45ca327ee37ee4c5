//! Constants of a file while it is lifted: numbers with a shape and an element type.
//!
//! Initializers and `Constant` nodes become these; `fold` computes with them, and nodes of the graph get them as values.

use exactum_qonnx::{ElemType, TensorData};

use super::context::MAX_RANK;
pub(super) use crate::constants::{Numbers, Tensor};
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::graph::{Constant, Type, Value};

impl Tensor {
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
        let elem = tensor.elem();
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
            TensorData::Opaque { bytes, .. } => {
                let values = words(elem, bytes).take(tensor.len_elems().unwrap_or(0));
                match elem.integer() {
                    Some((bits, signed)) => {
                        let sign = if signed { 1 << (bits - 1) } else { 0 };
                        Some(Numbers::Int(values.map(|word| (i64::from(word) ^ sign) - sign).collect()))
                    }
                    None => values.map(|word| elem.stored(word)).collect::<Option<_>>().map(Numbers::Real),
                }
            }
            TensorData::Strings(_) => None,
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

/// The stored words of elements of `elem`, which take 2 to 16 bits each.
fn words(elem: ElemType, bytes: &[u8]) -> impl Iterator<Item = u16> {
    let bits = elem.size_bits().clamp(2, 16);
    let per_byte = (8 / bits).max(1);
    let mask = if bits >= 8 { 0xffff } else { (1 << bits) - 1 };
    bytes.chunks(bits.div_ceil(8)).flat_map(move |word| {
        let word = u16::from_le_bytes([word[0], word.get(1).copied().unwrap_or(0)]);
        (0..per_byte).map(move |i| word >> (i * bits) & mask)
    })
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
        let bytes = [0x7c00u16, 0xfc00, 0x7e00].iter().flat_map(|bits| bits.to_le_bytes());
        let data = TensorData::Opaque { elem: ElemType::F16, bytes: bytes.collect() };
        let Numbers::Real(values) = read(&[3], data).numbers else { panic!("halves are reals") };
        assert_eq!(values[..2], [f64::INFINITY, f64::NEG_INFINITY]);
        assert!(values[2].is_nan());
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
