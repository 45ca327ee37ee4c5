//! How close outputs are to those expected from elsewhere, in the real values that both stand for.

use serde::Serialize;

use crate::interface::Port;

/// The errors of one output against the expected one, over all samples.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Quality {
    /// Name of the output.
    pub output: String,
    /// Elements compared.
    pub elements: u64,
    /// Those that differ; see [`Comparison`](super::Comparison).
    pub differing: u64,
    /// Largest magnitude of an error.
    pub max_error: f64,
    /// Mean magnitude.
    pub mean_error: f64,
    /// Signal to quantization noise: the power of the expected values over that of the errors, in decibels; absent if
    /// there is no error, or no signal.
    pub sqnr_db: Option<f64>,
    /// How often the largest of the channels is the same one, where there are channels to compare.
    pub argmax: Option<Agreement>,
}

/// A count of those that agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Agreement {
    /// How many agree.
    pub agree: u64,
    /// How many there are.
    pub of: u64,
}

/// Sums from which a [`Quality`] follows.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    pub(super) differing: u64,
    elements: u64,
    max_error: f64,
    total_error: f64,
    noise: f64,
    signal: f64,
    argmax: Agreement,
}

impl Sums {
    /// Adds one sample of `port`: the real values of the model and the expected ones.
    pub(super) fn add(&mut self, port: &Port, own: &[f64], expected: &[f64]) {
        for (own, expected) in own.iter().zip(expected) {
            let error = (own - expected).abs();
            self.elements += 1;
            self.max_error = self.max_error.max(error);
            self.total_error += error;
            self.noise += error * error;
            self.signal += expected * expected;
        }
        let channels = port.shape.get(1).copied().unwrap_or(1);
        let inner: usize = port.shape.iter().skip(2).product();
        if channels > 1 {
            for at in 0..inner {
                let largest = |values: &[f64]| {
                    let value =
                        |channel: usize| values.get(channel * inner + at).copied().unwrap_or(f64::NAN);
                    // The first of equal ones.
                    (1..channels)
                        .fold(0, |best, channel| if value(channel) > value(best) { channel } else { best })
                };
                self.argmax.of += 1;
                self.argmax.agree += u64::from(largest(own) == largest(expected));
            }
        }
    }

    pub(super) fn quality(&self, port: &Port) -> Quality {
        let finite = self.noise > 0.0 && self.signal > 0.0;
        Quality {
            output: port.name.clone(),
            elements: self.elements,
            differing: self.differing,
            max_error: self.max_error,
            mean_error: self.total_error / (self.elements.max(1) as f64),
            sqnr_db: finite.then(|| 10.0 * (self.signal / self.noise).log10()),
            argmax: Some(self.argmax).filter(|argmax| argmax.of > 0),
        }
    }
}
