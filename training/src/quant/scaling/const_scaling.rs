//! A threshold that never changes.

use super::{Restriction, Scaling};
use crate::Mode;
use crate::backend::{self, Tensor};
use crate::component::Component;

/// One constant threshold for the whole tensor.
#[derive(Clone)]
pub struct ConstScaling {
    /// Permitted thresholds.
    pub restriction: Restriction,
    /// The threshold before the restriction.
    pub scaling_init: f32,
}

impl Component for ConstScaling {
    fn label(&self) -> String {
        format!("ConstScaling(scaling_init={})", self.scaling_init)
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        self.restriction.parts().into()
    }
}

impl Scaling for ConstScaling {
    fn forward(&self, _x: Option<&Tensor<2>>, _mode: Mode) -> Tensor<2> {
        let threshold = backend::tensor(vec![self.scaling_init], [1, 1], &backend::evaluation_device());
        self.restriction.of_threshold(threshold)
    }
}
