//! A case: a model, samples for it, and the integers that every backend has to give.
//!
//! The integers come from the oracle: its exact real values, counted in the units that the compiler says the output
//! has. A value that is no whole number of these units fails the case, whatever the backends compute.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use exactum_importer::Compiled;
use exactum_importer::graph::{Meaning, Type};
use exactum_qonnx::Model;
use exactum_training::data::digits;
use num_rational::BigRational;
use num_traits::ToPrimitive;
use serde_json::Value as Json;

use crate::oracle::{Dyadic, Oracle};

/// For each sample the integers of its outputs, in the file's order of elements.
pub type Integers = Vec<Vec<i64>>;

/// A model with samples; compiled and evaluated when first asked for.
pub struct Case {
    /// Such as `brevitas::conv_padded`.
    pub name: String,
    make: Box<dyn Fn() -> Result<Source, String> + Send + Sync>,
    made: OnceLock<Result<Made, String>>,
}

/// What a case is made of.
#[derive(Clone, Debug)]
pub struct Source {
    /// The model; its one input is a batch of samples.
    pub model: Model,
    /// The input values of each sample.
    pub samples: Vec<Vec<f32>>,
}

/// A case ready to run.
#[derive(Debug)]
pub struct Made {
    /// Model and samples.
    pub source: Source,
    /// The model, compiled.
    pub compiled: Compiled,
    /// The oracle's exact values: for each sample, each output.
    pub exact: Vec<Vec<Dyadic>>,
    /// The oracle's integers.
    pub expected: Integers,
}

/// The folder of fixtures made with other tools.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "case {}", self.name)
    }
}

impl Case {
    /// A case that `make` provides.
    pub fn new(
        name: impl Into<String>,
        make: impl Fn() -> Result<Source, String> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), make: Box::new(make), made: OnceLock::new() }
    }

    /// The Brevitas fixture `name`.
    pub fn brevitas(name: &str) -> Self {
        let folder = fixtures().join("brevitas").join(name);
        Self::new(format!("brevitas::{name}"), move || {
            let input = array(&folder.join("input.npy"))?;
            let elems: usize = input.shape[1..].iter().product();
            let values: Vec<f32> = input.values.iter().map(|value| *value as f32).collect();
            Ok(Source {
                model: model(&folder)?,
                samples: values.chunks(elems).map(<[f32]>::to_vec).collect(),
            })
        })
    }

    /// The digit classifier `name` as training exported it, with the first `images` test images.
    pub fn exported(name: &str, images: usize) -> Self {
        let folder = fixtures().join("digits").join(name);
        Self::new(format!("exported::{name}"), move || {
            let test = digits::load().map_err(text)?.test;
            let samples =
                (0..images.min(test.len_samples())).map(|index| test.input(index).to_vec()).collect();
            Ok(Source { model: model(&folder)?, samples })
        })
    }

    /// The case, compiled and evaluated by the oracle.
    ///
    /// # Errors
    /// If it cannot be made, or the oracle's values are no whole units of the compiled model's output.
    pub fn made(&self) -> Result<&Made, String> {
        let made = self.made.get_or_init(|| Made::new((self.make)()?));
        made.as_ref().map_err(|problem| format!("{}: {problem}", self.name))
    }
}

impl Made {
    fn new(source: Source) -> Result<Self, String> {
        let compiled = exactum_importer::compile(&source.model).map_err(text)?;
        let oracle = Oracle::new(&source.model).map_err(text)?;
        let exact: Vec<Vec<Dyadic>> =
            source.samples.iter().map(|sample| oracle.run(sample).map_err(text)).collect::<Result<_, _>>()?;
        let expected = exact.iter().map(|outputs| units(&compiled, outputs)).collect::<Result<_, _>>()?;
        Ok(Self { source, compiled, exact, expected })
    }
}

/// Exact output values in units of the compiled model's outputs.
fn units(compiled: &Compiled, outputs: &[Dyadic]) -> Result<Vec<i64>, String> {
    let mut integers = vec![];
    for (id, exact) in compiled.quantized.outputs.iter().zip(outputs) {
        let value = compiled.quantized.value(*id);
        if value.shape != exact.shape {
            return Err(format!("output of shape {:?}, the oracle's is {:?}", value.shape, exact.shape));
        }
        let (meaning, zero_point) = match &value.ty {
            Type::Codes(codes) => (Meaning::of_codes(codes), codes.zero_point),
            Type::Accumulators { meaning: Some(meaning), .. } => (meaning.clone(), 0),
            other => return Err(format!("an output of type {other:?}")),
        };
        let inner: usize = value.shape[2..].iter().product();
        for index in 0..exact.integers.len() {
            let (gain, offset) = meaning.channel(index / inner % value.shape[1]);
            let count = (exact.rational(index) - offset) / gain;
            let whole = Some(&count).filter(|count| count.is_integer()).and_then(BigRational::to_i64);
            integers.push(whole.ok_or_else(|| {
                format!("element {index} is {count} units, not a whole number (zero point {zero_point})")
            })?);
        }
    }
    Ok(integers)
}

/// The model of the fixture in `folder`.
fn model(folder: &Path) -> Result<Model, String> {
    exactum_qonnx::read(&read(&folder.join("model.onnx"))?).map_err(text)
}

/// The list of Brevitas fixtures.
///
/// # Errors
/// If the list is not readable.
pub fn brevitas_index() -> Result<Vec<Json>, String> {
    let index: Json =
        serde_json::from_slice(&read(&fixtures().join("brevitas/index.json"))?).map_err(text)?;
    index["models"].as_array().cloned().ok_or_else(|| "no list of models".to_owned())
}

/// The array in a `.npy` file.
///
/// # Errors
/// If the file is not readable.
pub fn array(path: &Path) -> Result<exactum_importer::npy::Array, String> {
    exactum_importer::npy::read(&read(path)?).map_err(text)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
