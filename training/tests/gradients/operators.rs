//! Operators of layers against central differences: convolutions of all geometries, batch norm, biases, pools.

use crate::common::values;
use crate::geometry::Geometry;
use crate::{assert_differences, leaf, loss, noise, scalar_loss};
use exactum_training::Activation;
use exactum_training::backend::{
    self, ConvOptions, ConvTransposeOptions, Tensor, add_channels, batch_norm_train,
};
use exactum_training::nn::{AvgPool2d, MaxPool2d};

const PLAIN: Geometry = Geometry {
    batch: 2,
    inputs: 2,
    outputs: 3,
    groups: 1,
    extents: [4, 5],
    kernel: [3, 2],
    stride: [1, 1],
    dilation: [1, 1],
    pads: [[0, 0]; 2],
    output_padding: [0, 0],
};

const ONE_AROUND: [[usize; 2]; 2] = [[1, 1]; 2];

const GEOMETRIES: [Geometry; 6] = [
    PLAIN,
    Geometry { stride: [2, 1], pads: ONE_AROUND, ..PLAIN },
    Geometry { dilation: [1, 2], pads: [[1, 1], [0, 0]], ..PLAIN },
    Geometry { groups: 2, inputs: 4, outputs: 2, ..PLAIN },
    // Depthwise, as in separable convolutions, and with two outputs per channel.
    Geometry { groups: 4, inputs: 4, outputs: 4, kernel: [3, 3], pads: ONE_AROUND, ..PLAIN },
    Geometry { groups: 3, inputs: 3, outputs: 6, stride: [2, 2], pads: ONE_AROUND, ..PLAIN },
];

fn check(geometry: Geometry, transposed: bool) {
    let Geometry { batch, inputs, outputs, groups, extents, kernel, stride, dilation, pads, .. } = geometry;
    let padding = pads.map(|[begin, _]| begin);
    let x_shape = [batch, inputs, extents[0], extents[1]];
    let rows = if transposed { [inputs, outputs / groups] } else { [outputs, inputs / groups] };
    let w_shape = [rows[0], rows[1], kernel[0], kernel[1]];
    let x = noise(x_shape.iter().product(), 1);
    let w = noise(w_shape.iter().product(), 2);
    let (x_leaf, w_leaf) = (leaf(&x, x_shape), leaf(&w, w_shape));
    let y = if transposed {
        let options = ConvTransposeOptions::new(stride, padding, geometry.output_padding, dilation, groups);
        backend::conv_transpose2d(x_leaf.clone(), w_leaf.clone(), options)
    } else {
        backend::conv2d(x_leaf.clone(), w_leaf.clone(), ConvOptions::new(stride, padding, dilation, groups))
    };
    assert_eq!(y.dims(), [batch, outputs, geometry.output(transposed)[0], geometry.output(transposed)[1]]);
    let gradients = loss(y).backward();
    let found = [&x_leaf, &w_leaf].map(|leaf| values(leaf.grad(&gradients).unwrap()));
    let what = format!("transposed: {transposed}, {geometry:?}");
    assert_differences(&what, &[x, w], &found, |at| scalar_loss(&geometry.apply(transposed, &at[0], &at[1])));
}

#[test]
fn convolutions_match_differences() {
    for geometry in GEOMETRIES {
        check(geometry, false);
    }
}

#[test]
fn transposed_convolutions_match_differences() {
    for geometry in GEOMETRIES {
        check(geometry, true);
    }
    check(Geometry { stride: [2, 3], pads: [[1, 1], [0, 0]], output_padding: [1, 2], ..PLAIN }, true);
}

#[test]
fn one_dimensional_convolutions_match_differences() {
    let geometry =
        Geometry { extents: [1, 7], kernel: [1, 3], stride: [1, 2], pads: [[0, 0], [1, 1]], ..PLAIN };
    let (x, w) = (noise(2 * 2 * 7, 3), noise(2 * 3 * 3, 4));
    let (x_leaf, w_leaf) = (leaf(&x, [2, 2, 7]), leaf(&w, [3, 2, 3]));
    let y = backend::conv1d(x_leaf.clone(), w_leaf.clone(), ConvOptions::new([2], [1], [1], 1));
    let gradients = loss(y).backward();
    let found = [&x_leaf, &w_leaf].map(|leaf| values(leaf.grad(&gradients).unwrap()));
    let leaves = [x.clone(), w.clone()];
    assert_differences("conv1d", &leaves, &found, |at| scalar_loss(&geometry.apply(false, &at[0], &at[1])));
    let (x_leaf, w_leaf) = (leaf(&x, [2, 2, 7]), leaf(&w, [2, 3, 3]));
    let options = ConvTransposeOptions::new([2], [1], [0], [1], 1);
    let gradients = loss(backend::conv_transpose1d(x_leaf.clone(), w_leaf.clone(), options)).backward();
    let found = [&x_leaf, &w_leaf].map(|leaf| values(leaf.grad(&gradients).unwrap()));
    assert_differences("conv_transpose1d", &[x, w], &found, |at| {
        scalar_loss(&geometry.apply(true, &at[0], &at[1]))
    });
}

