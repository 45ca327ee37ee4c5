//! Exact evaluation of a network on many inputs: the integers that every other implementation must give.

use num_rational::BigRational;
use num_traits::Signed;

use crate::backend;
use crate::data::Dataset;
use crate::exact::ExactTensor;
use crate::network::Network;
use crate::quant_tensor::{QuantTensor, exact_codes};
use crate::{Activation, ForwardError};

/// Samples of one forward pass; bounds memory, not results.
const BATCH_SAMPLES: usize = 256;

/// The output of a network for each input.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Values per input.
    pub features: usize,
    /// Integer outputs and what they stand for; `None` if the network ends in floats.
    pub integers: Option<IntegerOutputs>,
    /// Outputs as floats, row-major: for people and for float networks.
    pub values: Vec<f32>,
    /// The class of each input: the index of the largest exact output, the first of equal ones.
    pub classes: Vec<usize>,
}

/// Integer outputs, row-major, and their exact meaning `(code - zero_point) * scale + offset`.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegerOutputs {
    /// One code per output. Biases in units of the accumulator are part of it.
    pub codes: Vec<i64>,
    /// One, or one per feature; exact products of the stored constants.
    pub scales: Vec<BigRational>,
    /// The code that stands for zero.
    pub zero_point: i32,
    /// A real constant per feature, if the bias is not in units of the accumulator.
    pub offsets: Option<Vec<BigRational>>,
}

/// Evaluates `network` on row-major `inputs`.
///
/// # Errors
///
/// If a layer fails, a value is not finite, or the inputs are no whole number of samples.
pub fn evaluate<const D: usize>(
    network: &impl Network<D>,
    inputs: &[f32],
) -> Result<Evaluation, ForwardError> {
    let mut shape = network.input_shape();
    let elems: usize = shape.iter().skip(1).product();
    if elems == 0 || !inputs.len().is_multiple_of(elems) {
        let needed = format!("a multiple of {elems} values");
        return Err(ForwardError::Shape { layer: "input".into(), found: vec![inputs.len()], needed });
    }
    if let Some(index) = inputs.iter().position(|value| !value.is_finite()) {
        return Err(ForwardError::NotFinite { layer: "input".into(), index, value: inputs[index] });
    }
    let mut total = Evaluation { features: 0, integers: None, values: Vec::new(), classes: Vec::new() };
    for batch in inputs.chunks(BATCH_SAMPLES * elems) {
        shape[0] = batch.len() / elems;
        let output = network.forward(&Activation::from_values(batch.to_vec(), shape))?;
        total.append(&output);
    }
    Ok(total)
}

/// The fraction of `data` that `network` classifies correctly.
///
/// # Errors
///
/// If a layer fails.
pub fn accuracy<const D: usize>(network: &impl Network<D>, data: &Dataset) -> Result<f64, ForwardError> {
    let classes = evaluate(network, &data.inputs)?.classes;
    let correct = classes.iter().zip(&data.labels).filter(|(class, label)| class == label).count();
    Ok(correct as f64 / data.len_samples().max(1) as f64)
}

impl Evaluation {
    fn append(&mut self, output: &Activation<2>) {
        let values = backend::to_f32(&output.value());
        self.features = output.dims()[1];
        match output.quant().and_then(QuantTensor::exact) {
            Some(exact) => {
                let integers = IntegerOutputs::new(exact);
                self.classes.extend(integers.classes(self.features));
                match &mut self.integers {
                    Some(all) => all.codes.extend(integers.codes),
                    none => *none = Some(integers),
                }
            }
            None => self.classes.extend(
                values.chunks(self.features.max(1)).map(|row| first_largest(row, |a, b| a.total_cmp(b))),
            ),
        }
        self.values.extend(values);
    }
}

impl IntegerOutputs {
    fn new(exact: &ExactTensor<2>) -> Self {
        let offsets = (!exact.offset_in_units())
            .then(|| (0..exact.dims()[1]).map(|c| exact.offset.at(c).exact().clone()).collect());
        Self {
            codes: exact_codes(exact),
            scales: exact.scales.iter().map(|scale| scale.exact().clone()).collect(),
            zero_point: exact.zero_point,
            offsets,
        }
    }

    /// The exact real value of `code` at output `feature`.
    pub fn real(&self, code: i64, feature: usize) -> BigRational {
        let centred = code - i64::from(self.zero_point);
        let product = &self.scales[feature % self.scales.len()] * num_bigint::BigInt::from(centred);
        match &self.offsets {
            Some(offsets) => product + &offsets[feature % offsets.len()],
            None => product,
        }
    }

    fn classes(&self, features: usize) -> Vec<usize> {
        let rows = self.codes.chunks(features.max(1));
        if self.scales.len() == 1 && self.scales[0].is_positive() && self.offsets.is_none() {
            return rows.map(|row| first_largest(row, Ord::cmp)).collect();
        }
        let reals =
            |row: &[i64]| row.iter().enumerate().map(|(f, code)| self.real(*code, f)).collect::<Vec<_>>();
        rows.map(|row| first_largest(&reals(row), Ord::cmp)).collect()
    }
}

/// The first index of a largest element; 0 of an empty row.
fn first_largest<T>(row: &[T], compare: impl Fn(&T, &T) -> std::cmp::Ordering) -> usize {
    (1..row.len()).fold(0, |best, index| if compare(&row[index], &row[best]).is_gt() { index } else { best })
}
