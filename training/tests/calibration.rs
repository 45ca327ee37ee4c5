//! Calibration and bias correction, rows S93 to S98, against the numbers of the tutorial's last cell.

mod common;

use common::{GOLDEN, assert_close, floats, parameter, tensor, values};
use exactum_training::backend::{Tensor, TensorData, evaluation_device};
use exactum_training::burn::{self, module::Module};
use exactum_training::calibrate::MissingBias;
use exactum_training::data::digits;
use exactum_training::models::{Arithmetic, DigitsMlp, digits_mlp};
use exactum_training::nn::{QuantIdentity, QuantLinear, QuantReLU};
use exactum_training::quant::{
    ActQuant, Int8ActPerTensorFloat, Int8WeightPerTensorFloat, ShiftedUint8ActPerTensorFloat,
    Uint8ActPerTensorFloat, WeightQuant,
};
use exactum_training::{
    Activation, CalibrateConfig, CalibrateError, ForwardError, Network, Parameter, TrainConfig, accuracy,
    bias_correction_mode, calibrate_model, calibration_mode, evaluate, train,
};
use serde_json::Value;

/// 4-bit activations, 3-bit weights, the second layer without bias.
#[derive(Module, Debug)]
struct Tutorial {
    inp: QuantIdentity,
    fc1: QuantLinear,
    relu: QuantReLU,
    fc2: QuantLinear,
}

impl Tutorial {
    fn quantized() -> Self {
        Self::with(
            Some(ActQuant { bit_width: 4, ..Int8ActPerTensorFloat }),
            Some(ActQuant { bit_width: 4, ..Uint8ActPerTensorFloat }),
            Some(WeightQuant { bit_width: 3, ..Int8WeightPerTensorFloat }),
        )
    }

    fn float() -> Self {
        Self::with(None, None, None)
    }

    fn with(inp: Option<ActQuant>, relu: Option<ActQuant>, weight: Option<WeightQuant>) -> Self {
        let cell = &GOLDEN["c41_calibration_bias_correction"];
        let linear = |name: &str, inputs, outputs, bias| {
            QuantLinear::builder(name, inputs, outputs)
                .weight_quant(weight.clone())
                .with_parameters(parameter(&cell[format!("{name}.weight")]), bias)
                .unwrap()
        };
        Self {
            inp: QuantIdentity::builder("inp").act_quant(inp).build().unwrap(),
            fc1: linear("fc1", 2, 3, Some(parameter(&cell["fc1.bias"]))),
            relu: QuantReLU::builder("relu").act_quant(relu).build().unwrap(),
            fc2: linear("fc2", 3, 2, None),
        }
    }

    /// Scale of the input's quantizer and of the rectifier's, as evaluation uses them.
    fn scales(&self) -> Vec<f32> {
        let x = self.inp.forward(&Activation::from_values(vec![0.0; 2], [1, 2])).unwrap();
        let y = self.relu.forward(&self.fc1.forward(&x).unwrap()).unwrap();
        [x, y].iter().flat_map(|activation| activation.quant().unwrap().scale()).collect()
    }
}

impl Network<2> for Tutorial {
    fn input_shape(&self) -> [usize; 2] {
        [1, 2]
    }

    fn forward(&self, x: &Activation<2>) -> Result<Activation<2>, ForwardError> {
        let x = self.relu.forward(&self.fc1.forward(&self.inp.forward(x)?)?)?;
        self.fc2.forward(&x)
    }
}

fn matrix(values: Vec<f32>, rows: usize) -> Tensor<2> {
    let columns = values.len() / rows.max(1);
    Tensor::from_data(TensorData::new(values, [rows, columns]), &evaluation_device())
}

fn cell() -> &'static Value {
    &GOLDEN["c41_calibration_bias_correction"]
}

fn batches() -> Vec<Tensor<2>> {
    cell()["data_batches"].as_array().unwrap().iter().map(tensor).collect()
}

fn calibrate(network: &Tutorial) {
    calibration_mode(network, |calibration| {
        for batch in batches() {
            network.forward(&calibration.input(batch)).unwrap();
        }
    });
}

