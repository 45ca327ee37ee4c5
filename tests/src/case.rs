//! A case: a model, samples for it, and the integers that every backend has to give.
//!
//! The integers come from the oracle: its exact real values, counted in the units that the compiler says the output
//! has. A value that is no whole number of these units fails the case, whatever the backends compute.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use exactum_importer::diagnostic::{Code, Report};
use exactum_importer::exact::{Curve, Piece};
use exactum_importer::graph::{ChannelMap, Meaning, Op, TensorType, Type, ValueId};
use exactum_importer::input_type::InputType;
use exactum_importer::interface::Port;
use exactum_importer::passes::InputOrder;
use exactum_importer::reference::Reference;
use exactum_importer::target::Target;
use exactum_importer::{Compiled, Request, compile_as};
use exactum_qonnx::{Dim, ElemType, Model};
use exactum_runtime::num::IntType;
use exactum_training::data::digits;
use num_rational::BigRational;
use num_traits::ToPrimitive;
use serde_json::Value as Json;

use crate::oracle::{Exact, Oracle, Output};
use crate::values::Values;

/// For each sample the integers of its outputs, in the file's order of elements.
pub type Integers = Vec<Vec<i64>>;

/// A model with samples; compiled and evaluated when first asked for.
pub struct Case {
    /// Such as `brevitas::conv_padded`.
    pub name: String,
    make: Box<dyn Fn() -> Result<Source, String> + Send + Sync>,
    /// The order in which the program takes its inputs; samples have the file's.
    order: InputOrder,
    made: OnceLock<Result<Made, String>>,
}

/// What a case is made of.
#[derive(Clone, Debug)]
pub struct Source {
    /// The model; each of its inputs is a batch of samples.
    pub model: Model,
    /// The input values of each sample, those of all inputs in a row.
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
    pub exact: Vec<Vec<Exact>>,
    /// The oracle's integers.
    pub expected: Integers,
    /// The order in which the program takes its inputs; `None` where it was compiled to keep something from run to run.
    pub order: Option<InputOrder>,
}

