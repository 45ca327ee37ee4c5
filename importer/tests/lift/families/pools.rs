//! Pools, reductions and choices.

use super::*;

fn of(shape: &[usize], node: Node, x: &[f64]) -> Numbers {
    Net::new(shape).node(node).outputs(x, &["y"]).remove(0)
}

#[test]
fn windows() {
    let x = [1.0, 5.0, 2.0, 8.0, 4.0];
    let pool = |op: &str| node(op, ["x"]).attr("kernel_shape", [2]).attr("strides", [2]);
    same(of(&[1, 1, 5], pool("MaxPool"), &x), &[1, 1, 2], &[5.0, 8.0]);
    same(of(&[1, 1, 5], pool("MaxPool").attr("ceil_mode", 1), &x), &[1, 1, 3], &[5.0, 8.0, 4.0]);
    same(of(&[1, 1, 5], pool("AveragePool"), &x), &[1, 1, 2], &[3.0, 5.0]);
    same(of(&[1, 1, 5], pool("AveragePool").attr("ceil_mode", 1), &x), &[1, 1, 3], &[3.0, 5.0, 4.0]);
    let counted = pool("AveragePool").attr("ceil_mode", 1).attr("count_include_pad", 1);
    same(of(&[1, 1, 5], counted, &x), &[1, 1, 3], &[3.0, 5.0, 4.0]);
    let padded = pool("AveragePool").attr("pads", [1, 0]);
    same(of(&[1, 1, 5], padded.clone(), &x), &[1, 1, 3], &[1.0, 3.5, 6.0]);
    same(of(&[1, 1, 5], padded.attr("count_include_pad", 1), &x), &[1, 1, 3], &[0.5, 3.5, 6.0]);
    let image = node("MaxPool", ["x"]).attr("kernel_shape", [1, 2]).attr("auto_pad", "SAME_UPPER");
    same(of(&[1, 1, 1, 5], image, &x), &[1, 1, 1, 5], &[5.0, 5.0, 8.0, 8.0, 4.0]);
}

/// Where a last window would begin in the padding behind the input there is none.
#[test]
fn the_last_window_begins_inside() {
    let pool = node("MaxPool", ["x"]).attr("kernel_shape", [2]).attr("strides", [2]).attr("pads", [0, 1]);
    same(of(&[1, 1, 4], pool.attr("ceil_mode", 1), &[1.0, 5.0, 2.0, 8.0]), &[1, 1, 2], &[5.0, 8.0]);
}

#[test]
fn reductions() {
    let x: Vec<f64> = (0..8).map(f64::from).collect();
    let reduce = |op: &str, axes: &[i64], keep: i64| {
        let net =
            Net::new(&[1, 2, 2, 2]).ints("axes", axes).node(node(op, ["x", "axes"]).attr("keepdims", keep));
        net.outputs(&x, &["y"]).remove(0)
    };
    same(reduce("ReduceMean", &[2, 3], 1), &[1, 2, 1, 1], &[1.5, 5.5]);
    same(reduce("ReduceMean", &[-1, -2], 0), &[1, 2], &[1.5, 5.5]);
    same(reduce("ReduceMean", &[1], 0), &[1, 2, 2], &[2.0, 3.0, 4.0, 5.0]);
    same(reduce("ReduceSum", &[1, 3], 1), &[1, 1, 2, 1], &[10.0, 18.0]);
    same(reduce("ReduceMax", &[3], 1), &[1, 2, 2, 1], &[1.0, 3.0, 5.0, 7.0]);
    same(reduce("ReduceMin", &[1, 2, 3], 0), &[1], &[0.0]);
    let old = node("ReduceMean", ["x"]).attr("axes", [2]).attr("keepdims", 1);
    same(of(&[1, 1, 2], old, &[1.0, 2.0]), &[1, 1, 1], &[1.5]);
    same(of(&[1, 2, 2, 2], node("GlobalAveragePool", ["x"]), &x), &[1, 2, 1, 1], &[1.5, 5.5]);
    same(of(&[1, 2, 4], node("GlobalMaxPool", ["x"]), &x), &[1, 2, 1], &[3.0, 7.0]);
    let batch = Net::new(&[1, 2]).node(node("ReduceMean", ["x"]));
    assert!(batch.refused().contains("the batch"));
}

#[test]
fn choices() {
    let x = [3.0, 9.0, 9.0, 1.0];
    let top = Node::new("TopK", ["x", "k"], ["values", "y"]);
    let net = |node: Node| Net::new(&[1, 4]).ints("k", &[3]).node(node);
    same(net(top.clone()).outputs(&x, &["y"]).remove(0), &[1, 3], &[1.0, 2.0, 0.0]);
    same(net(top.attr("largest", 0)).outputs(&x, &["y"]).remove(0), &[1, 3], &[3.0, 0.0, 1.0]);
    let values = Node::new("TopK", ["x", "k"], ["y", "i"]);
    same(net(values).outputs(&x, &["y"]).remove(0), &[1, 3], &[9.0, 9.0, 3.0]);
    let places = Node::new("MaxPool", ["x"], ["largest", "y"]).attr("kernel_shape", [2, 2]);
    assert!(Net::new(&[1, 1, 2, 2]).node(places).refused().contains("`y`, which is read"));
    same(of(&[1, 4], node("ArgMax", ["x"]).attr("axis", 1).attr("keepdims", 0), &x), &[1], &[1.0]);
    same(of(&[1, 2, 2], node("ArgMin", ["x"]).attr("axis", 1), &x), &[1, 1, 2], &[0.0, 1.0]);
    let last = node("ArgMax", ["x"]).attr("axis", 1).attr("select_last_index", 1);
    assert!(net(last).refused().contains("smallest index"));
    let softmax = of(&[1, 2], node("Softmax", ["x"]), &[0.0, 0.0]);
    assert_eq!(softmax.data, [0.5, 0.5]);
    let old = Net::new(&[1, 2, 2]).version(11).node(node("Softmax", ["x"]));
    assert_eq!(old.outputs(&[1.0; 4], &["y"])[0].data, [0.25; 4]);
}

/// Rows of windows, height before width before channels, alone and in a product, which is a convolution.
#[test]
fn windows_as_rows() {
    let rows = |output: &str| {
        Node::new("Im2Col", ["x"], [output])
            .attr("stride", [1, 1])
            .attr("kernel_size", [2, 2])
            .attr("pad_amount", [0, 0, 0, 1])
            .attr("input_shape", "(1,2,3,1)")
    };
    let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let expected = [1.0, 2.0, 4.0, 5.0, 2.0, 3.0, 5.0, 6.0, 3.0, 0.0, 6.0, 0.0];
    same(of(&[1, 2, 3, 1], rows("y"), &x), &[1, 1, 3, 4], &expected);
    let product = Net::new(&[1, 2, 3, 1])
        .with("w", &[4, 1], vec![1.0f32, 10.0, 100.0, 1000.0])
        .node(rows("rows"))
        .node(node("MatMul", ["rows", "w"]));
    same(product.outputs(&x, &["y"]).remove(0), &[1, 1, 3, 1], &[5421.0, 6532.0, 603.0]);
    let filled = Net::new(&[1, 2, 3, 1]).node(rows("y").attr("pad_value", 1));
    assert!(filled.refused().contains("pad_value"));
    let pool =
        node("MaxPoolNHWC", ["x"]).attr("kernel_shape", [2, 2]).attr("strides", [1, 1]).attr("pads", [0; 4]);
    same(of(&[1, 2, 3, 1], pool, &x), &[1, 1, 2, 1], &[5.0, 6.0]);
}
