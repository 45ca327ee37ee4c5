//! Quantizers from components: printed, assembled by hand, replaced one by one, shared and built anew.

mod common;

use std::sync::Arc;

use common::{GOLDEN, assert_close, assert_golden, floats, input, ints, parameter, tensor, values};
use exactum_training::backend::Tensor;
use exactum_training::component::Component;
use exactum_training::nn::{QuantIdentity, QuantLinear, QuantReLU};
use exactum_training::quant::*;
use exactum_training::{Activation, Mode, Parameter, Tree, named_parameters};

#[test]
fn s66_layers_print_their_components() {
    let needed = "\
QuantReLU
  (act_quant): ActQuantProxy
    (input_view_impl): OverTensorView()
    (tensor_quant): RescalingIntQuant
      (int_quant): IntQuant(signed=false, narrow_range=false)
        (float_to_int_impl): RoundSte()
        (tensor_clamp_impl): TensorClamp()
        (delay_wrapper): NoDelay()
      (scaling_impl): ParameterFromRuntimeStatsScaling()
        (runtime_stats): RuntimeStats(collect_stats_steps=300)
          (stats): AbsPercentile(q=99.999)
        (restrict_scaling_impl): FloatRestrictValue()
        (clamp_scaling): ScalarClampMin(min_val=1e-10)
      (int_scaling_impl): IntScaling(signed=false, narrow_range=false)
      (zero_point_impl): ZeroZeroPoint()
      (msb_clamp_bit_width_impl): BitWidthConst(bit_width=8)";
    assert_eq!(Tree(&QuantReLU::builder("relu").build().unwrap()).to_string(), needed);
    let fc = QuantLinear::builder("fc", 2, 4)
        .bias_quant(Int16Bias)
        .input_quant(Int8ActPerTensorFloat)
        .build(&mut exactum_training::Init::from_seed(1))
        .unwrap();
    let paths: Vec<String> = named_parameters(&fc).into_iter().map(|named| named.path).collect();
    assert_eq!(paths, ["weight", "bias", "input_quant.tensor_quant.scaling_impl.value"]);
}

fn restriction() -> Restriction {
    Restriction {
        restrict_scaling_impl: Arc::new(FloatRestrictValue),
        clamp_scaling: ScalarClampMin { min_val: 1e-10 },
    }
}

/// The quantizer of `Uint8ActPerTensorFloat`, assembled by hand.
fn by_hand() -> RescalingIntQuant {
    let stats = RuntimeStats::new(Arc::new(AbsPercentile { q: 99.999 }), Some(300), 0.1, vec![1.0]);
    RescalingIntQuant {
        int_quant: IntQuant {
            float_to_int_impl: Arc::new(RoundSte),
            tensor_clamp_impl: Arc::new(TensorClamp),
            signed: false,
            narrow_range: false,
            delay_wrapper: DelayWrapper::new(0),
        },
        scaling_impl: Arc::new(ParameterFromRuntimeStatsScaling::new(stats, restriction())),
        int_scaling_impl: Arc::new(PlainIntScaling { signed: false, narrow_range: false }),
        zero_point_impl: Arc::new(ZeroZeroPoint),
        msb_clamp_bit_width_impl: Arc::new(BitWidthConst { bit_width: 8 }),
    }
}

#[test]
fn s67_assembly_by_hand() {
    let relu = QuantReLU::with_proxy("relu", ActQuantProxy::new(Arc::new(by_hand())));
    let y = relu.forward(&input("c11_relu")).unwrap();
    assert_golden(y.quant().unwrap(), &GOLDEN["c11_relu"]["q"]);
}

fn row(values: &[f32]) -> Tensor<2> {
    Activation::from_values(values.to_vec(), [1, values.len()]).value()
}

