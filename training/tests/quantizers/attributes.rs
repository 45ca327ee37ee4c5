//! Every attribute of every definition as a keyword of every layer: each changes the parts or the numbers of the layer.

use std::sync::Arc;

use exactum_training::backend::Module;
use exactum_training::nn::{
    ActBuilder, AlignedBuilder, EmbeddingBuilder, Linear, QuantCat, QuantEltwiseAdd, QuantEmbedding,
    QuantIdentity, QuantLinear, WbiolBuilder,
};
use exactum_training::quant::*;
use exactum_training::{
    Activation, BuildError, Component, ForwardError, Mode, Parameter, QuantTensor, Tree, named_parameters,
};

/// Compares a layer without and with each keyword, and gives the names of the attributes. Keywords behind `given` are
/// part of both layers.
macro_rules! compare {
    (
        { $prefix:tt, $builder:expr, $seen:expr }
        $($attribute:ident($value:expr) $(given $($other:ident($other_value:expr)),+)?;)*
    ) => { pastey::paste! {{
        $(
            let base = || $builder$($(.[<$prefix $other>]($other_value))+)?;
            let [without, with] = [$seen(base()), $seen(base().[<$prefix $attribute>]($value))];
            let with: String = with.unwrap_or_else(|error| panic!("{}{}: {error}", $prefix, stringify!($attribute)));
            assert_ne!(without.ok(), Some(with), "{}{} changes nothing", $prefix, stringify!($attribute));
        )*
        [$(stringify!($attribute)),*]
    }}};
}

/// Adds the attributes that all definitions have.
macro_rules! all_attributes {
    ($head:tt $($own:tt)*) => {
        compare! {
            $head
            quant_type(QuantType::Fp);
            bit_width_impl_type(BitWidthImplType::Parameter);
            float_to_int_impl_type(FloatToIntImplType::Floor);
            restrict_scaling_type(RestrictValueType::PowerOfTwo);
            scaling_stats_op(StatsOp::Ave);
            bit_width(5);
            signed(false);
            scaling_min_val(100.0);
            quant_delay_steps(2);
            high_percentile_q(50.0) given scaling_stats_op(StatsOp::Percentile), high_percentile_q(99.0);
            low_percentile_q(60.0)
                given scaling_stats_op(StatsOp::PercentileInterval), high_percentile_q(90.0), low_percentile_q(1.0);
            sigma(3.0) given scaling_stats_op(StatsOp::MeanSigmaStd), sigma(1.0);
            scaling_init(0.7.into()) given scaling_impl_type(ScalingImplType::Const), scaling_init(0.5.into());
            min_bit_width(4) given bit_width_impl_type(BitWidthImplType::Parameter);
            stochastic_round_seed(7) given float_to_int_impl_type(FloatToIntImplType::StochasticRound);
            mse_iters(3) given scaling_stats_op(StatsOp::Mse);
            tensor_quant(ActQuantSolver::solve(&three_bits()).unwrap().unwrap());
            scaling_impl(Arc::new(ParameterScaling::new(&[2.0], restriction())));
            int_scaling_impl(Arc::new(PowerOfTwoIntScaling { signed: false }));
            restrict_scaling_impl(Arc::new(PowerOfTwoRestrictValue));
            scaling_stats_impl(Arc::new(AbsAve));
            bit_width_impl(Arc::new(BitWidthConst { bit_width: 3 }));
            float_to_int_impl(Arc::new(CeilSte));
            $($own)*
        }
    };
}

macro_rules! weight_attributes {
    ($head:tt) => {
        all_attributes! {
            $head
            scaling_impl_type(ScalingImplType::ParameterFromStats);
            scaling_per_output_type(ScalingPerOutputType::Channel);
            narrow_range(false);
            tensor_clamp_impl(Arc::new(TensorClamp));
            zero_point_impl(ZeroPointImpl::StatsFromParameter) given signed(false);
            quantize_zero_point(false)
                given zero_point_impl(ZeroPointImpl::Parameter), zero_point_init(0.3), signed(false);
            clip_weights(true) given quant_type(QuantType::Binary), scaling_impl_type(ScalingImplType::Const),
                scaling_const(0.1);
            zero_center_weights(true) given accumulator_bit_width(12),
                scaling_per_output_type(ScalingPerOutputType::Channel),
                float_to_int_impl_type(FloatToIntImplType::RoundToZero);
            scaling_const(0.7) given scaling_impl_type(ScalingImplType::Const), scaling_const(0.5);
            scaling_affine_rescaling_init(2.0) given scaling_impl_type(ScalingImplType::AffineStats);
            scaling_affine_shifting_init(0.5) given scaling_impl_type(ScalingImplType::AffineStats);
            zero_point_init(0.5)
                given zero_point_impl(ZeroPointImpl::Parameter), zero_point_init(0.3), signed(false);
            threshold(0.9) given quant_type(QuantType::Ternary);
            accumulator_bit_width(12) given scaling_per_output_type(ScalingPerOutputType::Channel),
                float_to_int_impl_type(FloatToIntImplType::RoundToZero);
            zero_point_stats_impl(Arc::new(NegativePercentileOrZero { low_q: 50.0 }))
                given zero_point_impl(ZeroPointImpl::StatsFromParameter), signed(false);
        }
    };
}

