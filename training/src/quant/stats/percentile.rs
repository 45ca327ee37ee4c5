//! Percentiles: elements of a rank in ascending order.
//!
//! The upper percentile `q` of `n` elements has rank `floor(q / 100 * n + 0.5)`, the lower one `ceil(q / 100 * n)`, both
//! counted from 1 and limited to the elements there are.

use super::Stats;
use crate::Mode;
use crate::backend::{self, DType, Int, Tensor, TensorData};
use crate::component::Component;

/// A percentile of the magnitudes: the `floor(q / 100 * n + 0.5)`-th smallest of `n`.
#[derive(Clone, Copy, Debug)]
pub struct AbsPercentile {
    /// 0 to 100.
    pub q: f64,
}

impl Component for AbsPercentile {
    fn label(&self) -> String {
        format!("AbsPercentile(q={})", self.q)
    }
}

impl Stats for AbsPercentile {
    fn forward(&self, x: Tensor<2>, _mode: Mode) -> Tensor<2> {
        upper(x.abs(), self.q)
    }
}

/// The lower percentile, or zero if that is positive.
#[derive(Clone, Copy, Debug)]
pub struct NegativePercentileOrZero {
    /// 0 to 100.
    pub low_q: f64,
}

impl Component for NegativePercentileOrZero {
    fn label(&self) -> String {
        format!("NegativePercentileOrZero(low_q={})", self.low_q)
    }
}

impl Stats for NegativePercentileOrZero {
    fn forward(&self, x: Tensor<2>, _mode: Mode) -> Tensor<2> {
        lower(x, self.low_q).clamp_max(0.0)
    }
}

/// The distance between the lower percentile, or zero, and the upper one.
#[derive(Clone, Copy, Debug)]
pub struct PercentileInterval {
    /// 0 to 100.
    pub low_q: f64,
    /// 0 to 100.
    pub high_q: f64,
}

impl Component for PercentileInterval {
    fn label(&self) -> String {
        format!("PercentileInterval(low_q={}, high_q={})", self.low_q, self.high_q)
    }
}

impl Stats for PercentileInterval {
    fn forward(&self, x: Tensor<2>, mode: Mode) -> Tensor<2> {
        let low = NegativePercentileOrZero { low_q: self.low_q }.forward(x.clone(), mode);
        (upper(x, self.high_q) - low).abs()
    }
}

fn upper(x: Tensor<2>, q: f64) -> Tensor<2> {
    pick(x, |elems| (q / 100.0 * elems + 0.5).floor())
}

fn lower(x: Tensor<2>, q: f64) -> Tensor<2> {
    pick(x, |elems| (q / 100.0 * elems).ceil())
}

/// The element of each group whose rank, from 1, is `rank` of the number of elements.
fn pick(x: Tensor<2>, rank: impl Fn(f64) -> f64) -> Tensor<2> {
    let [groups, elems] = x.dims();
    let kth = (rank(elems as f64) as usize).clamp(1, elems.max(1)) - 1;
    let values = backend::to_f32(&x);
    let picked: Vec<i64> = values.chunks(elems.max(1)).map(|group| index_of_kth(group, kth)).collect();
    let data = TensorData::new(picked, [groups, 1]);
    let indices = Tensor::<2, Int>::from_data(data, (&x.device().inner(), DType::I64));
    x.gather(1, indices)
}

/// Where the element of rank `kth` (from 0) in ascending order stands.
fn index_of_kth(values: &[f32], kth: usize) -> i64 {
    let mut order: Vec<usize> = (0..values.len()).collect();
    let (_, index, _) = order.select_nth_unstable_by(kth, |&a, &b| values[a].total_cmp(&values[b]));
    *index as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::AbsMax;

    fn groups() -> Tensor<2> {
        let values = vec![0.5, -4.0, 1.0, -2.0, 3.0, -1.0, 0.0, 2.5];
        backend::tensor(values, [2, 4], &backend::training_device()).require_grad()
    }

    #[test]
    fn percentiles_pick_an_element_of_each_group() {
        let percentile = |q| backend::to_f32(&AbsPercentile { q }.forward(groups(), Mode::Train));
        assert_eq!(percentile(99.999), [4.0, 3.0]);
        assert_eq!(percentile(50.0), [1.0, 1.0]);
        assert_eq!(percentile(0.0), [0.5, 0.0]);
        // floor(0.625 * 4 + 0.5) = 3: the third smallest.
        assert_eq!(percentile(62.5), [2.0, 2.5]);
        assert_eq!(backend::to_f32(&AbsMax.forward(groups(), Mode::Train)), [4.0, 3.0]);
    }

    #[test]
    fn intervals_reach_from_the_lower_percentile_to_the_upper_one() {
        let found = |low_q, high_q| {
            backend::to_f32(&PercentileInterval { low_q, high_q }.forward(groups(), Mode::Train))
        };
        assert_eq!(found(0.001, 99.999), [5.0, 4.0]);
        // ceil(0.5 * 4) = 2 and floor(0.75 * 4 + 0.5) = 3: -2 to 0.5, and 0 to 2.5.
        assert_eq!(found(50.0, 75.0), [2.5, 2.5]);
        let lowest = NegativePercentileOrZero { low_q: 75.0 }.forward(groups(), Mode::Train);
        assert_eq!(backend::to_f32(&lowest), [0.0, 0.0]);
    }

    #[test]
    fn the_picked_element_gets_the_gradient() {
        for stats in [&AbsMax as &dyn Stats, &AbsPercentile { q: 100.0 }] {
            let x = groups();
            let gradients = stats.forward(x.clone(), Mode::Train).sum().backward();
            let needed = [0.0, -1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
            assert_eq!(backend::to_f32(&x.grad(&gradients).unwrap()), needed, "{}", stats.label());
        }
    }
}
