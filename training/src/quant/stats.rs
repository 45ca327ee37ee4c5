//! Statistics from which thresholds start: of weights on every pass, of activations while they are collected.

use crate::backend::{self, DType, Int, Tensor, TensorData};
use crate::component::Component;

/// A statistic of each group.
pub trait Stats: Component {
    /// `[groups, elems]` to `[groups, 1]`.
    fn forward(&self, x: Tensor<2>) -> Tensor<2>;
}

/// The largest magnitude.
#[derive(Clone, Copy, Debug, Default)]
pub struct AbsMax;

impl Component for AbsMax {
    fn label(&self) -> String {
        "AbsMax()".into()
    }
}

impl Stats for AbsMax {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        x.abs().max_dim(1)
    }
}

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
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let [groups, elems] = x.dims();
        let magnitudes = x.abs();
        let kth = ((self.q / 100.0 * elems as f64 + 0.5).floor() as usize).clamp(1, elems.max(1)) - 1;
        let values = backend::to_f32(&magnitudes);
        let picked: Vec<i64> = values.chunks(elems.max(1)).map(|group| index_of_kth(group, kth)).collect();
        let data = TensorData::new(picked, [groups, 1]);
        let indices = Tensor::<2, Int>::from_data(data, (&magnitudes.device().inner(), DType::I64));
        magnitudes.gather(1, indices)
    }
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

    fn groups() -> Tensor<2> {
        let values = vec![0.5, -4.0, 1.0, -2.0, 3.0, -1.0, 0.0, 2.5];
        backend::tensor(values, [2, 4], &backend::training_device()).require_grad()
    }

    #[test]
    fn percentiles_pick_an_element_of_each_group() {
        let percentile = |q| backend::to_f32(&AbsPercentile { q }.forward(groups()));
        assert_eq!(percentile(99.999), [4.0, 3.0]);
        assert_eq!(percentile(50.0), [1.0, 1.0]);
        assert_eq!(percentile(0.0), [0.5, 0.0]);
        // floor(0.625 * 4 + 0.5) = 3: the third smallest.
        assert_eq!(percentile(62.5), [2.0, 2.5]);
        assert_eq!(backend::to_f32(&AbsMax.forward(groups())), [4.0, 3.0]);
    }

    #[test]
    fn the_picked_element_gets_the_gradient() {
        for stats in [&AbsMax as &dyn Stats, &AbsPercentile { q: 100.0 }] {
            let x = groups();
            let gradients = stats.forward(x.clone()).sum().backward();
            let needed = [0.0, -1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
            assert_eq!(backend::to_f32(&x.grad(&gradients).unwrap()), needed, "{}", stats.label());
        }
    }
}
