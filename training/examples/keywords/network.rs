//! Three convolutions along time, whose channels are the bands, and a dense layer; without padding, so that it goes step by step.

use exactum_training::burn::module::Module;
use exactum_training::nn::{Flatten, QuantConv1d, QuantIdentity, QuantLinear, QuantReLU};
use exactum_training::quant::{
    Int8ActPerTensorFloat, Int8WeightPerChannelFloat, Int16Bias, Uint8ActPerTensorFloat,
};
use exactum_training::{Activation, BuildError, ForwardError, Init, Network, TrainConfig};

use crate::speech::{BANDS, FRAMES, WORDS};

/// Channels from layer to layer, and frames and steps of each convolution's window.
const CHANNELS: [usize; 4] = [BANDS, 24, 32, 32];
const WINDOWS: [(usize, usize); 3] = [(5, 2), (3, 2), (3, 2)];

/// The network.
#[derive(Module, Debug)]
pub(crate) struct Keywords {
    input: QuantIdentity,
    convs: Vec<QuantConv1d>,
    acts: Vec<QuantReLU>,
    flatten: Flatten,
    fc: QuantLinear,
}

impl Keywords {
    pub(crate) const TRAINING: TrainConfig =
        TrainConfig { epochs: 25, batch_samples: 32, learning_rate: 2e-3, seed: 1 };

    pub(crate) fn new(seed: u64) -> Result<Self, BuildError> {
        let init = &mut Init::from_seed(seed);
        let (mut convs, mut acts, mut frames) = (vec![], vec![], FRAMES);
        for (index, (size, stride)) in WINDOWS.into_iter().enumerate() {
            let conv =
                QuantConv1d::builder(format!("conv{index}"), CHANNELS[index], CHANNELS[index + 1], size)
                    .stride(stride)
                    .weight_quant(Some(Int8WeightPerChannelFloat))
                    .bias_quant(Some(Int16Bias));
            convs.push(conv.build(init)?);
            let act = QuantReLU::builder(format!("act{index}")).act_quant(Some(Uint8ActPerTensorFloat));
            acts.push(act.build()?);
            frames = (frames - size) / stride + 1;
        }
        Ok(Self {
            input: QuantIdentity::builder("input").act_quant(Some(Int8ActPerTensorFloat)).build()?,
            convs,
            acts,
            flatten: Flatten::new("flatten"),
            fc: QuantLinear::builder("fc", CHANNELS[CHANNELS.len() - 1] * frames, WORDS.len())
                .weight_quant(Some(Int8WeightPerChannelFloat))
                .bias_quant(Some(Int16Bias))
                .build(init)?,
        })
    }
}

impl Network<3> for Keywords {
    fn input_shape(&self) -> [usize; 3] {
        [1, BANDS, FRAMES]
    }

    fn forward(&self, x: &Activation<3>) -> Result<Activation<2>, ForwardError> {
        let mut x = self.input.forward(x)?;
        for (conv, act) in self.convs.iter().zip(&self.acts) {
            x = act.forward(&conv.forward(&x)?)?;
        }
        self.fc.forward(&self.flatten.forward(&x))
    }
}