#[test]
fn s68_components_work_alone() {
    let x = row(&[-1.5, 0.5, 2.5, 3.7]);
    assert_eq!(values(RoundSte.forward(x.clone())), [-2.0, 0.0, 2.0, 4.0]);
    let bounds = Bounds { min: row(&[-1.0]), max: row(&[3.0]) };
    assert_eq!(values(TensorClamp.forward(x.clone(), &bounds)), [-1.0, 0.5, 2.5, 3.0]);
    let delay = DelayWrapper::new(1);
    assert_eq!(values(delay.forward(|| row(&[7.0]), row(&[8.0]), Mode::Train)), [7.0]);
    assert_eq!(values(delay.forward(|| row(&[7.0]), row(&[8.0]), Mode::Train)), [8.0]);
    assert_eq!(values(DelayWrapper::new(9).forward(|| row(&[7.0]), row(&[8.0]), Mode::Eval)), [8.0]);
    let image = x.clone().reshape([1, 2, 2]);
    assert_eq!(View::PerTensor.apply(image.clone()).dims(), [1, 4]);
    assert_eq!(View::PerChannel { axis: 1 }.apply(image).dims(), [2, 2]);
    assert_eq!(values(AbsPercentile { q: 50.0 }.forward(x.clone(), Mode::Eval)), [1.5]);
    assert_eq!(values(AbsAve.forward(x.clone(), Mode::Eval)), [2.05]);
    assert_eq!(values(AbsMinMax.forward(x.clone(), Mode::Eval)), [5.2]);
    assert_eq!(values(FloatRestrictValue.forward(row(&[0.3]))), [0.3]);
    assert_eq!(values(ScalarClampMin { min_val: 0.5 }.forward(row(&[0.3]))), [0.5]);
    let learned = ParameterScaling::new(&[2.0, 3.0], restriction());
    assert_eq!(values(learned.forward(None, Mode::Eval)), [2.0, 3.0]);
    let eight = BitWidthConst { bit_width: 8 }.forward(Mode::Eval);
    let divisor =
        |signed, narrow_range| values(PlainIntScaling { signed, narrow_range }.forward(eight.clone()))[0];
    assert_eq!([divisor(true, true), divisor(true, false), divisor(false, false)], [127.0, 128.0, 255.0]);
    assert_eq!(values(PowerOfTwoIntScaling { signed: false }.forward(eight.clone())), [256.0]);
    let zero = ZeroZeroPoint.forward(None, &row(&[0.1]), &eight, Mode::Eval);
    assert_eq!(values(zero.clone()), [0.0]);
    let codes = by_hand().int_quant.to_int(&row(&[0.5]), &zero, &eight, x);
    assert_eq!(values(codes), [0.0, 1.0, 5.0, 7.0]);
}

#[test]
fn s69_tensor_quantizers_return_four_tensors() {
    let x = tensor::<2>(&GOLDEN["c11_relu"]["x"]);
    let x = x.clamp_min(0.0).reshape([1, 6]);
    let Quantized { value, scale, zero_point, bit_width } = by_hand().forward(x, Mode::Train);
    let golden = GOLDEN["c33_manual"].as_array().unwrap();
    assert_close(&values(value), &floats(&golden[0]));
    for (found, needed) in [scale, zero_point, bit_width].into_iter().zip(&golden[1..]) {
        assert_eq!(values(found), floats(needed));
    }
}

#[test]
fn s70_proxies_return_quantized_tensors() {
    let weight = parameter(&GOLDEN["c02_default_weight"]["weight"]);
    let proxy = WeightQuantProxy::build(Int8WeightPerTensorFloat, &weight, 0).unwrap().unwrap();
    assert_golden(&proxy.forward::<2>(&weight, Mode::Train), &GOLDEN["c02_default_weight"]["q"]);
    assert_eq!(proxy.tensor_quant().label(), "RescalingIntQuant");
    let (codes, quantizer) = proxy.codes(&weight).unwrap();
    let codes: Vec<i64> = codes.into_iter().map(i64::from).collect();
    assert_eq!(codes, ints(&GOLDEN["c02_default_weight"]["q"]["int"]));
    assert_eq!(quantizer.range().hi, 127);
}

/// A statistic of a user: half of the largest magnitude.
struct HalfMax;

impl Component for HalfMax {
    fn label(&self) -> String {
        "HalfMax()".into()
    }
}

impl Stats for HalfMax {
    fn forward(&self, x: Tensor<2>, mode: Mode) -> Tensor<2> {
        AbsMax.forward(x, mode) * 0.5
    }
}

#[test]
fn s71_a_type_of_a_user_replaces_any_one_part() {
    let weight = || Parameter::new(vec![0.5, -2.54], &[1, 2]);
    let fc = QuantLinear::builder("fc", 2, 1).bias(false).weight_scaling_stats_impl(Arc::new(HalfMax));
    let fc = fc.with_parameters(weight(), None).unwrap();
    let quant = fc.quant_weight::<2>().unwrap();
    assert_eq!(quant.scale(), [0.01]);
    assert_eq!(quant.codes().unwrap(), [50, -127]);
    assert!(Tree(&fc).to_string().contains("(stats): HalfMax()"));
    // The same part in another premade quantizer.
    let identity = QuantIdentity::builder("id").scaling_stats_impl(Arc::new(HalfMax)).build().unwrap();
    let y = identity.forward(&Activation::train(row(&[1.0, -2.56]))).unwrap();
    assert_eq!(y.quant().unwrap().scale(), [0.01]);
}

