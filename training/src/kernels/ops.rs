//! The operations that `fused` records, in terms of the kernels beside this file.

use super::avg_pool::AvgPool;
use super::conv::Conv;
use super::fake_quant::FakeQuant;
use super::fused::{Dense, Fused};
use super::max_pool::MaxPool;
use super::{abs_max, batch_norm, linear, parallel, relu};

/// Fake quantization of `[groups, elems]` with a scale per group, or one for all.
#[derive(Clone, Debug)]
pub(super) struct FakeQuantize(pub(super) FakeQuant);

impl Fused<2> for FakeQuantize {
    fn forward(&self, [x, scale]: [&Dense; 2]) -> Dense {
        let mut out = vec![0.0; x.values().len()];
        let group = out.len() / scale.values().len();
        let groups = x.values().chunks(group).zip(out.chunks_mut(group)).zip(scale.values());
        groups.for_each(|((x, out), scale)| self.0.forward(x, *scale, out));
        Dense::new(out, x.shape())
    }

    fn backward(&self, [x, scale]: [&Dense; 2], gradient: Dense, _wanted: [bool; 2]) -> [Option<Dense>; 2] {
        let mut of_x = gradient.into_values();
        let group = of_x.len() / scale.values().len();
        let groups = x.values().chunks(group).zip(scale.values()).zip(of_x.chunks_mut(group));
        let of_scale = groups.map(|((x, scale), of_x)| self.0.backward(x, *scale, of_x)).collect();
        [Some(Dense::new(of_x, x.shape())), Some(Dense::new(of_scale, scale.shape()))]
    }
}

/// Other values with the gradient of the operand.
#[derive(Clone, Debug)]
pub(super) struct Through {
    pub(super) exact: Dense,
}

impl Fused<1> for Through {
    #[expect(clippy::eq_op, reason = "of an infinity or NaN the difference is NaN")]
    fn forward(&self, [x]: [&Dense; 1]) -> Dense {
        // What is not finite stays seen.
        let values = self.exact.values().iter().zip(x.values()).map(|(exact, x)| exact + (x - x));
        Dense::new(values.collect(), x.shape())
    }

    fn backward(&self, _: [&Dense; 1], gradient: Dense, _wanted: [bool; 1]) -> [Option<Dense>; 1] {
        [Some(gradient)]
    }
}

/// The rectifier.
#[derive(Clone, Debug)]
pub(super) struct Rectify;

impl Fused<1> for Rectify {
    fn forward(&self, [x]: [&Dense; 1]) -> Dense {
        Dense::new(relu::forward(x.values()), x.shape())
    }

    fn backward(&self, [x]: [&Dense; 1], gradient: Dense, _wanted: [bool; 1]) -> [Option<Dense>; 1] {
        let mut of_x = gradient.into_values();
        relu::backward(x.values(), &mut of_x);
        [Some(Dense::new(of_x, x.shape()))]
    }
}

/// The largest magnitude of each group of `[groups, elems]`.
#[derive(Clone, Debug)]
pub(super) struct AbsMax {
    pub(super) groups: usize,
    pub(super) elems: usize,
}

impl Fused<1> for AbsMax {
    fn forward(&self, [x]: [&Dense; 1]) -> Dense {
        Dense::new(abs_max::forward(x.values(), self.elems), vec![self.groups, 1])
    }

    fn backward(&self, [x]: [&Dense; 1], gradient: Dense, _wanted: [bool; 1]) -> [Option<Dense>; 1] {
        [Some(Dense::new(abs_max::backward(x.values(), self.elems, gradient.values()), x.shape()))]
    }
}

/// The product of `[batch, inputs]` with the transpose of `[outputs, inputs]`.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    /// Batch, inputs and outputs.
    pub(super) dims: [usize; 3],
}

impl Fused<2> for Linear {
    fn forward(&self, [x, weight]: [&Dense; 2]) -> Dense {
        let [batch, _, outputs] = self.dims;
        Dense::new(linear::forward(x.values(), weight.values(), self.dims), vec![batch, outputs])
    }

    fn backward(&self, [x, weight]: [&Dense; 2], gradient: Dense, wanted: [bool; 2]) -> [Option<Dense>; 2] {
        let y = gradient.values();
        let of_x = || Dense::new(linear::of_x(y, weight.values(), self.dims), x.shape());
        let of_weight = || Dense::new(linear::of_weight(y, x.values(), self.dims), weight.shape());
        [wanted[0].then(of_x), wanted[1].then(of_weight)]
    }
}

/// The largest element of each window.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    pub(super) pool: MaxPool,
    /// Shape of the result.
    pub(super) shape: Vec<usize>,
}

