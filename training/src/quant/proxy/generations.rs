//! A quantizer that can be replaced while others hold references to it.

use std::sync::{Arc, OnceLock};

use crate::quant::TensorQuant;

/// All quantizers a proxy has had; the last one counts. Earlier ones stay, so that references to them stay valid; they
/// are few and small, because a quantizer is built anew only when a layer joins or state is loaded.
pub(super) struct Generations {
    tensor_quant: Arc<dyn TensorQuant>,
    next: OnceLock<Box<Generations>>,
}

impl Generations {
    pub(super) fn new(tensor_quant: Arc<dyn TensorQuant>) -> Self {
        Self { tensor_quant, next: OnceLock::new() }
    }

    /// The newest quantizer.
    pub(super) fn current(&self) -> &Arc<dyn TensorQuant> {
        &self.last().tensor_quant
    }

    /// Replaces the quantizer.
    pub(super) fn push(&self, tensor_quant: Arc<dyn TensorQuant>) {
        let mut newest = Box::new(Self::new(tensor_quant));
        let mut last = self.last();
        while let Err(again) = last.next.set(newest) {
            newest = again;
            last = last.last();
        }
    }

    fn last(&self) -> &Self {
        let mut last = self;
        while let Some(next) = last.next.get() {
            last = next;
        }
        last
    }
}
