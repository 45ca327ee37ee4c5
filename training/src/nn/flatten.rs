//! Flattening: all dimensions but the batch become one.

use crate::activation::{Activation, Data};
use crate::component::{Component, burn_module};
use crate::trace::Record;

/// From `[batch, ...]` to `[batch, elements]`.
#[derive(Clone)]
pub struct Flatten {
    name: String,
}

impl Flatten {
    /// A layer called `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    /// The flat input, quantized if the input is.
    pub fn forward<const D: usize>(&self, x: &Activation<D>) -> Activation<2> {
        let shape = x.dims();
        let batch = shape[0];
        let elems = shape.iter().skip(1).product();
        let data = match x.data() {
            Data::Float(value) => Data::Float(value.clone().reshape([batch, elems])),
            Data::Quant(quant) => match quant.reshape([batch, elems]) {
                Ok(flat) => flat.into(),
                Err(_) => Data::Float(quant.value().reshape([batch, elems])),
            },
        };
        x.next(data, || Record::Flatten { name: self.name.clone() })
    }
}

impl Component for Flatten {
    fn label(&self) -> String {
        "Flatten()".into()
    }
}

burn_module!([] Flatten);