impl Fused<1> for Pool {
    fn forward(&self, [x]: [&Dense; 1]) -> Dense {
        Dense::new(self.pool.forward(x.values()), self.shape.clone())
    }

    fn backward(&self, [x]: [&Dense; 1], gradient: Dense, _wanted: [bool; 1]) -> [Option<Dense>; 1] {
        [Some(Dense::new(self.pool.backward(x.values(), gradient.values()), x.shape()))]
    }
}

/// The mean of each window.
#[derive(Clone, Debug)]
pub(super) struct Average {
    pub(super) pool: AvgPool,
    /// Shape of the result.
    pub(super) shape: Vec<usize>,
}

impl Fused<1> for Average {
    fn forward(&self, [x]: [&Dense; 1]) -> Dense {
        Dense::new(self.pool.forward(x.values()), self.shape.clone())
    }

    fn backward(&self, [x]: [&Dense; 1], gradient: Dense, _wanted: [bool; 1]) -> [Option<Dense>; 1] {
        [Some(Dense::new(self.pool.backward(gradient.values()), x.shape()))]
    }
}

/// A convolution, or its transpose, of an input with a weight.
#[derive(Clone, Debug)]
pub(super) struct Convolution {
    pub(super) conv: Conv,
    pub(super) transposed: bool,
    /// Shape of the result.
    pub(super) shape: Vec<usize>,
}

impl Fused<2> for Convolution {
    fn forward(&self, [x, weight]: [&Dense; 2]) -> Dense {
        let (x, weight) = (x.values(), weight.values());
        let out = if self.transposed { self.conv.adjoint(x, weight) } else { self.conv.forward(x, weight) };
        Dense::new(out, self.shape.clone())
    }

    fn backward(&self, [x, weight]: [&Dense; 2], gradient: Dense, wanted: [bool; 2]) -> [Option<Dense>; 2] {
        let (conv, y) = (&self.conv, gradient.values());
        let of_x = wanted[0].then(|| {
            let of_x = if self.transposed {
                conv.forward(y, weight.values())
            } else {
                conv.adjoint(y, weight.values())
            };
            Dense::new(of_x, x.shape())
        });
        let of_weight = wanted[1].then(|| {
            let of_weight = if self.transposed {
                conv.weight_gradient(y, x.values())
            } else {
                conv.weight_gradient(x.values(), y)
            };
            Dense::new(of_weight, weight.shape())
        });
        [of_x, of_weight]
    }
}

/// Batch normalization with the statistics of the batch, found beforehand.
#[derive(Clone, Debug)]
pub(super) struct Normalize {
    pub(super) shape: batch_norm::Shape,
    pub(super) mean: Vec<f32>,
    /// One over the standard deviation.
    pub(super) inv_std: Vec<f32>,
}

impl Fused<3> for Normalize {
    fn forward(&self, [x, gamma, beta]: [&Dense; 3]) -> Dense {
        let constants = [&self.mean[..], &self.inv_std, gamma.values(), beta.values()];
        Dense::new(batch_norm::forward(x.values(), self.shape, constants), x.shape())
    }

    fn backward(
        &self,
        [x, gamma, beta]: [&Dense; 3],
        gradient: Dense,
        _wanted: [bool; 3],
    ) -> [Option<Dense>; 3] {
        let constants = [&self.mean[..], &self.inv_std, gamma.values()];
        let mut of_x = gradient.into_values();
        let [of_gamma, of_beta] = batch_norm::backward(x.values(), &mut of_x, self.shape, constants);
        let vector = |values, like: &Dense| Some(Dense::new(values, like.shape()));
        [vector(of_x, x), vector(of_gamma, gamma), vector(of_beta, beta)]
    }
}

/// Adds an element per channel to `[batch, channels, elems]`.
#[derive(Clone, Debug)]
pub(super) struct AddChannels {
    pub(super) shape: batch_norm::Shape,
}

impl Fused<2> for AddChannels {
    fn forward(&self, [x, channels]: [&Dense; 2]) -> Dense {
        let elems = self.shape[2];
        let mut out = x.values().to_vec();
        let sample = parallel::part_samples(self.shape[0]) * self.shape[1] * elems;
        parallel::map_chunks(&mut out, sample, |_, out| {
            batch_norm::add_channels(out, channels.values(), elems);
        });
        Dense::new(out, x.shape())
    }

    fn backward(
        &self,
        [_, channels]: [&Dense; 2],
        gradient: Dense,
        _wanted: [bool; 2],
    ) -> [Option<Dense>; 2] {
        let sums = batch_norm::channel_sums(gradient.values(), self.shape);
        [Some(gradient), Some(Dense::new(sums, channels.shape()))]
    }
}
