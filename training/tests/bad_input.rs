//! Bad input: every refusal says where it was met, what was found and what to change.

use exactum_training::backend::{Tensor, TensorData, evaluation_device};
use exactum_training::burn::{self, module::Module};
use exactum_training::data::{Dataset, digits};
use exactum_training::models::{Arithmetic, DigitsMlp, digits_cnn, digits_mlp};
use exactum_training::nn::{BatchNorm2d, QuantEltwiseAdd, QuantIdentity, QuantLinear, QuantReLU};
use exactum_training::quant::{
    ActQuant, Int8ActPerTensorFloat, Int8ActPerTensorFloatMinMaxInit, Int16Bias, ScalingImplType,
    Uint8ActPerTensorFloatMaxInit,
};
use exactum_training::{
    Activation, CalibrateConfig, ForwardError, Init, LoadPolicy, Network, Parameter, QuantTensor,
    TrainConfig, calibrate_model, evaluate, load_state, named_parameters, state_dict, train,
};

/// Whether an error's text has all parts.
fn says<T>(result: Result<T, impl std::fmt::Display>, parts: &[&str]) {
    let Err(error) = result else { panic!("not refused, needed {parts:?}") };
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{part} in {text}");
    }
}

fn zeros<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::zeros(shape, &evaluation_device())
}

fn identity(max: f32) -> QuantIdentity {
    QuantIdentity::builder("in").max_val(max).build().unwrap()
}

fn linear() -> QuantLinear {
    QuantLinear::builder("fc", 2, 3).build(&mut Init::from_seed(1)).unwrap()
}

#[test]
fn shapes_that_do_not_fit() {
    for x in [Activation::train(zeros([4, 3])), Activation::eval(zeros([4, 3]))] {
        says(linear().forward(&x), &["layer `fc`", "found input of shape [4, 3]", "needed [batch, 2]"]);
    }
    let wrong = || Parameter::new(vec![0.0; 6], &[2, 3]);
    says(
        QuantLinear::builder("fc", 2, 3).with_parameters(wrong(), None),
        &["layer `fc`", "a weight of shape [2, 3], needed [3, 2]"],
    );
    let weight = linear().weight().clone();
    says(
        QuantLinear::builder("fc", 2, 3).with_parameters(weight, Some(wrong())),
        &["layer `fc`", "a bias of shape [2, 3], needed [3]"],
    );
    let norm = BatchNorm2d::new("norm", 3);
    says(norm.forward(&Activation::train(zeros([1, 2, 2, 2]))), &["layer `norm`", "needed [batch, 3, ...]"]);
    let network = digits_mlp(Arithmetic::Quantized, 1).unwrap();
    says(evaluate(&network, &[0.0; 65]), &["[65]", "needed a multiple of 64 values"]);
    let x = Activation::eval(zeros([2, 3]));
    says(x.reshape([4, 2]), &["[2, 3]", "[4, 2]"]);
    says(x.add(&Activation::eval(zeros([3, 2]))), &["Shapes are different", "reshape one operand first"]);
}

#[test]
fn data_of_another_shape() {
    let data = digits::load().unwrap().train;
    let mut network = digits_mlp(Arithmetic::Quantized, 1).unwrap();
    let half = Dataset { features: 32, ..data };
    says(
        train(&mut network, &half, &DigitsMlp::TRAINING, |_| {}),
        &["training:", "samples have 32 values, the network takes 64"],
    );
}

#[test]
fn a_quantized_bias_without_the_scale_of_an_input() {
    let fc = QuantLinear::builder("fc", 2, 3).bias_quant(Int16Bias).build(&mut Init::from_seed(1)).unwrap();
    for x in [Activation::train(zeros([1, 2])), Activation::eval(zeros([1, 2]))] {
        let help = "quantize the input before the layer, or give the layer an input_quant";
        says(fc.forward(&x), &["layer `fc`", "the input has no scale", help]);
    }
    let fc = QuantLinear::builder("fc", 2, 3).weight_quant(None).bias_quant(Int16Bias);
    let fc = fc.build(&mut Init::from_seed(1)).unwrap();
    let x = identity(1.0).forward(&Activation::eval(zeros([1, 2]))).unwrap();
    let help = "quantize the weight, or leave the bias as floats";
    says(fc.forward(&x), &["layer `fc`", "the weight has no scale", help]);
}

