//! What training, evaluation and export need of a network: its parts, its input and its forward code.

use crate::component::Component;
use crate::{Activation, ForwardError};

/// A classifier: a network from inputs of rank `D` to `[batch, classes]`.
pub trait Network<const D: usize>: Component {
    /// Shape of the input; the first dimension is the batch and has no meaning here.
    fn input_shape(&self) -> [usize; D];

    /// The network. It serves training, evaluation and export alike.
    ///
    /// # Errors
    ///
    /// The first layer that fails.
    fn forward(&self, x: &Activation<D>) -> Result<Activation<2>, ForwardError>;
}
