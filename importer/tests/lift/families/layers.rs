//! Convolutions and matrix products, against sums written out here.

use super::*;

/// The convolution of `x` with `w`, from its definition; `pads` come before and after each axis.
fn convolved(
    (x, size): (&[f64], [usize; 3]),
    (w, filter): (&[f64], [usize; 4]),
    stride: usize,
    pads: [usize; 4],
    dilation: usize,
    groups: usize,
) -> (Vec<usize>, Vec<f64>) {
    let [_, height, width] = size;
    let [outputs, per_group, kh, kw] = filter;
    let count = |size: usize, taps: usize, pad: usize| (size + pad - (taps - 1) * dilation - 1) / stride + 1;
    let (rows, columns) = (count(height, kh, pads[0] + pads[2]), count(width, kw, pads[1] + pads[3]));
    let mut y = vec![];
    for (o, (row, column)) in
        (0..outputs).flat_map(|o| (0..rows).flat_map(move |r| (0..columns).map(move |c| (o, (r, c)))))
    {
        let mut sum = 0.0;
        for (i, (a, b)) in
            (0..per_group).flat_map(|i| (0..kh).flat_map(move |a| (0..kw).map(move |b| (i, (a, b)))))
        {
            let at = (row * stride + a * dilation) as isize - pads[0] as isize;
            let across = (column * stride + b * dilation) as isize - pads[1] as isize;
            let inside = (0..height as isize).contains(&at) && (0..width as isize).contains(&across);
            let channel = o / (outputs / groups) * per_group + i;
            if inside {
                sum += x[(channel * height + at as usize) * width + across as usize]
                    * w[((o * per_group + i) * kh + a) * kw + b];
            }
        }
        y.push(sum);
    }
    (vec![1, outputs, rows, columns], y)
}

#[test]
fn convolutions_of_images() {
    let cases = [
        (vec![("pads", vec![1, 0, 0, 2])], 1, [1, 0, 0, 2], 1, 1),
        (vec![("strides", vec![2, 2]), ("dilations", vec![2, 2])], 2, [0; 4], 2, 1),
        (vec![("group", vec![2])], 1, [0; 4], 1, 2),
    ];
    for (attributes, stride, pads, dilation, groups) in cases {
        let filter = [4, 2 / groups, 2, 2];
        let mut conv = node("Conv", ["q", "w"]);
        for (name, values) in attributes {
            conv = if name == "group" { conv.attr(name, values[0]) } else { conv.attr(name, values) };
        }
        let net = weighted(quantized(&[1, 2, 5, 4]), &filter).node(conv);
        let count = filter.iter().product();
        let (shape, data) =
            convolved((&numbers(40), [2, 5, 4]), (&weight(count), filter), stride, pads, dilation, groups);
        same(net.output(), &shape, &data);
    }
}

#[test]
fn automatic_padding() {
    for (name, pads) in [("SAME_UPPER", [0, 0, 1, 1]), ("SAME_LOWER", [1, 1, 0, 0]), ("VALID", [0; 4])] {
        let net = weighted(quantized(&[1, 1, 5, 5]), &[1, 1, 2, 2])
            .node(node("Conv", ["q", "w"]).attr("auto_pad", name));
        let (shape, data) = convolved((&numbers(25), [1, 5, 5]), (&weight(4), [1, 1, 2, 2]), 1, pads, 1, 1);
        same(net.output(), &shape, &data);
    }
}

#[test]
fn convolutions_of_lines_are_those_of_flat_images() {
    let conv = node("Conv", ["q", "w"]).attr("pads", [2, 1]).attr("strides", [2]).attr("dilations", [2]);
    let net = weighted(quantized(&[1, 2, 9]), &[3, 2, 3]).node(conv);
    // Height 1, where stride and dilation do not matter.
    let (shape, data) =
        convolved((&numbers(18), [2, 1, 9]), (&weight(18), [3, 2, 1, 3]), 2, [0, 2, 0, 1], 2, 1);
    same(net.output(), &[1, 3, shape[3]], &data);
}

