//! Records of a forward pass, from which networks are exported.
//!
//! The forward code of a network is its only description: an export runs it once on an activation that carries a
//! [`Tracer`], and each layer leaves a [`Step`].

mod structural;

pub use structural::Structural;

use std::sync::{Arc, Mutex, PoisonError};

use exactum_qonnx::Window;

use crate::codes::FixedQuantizer;

/// Collects the steps of one forward pass. Clones share the collection.
#[derive(Clone, Debug, Default)]
pub struct Tracer {
    trace: Arc<Mutex<Trace>>,
}

/// A recorded forward pass. Value 0 is the input; step `i` defines value `i + 1`.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Shape of the input.
    pub input_shape: Vec<usize>,
    /// In the order of execution.
    pub steps: Vec<Step>,
}

/// One layer's part of a forward pass.
#[derive(Clone, Debug)]
pub struct Step {
    /// The values it reads.
    pub inputs: Vec<usize>,
    /// Shape of the value it defines.
    pub output_shape: Vec<usize>,
    /// What it does.
    pub record: Record,
}

/// What a layer does, with its parameters as constants.
#[derive(Clone, Debug)]
pub enum Record {
    /// Quantization of activations.
    Quant {
        /// The layer's name.
        name: String,
        /// Scale, zero point and type.
        quantizer: FixedQuantizer,
        /// The dimension with a scale per index, where there is more than one scale.
        axis: usize,
    },
    /// Values below zero become zero.
    Relu {
        /// The layer's name.
        name: String,
    },
    /// Values are limited to a range.
    HardTanh {
        /// The layer's name.
        name: String,
        /// Smallest value.
        min: f32,
        /// Largest value.
        max: f32,
    },
    /// `1 / (1 + exp(-x))`.
    Sigmoid {
        /// The layer's name.
        name: String,
    },
    /// The hyperbolic tangent.
    Tanh {
        /// The layer's name.
        name: String,
    },
    /// A layer with weights.
    Weighted(Box<Weighted>),
    /// A layer without weights.
    Structural {
        /// The layer's name.
        name: String,
        /// What it does.
        operator: Structural,
    },
    /// All dimensions but the first become one.
    Flatten {
        /// The layer's name.
        name: String,
    },
}

impl Record {
    /// The layer's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Quant { name, .. }
            | Self::Relu { name }
            | Self::HardTanh { name, .. }
            | Self::Sigmoid { name }
            | Self::Tanh { name }
            | Self::Structural { name, .. }
            | Self::Flatten { name } => name,
            Self::Weighted(layer) => &layer.name,
        }
    }
}

/// A layer with weights.
#[derive(Clone, Debug)]
pub struct Weighted {
    /// The layer's name.
    pub name: String,
    /// The linear operator.
    pub operator: Operator,
    /// Shape of the weight.
    pub weight_shape: Vec<usize>,
    /// The dimension of the weight that scales per channel run along.
    pub output_axis: usize,
    /// The weight.
    pub weight: Constant,
    /// The bias, one element per output channel.
    pub bias: Option<Constant>,
    /// Whether a quantized bias has a scale of its own, instead of the accumulator's.
    pub own_bias_scale: bool,
}

/// The linear operator of a layer with weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `x * transpose(w)`.
    Linear,
    /// Convolution; one number per spatial axis.
    Conv {
        /// Its windows.
        window: Window,
        /// Groups of channels that do not mix.
        groups: usize,
    },
    /// Transposed convolution; one number per spatial axis.
    ConvTranspose {
        /// Its windows in the output, of which padding is cut off.
        window: Window,
        /// Elements added at the end of the output.
        output_padding: Vec<usize>,
        /// Groups of channels that do not mix.
        groups: usize,
    },
}

/// A constant of a layer.
#[derive(Clone, Debug)]
pub enum Constant {
    /// Floats, row-major.
    Float(Vec<f32>),
    /// Codes, row-major, and their quantizer.
    Quantized {
        /// Integer codes.
        codes: Vec<i32>,
        /// Scale, zero point and type.
        quantizer: FixedQuantizer,
    },
}

impl Constant {
    /// Number of elements.
    pub fn len_elems(&self) -> usize {
        match self {
            Self::Float(values) => values.len(),
            Self::Quantized { codes, .. } => codes.len(),
        }
    }
}

/// An activation's place in a trace.
#[derive(Clone, Debug)]
pub(crate) struct TraceHandle {
    tracer: Tracer,
    value: usize,
}

impl Tracer {
    /// An empty collection.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was recorded so far.
    pub fn trace(&self) -> Trace {
        self.lock(|trace| trace.clone())
    }

    /// Starts over with an input of `shape`.
    pub(crate) fn input(&self, shape: Vec<usize>) -> TraceHandle {
        self.lock(|trace| *trace = Trace { input_shape: shape, steps: Vec::new() });
        TraceHandle { tracer: self.clone(), value: 0 }
    }

    fn lock<T>(&self, f: impl FnOnce(&mut Trace) -> T) -> T {
        f(&mut self.trace.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl TraceHandle {
    /// Records a step on these values of one trace and returns the place of its result; `None` of no values.
    pub(crate) fn push(operands: &[&Self], record: Record, output_shape: Vec<usize>) -> Option<Self> {
        let tracer = operands.first()?.tracer.clone();
        let inputs = operands.iter().map(|operand| operand.value).collect();
        let value = tracer.lock(|trace| {
            trace.steps.push(Step { inputs, output_shape, record });
            trace.steps.len()
        });
        Some(Self { tracer, value })
    }

    /// The number of the value.
    pub(crate) fn value(&self) -> usize {
        self.value
    }

    /// A name for a step without one, unique in the trace.
    pub(crate) fn step_name(&self, operator: &str) -> String {
        self.tracer.lock(|trace| format!("{operator}_{}", trace.steps.len()))
    }
}
