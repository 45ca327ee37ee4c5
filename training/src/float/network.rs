//! A network made from a graph: layers and how they are wired. It trains, evaluates, calibrates and exports as
//! networks written by hand do.

use burn::module::Module;

use super::any_activation::{AnyActivation, Ranked};
use super::layer::GraphLayer;
use crate::network::Network;
use crate::{Activation, ForwardError};

/// A network from inputs of rank `D` to outputs of rank `E`.
#[derive(Module, Debug)]
pub struct GraphNetwork<const D: usize, const E: usize = 2> {
    layers: Vec<GraphLayer>,
    #[module(skip)]
    wiring: Wiring,
}

/// Where the layers of a network read. Value 0 is the input; layer `i` defines value `i + 1`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wiring {
    /// The batch has extent 1.
    pub(super) input_shape: Vec<usize>,
    /// One per layer.
    pub(super) steps: Vec<Step>,
    /// The value that is the output of the network.
    pub(super) output: usize,
}

/// A layer's name and place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) inputs: Vec<usize>,
    /// Whether the layer's output is codes of a quantizer with as many bits, of this sign.
    pub(super) codes: Option<(u8, bool)>,
}

/// A value during a forward pass, for those who observe it.
#[derive(Clone)]
pub struct Observed<'a> {
    /// The name of the layer that defined it.
    pub layer: &'a str,
    /// The layer.
    pub kind: &'a GraphLayer,
    /// The value.
    pub value: &'a AnyActivation,
    /// Bits and sign of the layer's quantizer of activations, if it has one.
    pub codes: Option<(u8, bool)>,
}

impl<const D: usize, const E: usize> GraphNetwork<D, E> {
    /// A network whose input shape has `D` dimensions.
    pub(super) fn new(layers: Vec<GraphLayer>, wiring: Wiring) -> Self {
        Self { layers, wiring }
    }

    /// The names of the layers, in order.
    pub fn layer_names(&self) -> impl Iterator<Item = &str> {
        self.wiring.steps.iter().map(|step| step.name.as_str())
    }

    /// The layers, in order, with their names.
    pub fn layers(&self) -> impl Iterator<Item = (&str, &GraphLayer)> {
        self.layer_names().zip(&self.layers)
    }

    /// The forward pass, showing each value to `observe`.
    ///
    /// # Errors
    ///
    /// The first layer that fails.
    pub fn observe(
        &self,
        x: &Activation<D>,
        mut observe: impl FnMut(Observed<'_>),
    ) -> Result<Activation<E>, ForwardError>
    where
        Activation<D>: Ranked,
        Activation<E>: Ranked,
    {
        let mut values = vec![x.clone().any()];
        for (layer, step) in self.layers.iter().zip(&self.wiring.steps) {
            let inputs: Vec<&AnyActivation> = step.inputs.iter().map(|input| &values[*input]).collect();
            let value = layer.forward(&step.name, &inputs)?;
            observe(Observed { layer: &step.name, kind: layer, value: &value, codes: step.codes });
            values.push(value);
        }
        let output = values[self.wiring.output].clone();
        let misfit = output.misfit("output", &format!("{E} dimensions"));
        Ranked::of(output).ok_or(misfit)
    }
}

impl<const D: usize, const E: usize> Network<D, E> for GraphNetwork<D, E>
where
    Activation<D>: Ranked,
    Activation<E>: Ranked,
{
    fn input_shape(&self) -> [usize; D] {
        std::array::from_fn(|axis| self.wiring.input_shape[axis])
    }

    fn forward(&self, x: &Activation<D>) -> Result<Activation<E>, ForwardError> {
        self.observe(x, |_| {})
    }
}
