//! What convolutions of all ranks share: settings, keywords, checks.

use super::wbiol::{OperatorShape, Wbiol, WbiolBuilder};
use super::window::{Padding, PerAxis, Window, groups_problem, spatial};
use crate::backend::ConvOptions;
use crate::trace::Operator;

/// A convolution over `N` axes: `[batch, in, ...]` with `[out, in / groups, kernel ...]`.
#[derive(Clone, Debug)]
pub struct Conv<const N: usize> {
    in_channels: usize,
    out_channels: usize,
    window: Window<N>,
    padding: Padding<N>,
    groups: usize,
}

impl<const N: usize> Wbiol<Conv<N>> {
    /// A builder of a layer from `in_channels` to `out_channels` with windows of `kernel_size`: stride 1, no padding,
    /// no dilation, one group. Settings take one number per axis, or one for all.
    pub fn builder(
        name: impl Into<String>,
        in_channels: usize,
        out_channels: usize,
        kernel_size: impl Into<PerAxis<N>>,
    ) -> WbiolBuilder<Conv<N>> {
        let window = Window::new(kernel_size.into());
        let padding = Padding::Explicit([0; N]);
        WbiolBuilder::new(name.into(), Conv { in_channels, out_channels, window, padding, groups: 1 })
    }
}

impl<const N: usize> WbiolBuilder<Conv<N>> {
    /// Steps between windows.
    pub fn stride(self, stride: impl Into<PerAxis<N>>) -> Self {
        self.operator(|conv| conv.window.stride = stride.into().0)
    }

    /// Zeros added on both sides, or another [`Padding`].
    pub fn padding(self, padding: impl Into<Padding<N>>) -> Self {
        self.operator(|conv| conv.padding = padding.into())
    }

    /// Distance between window elements.
    pub fn dilation(self, dilation: impl Into<PerAxis<N>>) -> Self {
        self.operator(|conv| conv.window.dilation = dilation.into().0)
    }

    /// Groups of channels that do not mix; must divide both channel counts.
    pub fn groups(self, groups: usize) -> Self {
        self.operator(|conv| conv.groups = groups)
    }
}

impl<const N: usize> Conv<N> {
    /// The backend's options for an input of `shape`.
    pub(super) fn options(&self, shape: &[usize]) -> ConvOptions<N> {
        let Window { stride, dilation, .. } = self.window;
        let pads = self.window.pads(self.padding, spatial(shape));
        ConvOptions::new_with_padding(stride, pads, dilation, self.groups)
    }

    /// Checks that an input of `shape` fits; the error says what would.
    pub(super) fn check_shape(&self, shape: &[usize]) -> Result<(), String> {
        let extents = spatial::<N>(shape);
        let pads = self.window.pads(self.padding, extents);
        let least = |axis: usize| self.window.span(axis).saturating_sub(pads[axis].0 + pads[axis].1);
        if shape[1] == self.in_channels && (0..N).all(|axis| extents[axis] >= least(axis).max(1)) {
            return Ok(());
        }
        let extents: String = (0..N).map(|axis| format!(", at least {}", least(axis).max(1))).collect();
        Err(format!("[batch, {}{extents}]", self.in_channels))
    }
}

impl<const N: usize> OperatorShape for Conv<N> {
    fn label(&self) -> String {
        let Self { in_channels, out_channels, window, padding, groups } = self;
        let padding = match padding {
            Padding::Explicit(elems) => format!("{elems:?}"),
            Padding::Ends(ends) => format!("{ends:?}"),
            Padding::Same => "same".to_owned(),
        };
        format!(
            "QuantConv{N}d({in_channels}, {out_channels}, kernel_size={:?}, stride={:?}, padding={padding}, \
             dilation={:?}, groups={groups})",
            window.kernel_size, window.stride, window.dilation
        )
    }

    fn problem(&self) -> Option<String> {
        self.window.problem().or_else(|| groups_problem(self.in_channels, self.out_channels, self.groups))
    }

    fn weight_shape(&self) -> Vec<usize> {
        let channels = [self.out_channels, self.in_channels / self.groups.max(1)];
        channels.into_iter().chain(self.window.kernel_size).collect()
    }

    fn out_channels(&self) -> usize {
        self.out_channels
    }

    fn fan_in(&self) -> usize {
        self.in_channels / self.groups.max(1) * self.window.elems()
    }

    fn outputs_per_input(&self) -> Option<usize> {
        (self.groups == self.in_channels).then(|| self.out_channels / self.groups.max(1))
    }

    fn operator(&self, input_shape: &[usize]) -> Operator {
        let pads = self.window.pads(self.padding, spatial(input_shape));
        Operator::Conv { window: self.window.padded(pads), groups: self.groups }
    }
}
