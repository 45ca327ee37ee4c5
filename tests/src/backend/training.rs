//! Training's own evaluation of the network that a model was exported from.

use exactum_importer::graph::{Meaning, Type};
use exactum_training::{IntegerOutputs, Network, evaluate, to_qonnx};

use num_rational::BigRational;
use num_traits::{Signed, Zero};

use super::Backend;
use crate::case::{Integers, Made, Source};

/// A network and what training computes with it.
#[derive(Clone, Debug)]
pub struct Training {
    source: Source,
    outputs: IntegerOutputs,
    classes: Vec<usize>,
}

impl Training {
    /// Evaluates `network` on `samples`, row after row, and exports it as the model `name`.
    ///
    /// # Errors
    /// If the network fails, ends in floats, or cannot be exported.
    pub fn new<const D: usize>(
        name: &str,
        network: &impl Network<D>,
        samples: &[Vec<f32>],
    ) -> Result<Self, String> {
        let model = to_qonnx(network, name).map_err(|error| error.to_string())?;
        let evaluation = evaluate(network, &samples.concat()).map_err(|error| error.to_string())?;
        let outputs = evaluation.integers.ok_or("the network ends in floats")?;
        let source = Source { model, samples: samples.to_vec() };
        Ok(Self { source, outputs, classes: evaluation.classes })
    }

    /// The exported model and the samples.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The class of each sample.
    pub fn classes(&self) -> &[usize] {
        &self.classes
    }

    /// Whether the integers stand for what the compiled model says: scales, zero point and real offsets are equal.
    ///
    /// A 16-bit bias in units of the accumulator has as its scale the units rounded to `f32`. Outputs count it as whole
    /// units; what the rounding adds, below 2^-9 units, stays out of training's offsets.
    ///
    /// # Errors
    /// The first difference.
    pub fn means(&self, case: &Made) -> Result<(), String> {
        let graph = &case.compiled.quantized;
        let output = graph.value(graph.outputs[0]);
        let (meaning, zero_point) = match &output.ty {
            Type::Codes(codes) => (Meaning::of_codes(codes), codes.zero_point),
            Type::Accumulators { meaning: Some(meaning), .. } => (meaning.clone(), 0),
            other => return Err(format!("an output of type {other:?}")),
        };
        if i64::from(self.outputs.zero_point) != zero_point {
            return Err(format!("zero point {} instead of {zero_point}", self.outputs.zero_point));
        }
        for feature in 0..output.shape[1] {
            let (gain, offset) = meaning.channel(feature);
            let real = |code: i64| self.outputs.real(code, feature);
            if real(1) - real(0) != *gain {
                return Err(format!("output {feature}: unit {} instead of {gain}", real(1) - real(0)));
            }
            let rest = offset - real(0);
            let in_units =
                self.outputs.offsets.is_none() && rest.abs() * BigRational::from_integer(512.into()) < *gain;
            if !rest.is_zero() && !in_units {
                return Err(format!("output {feature}: offset {} instead of {offset}", real(0)));
            }
        }
        Ok(())
    }
}

impl Backend for Training {
    fn name(&self) -> &str {
        "training"
    }

    fn run(&self, case: &Made) -> Result<Integers, String> {
        let samples = case.source.samples.len();
        let features = self.outputs.codes.len() / samples;
        Ok(self.outputs.codes.chunks(features).map(<[i64]>::to_vec).collect())
    }
}
