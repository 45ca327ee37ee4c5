//! What other tools computed for a fixture, beside the exact reading of its file. Used by the suite `oracle` and by the
//! table of exactness; needs no compiler.
//!
//! Those tools compute in float32, so a code can differ where the exact value is beside a tie. How many do is recorded
//! with the fixture and must be found again.

use std::path::Path;

use exactum_qonnx::{ElemType, Graph, Model, Node};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{FromPrimitive, One, Signed, ToPrimitive, Zero};
use serde_json::Value as Json;

use crate::case::{Source, array, fixtures};
use crate::oracle::{Exact, Oracle, Output};

/// Floats further apart than this part of the largest are counted.
const TOLERANCE: f64 = 1e-5;
/// Operators that keep every element and their order.
const SAME_ELEMENTS: [&str; 6] =
    ["Identity", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "DequantizeLinear"];

/// Recorded numbers of one output, beside the exact ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Whether the numbers are codes or integers; floats are compared up to a tolerance.
    pub codes: bool,
    /// Numbers compared.
    pub compared: usize,
    /// Those that differ.
    pub differing: usize,
    /// Largest difference of codes.
    pub largest: BigInt,
    /// Largest distance of an exact value from the tie between two codes, in codes, among those that differ; `None`
    /// where none does or the output is not that of a quantizer.
    pub tie_distance: Option<BigRational>,
}

/// The exact reading of a fixture.
#[derive(Debug)]
pub struct Reading {
    /// The file.
    pub model: Model,
    /// For each sample, each output.
    pub outputs: Vec<Vec<Output>>,
    /// For each sample and output the numbers that its last quantizer rounds, in codes.
    unrounded: Vec<Vec<Option<Exact>>>,
}

impl Reading {
    /// Reads the fixture in `folder` and evaluates all its samples.
    ///
    /// # Errors
    /// If a file is missing or the oracle does not understand it.
    pub fn new(folder: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(folder.join("model.onnx")).map_err(|error| error.to_string())?;
        let model = exactum_qonnx::read(&bytes).map_err(|error| error.to_string())?;
        let input = array(&folder.join("input.npy"))?;
        let elems: usize = input.shape[1..].iter().product();
        let sample = |values: &[f64]| values.iter().map(|value| *value as f32).collect();
        let samples = input.values.chunks(elems).map(sample).collect();
        Self::of(Source { model, samples })
    }

    /// Evaluates all samples of `source`.
    ///
    /// # Errors
    /// If the oracle does not understand it.
    pub fn of(source: Source) -> Result<Self, String> {
        let Source { model, samples } = source;
        let oracle = Oracle::new(&model).map_err(|error| error.to_string())?;
        let quantizers: Vec<Option<&Node>> =
            model.graph.outputs.iter().map(|output| quantizer(&model.graph, &output.name)).collect();
        let (mut outputs, mut unrounded) = (vec![], vec![]);
        for sample in samples {
            let mut reals = vec![None; quantizers.len()];
            let seen = |name: &str, exact: &Exact| {
                for (real, node) in reals.iter_mut().zip(&quantizers) {
                    if let Some(node) = node.filter(|node| node.input(0) == Some(name)) {
                        *real = in_codes(&model.graph, node, exact);
                    }
                }
            };
            outputs.push(oracle.observe(&sample, seen).map_err(|error| error.to_string())?);
            unrounded.push(reals);
        }
        Ok(Self { model, outputs, unrounded })
    }

    /// Compares output `index` with what is recorded for it in `folder`, of which `about` is the entry of the index.
    ///
    /// # Errors
    /// If the recording is missing or has other numbers of elements.
    pub fn compare(&self, folder: &Path, about: &Json, index: usize) -> Result<Comparison, String> {
        let numbered = |stem: &str| match index {
            0 => folder.join(format!("{stem}.npy")),
            _ => folder.join(format!("{stem}_{index}.npy")),
        };
        let quantizer = &about["output_quantizer"];
        if quantizer.is_null() {
            return self.against(&array(&numbered("output"))?.values, None, index);
        }
        // Readers of JSON differ in the last bit of a double; scales are single precision.
        let scale = quantizer["scale"].as_f64().map(|scale| scale as f32);
        let scale = scale.and_then(BigRational::from_float).ok_or("no scale")?;
        let zero_point = quantizer["zero_point"].as_i64().ok_or("no zero point")?;
        self.against(&array(&numbered("output_codes"))?.values, Some((scale, zero_point)), index)
    }