#[test]
fn channels_last() {
    let conv = node("Conv", ["q", "w"]).in_domain("qonnx.custom_op.channels_last").attr("pads", [1, 1, 0, 0]);
    let net = weighted(quantized(&[1, 3, 3, 2]), &[2, 2, 2, 2]).node(conv);
    let x: Vec<f64> = (0..2).flat_map(|c| (0..9).map(move |i| numbers(18)[i * 2 + c])).collect();
    let w: Vec<f64> = (0..2)
        .flat_map(|o| (0..2).flat_map(move |c| (0..4).map(move |i| weight(16)[(o * 4 + i) * 2 + c])))
        .collect();
    let (_, data) = convolved((&x, [2, 3, 3]), (&w, [2, 2, 2, 2]), 1, [1, 1, 0, 0], 1, 1);
    let last: Vec<f64> = (0..9).flat_map(|i| [data[i], data[9 + i]]).collect();
    same(net.output(), &[1, 3, 3, 2], &last);
    let pool = node("MaxPool", ["x"]).in_domain("qonnx.custom_op.channels_last").attr("kernel_shape", [2, 1]);
    let net = Net::new(&[1, 2, 1, 2]).node(pool);
    same(net.outputs(&[1.0, 7.0, 3.0, 5.0], &["y"]).remove(0), &[1, 1, 1, 2], &[3.0, 7.0]);
}

/// A transposed convolution spreads each element by the window.
#[test]
fn transposed_convolutions() {
    let deconv = node("ConvTranspose", ["q", "w"]).attr("strides", [2]);
    let net = |node: Node| weighted(quantized(&[1, 1, 3]), &[1, 1, 3]).node(node);
    // x is -5, 2, -2; w is -2.5, 1, -1.
    let full = [12.5, -5.0, 5.0 - 5.0, 2.0, -2.0 + 5.0, -2.0, 2.0];
    same(net(deconv.clone()).output(), &[1, 1, 7], &full);
    same(net(deconv.clone().attr("pads", [1, 2])).output(), &[1, 1, 4], &full[1..5]);
    let more: Vec<f64> = full.iter().copied().chain([0.0]).collect();
    same(net(deconv.clone().attr("output_padding", [1])).output(), &[1, 1, 8], &more);
    same(net(deconv.clone().attr("auto_pad", "SAME_UPPER")).output(), &[1, 1, 6], &full[..6]);
    same(
        net(deconv.clone().attr("output_shape", [5]).attr("auto_pad", "SAME_LOWER")).output(),
        &[1, 1, 5],
        &full[1..6],
    );
    same(net(deconv.attr("output_shape", [9])).output(), &[1, 1, 9], &[&full[..], &[0.0, 0.0]].concat());
    let grouped = node("ConvTranspose", ["q", "w"]).attr("group", 2);
    let net = weighted(quantized(&[1, 2, 1, 2]), &[2, 1, 1, 1]).node(grouped);
    // Weights -2.5 and 1, each for its own channel.
    same(net.output(), &[1, 2, 1, 2], &[12.5, -5.0, -2.0, 5.0]);
}

fn product(x: &[f64], w: &[f64], inner: usize) -> Vec<f64> {
    let columns = w.len() / inner;
    x.chunks(inner)
        .flat_map(|row| {
            (0..columns)
                .map(move |c| row.iter().enumerate().map(|(k, x)| x * w[k * columns + c]).sum::<f64>())
        })
        .collect()
}