/// The outputs of all batches in evaluation.
fn outputs(network: &Tutorial) -> Vec<f32> {
    batches()
        .into_iter()
        .flat_map(|batch| values(network.forward(&Activation::eval(batch)).unwrap().value()))
        .collect()
}

#[test]
fn s93_calibration_is_forward_passes_on_little_data() {
    let network = Tutorial::quantized();
    let before = network.fc1.weight().values();
    calibrate(&network);
    assert_close(&network.scales(), &[floats(&cell()["inp_scale"]), floats(&cell()["relu_scale"])].concat());
    assert_close(&outputs(&network), &floats(&cell()["quant_out_before_bc"]));
    assert_eq!(network.fc1.weight().values(), before);
    assert_eq!(network.fc1.bias().unwrap().values(), floats(&cell()["fc1.bias"]));
}

/// Scale and zero point of an asymmetric quantizer: the means over batches of range and smallest value.
#[test]
fn s93_zero_points_are_calibrated_too() {
    let identity = QuantIdentity::builder("id").act_quant(ShiftedUint8ActPerTensorFloat).build().unwrap();
    let batches = [vec![-1.0, 0.5, 3.0, 2.0], vec![-3.0, 1.0, 5.0, 2.0]];
    calibration_mode(&identity, |calibration| {
        for batch in batches {
            identity.forward(&calibration.input(matrix(batch, 1))).unwrap();
        }
    });
    let y = identity.forward(&Activation::from_values(vec![-2.0, 0.0, 4.0], [1, 3])).unwrap();
    let quant = y.quant().unwrap();
    // Ranges 4 and 8, smallest values -1 and -3.
    assert_eq!(quant.scale(), [6.0 / 255.0]);
    assert_eq!(quant.zero_point(), [85.0]);
    assert_eq!(quant.codes().unwrap(), [0, 85, 255]);
}

/// Every kind of collected statistic, and every domain of scales.
#[test]
fn s94_any_collected_statistic_can_be_calibrated() {
    use exactum_training::quant::{RestrictValueType, StatsOp};
    let batches = [vec![-1.0, 0.5, 3.0, 2.5], vec![-3.0, 1.0, 5.0, 2.0]];
    let base = || Int8ActPerTensorFloat;
    let cases: [(ActQuant, f32); 5] = [
        (base(), 4.0 / 128.0),
        (ActQuant { scaling_stats_op: StatsOp::Max, ..base() }, 4.0 / 128.0),
        // Mean magnitudes 1.75 and 2.75.
        (ActQuant { scaling_stats_op: StatsOp::Ave, ..base() }, 2.25 / 128.0),
        (ActQuant { restrict_scaling_type: RestrictValueType::PowerOfTwo, ..base() }, 4.0 / 128.0),
        (ActQuant { restrict_scaling_type: RestrictValueType::LogFp, ..base() }, 4.0 / 128.0),
    ];
    for (quant, scale) in cases {
        let identity = QuantIdentity::builder("id").act_quant(quant.clone()).build().unwrap();
        calibration_mode(&identity, |calibration| {
            for batch in batches.clone() {
                identity.forward(&calibration.input(matrix(batch, 1))).unwrap();
            }
        });
        let y = identity.forward(&Activation::from_values(vec![0.0], [1, 1])).unwrap();
        assert_close(&y.quant().unwrap().scale(), &[scale]);
    }
    // Whatever the statistic: that of two batches is the mean of those of each.
    for scaling_stats_op in [
        StatsOp::MeanSigmaStd,
        StatsOp::MeanLearnSigmaStd,
        StatsOp::MinMax,
        StatsOp::PercentileInterval,
        StatsOp::Mse,
    ] {
        let quant = ActQuant {
            scaling_stats_op,
            sigma: Some(1.5),
            low_percentile_q: Some(10.0),
            high_percentile_q: Some(70.0),
            ..base()
        };
        let scale = |chosen: &[Vec<f32>]| {
            let identity = QuantIdentity::builder("id").act_quant(quant.clone()).build().unwrap();
            calibration_mode(&identity, |calibration| {
                for batch in chosen {
                    identity.forward(&calibration.input(matrix(batch.clone(), 1))).unwrap();
                }
            });
            let y = identity.forward(&Activation::from_values(vec![0.0], [1, 1])).unwrap();
            y.quant().unwrap().scale()[0]
        };
        let [first, second] = [scale(&batches[..1]), scale(&batches[1..])];
        assert!((first / second - 1.0).abs() > 0.05, "{scaling_stats_op:?}: {first} and {second}");
        assert_close(&[scale(&batches)], &[(first + second) / 2.0]);
    }
}

