//! Compares a program with the exact reference of its model, and both with outputs expected from elsewhere.
//!
//! `exactum verify` prints the result. The reference decides: a program that differs from it is wrong, an expected
//! output that differs from it was computed in floats. Outputs are compared as the file has them: integers exactly, codes
//! of a quantizer as codes, other reals with a tolerance.

mod inputs;
mod quality;
mod windows;

pub use inputs::{InputComparison, InputMismatch};
pub use quality::{Agreement, Quality};
pub use windows::{compare_windows, window_interface};

use serde::Serialize;

use crate::batch::{Batch, Host, count_samples};
use crate::container::Container;
use crate::diagnostic::Result;
use crate::interface::{Interface, Port};
use crate::reference::Reference;
use exactum_host::elements::position;
use exactum_host::npy::Array;
use quality::Sums;

/// Expected outputs without a quantizer, or of a function such as softmax, may differ by this much, relative to the largest magnitude in the sample.
const RELATIVE_TOLERANCE: f64 = 1e-5;

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// Samples compared.
    pub samples: usize,
    /// Output elements compared, of all samples.
    pub elements: u64,
    /// Elements in which the program differs from the exact reference.
    pub mismatches: u64,
    /// Elements in which the expected outputs differ from the exact reference; absent if none were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_mismatches: Option<u64>,
    /// Largest difference between program and exact reference, in the program's integers.
    pub max_difference: u64,
    /// The first mismatch.
    pub first: Option<Mismatch>,
    /// How each input that takes floats is quantized.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputComparison>,
    /// How close each output is to the expected one, where such are given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quality: Vec<Quality>,
}

/// One element with different values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mismatch {
    /// Position in the batch.
    pub sample: usize,
    /// Name of the output.
    pub output: String,
    /// Position in the output's shape.
    pub index: Vec<usize>,
    /// Integer of the exact reference.
    pub reference: i64,
    /// Integer of the program.
    pub runtime: i64,
    /// What the model gives by the exact reference and what is expected, in the file's numbers, if outputs were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub results: Option<[f64; 2]>,
    /// The program's integer that is nearest to the expected output, where it is one of a quantizer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<i64>,
    /// Distance of the exact value from the tie between the reference's code and its neighbour on the side of the
    /// expected one, in codes, where the output is rounded by its last operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_tie: Option<f64>,
}

impl Comparison {
    /// Whether the program gave the integers of the exact reference everywhere.
    pub fn is_equal(&self) -> bool {
        self.mismatches == 0 && self.inputs.iter().all(|input| input.mismatches == 0)
    }
}

/// Expected outputs for a batch.
#[derive(Clone, Debug)]
pub struct Expected<'a>(&'a [Array]);

impl<'a> Expected<'a> {
    /// `arrays`, one for each output of `interface`, for a batch of `samples`.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::diagnostic::Code::BadInput) if shapes do not fit.
    pub fn new(interface: &Interface, arrays: &'a [Array], samples: usize) -> Result<Self> {
        let found = count_samples("output", &interface.outputs.iter().collect::<Vec<_>>(), arrays)?;
        if found != samples {
            let at = crate::diagnostic::Location::part("outputs");
            let (found, needed) = (format!("{found} samples"), format!("{samples}, as in the input"));
            let code = crate::diagnostic::Code::BadInput;
            return Err(crate::diagnostic::Diagnostic::new(code, at, found, needed).into());
        }
        Ok(Self(arrays))
    }
}

