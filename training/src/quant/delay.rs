//! Quantization that starts late: the first training passes see the values as they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Mode;
use crate::backend::Tensor;
use crate::component::Component;

/// Returns the values for a number of training passes, and the quantized values from then on. Evaluation is quantized
/// from the start: it is what the integer program computes.
///
/// A handle: clones count together.
#[derive(Clone, Debug)]
pub struct DelayWrapper {
    quant_delay_steps: usize,
    remaining: Arc<AtomicUsize>,
}

impl DelayWrapper {
    /// A delay of `quant_delay_steps` training passes.
    pub fn new(quant_delay_steps: usize) -> Self {
        Self { quant_delay_steps, remaining: Arc::new(AtomicUsize::new(quant_delay_steps)) }
    }

    /// `x` or `quantized`.
    pub fn forward(&self, x: impl FnOnce() -> Tensor<2>, quantized: Tensor<2>, mode: Mode) -> Tensor<2> {
        if mode == Mode::Eval || self.quant_delay_steps == 0 {
            return quantized;
        }
        let next = |remaining: usize| remaining.checked_sub(1);
        match self.remaining.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
            Ok(_) => x(),
            Err(_) => quantized,
        }
    }
}

impl Component for DelayWrapper {
    fn label(&self) -> String {
        match self.quant_delay_steps {
            0 => "NoDelay()".into(),
            steps => format!("DelayQuant(quant_delay_steps={steps})"),
        }
    }
}
