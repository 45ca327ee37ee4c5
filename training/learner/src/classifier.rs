//! The network, as a burn module with the steps that burn's learner calls.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn_train::{ClassificationOutput, InferenceStep, TrainOutput, TrainStep};
use exactum_training::data::digits;
use exactum_training::error::BuildError;
use exactum_training::nn::{QuantIdentity, QuantLinear, QuantReLU};
use exactum_training::quant::Int16Bias;
use exactum_training::{Activation, ForwardError, Init, Network};

use crate::batches::Batch;

const HIDDEN: usize = 32;

/// 64 pixels, one hidden layer, ten digits. Activation scales are learned from given maxima on, so that no step depends
/// on statistics of its batch.
#[derive(Module, Debug)]
pub(crate) struct Classifier {
    input: QuantIdentity,
    fc1: QuantLinear,
    relu: QuantReLU,
    fc2: QuantLinear,
    /// Batches whose gradients one step of the optimizer adds.
    #[module(skip)]
    pub(crate) batches_per_step: usize,
    /// Loss of each batch.
    #[module(skip)]
    pub(crate) losses: Losses,
}

/// Losses in the order in which the steps were done; clones share them.
#[derive(Clone, Default)]
pub(crate) struct Losses(Arc<Mutex<Vec<f32>>>);

impl fmt::Debug for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} losses", self.to_vec().len())
    }
}

impl Losses {
    fn push(&self, loss: f32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(loss);
    }

    pub(crate) fn to_vec(&self) -> Vec<f32> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Classifier {
    pub(crate) fn new(seed: u64) -> Result<Self, BuildError> {
        let init = &mut Init::from_seed(seed);
        Ok(Self {
            input: QuantIdentity::builder("input").max_val(1.0).build()?,
            fc1: QuantLinear::builder("fc1", digits::PIXELS, HIDDEN).bias_quant(Int16Bias).build(init)?,
            relu: QuantReLU::builder("relu").max_val(2.0).build()?,
            fc2: QuantLinear::builder("fc2", HIDDEN, digits::CLASSES).bias_quant(Int16Bias).build(init)?,
            batches_per_step: 1,
            losses: Losses::default(),
        })
    }

    fn classify(&self, x: &Activation<2>, batch: Batch) -> ClassificationOutput {
        let output = self.forward(x).expect("batches have the shape of the network's input").value();
        let loss = CrossEntropyLossConfig::new().init(&output.device());
        let loss = loss.forward(output.clone(), batch.labels.clone());
        ClassificationOutput::new(loss, output, batch.labels)
    }
}

impl Network<2> for Classifier {
    fn input_shape(&self) -> [usize; 2] {
        [1, digits::PIXELS]
    }

    fn forward(&self, x: &Activation<2>) -> Result<Activation<2>, ForwardError> {
        self.fc2.forward(&self.relu.forward(&self.fc1.forward(&self.input.forward(x)?)?)?)
    }
}

impl TrainStep for Classifier {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> TrainOutput<ClassificationOutput> {
        let item = self.classify(&Activation::train(batch.images.clone()), batch);
        self.losses.push(item.loss.clone().into_scalar::<f32>());
        let share = item.loss.clone() / self.batches_per_step as f64;
        TrainOutput::new(self, share.backward(), item)
    }
}

impl InferenceStep for Classifier {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> ClassificationOutput {
        self.classify(&Activation::eval(batch.images.clone()), batch)
    }
}