#[test]
fn batch_norm_matches_differences() {
    let [batch, channels, elems] = [3, 2, 5];
    let (x, gamma, beta) = (noise(batch * channels * elems, 5), noise(channels, 6), noise(channels, 7));
    let x_leaf = leaf(&x, [batch, channels, elems]);
    let (gamma_leaf, beta_leaf) = (leaf(&gamma, [channels]), leaf(&beta, [channels]));
    let y = batch_norm_train(x_leaf.clone(), gamma_leaf.clone(), beta_leaf.clone(), 1e-3).output;
    let gradients = loss(y).backward();
    let vectors = [gamma_leaf, beta_leaf].map(|leaf| values(leaf.grad(&gradients).unwrap()));
    let found = [&[values(x_leaf.grad(&gradients).unwrap())], &vectors[..]].concat();
    assert_differences("batch_norm", &[x, gamma, beta], &found, |at| {
        let channel_of = |index: usize| index / elems % channels;
        let mean_of = |values: &[f64], channel: usize| {
            let own = values.iter().enumerate().filter(|(index, _)| channel_of(*index) == channel);
            own.map(|(_, value)| value).sum::<f64>() / (batch * elems) as f64
        };
        let means: Vec<f64> = (0..channels).map(|channel| mean_of(&at[0], channel)).collect();
        let centred: Vec<f64> = at[0].iter().enumerate().map(|(i, x)| x - means[channel_of(i)]).collect();
        let squares: Vec<f64> = centred.iter().map(|x| x * x).collect();
        let deviations: Vec<f64> =
            (0..channels).map(|channel| (mean_of(&squares, channel) + 1e-3).sqrt()).collect();
        let y = centred.iter().enumerate().map(|(index, x)| {
            let channel = channel_of(index);
            x / deviations[channel] * at[1][channel] + at[2][channel]
        });
        scalar_loss(&y.collect::<Vec<_>>())
    });
}

#[test]
fn biases_and_rectifiers_match_differences() {
    let (x, bias) = (noise(2 * 3 * 4, 8), noise(3, 9));
    let (x_leaf, bias_leaf) = (leaf(&x, [2, 3, 4]), leaf(&bias, [3]));
    let y = backend::relu(add_channels(x_leaf.clone(), bias_leaf.clone()));
    let gradients = loss(y).backward();
    let found = [values(x_leaf.grad(&gradients).unwrap()), values(bias_leaf.grad(&gradients).unwrap())];
    assert_differences("bias", &[x, bias], &found, |at| {
        let sums = at[0].iter().enumerate().map(|(index, x)| (x + at[1][index / 4 % 3]).max(0.0));
        scalar_loss(&sums.collect::<Vec<_>>())
    });
}

#[test]
fn fully_connected_layers_match_differences() {
    let (x, w) = (noise(3 * 4, 10), noise(2 * 4, 11));
    let (x_leaf, w_leaf) = (leaf(&x, [3, 4]), leaf(&w, [2, 4]));
    let gradients = loss(backend::linear(x_leaf.clone(), w_leaf.clone())).backward();
    let found = [&x_leaf, &w_leaf].map(|leaf| values(leaf.grad(&gradients).unwrap()));
    assert_differences("linear", &[x, w], &found, |at| {
        let y = (0..6).map(|i| (0..4).map(|k| at[0][i / 2 * 4 + k] * at[1][i % 2 * 4 + k]).sum());
        scalar_loss(&y.collect::<Vec<f64>>())
    });
}

/// Windows of 3 x 2, two rows and one column apart.
#[test]
fn pools_match_differences() {
    let x = noise(2 * 2 * 5 * 4, 12);
    let pool = |name: &str, pool: &dyn Fn(&Activation<4>) -> Tensor<4>, of: &dyn Fn(&[f64]) -> f64| {
        let x_leaf = leaf(&x, [2, 2, 5, 4]);
        let gradients = loss(pool(&Activation::train(x_leaf.clone()))).backward();
        let found = [values(x_leaf.grad(&gradients).unwrap())];
        assert_differences(name, std::slice::from_ref(&x), &found, |at| {
            let y = (0..24).map(|i| {
                let (plane, row, column) = (i / 6, i / 3 % 2, i % 3);
                let window: Vec<f64> =
                    (0..6).map(|tap| at[0][(plane * 5 + row * 2 + tap / 2) * 4 + column + tap % 2]).collect();
                of(&window)
            });
            scalar_loss(&y.collect::<Vec<_>>())
        });
    };
    let largest = MaxPool2d::new("pool", [3, 2], [2, 1]);
    pool("max", &|x| largest.forward(x).unwrap().value(), &|window| {
        window.iter().fold(f64::NEG_INFINITY, |largest, x| largest.max(*x))
    });
    let mean = AvgPool2d::new("pool", [3, 2], [2, 1]);
    pool("mean", &|x| mean.forward(x).unwrap().value(), &|window| window.iter().sum::<f64>() / 6.0);
}
