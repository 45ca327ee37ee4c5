//! The softmax at the end of a classifier: floats that the caller of an integer program computes. Made by `builder`, applied
//! by `layer`.

use super::any_activation::AnyActivation;
use crate::ForwardError;
use crate::component::{Component, burn_module};

/// Shares that add up to one.
#[derive(Clone)]
pub struct Softmax {
    pub(super) name: String,
    pub(super) axis: usize,
}

impl Softmax {
    /// The shares along the dimension.
    ///
    /// # Errors
    ///
    /// If there is no such dimension.
    pub fn forward(&self, x: &AnyActivation) -> Result<AnyActivation, ForwardError> {
        match x {
            AnyActivation::Two(x) => x.softmax_as(&self.name, self.axis).map(AnyActivation::Two),
            AnyActivation::Three(x) => x.softmax_as(&self.name, self.axis).map(AnyActivation::Three),
            AnyActivation::Four(x) => x.softmax_as(&self.name, self.axis).map(AnyActivation::Four),
        }
    }
}

impl Component for Softmax {
    fn label(&self) -> String {
        format!("Softmax(axis={})", self.axis)
    }
}

burn_module!([] Softmax);
