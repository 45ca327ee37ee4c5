//! From definitions of bias quantizers to components.

use std::sync::Arc;

use super::{Common, common, given, not_for_biases, per_channel};
use crate::Parameter;
use crate::quant::{
    BiasQuant, BitWidth, BuildContext, ConstScaling, IntQuant, ParameterFromStatsFromParameterScaling,
    ParameterListStats, ParameterScaling, QuantType, QuantizerBuildError, RescalingIntQuant, Scaling,
    ScalingImplType, StatsFromParameterScaling, TensorClamp, TensorQuant, View, ZeroPoint, ZeroZeroPoint,
};

/// Builds bias quantizers.
pub struct BiasQuantSolver;

/// A bias quantizer, by where its scale comes from.
pub(crate) enum SolvedBias {
    /// From outside: input scale times weight scale.
    External { int_quant: IntQuant, bit_width: Arc<dyn BitWidth> },
    /// Its own.
    Internal { tensor_quant: Arc<dyn TensorQuant>, view: View },
}

impl BiasQuantSolver {
    /// The quantizer of `bias`; `None` for floats.
    pub(crate) fn solve(
        quant: &BiasQuant,
        bias: &Parameter,
    ) -> Result<Option<SolvedBias>, QuantizerBuildError> {
        match quant.quant_type {
            QuantType::Fp => return Ok(None),
            QuantType::Int => {}
            kind @ (QuantType::Binary | QuantType::Ternary) => return Err(not_for_biases(kind)),
        }
        let view = if per_channel(quant.scaling_per_output_type)? {
            View::PerChannel { axis: 0 }
        } else {
            View::PerTensor
        };
        let groups = if view == View::PerTensor { 1 } else { bias.len_elems() };
        let weights = std::slice::from_ref(bias);
        let context = BuildContext { weights, view, groups };
        let solve = Solve { quant, common: common!(quant, context), view };
        if let Some(tensor_quant) = &quant.tensor_quant {
            return Ok(Some(SolvedBias::Internal { tensor_quant: tensor_quant.provide(&context)?, view }));
        }
        let int_quant = solve.common.int_quant(TensorClamp)?;
        let bit_width = solve.common.bit_width()?;
        if quant.requires_input_scale {
            return Ok(Some(SolvedBias::External { int_quant, bit_width }));
        }
        let zero_point_impl: Arc<dyn ZeroPoint> = Arc::new(ZeroZeroPoint);
        let tensor_quant = Arc::new(RescalingIntQuant {
            scaling_impl: solve.scaling(&int_quant, &zero_point_impl)?,
            int_scaling_impl: solve.common.int_scaling()?,
            zero_point_impl,
            msb_clamp_bit_width_impl: bit_width,
            int_quant,
        });
        Ok(Some(SolvedBias::Internal { tensor_quant, view }))
    }
}

struct Solve<'a> {
    quant: &'a BiasQuant,
    common: Common<'a>,
    view: View,
}

impl Solve<'_> {
    fn scaling(
        &self,
        int_quant: &IntQuant,
        zero_point_impl: &Arc<dyn ZeroPoint>,
    ) -> Result<Arc<dyn Scaling>, QuantizerBuildError> {
        let quant = self.quant;
        given(&quant.scaling_impl, &self.common.context, || {
            let restriction = self.common.restriction()?;
            let stats = || {
                let stats = self.common.stats(|| self.common.mse(int_quant, zero_point_impl))?;
                let tracked = self.common.context.weights.to_vec();
                Ok::<_, QuantizerBuildError>(ParameterListStats::new(tracked, self.view, stats))
            };
            Ok(match quant.scaling_impl_type {
                ScalingImplType::Stats => Arc::new(StatsFromParameterScaling {
                    parameter_list_stats: stats()?,
                    affine_rescaling: None,
                    restriction,
                }),
                ScalingImplType::ParameterFromStats => {
                    Arc::new(ParameterFromStatsFromParameterScaling::new(stats()?, restriction))
                }
                ScalingImplType::Const => Arc::new(ConstScaling { scaling_init: self.init()?, restriction }),
                ScalingImplType::Parameter => Arc::new(ParameterScaling::new(&self.init()?, restriction)),
                kind @ (ScalingImplType::He | ScalingImplType::AffineStats) => {
                    return Err(QuantizerBuildError::unsupported(
                        "scaling_impl_type",
                        kind,
                        "a bias has neither a fan-in nor a scale worth an affine change; use Stats",
                    ));
                }
            })
        })
    }

    fn init(&self) -> Result<Vec<f32>, QuantizerBuildError> {
        self.common.given_thresholds(self.quant.scaling_init.as_ref(), self.quant.scaling_const)
    }
}
