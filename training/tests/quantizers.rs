//! Quantizer definitions: premade ones, sharing, biases, keywords, the enumeration attributes, learned widths.

mod common;

use std::sync::Arc;

use common::{GOLDEN, assert_close, assert_golden, floats, input, ints, parameter, shape, tensor, values};
use exactum_training::backend::{Tensor, evaluation_device};
use exactum_training::nn::{QuantConv2d, QuantIdentity, QuantLinear, QuantReLU};
use exactum_training::quant::*;
use exactum_training::{Activation, BuildError, ForwardError, NamedParameter, Parameter, named_parameters};

/// A bias-free layer with the weight of a cell.
fn layer(cell: &str, quant: WeightQuant) -> QuantLinear {
    QuantLinear::builder("fc", 2, 4)
        .bias(false)
        .weight_quant(quant)
        .with_parameters(parameter(&GOLDEN[cell]["weight"]), None)
        .unwrap()
}

#[test]
fn s13_power_of_two_weight_scale() {
    let quant = layer("c05_fixed_point", Int8WeightPerTensorFixedPoint).quant_weight::<2>().unwrap();
    assert_golden(&quant, &GOLDEN["c05_fixed_point"]["q"]);
    assert_eq!(-quant.scale()[0].log2(), GOLDEN["c05_fixed_point"]["fix_point"].as_f64().unwrap() as f32);
}

/// Every premade quantizer can be imported, built and used; those without a starting range say so.
#[test]
fn s14_premade_quantizers() {
    let weights = [
        Int8WeightPerTensorFloat,
        Int8WeightPerChannelFloat,
        Int8WeightPerTensorFixedPoint,
        Int8WeightPerChannelFixedPoint,
        Int8WeightPerTensorFloatMSE,
        Int8WeightPerChannelFloatMSE,
        Int8WeightPerTensorFixedPointMSE,
        Int8WeightPerChannelFixedPointMSE,
        ShiftedUint8WeightPerTensorFloat,
        ShiftedUint8WeightPerChannelFloat,
        SignedBinaryWeightPerTensorConst,
        SignedTernaryWeightPerTensorConst,
    ];
    for quant in weights {
        let fc = layer("c02_default_weight", quant.clone());
        let trained = fc.quant_weight::<2>().unwrap();
        let (codes, fixed) = fc.weight_quant().unwrap().codes(fc.weight()).unwrap();
        let codes: Vec<i64> = codes.into_iter().map(i64::from).collect();
        assert_eq!(trained.codes().unwrap(), codes, "{quant:?}");
        assert_eq!(trained.scale(), fixed.scales(), "{quant:?}");
        assert!(trained.is_valid(), "{quant:?}");
    }
    let acts = [
        Int8ActPerTensorFloat,
        Uint8ActPerTensorFloat,
        Int8ActPerTensorFixedPoint,
        Uint8ActPerTensorFixedPoint,
        Int8ActPerTensorFloatMSE,
        Uint8ActPerTensorFloatMSE,
        Int8ActPerTensorFixedPointMSE,
        Uint8ActPerTensorFixedPointMSE,
        ShiftedUint8ActPerTensorFloat,
        ShiftedUint8ActPerTensorFixedPoint,
        SignedBinaryActPerTensorConst,
        SignedTernaryActPerTensorConst,
        ActQuant { max_val: Some(2.0), ..Int8ActPerTensorFloatMinMaxInit },
        ActQuant { max_val: Some(2.0), ..Uint8ActPerTensorFloatMaxInit },
        ActQuant { max_val: Some(2.0), ..Int8ActPerTensorFixedPointMinMaxInit },
        ActQuant { max_val: Some(2.0), ..Uint8ActPerTensorFixedPointMaxInit },
    ];
    let x = tensor::<2>(&GOLDEN["c10_identity"]["x"]);
    for quant in acts {
        let identity = QuantIdentity::builder("id").act_quant(quant.clone()).build().unwrap();
        let trained = identity.forward(&Activation::train(x.clone())).unwrap();
        let trained = trained.quant().unwrap();
        // The first batch is the whole average, so evaluation has the same scale.
        let evaluated = identity.forward(&Activation::eval(x.clone())).unwrap();
        let evaluated = evaluated.quant().unwrap();
        assert_eq!(trained.scale(), evaluated.scale(), "{quant:?}");
        assert_eq!(trained.zero_point(), evaluated.zero_point(), "{quant:?}");
        assert_eq!(trained.codes().unwrap(), evaluated.codes().unwrap(), "{quant:?}");
        assert!(evaluated.is_valid(), "{quant:?}");
    }
}

