//! Residual sums and concatenations in networks made from graphs: operands aligned by one quantizer.

mod common;

use common::relative_distance;
use exactum_host::npy;
use exactum_training::calibrate::{CalibrateConfig, calibrate_model};
use exactum_training::float::{
    FloatGraph, GraphLayer, GraphNetwork, QuantizeConfig, from_onnx, quantize, value_trace,
};
use exactum_training::nn::{Flatten, QuantConv2d, QuantLinear, QuantReLU};
use exactum_training::{Activation, Init, evaluate, to_qonnx};

/// A residual block, a concatenation, and a classifier.
fn residual() -> FloatGraph {
    let init = &mut Init::from_seed(5);
    let mut conv = |name: &str, inputs, outputs| {
        QuantConv2d::builder(name, inputs, outputs, [3, 3])
            .padding([1, 1])
            .weight_quant(None)
            .build(init)
            .unwrap()
    };
    let (stem, branch, left, right) =
        (conv("stem", 1, 4), conv("branch", 4, 4), conv("left", 4, 2), conv("right", 4, 3));
    let fc = QuantLinear::builder("fc", 5 * 16, 3).weight_quant(None).build(init).unwrap();
    let relu = QuantReLU::builder("relu").act_quant(None).build().unwrap();
    let input = Activation::from_values(vec![0.5; 16], [1, 1, 4, 4]).value();
    value_trace("residual", input, |x| {
        let x = relu.forward(&stem.forward(x)?)?;
        let x = relu.forward(&x.add(&branch.forward(&x)?)?)?;
        let x = relu.forward(&Activation::cat(&[&left.forward(&x)?, &right.forward(&x)?], 1)?)?;
        fc.forward(&Flatten::new("flatten").forward(&x))
    })
    .unwrap()
}

fn samples() -> Vec<f32> {
    (0..64 * 16).map(|index| ((index * 37 % 101) as f32 / 50.0) - 1.0).collect()
}

#[test]
fn s90_operands_of_sums_and_concatenations_share_one_quantizer() {
    let graph = residual();
    let network: GraphNetwork<4> = quantize(&graph, &QuantizeConfig::default().per_channel(true)).unwrap();
    let inputs = samples();
    let x = Activation::from_values(inputs.clone(), [64, 1, 4, 4]);
    calibrate_model(&network, [x.value()], &CalibrateConfig::default()).unwrap();

    let mut scales: Vec<(String, Vec<f32>)> = Vec::new();
    let mut sums = 0;
    network
        .observe(&x, |seen| {
            if seen.layer.contains("_operand_") {
                scales.push((seen.layer.to_owned(), seen.value.scale().unwrap()));
            }
            sums += usize::from(matches!(seen.kind, GraphLayer::Add(_)));
        })
        .unwrap();
    assert_eq!((scales.len(), sums), (4, 1), "{scales:?}");
    assert_eq!(scales[0].1, scales[1].1);
    assert_eq!(scales[2].1, scales[3].1);
    assert_ne!(scales[0].1, scales[2].1);

    let found = evaluate(&network, &inputs).unwrap();
    assert!(found.integers.is_some());
    let expected = graph.run(&inputs).unwrap();
    // The shared scale is the mean of the operands', so the larger operand is clipped a little, as in Brevitas.
    let distance = relative_distance(&found.values, &expected);
    assert!(distance < 0.05, "{distance}");
    let model = to_qonnx(&network, "residual").unwrap();
    assert_eq!(model.check(), []);
    let operators: Vec<&str> = model.graph.nodes.iter().map(|node| node.op_type.as_str()).collect();
    assert_eq!(operators.iter().filter(|operator| ["Add", "Concat"].contains(operator)).count(), 2);
}

/// A residual network of PyTorch with depthwise convolution, merged batch norms and a global average pool.
#[test]
fn s90_a_residual_network_of_pytorch_is_quantized() {
    for name in ["residual_legacy", "residual_dynamo"] {
        let read = |file| {
            let path = [env!("CARGO_MANIFEST_DIR"), "../tests/fixtures/float", name, file];
            std::fs::read(path.iter().collect::<std::path::PathBuf>()).unwrap()
        };
        let graph = from_onnx(&exactum_qonnx::read(&read("model.onnx")).unwrap()).unwrap();
        let inputs = npy::read(&read("input.npy")).unwrap().to_f32();
        let config = QuantizeConfig::default().per_channel(true);
        let network: GraphNetwork<4> = quantize(&graph, &config).unwrap();
        let x = Activation::from_values(inputs.clone(), [8, 2, 9, 9]);
        calibrate_model(&network, [x.value()], &CalibrateConfig::default()).unwrap();
        let found = evaluate(&network, &inputs).unwrap();
        assert!(found.integers.is_some());
        let expected = graph.run(&inputs).unwrap();
        let distance = relative_distance(&found.values, &expected);
        assert!(distance < 0.05, "{name}: {distance}");
    }
}
