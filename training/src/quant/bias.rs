//! Between layers and bias quantizers.
//!
//! Usually a bias has no scale of its own: it takes input scale times weight scale, so that its codes add to the
//! accumulator's. A layer whose input has no scale cannot have such a bias.

use std::sync::Arc;

use super::solver::SolvedBias;
use super::{
    BiasQuant, BiasQuantSolver, BitWidth, FixedQuantizer, IntQuant, Quantized, QuantizerBuildError,
    QuantizerError, TensorQuant, View, ZeroPoint, ZeroZeroPoint,
};
use crate::backend::{self, Tensor};
use crate::component::Component;
use crate::{Mode, Parameter};

/// Quantizes a bias by a scale from outside, or by its own.
#[derive(Clone)]
pub struct BiasQuantProxy {
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    External { int_quant: IntQuant, bit_width: Arc<dyn BitWidth> },
    Internal { tensor_quant: Arc<dyn TensorQuant>, view: View },
}

impl BiasQuantProxy {
    /// The quantizer of `bias` that `definition` describes; `None` if it describes floats.
    ///
    /// # Errors
    ///
    /// If the definition cannot be built; see [`QuantizerBuildError`].
    pub fn build(definition: &BiasQuant, bias: &Parameter) -> Result<Option<Self>, QuantizerBuildError> {
        let kind = BiasQuantSolver::solve(definition, bias)?.map(|solved| match solved {
            SolvedBias::External { int_quant, bit_width } => Kind::External { int_quant, bit_width },
            SolvedBias::Internal { tensor_quant, view } => Kind::Internal { tensor_quant, view },
        });
        Ok(kind.map(|kind| Self { kind }))
    }

    /// Whether the scale comes from outside.
    pub fn requires_input_scale(&self) -> bool {
        matches!(self.kind, Kind::External { .. })
    }

    /// Whether no code of `bias` by `scales`, one or one per channel, lies outside its width. A scale of its own follows
    /// from the bias.
    pub(crate) fn holds(&self, bias: &Parameter, scales: &[f32]) -> bool {
        let Kind::External { int_quant, bit_width } = &self.kind else { return true };
        let bits = backend::scalar(&bit_width.forward(Mode::Eval));
        let Some(int_type) = int_quant.int_type(bits as u8) else { return true };
        let (least, greatest) = (int_type.min() as f64 - 0.5, int_type.max() as f64 + 0.5);
        let code =
            |(channel, value): (usize, f32)| f64::from(value) / f64::from(scales[channel % scales.len()]);
        bias.values().into_iter().enumerate().map(code).all(|code| (least..greatest).contains(&code))
    }

    /// Fake-quantizes `bias`, `[channels]`, by `scale`, `[1, 1]` or `[channels, 1]`, unless it has its own. The value is
    /// `[1, channels]` or `[channels, 1]` accordingly. `None` if there is no scale.
    pub fn forward(&self, bias: &Parameter, scale: Option<Tensor<2>>, mode: Mode) -> Option<Quantized> {
        match &self.kind {
            Kind::External { int_quant, bit_width } => {
                let scale = scale?;
                let groups = scale.dims()[0];
                let x = bias.tensor(mode, [groups, bias.len_elems() / groups.max(1)]);
                let bit_width = backend::beside(bit_width.forward(mode), &scale);
                let zero_point = ZeroZeroPoint.forward(None, &scale, &bit_width, mode);
                let value = int_quant.forward(&scale, &zero_point, &bit_width, x.clone());
                let value = int_quant.delay_wrapper.forward(|| x, value, mode);
                Some(Quantized { value, scale, zero_point, bit_width })
            }
            Kind::Internal { tensor_quant, view } => {
                let x = view.apply(bias.tensor(mode, [bias.len_elems()]));
                Some(tensor_quant.forward(x, mode))
            }
        }
    }

    /// The exact codes of `bias` and their quantizer, by `scales`, one or one per channel, unless it has its own. `None`
    /// if there is no scale.
    ///
    /// # Errors
    ///
    /// If the parameters are no integer quantizer.
    pub fn codes(
        &self,
        bias: &Parameter,
        scales: Option<Vec<f32>>,
    ) -> Result<Option<(Vec<i32>, FixedQuantizer)>, QuantizerError> {
        let values = bias.values();
        match &self.kind {
            Kind::External { int_quant, bit_width } => {
                let Some(scales) = scales else { return Ok(None) };
                let shape = [scales.len(), 1];
                let scale = backend::tensor(scales, shape, &backend::evaluation_device());
                let bit_width = backend::beside(bit_width.forward(Mode::Eval), &scale);
                let zero_point = ZeroZeroPoint.forward(None, &scale, &bit_width, Mode::Eval);
                let quantizer = int_quant.fixed(&scale, &zero_point, &bit_width)?;
                let codes = quantizer.storable(quantizer.quantize(&values, 1), 1);
                Ok(Some((codes, quantizer.of_codes())))
            }
            Kind::Internal { tensor_quant, .. } => tensor_quant.codes(&values, 1).map(Some),
        }
    }
}

impl Component for BiasQuantProxy {
    fn label(&self) -> String {
        "BiasQuantProxy".into()
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        match &self.kind {
            Kind::External { int_quant, bit_width } => {
                vec![("int_quant", int_quant), ("msb_clamp_bit_width_impl", &**bit_width)]
            }
            Kind::Internal { tensor_quant, .. } => vec![("tensor_quant", &**tensor_quant)],
        }
    }
}
