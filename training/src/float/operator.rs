//! Operators of a float graph. The first dimension of every value is the batch; channels are the second.

use exactum_qonnx::Window;

use super::Weighted;

/// What a node computes.
#[derive(Clone, Debug, PartialEq)]
pub enum FloatOp {
    /// A layer with weights.
    Weighted(Weighted),
    /// A constant factor and a constant term per channel.
    BatchNorm(BatchNorm),
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, min), max)`: ReLU6, HardTanh.
    Clip {
        /// Smallest value.
        min: f32,
        /// Largest value.
        max: f32,
    },
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// Shares that add up to one, at the end of a classifier.
    Softmax {
        /// The dimension that they add up along; not the batch.
        axis: usize,
    },
    /// The sum of two values of one shape.
    Add,
    /// Values side by side.
    Concat {
        /// The dimension that grows; not the batch.
        axis: usize,
    },
    /// The largest element of each window.
    MaxPool(Window),
    /// The mean of each window.
    AveragePool(AveragePool),
    /// The mean of each channel; all dimensions behind it become 1.
    GlobalAveragePool,
    /// The mean along dimensions.
    Mean {
        /// Which; never the batch.
        axes: Vec<usize>,
        /// Whether they stay, with extent 1.
        keep_dims: bool,
    },
    /// All dimensions but the batch become one.
    Flatten,
    /// The same elements of each sample in another shape.
    Reshape {
        /// Extents behind the batch.
        sample_shape: Vec<usize>,
    },
    /// Dimensions in another order.
    Transpose {
        /// Which dimension of the input each dimension of the output is; the first is 0.
        perm: Vec<usize>,
    },
    /// Zeros around the spatial dimensions.
    Pad {
        /// Zeros before the first element of each spatial dimension.
        begin: Vec<usize>,
        /// Zeros behind the last.
        end: Vec<usize>,
    },
    /// The input.
    Identity,
    /// The input, except in training.
    Dropout {
        /// The fraction of elements that training drops.
        ratio: f32,
    },
}

/// The mean of each window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AveragePool {
    /// The windows.
    pub window: Window,
    /// Whether padding counts as elements of value zero.
    pub count_include_pad: bool,
}

/// Batch normalization with fixed statistics: `(x - mean) / sqrt(var + epsilon) * scale + bias`, by channel.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNorm {
    /// Factor, often called gamma.
    pub scale: Vec<f32>,
    /// Term, often called beta.
    pub bias: Vec<f32>,
    /// Mean of the training data.
    pub mean: Vec<f32>,
    /// Variance of the training data.
    pub var: Vec<f32>,
    /// Added to the variance.
    pub epsilon: f32,
}

impl BatchNorm {
    /// A constant term per channel.
    pub fn shift(bias: Vec<f32>) -> Self {
        let channels = bias.len();
        Self {
            scale: vec![1.0; channels],
            bias,
            mean: vec![0.0; channels],
            var: vec![1.0; channels],
            epsilon: 0.0,
        }
    }

    /// A constant factor per channel.
    pub fn factor(scale: Vec<f32>) -> Self {
        Self { scale: scale.clone(), ..Self::shift(vec![0.0; scale.len()]) }
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.scale.len()
    }

    /// Factor and term of each channel: `scale / sqrt(var + epsilon)` and `bias - mean * factor`, in `f64`.
    pub fn affine(&self) -> (Vec<f64>, Vec<f64>) {
        let factor =
            |c: usize| f64::from(self.scale[c]) / (f64::from(self.var[c]) + f64::from(self.epsilon)).sqrt();
        let term = |c: usize| f64::from(self.bias[c]) - f64::from(self.mean[c]) * factor(c);
        ((0..self.channels()).map(factor).collect(), (0..self.channels()).map(term).collect())
    }

    /// The normalization of channels `from..from + channels`.
    pub(super) fn slice(&self, from: usize, channels: usize) -> Self {
        let part = |values: &[f32]| values[from..from + channels].to_vec();
        Self {
            scale: part(&self.scale),
            bias: part(&self.bias),
            mean: part(&self.mean),
            var: part(&self.var),
            epsilon: self.epsilon,
        }
    }
}

impl FloatOp {
    /// The operator's name in messages and tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Weighted(layer) => layer.name(),
            Self::BatchNorm(_) => "BatchNorm",
            Self::Relu => "ReLU",
            Self::Clip { .. } => "Clip",
            Self::Sigmoid => "Sigmoid",
            Self::Tanh => "Tanh",
            Self::Softmax { .. } => "Softmax",
            Self::Add => "Add",
            Self::Concat { .. } => "Concat",
            Self::MaxPool(_) => "MaxPool",
            Self::AveragePool(_) => "AveragePool",
            Self::GlobalAveragePool => "GlobalAveragePool",
            Self::Mean { .. } => "Mean",
            Self::Flatten => "Flatten",
            Self::Reshape { .. } => "Reshape",
            Self::Transpose { .. } => "Transpose",
            Self::Pad { .. } => "Pad",
            Self::Identity => "Identity",
            Self::Dropout { .. } => "Dropout",
        }
    }
}
