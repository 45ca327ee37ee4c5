//! Training: that it learns, that it repeats, and what it refuses.

use exactum_training::data::digits;
use exactum_training::models::{Arithmetic, DigitsMlp, digits_mlp};
use exactum_training::{
    NamedParameter, TrainConfig, TrainError, accuracy, evaluate, named_parameters, train,
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
