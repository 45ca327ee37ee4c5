//! Batch normalization of `[batch, channels, elems]` with the statistics of the batch. Called by `ops::Normalize`.

use pulp::{Arch, Simd, WithSimd};

use super::parallel::{map_chunks, map_parts, part_samples};

/// Sums of a run are kept in as many lanes.
const LANES: usize = 16;

/// `[batch, channels, elems]`.
pub(super) type Shape = [usize; 3];

/// Sums of `terms(x, y)` over the elements of one channel.
struct ChannelSum<'a, F, const N: usize> {
    shape: Shape,
    channel: usize,
    x: &'a [f32],
    y: &'a [f32],
    terms: F,
}

impl<F: Fn(f32, f32) -> [f32; N], const N: usize> WithSimd for ChannelSum<'_, F, N> {
    type Output = [f64; N];

    // The compiler vectorizes these loops: what is inlined here may use every instruction of `S`.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [f64; N] {
        let [batch, channels, elems] = self.shape;
        let mut totals = [[0f64; LANES]; N];
        for sample in 0..batch {
            let run = (sample * channels + self.channel) * elems;
            let (x, x_tail) = self.x[run..run + elems].as_chunks::<LANES>();
            let (y, y_tail) = self.y[run..run + elems].as_chunks::<LANES>();
            let mut sums = [[0f32; LANES]; N];
            for (x, y) in x.iter().zip(y) {
                add_terms(&mut sums, x, y, LANES, &self.terms);
            }
            add_terms(&mut sums, &filled(x_tail), &filled(y_tail), x_tail.len(), &self.terms);
            for (totals, sums) in totals.iter_mut().zip(sums) {
                totals.iter_mut().zip(sums).for_each(|(total, sum)| *total += f64::from(sum));
            }
        }
        totals.map(|lanes| lanes.iter().sum())
    }
}

/// Fewer elements than there are lanes, zeros behind them.
#[inline(always)]
fn filled(tail: &[f32]) -> [f32; LANES] {
    let mut lanes = [0.0; LANES];
    lanes[..tail.len()].copy_from_slice(tail);
    lanes
}

/// Adds the terms of the first `count` elements.
#[inline(always)]
fn add_terms<const N: usize>(
    sums: &mut [[f32; LANES]; N],
    x: &[f32; LANES],
    y: &[f32; LANES],
    count: usize,
    terms: impl Fn(f32, f32) -> [f32; N],
) {
    for lane in 0..LANES {
        for (sum, term) in sums.iter_mut().zip(terms(x[lane], y[lane])) {
            sum[lane] += if lane < count { term } else { 0.0 };
        }
    }
}

/// Sums of `terms(x, y)` over the elements of channel `channel`.
fn channel_sum<const N: usize>(
    shape: Shape,
    channel: usize,
    [x, y]: [&[f32]; 2],
    terms: impl Fn(f32, f32) -> [f32; N],
) -> [f64; N] {
    Arch::new().dispatch(ChannelSum { shape, channel, x, y, terms })
}

/// `out += ` an element per channel, in each of its runs of `elems`.
pub(super) fn add_channels(out: &mut [f32], channels: &[f32], elems: usize) {
    if elems == 1 {
        for row in out.chunks_exact_mut(channels.len()) {
            row.iter_mut().zip(channels).for_each(|(out, channel)| *out += channel);
        }
    } else {
        for (run, channel) in out.chunks_exact_mut(elems).zip(channels.iter().cycle()) {
            run.iter_mut().for_each(|out| *out += channel);
        }
    }
}

/// The sum of each channel.
pub(super) fn channel_sums(x: &[f32], shape: Shape) -> Vec<f32> {
    if shape[2] == 1 {
        let mut sums = vec![0f64; shape[1]];
        for row in x.chunks_exact(shape[1]) {
            sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
        }
        return sums.iter().map(|sum| *sum as f32).collect();
    }
    map_parts(shape[1], x.len(), |channel| {
        let [sum] = channel_sum(shape, channel, [x, x], |x, _| [x]);
        sum as f32
    })
}

/// Mean and variance (of the population) of each channel.
pub(super) fn statistics(x: &[f32], shape: Shape) -> (Vec<f32>, Vec<f32>) {
    let count = (shape[0] * shape[2]) as f64;
    let per_channel = map_parts(shape[1], x.len(), |channel| {
        let [sum] = channel_sum(shape, channel, [x, x], |x, _| [x]);
        let mean = (sum / count) as f32;
        let [squares] = channel_sum(shape, channel, [x, x], |x, _| [(x - mean) * (x - mean)]);
        (mean, (squares / count) as f32)
    });
    per_channel.into_iter().unzip()
}

/// `out = out * factors[channel][0] + x * factors[channel][1] + factors[channel][2]`.
fn combine(out: &mut [f32], x: &[f32], [batch, _, elems]: Shape, factors: &[[f32; 3]]) {
    let part = part_samples(batch) * factors.len() * elems;
    map_chunks(out, part, |index, out| {
        let x = &x[index * part..][..out.len()];
        Arch::new().dispatch(Combine { elems, factors, x, out });
    });
}

struct Combine<'a> {
    elems: usize,
    factors: &'a [[f32; 3]],
    x: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Combine<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let runs = self.out.chunks_exact_mut(self.elems).zip(self.x.chunks_exact(self.elems));
        for ((out, x), [a, b, c]) in runs.zip(self.factors.iter().cycle()) {
            for (out, x) in out.iter_mut().zip(x) {
                *out = *out * a + x * b + c;
            }
        }
    }
}

/// `(x - mean) * inv_std * gamma + beta` of each channel.
pub(super) fn forward(x: &[f32], shape: Shape, [mean, inv_std, gamma, beta]: [&[f32]; 4]) -> Vec<f32> {
    let factors: Vec<_> = (0..shape[1])
        .map(|channel| {
            let factor = inv_std[channel] * gamma[channel];
            [0.0, factor, beta[channel] - mean[channel] * factor]
        })
        .collect();
    let mut out = vec![0.0; x.len()];
    combine(&mut out, x, shape, &factors);
    out
}

/// Gradients of gamma and beta; `gradient` becomes that of `x`, of which the statistics are functions.
pub(super) fn backward(
    x: &[f32],
    gradient: &mut [f32],
    shape: Shape,
    [mean, inv_std, gamma]: [&[f32]; 3],
) -> [Vec<f32>; 2] {
    let sums = map_parts(shape[1], x.len(), |channel| {
        let (mean, inv_std) = (mean[channel], inv_std[channel]);
        channel_sum(shape, channel, [x, &*gradient], |x, gradient| {
            [gradient * ((x - mean) * inv_std), gradient]
        })
    });
    let count = (shape[0] * shape[2]) as f64;
    let factors: Vec<_> = sums
        .iter()
        .enumerate()
        .map(|(channel, [of_gamma, of_beta])| {
            // gamma * inv_std * (g - mean(g) - x_hat * mean(g * x_hat)), as a sum of g, x and a constant.
            let (mean, inv_std) = (f64::from(mean[channel]), f64::from(inv_std[channel]));
            let factor = f64::from(gamma[channel]) * inv_std;
            let of_x = -factor * inv_std * of_gamma / count;
            [factor as f32, of_x as f32, (-factor * of_beta / count - of_x * mean) as f32]
        })
        .collect();
    combine(gradient, x, shape, &factors);
    [0, 1].map(|index| sums.iter().map(|sums| sums[index] as f32).collect())
}
