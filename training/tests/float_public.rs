//! Float classifiers as public collections have them: read, quantized, exported under their own names, compiled.

mod common;

use std::fs;
use std::path::PathBuf;

use common::relative_distance;
use exactum_host::npy;
use exactum_importer::batch::Host;
use exactum_importer::container::Container;
use exactum_qonnx::Model;
use exactum_training::calibrate::{CalibrateConfig, calibrate_model};
use exactum_training::export::rename_interface;
use exactum_training::float::{FloatGraph, GraphNetwork, QuantizeConfig, Ranked, from_onnx, quantize};
use exactum_training::{Activation, Evaluation, Network, backend, evaluate, to_qonnx};

const NETWORKS: [&str; 11] = [
    "same_upper",
    "same_lower",
    "same_signal",
    "explicit_pads",
    "ceil_pool",
    "one_sample_flatten",
    "one_sample_squeeze",
    "one_sample_squeeze_all",
    "one_sample_row",
    "one_sample_reshape",
    "constant_weights",
];

fn path(name: &str, file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../tests/fixtures/float", name, file].iter().collect()
}

fn model(name: &str) -> Model {
    exactum_qonnx::read(&fs::read(path(name, "model.onnx")).unwrap()).unwrap()
}

fn array(name: &str, file: &str) -> Vec<f32> {
    npy::read(&fs::read(path(name, file)).unwrap()).unwrap().to_f32()
}