/// Parts of a user, each of which leaves a trace.
struct Mine;

impl Component for Mine {
    fn label(&self) -> String {
        "Mine()".into()
    }
}

impl Scaling for Mine {
    fn forward(&self, _x: Option<&Tensor<2>>, _mode: Mode) -> Tensor<2> {
        row(&[5.08])
    }
}

impl IntScaling for Mine {
    fn forward(&self, _bit_width: Tensor<2>) -> Tensor<2> {
        row(&[254.0])
    }
}

impl RestrictValue for Mine {
    fn preprocess(&self, threshold: Tensor<2>) -> Tensor<2> {
        threshold
    }

    fn forward(&self, stored: Tensor<2>) -> Tensor<2> {
        stored * 2.0
    }
}

impl BitWidth for Mine {
    fn forward(&self, _mode: Mode) -> Tensor<2> {
        row(&[3.0])
    }
}

impl FloatToInt for Mine {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        x.sign() * 7.0
    }

    fn rounding(&self) -> CodeRounding {
        RoundSte.rounding()
    }
}

impl Clamp for Mine {
    fn forward(&self, x: Tensor<2>, _bounds: &Bounds) -> Tensor<2> {
        x.clamp(-1.0, 1.0)
    }
}

impl ZeroPoint for Mine {
    fn forward(&self, _x: Option<&Tensor<2>>, _: &Tensor<2>, _: &Tensor<2>, _: Mode) -> Tensor<2> {
        row(&[5.0])
    }
}

impl TensorQuant for Mine {
    fn forward(&self, x: Tensor<2>, _mode: Mode) -> Quantized {
        let [scale, zero_point, bit_width] = [2.0, 0.0, 2.0].map(|part| row(&[part]));
        Quantized { value: x.ones_like() * 2.0, scale, zero_point, bit_width }
    }

    fn fixed(&self) -> Result<FixedQuantizer, QuantizerError> {
        Err(QuantizerError::Dynamic)
    }

    fn signed(&self) -> bool {
        true
    }
}

/// What a weight quantizer makes of two weights: scale, zero point, width and codes.
fn made(quant: WeightQuant) -> (f32, f32, f32, Vec<i64>) {
    let fc = QuantLinear::builder("fc", 2, 1).bias(false).weight_quant(quant);
    let fc = fc.with_parameters(Parameter::new(vec![0.5, -2.54], &[1, 2]), None).unwrap();
    assert!(Tree(&fc).to_string().contains("Mine()"), "{}", Tree(&fc));
    let quant = fc.quant_weight::<2>().unwrap();
    (quant.scale()[0], quant.zero_point()[0], quant.bit_width(), quant.codes().unwrap())
}

#[test]
fn s71_every_part_can_be_of_a_user() {
    let base = || Int8WeightPerTensorFloat;
    assert_eq!(made(base().with_tensor_clamp_impl(Arc::new(Mine))), (0.02, 0.0, 8.0, vec![1, -1]));
    assert_eq!(made(base().with_scaling_impl(Arc::new(Mine))).0, 0.04);
    assert_eq!(made(base().with_int_scaling_impl(Arc::new(Mine))).0, 0.01);
    assert_eq!(made(base().with_restrict_scaling_impl(Arc::new(Mine))).0, 0.04);
    assert_eq!(made(base().with_bit_width_impl(Arc::new(Mine))).2, 3.0);
    assert_eq!(made(base().with_float_to_int_impl(Arc::new(Mine))).3, [7, -7]);
    let zero_point = Provider::<dyn ZeroPoint>::from(Arc::new(Mine));
    assert_eq!(made(WeightQuant { zero_point_impl: zero_point.into(), ..base() }).1, 5.0);
    assert_eq!(made(base().with_tensor_quant(Arc::new(Mine))), (2.0, 0.0, 2.0, vec![1, 1]));
}

