//! Calibration passes of layers with weights: in floats, and beside floats for bias correction.

use super::{OperatorShape, Wbiol, WeightedOperator};
use crate::Mode;
use crate::activation::{Activation, Data};
use crate::error::ForwardError;
use crate::purpose::BiasCorrectionPass;

impl<O: OperatorShape> Wbiol<O> {
    /// Float weight and float bias: the layer as if it had no quantizer.
    pub(super) fn without_quantization<const D: usize>(&self, x: &Activation<D>) -> Activation<D>
    where
        O: WeightedOperator<D>,
    {
        let weight = self.weight.tensor(Mode::Eval, self.shape());
        let bias = self.bias().map(|bias| bias.tensor(Mode::Eval, [1, bias.len_elems()]));
        x.untraced_next(Data::Float(self.apply_floats(x, weight, bias)))
    }

    /// Adds the difference that quantization makes to `correction` and returns the float output, so that differences
    /// of earlier layers do not add up. The output quantizer has no part in either.
    pub(super) fn compare<const D: usize>(
        &self,
        x: &Activation<D>,
        correction: &BiasCorrectionPass,
    ) -> Result<Activation<D>, ForwardError>
    where
        O: WeightedOperator<D>,
    {
        let quantized = self.accumulate(&self.quantize_input(x)?)?;
        let float = self.without_quantization(x);
        correction.add(&self.name, &self.bias, &float.value(), &quantized.value())?;
        Ok(float)
    }
}
