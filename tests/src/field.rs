//! Files of the kinds that people bring along: the fixtures in `fixtures/field`, one folder a kind, written by
//! `fixtures/field_models.py`. Used by the suites `conformance` and `field`.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::case::{Case, Source, array, fixtures};
use crate::oracle::{Oracle, Output};
use crate::recorded::floats;

/// A network with samples, and what another tool computes for them.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// Kind and name, such as `two_inputs::add_2`.
    pub name: String,
    /// Where its files are.
    pub folder: PathBuf,
    /// For each output how many of the tool's numbers, computed in float32, are not the exact ones.
    pub differ: Vec<u64>,
    /// The code of the error that says why there is no program.
    pub refused: Option<String>,
}

/// Every fixture, in order.
///
/// # Errors
/// If the folder is not readable.
pub fn all() -> Result<Vec<Fixture>, String> {
    let mut found = vec![];
    for kind in folders(&fixtures().join("field"))? {
        for folder in folders(&kind)? {
            let case: Json = serde_json::from_slice(&std::fs::read(folder.join("case.json")).map_err(text)?)
                .map_err(text)?;
            let part = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.push(Fixture {
                name: format!("{}::{}", part(&kind), part(&folder)),
                differ: case["differ"].as_array().into_iter().flatten().filter_map(Json::as_u64).collect(),
                refused: case["refused"].as_str().map(str::to_owned),
                folder,
            });
        }
    }
    Ok(found)
}

impl Fixture {
    /// Its case for the backends.
    pub fn case(&self) -> Case {
        let fixture = self.clone();
        Case::new(format!("field::{}", self.name), move || fixture.source())
    }

    /// The path of its model.
    pub fn model(&self) -> PathBuf {
        self.folder.join("model.onnx")
    }

    /// The model and its samples.
    ///
    /// # Errors
    /// If a file is missing or malformed.
    pub fn source(&self) -> Result<Source, String> {
        let bytes = std::fs::read(self.model()).map_err(text)?;
        let mut folder = exactum_qonnx::Folder::of(&self.model());
        let model = exactum_qonnx::read_beside(&bytes, &mut folder).map_err(text)?;
        let mut samples: Vec<Vec<f32>> = vec![];
        for input in 0..model.graph.real_inputs().len() {
            let array = array(&self.folder.join(format!("input_{input}.npy")))?;
            let elems: usize = array.shape[1..].iter().product();
            samples.resize(array.shape[0], vec![]);
            for (sample, values) in samples.iter_mut().zip(array.values.chunks(elems.max(1))) {
                sample.extend(values.iter().map(|value| *value as f32));
            }
        }
        Ok(Source { model, samples })
    }

    /// Compares what the tool computed with the exact reading of the file.
    ///
    /// # Errors
    /// If another number of results differs than the fixture says, or integers by more than one.
    pub fn check(&self) -> Result<(), String> {
        let source = self.source()?;
        let oracle = Oracle::new(&source.model).map_err(text)?;
        let exact: Vec<Vec<Output>> =
            source.samples.iter().map(|sample| oracle.run(sample).map_err(text)).collect::<Result<_, _>>()?;
        let outputs = exact.first().map_or(0, Vec::len);
        if self.differ.len() != outputs {
            return Err(format!("{} outputs, recorded are {}", outputs, self.differ.len()));
        }
        for (index, allowed) in self.differ.iter().enumerate() {
            let recorded = array(&self.folder.join(format!("output_{index}.npy")))?.values;
            let own: Vec<&Output> = exact.iter().map(|outputs| &outputs[index]).collect();
            let found = floats(&recorded, &own, &source.model.graph)?;
            if own.iter().all(|output| output.is_integer()) {
                let values = own.iter().flat_map(|output| output.value.rationals());
                let far = values.zip(&recorded).position(|(value, recorded)| {
                    let recorded = num_rational::BigRational::from_float(*recorded);
                    recorded.is_none_or(|recorded| {
                        num_traits::Signed::abs(&(value - recorded)) > num_traits::One::one()
                    })
                });
                if let Some(element) = far {
                    return Err(format!("output {index}, element {element}: more than one code away"));
                }
            }
            if found.differing as u64 != *allowed {
                return Err(format!("output {index}: {} differ, recorded are {allowed}", found.differing));
            }
        }
        Ok(())
    }
}

fn folders(path: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>().map_err(text)?;
    paths.retain(|path| path.is_dir());
    paths.sort();
    Ok(paths)
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
