//! Views as a component of quantizers.

use crate::backend::Tensor;
use crate::component::Component;
use crate::math::View;
use crate::{Mode, Parameter};

impl View {
    /// A parameter of any rank as `[groups, elems]`.
    pub fn apply_to(self, parameter: &Parameter, mode: Mode) -> Tensor<2> {
        let len = parameter.len_elems();
        match self {
            Self::PerTensor => parameter.tensor(mode, [1, len]),
            Self::PerChannel { axis } => {
                let groups = self.groups(parameter.shape());
                let before: usize = parameter.shape().iter().take(axis).product();
                if before == 1 {
                    return parameter.tensor(mode, [groups, len / groups.max(1)]);
                }
                let middle = parameter.tensor(mode, [before, groups, self.run_elems(parameter.shape())]);
                Self::PerChannel { axis: 1 }.apply(middle)
            }
        }
    }
}

impl Component for View {
    fn label(&self) -> String {
        match self {
            Self::PerTensor => "OverTensorView()".into(),
            Self::PerChannel { axis: 0 } => "OverOutputChannelView()".into(),
            Self::PerChannel { axis } => format!("OverOutputChannelView(channel_dim={axis})"),
        }
    }
}
