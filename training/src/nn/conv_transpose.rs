//! What transposed convolutions of all ranks share: settings, keywords, checks, sums.

use super::wbiol::{OperatorShape, Wbiol, WbiolBuilder};
use super::window::{PerAxis, Window, groups_problem, spatial};
use crate::backend::ConvTransposeOptions;
use crate::trace::Operator;

/// A transposed convolution over `N` axes: `[batch, in, ...]` with `[in, out / groups, kernel ...]`.
///
/// Each input element adds a window to the output. The stride is the distance of these windows, the padding what is
/// cut from both ends of the output, the output padding what is added at the end alone.
#[derive(Clone, Debug)]
pub struct ConvTranspose<const N: usize> {
    in_channels: usize,
    out_channels: usize,
    window: Window<N>,
    padding: [usize; N],
    output_padding: [usize; N],
    groups: usize,
}

impl<const N: usize> Wbiol<ConvTranspose<N>> {
    /// A builder of a layer from `in_channels` to `out_channels` with windows of `kernel_size`: stride 1, no padding,
    /// no dilation, one group. Settings take one number per axis, or one for all.
    pub fn builder(
        name: impl Into<String>,
        in_channels: usize,
        out_channels: usize,
        kernel_size: impl Into<PerAxis<N>>,
    ) -> WbiolBuilder<ConvTranspose<N>> {
        let operator = ConvTranspose {
            in_channels,
            out_channels,
            window: Window::new(kernel_size.into()),
            padding: [0; N],
            output_padding: [0; N],
            groups: 1,
        };
        WbiolBuilder::new(name.into(), operator)
    }
}

impl<const N: usize> WbiolBuilder<ConvTranspose<N>> {
    /// Distance of the windows in the output.
    pub fn stride(self, stride: impl Into<PerAxis<N>>) -> Self {
        self.operator(|conv| conv.window.stride = stride.into().0)
    }

    /// Elements cut from both ends of the output.
    pub fn padding(self, padding: impl Into<PerAxis<N>>) -> Self {
        self.operator(|conv| conv.padding = padding.into().0)
    }

    /// Elements added at the end of the output; less than the stride or the dilation.
    pub fn output_padding(self, output_padding: impl Into<PerAxis<N>>) -> Self {
        self.operator(|conv| conv.output_padding = output_padding.into().0)
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

impl<const N: usize> ConvTranspose<N> {
    pub(super) fn options(&self) -> ConvTransposeOptions<N> {
        let Window { stride, dilation, .. } = self.window;
        ConvTransposeOptions::new(stride, self.padding, self.output_padding, dilation, self.groups)
    }

    /// Checks that an input of `shape` fits; the error says what would.
    pub(super) fn check_shape(&self, shape: &[usize]) -> Result<(), String> {
        let extents = spatial::<N>(shape);
        // The output is (extent - 1) * stride + rest - cut long.
        let least = |axis: usize| {
            let rest = self.window.span(axis) + self.output_padding[axis];
            (2 * self.padding[axis] + 1).saturating_sub(rest).div_ceil(self.window.stride[axis]) + 1
        };
        if shape[1] == self.in_channels && (0..N).all(|axis| extents[axis] >= least(axis)) {
            return Ok(());
        }
        let extents: String = (0..N).map(|axis| format!(", at least {}", least(axis))).collect();
        Err(format!("[batch, {}{extents}]", self.in_channels))
    }

    /// Window elements along `axis` that lie `period` apart add to the same output elements, others never do.
    fn period(&self, axis: usize) -> usize {
        let (stride, dilation) = (self.window.stride[axis], self.window.dilation[axis]);
        stride / gcd(stride, dilation)
    }
}

impl<const N: usize> OperatorShape for ConvTranspose<N> {
    fn label(&self) -> String {
        let Self { in_channels, out_channels, window, padding, output_padding, groups } = self;
        format!(
            "QuantConvTranspose{N}d({in_channels}, {out_channels}, kernel_size={:?}, stride={:?}, \
             padding={padding:?}, output_padding={output_padding:?}, dilation={:?}, groups={groups})",
            window.kernel_size, window.stride, window.dilation
        )
    }

    fn problem(&self) -> Option<String> {
        let surplus = |axis: &usize| {
            self.output_padding[*axis] >= self.window.stride[*axis].max(self.window.dilation[*axis])
        };
        let output_padding = || {
            let found = self.output_padding;
            let problem = format!("output_padding below the stride or the dilation, not {found:?}");
            (0..N).find(surplus).map(|_| problem)
        };
        let groups = || groups_problem(self.in_channels, self.out_channels, self.groups);
        self.window.problem().or_else(groups).or_else(output_padding)
    }

    fn weight_shape(&self) -> Vec<usize> {
        let channels = [self.in_channels, self.out_channels / self.groups.max(1)];
        channels.into_iter().chain(self.window.kernel_size).collect()
    }

    fn output_axis(&self) -> usize {
        1
    }

    fn out_channels(&self) -> usize {
        self.out_channels
    }

    fn fan_in(&self) -> usize {
        let taps: usize =
            (0..N).map(|axis| self.window.kernel_size[axis].div_ceil(self.period(axis))).product();
        self.in_channels / self.groups.max(1) * taps
    }

    fn outputs_per_input(&self) -> Option<usize> {
        (self.groups == self.in_channels).then(|| self.out_channels / self.groups.max(1))
    }

    /// Of the windows' elements only those of one class per axis, a period apart, meet in a sum.
    fn magnitude(&self, weights: &[u64]) -> u64 {
        let (taps, rows) = (self.window.elems(), self.out_channels / self.groups);
        let inputs = self.in_channels / self.groups;
        let classes: usize = (0..N).map(|axis| self.period(axis)).product();
        let class = |tap: usize| {
            let mut rest = tap;
            (0..N).rev().fold((0, 1), |(class, step), axis| {
                let (extent, period) = (self.window.kernel_size[axis], self.period(axis));
                let place = rest % extent;
                rest /= extent;
                (class + step * (place % period), step * period)
            })
        };
        let mut sums = vec![0u64; self.out_channels * classes];
        for (index, weight) in weights.iter().enumerate() {
            let (tap, row, input) = (index % taps, index / taps % rows, index / taps / rows);
            let channel = input / inputs * rows + row;
            sums[channel * classes + class(tap).0] += weight;
        }
        sums.into_iter().max().unwrap_or(0)
    }

    fn operator(&self, _input_shape: &[usize]) -> Operator {
        Operator::ConvTranspose {
            window: self.window.padded(self.padding.map(|elems| (elems, elems))),
            output_padding: self.output_padding.to_vec(),
            groups: self.groups,
        }
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
