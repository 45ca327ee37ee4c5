//! A learned factor and summand between a statistic and a threshold.

use crate::backend::{self, Tensor};
use crate::component::Component;
use crate::{Mode, Parameter};

/// `x * affine_weight + affine_bias`, in the stored domain of the threshold, one of each per group.
#[derive(Clone)]
pub struct AffineRescaling {
    affine_weight: Parameter,
    affine_bias: Option<Parameter>,
}

impl AffineRescaling {
    /// Factors that start at `rescaling_init`, and summands if there is a `shifting_init`.
    pub fn new(groups: usize, rescaling_init: f32, shifting_init: Option<f32>) -> Self {
        let all = |value: f32| Parameter::new(vec![value; groups], &[groups]);
        Self { affine_weight: all(rescaling_init), affine_bias: shifting_init.map(all) }
    }

    /// From and to `[groups, 1]`.
    pub fn forward(&self, x: Tensor<2>, mode: Mode) -> Tensor<2> {
        let column =
            |parameter: &Parameter| backend::beside(parameter.tensor(mode, [parameter.len_elems(), 1]), &x);
        let scaled = x.clone() * column(&self.affine_weight);
        match &self.affine_bias {
            Some(bias) => scaled + column(bias),
            None => scaled,
        }
    }
}

impl Component for AffineRescaling {
    fn label(&self) -> String {
        "AffineRescaling()".into()
    }

    fn parameters(&self) -> Vec<(&'static str, &Parameter)> {
        let bias = self.affine_bias.iter().map(|bias| ("affine_bias", bias));
        [("affine_weight", &self.affine_weight)].into_iter().chain(bias).collect()
    }
}
