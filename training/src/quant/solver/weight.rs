//! From definitions of weight quantizers to components.

use std::sync::Arc;

use super::{Common, common, given, no_mse, per_channel, require};
use crate::Parameter;
use crate::quant::{
    AbsMax, AccumulatorAwareQuant, BinaryQuant, BitWidthImplType, BuildContext, ClampedBinaryQuant,
    ConstScaling, DelayWrapper, FloatToIntImplType, IntScaling, Mse, NegativeMinOrZero,
    ParameterFromStatsFromParameterScaling, ParameterListStats, ParameterScaling, ParameterZeroPoint,
    PlainIntScaling, QuantType, QuantizerBuildError, RescalingIntQuant, Restriction, ScaleShiftZeroPoint,
    Scaling, ScalingImplType, ScalingInit, Stats, StatsFromParameterScaling, StatsFromParameterZeroPoint,
    StatsOp, TensorClamp, TensorClampSte, TensorQuant, TernaryQuant, View, WeightQuant, ZeroPoint,
    ZeroPointImpl, ZeroZeroPoint,
};

/// Builds weight quantizers.
pub struct WeightQuantSolver;

impl WeightQuantSolver {
    /// The quantizer of `weights`, all of which it tracks and whose output channels are dimension `output_axis`; `None`
    /// for floats.
    ///
    /// # Errors
    ///
    /// If an attribute is missing, out of range, or has a value that is not supported; and if weights are not finite
    /// where a starting value depends on them.
    pub fn solve(
        quant: &WeightQuant,
        weights: &[Parameter],
        output_axis: usize,
    ) -> Result<Option<Arc<dyn TensorQuant>>, QuantizerBuildError> {
        if quant.quant_type == QuantType::Fp {
            return Ok(None);
        }
        let view = Self::view(quant, output_axis)?;
        let groups = weights.first().map_or(1, |weight| view.groups(weight.shape()));
        let context = BuildContext { weights, view, groups };
        let solve = Solve { quant, common: common!(quant, context), view, output_axis };
        let tensor_quant = given(&quant.tensor_quant, &context, || solve.tensor_quant())?;
        Ok(Some(tensor_quant))
    }

    /// How the quantizer groups a weight whose output channels are dimension `output_axis`.
    ///
    /// # Errors
    ///
    /// If the scales are per block.
    pub fn view(quant: &WeightQuant, output_axis: usize) -> Result<View, QuantizerBuildError> {
        let per_channel = per_channel(quant.scaling_per_output_type)?;
        Ok(if per_channel { View::PerChannel { axis: output_axis } } else { View::PerTensor })
    }
}

struct Solve<'a> {
    quant: &'a WeightQuant,
    common: Common<'a>,
    view: View,
    output_axis: usize,
}

