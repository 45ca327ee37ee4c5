//! From definitions to components: one solver each for weights, activations and biases.
//!
//! The same attributes mean different components for weights and for activations: a statistic of the former is computed
//! on every pass, one of the latter is collected. What they have in common is here.

mod act;
mod bias;
mod weight;

pub use act::ActQuantSolver;
pub use bias::BiasQuantSolver;
pub(super) use bias::SolvedBias;
pub use weight::WeightQuantSolver;

use std::fmt::Debug;
use std::sync::Arc;

use super::int_quant::least_bits;
use super::{
    AbsAve, AbsMax, AbsMaxAve, AbsMinMax, AbsPercentile, AffineRescaling, BitWidth, BitWidthConst,
    BitWidthImplType, BitWidthParameter, BitWidthStatefulConst, BuildContext, CeilSte, Clamp, DPURoundSte,
    DelayWrapper, FloatRestrictValue, FloatToInt, FloatToIntImplType, FloorSte, IntQuant, IntScaling,
    LearnedRoundSte, LogFloatRestrictValue, MeanLearnedSigmaStd, MeanSigmaStd, Mse, PercentileInterval,
    PlainIntScaling, PowerOfTwoIntScaling, PowerOfTwoRestrictValue, Provider, QuantType, QuantizerBuildError,
    RestrictValue, RestrictValueType, Restriction, RoundSte, RoundToZeroSte, ScalarClampMin, ScalingImplType,
    ScalingInit, ScalingPerOutputType, Stats, StatsOp, StochasticRoundSte, ZeroPoint,
};
use crate::Mode;
use crate::backend;

/// The attributes that definitions of all kinds have, by reference.
struct Common<'a> {
    context: BuildContext<'a>,
    bit_width_impl_type: BitWidthImplType,
    float_to_int_impl_type: FloatToIntImplType,
    restrict_scaling_type: RestrictValueType,
    scaling_stats_op: StatsOp,
    scaling_impl_type: ScalingImplType,
    bit_width: u8,
    signed: bool,
    narrow_range: bool,
    scaling_min_val: f32,
    quant_delay_steps: usize,
    high_percentile_q: Option<f64>,
    low_percentile_q: Option<f64>,
    sigma: Option<f32>,
    min_bit_width: Option<u8>,
    stochastic_round_seed: Option<u64>,
    mse_iters: Option<usize>,
    int_scaling_impl: &'a Option<Provider<dyn IntScaling>>,
    restrict_scaling_impl: &'a Option<Provider<dyn RestrictValue>>,
    scaling_stats_impl: &'a Option<Provider<dyn Stats>>,
    bit_width_impl: &'a Option<Provider<dyn BitWidth>>,
    float_to_int_impl: &'a Option<Provider<dyn FloatToInt>>,
    tensor_clamp_impl: &'a Option<Provider<dyn Clamp>>,
}

/// The common attributes of a definition.
macro_rules! common {
    ($quant:expr, $context:expr) => {{
        let quant = $quant;
        Common {
            context: $context,
            bit_width_impl_type: quant.bit_width_impl_type,
            float_to_int_impl_type: quant.float_to_int_impl_type,
            restrict_scaling_type: quant.restrict_scaling_type,
            scaling_stats_op: quant.scaling_stats_op,
            scaling_impl_type: quant.scaling_impl_type,
            bit_width: quant.bit_width,
            signed: quant.signed,
            narrow_range: quant.narrow_range,
            scaling_min_val: quant.scaling_min_val,
            quant_delay_steps: quant.quant_delay_steps,
            high_percentile_q: quant.high_percentile_q,
            low_percentile_q: quant.low_percentile_q,
            sigma: quant.sigma,
            min_bit_width: quant.min_bit_width,
            stochastic_round_seed: quant.stochastic_round_seed,
            mse_iters: quant.mse_iters,
            int_scaling_impl: &quant.int_scaling_impl,
            restrict_scaling_impl: &quant.restrict_scaling_impl,
            scaling_stats_impl: &quant.scaling_stats_impl,
            bit_width_impl: &quant.bit_width_impl,
            float_to_int_impl: &quant.float_to_int_impl,
            tensor_clamp_impl: &quant.tensor_clamp_impl,
        }
    }};
}
use common;