#[test]
fn matrix_products() {
    let net = weighted(quantized(&[1, 3]), &[3, 4]).node(node("MatMul", ["q", "w"]));
    assert_eq!(net.operators(), ["quant", "gemm"]);
    same(net.output(), &[1, 4], &product(&numbers(3), &weight(12), 3));
    // Rows that share the matrix.
    let net = weighted(quantized(&[1, 2, 5, 3]), &[3, 4]).node(node("MatMul", ["q", "w"]));
    same(net.output(), &[1, 2, 5, 4], &product(&numbers(30), &weight(12), 3));
    let net = weighted(quantized(&[1, 5, 3]), &[1, 3, 4]).node(node("MatMul", ["q", "w"]));
    same(net.output(), &[1, 5, 4], &product(&numbers(15), &weight(12), 3));
    // The matrix on the left.
    let net = weighted(quantized(&[1, 3, 2]), &[4, 3]).node(node("MatMul", ["w", "q"]));
    same(net.output(), &[1, 4, 2], &product(&weight(12), &numbers(6), 3));
    let both = quantized(&[1, 3, 3]).node(node("MatMul", ["q", "q"])).refused();
    assert!(both.contains("attention"), "{both}");
    let shapes = weighted(quantized(&[1, 4]), &[3, 4]).node(node("MatMul", ["q", "w"])).refused();
    assert!(shapes.contains("equal inner size"), "{shapes}");
}

#[test]
fn gemms() {
    let turned: Vec<f64> = (0..3).flat_map(|k| (0..4).map(move |c| weight(12)[c * 3 + k])).collect();
    let plain = product(&numbers(3), &turned, 3);
    let net = |gemm: Node| {
        weighted(quantized(&[1, 3]), &[4, 3]).with("c", &[1, 4], floats(4)).number("two", 2.0).node(gemm)
    };
    let gemm = |inputs: &[&str]| Node::new("Gemm", inputs.iter().copied(), ["y"]).attr("transB", 1);
    same(net(gemm(&["q", "w"])).output(), &[1, 4], &plain);
    let sum: Vec<f64> = plain.iter().zip(numbers(4)).map(|(y, c)| 0.5 * y + 2.0 * c).collect();
    same(net(gemm(&["q", "w", "c"]).attr("alpha", 0.5).attr("beta", 2.0)).output(), &[1, 4], &sum);
    let sum: Vec<f64> = plain.iter().map(|y| y + 2.0).collect();
    same(net(gemm(&["q", "w", "two"])).output(), &[1, 4], &sum);
    // A column is turned into a row.
    let net = weighted(quantized(&[1, 3]), &[4, 3]).ints("column", &[3, 1]);
    let net =
        net.node(Node::new("Reshape", ["q", "column"], ["t"])).node(gemm(&["t", "w"]).attr("transA", 1));
    same(net.output(), &[1, 4], &plain);
    // Several rows.
    let net = weighted(quantized(&[1, 6]), &[4, 3]).ints("rows", &[2, 3]).with("c", &[4], floats(4));
    let net = net.node(Node::new("Reshape", ["q", "rows"], ["t"])).node(gemm(&["t", "w", "c"]));
    let rows: Vec<f64> =
        product(&numbers(6), &turned, 3).iter().enumerate().map(|(i, y)| y + numbers(4)[i % 4]).collect();
    same(net.output(), &[2, 4], &rows);
}

#[test]
fn annotated_weights_are_codes() {
    let net = quantized(&[1, 2]).with("w", &[2, 2], vec![1.0f32, -1.0, -1.0, 1.0]).annotation("w", "BIPOLAR");
    let net = net.node(node("MatMul", ["q", "w"]));
    let graph = net.graph();
    let weights = graph.values.iter().find_map(|value| value.codes()).unwrap();
    assert_eq!((weights.int.to_string(), weights.scale.clone()), ("int2n".to_owned(), vec![1.0]));
    let zero = quantized(&[1, 2]).with("w", &[2, 2], vec![1.0f32, 0.0, -1.0, 1.0]).annotation("w", "BIPOLAR");
    assert!(zero.node(node("MatMul", ["q", "w"])).refused().contains("BIPOLAR"));
}

#[test]
fn weights_have_to_be_constant() {
    let net = quantized(&[1, 1, 2, 2]).node(node("Conv", ["q", "q"]));
    assert!(net.refused().contains("E0203"), "{}", net.refused());
}