/// Samples of a model that comes without any.
pub const SHARED_SAMPLES: usize = 4;
/// Largest input drawn for a model whose input is not quantized to integers: the numbers of an image.
const LARGEST_INPUT: i64 = 255;

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
        Self { name: name.into(), make: Box::new(make), order: InputOrder::OfFile, made: OnceLock::new() }
    }

    /// The Brevitas fixture `name`.
    pub fn brevitas(name: &str) -> Self {
        Self::fixture("brevitas", name)
    }

    /// The fixture `name` in standard operators.
    pub fn standard(name: &str) -> Self {
        Self::fixture("standard", name)
    }

    /// The fixture `name` in the folder `group` of fixtures.
    pub fn fixture(group: &str, name: &str) -> Self {
        let folder = fixtures().join(group).join(name);
        Self::new(format!("{group}::{name}"), move || {
            let input = array(&folder.join("input.npy"))?;
            let elems: usize = input.shape[1..].iter().product();
            let values: Vec<f32> = input.values.iter().map(|value| *value as f32).collect();
            Ok(Source {
                model: model(&folder)?,
                samples: values.chunks(elems).map(<[f32]>::to_vec).collect(),
            })
        })
    }

    /// The model in the file at `path`, with [`SHARED_SAMPLES`] samples drawn for it.
    pub fn shared(path: &Path) -> Self {
        let path = path.to_owned();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self::new(format!("shared::{name}"), move || {
            let mut model = exactum_qonnx::read(&read(&path)?).map_err(text)?;
            quantize_float_input(&mut model)?;
            let samples = samples(&model, SHARED_SAMPLES)?;
            Ok(Source { model, samples })
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

    /// The same, of a program that takes its inputs with their channels last.
    #[must_use]
    pub fn channels_last(self) -> Self {
        Self { name: format!("{}::channels_last", self.name), order: InputOrder::ChannelsLast, ..self }
    }

    /// The case, compiled and evaluated by the oracle.
    ///
    /// # Errors
    /// If it cannot be made, or the oracle's values are no whole units of the compiled model's output.
    pub fn made(&self) -> Result<&Made, String> {
        let made = self.made.get_or_init(|| Made::new((self.make)()?, &self.order));
        made.as_ref().map_err(|problem| format!("{}: {problem}", self.name))
    }
}

impl Made {
    fn new(source: Source, order: &InputOrder) -> Result<Self, String> {
        let compiled = compiled_for(&source.model, order, &Target::portable())?;
        let oracle = Oracle::new(&source.model).map_err(text)?;
        let outputs: Vec<Vec<Output>> =
            source.samples.iter().map(|sample| oracle.run(sample).map_err(text)).collect::<Result<_, _>>()?;
        let expected = source
            .samples
            .iter()
            .zip(&outputs)
            .map(|(sample, outputs)| units(&compiled, sample, outputs))
            .collect::<Result<_, _>>()?;
        let value = |outputs: Vec<Output>| outputs.into_iter().map(|output| output.value).collect();
        let exact = outputs.into_iter().map(value).collect();
        Ok(Self { source, compiled, exact, expected, order: Some(order.clone()) })
    }

    /// The model, compiled for a certain machine; `None` if the program keeps something from run to run.
    ///
    /// # Errors
    /// If the compiler refuses it.
    pub fn compiled_for(&self, target: &Target) -> Result<Option<Compiled>, String> {
        self.order.as_ref().map(|order| compiled_for(&self.source.model, order, target)).transpose()
    }
}

fn compiled_for(model: &Model, order: &InputOrder, target: &Target) -> Result<Compiled, String> {
    let request = Request { order: order.clone(), ..Request::new(target) };
    compile_as(model, &request).map_err(text)
}

/// Exact output values in units of the compiled model's outputs, for one sample.
fn units(compiled: &Compiled, sample: &[f32], outputs: &[Output]) -> Result<Vec<i64>, String> {
    let graph = &compiled.quantized;
    let mut integers = vec![];
    if graph.outputs.len() != outputs.len() {
        return Err(format!("{} outputs, the oracle has {}", graph.outputs.len(), outputs.len()));
    }
    for (position, (id, output)) in graph.outputs.iter().zip(outputs).enumerate() {
        let (value, exact) = (graph.value(*id), &output.value);
        if value.shape != exact.shape {
            return Err(format!("output of shape {:?}, the oracle's is {:?}", value.shape, exact.shape));
        }
        let (curve, channels) = meaning(compiled, *id, output.skipped.is_some())?;
        let channels = channels.unwrap_or_else(|| ChannelMap::along(&value.shape, 1));
        let Some((gain, offset)) = curve.as_affine() else {
            // A function that is not one to one, such as a ReLU: the reference's integers, if they mean the same.
            let found =
                Reference::new(graph).run(&of_inputs(compiled, sample)).map_err(text)?.swap_remove(position);
            for (index, integer) in found.iter().enumerate() {
                let real = curve.eval(channels.channel(index), &BigRational::from_integer((*integer).into()));
                if real != exact.rational(index) {
                    return Err(format!(
                        "element {index} of the reference means {real}, not {}",
                        exact.rational(index)
                    ));
                }
            }
            integers.extend(found);
            continue;
        };
        let pick = |values: &[BigRational], channel: usize| values[channel.min(values.len() - 1)].clone();
        for index in 0..exact.len() {
            let channel = channels.channel(index);
            let real = exact.rational(index);
            // The integers of a file stand for reals.
            let real =
                if output.is_integer() { meant(&graph.result(position).tensor, exact, index) } else { real };
            let count = (real - pick(&offset, channel)) / pick(&gain, channel);
            let whole = Some(&count).filter(|count| count.is_integer()).and_then(BigRational::to_i64);
            integers
                .push(whole.ok_or_else(|| format!("element {index} is {count} units, not a whole number"))?);
        }
    }
    Ok(integers)
}

/// The real number that element `index` of a file's integers stands for.
fn meant(tensor: &TensorType, integers: &Exact, index: usize) -> BigRational {
    let inner: usize = integers.shape.iter().skip(tensor.axis.unwrap_or(0) + 1).product();
    let channel = index / inner.max(1) % tensor.scale.len().max(1);
    let whole = |value: i64| BigRational::from_integer(value.into());
    let zero_point = whole(tensor.zero_point.get(channel).copied().unwrap_or(0));
    let scale = tensor.scale.get(channel).and_then(|scale| BigRational::from_float(*scale));
    (integers.rational(index) - zero_point) * scale.unwrap_or_else(|| whole(1))
}

/// The elements that each input of the program is given, of which `sample` holds those of all inputs of the file in a row.
pub fn of_inputs<'s>(compiled: &Compiled, sample: &'s [f32]) -> Vec<&'s [f32]> {
    let file = &compiled.imported;
    let mut rest = sample;
    let mut own = BTreeMap::new();
    for input in file.inputs.iter().map(|id| file.value(*id)) {
        let (values, after) = rest.split_at(input.elems().min(rest.len()));
        rest = after;
        own.insert(input.name.as_str(), values);
    }
    let given = |port: &Port| own.get(port.name.as_str()).copied().unwrap_or_default();
    compiled.interface.inputs.iter().map(given).collect()
}

/// The same in the order in which the program takes them: with channels, axis 1 in the file, last where it says so.
pub fn of_program(compiled: &Compiled, sample: &[f32]) -> Vec<Vec<f32>> {
    let turned = |(values, port): (&[f32], &Port)| {
        if !port.tensor.channels_last {
            return values.to_vec();
        }
        let (channels, places) = (port.shape[1], port.shape[2..].iter().product::<usize>());
        (0..places)
            .flat_map(|place| (0..channels).map(move |channel| values[channel * places + place]))
            .collect()
    };
    of_inputs(compiled, sample).into_iter().zip(&compiled.interface.inputs).map(turned).collect()
}