#[test]
fn graphs_compute_what_onnxruntime_computes() {
    for name in NETWORKS.into_iter().chain(["channels_last"]) {
        let graph = from_onnx(&model(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let found = graph.run(&array(name, "input.npy")).unwrap();
        let distance = relative_distance(&found, &array(name, "output.npy"));
        assert!(distance < 1e-5, "{name}: {distance}");
    }
}

/// The quantized network, its file under the names of the float one, and its outputs.
fn quantized<const D: usize>(name: &str, graph: &FloatGraph) -> (Model, Evaluation)
where
    Activation<D>: Ranked,
{
    let inputs = array(name, "input.npy");
    let config = QuantizeConfig::default().per_channel(true);
    let network: GraphNetwork<D> = quantize(graph, &config).unwrap();
    let mut shape = network.input_shape();
    shape[0] = inputs.len() / shape[1..].iter().product::<usize>();
    let batch = backend::Tensor::from_data(
        backend::TensorData::new(inputs.clone(), shape),
        &backend::evaluation_device(),
    );
    calibrate_model(&network, [batch], &CalibrateConfig::default()).unwrap();
    let mut model = to_qonnx(&network, &graph.name).unwrap();
    rename_interface(&mut model, &graph.input, &graph.output);
    (model, evaluate(&network, &inputs).unwrap())
}

#[test]
fn programs_compute_what_evaluation_does() {
    for name in NETWORKS.into_iter().chain(["channels_last"]) {
        let source = model(name);
        let graph = from_onnx(&source).unwrap();
        let (quantized, evaluation) = match graph.input_shape.len() {
            3 => quantized::<3>(name, &graph),
            _ => quantized::<4>(name, &graph),
        };
        let distance = relative_distance(&evaluation.values, &array(name, "output.npy"));
        assert!(distance < 0.1, "{name}: {distance}");
        assert_eq!(quantized.check(), [], "{name}");
        let names = |model: &Model| [model.graph.inputs[0].name.clone(), model.graph.outputs[0].name.clone()];
        assert_eq!(names(&quantized), names(&source), "{name}");
        let compiled = exactum_importer::compile(&quantized).map_err(|report| format!("{name}: {report:?}"));
        let container = Container::new(&compiled.unwrap(), &quantized, &exactum_qonnx::write(&quantized));
        let mut host = Host::new(container.program());
        let inputs = array(name, "input.npy");
        let sample: usize = graph.input_shape[1..].iter().product();
        for (index, input) in inputs.chunks(sample).enumerate() {
            let codes = host.run(&[input])[0].clone();
            let row = index * evaluation.features..(index + 1) * evaluation.features;
            match &evaluation.integers {
                Some(integers) => {
                    let codes: Vec<i64> = codes.iter().map(|code| i64::from(*code)).collect();
                    assert_eq!(codes, integers.codes[row], "{name}, sample {index}");
                }
                // Shares have the order of their logits, but for scales of their own.
                None => assert_eq!(codes.len(), evaluation.features, "{name}"),
            }
        }
    }
}

/// A softmax at the end changes nothing before it.
#[test]
fn a_softmax_is_that_of_the_network_without_it() {
    let with = model("same_upper");
    let mut without = with.clone();
    let softmax = without.graph.nodes.pop().unwrap();
    assert_eq!(softmax.op_type, "Softmax");
    without.graph.outputs[0].name.clone_from(&softmax.inputs[0]);
    let [with, without] = [with, without].map(|model| {
        let graph = from_onnx(&model).unwrap();
        quantized::<4>("same_upper", &graph).1
    });
    assert!(with.integers.is_none() && without.integers.is_some());
    assert_eq!(with.classes, without.classes);
    for (shares, logits) in with.values.chunks(5).zip(without.values.chunks(5)) {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
        let sum: f32 = powers.iter().sum();
        for (share, power) in shares.iter().zip(powers) {
            assert!((share - power / sum).abs() < 1e-5, "{share}");
        }
    }
}

/// Biases that no integer in units of the accumulator holds stay floats, whatever makes the units small.
#[test]
fn biases_beyond_their_width_stay_floats() {
    use exactum_qonnx::{ElemType, Graph, Node, Tensor, ValueInfo};
    use exactum_training::quant::{BiasQuant, Int8Bias, Int16Bias, Int32Bias, RestrictValueType};
    let network = |weight: [f32; 3], bias: f32| {
        let mut graph = Graph::new("tiny");
        graph.inputs = vec![ValueInfo::new("x", ElemType::F32, &[1, 4])];
        graph.outputs = vec![ValueInfo::new("y", ElemType::F32, &[1, 2])];
        let pattern = |len: usize, magnitude: f32| {
            (0..len).map(|index| ((index * 37 % 19) as f32 / 9.0 - 1.0) * magnitude).collect::<Vec<f32>>()
        };
        let rows = weight.iter().flat_map(|magnitude| pattern(4, *magnitude)).collect::<Vec<f32>>();
        graph.initializers = vec![
            Tensor::new("w1", &[3, 4], rows),
            Tensor::new("b1", &[3], vec![bias, -bias, bias / 2.0]),
            Tensor::new("w2", &[2, 3], pattern(6, 1.0)),
            Tensor::new("b2", &[2], vec![0.1, -0.2]),
        ];
        graph.nodes = vec![
            Node::new("Gemm", ["x", "w1", "b1"], ["a"]).named("fc1").attr("transB", 1),
            Node::new("Relu", ["a"], ["b"]).named("relu"),
            Node::new("Gemm", ["b", "w2", "b2"], ["y"]).named("fc2").attr("transB", 1),
        ];
        from_onnx(&Model::new(graph)).unwrap()
    };
    for weight in [[1e-6; 3], [0.0; 3], [0.5, 0.0, 0.25], [0.5, 1e-7, 0.25], [1e-30, 1.0, 1e4]] {
        for bias in [0.07, 30.0] {
            for (magnitude, bias_quant) in
                [(1.0, Int32Bias), (1e-5, Int32Bias), (1.0, Int16Bias), (1.0, Int8Bias)]
            {
                for (kind, per_channel) in [
                    (RestrictValueType::Fp, true),
                    (RestrictValueType::Fp, false),
                    (RestrictValueType::PowerOfTwo, true),
                ] {
                    let label =
                        format!("{weight:?}, {bias}, {magnitude}, {bias_quant:?}, {kind:?}, {per_channel}");
                    let mut config =
                        QuantizeConfig::default().per_channel(per_channel).restrict_scaling_type(kind);
                    config.bias_quant = Some(BiasQuant { ..bias_quant.clone() });
                    let graph = network(weight, bias);
                    let inputs: Vec<f32> =
                        (0..64).map(|index| ((index * 29 % 97) as f32 / 48.0 - 1.0) * magnitude).collect();
                    let network: GraphNetwork<2> = quantize(&graph, &config).unwrap();
                    let x = Activation::from_values(inputs.clone(), [16, 4]);
                    calibrate_model(&network, [x.value()], &CalibrateConfig::default()).unwrap();
                    let found = evaluate(&network, &inputs).unwrap();
                    let distance = relative_distance(&found.values, &graph.run(&inputs).unwrap());
                    assert!(distance < 0.08, "{label}: {distance}");
                    let model = to_qonnx(&network, "tiny").unwrap();
                    let compiled = exactum_importer::compile(&model);
                    let compiled = compiled.map_err(|report| format!("{label}: {report:?}")).unwrap();
                    let container = Container::new(&compiled, &model, &exactum_qonnx::write(&model));
                    let mut host = Host::new(container.program());
                    let integers = found.integers.unwrap().codes;
                    for (input, expected) in inputs.chunks(4).zip(integers.chunks(2)) {
                        let codes: Vec<i64> =
                            host.run(&[input])[0].iter().map(|code| i64::from(*code)).collect();
                        assert_eq!(codes, expected, "{label}");
                    }
                }
            }
        }
    }
}
