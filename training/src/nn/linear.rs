//! Fully connected layers.

use super::wbiol::{OperatorShape, Wbiol, WbiolBuilder, WeightedOperator};
use crate::backend::{self, Tensor};
use crate::trace::Operator;

/// `x * transpose(w)`, with `x` as `[batch, in]` and `w` as `[out, in]`.
#[derive(Clone, Debug)]
pub struct Linear {
    in_features: usize,
    out_features: usize,
}

/// A fully connected layer.
pub type QuantLinear = Wbiol<Linear>;

impl QuantLinear {
    /// A builder of a layer from `in_features` to `out_features` values.
    pub fn builder(name: impl Into<String>, in_features: usize, out_features: usize) -> WbiolBuilder<Linear> {
        WbiolBuilder::new(name.into(), Linear { in_features, out_features })
    }
}

impl OperatorShape for Linear {
    fn label(&self) -> String {
        format!("QuantLinear(in_features={}, out_features={})", self.in_features, self.out_features)
    }

    fn weight_shape(&self) -> Vec<usize> {
        vec![self.out_features, self.in_features]
    }

    fn out_channels(&self) -> usize {
        self.out_features
    }

    fn fan_in(&self) -> usize {
        self.in_features
    }

    fn operator(&self, _input_shape: &[usize]) -> Operator {
        Operator::Linear
    }
}

impl WeightedOperator<2> for Linear {
    fn apply(&self, x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
        backend::linear(x, weight)
    }

    fn check(&self, shape: [usize; 2]) -> Result<(), String> {
        if shape[1] == self.in_features { Ok(()) } else { Err(format!("[batch, {}]", self.in_features)) }
    }
}
