//! Dense layers one after the other: the autoencoder of anomaly detection, and networks of few bits; and a network along a line.

use exactum_training::burn::{self, module::Module};
use exactum_training::error::BuildError;
use exactum_training::nn::{Flatten, MaxPool1d, QuantConv1d, QuantIdentity, QuantLinear, QuantReLU};
use exactum_training::quant::{Int8WeightPerChannelFloat, Int16Bias};
use exactum_training::{Activation, ForwardError, Init, Network};

use crate::bits::{Act, Bits};

/// Features of the autoencoder of MLPerf Tiny.
pub(crate) const AUTOENCODER: [usize; 11] = [640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640];
/// Wide and shallow: nothing but products.
pub(crate) const BINARY: [usize; 3] = [64, 1024, 64];
/// FINN's TFC.
pub(crate) const TFC: [usize; 5] = [784, 64, 64, 64, 10];

/// Dense layers with an activation between.
#[derive(Module, Debug)]
pub(crate) struct Dense {
    input: Act,
    layers: Vec<QuantLinear>,
    acts: Vec<Act>,
    features: usize,
}

/// The network whose layers have so many `features`.
pub(crate) fn dense(bits: Bits, features: &[usize], init: &mut Init) -> Result<Dense, BuildError> {
    // What a rectifier would cut off comes in by a quantizer of signed codes.
    let input = match bits {
        Bits::W1A1 => Act::new("input", bits)?,
        _ => Act::Sign(QuantIdentity::builder("input").build()?),
    };
    let ends = features.iter().zip(features.iter().skip(1)).enumerate();
    let layers =
        ends.map(|(index, (inputs, outputs))| bits.linear(&format!("fc{index}"), *inputs, *outputs, init));
    let layers = layers.collect::<Result<Vec<_>, _>>()?;
    let acts =
        (1..layers.len()).map(|index| Act::new(&format!("act{index}"), bits)).collect::<Result<_, _>>()?;
    Ok(Dense { input, layers, acts, features: features.first().copied().unwrap_or_default() })
}

impl Network<2> for Dense {
    fn input_shape(&self) -> [usize; 2] {
        [1, self.features]
    }

    fn forward(&self, x: &Activation<2>) -> Result<Activation<2>, ForwardError> {
        let mut x = self.input.forward(x)?;
        for (index, layer) in self.layers.iter().enumerate() {
            x = layer.forward(&x)?;
            if let Some(act) = self.acts.get(index) {
                x = act.forward(&x)?;
            }
        }
        Ok(x)
    }
}

/// Channels of a line: three of an accelerometer, and those that convolutions make.
const LINE: [usize; 4] = [3, 16, 24, 32];
const LENGTH: usize = 128;
const CLASSES: usize = 6;

/// Convolutions along a line, a pool behind each, and a dense layer.
#[derive(Module, Debug)]
pub(crate) struct Line {
    input: QuantIdentity,
    convs: Vec<QuantConv1d>,
    acts: Vec<QuantReLU>,
    pools: Vec<MaxPool1d>,
    flatten: Flatten,
    fc: QuantLinear,
}

/// A network for motions of three axes.
pub(crate) fn line(init: &mut Init) -> Result<Line, BuildError> {
    let channels = || LINE.iter().zip(LINE.iter().skip(1)).enumerate();
    let conv = |(index, (inputs, outputs)): (usize, (&usize, &usize))| {
        QuantConv1d::builder(format!("conv{index}"), *inputs, *outputs, 5)
            .padding(2)
            .weight_quant(Int8WeightPerChannelFloat)
            .bias_quant(Int16Bias)
            .build(init)
    };
    let convs = channels().map(conv).collect::<Result<Vec<_>, _>>()?;
    let acts = channels().map(|(index, _)| QuantReLU::builder(format!("act{index}")).build());
    let pools = channels().map(|(index, _)| MaxPool1d::new(format!("pool{index}"), [2], [2]));
    let features = LINE[LINE.len() - 1] * (LENGTH >> convs.len());
    Ok(Line {
        input: QuantIdentity::builder("input").build()?,
        acts: acts.collect::<Result<_, _>>()?,
        pools: pools.collect(),
        convs,
        flatten: Flatten::new("flatten"),
        fc: Bits::W8A8.linear("fc", features, CLASSES, init)?,
    })
}

impl Network<3> for Line {
    fn input_shape(&self) -> [usize; 3] {
        [1, LINE[0], LENGTH]
    }

    fn forward(&self, x: &Activation<3>) -> Result<Activation<2>, ForwardError> {
        let mut x = self.input.forward(x)?;
        for ((conv, act), pool) in self.convs.iter().zip(&self.acts).zip(&self.pools) {
            x = pool.forward(&act.forward(&conv.forward(&x)?)?)?;
        }
        self.fc.forward(&self.flatten.forward(&x))
    }
}
