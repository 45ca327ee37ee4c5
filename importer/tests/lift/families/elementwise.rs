//! Arithmetic, functions of single elements and batch norms.

use super::*;

#[test]
fn constants_on_either_side() {
    let binary = |op: &str, inputs: [&str; 2], constant: f32| {
        Net::new(&[1, 3])
            .number("c", constant)
            .node(node(op, inputs))
            .outputs(&[-2.0, 0.0, 3.0], &["y"])
            .remove(0)
            .data
    };
    assert_eq!(binary("Add", ["x", "c"], 0.5), [-1.5, 0.5, 3.5]);
    assert_eq!(binary("Add", ["c", "x"], 0.5), [-1.5, 0.5, 3.5]);
    assert_eq!(binary("Sub", ["x", "c"], 0.5), [-2.5, -0.5, 2.5]);
    assert_eq!(binary("Sub", ["c", "x"], 0.5), [2.5, 0.5, -2.5]);
    assert_eq!(binary("Mul", ["c", "x"], 0.5), [-1.0, 0.0, 1.5]);
    assert_eq!(binary("Div", ["x", "c"], 0.5), [-4.0, 0.0, 6.0]);
    assert_eq!(binary("Pow", ["x", "c"], 3.0), [-8.0, 0.0, 27.0]);
    assert_eq!(binary("Pow", ["x", "c"], 1.0), [-2.0, 0.0, 3.0]);
    assert_eq!(binary("Min", ["x", "c"], 0.5), [-2.0, 0.0, 0.5]);
    assert_eq!(binary("Max", ["c", "x"], -0.5), [-0.5, 0.0, 3.0]);
}

#[test]
fn channels_in_every_shape() {
    for (shape, axis) in
        [(vec![2, 1, 1], 1), (vec![1, 2, 1, 1], 1), (vec![3], 3), (vec![1, 3], 3), (vec![2, 1], 2)]
    {
        let count: usize = shape.iter().product();
        let net = Net::new(&[1, 2, 2, 3]).with("c", &shape, floats(count)).node(node("Mul", ["x", "c"]));
        let Op::Affine(affine) = &net.ops()[0] else { panic!("{:?}", net.ops()) };
        assert_eq!((affine.axis, affine.multiply.len()), (axis, count), "{shape:?}");
        net.output();
    }
    // A number for each channel, repeated over the image, is a number for each channel.
    let net = Net::new(&[1, 2, 1, 2])
        .with("c", &[1, 2, 1, 2], vec![3f32, 3.0, 5.0, 5.0])
        .node(node("Add", ["x", "c"]));
    same(net.output(), &[1, 2, 1, 2], &[-2.0, 5.0, 3.0, 10.0]);
    // A number for each element makes each one a channel.
    let different = Net::new(&[1, 2, 2]).with("c", &[2, 2], floats(4)).node(node("Add", ["x", "c"]));
    same(different.output(), &[1, 2, 2], &[-10.0, 4.0, -4.0, 10.0]);
    let batch = Net::new(&[1, 2, 2]).with("c", &[2, 1, 1], floats(2)).node(node("Add", ["x", "c"]));
    assert!(batch.refused().contains("after its batch"), "{}", batch.refused());
}

