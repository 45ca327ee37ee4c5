//! Batch normalization: a factor and an addend per channel.
//!
//! Training uses the statistics of the batch and moves the running ones. Evaluation uses the running ones: the pair
//! `(weight / sqrt(var + eps), bias - mean * weight / sqrt(var + eps))`, evaluated once in `f64` from left to right, is
//! exact from then on, so that codes stay codes with one scale and one offset per channel.

use super::wbiol::{OperatorShape, Wbiol};
use crate::Parameter;
use crate::activation::{Activation, Data};
use crate::backend;
use crate::component::{Component, burn_module};
use crate::error::ForwardError;
use crate::math::broadcast;
use crate::pass::Mode;
use crate::quant_tensor::{OperandError, QuantTensor};
use crate::real::Real;
use crate::trace::{Record, Structural};

/// Batch normalization of `[batch, channels, ...]`.
#[derive(Clone)]
pub struct BatchNorm {
    name: String,
    weight: Parameter,
    bias: Parameter,
    running_mean: Parameter,
    running_var: Parameter,
    num_batches_tracked: Parameter,
    eps: f32,
    momentum: f32,
}

/// Batch normalization of `[batch, channels]` or `[batch, channels, length]`.
pub type BatchNorm1d = BatchNorm;

/// Batch normalization of `[batch, channels, height, width]`.
pub type BatchNorm2d = BatchNorm;

impl BatchNorm {
    /// Weight 1, bias 0, running mean 0 and variance 1; epsilon 1e-5, momentum 0.1.
    pub fn new(name: impl Into<String>, channels: usize) -> Self {
        let filled = |value: f32| Parameter::new(vec![value; channels], &[channels]);
        let running = |value: f32| Parameter::buffer(vec![value; channels], &[channels]);
        Self {
            name: name.into(),
            weight: filled(1.0),
            bias: filled(0.0),
            running_mean: running(0.0),
            running_var: running(1.0),
            num_batches_tracked: Parameter::buffer(vec![0.0], &[1]),
            eps: 1e-5,
            momentum: 0.1,
        }
    }

    /// Added to variances.
    #[must_use]
    pub fn eps(self, eps: f32) -> Self {
        Self { eps, ..self }
    }

    /// Weight of the newest batch in running statistics.
    #[must_use]
    pub fn momentum(self, momentum: f32) -> Self {
        Self { momentum, ..self }
    }

    /// Factors, one per channel.
    pub fn weight(&self) -> &Parameter {
        &self.weight
    }

    /// Addends, one per channel.
    pub fn bias(&self) -> &Parameter {
        &self.bias
    }

    /// Means of evaluation, one per channel: a buffer.
    pub fn running_mean(&self) -> &Parameter {
        &self.running_mean
    }

    /// Variances of evaluation, one per channel: a buffer.
    pub fn running_var(&self) -> &Parameter {
        &self.running_var
    }

    /// Training passes so far, in one element: a buffer.
    pub fn num_batches_tracked(&self) -> &Parameter {
        &self.num_batches_tracked
    }

    /// The normalized input. In evaluation a quantized input stays quantized, with one scale and offset per channel.
    ///
    /// # Errors
    ///
    /// If dimension 1 of the input does not have the layer's channels, or the statistics are not finite.
    pub fn forward<const D: usize>(&self, x: &Activation<D>) -> Result<Activation<D>, ForwardError> {
        let found = x.dims();
        let channels = self.weight.len_elems();
        if found.get(1) != Some(&channels) {
            let needed = format!("[batch, {channels}, ...]");
            return Err(ForwardError::Shape { layer: self.name.clone(), found: found.to_vec(), needed });
        }
        if x.mode() == Mode::Train {
            return self.train(x);
        }
        let (factors, addends) = self.constants()?;
        let data = match x.quant().map(|quant| (quant, quant.exact())) {
            Some((_, Some(exact))) => {
                if exact.per_channel() && exact.axis != 1 {
                    let source = OperandError::Axes { left: exact.axis, right: 1 };
                    return Err(ForwardError::Operands { layer: self.name.clone(), source });
                }
                let real = |values: &[f64]| values.iter().map(|v| Real::from(*v)).collect::<Vec<_>>();
                QuantTensor::from(exact.affine(&real(&factors), &real(&addends), 1)).into()
            }
            _ => {
                let value = x.value();
                let row = |values: &[f64]| {
                    let values = values.iter().map(|value| *value as f32).collect();
                    broadcast(backend::constant(values, [channels, 1], &value), Some(1))
                };
                Data::Float(value.clone() * row(&factors) + row(&addends))
            }
        };
        Ok(x.next(data, || Record::Structural {
            name: self.name.clone(),
            operator: Structural::BatchNorm {
                weight: self.weight.values(),
                bias: self.bias.values(),
                mean: self.running_mean.values(),
                variance: self.running_var.values(),
                epsilon: self.eps,
            },
        }))
    }