/// The replacement of a component if the definition has one, else the component its other attributes choose.
fn given<T: ?Sized>(
    provider: &Option<Provider<T>>,
    context: &BuildContext<'_>,
    chosen: impl FnOnce() -> Result<Arc<T>, QuantizerBuildError>,
) -> Result<Arc<T>, QuantizerBuildError> {
    match provider {
        Some(provider) => provider.provide(context),
        None => chosen(),
    }
}

fn require<T: Copy>(
    value: Option<T>,
    attribute: &'static str,
    needed_by: impl Debug,
) -> Result<T, QuantizerBuildError> {
    value.ok_or_else(|| QuantizerBuildError::missing(attribute, needed_by))
}

fn percentage(
    value: Option<f64>,
    attribute: &'static str,
    needed_by: impl Debug,
) -> Result<f64, QuantizerBuildError> {
    let q = require(value, attribute, needed_by)?;
    if (0.0..=100.0).contains(&q) {
        Ok(q)
    } else {
        Err(QuantizerBuildError::invalid(attribute, q, "a percentage, 0 to 100"))
    }
}

/// Whether there is one scale per channel.
fn per_channel(kind: ScalingPerOutputType) -> Result<bool, QuantizerBuildError> {
    match kind {
        ScalingPerOutputType::Tensor => Ok(false),
        ScalingPerOutputType::Channel => Ok(true),
        ScalingPerOutputType::Group => Err(QuantizerBuildError::unsupported(
            "scaling_per_output_type",
            kind,
            "an accumulator sums over a whole channel, so blocks within it have no common scale; use Tensor or Channel",
        )),
    }
}