macro_rules! act_attributes {
    ($head:tt) => {
        all_attributes! {
            $head
            scaling_impl_type(ScalingImplType::Stats);
            scaling_per_output_type(ScalingPerOutputType::Channel)
                given scaling_stats_permute_dims(vec![1, 0]), per_channel_broadcastable_shape(vec![1, 3]);
            narrow_range(true);
            tensor_clamp_impl(Arc::new(TensorClampSte));
            zero_point_impl(ZeroPointImpl::ParameterFromRuntime) given low_percentile_q(1.0), signed(false);
            quantize_zero_point(false)
                given zero_point_impl(ZeroPointImpl::Parameter), zero_point_init(0.3), signed(false);
            collect_stats_steps(2);
            scaling_stats_momentum(0.9);
            min_val(-5.0) given scaling_impl_type(ScalingImplType::Const), max_val(1.0);
            max_val(2.0) given scaling_impl_type(ScalingImplType::Const), max_val(1.0);
            scaling_stats_permute_dims(vec![1, 0])
                given scaling_per_output_type(ScalingPerOutputType::Channel), per_channel_broadcastable_shape(vec![1, 3]);
            per_channel_broadcastable_shape(vec![1, 3])
                given scaling_per_output_type(ScalingPerOutputType::Channel), scaling_stats_permute_dims(vec![1, 0]);
            scaling_affine_rescaling_init(2.0) given scaling_impl_type(ScalingImplType::AffineStats);
            scaling_affine_shifting_init(0.5) given scaling_impl_type(ScalingImplType::AffineStats);
            zero_point_init(0.5)
                given zero_point_impl(ZeroPointImpl::Parameter), zero_point_init(0.3), signed(false);
            threshold(0.9) given quant_type(QuantType::Ternary);
            zero_point_stats_impl(Arc::new(NegativeMinOrZero))
                given zero_point_impl(ZeroPointImpl::ParameterFromRuntime), low_percentile_q(50.0), signed(false);
        }
    };
}

macro_rules! bias_attributes {
    ($head:tt) => {
        all_attributes! {
            $head
            scaling_impl_type(ScalingImplType::ParameterFromStats);
            scaling_per_output_type(ScalingPerOutputType::Channel);
            narrow_range(true);
            tensor_clamp_impl(Arc::new(TensorClampSte));
            requires_input_scale(true);
            scaling_const(0.7) given scaling_impl_type(ScalingImplType::Const), scaling_const(0.5);
        }
    };
}

fn three_bits() -> ActQuant {
    ActQuant { bit_width: 3, max_val: Some(1.0), ..Int8ActPerTensorFloat }
}

fn restriction() -> Restriction {
    Restriction {
        restrict_scaling_impl: Arc::new(FloatRestrictValue),
        clamp_scaling: ScalarClampMin { min_val: 1e-10 },
    }
}

/// Inputs of three passes, the last two in training and in evaluation.
const BATCHES: [[f32; 6]; 3] = [
    [0.9, -0.3, 1.7, -0.11, 0.57, -2.1],
    [0.23, -1.3, 0.4, 2.9, -0.77, 0.05],
    [1.21, 0.31, -0.61, 0.83, -0.19, 3.3],
];