    fn train<const D: usize>(&self, x: &Activation<D>) -> Result<Activation<D>, ForwardError> {
        let found = x.dims();
        let channels = self.weight.len_elems();
        let elems: usize = found.iter().product::<usize>() / channels.max(1);
        if elems < 2 {
            let needed = "at least two elements per channel, to have a variance".to_owned();
            return Err(ForwardError::Shape { layer: self.name.clone(), found: found.to_vec(), needed });
        }
        let weight = self.weight.tensor(Mode::Train, [channels]);
        let bias = self.bias.tensor(Mode::Train, [channels]);
        let y = backend::batch_norm_train(x.value(), weight, bias, f64::from(self.eps));
        let unbiased = elems as f32 / (elems - 1) as f32;
        let follow = |running: &Parameter, batch: Vec<f32>, factor: f32| {
            let values = running.values().into_iter().zip(batch);
            let m = self.momentum;
            running.set(values.map(|(old, new)| (1.0 - m) * old + m * (new * factor)).collect());
        };
        follow(&self.running_mean, backend::to_f32(&y.mean), 1.0);
        follow(&self.running_var, backend::to_f32(&y.variance), unbiased);
        let counted = self.num_batches_tracked.values();
        self.num_batches_tracked.set(counted.into_iter().map(|count| count + 1.0).collect());
        Ok(x.untraced_next(Data::Float(y.output)))
    }

    /// Factor and addend of each channel, exact by definition.
    fn constants(&self) -> Result<(Vec<f64>, Vec<f64>), ForwardError> {
        let values =
            |parameter: &Parameter| parameter.values().into_iter().map(f64::from).collect::<Vec<_>>();
        let (weight, bias) = (values(&self.weight), values(&self.bias));
        let (mean, var) = (values(&self.running_mean), values(&self.running_var));
        let eps = f64::from(self.eps);
        let pairs = (0..weight.len()).map(|c| {
            let deviation = (var[c] + eps).sqrt();
            (weight[c] / deviation, bias[c] - mean[c] * weight[c] / deviation)
        });
        let (factors, addends): (Vec<f64>, Vec<f64>) = pairs.unzip();
        match factors.iter().chain(&addends).position(|value| !value.is_finite()) {
            None => Ok((factors, addends)),
            Some(index) => Err(ForwardError::NotFinite {
                layer: self.name.clone(),
                index: index % factors.len(),
                value: if index < factors.len() { factors[index] } else { addends[index - factors.len()] }
                    as f32,
            }),
        }
    }

    /// Moves the normalization into the weight and the bias of the layer before it, which gets a bias if it has none.
    /// This layer then does nothing but its epsilon: weight 1, bias 0, mean 0, variance 1 - epsilon.
    ///
    /// # Errors
    ///
    /// If the layer has another number of output channels, or the statistics are not finite.
    pub fn merge_into<O: OperatorShape>(&self, layer: &Wbiol<O>) -> Result<(), ForwardError> {
        let (factors, addends) = self.constants()?;
        layer.scale_outputs(&self.name, &factors, &addends)?;
        let channels = factors.len();
        self.weight.set(vec![1.0; channels]);
        self.bias.set(vec![0.0; channels]);
        self.running_mean.set(vec![0.0; channels]);
        self.running_var.set(vec![1.0 - self.eps; channels]);
        Ok(())
    }
}

impl Component for BatchNorm {
    fn label(&self) -> String {
        format!("BatchNorm({}, eps={:?}, momentum={})", self.weight.len_elems(), self.eps, self.momentum)
    }

    fn parameters(&self) -> Vec<(&'static str, &Parameter)> {
        vec![
            ("weight", &self.weight),
            ("bias", &self.bias),
            ("running_mean", &self.running_mean),
            ("running_var", &self.running_var),
            ("num_batches_tracked", &self.num_batches_tracked),
        ]
    }
}

burn_module!([] BatchNorm);
