//! Dropout: random zeros in training, nothing in evaluation.

use std::sync::{Arc, Mutex, PoisonError};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::activation::{Activation, Data};
use crate::backend;
use crate::component::{Component, burn_module};
use crate::error::ForwardError;
use crate::pass::Mode;

/// In training sets elements to zero with a probability and divides the others by the rest of it. Handles share the
/// random numbers.
#[derive(Clone)]
pub struct Dropout {
    name: String,
    probability: f32,
    rng: Arc<Mutex<Pcg64Mcg>>,
}

impl Dropout {
    /// A layer that drops with `probability`, 0 to below 1; `seed` determines which elements.
    pub fn new(name: impl Into<String>, probability: f32, seed: u64) -> Self {
        let rng = Arc::new(Mutex::new(Pcg64Mcg::seed_from_u64(seed)));
        Self { name: name.into(), probability, rng }
    }

    /// The input with zeros in training, as floats; the input in evaluation, quantized if the input is.
    ///
    /// # Errors
    ///
    /// If the probability is not 0 to below 1.
    pub fn forward<const D: usize>(&self, x: &Activation<D>) -> Result<Activation<D>, ForwardError> {
        if !(0.0..1.0).contains(&self.probability) {
            let needed = format!("a probability from 0 to below 1 instead of {}", self.probability);
            return Err(ForwardError::Shape { layer: self.name.clone(), found: x.dims().to_vec(), needed });
        }
        if x.mode() == Mode::Eval || self.probability == 0.0 {
            return Ok(x.clone());
        }
        let (shape, kept) = (x.dims(), 1.0 - self.probability);
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        let elems: usize = shape.iter().product();
        let mask = (0..elems).map(|_| if rng.random::<f32>() < kept { 1.0 / kept } else { 0.0 }).collect();
        let value = x.value();
        let mask = backend::constant(mask, shape, &value);
        Ok(x.untraced_next(Data::Float(value * mask)))
    }
}

impl Component for Dropout {
    fn label(&self) -> String {
        format!("Dropout(p={})", self.probability)
    }
}

burn_module!([] Dropout);
