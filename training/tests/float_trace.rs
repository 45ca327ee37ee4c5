//! Float graphs traced from forward code by running it on an input.

use exactum_training::calibrate::{CalibrateConfig, calibrate_model};
use exactum_training::float::{
    FloatGraphError, GraphNetwork, QuantizeConfig, quantize, transform, value_trace,
};
use exactum_training::nn::{AvgPool2d, BatchNorm2d, Flatten, MaxPool2d, QuantConv2d, QuantLinear, QuantReLU};
use exactum_training::{Activation, ForwardError, Init, evaluate, to_qonnx};

/// A network whose forward code has what symbolic tracing cannot see through: a tuple, conditions on values and on
/// shapes, a loop, and one module called twice.
struct Branching {
    conv: QuantConv2d,
    relu: QuantReLU,
    pool: MaxPool2d,
    flatten: Flatten,
    bright: QuantLinear,
    dark: QuantLinear,
    hidden: QuantLinear,
}

impl Branching {
    fn new() -> Self {
        let init = &mut Init::from_seed(3);
        let mut linear = |name: &str, inputs, outputs| {
            QuantLinear::builder(name, inputs, outputs).weight_quant(None).build(init).unwrap()
        };
        let (bright, dark, hidden) = (linear("bright", 16, 4), linear("dark", 16, 4), linear("hidden", 4, 4));
        Self {
            conv: QuantConv2d::builder("conv", 1, 4, [3, 3]).weight_quant(None).build(init).unwrap(),
            relu: QuantReLU::builder("relu").act_quant(None).build().unwrap(),
            pool: MaxPool2d::new("pool", [2, 2], [2, 2]),
            flatten: Flatten::new("flatten"),
            bright,
            dark,
            hidden,
        }
    }

    /// The features, and whether they are bright.
    fn features(&self, x: &Activation<4>) -> Result<(Activation<2>, bool), ForwardError> {
        let x = self.relu.forward(&self.conv.forward(x)?)?;
        let x = if x.dims()[2] > 2 { self.pool.forward(&x)? } else { x };
        let features = self.flatten.forward(&x);
        let bright = features.value().mean().into_scalar::<f32>() > 0.2;
        Ok((features, bright))
    }

    fn forward(&self, x: &Activation<4>) -> Result<Activation<2>, ForwardError> {
        let (features, bright) = self.features(x)?;
        let mut x = if bright { self.bright.forward(&features)? } else { self.dark.forward(&features)? };
        let last = x.clone();
        for _ in 0..2 {
            x = self.hidden.forward(&self.relu.forward(&x)?)?;
        }
        if bright { Ok(x) } else { Ok(last) }
    }
}

fn image(level: f32) -> Vec<f32> {
    (0..36).map(|index| level * (1.0 + (index % 7) as f32)).collect()
}

#[test]
fn s91_value_trace_follows_conditions_tuples_and_loops() {
    let network = Branching::new();
    let run = |level: f32| {
        let x = Activation::from_values(image(level), [1, 1, 6, 6]);
        let graph = value_trace("branching", x.value(), |x| network.forward(x)).unwrap();
        let expected: Vec<f32> = network.forward(&x).unwrap().value().into_data().iter::<f32>().collect();
        let found = graph.run(&image(level)).unwrap();
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() <= 1e-6, "{found} and {expected}");
        }
        graph
    };
    let names = |graph: &exactum_training::float::FloatGraph| -> Vec<String> {
        graph.nodes.iter().map(|node| node.name.clone()).collect()
    };
    let (dark, mut bright) = (run(0.01), run(1.0));
    assert_eq!(names(&bright)[4], "bright");
    assert_eq!(names(&dark)[4], "dark");
    assert_eq!(dark.output, "dark_out");
    // Each call of the one rectifier is a node, and gets a quantizer of its own.
    assert_eq!(
        names(&bright),
        ["conv", "relu", "pool", "flatten", "bright", "relu", "hidden", "relu", "hidden"]
    );
    assert_eq!(transform::unique_names(&mut bright), 3);
    let quantized: GraphNetwork<4> = quantize(&bright, &QuantizeConfig::default()).unwrap();
    assert_eq!(quantized.layer_names().filter(|name| name.starts_with("relu")).count(), 3);
    assert!(evaluate(&quantized, &image(1.0)).unwrap().integers.is_some());
}