#[test]
fn s73_missing_parts_are_named() {
    let quant = WeightQuant { scaling_stats_op: StatsOp::MeanSigmaStd, ..Int8WeightPerTensorFloat };
    let weight = [Parameter::new(vec![1.0, 2.0], &[1, 2])];
    let error = WeightQuantSolver::solve(&quant, &weight, 0).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "`sigma` has no value, needed by MeanSigmaStd; set `sigma`");
    // An instance needs none of the attributes it replaces.
    let given = quant.with_scaling_stats_impl(Arc::new(MeanSigmaStd { sigma: 1.0 }));
    assert!(WeightQuantSolver::solve(&given, &weight, 0).is_ok());
    let learned = WeightQuant { scaling_impl_type: ScalingImplType::Parameter, ..Int8WeightPerTensorFloat };
    let error = WeightQuantSolver::solve(&learned, &weight, 0).map(|_| ()).unwrap_err();
    assert!(error.to_string().starts_with("`scaling_init` has no value"), "{error}");
}

/// The tutorial's quantizer from scratch sets the narrow range, unlike the one it is compared with.
#[test]
fn s74_activation_quantizer_from_scratch() {
    let quant = ActQuant { narrow_range: true, ..Int8ActPerTensorFloatMinMaxInit }
        .with_scaling_impl(Provider::<dyn Scaling>::value(|context| {
            let stats = Arc::new(AbsPercentile { q: 99.999 });
            let stats = RuntimeStats::new(stats, Some(300), 0.1, vec![1.0; context.groups]);
            Ok(Arc::new(ParameterFromRuntimeStatsScaling::new(stats, restriction())))
        }))
        .with_int_scaling_impl(Arc::new(PlainIntScaling { signed: true, narrow_range: true }))
        .with_float_to_int_impl(Arc::new(RoundSte))
        .with_tensor_clamp_impl(Arc::new(TensorClamp))
        .with_bit_width_impl(Arc::new(BitWidthConst { bit_width: 8 }));
    let identity = QuantIdentity::builder("id").act_quant(quant).build().unwrap();
    let y = identity.forward(&input("c10_identity")).unwrap();
    assert_golden(y.quant().unwrap(), &GOLDEN["c34_scratch_act"]["q"]);
}

#[test]
fn s75_one_component_of_a_premade_quantizer() {
    let quant = Int8WeightPerTensorFloat.with_float_to_int_impl(Arc::new(FloorSte));
    let fc = QuantLinear::builder("fc", 2, 1).bias(false).weight_quant(quant);
    let fc = fc.with_parameters(Parameter::new(vec![1.27, 0.0199], &[1, 2]), None).unwrap();
    assert_eq!(fc.quant_weight::<2>().unwrap().codes().unwrap(), [127, 1]);
    let (codes, quantizer) = fc.weight_quant().unwrap().codes(fc.weight()).unwrap();
    assert_eq!(codes, [127, 1]);
    // What the codes stand for is quantized to the same codes again, whatever the rounding was.
    let again: Vec<f32> = codes.iter().map(|code| *code as f32 * quantizer.scales()[0]).collect();
    assert_eq!(quantizer.quantize(&again, 2), codes);
}

/// A learned scale that starts at the largest magnitude of the layers' weights.
fn from_weights() -> WeightQuant {
    WeightQuant {
        scaling_impl_type: ScalingImplType::Parameter,
        scaling_init: Some(ScalingInit::value(|weights| {
            vec![weights.iter().flat_map(Parameter::values).fold(0.0, |max: f32, w| max.max(w.abs()))]
        })),
        ..Int8WeightPerTensorFloat
    }
}

fn scratch_layer(quant: WeightQuant) -> QuantLinear {
    let weight = parameter(&GOLDEN["c35_scratch_weight"]["weight"]);
    QuantLinear::builder("fc", 2, 4).bias(false).weight_quant(quant).with_parameters(weight, None).unwrap()
}

#[test]
fn s76_values_are_computed_from_the_weights_of_the_layers() {
    let fc = scratch_layer(from_weights());
    assert_eq!(
        fc.quant_weight::<2>().unwrap().scale(),
        floats(&GOLDEN["c35_scratch_weight"]["q"]["scale"])[..1]
    );
    let joined = QuantLinear::builder("second", 1, 1)
        .bias(false)
        .shared_weight_quant(fc.weight_quant().unwrap().clone())
        .with_parameters(Parameter::new(vec![-2.54], &[1, 1]), None)
        .unwrap();
    for fc in [fc, joined] {
        assert_eq!(fc.quant_weight::<2>().unwrap().scale(), [2.54 / 127.0]);
    }
}

