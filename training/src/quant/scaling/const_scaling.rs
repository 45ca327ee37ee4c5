//! A threshold that never changes.

use super::{Restriction, Scaling};
use crate::Mode;
use crate::backend::{self, Tensor};
use crate::component::Component;

/// A constant threshold, one for all groups or one per group.
#[derive(Clone)]
pub struct ConstScaling {
    /// Permitted thresholds.
    pub restriction: Restriction,
    /// The thresholds before the restriction.
    pub scaling_init: Vec<f32>,
}

impl Component for ConstScaling {
    fn label(&self) -> String {
        match self.scaling_init[..] {
            [threshold] => format!("ConstScaling(scaling_init={threshold})"),
            _ => format!("ConstScaling(scaling_init={:?})", self.scaling_init),
        }
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        self.restriction.parts().into()
    }
}

impl Scaling for ConstScaling {
    fn forward(&self, x: Option<&Tensor<2>>, _mode: Mode) -> Tensor<2> {
        let (values, shape) = (self.scaling_init.clone(), [self.scaling_init.len(), 1]);
        self.restriction.of_threshold(match x {
            Some(x) => backend::constant(values, shape, x),
            None => backend::tensor(values, shape, &backend::evaluation_device()),
        })
    }
}
