//! Activations whose rank is known only when the network runs.

use crate::{Activation, ForwardError};

/// An activation of rank 2 to 4.
#[derive(Clone)]
pub enum AnyActivation {
    /// `[batch, features]`.
    Two(Activation<2>),
    /// `[batch, channels, length]`.
    Three(Activation<3>),
    /// `[batch, channels, height, width]`.
    Four(Activation<4>),
}

/// Evaluates an expression on the activation, whatever its rank.
macro_rules! with_rank {
    ($any:expr, $x:ident => $body:expr) => {
        match $any {
            AnyActivation::Two($x) => $body,
            AnyActivation::Three($x) => $body,
            AnyActivation::Four($x) => $body,
        }
    };
}
pub(super) use with_rank;

impl AnyActivation {
    /// Extents of the dimensions.
    pub fn dims(&self) -> Vec<usize> {
        with_rank!(self, x => x.dims().to_vec())
    }

    /// The integer codes, row-major, if the activation is quantized and its values are codes.
    pub fn codes(&self) -> Option<Vec<i64>> {
        with_rank!(self, x => x.quant()?.codes().ok())
    }

    /// The scales, if the activation is quantized.
    pub fn scale(&self) -> Option<Vec<f32>> {
        with_rank!(self, x => Some(x.quant()?.scale()))
    }

    /// The values as floats, row-major.
    pub fn values(&self) -> Vec<f32> {
        with_rank!(self, x => crate::backend::to_f32(&x.value()))
    }

    /// An input that `layer` cannot take.
    pub(super) fn misfit(&self, layer: &str, needed: &str) -> ForwardError {
        ForwardError::Shape { layer: layer.to_owned(), found: self.dims(), needed: needed.to_owned() }
    }
}

/// Ranks that networks can have at their ends.
pub trait Ranked: Sized {
    /// The same activation.
    fn any(self) -> AnyActivation;

    /// The activation, if it has this rank.
    fn of(any: AnyActivation) -> Option<Self>;
}

macro_rules! ranked {
    ($($rank:literal $variant:ident),*) => {$(
        impl Ranked for Activation<$rank> {
            fn any(self) -> AnyActivation {
                AnyActivation::$variant(self)
            }

            fn of(any: AnyActivation) -> Option<Self> {
                match any {
                    AnyActivation::$variant(x) => Some(x),
                    _ => None,
                }
            }
        }
    )*};
}
ranked!(2 Two, 3 Three, 4 Four);