#[test]
fn s15_binary_weights_clip_the_stored_ones() {
    let cell = &GOLDEN["c06_binary"];
    let fc = layer("c02_default_weight", SignedBinaryWeightPerTensorConst);
    assert_golden(&fc.quant_weight::<2>().unwrap(), &cell["q"]);
    assert_eq!(fc.weight().values(), floats(&cell["weight"]));
    let zeros = Parameter::new(vec![0.0, -0.0, 1e-9, -1e-9], &[2, 2]);
    let fc = QuantLinear::builder("fc", 2, 2)
        .bias(false)
        .weight_quant(SignedBinaryWeightPerTensorConst)
        .with_parameters(zeros, None)
        .unwrap();
    assert_eq!(fc.quant_weight::<2>().unwrap().codes().unwrap(), [1, 1, 1, -1]);
    // A bipolar layer is exact: one product with each sign, and an accumulator bit for the sign.
    let x = QuantIdentity::builder("in").max_val(1.0).build().unwrap();
    let x = x.forward(&Activation::from_values(vec![1.0, -1.0], [1, 2])).unwrap();
    let acc = fc.forward(&x).unwrap();
    assert_eq!(acc.quant().unwrap().codes().unwrap(), [127 - 128, 127 + 128]);
    assert_eq!(acc.quant().unwrap().bit_width(), 10.0);
}

/// Two layers, the second with the quantizer of the first.
fn shared(quant: WeightQuant) -> [QuantLinear; 2] {
    let cell = &GOLDEN["c07_shared"];
    let first = QuantLinear::builder("first", 2, 4)
        .bias(false)
        .weight_quant(quant)
        .with_parameters(parameter(&cell["w1"]), None)
        .unwrap();
    assert_eq!(first.quant_weight::<2>().unwrap().scale()[0], floats(&cell["scale1_before"])[0]);
    let second = QuantLinear::builder("second", 2, 4)
        .bias(false)
        .shared_weight_quant(first.weight_quant().unwrap().clone())
        .with_parameters(parameter(&cell["w2"]), None)
        .unwrap();
    [first, second]
}

#[test]
fn s16_shared_weight_quantizer_is_one_instance() {
    let [first, second] = shared(Int8WeightPerTensorFloat);
    assert!(first.weight_quant().unwrap().is(second.weight_quant().unwrap()));
    let [q1, q2] = [first, second].map(|fc| fc.quant_weight::<2>().unwrap());
    assert_eq!((q1.scale(), q1.zero_point(), q1.bit_width()), (q2.scale(), q2.zero_point(), q2.bit_width()));
}

#[test]
fn s17_shared_weight_quantizer_looks_at_all_weights() {
    let [first, second] = shared(Int8WeightPerTensorFloat);
    assert_golden(&first.quant_weight::<2>().unwrap(), &GOLDEN["c07_shared"]["q1"]);
    assert_golden(&second.quant_weight::<2>().unwrap(), &GOLDEN["c07_shared"]["q2"]);
}

/// Statistics, learned scales and computed constants follow every layer that joins.
#[test]
fn s18_shared_quantizer_is_built_anew_when_a_layer_joins() {
    let largest = |weights: &[Parameter]| {
        vec![weights.iter().flat_map(Parameter::values).fold(0.0, |max: f32, w| max.max(w.abs()))]
    };
    let computed = |kind| WeightQuant {
        scaling_impl_type: kind,
        scaling_init: Some(ScalingInit::value(largest)),
        ..Int8WeightPerTensorFloat
    };
    let strategies = [
        Int8WeightPerTensorFloat,
        WeightQuant { scaling_impl_type: ScalingImplType::ParameterFromStats, ..Int8WeightPerTensorFloat },
        computed(ScalingImplType::Parameter),
        computed(ScalingImplType::Const),
    ];
    for quant in strategies {
        let [first, second] = shared(quant);
        let third = QuantLinear::builder("third", 1, 4)
            .bias(false)
            .shared_weight_quant(second.weight_quant().unwrap().clone())
            .with_parameters(Parameter::new(vec![0.5, -2.54, 1.0, 0.0], &[4, 1]), None)
            .unwrap();
        for fc in [first, second, third] {
            assert_eq!(fc.quant_weight::<2>().unwrap().scale(), [2.54 / 127.0]);
        }
    }
}

/// The layer of S30 to S32.
fn biased(input: Option<ActQuant>) -> QuantLinear {
    let cell = &GOLDEN["c14_int16bias"];
    QuantLinear::builder("fc", 2, 4)
        .bias_quant(Int16Bias)
        .input_quant(input)
        .with_parameters(parameter(&cell["weight"]), Some(parameter(&cell["bias"])))
        .unwrap()
}

