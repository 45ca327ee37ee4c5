//! What training, evaluation and export need of a network: its parts, its input and its forward code.

use burn::module::Module;

use crate::{Activation, ForwardError};

/// A network from inputs of rank `D` to outputs of rank `E`, which are `[batch, classes]` for a classifier.
///
/// The parts are the fields of a burn module; the forward code is the only description of how they are connected.
///
/// ```
/// use exactum_training::burn::{self, module::Module};
/// use exactum_training::nn::{QuantIdentity, QuantLinear};
/// use exactum_training::{Activation, ForwardError, Network};
///
/// #[derive(Module, Debug)]
/// struct Classifier {
///     input: QuantIdentity,
///     fc: QuantLinear,
/// }
///
/// impl Network<2> for Classifier {
///     fn input_shape(&self) -> [usize; 2] {
///         [1, 64]
///     }
///
///     fn forward(&self, x: &Activation<2>) -> Result<Activation<2>, ForwardError> {
///         self.fc.forward(&self.input.forward(x)?)
///     }
/// }
/// ```
pub trait Network<const D: usize, const E: usize = 2>: Module {
    /// Shape of the input; the first dimension is the batch and has no meaning here.
    fn input_shape(&self) -> [usize; D];

    /// The network. It serves training, evaluation, calibration and export alike.
    ///
    /// # Errors
    ///
    /// The first layer that fails.
    fn forward(&self, x: &Activation<D>) -> Result<Activation<E>, ForwardError>;
}