impl Solve<'_> {
    fn tensor_quant(&self) -> Result<Arc<dyn TensorQuant>, QuantizerBuildError> {
        let quant = self.quant;
        let delay_wrapper = DelayWrapper::new(quant.quant_delay_steps);
        Ok(match quant.quant_type {
            QuantType::Binary => {
                let binary = BinaryQuant { scaling_impl: self.scaling(&no_mse)?, delay_wrapper };
                match (&quant.tensor_clamp_impl, quant.clip_weights) {
                    (None, false) => Arc::new(binary),
                    (_, clip_weights) => {
                        let tensor_clamp_impl = self.common.clamp(TensorClampSte)?;
                        Arc::new(ClampedBinaryQuant { binary, tensor_clamp_impl, clip_weights })
                    }
                }
            }
            QuantType::Ternary => Arc::new(TernaryQuant {
                scaling_impl: self.scaling(&no_mse)?,
                threshold: quant.threshold.unwrap_or(0.5),
                delay_wrapper,
                clip_weights: quant.clip_weights,
            }),
            QuantType::Int | QuantType::Fp => match quant.accumulator_bit_width {
                Some(bits) => self.accumulator_aware(bits)?,
                None => self.rescaling_int_quant()?,
            },
        })
    }

    fn rescaling_int_quant(&self) -> Result<Arc<dyn TensorQuant>, QuantizerBuildError> {
        let learned = self.quant.bit_width_impl_type == BitWidthImplType::Parameter
            || matches!(
                self.quant.scaling_impl_type,
                ScalingImplType::AffineStats
                    | ScalingImplType::Parameter
                    | ScalingImplType::ParameterFromStats
            );
        let int_quant =
            if learned { self.common.int_quant(TensorClamp) } else { self.common.int_quant(TensorClampSte) }?;
        let zero_point_impl = self.zero_point(ScaleShiftZeroPoint {
            int_quant: int_quant.clone(),
            quantize_zero_point: self.quant.quantize_zero_point,
        })?;
        let msb_clamp_bit_width_impl = self.common.bit_width()?;
        Ok(Arc::new(RescalingIntQuant {
            scaling_impl: self.scaling(&|| self.common.mse(&int_quant, &zero_point_impl))?,
            int_scaling_impl: self.common.int_scaling()?,
            zero_point_impl,
            msb_clamp_bit_width_impl,
            int_quant,
        }))
    }

    /// A quantizer whose scale, learned from the largest magnitude on, stands for one code, and whose norms are limited.
    fn accumulator_aware(&self, bits: u8) -> Result<Arc<dyn TensorQuant>, QuantizerBuildError> {
        let (quant, common) = (self.quant, &self.common);
        if !(2..=32).contains(&bits) {
            return Err(QuantizerBuildError::invalid("accumulator_bit_width", bits, "2 to 32"));
        }
        let [weight] = common.context.weights else {
            let reason = "norms are learned for one weight; give each layer its own quantizer";
            return Err(QuantizerBuildError::unsupported("accumulator_bit_width", bits, reason));
        };
        let per_output_channel = self.view == View::PerChannel { axis: 0 };
        if !per_output_channel || quant.float_to_int_impl_type != FloatToIntImplType::RoundToZero {
            let reason =
                "the limit holds for RoundToZero, scales per Channel and output channels in dimension 0";
            return Err(QuantizerBuildError::unsupported("accumulator_bit_width", bits, reason));
        }
        self.finite_weights()?;
        let weight = weight.tensor(
            crate::Mode::Eval,
            [self.common.context.groups, weight.len_elems() / self.common.context.groups.max(1)],
        );
        let int_quant = common.int_quant(TensorClamp)?;
        let restriction = common.restriction()?;
        let bit_width_impl = common.bit_width()?;
        let largest_code = PlainIntScaling { signed: true, narrow_range: true }
            .forward(crate::backend::beside(bit_width_impl.forward(crate::Mode::Eval), &weight));
        let scaling_impl = given(&quant.scaling_impl, &common.context, || {
            let init = AbsMax.forward(weight.clone(), crate::Mode::Eval) / largest_code;
            let init = restriction.clamp_scaling.forward(init);
            Ok(Arc::new(ParameterScaling::new(&crate::backend::to_f32(&init), restriction.clone())))
        })?;
        Ok(Arc::new(AccumulatorAwareQuant::new(
            int_quant,
            scaling_impl,
            restriction,
            bit_width_impl,
            bits,
            quant.zero_center_weights,
            weight,
        )))
    }

    /// `mse` is what `StatsOp::Mse` searches in.
    fn scaling(
        &self,
        mse: &dyn Fn() -> Result<Mse, QuantizerBuildError>,
    ) -> Result<Arc<dyn Scaling>, QuantizerBuildError> {
        let quant = self.quant;
        given(&quant.scaling_impl, &self.common.context, || {
            let restriction = self.common.restriction()?;
            Ok(match quant.scaling_impl_type {
                ScalingImplType::Const => Arc::new(ConstScaling { scaling_init: self.init()?, restriction }),
                ScalingImplType::Parameter => Arc::new(ParameterScaling::new(&self.init()?, restriction)),
                ScalingImplType::He => self.he(restriction)?,
                ScalingImplType::Stats | ScalingImplType::AffineStats => {
                    Arc::new(StatsFromParameterScaling {
                        parameter_list_stats: self.list(self.common.stats(mse)?),
                        affine_rescaling: self
                            .common
                            .affine(quant.scaling_affine_rescaling_init, quant.scaling_affine_shifting_init),
                        restriction,
                    })
                }
                ScalingImplType::ParameterFromStats => {
                    self.finite_weights()?;
                    let stats = self.list(self.common.stats(mse)?);
                    Arc::new(ParameterFromStatsFromParameterScaling::new(stats, restriction))
                }
            })
        })
    }

    /// The statistic over all weights. A mean over channels sees channels even if the scale is per tensor.
    fn list(&self, stats: Arc<dyn Stats>) -> ParameterListStats {
        let over_channels =
            self.quant.scaling_stats_impl.is_none() && self.quant.scaling_stats_op == StatsOp::MaxAve;
        let view = if over_channels { View::PerChannel { axis: self.output_axis } } else { self.view };
        ParameterListStats::new(self.common.context.weights.to_vec(), view, stats)
    }

    fn init(&self) -> Result<Vec<f32>, QuantizerBuildError> {
        self.common.given_thresholds(self.quant.scaling_init.as_ref(), self.quant.scaling_const)
    }

    /// The mean over weights of `sqrt(2 / fan_in)`.
    fn he(&self, restriction: Restriction) -> Result<Arc<dyn Scaling>, QuantizerBuildError> {
        let weights = self.common.context.weights;
        let deviation = |weight: &Parameter| {
            let fan_in: usize = weight.shape().iter().skip(1).product();
            (2.0 / fan_in.max(1) as f32).sqrt()
        };
        let mean = weights.iter().map(deviation).sum::<f32>() / weights.len().max(1) as f32;
        let scaling_init = self.common.thresholds(&ScalingInit::Float(mean))?;
        Ok(Arc::new(ConstScaling { scaling_init, restriction }))
    }

    fn zero_point(&self, shift: ScaleShiftZeroPoint) -> Result<Arc<dyn ZeroPoint>, QuantizerBuildError> {
        let stats = || {
            let stats = given(&self.quant.zero_point_stats_impl, &self.common.context, || {
                Ok(Arc::new(NegativeMinOrZero))
            })?;
            Ok::<_, QuantizerBuildError>(self.list(stats))
        };
        Ok(match &self.quant.zero_point_impl {
            ZeroPointImpl::Zero => Arc::new(ZeroZeroPoint),
            ZeroPointImpl::StatsFromParameter => Arc::new(StatsFromParameterZeroPoint {
                parameter_list_stats: stats()?,
                scale_shift_zero_point: shift,
            }),
            ZeroPointImpl::ParameterFromStatsFromParameter => {
                self.finite_weights()?;
                let distance = stats()?.forward(crate::Mode::Eval).abs();
                Arc::new(ParameterZeroPoint::new(crate::backend::to_f32(&distance), shift))
            }
            ZeroPointImpl::Parameter => {
                let init =
                    require(self.quant.zero_point_init, "zero_point_init", "zero_point_impl Parameter")?;
                Arc::new(ParameterZeroPoint::new(vec![init; self.common.context.groups], shift))
            }
            other @ ZeroPointImpl::ParameterFromRuntime => {
                return Err(QuantizerBuildError::unsupported(
                    "zero_point_impl",
                    other,
                    "weights are not collected at run time; use StatsFromParameter",
                ));
            }
            ZeroPointImpl::Other(provider) => provider.provide(&self.common.context)?,
        })
    }

    /// Starting values that are statistics need weights that have one.
    fn finite_weights(&self) -> Result<(), QuantizerBuildError> {
        let found = self.common.context.weights.iter().flat_map(Parameter::values).find(|w| !w.is_finite());
        match found {
            Some(found) => Err(QuantizerBuildError::invalid("weight", found, "finite numbers")),
            None => Ok(()),
        }
    }
}
