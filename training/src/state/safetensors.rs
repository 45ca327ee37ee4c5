//! Safetensors files: the format states are saved in.

use std::path::Path;

use exactum_host::files::write_whole;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

use super::{StateDict, StateFileError};
use crate::backend::{DType, TensorData};

impl StateDict {
    /// Reads a safetensors file. Tensors of any numeric type become floats.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is no safetensors file.
    pub fn from_safetensors(path: impl AsRef<Path>) -> Result<Self, StateFileError> {
        let path = path.as_ref();
        let fail = |reason: String| StateFileError { path: path.to_owned(), reason };
        let bytes = std::fs::read(path).map_err(|error| fail(error.to_string()))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| fail(error.to_string()))?;
        let mut state = Self::default();
        for (key, tensor) in tensors.tensors() {
            let dtype = dtype(tensor.dtype()).ok_or_else(|| {
                fail(format!("`{key}` has elements of type {:?}, needed numbers", tensor.dtype()))
            })?;
            let data = TensorData::from_bytes_vec(tensor.data().to_vec(), tensor.shape().to_vec(), dtype);
            state.insert_data(key, data).map_err(fail)?;
        }
        Ok(state)
    }

    /// Writes a safetensors file. The file appears whole or not at all; one that was there is replaced.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn save_safetensors(&self, path: impl AsRef<Path>) -> Result<(), StateFileError> {
        let path = path.as_ref();
        let fail = |reason: String| StateFileError { path: path.to_owned(), reason };
        let bytes: Vec<(&str, &[usize], Vec<u8>)> = self
            .entries
            .iter()
            .map(|(key, tensor)| {
                (
                    key.as_str(),
                    tensor.shape.as_slice(),
                    tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect(),
                )
            })
            .collect();
        let views = bytes
            .iter()
            .map(|(key, shape, bytes)| Ok((*key, TensorView::new(Dtype::F32, shape.to_vec(), bytes)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>();
        let file = views.and_then(|views| serialize(views, None)).map_err(|error| fail(error.to_string()))?;
        write_whole(path, &file).map_err(|error| fail(error.to_string()))
    }
}

fn dtype(found: Dtype) -> Option<DType> {
    Some(match found {
        Dtype::F64 => DType::F64,
        Dtype::F32 => DType::F32,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::I64 => DType::I64,
        Dtype::I32 => DType::I32,
        Dtype::I16 => DType::I16,
        Dtype::I8 => DType::I8,
        Dtype::U64 => DType::U64,
        Dtype::U32 => DType::U32,
        Dtype::U16 => DType::U16,
        Dtype::U8 | Dtype::BOOL => DType::U8,
        _ => return None,
    })
}
