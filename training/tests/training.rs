//! Training: that it learns, that it repeats, and what it refuses.

use exactum_training::data::digits;
use exactum_training::models::{Arithmetic, DigitsMlp, digits_mlp};
use exactum_training::{
    LoadPolicy, NamedParameter, StateDict, TrainConfig, TrainError, Trainer, accuracy, evaluate, load_state,
    named_parameters, state_dict, train,
};

fn snapshot(parameters: &[NamedParameter]) -> Vec<(String, Vec<u32>)> {
    let bits =
        |named: &NamedParameter| named.parameter.values().iter().map(|value| value.to_bits()).collect();
    parameters.iter().map(|named| (named.path.clone(), bits(named))).collect()
}

#[test]
fn a_few_epochs_learn_and_repeat_bit_for_bit() {
    let data = digits::load().unwrap();
    let config = TrainConfig { epochs: 6, ..DigitsMlp::TRAINING };
    let run = || {
        let mut network = digits_mlp(Arithmetic::Quantized, 7).unwrap();
        let mut losses = Vec::new();
        train(&mut network, &data.train, &config, |progress| losses.push(progress.loss)).unwrap();
        let outputs = evaluate(&network, &data.test.inputs).unwrap();
        (snapshot(&named_parameters(&network)), losses, outputs, accuracy(&network, &data.test).unwrap())
    };
    let (first, second) = (run(), run());
    assert_eq!(first, second);
    let (_, losses, _, accuracy) = first;
    assert_eq!(losses.len(), 6 * 1438usize.div_ceil(64));
    assert!(losses[losses.len() - 1] < 0.5 * losses[0], "{losses:?}");
    assert!(accuracy > 0.85, "{accuracy}");
}

#[test]
fn unusable_configurations_are_refused() {
    let data = digits::load().unwrap();
    let mut network = digits_mlp(Arithmetic::Float, 7).unwrap();
    let mut refused = |config: TrainConfig| train(&mut network, &data.train, &config, |_| {}).unwrap_err();
    for config in [
        TrainConfig { epochs: 0, ..DigitsMlp::TRAINING },
        TrainConfig { batch_samples: 0, ..DigitsMlp::TRAINING },
        TrainConfig { learning_rate: -1.0, ..DigitsMlp::TRAINING },
    ] {
        assert!(matches!(refused(config), TrainError::Config { .. }));
    }
}

#[test]
fn values_that_are_no_numbers_are_named() {
    let data = digits::load().unwrap().train;
    let config = TrainConfig { epochs: 1, ..DigitsMlp::TRAINING };
    let mut network = digits_mlp(Arithmetic::Quantized, 7).unwrap();
    let mut broken = data.clone();
    broken.inputs[5 * digits::PIXELS + 3] = f32::NAN;
    let error = train(&mut network, &broken, &config, |_| {}).unwrap_err();
    assert!(error.to_string().starts_with("training: value 3 of sample 5 is NaN"), "{error}");
    let mut broken = data.clone();
    broken.labels[2] = 10;
    let error = train(&mut network, &broken, &config, |_| {}).unwrap_err();
    assert!(error.to_string().contains("sample 2 has label 10, needed one below 10"), "{error}");
    let weights = named_parameters(&network).into_iter().find(|named| named.path == "fc2.weight").unwrap();
    let mut values = weights.parameter.values();
    values[7] = f32::INFINITY;
    weights.parameter.set(values);
    let error = train(&mut network, &data, &config, |_| {}).unwrap_err();
    assert!(error.to_string().starts_with("training: value 7 of `fc2.weight` is inf"), "{error}");
}

const CHECKPOINT: &str = "EXACTUM_TEST_CHECKPOINT";

/// A process that is killed in the third epoch leaves the state of the second.
#[test]
fn interrupted_training_leaves_the_last_checkpoint() {
    let data = digits::load().unwrap();
    let config = TrainConfig { epochs: 4, ..DigitsMlp::TRAINING };
    let mut network = digits_mlp(Arithmetic::Quantized, 7).unwrap();
    if let Some(path) = std::env::var_os(CHECKPOINT) {
        let killed_at = 2 * data.train.len_samples().div_ceil(config.batch_samples) + 3;
        let trainer = Trainer::new(config).checkpoint(path);
        let stop = |step| {
            if step == killed_at {
                std::process::abort()
            }
        };
        trainer.run(&mut network, &data.train, |progress| stop(progress.step)).unwrap();
        return;
    }
    let folder = std::env::temp_dir().join(format!("exactum-checkpoint-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("last.safetensors");
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "interrupted_training_leaves_the_last_checkpoint"]).env(CHECKPOINT, &path);
    assert!(!child.output().unwrap().status.success());

    let mut states = Vec::new();
    let steps = data.train.len_samples().div_ceil(config.batch_samples);
    let handle = network.clone();
    train(&mut network, &data.train, &config, |progress| {
        if progress.step % steps == 0 {
            states.push(state_dict(&handle));
        }
    })
    .unwrap();
    let saved = StateDict::from_safetensors(&path).unwrap();
    assert_eq!(saved, states[1]);
    let other = digits_mlp(Arithmetic::Quantized, 8).unwrap();
    load_state(&other, &saved, LoadPolicy::STRICT).unwrap();
    assert!(accuracy(&other, &data.test).unwrap() > 0.5);
    std::fs::remove_dir_all(folder).unwrap();
}

/// A cost of learned bit widths narrows them; without it they stay.
#[test]
fn s58_a_cost_of_bit_widths_in_the_loss_narrows_them() {
    use exactum_training::backend::Tensor;
    use exactum_training::burn::{self, module::Module};
    use exactum_training::nn::QuantLinear;
    use exactum_training::quant::BitWidthImplType;
    use exactum_training::{Activation, ForwardError, Init, Mode, Network};

    #[derive(Module, Debug)]
    struct Classifier {
        fc: QuantLinear,
    }
    impl Network<2> for Classifier {
        fn input_shape(&self) -> [usize; 2] {
            [1, digits::PIXELS]
        }

        fn forward(&self, x: &Activation<2>) -> Result<Activation<2>, ForwardError> {
            self.fc.forward(x)
        }
    }
    let data = digits::load().unwrap();
    let config = TrainConfig { epochs: 4, learning_rate: 5e-2, ..DigitsMlp::TRAINING };
    let width = |price: f64| {
        let fc = QuantLinear::builder("fc", digits::PIXELS, digits::CLASSES)
            .weight_bit_width_impl_type(BitWidthImplType::Parameter)
            .build(&mut Init::from_seed(3))
            .unwrap();
        let mut network = Classifier { fc };
        let offset = |network: &Classifier| {
            let named = named_parameters(network);
            named.into_iter().find(|named| named.path.ends_with("bit_width_offset")).unwrap().parameter
        };
        let cost = |network: &Classifier| -> Tensor<1> { offset(network).tensor(Mode::Train, [1]) * price };
        Trainer::new(config).cost(cost).run(&mut network, &data.train, |_| {}).unwrap();
        network.fc.quant_weight::<2>().unwrap().bit_width()
    };
    let (free, priced) = (width(0.0), width(1.0));
    assert!(free >= 7.0 && priced <= free - 2.0, "{free} {priced}");
}
