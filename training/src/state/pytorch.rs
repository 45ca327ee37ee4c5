//! Checkpoints of PyTorch: what `torch.save(model.state_dict(), path)` writes.

use std::path::Path;

use burn::store::pytorch_reader::{self, PytorchReader};

use super::{StateDict, StateFileError};
use crate::backend::{DType, TensorData};

impl StateDict {
    /// Reads a PyTorch file. Tensors of any numeric type become floats.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is no checkpoint.
    pub fn from_pytorch(path: impl AsRef<Path>) -> Result<Self, StateFileError> {
        Self::read_pytorch(path.as_ref(), |path| PytorchReader::new(path))
    }

    /// Reads the tensors under `key`, such as `state_dict`, of a PyTorch file that holds more.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is no checkpoint or has nothing called `key`.
    pub fn from_pytorch_key(path: impl AsRef<Path>, key: &str) -> Result<Self, StateFileError> {
        Self::read_pytorch(path.as_ref(), |path| PytorchReader::with_top_level_key(path, key))
    }

    fn read_pytorch(
        path: &Path,
        open: impl FnOnce(&Path) -> Result<PytorchReader, pytorch_reader::PytorchError>,
    ) -> Result<Self, StateFileError> {
        let fail = |reason: String| StateFileError { path: path.to_owned(), reason };
        let reader = open(path).map_err(|error| fail(error.to_string()))?;
        let mut state = Self::default();
        for (key, tensor) in reader.into_tensors() {
            let bytes = tensor.read().map_err(|error| fail(error.to_string()))?;
            let data = TensorData::from_bytes_vec(bytes, tensor.shape().to_vec(), dtype(tensor.dtype()));
            state.insert_data(key, data).map_err(fail)?;
        }
        Ok(state)
    }
}

fn dtype(found: pytorch_reader::DType) -> DType {
    use pytorch_reader::DType as Found;
    match found {
        Found::F64 => DType::F64,
        Found::F32 => DType::F32,
        Found::F16 => DType::F16,
        Found::BF16 => DType::BF16,
        Found::I64 => DType::I64,
        Found::I32 => DType::I32,
        Found::I16 => DType::I16,
        Found::I8 => DType::I8,
        Found::U64 => DType::U64,
        Found::U32 => DType::U32,
        Found::U16 => DType::U16,
        Found::U8 | Found::Bool => DType::U8,
    }
}
