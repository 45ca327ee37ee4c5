//! Definitions of weight, activation and bias quantizers: every attribute, declared once.
//!
//! A definition is a value. Deriving one from another is struct update, `ActQuant { bit_width: 3, ..other }`; single
//! components are replaced by fields such as `scaling_impl`. From the same declarations the layers' builders get a
//! keyword per attribute, with a prefix (`weight_bit_width`), so that a new attribute is a keyword everywhere.

use super::{
    BitWidth, BitWidthImplType, Clamp, FloatToInt, FloatToIntImplType, IntScaling, Provider, QuantType,
    RestrictValue, RestrictValueType, Scaling, ScalingImplType, ScalingInit, ScalingPerOutputType, Stats,
    StatsOp, TensorQuant, ZeroPointImpl,
};

/// Hands `$then` the attributes that all quantizers have, together with those of one kind.
macro_rules! with_common_attributes {
    ($then:ident $head:tt plain {$($plain:tt)*} optional {$($optional:tt)*} component {$($component:tt)*}) => {
        $then! {
            $head
            plain {
                /// The kind of codes.
                quant_type: QuantType = QuantType::Int,
                /// Where the bit width comes from.
                bit_width_impl_type: BitWidthImplType = BitWidthImplType::Const,
                /// How scaled values become integers.
                float_to_int_impl_type: FloatToIntImplType = FloatToIntImplType::Round,
                /// Where the scale comes from.
                scaling_impl_type: ScalingImplType = ScalingImplType::Stats,
                /// Permitted scales.
                restrict_scaling_type: RestrictValueType = RestrictValueType::Fp,
                /// The statistic the scale comes from.
                scaling_stats_op: StatsOp = StatsOp::Max,
                /// Which elements share a scale.
                scaling_per_output_type: ScalingPerOutputType = ScalingPerOutputType::Tensor,
                /// Bits of a code, 1 to 32.
                bit_width: u8 = 8,
                /// Whether codes may be negative.
                signed: bool = true,
                /// Leave out one end of the range.
                narrow_range: bool = false,
                /// Smallest threshold; 0 for none.
                scaling_min_val: f32 = 1e-10,
                /// Training passes before the quantizer starts to quantize.
                quant_delay_steps: usize = 0,
                $($plain)*
            }
            optional {
                /// The percentile of `StatsOp::Percentile` and the upper one of `StatsOp::PercentileInterval`, 0 to 100.
                high_percentile_q: f64,
                /// The lower percentile of `StatsOp::PercentileInterval` and of zero points, 0 to 100.
                low_percentile_q: f64,
                /// Standard deviations above the mean, for `StatsOp::MeanSigmaStd` and `StatsOp::MeanLearnSigmaStd`.
                sigma: f32,
                /// The threshold of constant and learned scales: a float, or `ScalingInit::value`.
                scaling_init: ScalingInit,
                /// Smallest width of a learned bit width; 2 if not given.
                min_bit_width: u8,
                /// Seed of `FloatToIntImplType::StochasticRound`; 0 if not given.
                stochastic_round_seed: u64,
                /// Candidates of `StatsOp::Mse`; 20 if not given.
                mse_iters: usize,
                $($optional)*
            }
            component {
                /// The whole quantizer.
                tensor_quant: dyn TensorQuant,
                /// Thresholds.
                scaling_impl: dyn Scaling,
                /// The code that stands for the threshold.
                int_scaling_impl: dyn IntScaling,
                /// Permitted thresholds.
                restrict_scaling_impl: dyn RestrictValue,
                /// The statistic that thresholds come from.
                scaling_stats_impl: dyn Stats,
                /// Bits of a code.
                bit_width_impl: dyn BitWidth,
                /// Rounding.
                float_to_int_impl: dyn FloatToInt,
                /// Limits to the codes of the type.
                tensor_clamp_impl: dyn Clamp,
                $($component)*
            }
        }
    };
}
pub(crate) use with_common_attributes;

/// Hands `$then` the attributes of weight quantizers.
macro_rules! weight_attributes {
    ($then:ident $head:tt) => {
        $crate::quant::definition::with_common_attributes! {
            $then $head
            plain {
                /// Where the zero point comes from.
                zero_point_impl: ZeroPointImpl = ZeroPointImpl::Zero,
                /// Whether the zero point is one of the codes.
                quantize_zero_point: bool = true,
                /// Clip the stored weights to the range of a binary or ternary quantizer on every training pass.
                clip_weights: bool = false,
                /// Centre the weights of each output channel before the limit of `accumulator_bit_width` (A2Q+).
                zero_center_weights: bool = false,
            }
            optional {
                /// The threshold of constant and learned scales, if `scaling_init` is not given.
                scaling_const: f32,
                /// Starting factor of `ScalingImplType::AffineStats`; 1 if not given.
                scaling_affine_rescaling_init: f32,
                /// Starting summand of `ScalingImplType::AffineStats`; without it there is no summand.
                scaling_affine_shifting_init: f32,
                /// Starting value of a learned zero point, in units of the weight.
                zero_point_init: f32,
                /// Magnitudes above `threshold` scales become codes other than zero; 0.5 if not given.
                threshold: f32,
                /// Bits that no accumulator may leave. Weights are then limited to what is safe for every input.
                accumulator_bit_width: u8,
            }
            component {
                /// The statistic that zero points come from.
                zero_point_stats_impl: dyn Stats,
            }
        }
    };
}
pub(crate) use weight_attributes;