    /// Compares output `index` with `recorded`, which are codes of a scale and a zero point if there is `grid`.
    ///
    /// # Errors
    /// If there are not as many numbers as elements.
    pub fn against(
        &self,
        recorded: &[f64],
        grid: Option<(BigRational, i64)>,
        index: usize,
    ) -> Result<Comparison, String> {
        let exact: Vec<&Output> = self.outputs.iter().map(|outputs| &outputs[index]).collect();
        let whole = exact.iter().all(|output| output.is_integer());
        if grid.is_none() && !whole {
            return floats(recorded, &exact, &self.model.graph);
        }
        let (scale, zero_point) = grid.unwrap_or((BigRational::one(), 0));
        let zero_point = BigRational::from_integer(zero_point.into());
        let mut comparison = Comparison { codes: true, ..Comparison::default() };
        let mut recorded = recorded.iter().copied();
        for (output, real) in exact.iter().zip(self.unrounded.iter().map(|reals| &reals[index])) {
            for element in 0..output.value.len() {
                let value = output.value.rational(element);
                // Codes themselves have no scale.
                let code = if output.is_integer() { value } else { value / &scale + &zero_point };
                let found = recorded.next().and_then(BigRational::from_float).ok_or("too few codes")?;
                comparison.compared += 1;
                let difference = (found - &code).abs();
                if difference.is_zero() {
                    continue;
                }
                comparison.differing += 1;
                comparison.largest = comparison.largest.max(difference.ceil().to_integer());
                let tie = real.as_ref().map(|real| from_tie(&real.rational(element)));
                comparison.tie_distance = comparison.tie_distance.max(tie);
            }
        }
        if recorded.next().is_some() { Err("too many codes".to_owned()) } else { Ok(comparison) }
    }
}

/// The folder of the fixture `name` in `group`.
pub fn folder(group: &str, name: &str) -> std::path::PathBuf {
    fixtures().join(group).join(name)
}

/// For each output its entry in a fixture's entry of the index, which has one of its own where there are several.
pub fn of_outputs(fixture: &Json) -> Vec<&Json> {
    fixture["outputs"].as_array().map_or_else(|| vec![fixture], |outputs| outputs.iter().collect())
}

/// The distance of `real` from the next number halfway between two whole ones.
fn from_tie(real: &BigRational) -> BigRational {
    let half = BigRational::new(1.into(), 2.into());
    (real - real.floor() - half).abs()
}

/// Recorded floats beside exact numbers.
pub(crate) fn floats(recorded: &[f64], exact: &[&Output], graph: &Graph) -> Result<Comparison, String> {
    let largest = recorded.iter().fold(0f64, |largest, value| largest.max(value.abs()));
    let mut found = vec![];
    for output in exact {
        let values: Vec<f64> =
            output.value.rationals().iter().map(|value| value.to_f64().unwrap_or(f64::NAN)).collect();
        let host = output.skipped.as_deref().and_then(|label| {
            graph.nodes.iter().find(|node| node.label() == label).map(|node| node.op_type.as_str())
        });
        let results = on_host(host, values)?;
        found.extend(output.encoded.iter().try_fold(results, |values, label| encoded(graph, label, values))?);
    }
    if recorded.len() != found.len() {
        return Err(format!("{} numbers instead of {}", found.len(), recorded.len()));
    }
    let far = |(a, b): &(&f64, &f64)| (*a - *b).abs() > largest * TOLERANCE || b.is_nan();
    let differing = recorded.iter().zip(&found).filter(far).count();
    // What is encoded are codes, whose distance counts.
    let codes = exact.iter().all(|output| output.encoded.len() % 2 == 1);
    let apart = recorded.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let largest = BigInt::from_f64(apart).filter(|_| codes).unwrap_or_default();
    Ok(Comparison { codes, compared: found.len(), differing, largest, tie_distance: None })
}