#[test]
fn quantized_layers_and_untraced_outputs_are_refused() {
    let init = &mut Init::from_seed(1);
    let quantized = QuantLinear::builder("fc", 2, 2).build(init).unwrap();
    let input = || Activation::from_values(vec![1.0, 2.0], [1, 2]).value();
    let error = value_trace("net", input(), |x| quantized.forward(x)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "node `fc`: found quantized weights, needed a float layer, whose weight_quant is None"
    );
    let error = value_trace("net", input(), |x| Ok(Activation::eval(x.value()))).unwrap_err();
    assert!(matches!(error, FloatGraphError::Interface { .. }), "{error}");
}

/// Batch norm, average pools, padding that nothing merges, another order of dimensions and another shape.
#[test]
fn pools_batch_norms_and_moved_values_are_traced_and_quantized() {
    let init = &mut Init::from_seed(5);
    let conv = QuantConv2d::builder("conv", 1, 4, [3, 3]).weight_quant(None).build(init).unwrap();
    let fc = QuantLinear::builder("fc", 36, 3).weight_quant(None).build(init).unwrap();
    let norm = BatchNorm2d::new("norm", 4).eps(1e-3);
    norm.weight().set(vec![0.5, -1.5, 1.0, 2.0]);
    norm.running_mean().set(vec![0.1, -0.2, 0.0, 0.3]);
    norm.running_var().set(vec![0.5, 1.5, 0.2, 1.0]);
    let forward = |x: &Activation<4>| {
        let x = norm.forward(&conv.forward(x)?)?;
        let x = AvgPool2d::new("average", [2, 2], [2, 2]).padding([1, 0]).forward(&x)?;
        let x = MaxPool2d::new("largest", [2, 2], [1, 1]).forward(&x.pad([(0, 1), (1, 1)])?)?;
        fc.forward(&x.permute([0, 2, 3, 1])?.reshape([x.dims()[0], 2, 18])?.flatten(1, 2)?)
    };
    let inputs: Vec<f32> = (0..32 * 36).map(|index| (index * 29 % 97) as f32 / 50.0 - 1.0).collect();
    let x = Activation::from_values(inputs.clone(), [32, 1, 6, 6]);
    let graph = value_trace("moves", x.value(), forward).unwrap();
    let operators: Vec<&str> = graph.nodes.iter().map(|node| node.op.name()).collect();
    let expected =
        ["Conv2d", "BatchNorm", "AveragePool", "Pad", "MaxPool", "Transpose", "Reshape", "Flatten"];
    assert_eq!(operators[..8], expected);
    let expected: Vec<f32> = forward(&x).unwrap().value().into_data().iter::<f32>().collect();
    let found = graph.run(&inputs).unwrap();
    assert_eq!(found.len(), 32 * 3);
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() <= 1e-5, "{found} and {expected}");
    }

    let network: GraphNetwork<4> = quantize(&graph, &QuantizeConfig::default().per_channel(true)).unwrap();
    calibrate_model(&network, [x.value()], &CalibrateConfig::default()).unwrap();
    let quantized = evaluate(&network, &inputs).unwrap();
    assert!(quantized.integers.is_some());
    let square = |values: &mut dyn Iterator<Item = f32>| values.map(|value| value * value).sum::<f32>();
    let error = square(&mut quantized.values.iter().zip(&expected).map(|(found, expected)| found - expected));
    assert!(error < 4e-4 * square(&mut expected.iter().copied()), "{error}");
    let model = to_qonnx(&network, "moves").unwrap();
    assert_eq!(model.check(), []);
    let nodes = ["Pad", "Transpose", "Reshape"]
        .map(|operator| model.graph.nodes.iter().filter(|node| node.op_type == operator).count());
    assert_eq!(nodes, [1; 3]);
}
