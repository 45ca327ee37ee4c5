//! Layers of several inputs in networks made from graphs. Their operands are aligned: one quantizer made them all.

use crate::component::{Component, burn_module};
use crate::{Activation, ForwardError};

/// The sum of two values.
#[derive(Clone)]
pub struct Add {
    name: String,
}

/// Values side by side.
#[derive(Clone)]
pub struct Concat {
    name: String,
    axis: usize,
}

impl Add {
    /// A layer called `name`.
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    /// The sum of the operands.
    ///
    /// # Errors
    ///
    /// If their shapes or scales differ.
    pub fn forward<const D: usize>(
        &self,
        operands: [&Activation<D>; 2],
    ) -> Result<Activation<D>, ForwardError> {
        operands[0].add_as(&self.name, operands[1])
    }
}

impl Concat {
    /// A layer called `name` along dimension `axis`.
    pub(super) fn new(name: impl Into<String>, axis: usize) -> Self {
        Self { name: name.into(), axis }
    }

    /// The operands one behind the other.
    ///
    /// # Errors
    ///
    /// If their shapes, scales or types differ.
    pub fn forward<const D: usize>(
        &self,
        operands: &[&Activation<D>],
    ) -> Result<Activation<D>, ForwardError> {
        Activation::cat_as(&self.name, operands, self.axis)
    }
}

impl Component for Add {
    fn label(&self) -> String {
        "Add()".into()
    }
}

impl Component for Concat {
    fn label(&self) -> String {
        format!("Concat(axis={})", self.axis)
    }
}

burn_module!([] Add, [] Concat);
