//! Numbers of the Brevitas tutorial, measured on Brevitas 0.12.1: same inputs and weights, same scales and integers.
//!
//! Tests carry the number of the behaviour they pin. Scales and integers must be equal; sums of products in floats may
//! differ in the last places.

use std::sync::LazyLock;

use exactum_training::backend::{Tensor, TensorData, evaluation_device};
use exactum_training::nn::{MaxPool2d, QuantIdentity, QuantLinear, QuantReLU};
use exactum_training::quant::{
    ActQuant, BiasQuantProxy, Int8ActPerTensorFloat, Int8WeightPerTensorFixedPoint, Int8WeightPerTensorFloat,
    Int16Bias, Uint8ActPerTensorFloat, WeightQuant,
};
use exactum_training::{Activation, ForwardError, Parameter, QuantTensor, Tree, named_parameters};
use serde_json::Value;

static GOLDEN: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("data/brevitas_tutorial_golden.json")).unwrap());

fn floats(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(items) => items.iter().flat_map(floats).collect(),
        number => vec![number.as_f64().unwrap() as f32],
    }
}

fn ints(value: &Value) -> Vec<i64> {
    match value {
        Value::Array(items) => items.iter().flat_map(ints).collect(),
        number => vec![number.as_i64().unwrap()],
    }
}

fn tensor<const D: usize>(value: &Value) -> Tensor<D> {
    let mut shape = [0; D];
    let mut level = value;
    for extent in &mut shape {
        *extent = level.as_array().unwrap().len();
        level = &level[0];
    }
    Tensor::from_data(TensorData::new(floats(value), shape), &evaluation_device())
}

fn parameter(value: &Value) -> Parameter {
    let rows = value.as_array().unwrap();
    let shape = match &rows[0] {
        Value::Array(row) => vec![rows.len(), row.len()],
        _ => vec![rows.len()],
    };
    Parameter::new(floats(value), &shape)
}

fn input(cell: &str) -> Activation<2> {
    Activation::train(tensor(&GOLDEN[cell]["x"]))
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec_as::<f32>().unwrap()
}

/// A bias-free layer with the weight of a cell.
fn layer(cell: &str, weight: WeightQuant, input: Option<ActQuant>) -> QuantLinear {
    QuantLinear::builder("fc", 2, 4)
        .bias(false)
        .weight_quant(weight)
        .input_quant(input)
        .with_parameters(parameter(&GOLDEN[cell]["weight"]), None)
        .unwrap()
}

fn assert_close(found: &[f32], needed: &[f32]) {
    assert_eq!(found.len(), needed.len());
    for (found, needed) in found.iter().zip(needed) {
        assert!((found - needed).abs() <= 2e-6 * needed.abs().max(1.0), "{found} is not {needed}");
    }
}

/// Compares everything the tutorial prints of a quantized tensor.
fn assert_golden<const D: usize>(found: &QuantTensor<D>, golden: &Value) {
    assert_eq!(found.codes().unwrap(), ints(&golden["int"]));
    assert_eq!(found.scale(), floats(&golden["scale"]));
    assert_eq!(found.zero_point()[0], floats(&golden["zero_point"])[0]);
    assert_eq!(f64::from(found.bit_width()), golden["bit_width"].as_f64().unwrap());
    assert_eq!(found.signed(), golden["signed"].as_bool().unwrap());
    assert_eq!(found.training(), golden["training"].as_bool().unwrap());
    assert_eq!(found.is_valid(), golden["is_valid"].as_bool().unwrap());
    assert_close(&values(found.value()), &floats(&golden["value"]));
}

#[test]
fn s08_s09_s10_default_weight_quantizer() {
    let fc = QuantLinear::builder("fc", 2, 4)
        .with_parameters(
            parameter(&GOLDEN["c02_default_weight"]["weight"]),
            Some(parameter(&GOLDEN["c02_default_weight"]["bias"])),
        )
        .unwrap();
    assert_eq!(fc.weight().values(), floats(&GOLDEN["c02_default_weight"]["weight"]));
    assert_golden(&fc.quant_weight::<2>().unwrap(), &GOLDEN["c02_default_weight"]["q"]);
}

#[test]
fn s12_float_input_gives_float_output() {
    let fc = layer("c04_float_input", Int8WeightPerTensorFloat, None);
    let y = fc.forward(&input("c04_float_input")).unwrap();
    assert!(y.quant().is_none());
    assert_close(&values(y.value()), &floats(&GOLDEN["c04_float_input"]["out"]));
}

#[test]
fn s13_power_of_two_weight_scale() {
    let fc = layer("c05_fixed_point", Int8WeightPerTensorFixedPoint, None);
    assert_golden(&fc.quant_weight::<2>().unwrap(), &GOLDEN["c05_fixed_point"]["q"]);
}

#[test]
fn s19_s20_input_quantizer_inside_the_layer() {
    let cell = "c08_input_quant";
    let fc = layer(cell, Int8WeightPerTensorFloat, Some(Int8ActPerTensorFloat));
    assert_close(&values(fc.forward(&input(cell)).unwrap().value()), &floats(&GOLDEN[cell]["out"]));
}

#[test]
fn s21_accumulator_as_quantized_tensor() {
    let cell = "c09_return_qt";
    let fc = layer(cell, Int8WeightPerTensorFloat, Some(Int8ActPerTensorFloat));
    assert_golden(fc.forward(&input(cell)).unwrap().quant().unwrap(), &GOLDEN[cell]["q"]);
}

