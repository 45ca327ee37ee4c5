//! A learned threshold that starts at a given value.

use super::{Restriction, Scaling};
use crate::backend::{self, Tensor};
use crate::component::Component;
use crate::{Mode, Parameter};

/// A threshold per group, learned from the first step on.
#[derive(Clone)]
pub struct ParameterScaling {
    restriction: Restriction,
    value: Parameter,
}

impl ParameterScaling {
    /// Learned thresholds that start at `scaling_init`, one per group.
    pub fn new(scaling_init: &[f32], restriction: Restriction) -> Self {
        let groups = scaling_init.len();
        let init = backend::tensor(scaling_init.to_vec(), [groups, 1], &backend::evaluation_device());
        let stored = backend::to_f32(&restriction.restrict_scaling_impl.preprocess(init));
        Self { restriction, value: Parameter::new(stored, &[groups]) }
    }
}

impl Component for ParameterScaling {
    fn label(&self) -> String {
        "ParameterScaling()".into()
    }

    fn parameters(&self) -> Vec<(&'static str, &Parameter)> {
        vec![("value", &self.value)]
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        self.restriction.parts().into()
    }
}

impl Scaling for ParameterScaling {
    fn forward(&self, _x: Option<&Tensor<2>>, mode: Mode) -> Tensor<2> {
        self.restriction.forward(self.value.tensor(mode, [self.value.len_elems(), 1]))
    }
}