#[test]
fn two_computed_tensors() {
    let net = |op: &str| {
        Net::new(&[1, 2, 1, 2])
            .node(Node::new("Abs", ["x"], ["a"]))
            .node(Node::new("GlobalMaxPool", ["x"], ["b"]))
            .node(node(op, ["a", "b"]))
    };
    // x is -5, 2 and -2, 5.
    assert_eq!(net("Add").outputs(&[-5.0, 2.0, -2.0, 5.0], &["y"])[0].data, [7.0, 4.0, 7.0, 10.0]);
    assert_eq!(net("Sub").outputs(&[-5.0, 2.0, -2.0, 5.0], &["y"])[0].data, [3.0, 0.0, -3.0, 0.0]);
    assert_eq!(net("Mul").outputs(&[-5.0, 2.0, -2.0, 5.0], &["y"])[0].data, [10.0, 4.0, 10.0, 25.0]);
    assert_eq!(net("Div").outputs(&[-5.0, 2.0, -2.0, 5.0], &["y"])[0].data, [2.5, 1.0, 0.4, 1.0]);
    assert_eq!(net("Max").outputs(&[-5.0, 2.0, -2.0, 5.0], &["y"])[0].data, [5.0, 2.0, 5.0, 5.0]);
    assert_eq!(net("Min").outputs(&[-5.0, 2.0, -2.0, 5.0], &["y"])[0].data, [2.0, 2.0, 2.0, 5.0]);
    assert_eq!(net("Mean").outputs(&[-5.0, 2.0, -2.0, 5.0], &["y"])[0].data, [3.5, 2.0, 3.5, 5.0]);
    assert_eq!(net("Greater").outputs(&[-5.0, 2.0, -2.0, 5.0], &["y"])[0].data, [1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn functions() {
    let net = |node: Node| Net::new(&[1, 4]).number("lo", -1.5).number("hi", 2.5).node(node);
    let of = |node: Node| net(node).outputs(&[-4.0, -1.0, 1.0, 6.0], &["y"]).remove(0).data;
    assert_eq!(of(node("Relu", ["x"])), [0.0, 0.0, 1.0, 6.0]);
    assert_eq!(of(node("Neg", ["x"])), [4.0, 1.0, -1.0, -6.0]);
    assert_eq!(of(node("Abs", ["x"])), [4.0, 1.0, 1.0, 6.0]);
    assert_eq!(of(node("LeakyRelu", ["x"]).attr("alpha", 0.25)), [-1.0, -0.25, 1.0, 6.0]);
    assert_eq!(of(node("Clip", ["x", "lo", "hi"])), [-1.5, -1.0, 1.0, 2.5]);
    assert_eq!(of(node("Clip", ["x", "", "hi"])), [-4.0, -1.0, 1.0, 2.5]);
    assert_eq!(of(node("Clip", ["x", "lo"])), [-1.5, -1.0, 1.0, 6.0]);
    assert_eq!(of(node("Clip", ["x"])), [-4.0, -1.0, 1.0, 6.0]);
    assert_eq!(of(node("HardSigmoid", ["x"]).attr("alpha", 0.25)), [0.0, 0.25, 0.75, 1.0]);
    assert_eq!(of(node("Identity", ["x"])), [-4.0, -1.0, 1.0, 6.0]);
    let old = Net::new(&[1, 2]).version(10).node(node("Clip", ["x"]).attr("min", 0.0).attr("max", 6.0));
    assert_eq!(old.outputs(&[-4.0, 8.0], &["y"])[0].data, [0.0, 6.0]);
    let near = |node: Node, known: [f64; 4]| {
        let found = of(node);
        assert!(found.iter().zip(known).all(|(x, y)| (x - y).abs() < 1e-7), "{found:?}");
    };
    assert!((of(node("Sigmoid", ["x"]))[3] - 0.997_527_376_843_365).abs() < 1e-12);
    near(node("Elu", ["x"]).attr("alpha", 2.0), [-1.963_368_722, -1.264_241_117, 1.0, 6.0]);
    near(node("Erf", ["x"]), [-0.999_999_985, -0.842_700_793, 0.842_700_793, 1.0]);
    near(node("HardSwish", ["x"]), [0.0, -1.0 / 3.0, 2.0 / 3.0, 6.0]);
    let gelu = Net::new(&[1, 4]).version(20).node(node("Gelu", ["x"]));
    let found = gelu.outputs(&[-4.0, -1.0, 1.0, 6.0], &["y"]).remove(0).data;
    let known = [-0.000_126_685, -0.158_655_254, 0.841_344_746, 5.999_999_994];
    assert!(found.iter().zip(known).all(|(x, y)| (x - y).abs() < 1e-7), "{found:?}");
}

#[test]
fn elementary_functions() {
    let near = |op: &str, known: [f64; 4]| {
        let found = Net::new(&[1, 4]).version(18).number("c", 0.5).number("two", 2.0);
        let found = match op {
            "Pow" => found.node(node(op, ["two", "x"])),
            _ => found.node(node(op, ["x"])),
        };
        // Whole numbers, of which both roads to a power give the same double.
        let last = if op == "Pow" { 2.0 } else { 0.5 };
        let found = found.outputs(&[-4.0, -1.0, 1.0, last], &["y"]).remove(0).data;
        assert!(found.iter().zip(known).all(|(x, y)| (x - y).abs() < 2e-6), "{op}: {found:?}");
    };
    near("Selu", [-1.725_898_6, -1.111_330_7, 1.050_701, 0.525_350_5]);
    near("Celu", [-0.981_684_4, -0.632_120_6, 1.0, 0.5]);
    near("Softplus", [0.018_149_9, 0.313_261_7, 1.313_261_7, 0.974_077]);
    near("Softsign", [-0.8, -0.5, 0.5, 1.0 / 3.0]);
    near("Mish", [-0.072_591_7, -0.303_401_5, 0.865_098_4, 0.375_245_2]);
    near("ThresholdedRelu", [0.0, 0.0, 0.0, 0.0]);
    near("Shrink", [-4.0, -1.0, 1.0, 0.0]);
    near("Reciprocal", [-0.25, -1.0, 1.0, 2.0]);
    near("Sign", [-1.0, -1.0, 1.0, 1.0]);
    near("Round", [-4.0, -1.0, 1.0, 0.0]);
    near("Ceil", [-4.0, -1.0, 1.0, 1.0]);
    near("Cos", [-0.653_643_6, 0.540_302_3, 0.540_302_3, 0.877_582_6]);
    near("Pow", [0.0625, 0.5, 2.0, 4.0]);
}

#[test]
fn constants_of_extremes_and_choices() {
    let net = || {
        Net::new(&[1, 2, 1, 2])
            .with("channels", &[2, 1, 1], vec![0.5f32, -1.0])
            .with("elements", &[2, 1, 2], vec![1.0f32, -3.0, 0.0, 7.0])
            .number("two", 2.0)
    };
    let of = |op: Node| net().node(op).outputs(&[-5.0, 2.0, -2.0, 5.0], &["y"]).remove(0).data;
    assert_eq!(of(node("Max", ["x", "channels"])), [0.5, 2.0, -1.0, 5.0]);
    assert_eq!(of(node("Min", ["channels", "x", "two"])), [-5.0, 0.5, -2.0, -1.0]);
    assert_eq!(of(node("Max", ["elements", "x"])), [1.0, 2.0, 0.0, 7.0]);
    assert_eq!(of(node("Where", ["elements", "x", "channels"])), [-5.0, 2.0, -1.0, 5.0]);
}

#[test]
fn slopes_for_channels() {
    let net =
        Net::new(&[1, 2, 2]).with("slope", &[2, 1], vec![0.5f32, 0.25]).node(node("PRelu", ["x", "slope"]));
    assert_eq!(net.outputs(&[-4.0, 4.0, -4.0, 4.0], &["y"])[0].data, [-2.0, 4.0, -1.0, 4.0]);
}

#[test]
fn refused_forms() {
    let net = |node: Node| Net::new(&[1, 4]).number("c", 0.5).number("zero", 0.0).node(node).refused();
    assert!(net(node("Pow", ["zero", "x"])).contains("one positive number"));
    assert!(net(node("Pow", ["x", "x"])).contains("two computed values"));
    assert!(net(node("Div", ["x", "zero"])).contains("0 as a divisor"));
    assert!(net(node("Clip", ["x", "c", "zero"])).contains("not empty"));
    let gelu = Net::new(&[1, 4]).version(20).node(node("Gelu", ["x"]).attr("approximate", "cubic"));
    assert!(gelu.refused().contains("none or tanh"));
    assert!(net(node("Celu", ["x"]).attr("alpha", -1.0)).contains("a positive number"));
    assert!(net(node("LogSoftmax", ["x"])).contains("remove it"));
}

#[test]
fn batch_normalization() {
    let net = |shape: &[usize]| {
        Net::new(shape)
            .with("gamma", &[2], vec![3.0f32, -2.0])
            .with("beta", &[2], vec![1.0f32, 0.5])
            .with("mean", &[2], vec![-1.0f32, 4.0])
            .with("var", &[2], vec![4.0f32, 16.0])
            .node(node("BatchNormalization", ["x", "gamma", "beta", "mean", "var"]).attr("epsilon", 0.0))
    };
    for shape in [vec![1, 2], vec![1, 2, 1], vec![1, 2, 1, 1]] {
        same(net(&shape).outputs(&[3.0, 8.0], &["y"]).remove(0), &shape, &[7.0, -1.5]);
    }
    let last = Net::new(&[1, 1, 1, 2]).with("s", &[2], vec![1.0f32, 2.0]).with("z", &[2], vec![0.0f32; 2]);
    let op = node("BatchNormalization", ["x", "s", "z", "z", "s"]).in_domain("qonnx.custom_op.channels_last");
    let op = op.attr("epsilon", 0.0);
    let Op::Affine(affine) = &last.node(op).ops()[0] else { panic!("no affine function") };
    assert_eq!(affine.multiply, [1.0, 2.0 / 2f64.sqrt()]);
}