#[test]
fn s30_bias_in_units_of_the_accumulator() {
    let cell = &GOLDEN["c14_int16bias"];
    let scale = floats(&cell["qin"]["scale"])[0] * floats(&cell["qw"]["scale"])[0];
    assert_eq!(vec![scale], floats(&cell["qbias"]["scale"]));
    let bias = parameter(&cell["bias"]);
    for (quant, hi) in
        [(Int16Bias, 32767), (Int8Bias, 127), (Int24Bias, 8_388_607), (Int32Bias, i64::from(i32::MAX))]
    {
        let proxy = BiasQuantProxy::build(&quant, &bias).unwrap().unwrap();
        let (codes, quantizer) = proxy.codes(&bias, Some(vec![scale])).unwrap().unwrap();
        assert_eq!(quantizer.scales(), [scale]);
        let codes: Vec<i64> = codes.into_iter().map(i64::from).collect();
        let needed = ints(&cell["qbias"]["int"]).into_iter().map(|code| code.min(hi).max(-hi - 1));
        assert_eq!(codes, needed.collect::<Vec<_>>());
    }
    let own = BiasQuantProxy::build(&Int8BiasPerTensorFloatInternalScaling, &bias).unwrap().unwrap();
    let (codes, quantizer) = own.codes(&bias, None).unwrap().unwrap();
    let largest = bias.values().iter().fold(0.0, |max: f32, b| max.max(b.abs()));
    assert_eq!((quantizer.scales()[0], codes[1]), (largest / 128.0, 127));
}

#[test]
fn s31_a_quantized_bias_needs_the_scale_of_the_input() {
    let x = Tensor::zeros([1, 2], &evaluation_device());
    for x in [Activation::train(x.clone()), Activation::eval(x.clone())] {
        let error = biased(None).forward(&x).map(|_| ()).unwrap_err();
        assert!(matches!(&error, ForwardError::BiasScale { layer, .. } if layer == "fc"), "{error}");
        assert!(error.to_string().contains("the input has no scale"), "{error}");
    }
    let cell = &GOLDEN["c14_int16bias"];
    let own_scale = QuantLinear::builder("fc", 2, 4)
        .bias_quant(Int8BiasPerTensorFixedPointInternalScaling)
        .with_parameters(parameter(&cell["weight"]), Some(parameter(&cell["bias"])))
        .unwrap();
    let [trained, evaluated] =
        [Activation::train(x.clone()), Activation::eval(x)].map(|x| own_scale.forward(&x).unwrap());
    assert_eq!(values(trained.value()), values(evaluated.value()));
}

#[test]
fn s32_bias_with_input_quantizer_or_quantized_input() {
    let cell = "c14_int16bias";
    let inside = biased(Some(Int8ActPerTensorFloat)).forward(&input(cell)).unwrap();
    let x = QuantIdentity::builder("id").build().unwrap().forward(&input(cell)).unwrap();
    let before = biased(None).forward(&x).unwrap();
    for y in [inside, before] {
        assert_golden(y.quant().unwrap(), &GOLDEN[cell]["q"]);
    }
}

/// A prefix chooses the quantizer; layers of activations have none.
#[test]
fn s43_keywords_override_attributes() {
    let fc = QuantLinear::builder("fc", 2, 4)
        .bias_quant(Int16Bias)
        .input_quant(Int8ActPerTensorFloat)
        .output_quant(Int8ActPerTensorFloat)
        .weight_bit_width(2)
        .input_bit_width(3)
        .output_bit_width(4)
        .bias_bit_width(5)
        .build(&mut exactum_training::Init::from_seed(1))
        .unwrap();
    let tree = exactum_training::Tree(&fc).to_string();
    let widths: Vec<&str> = tree.split("BitWidthConst(bit_width=").skip(1).map(|rest| &rest[..1]).collect();
    assert_eq!(widths, ["3", "4", "2", "5"]);
    let relu = QuantReLU::builder("relu").bit_width(6).build().unwrap();
    assert!(exactum_training::Tree(&relu).to_string().contains("BitWidthConst(bit_width=6)"));
}

#[test]
fn s44_keywords_beat_the_definition() {
    let three = WeightQuant { bit_width: 3, ..Int8WeightPerTensorFloat };
    let cell = parameter(&GOLDEN["c02_default_weight"]["weight"]);
    for builder in [
        QuantLinear::builder("fc", 2, 4).weight_quant(three.clone()).weight_bit_width(5),
        QuantLinear::builder("fc", 2, 4).weight_bit_width(5).weight_quant(three),
    ] {
        let fc = builder.bias(false).with_parameters(cell.clone(), None).unwrap();
        assert_eq!(fc.quant_weight::<2>().unwrap().bit_width(), 5.0);
    }
}

#[test]
fn s45_weight_bit_width_keyword() {
    let cell = &GOLDEN["c19_w5"];
    let fc = QuantLinear::builder("fc", 2, 4).bias(false).weight_bit_width(5);
    let fc = fc.with_parameters(parameter(&cell["weight"]), None).unwrap();
    assert_golden(&fc.quant_weight::<2>().unwrap(), &cell["q"]);
}