#[test]
fn s22_s23_quantizer_before_the_layer() {
    let cell = "c10_identity";
    let x = QuantIdentity::builder("id").build().unwrap().forward(&input(cell)).unwrap();
    assert_golden(x.quant().unwrap(), &GOLDEN[cell]["qin"]);
    let fc = layer(cell, Int8WeightPerTensorFloat, None);
    assert_golden(fc.forward(&x).unwrap().quant().unwrap(), &GOLDEN[cell]["qout"]);
}

#[test]
fn s24_rectifier_is_unsigned() {
    let y = QuantReLU::builder("relu").build().unwrap().forward(&input("c11_relu")).unwrap();
    assert_golden(y.quant().unwrap(), &GOLDEN["c11_relu"]["q"]);
}

#[test]
fn s25_requantization() {
    let cell = "c12_requant";
    let x = QuantIdentity::builder("id").build().unwrap().forward(&input(cell)).unwrap();
    assert_golden(x.quant().unwrap(), &GOLDEN[cell]["q1"]);
    let y = QuantReLU::builder("relu").build().unwrap().forward(&x).unwrap();
    assert_golden(y.quant().unwrap(), &GOLDEN[cell]["q2"]);
}

/// Columns: largest magnitude of the batch, scale in training, scale in evaluation after it.
#[test]
fn s26_s27_s28_phases_of_an_activation_scale() {
    let rows = GOLDEN["x_phases_collect3 (absmax, train scale, eval scale)"].as_array().unwrap();
    let identity = QuantIdentity::builder("id").collect_stats_steps(3).build().unwrap();
    for row in rows {
        let [absmax, train, eval] = floats(row)[..] else { panic!("three columns") };
        let x = Tensor::<2>::from_data(TensorData::new(vec![-absmax, 0.0], [1, 2]), &evaluation_device());
        let in_train = identity.forward(&Activation::train(x.clone())).unwrap();
        let in_eval = identity.forward(&Activation::eval(x)).unwrap();
        let scale = |activation: &Activation<2>| activation.quant().unwrap().scale()[0];
        assert!((scale(&in_train) / train - 1.0).abs() < 2e-7, "{} is not {train}", scale(&in_train));
        assert!((scale(&in_eval) / eval - 1.0).abs() < 2e-7, "{} is not {eval}", scale(&in_eval));
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
    let proxy = BiasQuantProxy::build(&Int16Bias, &bias).unwrap().unwrap();
    let (codes, quantizer) = proxy.codes(&bias, Some(vec![scale])).unwrap().unwrap();
    assert_eq!(quantizer.scales(), [scale]);
    let codes: Vec<i64> = codes.into_iter().map(i64::from).collect();
    assert_eq!(codes, ints(&cell["qbias"]["int"]));
}

#[test]
fn s31_a_quantized_bias_needs_the_scale_of_the_input() {
    let x = Tensor::zeros([1, 2], &evaluation_device());
    for x in [Activation::train(x.clone()), Activation::eval(x)] {
        let error = biased(None).forward(&x).map(|_| ()).unwrap_err();
        assert!(matches!(&error, ForwardError::BiasScale { layer, .. } if layer == "fc"), "{error}");
        assert!(error.to_string().contains("the input has no scale"), "{error}");
    }
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

#[test]
fn s39_max_pool_keeps_the_quantizer() {
    let cell = &GOLDEN["c16_maxpool"];
    let x: Tensor<3> = tensor(&cell["x"]);
    let [batch, channels, width] = x.dims();
    let x = Activation::train(x.reshape([batch, channels, 1, width]));
    let q = QuantIdentity::builder("id").build().unwrap().forward(&x).unwrap();
    assert_golden(q.quant().unwrap(), &cell["q"]);
    let pooled = MaxPool2d::new("pool", [1, 2], [1, 2]).forward(&q).unwrap();
    assert_golden(pooled.quant().unwrap(), &cell["out"]);
}

#[test]
fn s45_weight_bit_width() {
    let cell = &GOLDEN["c19_w5"];
    let fc = QuantLinear::builder("fc", 2, 4)
        .bias(false)
        .weight_bit_width(5)
        .with_parameters(parameter(&cell["weight"]), None)
        .unwrap();
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
    let relu = QuantReLU::builder("relu").act_quant(Uint8ActPerTensorFloat).max_val(6.0).build().unwrap();
    assert_golden(relu.forward(&input("c22_maxinit")).unwrap().quant().unwrap(), &GOLDEN["c22_maxinit"]["q"]);
}

#[test]
fn s16_s17_shared_weight_quantizer_looks_at_all_weights() {
    let cell = &GOLDEN["c07_shared"];
    let first = QuantLinear::builder("first", 2, 4)
        .bias(false)
        .with_parameters(parameter(&cell["w1"]), None)
        .unwrap();
    assert_eq!(first.quant_weight::<2>().unwrap().scale(), floats(&cell["scale1_before"])[..1]);
    let second = QuantLinear::builder("second", 2, 4)
        .bias(false)
        .shared_weight_quant(first.weight_quant().unwrap().clone())
        .with_parameters(parameter(&cell["w2"]), None)
        .unwrap();
    assert_golden(&first.quant_weight::<2>().unwrap(), &cell["q1"]);
    assert_golden(&second.quant_weight::<2>().unwrap(), &cell["q2"]);
}

#[test]
fn s66_layers_print_their_components() {
    let relu = QuantReLU::builder("relu").build().unwrap();
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
    assert_eq!(Tree(&relu).to_string(), needed);
    let fc = biased(Some(Int8ActPerTensorFloat));
    let paths: Vec<String> = named_parameters(&fc).into_iter().map(|named| named.path).collect();
    assert_eq!(paths, ["weight", "bias", "input_quant.tensor_quant.scaling_impl.value"]);
}
