//! Compares a program with the exact reference of its model, and both with outputs expected from elsewhere.
//!
//! `exactum verify` prints the result. The reference decides: a program that differs from it is wrong, an expected
//! output that differs from it was computed in floats.

use serde::Serialize;

use crate::batch::{Batch, Host, count_samples};
use crate::container::Container;
use crate::diagnostic::Result;
use crate::interface::{Interface, Port, position};
use crate::npy::Array;
use crate::reference::Reference;

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
    /// Largest difference among all mismatches, in codes or, for outputs without a quantizer, in accumulator units.
    pub max_difference: u64,
    /// The first mismatch.
    pub first: Option<Mismatch>,
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
    /// Integer nearest to the expected output, if one was given and is no function of one integer alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<i64>,
    /// What the model gives by the exact reference, and the expected output, where they are functions of the integers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub results: Option<[f64; 2]>,
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

/// Runs `container`'s program and `reference` on every sample of `batch`. Calls `progress` after each.
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
    let mut result = Comparison {
        samples: batch.samples(),
        expected_mismatches: expected.map(|_| 0),
        ..Comparison::default()
    };
    for sample in 0..batch.samples() {
        let given = batch.sample(sample);
        let exact = reference.run(&given).expect("a batch fits the model's inputs");
        let computed = host.run(&given);
        for (position, port) in outputs.iter().enumerate() {
            let elems = port.elems();
            let expected =
                expected.map(|Expected(arrays)| &arrays[position].values[sample * elems..][..elems]);
            let computed = port.of_stored(&computed[position]);
            let output = Output { sample, port, exact: &exact[position], computed: &computed, expected };
            output.compare(&mut result);
        }
        progress();
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
    fn compare(&self, result: &mut Comparison) {
        assert_eq!(self.exact.len(), self.computed.len(), "program and model have the same outputs");
        let results =
            self.expected.map(|_| self.port.results(self.exact.iter().copied())).unwrap_or_default();
        let largest = self.expected.map_or(0.0, |values| values.iter().fold(0.0, |a: f64, b| a.max(b.abs())));
        let of_functions = !self.port.functions.is_empty();
        for (index, (exact, computed)) in self.exact.iter().zip(self.computed).enumerate() {
            result.elements += 1;
            let computed = i64::from(*computed);
            let mut difference = exact.abs_diff(computed);
            result.mismatches += u64::from(difference > 0);
            let given = self.expected.zip(results.get(index)).map(|(values, own)| [*own, values[index]]);
            let expected = given.filter(|_| !of_functions).map(|[_, real]| self.port.nearest(index, real));
            let differs = match (given, expected) {
                (Some(_), Some(integer)) if !self.port.holds_accumulators() => integer != *exact,
                (Some([own, real]), _) => {
                    let close = (real - own).abs() <= RELATIVE_TOLERANCE * largest;
                    !close
                }
                (None, _) => false,
            };
            if differs {
                *result.expected_mismatches.get_or_insert(0) += 1;
                difference = difference.max(expected.map_or(0, |integer| exact.abs_diff(integer).max(1)));
            }
            result.max_difference = result.max_difference.max(difference);
            if (difference > 0 || differs) && result.first.is_none() {
                result.first = Some(Mismatch {
                    sample: self.sample,
                    output: self.port.name.clone(),
                    index: position(self.port.sample_shape(), index),
                    reference: *exact,
                    runtime: computed,
                    expected,
                    results: given.filter(|_| of_functions),
                });
            }
        }
    }
}