/// What the `QuantizeLinear` or `DequantizeLinear` called `label` makes of `values`.
fn encoded(graph: &Graph, label: &str, values: Vec<f64>) -> Result<Vec<f64>, String> {
    let node = graph.nodes.iter().find(|node| node.label() == label).ok_or("no such node")?;
    let tensor = |index: usize| node.input(index).and_then(|name| graph.initializer(name));
    let number = |index: usize| match tensor(index)?.to_f64()?.as_slice() {
        [number] => Some(*number),
        _ => None,
    };
    let scale = number(1).ok_or("no scale")?;
    let zero_point = number(2).unwrap_or(0.0);
    if node.op_type == "DequantizeLinear" {
        return Ok(values.into_iter().map(|code| (code - zero_point) * scale).collect());
    }
    let (lo, hi) = match tensor(2).map(exactum_qonnx::Tensor::elem) {
        Some(ElemType::I8) => (-128.0, 127.0),
        Some(ElemType::U8) | None => (0.0, 255.0),
        Some(other) => return Err(format!("codes of type {other}")),
    };
    let code = |value: f64| ((value / scale).round_ties_even() + zero_point).clamp(lo, hi);
    Ok(values.into_iter().map(code).collect())
}

/// What the host makes of the numbers before a node that is left to it; the samples have one line each.
fn on_host(op_type: Option<&str>, values: Vec<f64>) -> Result<Vec<f64>, String> {
    let total: f64 = values.iter().map(|value| value.exp()).sum();
    let function: Box<dyn Fn(f64) -> f64> = match op_type {
        None => return Ok(values),
        Some("Sigmoid") => Box::new(|x| 1.0 / (1.0 + (-x).exp())),
        Some("Tanh") => Box::new(f64::tanh),
        Some("Softmax") => Box::new(move |x| x.exp() / total),
        Some("LogSoftmax") => Box::new(move |x| x - total.ln()),
        Some(other) => return Err(format!("operator {other} on the host")),
    };
    Ok(values.into_iter().map(function).collect())
}

/// The scale of the last `DequantizeLinear` before value `name`, if it holds what that one gives, as it is or in another
/// shape.
pub fn dequantizer(graph: &Graph, name: &str) -> Option<BigRational> {
    let node = graph.nodes.iter().find(|node| node.outputs.iter().any(|output| output == name))?;
    match node.op_type.as_str() {
        "DequantizeLinear" => match graph.initializer(node.input(1)?)?.to_f64()?.as_slice() {
            [scale] => BigRational::from_float(*scale),
            _ => None,
        },
        op_type if SAME_ELEMENTS.contains(&op_type) => dequantizer(graph, node.input(0)?),
        _ => None,
    }
}

/// The quantizer whose codes value `name` holds, as it is or in another shape.
fn quantizer<'m>(graph: &'m Graph, name: &str) -> Option<&'m Node> {
    let node = graph.nodes.iter().find(|node| node.outputs.iter().any(|output| output == name))?;
    match node.op_type.as_str() {
        "Quant" | "IntQuant" | "QuantizeLinear" => Some(node),
        op_type if SAME_ELEMENTS.contains(&op_type) => quantizer(graph, node.input(0)?),
        _ => None,
    }
}

/// `exact` in units of the quantizer `node`, if its scale is one number of the file. The zero point is whole and does
/// not move ties.
fn in_codes(graph: &Graph, node: &Node, exact: &Exact) -> Option<Exact> {
    let scale = graph.initializer(node.input(1)?)?.to_f64()?;
    let [scale] = scale[..] else { return None };
    Some(exact.clone().times(&BigRational::from_float(scale)?.recip()))
}