#[test]
fn operands_of_different_scales_in_evaluation() {
    let x = Activation::eval(zeros([1, 2]));
    let [a, b] = [1.0, 2.0].map(|max| identity(max).forward(&x).unwrap());
    let help = "quantize both operands by one quantizer";
    let different = ["Scaling factors are different", "0.0078125", "0.015625", help];
    says(a.add(&b), &different);
    says(a.sub(&b), &different);
    says(Activation::cat(&[&a, &b], 1), &different);
    says(QuantTensor::cat(&[a.quant().unwrap(), b.quant().unwrap()], 1), &different);
    let add = QuantEltwiseAdd::builder("add").input_quant(None).build().unwrap();
    says(add.forward(&a, &b), &[&["layer `add`"], &different[..]].concat());
}

#[test]
fn a_range_without_its_maximum() {
    let missing = ["layer `relu`, act_quant", "`max_val` has no value", "set `max_val`"];
    for quant in [
        Uint8ActPerTensorFloatMaxInit,
        Int8ActPerTensorFloatMinMaxInit,
        ActQuant { scaling_impl_type: ScalingImplType::Const, ..Int8ActPerTensorFloat },
    ] {
        says(QuantReLU::builder("relu").act_quant(quant).build(), &missing);
    }
    let input = QuantLinear::builder("fc", 2, 3).input_quant(Uint8ActPerTensorFloatMaxInit);
    says(input.build(&mut Init::from_seed(1)), &["layer `fc`, input_quant", "set `max_val`"]);
    let add = QuantEltwiseAdd::builder("add").output_quant(Uint8ActPerTensorFloatMaxInit);
    says(add.build(), &["layer `add`, output_quant", "set `max_val`"]);
    for bad in [f32::NAN, f32::INFINITY] {
        says(
            QuantReLU::builder("relu").max_val(bad).build(),
            &["layer `relu`, act_quant", &format!("`max_val` is {bad:?}, needed a finite number")],
        );
    }
}

/// Whoever meets it first: a quantizer, the evaluation of a float network, calibration, training.
#[test]
fn data_that_are_no_numbers() {
    let bad = |value: f32| Activation::from_values(vec![0.5, value], [1, 2]);
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let text = format!("value 1 is {value}, needed finite numbers; look for it in the data");
        for x in [Activation::train(bad(value).value()), bad(value)] {
            says(identity(1.0).forward(&x), &["layer `in`", &text]);
        }
        for arithmetic in [Arithmetic::Float, Arithmetic::Quantized] {
            let mut network = digits_mlp(arithmetic, 1).unwrap();
            let mut data = digits::load().unwrap().train;
            data.inputs[64 + 5] = value;
            says(evaluate(&network, &data.inputs[..192]), &["value 69 is", "look for it in the data"]);
            says(
                train(&mut network, &data, &DigitsMlp::TRAINING, |_| {}),
                &[&format!("training: value 5 of sample 1 is {value}"), "repair the data"],
            );
            if arithmetic == Arithmetic::Quantized {
                let values = TensorData::new(data.inputs[64..192].to_vec(), [2, 64]);
                let batch = Tensor::from_data(values, &evaluation_device());
                says(
                    calibrate_model(&network, [batch], &CalibrateConfig::default()),
                    &["value 5 is", "look for it in the data"],
                );
            }
        }
    }
}

