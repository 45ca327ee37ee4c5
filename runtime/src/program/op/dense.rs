//! `dense`: a matrix times each row of codes, then requantization. Weights are row-major, one row per output.

use core::fmt::{self, Display as _};

use super::layer::{Layer, flag};
use super::{Bias, OpBody, Weights, views};
use crate::error::OpFault;
use crate::kernels;
use crate::num::Requant;
use crate::program::bounds;
use crate::program::constants::{ConstRef, Constants};
#[cfg(feature = "encode")]
use crate::program::encode::ConstantWriter;
use crate::program::record::record;
use crate::program::tail::RequantRecord;
use crate::program::tensor::{Tensor, TensorId, Tensors};

/// `output[r][o] = requant(bias[o] + sum_i weight[o][i] * (input[r][i] - zero_point))`.
///
/// The input is read as rows of `in_features` codes whatever its shape, so a flattened image needs no op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dense<'p> {
    /// 8- or 16-bit codes.
    pub input: TensorId,
    /// As many rows of `out_features` codes.
    pub output: TensorId,
    /// Code of the real value 0 in the input.
    pub input_zero_point: i32,
    /// Codes of one input row.
    pub in_features: u32,
    /// Codes of one output row.
    pub out_features: u32,
    /// `[out_features][in_features]`.
    pub weights: Weights<'p>,
    /// Starts the accumulators.
    pub bias: Bias<'p>,
    /// `None` stores the accumulators as `i32`.
    pub requant: Option<Requant<'p>>,
    /// Whether sums have 64 bits; then `requant` is not `None`.
    pub wide: bool,
}

impl Dense<'_> {
    const fn layer(&self) -> Layer<'_> {
        Layer { weights: self.weights, bias: self.bias, requant: self.requant.as_ref(), wide: self.wide }
    }
}

record! {
    /// The fields of `dense`.
    pub(crate) struct DenseRecord {
        pub(crate) input_zero_point: i32 = "Code of the real value 0 in the input.",
        pub(crate) in_features: u32 = "Codes of one input row.",
        pub(crate) out_features: u32 = "Codes of one output row.",
        pub(crate) bias_element: u8 = "Element type of the biases, 0 if there are none.",
        pub(crate) weight_element: u8 = "Element type of the weights.",
        pub(crate) wide: u8 = "1 if sums have 64 bits, else 0.",
        pub(crate) reserved: u8 = "Zero.",
        pub(crate) weights: ConstRef = "`i8` or `i16`, `[out_features][in_features]`.",
        pub(crate) bias: ConstRef = "`i16` or `i32`, one for each output feature.",
        pub(crate) requant: RequantRecord = "From accumulators to codes.",
    }
}

impl<'p> OpBody<'p> for Dense<'p> {
    type Record = DenseRecord;

    fn decode(
        input: TensorId,
        output: TensorId,
        record: &DenseRecord,
        constants: Constants<'p>,
    ) -> Result<Self, OpFault> {
        if record.reserved != 0 {
            return Err(OpFault::Reserved);
        }
        Ok(Self {
            input,
            output,
            input_zero_point: record.input_zero_point,
            in_features: record.in_features,
            out_features: record.out_features,
            weights: Weights::decode(record.weight_element, record.weights, constants)?,
            bias: Bias::decode(record.bias_element, record.bias, constants)?,
            requant: record.requant.decode(constants)?,
            wide: flag(record.wide)?,
        })
    }

    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, constants: &mut ConstantWriter<'_, S>) -> DenseRecord {
        let (weight_element, weights) = self.weights.encode(constants);
        let (bias_element, bias) = self.bias.encode(constants);
        DenseRecord {
            input_zero_point: self.input_zero_point,
            in_features: self.in_features,
            out_features: self.out_features,
            bias_element,
            weight_element,
            wide: self.wide.into(),
            reserved: 0,
            weights,
            bias,
            requant: RequantRecord::encode(self.requant.as_ref(), constants),
        }
    }

    fn verify(&self, _: Tensors<'_>, input: &Tensor, output: &Tensor) -> Result<(), OpFault> {
        let (features, channels) = (self.in_features as usize, self.out_features as usize);
        let rows = input.shape.elems().checked_div(self.in_features).ok_or(OpFault::Geometry)?;
        if rows.checked_mul(self.in_features) != Some(input.shape.elems()) {
            return Err(OpFault::InputShape);
        }
        if rows.checked_mul(self.out_features) != Some(output.shape.elems()) {
            return Err(OpFault::OutputShape);
        }
        if features.checked_mul(channels) != Some(self.weights.len()) {
            return Err(OpFault::WeightCount);
        }
        let centered = bounds::centered(input, self.input_zero_point, false)?;
        let index = |o: usize, i: usize| o.wrapping_mul(features).wrapping_add(i);
        self.layer().verify(input, output, centered, channels, features, index)
    }

    fn run(&self, _: Tensors<'_>, input: &Tensor, output: &Tensor, arena: &mut [u8]) {
        if let Some((input, output)) = views(arena, input, output) {
            kernels::dense::dense(self, input, output);
        }
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {} features, ", self.in_features, self.out_features)?;
        self.layer().fmt(f)
    }
}
