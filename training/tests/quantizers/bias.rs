//! Quantized biases and the scale they need.

use crate::common::{GOLDEN, assert_golden, floats, input, ints, parameter, values};
use exactum_training::backend::{Tensor, evaluation_device};
use exactum_training::nn::{QuantIdentity, QuantLinear};
use exactum_training::quant::*;
use exactum_training::{Activation, ForwardError};

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
        let text = error.to_string();
        assert!(
            text.contains("is not correctly configured") && text.contains("the input has no scale"),
            "{text}"
        );
        assert!(text.contains("give the layer an input_quant"), "{text}");
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