/// Everything there is to see of a layer: its parts, its parameters, and what it makes of three passes.
fn seen<L: Component + Module, const D: usize>(
    layer: Result<L, BuildError>,
    forward: impl Fn(&L, &Activation<2>) -> Result<Activation<D>, ForwardError>,
) -> Result<String, BuildError> {
    let layer = layer?;
    let mut text = Tree(&layer).to_string();
    let mut show = |x: Activation<2>| {
        let part = match forward(&layer, &x) {
            Ok(y) => {
                let values: Vec<f32> = y.value().into_data().iter().collect();
                format!("{values:?} {:?}", y.quant().map(QuantTensor::zero_point))
            }
            Err(error) => error.to_string(),
        };
        text.push_str(&part);
    };
    for batch in BATCHES {
        let x = Activation::from_values(batch.to_vec(), [2, 3]);
        show(Activation::train(x.value()));
        show(x);
    }
    let values = named_parameters(&layer).into_iter().map(|named| (named.path, named.parameter.values()));
    Ok(format!("{text} {:?}", values.collect::<Vec<_>>()))
}

fn weight() -> Parameter {
    Parameter::new(vec![0.3, -0.8, 0.1, 0.6, 0.55, -0.27, -0.44, 0.07, 0.92], &[3, 3])
}

fn linear() -> WbiolBuilder<Linear> {
    QuantLinear::builder("fc", 3, 3)
}

fn seen_linear(builder: WbiolBuilder<Linear>) -> Result<String, BuildError> {
    let bias = Parameter::new(vec![0.13, -0.29, 0.4], &[3]);
    seen(builder.with_parameters(weight(), Some(bias)), |fc, x| fc.forward(x))
}

fn assert_all(found: &[&str], attributes: &[&str]) {
    let sorted = |names: &[&str]| {
        let mut names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        names.sort();
        names
    };
    assert_eq!(sorted(found), sorted(attributes));
}

#[test]
fn s56_every_attribute_of_a_weight_quantizer_is_a_keyword() {
    assert_all(&weight_attributes! {{ "weight_", linear(), seen_linear }}, WeightQuant::ATTRIBUTES);
    let embedding = || QuantEmbedding::builder("rows", 3, 3);
    let seen_rows = |builder: EmbeddingBuilder| {
        let index = |x: &Activation<2>| x.dims()[0] - 2;
        let rows = |layer: &QuantEmbedding, x: &Activation<2>| {
            let indices = Activation::from_values(vec![index(x) as f32, 1.0, 2.0], [1, 3]);
            layer.forward(&if x.mode() == Mode::Train { Activation::train(indices.value()) } else { indices })
        };
        seen(builder.with_parameters(weight()), rows)
    };
    assert_all(&weight_attributes! {{ "weight_", embedding(), seen_rows }}, WeightQuant::ATTRIBUTES);
}

#[test]
fn s56_every_attribute_of_an_activation_quantizer_is_a_keyword() {
    let identity = || QuantIdentity::builder("id");
    let seen_identity =
        |builder: ActBuilder<QuantIdentity>| seen(builder.build(), |layer, x| layer.forward(x));
    assert_all(&act_attributes! {{ "", identity(), seen_identity }}, ActQuant::ATTRIBUTES);
    let input = || linear().input_quant(Int8ActPerTensorFloat);
    assert_all(&act_attributes! {{ "input_", input(), seen_linear }}, ActQuant::ATTRIBUTES);
    let output = || linear().output_quant(Int8ActPerTensorFloat);
    assert_all(&act_attributes! {{ "output_", output(), seen_linear }}, ActQuant::ATTRIBUTES);
}

/// Sums and concatenations take the same keywords.
#[test]
fn s56_every_attribute_is_a_keyword_of_layers_that_join() {
    let add = || QuantEltwiseAdd::builder("add");
    let seen_add =
        |builder: AlignedBuilder<QuantEltwiseAdd>| seen(builder.build(), |layer, x| layer.forward(x, x));
    assert_all(&act_attributes! {{ "input_", add(), seen_add }}, ActQuant::ATTRIBUTES);
    assert_all(&act_attributes! {{ "output_", add(), seen_add }}, ActQuant::ATTRIBUTES);
    let cat = || QuantCat::builder("cat");
    let seen_cat =
        |builder: AlignedBuilder<QuantCat>| seen(builder.build(), |layer, x| layer.forward(&[x, x], 0));
    assert_all(&act_attributes! {{ "input_", cat(), seen_cat }}, ActQuant::ATTRIBUTES);
    assert_all(&act_attributes! {{ "output_", cat(), seen_cat }}, ActQuant::ATTRIBUTES);
}

#[test]
fn s56_every_attribute_of_a_bias_quantizer_is_a_keyword() {
    let biased = || linear().bias_quant(Int8BiasPerTensorFloatInternalScaling);
    assert_all(&bias_attributes! {{ "bias_", biased(), seen_linear }}, BiasQuant::ATTRIBUTES);
}
