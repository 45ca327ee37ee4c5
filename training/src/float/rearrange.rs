//! Layers that move values in networks made from graphs: into other shapes, into another order of dimensions, between
//! zeros. Codes stay codes. Made by `builder`, applied by `layer`.

use super::any_activation::{AnyActivation, with_rank};
use crate::ForwardError;
use crate::component::{Component, burn_module};

/// The same elements of each sample in another shape.
#[derive(Clone)]
pub struct Reshape {
    pub(super) name: String,
    /// Extents behind the batch.
    pub(super) sample_shape: Vec<usize>,
}

/// Dimensions in another order; the batch stays first.
#[derive(Clone)]
pub struct Transpose {
    pub(super) name: String,
    pub(super) perm: Vec<usize>,
}

/// Zeros around the spatial dimensions.
#[derive(Clone)]
pub struct Pad {
    pub(super) name: String,
    pub(super) begin: Vec<usize>,
    pub(super) end: Vec<usize>,
}

impl Reshape {
    /// The input in its new shape.
    ///
    /// # Errors
    ///
    /// If the input has another number of elements, or the shape has no layers for its rank.
    pub fn forward(&self, x: &AnyActivation) -> Result<AnyActivation, ForwardError> {
        let batch = x.dims()[0];
        match self.sample_shape[..] {
            [a] => with_rank!(x, x => x.reshape_as(&self.name, [batch, a])).map(AnyActivation::Two),
            [a, b] => with_rank!(x, x => x.reshape_as(&self.name, [batch, a, b])).map(AnyActivation::Three),
            [a, b, c] => {
                with_rank!(x, x => x.reshape_as(&self.name, [batch, a, b, c])).map(AnyActivation::Four)
            }
            _ => Err(x.misfit(&self.name, "a shape of 2 to 4 dimensions")),
        }
    }
}

impl Transpose {
    /// The input with its dimensions in their new order.
    ///
    /// # Errors
    ///
    /// If the input has another rank.
    pub fn forward(&self, x: &AnyActivation) -> Result<AnyActivation, ForwardError> {
        macro_rules! permuted {
            ($x:expr, $variant:ident) => {
                match self.perm[..].try_into() {
                    Ok(axes) => $x.permute_as(&self.name, axes).map(AnyActivation::$variant),
                    Err(_) => Err(x.misfit(&self.name, &format!("{} dimensions", self.perm.len()))),
                }
            };
        }
        match x {
            AnyActivation::Two(x) => permuted!(x, Two),
            AnyActivation::Three(x) => permuted!(x, Three),
            AnyActivation::Four(x) => permuted!(x, Four),
        }
    }
}

impl Pad {
    /// The input between zeros.
    ///
    /// # Errors
    ///
    /// If the input has another rank, or zero is no code of it.
    pub fn forward(&self, x: &AnyActivation) -> Result<AnyActivation, ForwardError> {
        let pads: Vec<(usize, usize)> = self.begin.iter().copied().zip(self.end.iter().copied()).collect();
        match (x, &pads[..]) {
            (AnyActivation::Three(x), &[width]) => x.pad_as(&self.name, [width]).map(AnyActivation::Three),
            (AnyActivation::Four(x), &[height, width]) => {
                x.pad_as(&self.name, [height, width]).map(AnyActivation::Four)
            }
            _ => {
                Err(x.misfit(&self.name, &format!("[batch, channels] and {} spatial dimensions", pads.len())))
            }
        }
    }
}

impl Component for Reshape {
    fn label(&self) -> String {
        format!("Reshape({:?})", self.sample_shape)
    }
}

impl Component for Transpose {
    fn label(&self) -> String {
        format!("Transpose({:?})", self.perm)
    }
}

impl Component for Pad {
    fn label(&self) -> String {
        format!("Pad(begin={:?}, end={:?})", self.begin, self.end)
    }
}

burn_module!([] Reshape, [] Transpose, [] Pad);