#[test]
fn s46_weight_scale_per_output_channel() {
    let cell = &GOLDEN["c20_w5_pc"];
    let fc = QuantLinear::builder("fc", 2, 4)
        .bias(false)
        .weight_bit_width(5)
        .weight_scaling_per_output_channel(true)
        .with_parameters(parameter(&cell["weight"]), None)
        .unwrap();
    assert_golden(&fc.quant_weight::<2>().unwrap(), &cell["q"]);
}

#[test]
fn s47_activation_bit_width() {
    let y = QuantIdentity::builder("id").bit_width(3).build().unwrap().forward(&input("c21_a3")).unwrap();
    assert_golden(y.quant().unwrap(), &GOLDEN["c21_a3"]["q"]);
}

#[test]
fn s48_scale_from_a_given_maximum() {
    let relu = QuantReLU::builder("relu").act_quant(Uint8ActPerTensorFloatMaxInit).max_val(6.0).build();
    let y = relu.unwrap().forward(&input("c22_maxinit")).unwrap();
    assert_golden(y.quant().unwrap(), &GOLDEN["c22_maxinit"]["q"]);
}

#[test]
fn s49_a_missing_attribute_is_named() {
    let missing = |built: Result<QuantReLU, BuildError>| match built.unwrap_err() {
        BuildError::Quantizer {
            layer,
            quantizer,
            source: QuantizerBuildError::Missing { attribute, .. },
        } => {
            assert_eq!((layer.as_str(), quantizer), ("relu", "act_quant"));
            attribute
        }
        other => panic!("{other}"),
    };
    let relu = |quant: ActQuant| QuantReLU::builder("relu").act_quant(quant).build();
    assert_eq!(missing(relu(Uint8ActPerTensorFloatMaxInit)), "max_val");
    let percentile = ActQuant { high_percentile_q: None, ..Uint8ActPerTensorFloat };
    assert_eq!(missing(relu(percentile)), "high_percentile_q");
    let per_channel =
        ActQuant { scaling_per_output_type: ScalingPerOutputType::Channel, ..Uint8ActPerTensorFloat };
    assert_eq!(missing(relu(per_channel)), "per_channel_broadcastable_shape");
    let error = QuantLinear::builder("fc", 1, 1)
        .bias(false)
        .weight_scaling_impl_type(ScalingImplType::Parameter)
        .with_parameters(Parameter::new(vec![1.0], &[1, 1]), None)
        .map(|_| ())
        .unwrap_err();
    assert!(error.to_string().contains("layer `fc`, weight_quant: `scaling_init` has no value"), "{error}");
}

/// The depthwise convolution of cell 23; its one dimension is the width of an image of height 1.
fn depthwise(
    input: impl FnOnce(
        exactum_training::nn::WbiolBuilder<exactum_training::nn::Conv2d>,
    ) -> exactum_training::nn::WbiolBuilder<exactum_training::nn::Conv2d>,
) -> (QuantConv2d, Tensor<4>) {
    let cell = &GOLDEN["c23_pc_act"];
    let image = |value: &serde_json::Value| {
        let [a, b, c] = shape(value)[..] else { panic!("three dimensions") };
        [a, b, 1, c]
    };
    let weight = Parameter::new(floats(&cell["weight"]), &image(&cell["weight"]));
    let builder = QuantConv2d::builder("conv", 2, 2, [1, 3]).groups(2).bias_quant(Int16Bias);
    let conv = input(builder).with_parameters(weight, Some(parameter(&cell["bias"]))).unwrap();
    (conv, tensor::<3>(&cell["x"]).reshape(image(&cell["x"])))
}

fn assert_depthwise(conv: &QuantConv2d, x: Tensor<4>, zero_point_is_bias: bool) {
    let cell = &GOLDEN["c23_pc_act"];
    let trained = conv.forward(&Activation::train(x.clone())).unwrap();
    let trained = trained.quant().unwrap();
    assert_close(&values(trained.value()), &floats(&cell["q"]["value"]));
    assert_eq!(trained.scale(), floats(&cell["q"]["scale"]));
    assert_eq!(trained.bit_width(), 17.0);
    let bias = ints(&cell["qbias"]["int"]);
    let golden = ints(&cell["q"]["int"]);
    let with_bias: Vec<i64> = golden.iter().enumerate().map(|(i, code)| code + bias[i / 3]).collect();
    if zero_point_is_bias {
        assert_close(&trained.zero_point(), &floats(&cell["q"]["zero_point"]));
        assert_eq!(trained.codes().unwrap(), golden);
    } else {
        assert_eq!(trained.zero_point(), [0.0, 0.0]);
        assert_eq!(trained.codes().unwrap(), with_bias);
    }
    let evaluated = conv.forward(&Activation::eval(x)).unwrap();
    assert_eq!(evaluated.quant().unwrap().codes().unwrap(), with_bias);
    assert_eq!(evaluated.quant().unwrap().bit_width(), 17.0);
}