/// Hands `$then` the attributes of activation quantizers.
macro_rules! act_attributes {
    ($then:ident $head:tt) => {
        $crate::quant::definition::with_common_attributes! {
            $then $head
            plain {
                /// Where the zero point comes from.
                zero_point_impl: ZeroPointImpl = ZeroPointImpl::Zero,
                /// Whether the zero point is one of the codes.
                quantize_zero_point: bool = true,
            }
            optional {
                /// Training passes that collect statistics before scale and zero point are learned; 300 if not given.
                collect_stats_steps: usize,
                /// Weight of the newest statistic in the moving average, 0 to 1; 0.1 if not given.
                scaling_stats_momentum: f32,
                /// Smallest value of the range, for constant and learned scales, whose threshold is the larger magnitude of
                /// both ends.
                min_val: f32,
                /// Largest value of the range, for constant and learned scales. Together with
                /// `ScalingImplType::ParameterFromStats` the scale is learned from it on, without collecting statistics.
                max_val: f32,
                /// Order of the dimensions in which channels come first, for scales per channel.
                scaling_stats_permute_dims: Vec<usize>,
                /// The shape of the scales, for scales per channel: the number of channels at their dimension, else 1.
                per_channel_broadcastable_shape: Vec<usize>,
                /// Starting factor of `ScalingImplType::AffineStats`; 1 if not given.
                scaling_affine_rescaling_init: f32,
                /// Starting summand of `ScalingImplType::AffineStats`; without it there is no summand.
                scaling_affine_shifting_init: f32,
                /// Starting value of a learned zero point, in units of the activation.
                zero_point_init: f32,
                /// Magnitudes above `threshold` scales become codes other than zero; 0.5 if not given.
                threshold: f32,
            }
            component {
                /// The statistic that zero points come from.
                zero_point_stats_impl: dyn Stats,
            }
        }
    };
}
pub(crate) use act_attributes;

/// Hands `$then` the attributes of bias quantizers.
macro_rules! bias_attributes {
    ($then:ident $head:tt) => {
        $crate::quant::definition::with_common_attributes! {
            $then $head
            plain {
                /// Whether the scale is the accumulator's, input scale times weight scale, instead of its own.
                requires_input_scale: bool = true,
            }
            optional {
                /// The threshold of constant and learned scales, if `scaling_init` is not given.
                scaling_const: f32,
            }
            component {}
        }
    };
}
pub(crate) use bias_attributes;

/// Declares the type of a definition.
macro_rules! define {
    (
        { $(#[$doc:meta])* $name:ident }
        plain { $($(#[$plain_doc:meta])* $plain:ident: $plain_type:ty = $default:expr,)* }
        optional { $($(#[$optional_doc:meta])* $optional:ident: $optional_type:ty,)* }
        component { $($(#[$component_doc:meta])* $component:ident: $component_type:ty,)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[$plain_doc])* pub $plain: $plain_type,)*
            $($(#[$optional_doc])* pub $optional: Option<$optional_type>,)*
            $($(#[$component_doc])* /// Chosen by the other attributes if not given.
            pub $component: Option<Provider<$component_type>>,)*
        }

        impl $name {
            /// What premade quantizers start from: 8-bit signed codes rounded to the nearest, one float scale that is a
            /// statistic, the zero point zero.
            pub(super) const BASE: Self = Self {
                $($plain: $default,)*
                $($optional: None,)*
                $($component: None,)*
            };

            /// Names of all attributes, in the order of declaration.
            pub const ATTRIBUTES: &'static [&'static str] =
                &[$(stringify!($plain),)* $(stringify!($optional),)* $(stringify!($component),)*];

            pastey::paste! {
                $(
                    #[doc = concat!("This definition with another `", stringify!($component), "`.")]
                    #[must_use]
                    pub fn [<with_ $component>](
                        mut self,
                        component: impl Into<Provider<$component_type>>,
                    ) -> Self {
                        self.$component = Some(component.into());
                        self
                    }
                )*
            }
        }
    };
}

weight_attributes! { define {
    /// A weight quantizer.
    WeightQuant
} }
act_attributes! { define {
    /// An activation quantizer.
    ActQuant
} }
bias_attributes! { define {
    /// A bias quantizer.
    BiasQuant
} }

/// Adds a keyword per attribute to a builder: methods with a prefix that hand a change of the definition to the
/// builder's method `$change`.
macro_rules! keywords {
    (
        { [$($generics:tt)*] $builder:ty, $prefix:tt, $change:ident }
        plain { $($(#[$plain_doc:meta])* $plain:ident: $plain_type:ty = $default:expr,)* }
        optional { $($(#[$optional_doc:meta])* $optional:ident: $optional_type:ty,)* }
        component { $($(#[$component_doc:meta])* $component:ident: $component_type:ty,)* }
    ) => {
        pastey::paste! {
            impl $($generics)* $builder {
                $(
                    $(#[$plain_doc])*
                    pub fn [<$prefix $plain>](self, value: $plain_type) -> Self {
                        self.$change(move |quant| quant.$plain = value)
                    }
                )*
                $(
                    $(#[$optional_doc])*
                    pub fn [<$prefix $optional>](self, value: $optional_type) -> Self {
                        self.$change(move |quant| quant.$optional = Some(value))
                    }
                )*
                $(
                    $(#[$component_doc])*
                    pub fn [<$prefix $component>](
                        self,
                        component: impl Into<$crate::quant::Provider<$component_type>>,
                    ) -> Self {
                        let component = component.into();
                        self.$change(move |quant| quant.$component = Some(component))
                    }
                )*
                /// One scale per channel instead of one for all.
                pub fn [<$prefix scaling_per_output_channel>](self, per_channel: bool) -> Self {
                    self.$change(move |quant| {
                        quant.scaling_per_output_type =
                            if per_channel { ScalingPerOutputType::Channel } else { ScalingPerOutputType::Tensor };
                    })
                }
            }
        }
    };
}
pub(crate) use keywords;