/// What the integers of output `id` stand for and where their channels are, if not along axis 1, up to a last sigmoid or
/// tanh where the oracle leaves it out too, as it does a softmax.
fn meaning(compiled: &Compiled, id: ValueId, skipped: bool) -> Result<(Curve, Option<ChannelMap>), String> {
    let graph = &compiled.quantized;
    let of = |meaning: &Meaning| {
        (Curve::affine(meaning.gain.clone(), meaning.offset.clone()), meaning.channels.clone())
    };
    let edge = graph.producer(id).map(|node| &graph.nodes[node].op);
    if let Some(Op::Dequantize(edge)) = edge {
        let kept = edge
            .curve
            .pieces()
            .iter()
            .filter(|piece| !skipped || !matches!(piece, Piece::Sigmoid | Piece::Tanh));
        return Ok((kept.cloned().fold(Curve::identity(), Curve::then), edge.channels.clone()));
    }
    match &graph.value(id).ty {
        Type::Codes(codes) => {
            let channels = codes.axis.map(|axis| ChannelMap::along(&graph.value(id).shape, axis));
            Ok(of(&Meaning { channels, ..Meaning::of_codes(codes) }))
        }
        Type::Accumulators { meaning: Some(meaning), .. } => Ok(of(meaning)),
        other => Err(format!("an output of type {other:?}")),
    }
}

/// The model of the fixture in `folder`.
fn model(folder: &Path) -> Result<Model, String> {
    exactum_qonnx::read(&read(&folder.join("model.onnx"))?).map_err(text)
}

/// Inputs for `model`, the same each time: whole numbers as in an image, or fractions from -1 to 1 every other time.
///
/// # Errors
/// If the model has not one input of known shape.
pub fn samples(model: &Model, count: usize) -> Result<Vec<Vec<f32>>, String> {
    let inputs = model.graph.real_inputs();
    let [input] = inputs[..] else { return Err(format!("{} inputs", inputs.len())) };
    let dims = input.shape.as_deref().unwrap_or_default();
    let size = |dim: &Dim| match dim {
        Dim::Known(size) => Ok(*size),
        Dim::Symbol(_) | Dim::Unknown => Err(format!("{}: an axis of unknown size", input.name)),
    };
    let sizes: Vec<usize> = dims.iter().skip(1).map(size).collect::<Result<_, _>>()?;
    let elems: usize = sizes.iter().product();
    let integer = input.elem != ElemType::F32;
    let mut values = Values::new(1);
    let mut number = |whole: bool| {
        let drawn = values.integer(0, LARGEST_INPUT);
        if whole || integer {
            drawn as f32
        } else {
            (drawn * 2 - LARGEST_INPUT) as f32 / LARGEST_INPUT as f32
        }
    };
    Ok((0..count).map(|sample| (0..elems).map(|_| number(sample % 2 == 0)).collect()).collect())
}

/// The files `.onnx` in the folder that the environment variable `EXACTUM_MODELS` names, in order; `None` without it.
///
/// # Errors
/// If the folder is not readable or has none.
pub fn shared_models() -> Result<Option<Vec<PathBuf>>, String> {
    let Some(folder) = std::env::var_os("EXACTUM_MODELS") else { return Ok(None) };
    let folder = Path::new(&folder);
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>().map_err(text)?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "onnx"));
    paths.sort();
    if paths.is_empty() { Err(format!("no .onnx files in {}", folder.display())) } else { Ok(Some(paths)) }
}

/// Gives a model whose first layer reads floats that nothing quantizes 8-bit inputs from 0 to 1.
fn quantize_float_input(model: &mut Model) -> Result<(), String> {
    let unquantized =
        |report: Report| report.diagnostics().iter().any(|problem| problem.code == Code::MissingScale);
    if !exactum_importer::compile(model).is_err_and(unquantized) {
        return Ok(());
    }
    let name = model.graph.real_inputs().first().map(|input| input.name.clone()).unwrap_or_default();
    let image = InputType { name, int: IntType::UINT8, scale: 1.0 / 256.0, zero_point: 0 };
    exactum_importer::input_type::apply(model, &[image]).map_err(text)
}

/// The list of Brevitas fixtures.
///
/// # Errors
/// If the list is not readable.
pub fn brevitas_index() -> Result<Vec<Json>, String> {
    index("brevitas")
}

/// The list of fixtures in the folder `group`.
///
/// # Errors
/// If the list is not readable.
pub fn index(group: &str) -> Result<Vec<Json>, String> {
    let path = fixtures().join(group).join("index.json");
    let index: Json = serde_json::from_slice(&read(&path)?).map_err(text)?;
    index["models"].as_array().cloned().ok_or_else(|| format!("{}: no list of models", path.display()))
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