#[test]
fn s50_activation_scales_per_channel() {
    for compatible in [false, true] {
        let (conv, x) = depthwise(|builder| {
            builder
                .input_quant(Int8ActPerTensorFloat)
                .input_bit_width(3)
                .input_scaling_per_output_channel(true)
                .input_scaling_stats_permute_dims(vec![1, 0, 2, 3])
                .input_per_channel_broadcastable_shape(vec![1, 2, 1, 1])
                .bias_as_zero_point(compatible)
        });
        assert_depthwise(&conv, x, compatible);
    }
    // Channels are static: another number of them is refused, as are outputs that mix channels.
    let (conv, _) = depthwise(|builder| {
        builder.input_quant(ActQuant {
            scaling_per_output_type: ScalingPerOutputType::Channel,
            scaling_stats_permute_dims: Some(vec![1, 0, 2, 3]),
            per_channel_broadcastable_shape: Some(vec![1, 3, 1, 1]),
            ..Int8ActPerTensorFloat
        })
    });
    let x = Activation::train(Tensor::zeros([1, 2, 1, 5], &evaluation_device()));
    assert!(matches!(conv.forward(&x).map(|_| ()), Err(ForwardError::Quantizer { .. })));
}

#[test]
fn s51_quantizers_inherit_attributes() {
    let per_channel_3_bits = ActQuant {
        bit_width: 3,
        scaling_per_output_type: ScalingPerOutputType::Channel,
        scaling_stats_permute_dims: Some(vec![1, 0, 2, 3]),
        ..Int8ActPerTensorFloat
    };
    let (conv, x) = depthwise(|builder| {
        builder.input_quant(per_channel_3_bits).input_per_channel_broadcastable_shape(vec![1, 2, 1, 1])
    });
    assert_eq!(GOLDEN["c24_inherit"]["q"], GOLDEN["c23_pc_act"]["q"]);
    assert_depthwise(&conv, x, false);
}

#[test]
fn s52_weight_quantizer_from_enumerations() {
    let quant = WeightQuant {
        quant_type: QuantType::Int,
        bit_width_impl_type: BitWidthImplType::Const,
        float_to_int_impl_type: FloatToIntImplType::Round,
        scaling_impl_type: ScalingImplType::Stats,
        scaling_stats_op: StatsOp::Max,
        restrict_scaling_type: RestrictValueType::Fp,
        scaling_per_output_type: ScalingPerOutputType::Tensor,
        bit_width: 8,
        signed: true,
        narrow_range: true,
        zero_point_impl: ZeroPointImpl::Zero,
        ..ShiftedUint8WeightPerChannelFloat
    };
    assert_golden(
        &layer("c02_default_weight", quant).quant_weight::<2>().unwrap(),
        &GOLDEN["c02_default_weight"]["q"],
    );
}

#[test]
fn s53_activation_quantizer_from_enumerations() {
    let quant = ActQuant {
        quant_type: QuantType::Int,
        bit_width_impl_type: BitWidthImplType::Const,
        float_to_int_impl_type: FloatToIntImplType::Round,
        scaling_impl_type: ScalingImplType::ParameterFromStats,
        scaling_stats_op: StatsOp::Percentile,
        high_percentile_q: Some(99.999),
        collect_stats_steps: Some(300),
        restrict_scaling_type: RestrictValueType::Fp,
        scaling_per_output_type: ScalingPerOutputType::Tensor,
        bit_width: 8,
        signed: true,
        narrow_range: false,
        zero_point_impl: ZeroPointImpl::Zero,
        ..SignedBinaryActPerTensorConst
    };
    let identity = QuantIdentity::builder("id").act_quant(ActQuant { min_val: None, max_val: None, ..quant });
    let y = identity.build().unwrap().forward(&input("c10_identity")).unwrap();
    assert_golden(y.quant().unwrap(), &GOLDEN["c10_identity"]["qin"]);
}

/// The same attributes are other components for weights than for activations.
#[test]
fn s54_solvers_translate_the_same_attributes() {
    let weight = Parameter::new(vec![1.0, -2.0], &[1, 2]);
    let label = |tensor_quant: Arc<dyn TensorQuant>| {
        let children = tensor_quant.children();
        children.into_iter().find(|(name, _)| *name == "scaling_impl").unwrap().1.label()
    };
    for (kind, of_weight, of_act) in [
        (ScalingImplType::Stats, "StatsFromParameterScaling()", "RuntimeStatsScaling()"),
        (
            ScalingImplType::ParameterFromStats,
            "ParameterFromStatsFromParameterScaling()",
            "ParameterFromRuntimeStatsScaling()",
        ),
        (ScalingImplType::AffineStats, "StatsFromParameterScaling()", "RuntimeStatsScaling()"),
    ] {
        let quant = WeightQuant { scaling_impl_type: kind, ..Int8WeightPerTensorFloat };
        let weights = std::slice::from_ref(&weight);
        assert_eq!(label(WeightQuantSolver::solve(&quant, weights, 0).unwrap().unwrap()), of_weight);
        let quant = ActQuant { scaling_impl_type: kind, ..Int8ActPerTensorFloat };
        assert_eq!(label(ActQuantSolver::solve(&quant).unwrap().unwrap()), of_act);
    }
}