/// In the weight and in the bias, quantized and not, whatever the scale comes from.
#[test]
fn weights_that_are_no_numbers() {
    let layer = |learned: bool, float: bool, values: [f32; 2]| {
        let kind = if learned { ScalingImplType::Const } else { ScalingImplType::Stats };
        let fc = QuantLinear::builder("fc", 2, 1).weight_scaling_impl_type(kind).weight_scaling_const(1.0);
        let fc = if float { fc.weight_quant(None) } else { fc };
        let [weight, bias] = values;
        fc.with_parameters(Parameter::new(vec![0.5, weight], &[1, 2]), Some(Parameter::new(vec![bias], &[1])))
            .unwrap()
    };
    let x = Activation::from_values(vec![0.25, 0.5], [1, 2]);
    for value in [f32::NAN, f32::INFINITY] {
        for values in [[value, 0.5], [0.5, value]] {
            for (learned, float) in [(false, false), (true, false), (false, true)] {
                let fc = layer(learned, float, values);
                let needed = ["layer `fc", &format!("is {value}"), "needed finite numbers", "weights"];
                says(fc.forward(&x), &needed);
                says(fc.forward(&identity(1.0).forward(&x).unwrap()), &needed);
            }
        }
    }
    let mut network = digits_mlp(Arithmetic::Quantized, 1).unwrap();
    let weight = named_parameters(&network).into_iter().find(|named| named.path == "fc1.weight").unwrap();
    weight.parameter.set(vec![f32::NAN; weight.parameter.len_elems()]);
    let data = digits::load().unwrap().train;
    says(
        train(&mut network, &data, &DigitsMlp::TRAINING, |_| {}),
        &[&format!("value 0 of `{}` is NaN", weight.path), "load a state from before it diverged"],
    );
}

#[test]
fn training_that_diverges() {
    let data = digits::load().unwrap().train;
    let mut network = Diverging {
        fc: QuantLinear::builder("fc", 64, 10).weight_quant(None).build(&mut Init::from_seed(1)).unwrap(),
    };
    says(
        train(&mut network, &data, &TrainConfig { epochs: 1, ..DigitsMlp::TRAINING }, |_| {}),
        &["training: the loss of step 1 is", "lower the learning rate"],
    );
}

/// Its outputs leave the range of floats.
#[derive(Module, Debug)]
struct Diverging {
    fc: QuantLinear,
}

impl Network<2> for Diverging {
    fn input_shape(&self) -> [usize; 2] {
        [1, 64]
    }

    fn forward(&self, x: &Activation<2>) -> Result<Activation<2>, ForwardError> {
        self.fc.forward(x)?.mul_scalar(f32::MAX)?.mul_scalar(f32::MAX)
    }
}

#[test]
fn a_checkpoint_of_another_model() {
    let (mlp, cnn) =
        (digits_mlp(Arithmetic::Quantized, 1).unwrap(), digits_cnn(Arithmetic::Quantized, 1).unwrap());
    let before = state_dict(&cnn);
    says(
        load_state(&cnn, &state_dict(&mlp), LoadPolicy::STRICT),
        &[
            "the state does not fit the network",
            "Missing key(s) in state:",
            "\"conv1.weight\"",
            "Unexpected key(s) in state: \"fc1.",
        ],
    );
    assert_eq!(state_dict(&cnn), before, "nothing is loaded");
    // The same names, other shapes.
    let state = state_dict(&linear());
    let other = QuantLinear::builder("fc", 5, 3).build(&mut Init::from_seed(1)).unwrap();
    says(
        load_state(&other, &state, LoadPolicy::STRICT),
        &["does not fit the network", "\"weight\" has shape [3, 2], needed [3, 5]"],
    );
    // Values of quantizers alone are missing: the message says how to go on.
    let float = QuantLinear::builder("fc", 2, 3).weight_quant(None).build(&mut Init::from_seed(1)).unwrap();
    let learned = QuantLinear::builder("fc", 2, 3)
        .weight_scaling_impl_type(ScalingImplType::ParameterFromStats)
        .build(&mut Init::from_seed(1))
        .unwrap();
    says(
        load_state(&learned, &state_dict(&float), LoadPolicy::STRICT),
        &["weight_quant.tensor_quant.scaling_impl.value", "set `ignore_missing_keys` of the policy"],
    );
}

#[test]
fn an_empty_calibration_set() {
    let network = digits_mlp(Arithmetic::Quantized, 1).unwrap();
    let before = state_dict(&network);
    let empty: [Vec<Tensor<2>>; 3] = [vec![], vec![zeros([0, 64])], vec![zeros([0, 64]), zeros([1, 64])]];
    for batches in empty {
        says(
            calibrate_model(&network, batches, &CalibrateConfig::default()),
            &["calibration: found no batch, or one without samples", "pass some training inputs"],
        );
        assert_eq!(state_dict(&network), before);
    }
}
