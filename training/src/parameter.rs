//! Trainable values, shared between the layers that use them and the optimizer that moves them.
//!
//! A parameter is a handle: clones are the same parameter. Sharing a quantizer, or one of its components, between
//! layers is therefore plain cloning of its handle. Layers read parameters, `train` writes them.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::Mode;
use crate::backend::{self, Gradients, Tensor};

/// A trainable tensor with a fixed shape. Cloning gives another handle of the same values.
#[derive(Clone)]
pub struct Parameter {
    shared: Arc<Shared>,
}

struct Shared {
    shape: Vec<usize>,
    /// A leaf of the autograd graph; flat, so that parameters of every rank have one type.
    leaf: RwLock<Tensor<1>>,
}

impl Parameter {
    /// A parameter of `shape` with row-major `values`.
    ///
    /// # Panics
    ///
    /// If the number of values is not the product of `shape`.
    pub fn new(values: Vec<f32>, shape: &[usize]) -> Self {
        assert_eq!(values.len(), shape.iter().product::<usize>(), "values of a parameter of shape {shape:?}");
        Self { shared: Arc::new(Shared { shape: shape.to_vec(), leaf: RwLock::new(leaf(values)) }) }
    }

    /// Extents of the dimensions.
    pub fn shape(&self) -> &[usize] {
        &self.shared.shape
    }

    /// Number of elements.
    pub fn len_elems(&self) -> usize {
        self.shared.shape.iter().product()
    }

    /// The values, row-major.
    pub fn values(&self) -> Vec<f32> {
        backend::to_f32(&self.flat())
    }

    /// Replaces all values.
    ///
    /// # Panics
    ///
    /// If the number of values differs from the number of elements.
    pub fn set(&self, values: Vec<f32>) {
        assert_eq!(values.len(), self.len_elems(), "values of a parameter of shape {:?}", self.shape());
        self.replace(leaf(values));
    }

    /// The values as a tensor, part of the autograd graph in [`Mode::Train`].
    ///
    /// # Panics
    ///
    /// If `shape` has another number of elements.
    pub fn tensor<const D: usize>(&self, mode: Mode, shape: [usize; D]) -> Tensor<D> {
        match mode {
            Mode::Train => self.flat(),
            Mode::Eval => self.flat().inner(),
        }
        .reshape(shape)
    }

    /// Whether both handles are the same parameter.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// The gradient that a backward pass left for this parameter, flat, if it was part of the graph.
    pub fn gradient(&self, gradients: &Gradients) -> Option<Tensor<1>> {
        self.flat().grad(gradients)
    }

    /// Applies `step` to the values, outside the autograd graph.
    pub(crate) fn update(&self, step: impl FnOnce(Tensor<1>) -> Tensor<1>) {
        let moved = step(self.flat().inner());
        self.replace(moved.autodiff().require_grad());
    }

    fn flat(&self) -> Tensor<1> {
        self.shared.leaf.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, leaf: Tensor<1>) {
        *self.shared.leaf.write().unwrap_or_else(PoisonError::into_inner) = leaf;
    }
}

fn leaf(values: Vec<f32>) -> Tensor<1> {
    let len = values.len();
    backend::tensor(values, [len], &backend::training_device()).require_grad()
}

impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parameter{:?}", self.shape())
    }
}