/// A value of an enumeration works, or is refused by the name of its attribute.
fn check(built: Result<Option<Arc<dyn TensorQuant>>, QuantizerBuildError>, refused: Option<&str>) {
    match (built, refused) {
        (Ok(_), None) => {}
        (Err(QuantizerBuildError::Unsupported { attribute, reason, .. }), Some(needed)) => {
            assert_eq!(attribute, needed);
            assert!(!reason.is_empty());
        }
        (Err(error), _) => panic!("{error}"),
        (Ok(_), Some(attribute)) => panic!("{attribute} was not refused"),
    }
}

#[test]
fn s55_every_enumeration_value_works_or_is_refused() {
    let weight = Parameter::new(vec![0.3, -0.8, 0.1, 0.6], &[2, 2]);
    let weights = std::slice::from_ref(&weight);
    let base = WeightQuant {
        sigma: Some(2.0),
        high_percentile_q: Some(99.0),
        low_percentile_q: Some(1.0),
        scaling_init: Some(ScalingInit::Float(1.0)),
        ..Int8WeightPerTensorFloat
    };
    let act_base = ActQuant {
        sigma: Some(2.0),
        low_percentile_q: Some(1.0),
        scaling_init: Some(ScalingInit::Float(1.0)),
        ..Int8ActPerTensorFloat
    };
    // For weights and for activations: which values are refused.
    macro_rules! each {
        ($field:ident, $type:ident: $($variant:ident $weight:expr, $act:expr;)*) => {$(
            let quant = WeightQuant { $field: $type::$variant, ..base.clone() };
            check(WeightQuantSolver::solve(&quant, weights, 0), $weight.then_some(stringify!($field)));
            let quant = ActQuant { $field: $type::$variant, ..act_base.clone() };
            check(ActQuantSolver::solve(&quant), $act.then_some(stringify!($field)));
        )*};
    }
    each!(quant_type, QuantType: Binary false, false; Ternary false, false; Int false, false; Fp false, false;);
    each!(bit_width_impl_type, BitWidthImplType: Const false, false; Parameter false, false; StatefulConst false, false;);
    each!(float_to_int_impl_type, FloatToIntImplType:
        Round false, false; Ceil false, false; Floor false, false; RoundToZero false, false; Dpu false, false;
        LearnedRound false, true; StochasticRound false, false;);
    each!(scaling_impl_type, ScalingImplType:
        He false, true; Const false, false; Stats false, false; AffineStats false, false; Parameter false, false;
        ParameterFromStats false, false;);
    each!(restrict_scaling_type, RestrictValueType: Fp false, false; LogFp false, false; Int true, true; PowerOfTwo false, false;);
    each!(scaling_stats_op, StatsOp:
        Max false, false; Ave false, false; MaxAve false, true; MeanSigmaStd false, false;
        MeanLearnSigmaStd false, false; Percentile false, false; MinMax false, false; PercentileInterval false, false;
        Mse false, false;);
    each!(scaling_per_output_type, ScalingPerOutputType: Tensor false, false; Group true, true;);
    let per_channel = WeightQuant { scaling_per_output_type: ScalingPerOutputType::Channel, ..base.clone() };
    check(WeightQuantSolver::solve(&per_channel, weights, 0), None);
    each!(zero_point_impl, ZeroPointImpl: Zero false, false;);
    // Every supported value also gives integers.
    for op in [StatsOp::Ave, StatsOp::MaxAve, StatsOp::MeanSigmaStd, StatsOp::MinMax, StatsOp::Mse] {
        let quant = WeightQuant { scaling_stats_op: op, ..base.clone() };
        let tensor_quant = WeightQuantSolver::solve(&quant, weights, 0).unwrap().unwrap();
        tensor_quant.fixed().unwrap();
    }
}

