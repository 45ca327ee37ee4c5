//! From definitions of activation quantizers to components.

use std::sync::Arc;

use super::{Common, common, given, no_mse, per_channel, percentage, require};
use crate::quant::{
    ActQuant, BinaryQuant, BuildContext, ClampedBinaryQuant, ConstScaling, DelayWrapper, Mse,
    NegativePercentileOrZero, ParameterFromRuntimeStatsScaling, ParameterFromRuntimeZeroPoint,
    ParameterScaling, ParameterZeroPoint, QuantType, QuantizerBuildError, RescalingIntQuant, RuntimeStats,
    RuntimeStatsScaling, ScaleShiftZeroPoint, Scaling, ScalingImplType, ScalingInit, Stats, StatsOp,
    TensorClamp, TensorQuant, TernaryQuant, View, ZeroPoint, ZeroPointImpl, ZeroZeroPoint,
};

/// Builds activation quantizers.
pub struct ActQuantSolver;

impl ActQuantSolver {
    /// The quantizer; `None` for floats.
    ///
    /// # Errors
    ///
    /// If an attribute is missing, out of range, or has a value that is not supported.
    pub fn solve(quant: &ActQuant) -> Result<Option<Arc<dyn TensorQuant>>, QuantizerBuildError> {
        if quant.quant_type == QuantType::Fp {
            return Ok(None);
        }
        let (view, groups) = Self::view(quant)?;
        let context = BuildContext { weights: &[], view, groups };
        let solve = Solve { quant, common: common!(quant, context) };
        Ok(Some(given(&quant.tensor_quant, &context, || solve.tensor_quant())?))
    }

    /// How the quantizer groups an activation, and the number of groups.
    ///
    /// # Errors
    ///
    /// If scales are per channel and the attributes do not say how many channels there are and where.
    pub fn view(quant: &ActQuant) -> Result<(View, usize), QuantizerBuildError> {
        if !per_channel(quant.scaling_per_output_type)? {
            return Ok((View::PerTensor, 1));
        }
        let shape = quant.per_channel_broadcastable_shape.as_ref().ok_or_else(|| {
            QuantizerBuildError::missing("per_channel_broadcastable_shape", quant.scaling_per_output_type)
        })?;
        let order = quant.scaling_stats_permute_dims.as_ref().ok_or_else(|| {
            QuantizerBuildError::missing("scaling_stats_permute_dims", quant.scaling_per_output_type)
        })?;
        let axis = order.first().copied().unwrap_or(0);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if axis == 0 || !sorted.iter().copied().eq(0..shape.len()) {
            let needed = format!("each of 0 to {}, channels first", shape.len().saturating_sub(1));
            return Err(QuantizerBuildError::invalid("scaling_stats_permute_dims", order, needed));
        }
        let elsewhere = shape.iter().enumerate().any(|(dim, extent)| dim != axis && *extent != 1);
        if elsewhere || shape[axis] == 0 {
            let needed = format!("the number of channels in dimension {axis} and 1 in the others");
            return Err(QuantizerBuildError::invalid("per_channel_broadcastable_shape", shape, needed));
        }
        Ok((View::PerChannel { axis }, shape[axis]))
    }
}

struct Solve<'a> {
    quant: &'a ActQuant,
    common: Common<'a>,
}

