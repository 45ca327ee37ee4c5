//! Inputs and outputs of a model, with what a device needs to quantize floats.

use super::record::record;
use super::tensor::TensorId;
use crate::num::{InputQuantizer, IntRange};

/// One input of the model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Input {
    /// The tensor to fill.
    pub tensor: TensorId,
    /// Scale of its codes, or `None` if the model takes integers.
    pub scale: Option<f32>,
    /// Code of the real value 0.
    pub zero_point: i32,
}

impl Input {
    /// The quantizer from real values to codes of `range`, or `None` if the model takes integers.
    pub fn quantizer(&self, range: IntRange) -> Option<InputQuantizer> {
        InputQuantizer::new(self.scale?, self.zero_point, range)
    }
}

/// One output of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Output {
    /// The tensor to read.
    pub tensor: TensorId,
}

record! {
    /// One input in the image.
    pub(crate) struct InputRecord {
        pub(crate) tensor: u16 = "Tensor to fill.",
        pub(crate) reserved: u16 = "Zero.",
        pub(crate) scale: u32 = "Bits of the `f32` scale, positive and finite; 0 if the model takes integers.",
        pub(crate) zero_point: i32 = "Code of the real value 0.",
        pub(crate) reserved2: u32 = "Zero.",
    }
}

impl InputRecord {
    /// The record's meaning.
    pub(crate) fn decode(&self) -> Input {
        let scale = if self.scale == 0 { None } else { Some(f32::from_bits(self.scale)) };
        Input { tensor: TensorId(self.tensor), scale, zero_point: self.zero_point }
    }

    /// The record of `input`.
    #[cfg(feature = "encode")]
    pub(crate) fn encode(input: &Input) -> Self {
        Self {
            tensor: input.tensor.0,
            reserved: 0,
            scale: input.scale.map_or(0, f32::to_bits),
            zero_point: input.zero_point,
            reserved2: 0,
        }
    }
}

record! {
    /// One output in the image.
    pub(crate) struct OutputRecord {
        pub(crate) tensor: u16 = "Tensor to read.",
        pub(crate) reserved: [u16; 3] = "Zeros.",
    }
}

impl OutputRecord {
    /// The record's meaning.
    pub(crate) fn decode(&self) -> Output {
        Output { tensor: TensorId(self.tensor) }
    }

    /// The record of `output`.
    #[cfg(feature = "encode")]
    pub(crate) fn encode(output: &Output) -> Self {
        Self { tensor: output.tensor.0, reserved: [0; 3] }
    }
}