/// Every attribute of every definition is a keyword with each prefix, and the keyword changes what is built.
#[test]
fn s56_every_attribute_is_a_keyword() {
    for attributes in [WeightQuant::ATTRIBUTES, ActQuant::ATTRIBUTES, BiasQuant::ATTRIBUTES] {
        for attribute in
            ["quant_type", "bit_width", "scaling_impl_type", "restrict_scaling_type", "scaling_impl"]
        {
            assert!(attributes.contains(&attribute));
        }
    }
    let weight = || Parameter::new(vec![0.3, -0.8, 0.1, 0.6], &[2, 2]);
    let bias = || Some(Parameter::new(vec![0.1, 0.2], &[2]));
    let fc = QuantLinear::builder("fc", 2, 2)
        .bias_quant(Int8BiasPerTensorFloatInternalScaling)
        .input_quant(Int8ActPerTensorFloat)
        .output_quant(Int8ActPerTensorFloat)
        .weight_float_to_int_impl_type(FloatToIntImplType::Floor)
        .weight_scaling_stats_op(StatsOp::MeanSigmaStd)
        .weight_sigma(3.0)
        .weight_quant_delay_steps(2)
        .input_high_percentile_q(90.0)
        .input_narrow_range(true)
        .output_scaling_impl_type(ScalingImplType::Const)
        .output_max_val(4.0)
        .output_tensor_clamp_impl(Arc::new(TensorClampSte))
        .bias_restrict_scaling_type(RestrictValueType::PowerOfTwo)
        .bias_signed(true)
        .with_parameters(weight(), bias())
        .unwrap();
    let tree = exactum_training::Tree(&fc).to_string();
    for part in [
        "FloorSte()",
        "MeanSigmaStd(sigma=3)",
        "DelayQuant(quant_delay_steps=2)",
        "AbsPercentile(q=90)",
        "IntQuant(signed=true, narrow_range=true)",
        "ConstScaling(scaling_init=4)",
        "TensorClampSte()",
        "PowerOfTwoRestrictValue",
    ] {
        assert!(tree.contains(part), "{part} in\n{tree}");
    }
    let off =
        QuantLinear::builder("fc", 2, 2).weight_quant_type(QuantType::Fp).with_parameters(weight(), bias());
    assert!(off.unwrap().weight_quant().is_none());
}

/// Scales per channel learned in the logarithm, and a learned bit width.
const LEARNED_WEIGHT: WeightQuant = WeightQuant {
    scaling_per_output_type: ScalingPerOutputType::Channel,
    scaling_impl_type: ScalingImplType::ParameterFromStats,
    restrict_scaling_type: RestrictValueType::LogFp,
    bit_width_impl_type: BitWidthImplType::Parameter,
    narrow_range: true,
    ..Int8WeightPerTensorFloat
};

const LEARNED_ACT: ActQuant = ActQuant {
    restrict_scaling_type: RestrictValueType::LogFp,
    bit_width_impl_type: BitWidthImplType::Parameter,
    ..Int8ActPerTensorFloat
};

fn named(layer: &QuantLinear, path: &str) -> Parameter {
    let all: Vec<NamedParameter> = named_parameters(layer);
    let found = all.iter().find(|named| named.path == path);
    found.unwrap_or_else(|| panic!("{path} among {all:?}")).parameter.clone()
}

/// As [`assert_golden`], for scales that went through logarithms: the last place may differ.
fn assert_learned<const D: usize>(found: &exactum_training::QuantTensor<D>, golden: &serde_json::Value) {
    assert_eq!(found.codes().unwrap(), ints(&golden["int"]));
    for (found, needed) in found.scale().iter().zip(floats(&golden["scale"])) {
        assert!((found / needed - 1.0).abs() < 1e-6, "{found} is not {needed}");
    }
    assert_eq!(vec![found.bit_width()], floats(&golden["bit_width"]));
    assert_close(&values(found.value()), &floats(&golden["value"]));
}

#[test]
fn s57_learned_scales_and_bit_width() {
    let cell = &GOLDEN["c27_learned"];
    let fc = layer("c27_learned", LEARNED_WEIGHT);
    assert_learned(&fc.quant_weight::<2>().unwrap(), &cell["q"]);
    let scale = "weight_quant.tensor_quant.scaling_impl.value";
    assert_close(&named(&fc, scale).values(), &floats(&cell["params"][scale]));
    let offset = "weight_quant.tensor_quant.msb_clamp_bit_width_impl.bit_width_offset";
    assert_eq!(named(&fc, offset).values(), floats(&cell["params"][offset]));
}

#[test]
fn s58_bit_width_carries_a_gradient() {
    let fc = layer("c27_learned", LEARNED_WEIGHT);
    let width = fc.quant_weight::<2>().unwrap().bit_width_tensor();
    let gradients = (width.clone() * width).sum().backward();
    let offset = named(&fc, "weight_quant.tensor_quant.msb_clamp_bit_width_impl.bit_width_offset");
    assert_eq!(values(offset.gradient(&gradients).unwrap()), [16.0]);
    // A narrower code also moves the values: through the bounds and through the scale.
    let value = fc.quant_weight::<2>().unwrap().value();
    let gradients = (value.clone() * value).sum().backward();
    assert!(values(offset.gradient(&gradients).unwrap())[0].is_finite());
}