impl Solve<'_> {
    fn tensor_quant(&self) -> Result<Arc<dyn TensorQuant>, QuantizerBuildError> {
        let quant = self.quant;
        let delay_wrapper = DelayWrapper::new(quant.quant_delay_steps);
        Ok(match quant.quant_type {
            QuantType::Binary => Arc::new(ClampedBinaryQuant {
                binary: BinaryQuant { scaling_impl: self.scaling(&no_mse)?, delay_wrapper },
                tensor_clamp_impl: self.common.clamp(TensorClamp)?,
                clip_weights: false,
            }),
            QuantType::Ternary => Arc::new(TernaryQuant {
                scaling_impl: self.scaling(&no_mse)?,
                threshold: quant.threshold.unwrap_or(0.5),
                delay_wrapper,
                clip_weights: false,
            }),
            QuantType::Int | QuantType::Fp => {
                let int_quant = self.common.int_quant(TensorClamp)?;
                let zero_point_impl = self.zero_point(ScaleShiftZeroPoint {
                    int_quant: int_quant.clone(),
                    quantize_zero_point: quant.quantize_zero_point,
                })?;
                Arc::new(RescalingIntQuant {
                    scaling_impl: self.scaling(&|| self.common.mse(&int_quant, &zero_point_impl))?,
                    int_scaling_impl: self.common.int_scaling()?,
                    zero_point_impl,
                    msb_clamp_bit_width_impl: self.common.bit_width()?,
                    int_quant,
                })
            }
        })
    }

    /// `mse` is what `StatsOp::Mse` searches in.
    fn scaling(
        &self,
        mse: &dyn Fn() -> Result<Mse, QuantizerBuildError>,
    ) -> Result<Arc<dyn Scaling>, QuantizerBuildError> {
        let quant = self.quant;
        given(&quant.scaling_impl, &self.common.context, || {
            let restriction = self.common.restriction()?;
            let runtime = |steps: Option<usize>| {
                let stats = self.common.stats(mse)?;
                self.runtime(stats, steps, 1.0)
            };
            Ok(match self.scaling_impl_type() {
                ScalingImplType::Const => Arc::new(ConstScaling { scaling_init: self.init()?, restriction }),
                ScalingImplType::Parameter => Arc::new(ParameterScaling::new(&self.init()?, restriction)),
                ScalingImplType::ParameterFromStats => Arc::new(ParameterFromRuntimeStatsScaling::new(
                    runtime(Some(self.steps()?))?,
                    restriction,
                )),
                ScalingImplType::Stats | ScalingImplType::AffineStats => Arc::new(RuntimeStatsScaling {
                    runtime_stats: runtime(None)?,
                    affine_rescaling: self
                        .common
                        .affine(quant.scaling_affine_rescaling_init, quant.scaling_affine_shifting_init),
                    restriction,
                }),
                kind @ ScalingImplType::He => {
                    return Err(QuantizerBuildError::unsupported(
                        "scaling_impl_type",
                        kind,
                        "He's initialization is about weights; use Const with min_val and max_val",
                    ));
                }
            })
        })
    }

    /// A maximum that is given need not be collected.
    fn scaling_impl_type(&self) -> ScalingImplType {
        match self.quant.scaling_impl_type {
            ScalingImplType::ParameterFromStats if self.quant.max_val.is_some() => ScalingImplType::Parameter,
            kind => kind,
        }
    }

    fn runtime(
        &self,
        stats: Arc<dyn Stats>,
        steps: Option<usize>,
        start: f32,
    ) -> Result<RuntimeStats, QuantizerBuildError> {
        let momentum = self.quant.scaling_stats_momentum.unwrap_or(0.1);
        if !(0.0..=1.0).contains(&momentum) {
            return Err(QuantizerBuildError::invalid("scaling_stats_momentum", momentum, "0 to 1"));
        }
        if self.quant.scaling_stats_impl.is_none() && self.quant.scaling_stats_op == StatsOp::MaxAve {
            return Err(QuantizerBuildError::unsupported(
                "scaling_stats_op",
                StatsOp::MaxAve,
                "one scale for an activation has no channels to average over; use Max",
            ));
        }
        Ok(RuntimeStats::new(stats, steps, momentum, vec![start; self.common.context.groups]))
    }

    fn steps(&self) -> Result<usize, QuantizerBuildError> {
        match self.quant.collect_stats_steps.unwrap_or(300) {
            0 => Err(QuantizerBuildError::invalid("collect_stats_steps", 0, "at least 1")),
            steps => Ok(steps),
        }
    }

    /// The larger magnitude of the ends of the range, unless `scaling_init` is given.
    fn init(&self) -> Result<Vec<f32>, QuantizerBuildError> {
        let quant = self.quant;
        let init = match &quant.scaling_init {
            Some(init) => init.clone(),
            None => {
                let magnitude = |value: f32, attribute| {
                    let invalid = || QuantizerBuildError::invalid(attribute, value, "a finite number");
                    value.is_finite().then_some(value.abs()).ok_or_else(invalid)
                };
                let max_val = require(quant.max_val, "max_val", quant.scaling_impl_type)?;
                let min_val = quant.min_val.unwrap_or(0.0);
                ScalingInit::Float(magnitude(max_val, "max_val")?.max(magnitude(min_val, "min_val")?))
            }
        };
        self.common.thresholds(&init)
    }

    fn zero_point(&self, shift: ScaleShiftZeroPoint) -> Result<Arc<dyn ZeroPoint>, QuantizerBuildError> {
        let quant = self.quant;
        Ok(match &quant.zero_point_impl {
            ZeroPointImpl::Zero => Arc::new(ZeroZeroPoint),
            ZeroPointImpl::ParameterFromRuntime => {
                let stats = given(&quant.zero_point_stats_impl, &self.common.context, || {
                    let needed_by = &quant.zero_point_impl;
                    let low_q = percentage(quant.low_percentile_q, "low_percentile_q", needed_by)?;
                    Ok(Arc::new(NegativePercentileOrZero { low_q }))
                })?;
                let stats = self.runtime(stats, Some(self.steps()?), 0.0)?;
                Arc::new(ParameterFromRuntimeZeroPoint::new(stats, shift))
            }
            ZeroPointImpl::Parameter => {
                let init = require(quant.zero_point_init, "zero_point_init", "zero_point_impl Parameter")?;
                Arc::new(ParameterZeroPoint::new(vec![init; self.common.context.groups], shift))
            }
            other @ (ZeroPointImpl::StatsFromParameter | ZeroPointImpl::ParameterFromStatsFromParameter) => {
                return Err(QuantizerBuildError::unsupported(
                    "zero_point_impl",
                    other,
                    "activations have no parameter to look at; use ParameterFromRuntime",
                ));
            }
            ZeroPointImpl::Other(provider) => provider.provide(&self.common.context)?,
        })
    }
}
