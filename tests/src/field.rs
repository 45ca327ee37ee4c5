//! Files of the kinds that people bring along: the fixtures in `fixtures/field`, one folder a kind, written by
//! `fixtures/make/field_models.py`. Used by the suites `conformance` and `field`.

use std::path::{Path, PathBuf};

use exactum_importer::batch::{Batch, Host};
use exactum_importer::container::Container;
use exactum_importer::npy::{self, Array};
use exactum_importer::reference::Reference;
use exactum_importer::trace::{self, LayerRow};
use serde_json::Value as Json;

use crate::case::{Case, Source, array, fixtures, of_inputs};
use crate::oracle::{Oracle, Output};
use crate::recorded::floats;

/// Floats further apart than this part of the largest are counted.
const FLOAT_TOLERANCE: f64 = 1e-5;

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
    in_folder("field")
}

/// The fixtures with constants and branches of operators that the oracle does not know.
///
/// # Errors
/// If the folder is not readable.
pub fn computed() -> Result<Vec<Fixture>, String> {
    in_folder("computed")
}

fn in_folder(folder: &str) -> Result<Vec<Fixture>, String> {
    let mut found = vec![];
    for kind in folders(&fixtures().join(folder))? {
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

impl Fixture {
    /// Compares what `exactum run` writes with what the tool computed, the types of the arrays included, and every
    /// value of the program with that of the exact reference.
    ///
    /// # Errors
    /// If another number of results differs than the fixture says.
    pub fn check_written(&self) -> Result<(), String> {
        let Source { model, samples } = self.source()?;
        let compiled = exactum_importer::compile(&model).map_err(text)?;
        let container = Container::new(&compiled, &model, &[]);
        let outputs = &container.interface().outputs;
        let mut host = Host::new(container.program());
        let mut written: Vec<Vec<f64>> = vec![vec![]; outputs.len()];
        for sample in &samples {
            let integers = host.run(&of_inputs(&compiled, sample));
            for ((port, integers), written) in outputs.iter().zip(integers).zip(&mut written) {
                written.extend(port.numbers(port.of_stored(&integers).into_iter().map(i64::from)));
            }
        }
        if model.graph.outputs.iter().map(|output| &output.name).ne(outputs.iter().map(|port| &port.name)) {
            return Err("outputs of other names".to_owned());
        }
        for (index, (port, written)) in outputs.iter().zip(&written).enumerate() {
            let file = std::fs::read(self.folder.join(format!("output_{index}.npy"))).map_err(text)?;
            let recorded = npy::read(&file).map_err(text)?;
            let shape = [&[samples.len()], port.sample_shape()].concat();
            let own = npy::write_numbers(port.tensor.elem, &shape, written);
            let types = [element_type(&own), element_type(&file)];
            if types[0] != types[1] || recorded.shape != shape {
                return Err(format!(
                    "output {index}: types {types:?}, shapes {shape:?}, {:?}",
                    recorded.shape
                ));
            }
            let largest = recorded.values.iter().fold(0f64, |largest, value| largest.max(value.abs()));
            let tolerance = if port.tensor.holds_integers() { 0.0 } else { largest * FLOAT_TOLERANCE };
            let far = |(a, b): &(&f64, &f64)| (*a - *b).abs() > tolerance;
            let differing = written.iter().zip(&recorded.values).filter(far).count() as u64;
            if self.differ.get(index) != Some(&differing) {
                return Err(format!("output {index}: {differing} of what is written differ"));
            }
        }
        Ok(())
    }

    /// Compares every value that the program computes with that of the exact reference.
    ///
    /// # Errors
    /// If one differs, or none is compared.
    pub fn check_layers(&self) -> Result<(), String> {
        let Source { model, samples } = self.source()?;
        let compiled = exactum_importer::compile(&model).map_err(text)?;
        let container = Container::new(&compiled, &model, &[]);
        let interface = container.interface();
        let own = |name: &str| interface.input_names.iter().position(|input| input == name).unwrap_or(0);
        let arrays: Vec<Array> = interface
            .read_inputs()
            .iter()
            .map(|port| array(&self.folder.join(format!("input_{}.npy", own(&port.name)))))
            .collect::<Result<_, _>>()?;
        let batch = Batch::new(container.interface(), &arrays).map_err(text)?;
        let reference = Reference::new(&compiled.quantized);
        let mut exact = trace::Exact::new(&reference, &batch);
        let mut host = trace::HostProgram::new(&compiled, container.program(), &batch);
        let graph = &compiled.quantized;
        let found = trace::compare(graph, &reference, &batch, &mut exact, &mut host, || ());
        let stored = |layer: &&LayerRow| layer.op == "requantize" || layer.op == "quantize";
        let missing = found.layers.iter().filter(stored).find(|layer| layer.elements == 0);
        match (found.differing(), missing) {
            (0, None) if found.compared() > 0 && found.samples == samples.len() => Ok(()),
            (0, _) => Err(format!("not compared: {missing:?}")),
            _ => Err(format!("{:?}", found.first)),
        }
    }
}

/// The type of the elements in the header of a `.npy` file.
fn element_type(file: &[u8]) -> String {
    let text = String::from_utf8_lossy(&file[..file.len().min(128)]).into_owned();
    text.split('\'').nth(3).unwrap_or_default().to_owned()
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
