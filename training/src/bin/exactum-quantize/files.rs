//! Files that the command reads and writes.

use std::fs;
use std::path::Path;

use exactum_host::files::write_whole;
use exactum_host::npy;
use exactum_qonnx::ReadError;
use exactum_training::float::{FloatGraph, FloatGraphError, from_onnx};

use crate::problem::{Problem, data};

/// The float network in the ONNX file at `path`.
pub(crate) fn network(path: &Path) -> Result<FloatGraph, Problem> {
    let bytes = read(path)?;
    let failed = |error: FloatGraphError| Problem::Network { path: path.to_owned(), error };
    let mut folder = exactum_qonnx::Folder::of(path);
    let model = exactum_qonnx::read_beside(&bytes, &mut folder).map_err(|error| match error {
        ReadError::OtherKind { kind } => {
            data(path, kind.name(), format!("an ONNX model (.onnx); {}", kind.to_onnx()))
        }
        ReadError::NoOperatorSets => data(path, "no operator sets", "a complete ONNX model"),
        error => failed(error.into()),
    })?;
    from_onnx(&model).map_err(failed)
}

/// Samples of `sample_shape` from the `.npy` file at `path`, row-major.
pub(crate) fn samples(path: &Path, sample_shape: &[usize]) -> Result<Vec<f32>, Problem> {
    let array = array(path)?;
    let fits = array.shape.split_first().is_some_and(|(_, shape)| shape == sample_shape);
    if !fits {
        let needed = format!("[samples, {}], as the network takes them", list(sample_shape));
        return Err(data(path, format!("an array of shape [{}]", list(&array.shape)), needed));
    }
    let values = array.to_f32();
    if values.is_empty() {
        return Err(data(path, "no samples", "at least one, better a hundred"));
    }
    let elems: usize = sample_shape.iter().product();
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => {
            let found = format!("{} in sample {}", values[index], index / elems);
            Err(data(path, found, "finite numbers; remove the sample or repair it"))
        }
        None => Ok(values),
    }
}

/// One class below `classes` for each of `samples` samples, from the `.npy` file at `path`.
pub(crate) fn labels(path: &Path, samples: usize, classes: usize) -> Result<Vec<usize>, Problem> {
    let array = array(path)?;
    if array.shape != [samples] {
        let found = format!("an array of shape [{}]", list(&array.shape));
        return Err(data(path, found, format!("[{samples}], one class for each sample")));
    }
    let label = |(index, value): (usize, &f64)| {
        let is_class = value.fract() == 0.0 && (0.0..classes as f64).contains(value);
        is_class.then_some(*value as usize).ok_or_else(|| {
            data(
                path,
                format!("{value} for sample {index}"),
                format!("a class of 0 to {}", classes.max(1) - 1),
            )
        })
    };
    array.values.iter().enumerate().map(label).collect()
}

/// Writes the file at `path` whole.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    write_whole(path, bytes).map_err(|error| Problem::File {
        path: path.to_owned(),
        error,
        needed: "a path in a folder that can be written",
    })
}

fn array(path: &Path) -> Result<npy::Array, Problem> {
    npy::read(&read(path)?).map_err(|error| Problem::Array { path: path.to_owned(), error })
}

fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    fs::read(path).map_err(|error| Problem::File { path: path.to_owned(), error, needed: "a readable file" })
}

fn list(shape: &[usize]) -> String {
    shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