impl Common<'_> {
    fn bit_width(&self) -> Result<Arc<dyn BitWidth>, QuantizerBuildError> {
        let bit_width = given(self.bit_width_impl, &self.context, || {
            let bits = self.bit_width;
            self.check_width("bit_width", f32::from(bits))?;
            Ok(match self.bit_width_impl_type {
                BitWidthImplType::Const => Arc::new(BitWidthConst { bit_width: bits }),
                BitWidthImplType::StatefulConst => Arc::new(BitWidthStatefulConst::new(bits)),
                BitWidthImplType::Parameter => {
                    let least = self.min_bit_width.unwrap_or(BitWidthParameter::MIN_BIT_WIDTH);
                    self.check_width("min_bit_width", f32::from(least))?;
                    if bits < least {
                        let needed = format!("at least the min_bit_width {least}");
                        return Err(QuantizerBuildError::invalid("bit_width", bits, needed));
                    }
                    Arc::new(BitWidthParameter::new(bits, least))
                }
            })
        })?;
        // Of a width made elsewhere, too.
        let start = backend::scalar(&bit_width.forward(Mode::Eval));
        self.check_width("bit_width_impl", start)?;
        Ok(bit_width)
    }

    /// Refuses widths without codes on both sides of zero, of which a scale would be infinite, and beyond 32 bits.
    fn check_width(&self, attribute: &'static str, bits: f32) -> Result<(), QuantizerBuildError> {
        let least = least_bits(self.signed, self.narrow_range);
        let greatest = 31 + u8::from(self.signed);
        if (f32::from(least)..=f32::from(greatest)).contains(&bits) {
            return Ok(());
        }
        let kind = match (self.signed, self.narrow_range) {
            (true, _) => "signed",
            (false, true) => "unsigned and narrow",
            (false, false) => "unsigned",
        };
        let mut needed = format!("{least} to {greatest}, as codes are {kind}");
        if bits == 1.0 {
            needed.push_str("; for the two values of one bit use QuantType::Binary");
        }
        Err(QuantizerBuildError::invalid(attribute, bits, needed))
    }

    fn float_to_int(&self) -> Result<Arc<dyn FloatToInt>, QuantizerBuildError> {
        given(self.float_to_int_impl, &self.context, || {
            Ok(match self.float_to_int_impl_type {
                FloatToIntImplType::Round => Arc::new(RoundSte),
                FloatToIntImplType::Ceil => Arc::new(CeilSte),
                FloatToIntImplType::Floor => Arc::new(FloorSte),
                FloatToIntImplType::RoundToZero => Arc::new(RoundToZeroSte),
                FloatToIntImplType::Dpu => Arc::new(DPURoundSte),
                FloatToIntImplType::StochasticRound => {
                    Arc::new(StochasticRoundSte::new(self.stochastic_round_seed.unwrap_or(0)))
                }
                FloatToIntImplType::LearnedRound => match self.context.weights {
                    [weight] => Arc::new(LearnedRoundSte::new(weight.shape())),
                    _ => {
                        return Err(QuantizerBuildError::unsupported(
                            "float_to_int_impl_type",
                            FloatToIntImplType::LearnedRound,
                            "a rounding is learned for each element of one weight; use Round for activations, biases \
                             and shared quantizers",
                        ));
                    }
                },
            })
        })
    }

    /// Codes; `otherwise` is the clamp if the definition gives none.
    fn int_quant(&self, otherwise: impl Clamp + 'static) -> Result<IntQuant, QuantizerBuildError> {
        Ok(IntQuant {
            float_to_int_impl: self.float_to_int()?,
            tensor_clamp_impl: self.clamp(otherwise)?,
            signed: self.signed,
            narrow_range: self.narrow_range,
            delay_wrapper: DelayWrapper::new(self.quant_delay_steps),
        })
    }

    fn clamp(&self, otherwise: impl Clamp + 'static) -> Result<Arc<dyn Clamp>, QuantizerBuildError> {
        given(self.tensor_clamp_impl, &self.context, || Ok(Arc::new(otherwise)))
    }

    fn restriction(&self) -> Result<Restriction, QuantizerBuildError> {
        let min_val = self.scaling_min_val;
        if !(min_val.is_finite() && min_val >= 0.0) {
            return Err(QuantizerBuildError::invalid(
                "scaling_min_val",
                min_val,
                "a finite number from 0 on",
            ));
        }
        let restrict_scaling_impl = given(self.restrict_scaling_impl, &self.context, || {
            Ok(match self.restrict_scaling_type {
                RestrictValueType::Fp => Arc::new(FloatRestrictValue),
                RestrictValueType::LogFp => Arc::new(LogFloatRestrictValue),
                RestrictValueType::PowerOfTwo => Arc::new(PowerOfTwoRestrictValue),
                RestrictValueType::Int => {
                    return Err(QuantizerBuildError::unsupported(
                        "restrict_scaling_type",
                        RestrictValueType::Int,
                        "a threshold is no integer in general; use Fp, LogFp or PowerOfTwo",
                    ));
                }
            })
        })?;
        Ok(Restriction { restrict_scaling_impl, clamp_scaling: ScalarClampMin { min_val } })
    }

    fn int_scaling(&self) -> Result<Arc<dyn IntScaling>, QuantizerBuildError> {
        let (signed, narrow_range) = (self.signed, self.narrow_range);
        given(self.int_scaling_impl, &self.context, || {
            Ok(match self.restrict_scaling_type {
                RestrictValueType::PowerOfTwo => Arc::new(PowerOfTwoIntScaling { signed }),
                _ => Arc::new(PlainIntScaling { signed, narrow_range }),
            })
        })
    }

    /// The statistic that thresholds come from. `quantizer` is what `StatsOp::Mse` tries candidates in.
    fn stats(
        &self,
        quantizer: impl FnOnce() -> Result<Mse, QuantizerBuildError>,
    ) -> Result<Arc<dyn Stats>, QuantizerBuildError> {
        given(self.scaling_stats_impl, &self.context, || {
            let op = self.scaling_stats_op;
            let high = || percentage(self.high_percentile_q, "high_percentile_q", op);
            let sigma = || require(self.sigma, "sigma", op);
            Ok(match op {
                StatsOp::Max => Arc::new(AbsMax),
                StatsOp::Ave => Arc::new(AbsAve),
                StatsOp::MaxAve if self.context.groups > 1 => {
                    return Err(QuantizerBuildError::unsupported(
                        "scaling_stats_op",
                        op,
                        "the mean over channels is one scale for all; use ScalingPerOutputType::Tensor",
                    ));
                }
                StatsOp::MaxAve => Arc::new(AbsMaxAve),
                StatsOp::MeanSigmaStd => Arc::new(MeanSigmaStd { sigma: sigma()? }),
                StatsOp::MeanLearnSigmaStd => {
                    Arc::new(MeanLearnedSigmaStd::new(sigma()?, self.context.groups))
                }
                StatsOp::Percentile => Arc::new(AbsPercentile { q: high()? }),
                StatsOp::MinMax => Arc::new(AbsMinMax),
                StatsOp::PercentileInterval => {
                    let low_q = percentage(self.low_percentile_q, "low_percentile_q", op)?;
                    Arc::new(PercentileInterval { low_q, high_q: high()? })
                }
                StatsOp::Mse => Arc::new(quantizer()?),
            })
        })
    }

    /// The search for the threshold of least squared error.
    fn mse(
        &self,
        int_quant: &IntQuant,
        zero_point_impl: &Arc<dyn ZeroPoint>,
    ) -> Result<Mse, QuantizerBuildError> {
        let mse_iters = self.mse_iters.unwrap_or(20);
        if mse_iters == 0 {
            return Err(QuantizerBuildError::invalid("mse_iters", mse_iters, "at least 1"));
        }
        Ok(Mse {
            mse_iters,
            mse_init_op: Arc::new(AbsMax),
            int_quant: int_quant.clone(),
            int_scaling_impl: self.int_scaling()?,
            bit_width_impl: self.bit_width()?,
            zero_point_impl: zero_point_impl.clone(),
            restriction: self.restriction()?,
        })
    }

    /// The threshold that weights and biases are given: `scaling_init`, or else `scaling_const`.
    fn given_thresholds(
        &self,
        scaling_init: Option<&ScalingInit>,
        scaling_const: Option<f32>,
    ) -> Result<Vec<f32>, QuantizerBuildError> {
        let init = scaling_init.cloned().or(scaling_const.map(ScalingInit::Float));
        let init =
            init.ok_or_else(|| QuantizerBuildError::missing("scaling_init", self.scaling_impl_type))?;
        self.thresholds(&init)
    }

    /// The learned changes of `ScalingImplType::AffineStats`.
    fn affine(&self, rescaling_init: Option<f32>, shifting_init: Option<f32>) -> Option<AffineRescaling> {
        (self.scaling_impl_type == ScalingImplType::AffineStats)
            .then(|| AffineRescaling::new(self.context.groups, rescaling_init.unwrap_or(1.0), shifting_init))
    }

    /// Checked thresholds of constant and learned scales: one per group, from one or one per group.
    fn thresholds(&self, init: &ScalingInit) -> Result<Vec<f32>, QuantizerBuildError> {
        let thresholds = init.thresholds(self.context.weights);
        let groups = self.context.groups;
        let finite = thresholds.iter().all(|threshold| threshold.is_finite() && *threshold >= 0.0);
        match thresholds[..] {
            [threshold] if finite => Ok(vec![threshold; groups]),
            _ if finite && thresholds.len() == groups => Ok(thresholds),
            _ => {
                let needed = format!("one finite number from 0 on, or {groups}");
                Err(QuantizerBuildError::invalid("scaling_init", thresholds, needed))
            }
        }
    }
}

/// The search for a threshold in a quantizer that has no integer codes to try.
fn no_mse() -> Result<Mse, QuantizerBuildError> {
    let reason = "the search is for quantizers of quant_type Int";
    Err(QuantizerBuildError::unsupported("scaling_stats_op", StatsOp::Mse, reason))
}

/// Whether a quantizer of this kind exists for biases, which are integers or floats.
fn not_for_biases(kind: QuantType) -> QuantizerBuildError {
    QuantizerBuildError::unsupported("quant_type", kind, "biases are Int or Fp")
}
