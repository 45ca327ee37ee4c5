//! Operators that move elements.

use super::*;

fn of(net: Net) -> (Vec<usize>, Vec<f64>) {
    let Numbers { shape, data } = net.output();
    (shape, data)
}

#[test]
fn reshapes() {
    let shape = |input: &[usize], node: Node, target: &[i64]| {
        let net = Net::new(input).ints("c", target).node(node);
        net.graph()
            .values
            .iter()
            .find(|value| value.name == "y")
            .map(|value| value.shape.clone())
            .unwrap_or_default()
    };
    let reshape = || node("Reshape", ["x", "c"]);
    assert_eq!(shape(&[1, 2, 6], reshape(), &[0, -1, 3]), [1, 4, 3]);
    assert_eq!(shape(&[1, 2, 6], reshape(), &[-1, 12]), [1, 12]);
    // A batch of 4 in the file is one sample here.
    assert_eq!(shape(&[4, 2, 6], reshape(), &[4, 12]), [1, 12]);
    assert_eq!(shape(&[4, 2, 6], reshape(), &[8, 6]), [2, 6]);
    assert_eq!(shape(&[4, 2, 6], reshape(), &[8, -1]), [2, 6]);
    assert_eq!(shape(&[1, 2, 6], node("Flatten", ["x"]).attr("axis", 2), &[]), [2, 6]);
    assert_eq!(shape(&[1, 2, 6], node("Flatten", ["x"]).attr("axis", -2), &[]), [1, 12]);
    assert_eq!(shape(&[1, 2, 1, 6], node("Squeeze", ["x", "c"]), &[2]), [1, 2, 6]);
    assert_eq!(shape(&[1, 2, 1, 6], node("Squeeze", ["x"]), &[]), [2, 6]);
    assert_eq!(shape(&[4, 2, 1, 6], node("Squeeze", ["x"]), &[]), [1, 2, 6]);
    assert_eq!(shape(&[1, 2, 1], node("Squeeze", ["x"]).attr("axes", [-1]), &[]), [1, 2]);
    assert_eq!(shape(&[1, 2, 6], node("Unsqueeze", ["x", "c"]), &[1, -1]), [1, 1, 2, 6, 1]);
    assert_eq!(shape(&[1, 2], node("Unsqueeze", ["x"]).attr("axes", [2]), &[]), [1, 2, 1]);
}

#[test]
fn shapes_that_files_compute() {
    // x.view(x.size(0), -1)
    let net = Net::new(&[4, 2, 3])
        .with("zero", &[], vec![0i64])
        .ints("rest", &[-1])
        .ints("first", &[0])
        .node(Node::new("Shape", ["x"], ["shape"]))
        .node(Node::new("Gather", ["shape", "zero"], ["n"]))
        .node(Node::new("Unsqueeze", ["n", "first"], ["batch"]))
        .node(Node::new("Concat", ["batch", "rest"], ["target"]).attr("axis", 0))
        .node(node("Reshape", ["x", "target"]));
    assert_eq!(of(net), (vec![1, 6], numbers(6)));
}

#[test]
fn parts() {
    let net = |node: Node| {
        Net::new(&[1, 4])
            .ints("a", &[1])
            .ints("b", &[i64::MAX])
            .ints("c", &[-1])
            .ints("d", &[i64::MIN])
            .node(node)
    };
    let x = numbers(4);
    assert_eq!(of(net(node("Slice", ["x", "a", "b", "a"]))), (vec![1, 3], x[1..].to_vec()));
    assert_eq!(
        of(net(node("Slice", ["x", "c", "d", "a", "c"]))),
        (vec![1, 4], x.iter().rev().copied().collect())
    );
    let old = node("Slice", ["x"]).attr("starts", [-3]).attr("ends", [-1]).attr("axes", [1]);
    assert_eq!(of(net(old)), (vec![1, 2], x[1..3].to_vec()));
    let split = Node::new("Split", ["x"], ["p", "y"]).attr("axis", 1);
    assert_eq!(of(net(split)), (vec![1, 2], x[2..].to_vec()));
    let uneven = Node::new("Split", ["x"], ["p", "q", "y"]).attr("axis", 1).attr("num_outputs", 3);
    assert_eq!(of(Net::new(&[1, 5]).node(uneven)), (vec![1, 1], numbers(5)[4..].to_vec()));
    assert!(net(node("Slice", ["x", "b", "b", "a"])).refused().contains("E0204"));
}

#[test]
fn gathered_elements() {
    let net = |shape: &[usize], indices: &[i64]| {
        let node = node("Gather", ["x", "i"]).attr("axis", 1);
        of(Net::new(&[1, 5, 2]).with("i", shape, indices.to_vec()).node(node))
    };
    let row = |i: usize| numbers(10)[2 * i..2 * i + 2].to_vec();
    assert_eq!(net(&[], &[-1]), (vec![1, 2], row(4)));
    assert_eq!(net(&[2], &[1, 3]), (vec![1, 2, 2], [row(1), row(3)].concat()));
    assert_eq!(net(&[2, 2], &[4, 0, 0, 3]), (vec![1, 2, 2, 2], [row(4), row(0), row(0), row(3)].concat()));
}