#[test]
fn s77_learned_scale_from_scratch() {
    let fc = scratch_layer(from_weights());
    assert_golden(&fc.quant_weight::<2>().unwrap(), &GOLDEN["c35_scratch_weight"]["q"]);
    let paths: Vec<String> = named_parameters(&fc).into_iter().map(|named| named.path).collect();
    assert_eq!(paths, ["weight", "weight_quant.tensor_quant.scaling_impl.value"]);
}

/// On sharing and after weights were loaded, learned values start again from the weights as they are.
#[test]
fn s78_quantizers_are_built_anew_on_demand() {
    let cell = &GOLDEN["c31_retrain"];
    let learned = WeightQuant {
        scaling_per_output_type: ScalingPerOutputType::Channel,
        scaling_impl_type: ScalingImplType::ParameterFromStats,
        restrict_scaling_type: RestrictValueType::LogFp,
        bit_width_impl_type: BitWidthImplType::Parameter,
        ..Int8WeightPerTensorFloat
    };
    let before = Parameter::new(floats(&GOLDEN["c07_shared"]["w2"]), &[4, 2]);
    let fc = QuantLinear::builder("fc", 2, 4).bias(false).weight_quant(learned.clone());
    let fc = fc.with_parameters(before, None).unwrap();
    assert_eq!(fc.quant_weight::<2>().unwrap().codes().unwrap(), ints(&cell["before"]["int"]));
    fc.weight().set(floats(&cell["weight_before_float"]));
    fc.weight_quant().unwrap().init_tensor_quant().unwrap();
    let after = fc.quant_weight::<2>().unwrap();
    assert_eq!(after.codes().unwrap(), ints(&cell["after"]["int"]));
    assert_close(&after.scale(), &floats(&cell["after"]["scale"]));

    let cell = &GOLDEN["x_shared_learned_reload"];
    let first = QuantLinear::builder("first", 2, 4).bias(false).weight_quant(learned);
    let first = first.with_parameters(Parameter::new(vec![0.1; 8], &[4, 2]), None).unwrap();
    let second = QuantLinear::builder("second", 2, 4)
        .bias(false)
        .shared_weight_quant(first.weight_quant().unwrap().clone())
        .with_parameters(Parameter::new(vec![0.2; 8], &[4, 2]), None)
        .unwrap();
    for (fc, weight) in [(&first, "w1"), (&second, "w2")] {
        fc.weight().set(floats(&cell[weight]));
    }
    first.weight_quant().unwrap().init_tensor_quant().unwrap();
    for (fc, golden) in [(first, "q1"), (second, "q2")] {
        let found = fc.quant_weight::<2>().unwrap();
        assert_eq!(found.codes().unwrap(), ints(&cell[golden]["int"]));
        assert_close(&found.scale(), &floats(&cell[golden]["scale"]));
    }
}

#[test]
fn s79_building_anew_by_hand() {
    let cell = &GOLDEN["c35_scratch_weight"];
    let fc = scratch_layer(from_weights());
    fc.weight().set(fc.weight().values().into_iter().map(|w| 2.0 * w).collect());
    assert_golden(&fc.quant_weight::<2>().unwrap(), &cell["after_inplace_x2"]);
    fc.weight_quant().unwrap().init_tensor_quant().unwrap();
    assert_golden(&fc.quant_weight::<2>().unwrap(), &cell["after_init_tensor_quant"]);
}

#[test]
fn s80_sharing_one_component() {
    let cell = &GOLDEN["c36_shared_bw"];
    let width = Arc::new(BitWidthParameter::new(8, 2));
    let identity = QuantIdentity::builder("id").bit_width_impl(width.clone()).build().unwrap();
    let fc = QuantLinear::builder("fc", 3, 2)
        .bias(false)
        .weight_bit_width_impl(width.clone())
        .build(&mut exactum_training::Init::from_seed(1))
        .unwrap();
    let offset = |named: Vec<exactum_training::NamedParameter>| {
        named.into_iter().find(|named| named.path.ends_with("bit_width_offset")).unwrap().parameter
    };
    assert!(offset(named_parameters(&identity)).is(&offset(named_parameters(&fc))));
    width.bit_width_offset().set(vec![2.0]);
    let y = identity.forward(&Activation::train(row(&[0.5, -1.0]))).unwrap();
    let widths = [y.quant().unwrap().bit_width(), fc.quant_weight::<2>().unwrap().bit_width()];
    assert_eq!(widths.to_vec(), floats(&cell["after_offset_2"]));
}