fn learned_layer() -> QuantLinear {
    let cell = &GOLDEN["c28_learned_out"];
    QuantLinear::builder("fc", 2, 4)
        .bias(false)
        .weight_quant(LEARNED_WEIGHT)
        .input_quant(LEARNED_ACT)
        .with_parameters(parameter(&cell["weight"]), None)
        .unwrap()
}

#[test]
fn s59_learned_operands_of_an_accumulator() {
    let cell = &GOLDEN["c28_learned_out"];
    let fc = learned_layer();
    assert_learned(&fc.quant_weight::<2>().unwrap(), &cell["qw"]);
    let y = fc.forward(&input("c28_learned_out")).unwrap();
    assert_learned(y.quant().unwrap(), &cell["q"]);
}

#[test]
fn s60_accumulator_width_has_gradients_to_both_operands() {
    let cell = &GOLDEN["c28_learned_out"];
    let fc = learned_layer();
    let y = fc.forward(&input("c28_learned_out")).unwrap();
    let gradients = y.quant().unwrap().bit_width_tensor().sum().backward();
    let golden = &cell["grad_of_bit_width"];
    for operand in ["input", "weight"] {
        let path = format!("{operand}_quant.tensor_quant.msb_clamp_bit_width_impl.bit_width_offset");
        let reference = match operand {
            "input" => path.replace("tensor_quant", "fused_activation_quant_proxy.tensor_quant"),
            _ => path.clone(),
        };
        let needed = golden[&reference].as_f64().unwrap() as f32;
        let found = values(named(&fc, &path).gradient(&gradients).unwrap())[0];
        assert!((found - needed).abs() < 1e-5, "{found} is not {needed} of {operand}");
        assert!((needed - 256.0 / 255.0).abs() < 1e-6);
    }
    assert!(fc.weight().gradient(&gradients).is_none());
}

/// For the worst input of the input's type no accumulator leaves its width, and with a wide one nothing is limited.
#[test]
fn accumulator_aware_weights_never_overflow() {
    let weight: Vec<f32> = (0..96).map(|i| ((i * 37) % 53) as f32 / 26.0 - 0.9).collect();
    let greatest = |quant: &WeightQuant, bits: u8, act: ActQuant, worst: [f32; 2]| {
        let fc = QuantLinear::builder("fc", 32, 3)
            .bias(false)
            .weight_quant(quant.clone())
            .weight_accumulator_bit_width(bits)
            .with_parameters(Parameter::new(weight.clone(), &[3, 32]), None)
            .unwrap();
        let input = QuantIdentity::builder("in").act_quant(act).max_val(1.0).build().unwrap();
        let forward = |values: Vec<f32>| {
            let x = input.forward(&Activation::from_values(values, [1, 32])).unwrap();
            fc.forward(&x).unwrap().quant().unwrap().codes().unwrap()
        };
        forward(vec![0.0; 32]);
        let (codes, _) = fc.weight_quant().unwrap().codes(fc.weight()).unwrap();
        let mut greatest = 0;
        for (channel, codes) in codes.chunks(32).enumerate() {
            for flip in [1, -1] {
                let x = codes.iter().map(|code| if code * flip > 0 { worst[1] } else { worst[0] }).collect();
                greatest = greatest.max(forward(x)[channel].abs());
            }
        }
        // Training sees the same codes.
        let x = input.forward(&Activation::train(Tensor::zeros([1, 32], &evaluation_device()))).unwrap();
        fc.forward(&x).unwrap();
        let trained: Vec<i64> = fc.quant_weight::<2>().unwrap().codes().unwrap();
        assert_eq!(trained, codes.iter().map(|code| i64::from(*code)).collect::<Vec<_>>());
        greatest
    };
    let mut reached = Vec::new();
    for quant in [Int8AccumulatorAwareWeightQuant, Int8AccumulatorAwareZeroCenterWeightQuant] {
        for (act, worst) in [(Int8ActPerTensorFloat, [-9.0, 9.0]), (Uint8ActPerTensorFloat, [0.0, 9.0])] {
            for bits in [12, 14, 16] {
                let found = greatest(&quant, bits, act.clone(), worst);
                assert!(found < 1 << (bits - 1), "{found} in {bits} bits");
                assert!(bits < 16 || found > 1 << 13, "{found} wastes {bits} bits");
            }
        }
        reached.push(greatest(&quant, 16, Uint8ActPerTensorFloat, [0.0, 9.0]));
    }
    assert!(reached[1] >= reached[0], "{reached:?}");
    let free = greatest(&Int8AccumulatorAwareWeightQuant, 32, Uint8ActPerTensorFloat, [0.0, 9.0]);
    assert!(free > 1 << 16, "{free}");
}
