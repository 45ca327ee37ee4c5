//! Random networks of the operators around layers: transposed convolutions, batch norms, pools, functions before a
//! quantizer, branches that are added, multiplied or joined, and rearranged images.
//!
//! Every step starts and ends with the codes of an image, so any list of steps is a network. A family of steps is a
//! file under `mixed/` and a line in [`families`].

mod average;
mod function;
mod join;
mod layer;
mod rearrange;
mod thresholds;

use std::fmt::Debug;
use std::sync::Arc;

use exactum_qonnx::{ElemType, Graph, Model, Tensor, ValueInfo};
use proptest::prelude::*;
use proptest::strategy::Union;

use super::Quantizer;
use super::build::{Builder, Codes, code_range};
use crate::case::Source;
use crate::values::Values;

/// Samples of a network.
const SAMPLES: usize = 3;
/// Scale of the input, about.
const INPUT_SCALE: f64 = 0.05;
/// Larger images are not enlarged.
const LARGEST_IMAGE: usize = 12;

/// Choices for a network.
#[derive(Clone, Debug)]
pub struct Mixed {
    /// Channels, height and width of a sample.
    pub input: [usize; 3],
    /// Whether all scales are powers of two.
    pub power_of_two: bool,
    /// Whether the input is quantized with the zero point outside the rounding, by `QuantizeLinear`.
    pub standard: bool,
    /// Quantizer of the input.
    pub quantizer: Quantizer,
    /// Steps from codes to codes.
    pub steps: Vec<Step>,
    /// Determines weights, constants and samples.
    pub seed: u64,
}

/// A step from the codes of an image to codes.
#[derive(Clone, Debug)]
pub struct Step {
    act: Arc<dyn Act>,
    /// What its result is quantized with.
    pub quantizer: Quantizer,
}

/// What a step does.
trait Act: Debug + Send + Sync {
    /// Writes its nodes behind the last, which ends in codes of an image, and leaves codes of an image; those it
    /// quantizes by `quantizer`.
    fn add(&self, builder: &mut Builder, quantizer: &Quantizer);

    /// Whether a function that neither rises nor falls may meet more sums than a table holds, which is refused.
    fn may_lack_a_form(&self) -> bool {
        false
    }
}

/// A family of steps: its share among the others, and its choices.
type Family = (u32, BoxedStrategy<Arc<dyn Act>>);

fn family<A: Act + 'static>(share: u32, choices: impl Strategy<Value = A> + 'static) -> Family {
    (share, choices.prop_map(|act| Arc::new(act) as Arc<dyn Act>).boxed())
}

/// Every family. The order is part of what a seed means.
fn families() -> Vec<Family> {
    vec![
        layer::steps(),
        thresholds::steps(),
        average::steps(),
        join::sums(),
        join::gates(),
        join::concatenations(),
        rearrange::steps(),
    ]
}

/// Any network of one to four steps.
pub fn mixed() -> impl Strategy<Value = Mixed> {
    let input = [1..=4usize, 2..=6usize, 2..=6usize];
    let step = (Union::new_weighted(families()), super::quantizer(false))
        .prop_map(|(act, quantizer)| Step { act, quantizer });
    let flags = (any::<bool>(), any::<bool>());
    (input, flags, super::quantizer(false), prop::collection::vec(step, 1..=4), any::<u64>()).prop_map(
        |(input, (power_of_two, standard), quantizer, steps, seed)| Mixed {
            input,
            power_of_two,
            standard,
            quantizer,
            steps,
            seed,
        },
    )
}

impl Mixed {
    /// Whether a function that neither rises nor falls may meet more sums than a table holds, which is refused.
    pub fn may_lack_a_form(&self) -> bool {
        self.steps.iter().any(|step| step.act.may_lack_a_form())
    }

    /// The model and samples for it.
    pub fn source(&self) -> Source {
        let mut values = Values::new(self.seed);
        let shape = [&[1], &self.input[..]].concat();
        let elems: usize = shape.iter().product();
        let mut graph = Graph::new("generated");
        graph.inputs = vec![ValueInfo::new("input", ElemType::F32, &shape)];
        let scale = values.scale(INPUT_SCALE, self.power_of_two);
        let codes = Codes { scale, zero_point: 0, lo: 0, hi: 0 };
        let power_of_two = self.power_of_two;
        let mut builder = Builder { graph, values, power_of_two, last: "input".into(), shape, codes };
        if self.standard {
            builder.quantize_linear(scale, self.quantizer.signed);
        } else {
            builder.quantize(&Quantizer { rounding: 0, ..self.quantizer }, scale);
        }
        let Codes { zero_point, lo, hi, .. } = builder.codes;
        let sample = |values: &mut Values| {
            (0..elems).map(|_| values.input(scale, lo - zero_point, hi - zero_point)).collect()
        };
        let samples: Vec<Vec<f32>> = (0..SAMPLES).map(|_| sample(&mut builder.values)).collect();
        for step in &self.steps {
            step.act.add(&mut builder, &step.quantizer);
        }
        builder.graph.outputs = vec![ValueInfo::new(builder.last, ElemType::F32, &builder.shape)];
        Source { model: Model::new(builder.graph), samples }
    }
}

/// A place in the network to go on from.
type Place = (String, Vec<usize>, Codes);

impl Builder {
    /// `QuantizeLinear` and `DequantizeLinear` in 8 bits, with a zero point somewhere.
    fn quantize_linear(&mut self, scale: f32, signed: bool) {
        let (lo, hi) = code_range(8, signed, false);
        let zero_point = self.values.integer(lo, hi);
        let scale_name = self.floats("scale", &[], vec![scale]);
        let name = self.name("zero_point");
        let tensor = if signed {
            Tensor::new(name, &[], vec![zero_point as i8])
        } else {
            Tensor::new(name, &[], vec![zero_point as u8])
        };
        let parameters = [scale_name, self.initializer(tensor)];
        self.push("QuantizeLinear", &parameters, |node| node);
        self.push("DequantizeLinear", &parameters, |node| node);
        self.codes = Codes { scale, zero_point, lo, hi };
    }

    fn place(&self) -> Place {
        (self.last.clone(), self.shape.clone(), self.codes)
    }

    fn go_to(&mut self, (last, shape, codes): Place) {
        (self.last, self.shape, self.codes) = (last, shape, codes);
    }

    /// The largest real number that the codes stand for.
    fn real_reach(&self) -> f64 {
        f64::from(self.codes.scale) * self.codes.reach() as f64
    }

    /// Quantizes numbers up to about `reach`.
    fn quantize_reach(&mut self, quantizer: &Quantizer, reach: f64) {
        let (lo, hi) = code_range(quantizer.bits, quantizer.signed, quantizer.narrow);
        let size = reach.max(1e-6) / ((hi - lo) as f64 * quantizer.spread);
        let scale = self.values.scale(size, self.power_of_two);
        self.quantize(quantizer, scale);
    }
}
