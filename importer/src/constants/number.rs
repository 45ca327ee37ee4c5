//! Sums that keep what doubles lose.

/// A sum that carries along what each addition rounds off.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    sum: f64,
    rest: f64,
}

impl Sum {
    pub(super) fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        let lost =
            if self.sum.abs() >= value.abs() { self.sum - sum + value } else { value - sum + self.sum };
        self.sum = sum;
        if lost.is_finite() {
            self.rest += lost;
        }
    }

    pub(super) fn value(self) -> f64 {
        self.sum + self.rest
    }
}

/// The sum of `values`.
pub(super) fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sum = Sum::default();
    values.into_iter().for_each(|value| sum.add(value));
    sum.value()
}

/// The logarithm of the sum of exponentials.
pub(super) fn log_sum_exp(values: &[f64]) -> f64 {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !largest.is_finite() {
        return sum(values.iter().map(|x| x.exp())).ln();
    }
    sum(values.iter().map(|x| (x - largest).exp())).ln() + largest
}
