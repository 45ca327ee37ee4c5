//! From a PyTorch file to an integer program: every output code of the program is that of the training evaluation and
//! of the exact reference, and training can go on in between.

use std::fs;
use std::path::PathBuf;

use exactum_importer::batch::Host;
use exactum_importer::container::Container;
use exactum_importer::reference::Reference;
use exactum_training::calibrate::{CalibrateConfig, calibrate_model};
use exactum_training::data::{Dataset, digits};
use exactum_training::float::{GraphNetwork, QuantizeConfig, from_onnx, quantize};
use exactum_training::{Activation, TrainConfig, accuracy, evaluate, to_qonnx, train};

fn network(name: &str, config: &QuantizeConfig, data: &Dataset) -> GraphNetwork<4> {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "../tests/fixtures/float", name, "model.onnx"].iter().collect();
    let graph = from_onnx(&exactum_qonnx::read(&fs::read(path).unwrap()).unwrap()).unwrap();
    let network = quantize(&graph, config).unwrap();
    let batches = data.inputs.chunks(64 * data.features).map(|values| {
        Activation::from_values(values.to_vec(), [values.len() / data.features, 1, 8, 8]).value()
    });
    calibrate_model(&network, batches, &CalibrateConfig::default()).unwrap();
    network
}

/// Compiles the exported network and compares the program with the evaluation on every test image.
fn assert_program_is_evaluation(network: &GraphNetwork<4>, data: &Dataset) {
    let model = to_qonnx(network, "digits").unwrap();
    let compiled = exactum_importer::compile(&model).map_err(|report| format!("{report:?}")).unwrap();
    let container = Container::new(&compiled, &model, &exactum_qonnx::write(&model));
    let reference = Reference::new(&compiled.quantized);
    let mut host = Host::new(container.program());
    let evaluation = evaluate(network, &data.inputs).unwrap();
    let expected = evaluation.integers.unwrap().codes;
    let images = data.inputs.chunks(data.features);
    for (index, (image, expected)) in images.zip(expected.chunks(evaluation.features)).enumerate() {
        let codes: Vec<i64> = host.run(&[image])[0].iter().map(|code| i64::from(*code)).collect();
        assert_eq!(codes, expected, "image {index}: program and evaluation");
        assert_eq!(reference.run(&[image]).unwrap()[0], expected, "image {index}: reference and evaluation");
    }
}

#[test]
fn programs_of_quantized_float_networks_compute_what_training_evaluates() {
    let data = digits::load().unwrap();
    for (name, config) in [
        ("digits_legacy", QuantizeConfig::default()),
        ("digits_dynamo", QuantizeConfig::default().per_channel(true).weight_bits(4)),
    ] {
        assert_program_is_evaluation(&network(name, &config, &data.train), &data.test);
    }
}

#[test]
fn s98_a_quantized_float_network_goes_on_with_training() {
    let data = digits::load().unwrap();
    let config = QuantizeConfig::default().weight_bits(2).act_bits(4).per_channel(true);
    let mut network = network("digits_legacy", &config, &data.train);
    let before = accuracy(&network, &data.test).unwrap();
    let training = TrainConfig { epochs: 8, batch_samples: 32, learning_rate: 3e-3, seed: 1 };
    train(&mut network, &data.train, &training, |_| {}).unwrap();
    let after = accuracy(&network, &data.test).unwrap();
    assert!(after > before + 0.1 && after > 0.9, "{before} became {after}");
    assert_program_is_evaluation(&network, &data.test);
}