/// Runs `container`'s program and `reference` on every sample of `batch`, with states kept from one to the next, and compares how they quantize inputs. Calls `progress` after each.
///
/// # Panics
/// If container, reference and batch do not belong together.
pub fn compare(
    container: &Container,
    reference: &Reference<'_>,
    batch: &Batch,
    expected: Option<&Expected<'_>>,
    mut progress: impl FnMut(),
) -> Comparison {
    let outputs = &container.interface().outputs;
    let mut host = Host::new(container.program());
    let inputs = inputs::compare(container, reference);
    let mut result = Comparison { samples: batch.samples(), inputs, ..Comparison::default() };
    let mut sums = vec![Sums::default(); outputs.len()];
    let mut states = reference.states();
    for sample in 0..batch.samples() {
        let given = batch.sample(sample);
        let exact = reference.step(&given, &mut states).expect("a batch fits the model's inputs");
        let computed = host.run(&given);
        for (position, port) in outputs.iter().enumerate() {
            let elems = port.elems();
            let expected =
                expected.map(|Expected(arrays)| &arrays[position].values[sample * elems..][..elems]);
            let computed = port.of_stored(&computed[position]);
            let output = Output { sample, port, exact: &exact[position], computed: &computed, expected };
            let unset = result.first.is_none();
            output.compare(&mut result, &mut sums[position]);
            if let Some(first) = result.first.as_mut().filter(|first| unset && first.results.is_some()) {
                let element = output.element(&first.index);
                first.from_tie = reference.from_tie(&given, position, element, output.is_below(element));
            }
        }
        progress();
    }
    if expected.is_some() {
        result.expected_mismatches = Some(sums.iter().map(|sums| sums.differing).sum());
        result.quality = sums.iter().zip(outputs).map(|(sums, port)| sums.quality(port)).collect();
    }
    result
}

/// One output of one sample.
struct Output<'a> {
    sample: usize,
    port: &'a Port,
    exact: &'a [i64],
    computed: &'a [i32],
    expected: Option<&'a [f64]>,
}

impl Output<'_> {
    fn compare(&self, result: &mut Comparison, sums: &mut Sums) {
        assert_eq!(self.exact.len(), self.computed.len(), "program and model have the same outputs");
        let own = self.expected.map(|_| self.port.numbers(self.exact.iter().copied())).unwrap_or_default();
        if let Some(expected) = self.expected {
            let reals = |numbers: &[f64]| -> Vec<f64> {
                let numbers = numbers.iter().enumerate();
                numbers
                    .map(|(index, number)| self.port.tensor.real(&self.port.shape, index, *number))
                    .collect()
            };
            sums.add(self.port, &reals(&own), &reals(expected));
        }
        let largest = self.expected.map_or(0.0, |values| values.iter().fold(0.0, |a: f64, b| a.max(b.abs())));
        for (index, (exact, computed)) in self.exact.iter().zip(self.computed).enumerate() {
            result.elements += 1;
            let computed = i64::from(*computed);
            let difference = exact.abs_diff(computed);
            result.mismatches += u64::from(difference > 0);
            result.max_difference = result.max_difference.max(difference);
            let given = self.expected.zip(own.get(index)).map(|(values, own)| [*own, values[index]]);
            let nearest = given.and_then(|[_, number]| self.nearest(index, number));
            let differs = match (given, nearest) {
                (Some([own, number]), _) if self.port.tensor.holds_integers() => own != number,
                (Some(_), Some(integer)) if !self.port.holds_accumulators() => integer != *exact,
                (Some([own, real]), _) => {
                    let close = (real - own).abs() <= RELATIVE_TOLERANCE * largest;
                    !close
                }
                (None, _) => false,
            };
            sums.differing += u64::from(differs);
            if (difference > 0 || differs) && result.first.is_none() {
                result.first = Some(Mismatch {
                    sample: self.sample,
                    output: self.port.name.clone(),
                    index: position(self.port.sample_shape(), index),
                    reference: *exact,
                    runtime: computed,
                    results: given.filter(|_| differs),
                    expected: nearest.filter(|_| differs && !self.port.holds_accumulators()),
                    from_tie: None,
                });
            }
        }
    }

    /// The program's integer that is nearest to the file's `number`; `None` behind functions, which several integers
    /// can have one value of.
    fn nearest(&self, index: usize, number: f64) -> Option<i64> {
        let real = self.port.tensor.real(&self.port.shape, index, number);
        self.port.functions.is_empty().then(|| self.port.nearest(index, real))
    }

    /// The element at a position in the output's shape.
    fn element(&self, index: &[usize]) -> usize {
        let shape = self.port.sample_shape();
        index.iter().zip(shape).fold(0, |element, (index, size)| element * size + index)
    }

    /// Whether the expected number of `element` is below that of the reference.
    fn is_below(&self, element: usize) -> bool {
        let own = self.port.numbers(self.exact.iter().copied());
        self.expected.is_some_and(|expected| expected[element] < own[element])
    }
}