#[test]
fn padding() {
    let x = numbers(2);
    let net = Net::new(&[1, 2]).ints("p", &[0, 1, 0, 2]).number("v", 9.0).node(node("Pad", ["x", "p", "v"]));
    assert_eq!(of(net), (vec![1, 5], vec![9.0, x[0], x[1], 9.0, 9.0]));
    let net = Net::new(&[1, 2]).node(node("Pad", ["x"]).attr("pads", [0, -1, 0, 1]));
    assert_eq!(of(net), (vec![1, 2], vec![x[1], 0.0]));
    let net =
        Net::new(&[1, 2]).ints("p", &[1, 0]).ints("axes", &[-1]).node(node("Pad", ["x", "p", "", "axes"]));
    assert_eq!(of(net), (vec![1, 3], vec![0.0, x[0], x[1]]));
    let own = |mode: &str, before: i64, after: i64| {
        Net::new(&[1, 3]).node(node("Pad", ["x"]).attr("pads", [0, before, 0, after]).attr("mode", mode))
    };
    let of = |net: Net| net.outputs(&[1.0, 2.0, 3.0], &["y"]).remove(0).data;
    assert_eq!(of(own("reflect", 2, 1)), [3.0, 2.0, 1.0, 2.0, 3.0, 2.0]);
    assert_eq!(of(own("edge", 2, 1)), [1.0, 1.0, 1.0, 2.0, 3.0, 3.0]);
    assert_eq!(of(own("wrap", 2, 1)), [2.0, 3.0, 1.0, 2.0, 3.0, 1.0]);
    assert!(own("reflect", 3, 0).refused().contains("at most 2"));
    assert!(own("mirror", 1, 0).refused().contains("mode"));
}

#[test]
fn repetitions() {
    let net = Net::new(&[1, 2, 1]).ints("s", &[1, 2, 3]).node(node("Expand", ["x", "s"]));
    assert_eq!(of(net), (vec![1, 2, 3], vec![-5.0, -5.0, -5.0, 2.0, 2.0, 2.0]));
    let net = Net::new(&[1, 2, 1]).ints("s", &[1, 2, 2]).node(node("Tile", ["x", "s"]));
    assert_eq!(of(net), (vec![1, 4, 2], vec![-5.0, -5.0, 2.0, 2.0, -5.0, -5.0, 2.0, 2.0]));
}

#[test]
fn nearest_neighbours() {
    let resize = |modes: [&str; 2], size: usize, scale: f32| {
        let node = node("Resize", ["x", "", "s"])
            .attr("coordinate_transformation_mode", modes[0])
            .attr("nearest_mode", modes[1]);
        Net::new(&[1, 1, size]).with("s", &[3], vec![1.0f32, 1.0, scale]).node(node)
    };
    let x = numbers(4);
    let twice: Vec<f64> = x.iter().flat_map(|x| [*x, *x]).collect();
    for modes in
        [["asymmetric", "floor"], ["half_pixel", "round_prefer_floor"], ["half_pixel", "round_prefer_ceil"]]
    {
        assert_eq!(of(resize(modes, 4, 2.0)), (vec![1, 1, 8], twice.clone()), "{modes:?}");
    }
    assert_eq!(of(resize(["asymmetric", "floor"], 4, 0.5)), (vec![1, 1, 2], vec![x[0], x[2]]));
    assert!(resize(["align_corners", "floor"], 4, 2.0).refused().contains("integer factor"));
    let sizes = node("Resize", ["x", "", "", "s"])
        .attr("mode", "nearest")
        .attr("coordinate_transformation_mode", "asymmetric");
    let net = Net::new(&[1, 1, 4]).ints("s", &[1, 1, 8]).node(sizes.attr("nearest_mode", "floor"));
    assert_eq!(of(net), (vec![1, 1, 8], twice.clone()));
    let old = Net::new(&[1, 1, 4])
        .version(9)
        .with("s", &[3], vec![1.0f32, 1.0, 2.0])
        .node(node("Upsample", ["x", "s"]));
    assert_eq!(of(old), (vec![1, 1, 8], twice));
    let linear = Net::new(&[1, 1, 4]).with("s", &[3], vec![1.0f32, 1.0, 2.0]);
    assert!(linear.node(node("Resize", ["x", "", "s"]).attr("mode", "linear")).refused().contains("nearest"));
}

#[test]
fn blocks_of_pixels() {
    let blocks = |op: &str, mode: Option<&str>, shape: &[usize]| {
        let node = node(op, ["x"]).attr("blocksize", 2);
        let net = Net::new(shape).node(match mode {
            Some(mode) => node.attr("mode", mode),
            None => node,
        });
        net.outputs(&(0..8).map(f64::from).collect::<Vec<_>>(), &["y"]).remove(0)
    };
    same(
        blocks("DepthToSpace", Some("DCR"), &[1, 8, 1, 1]),
        &[1, 2, 2, 2],
        &[0.0, 2.0, 4.0, 6.0, 1.0, 3.0, 5.0, 7.0],
    );
    same(
        blocks("DepthToSpace", Some("CRD"), &[1, 8, 1, 1]),
        &[1, 2, 2, 2],
        &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
    );
    same(
        blocks("SpaceToDepth", None, &[1, 2, 2, 2]),
        &[1, 8, 1, 1],
        &[0.0, 4.0, 1.0, 5.0, 2.0, 6.0, 3.0, 7.0],
    );
}

#[test]
fn outputs_that_are_not_computed_must_not_be_read() {
    let net =
        Net::new(&[1, 2]).node(Node::new("Dropout", ["x"], ["d", "mask"])).node(node("Add", ["d", "mask"]));
    assert!(net.refused().contains("`mask`, which is read"));
    let fine = Net::new(&[1, 2]).node(Node::new("Dropout", ["x"], ["y", "mask"]));
    assert_eq!(fine.output().data, numbers(2));
}