#[test]
fn s95_calibration_mode_gives_the_float_output_bit_for_bit() {
    let (network, float) = (Tutorial::quantized(), Tutorial::float());
    let bits = |activation: Activation<2>| {
        assert!(activation.quant().is_none());
        values(activation.value()).into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    let expected = floats(&cell()["out_in_calibration_mode"]);
    calibration_mode(&network, |calibration| {
        for (index, batch) in batches().into_iter().enumerate() {
            let inside = bits(network.forward(&calibration.input(batch.clone())).unwrap());
            assert_eq!(inside, bits(float.forward(&Activation::eval(batch)).unwrap()));
            let inside: Vec<f32> = inside.into_iter().map(f32::from_bits).collect();
            assert_close(&inside, &expected[index * 8..][..8]);
        }
    });
    assert_close(&network.scales(), &[floats(&cell()["inp_scale"]), floats(&cell()["relu_scale"])].concat());
}

/// The mean has no end: more batches than the steps of a collection in training.
#[test]
fn s95_calibration_takes_the_mean_of_all_batches() {
    let quant = ActQuant { collect_stats_steps: Some(2), ..Int8ActPerTensorFloat };
    let identity = QuantIdentity::builder("id").act_quant(quant).build().unwrap();
    let scale = || {
        let y = identity.forward(&Activation::from_values(vec![0.0], [1, 1])).unwrap();
        y.quant().unwrap().scale()[0]
    };
    calibration_mode(&identity, |calibration| {
        for largest in [1.0, 2.0, 3.0, 4.0, 15.0] {
            identity.forward(&calibration.input(matrix(vec![largest, -0.5], 1))).unwrap();
        }
    });
    assert_eq!(scale(), 5.0 / 128.0);
    // Training does not collect any more, and a calibration without batches changes nothing.
    identity.forward(&Activation::train(matrix(vec![100.0], 1))).unwrap();
    calibration_mode(&identity, |_| ());
    identity.forward(&Activation::train(matrix(vec![100.0], 1))).unwrap();
    assert_eq!(scale(), 5.0 / 128.0);
    // A second calibration starts anew.
    calibration_mode(&identity, |calibration| {
        identity.forward(&calibration.input(matrix(vec![8.0], 1))).unwrap();
    });
    assert_eq!(scale(), 8.0 / 128.0);
}

#[test]
fn s96_bias_correction_restores_channel_means() {
    let network = Tutorial::quantized();
    calibrate(&network);
    let inside: Vec<f32> = bias_correction_mode(MissingBias::Create, |correction| {
        let outputs = batches().into_iter().map(|batch| network.forward(&correction.input(batch)));
        outputs.map(|output| output.map(|output| values(output.value()))).collect::<Result<Vec<_>, _>>()
    })
    .unwrap()
    .concat();
    assert_close(&inside, &floats(&cell()["out_in_bc_mode"]));
    assert_close(&network.fc1.bias().unwrap().values(), &floats(&cell()["fc1.bias_after_bc"]));
    assert_close(&network.fc2.bias().unwrap().values(), &floats(&cell()["fc2.bias_after_bc"]));
    assert_close(&outputs(&network), &floats(&cell()["quant_out_after_bc"]));
}

#[test]
fn s96_layers_without_bias_can_be_skipped() {
    let network = Tutorial::quantized();
    let config = CalibrateConfig { missing_bias: MissingBias::Skip, ..CalibrateConfig::default() };
    calibrate_model(&network, batches(), &config).unwrap();
    assert_close(&network.fc1.bias().unwrap().values(), &floats(&cell()["fc1.bias_after_bc"]));
    assert!(network.fc2.bias().is_none());
}

#[test]
fn s96_a_layer_called_twice_is_refused_and_no_bias_changes() {
    let fc = QuantLinear::builder("fc", 2, 2)
        .bias(false)
        .with_parameters(Parameter::new(vec![0.5, -0.25, 1.0, 0.75], &[2, 2]), None)
        .unwrap();
    let error = bias_correction_mode(MissingBias::Create, |correction| {
        let x = fc.forward(&correction.input(batches().remove(0)))?;
        fc.forward(&x).map(drop)
    })
    .unwrap_err();
    assert_eq!(error, ForwardError::CorrectedTwice { layer: "fc".into() });
    assert!(fc.bias().is_none());
}

#[test]
fn s97_calibrate_model_calibrates_and_then_corrects_biases() {
    let network = Tutorial::quantized();
    calibrate_model(&network, batches(), &CalibrateConfig::default()).unwrap();
    assert_close(&network.scales(), &[floats(&cell()["inp_scale"]), floats(&cell()["relu_scale"])].concat());
    assert_close(&outputs(&network), &floats(&cell()["quant_out_after_bc"]));

    let plain = Tutorial::quantized();
    let config = CalibrateConfig { bias_correction: false, ..CalibrateConfig::default() };
    calibrate_model(&plain, batches(), &config).unwrap();
    assert_close(&outputs(&plain), &floats(&cell()["quant_out_before_bc"]));
}

#[test]
fn s97_unusable_data_are_refused() {
    let network = Tutorial::quantized();
    let run = |batches: Vec<Tensor<2>>| calibrate_model(&network, batches, &CalibrateConfig::default());
    assert_eq!(run(vec![]).unwrap_err(), CalibrateError::Empty);
    assert_eq!(run(vec![Tensor::zeros([0, 2], &evaluation_device())]).unwrap_err(), CalibrateError::Empty);
    let error = run(vec![matrix(vec![0.5, f32::NAN], 1)]).unwrap_err();
    let CalibrateError::Forward(ForwardError::NotFinite { layer, index, .. }) = &error else {
        panic!("{error}")
    };
    assert_eq!((layer.as_str(), *index), ("inp", 1));
    let error = run(vec![matrix(vec![0.5; 3], 1)]).unwrap_err();
    assert!(matches!(error, CalibrateError::Forward(ForwardError::Shape { .. })), "{error}");
    network.fc1.bias().unwrap().set(vec![0.0, f32::INFINITY, 0.0]);
    let error = run(batches()).unwrap_err();
    assert!(error.to_string().starts_with("layer `relu`: value 1 is inf"), "{error}");
}

/// A float network is trained, its quantized twin takes over the values, calibrated alone and as the start of training.
#[test]
fn s98_calibration_alone_and_as_the_start_of_training() {
    let data = digits::load().unwrap();
    let mut float = digits_mlp(Arithmetic::Float, 3).unwrap();
    train(&mut float, &data.train, &TrainConfig { epochs: 12, ..DigitsMlp::TRAINING }, |_| {}).unwrap();
    let mut network = digits_mlp(Arithmetic::Quantized, 3).unwrap();
    let trained = exactum_training::named_parameters(&float);
    for named in exactum_training::named_parameters(&network) {
        if let Some(source) = trained.iter().find(|source| source.path == named.path) {
            named.parameter.set(source.parameter.values());
        }
    }
    let batches = data.train.inputs.chunks(64 * digits::PIXELS).take(4);
    let batches = batches.map(|batch| matrix(batch.to_vec(), batch.len() / digits::PIXELS));
    calibrate_model(&network, batches, &CalibrateConfig::default()).unwrap();
    let float_accuracy = accuracy(&float, &data.test).unwrap();
    let calibrated = accuracy(&network, &data.test).unwrap();
    assert!(float_accuracy > 0.9, "{float_accuracy}");
    assert!((calibrated - float_accuracy).abs() <= 0.01, "{calibrated} against {float_accuracy}");
    assert!(evaluate(&network, &data.test.inputs).unwrap().integers.is_some());
    train(&mut network, &data.train, &TrainConfig { epochs: 3, ..DigitsMlp::TRAINING }, |_| {}).unwrap();
    let retrained = accuracy(&network, &data.test).unwrap();
    assert!(retrained >= calibrated - 0.02, "{retrained} against {calibrated}");
}
