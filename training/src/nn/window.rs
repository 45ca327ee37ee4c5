//! The geometry of convolutions: extents along each spatial axis, and padding.

/// One number per spatial axis. A single number stands for all axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerAxis<const N: usize>(pub [usize; N]);

impl<const N: usize> From<usize> for PerAxis<N> {
    fn from(extent: usize) -> Self {
        Self([extent; N])
    }
}

impl<const N: usize> From<[usize; N]> for PerAxis<N> {
    fn from(extents: [usize; N]) -> Self {
        Self(extents)
    }
}

/// Zeros around the input of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding<const N: usize> {
    /// As many on both sides of each axis.
    Explicit([usize; N]),
    /// As many before and as many behind each axis.
    Ends([(usize, usize); N]),
    /// As many as make the output `ceil(input / stride)` long; of an odd number one more at the end.
    Same,
}

impl<const N: usize> From<usize> for Padding<N> {
    fn from(elems: usize) -> Self {
        Self::Explicit([elems; N])
    }
}

impl<const N: usize> From<[usize; N]> for Padding<N> {
    fn from(elems: [usize; N]) -> Self {
        Self::Explicit(elems)
    }
}

/// How windows lie in the input of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window<const N: usize> {
    pub(super) kernel_size: [usize; N],
    pub(super) stride: [usize; N],
    pub(super) dilation: [usize; N],
}

impl<const N: usize> Window<N> {
    pub(super) fn new(kernel_size: PerAxis<N>) -> Self {
        Self { kernel_size: kernel_size.0, stride: [1; N], dilation: [1; N] }
    }

    /// The windows with padding before and behind each axis, as networks are written and traced.
    pub(super) fn padded(&self, pads: [(usize, usize); N]) -> exactum_qonnx::Window {
        exactum_qonnx::Window {
            kernel: self.kernel_size.to_vec(),
            stride: self.stride.to_vec(),
            dilation: self.dilation.to_vec(),
            begin: pads.iter().map(|pad| pad.0).collect(),
            end: pads.iter().map(|pad| pad.1).collect(),
        }
    }

    /// Number of elements of a window.
    pub(super) fn elems(&self) -> usize {
        self.kernel_size.iter().product()
    }

    /// From the first to the last element of a window along `axis`.
    pub(super) fn span(&self, axis: usize) -> usize {
        self.dilation[axis] * self.kernel_size[axis].saturating_sub(1) + 1
    }

    /// Zeros before and behind an input of `extents`.
    pub(super) fn pads(&self, padding: Padding<N>, extents: [usize; N]) -> [(usize, usize); N] {
        std::array::from_fn(|axis| match padding {
            Padding::Explicit(elems) => (elems[axis], elems[axis]),
            Padding::Ends(ends) => ends[axis],
            Padding::Same => {
                let windows = extents[axis].div_ceil(self.stride[axis]);
                let needed = windows.saturating_sub(1) * self.stride[axis] + self.span(axis);
                let total = needed.saturating_sub(extents[axis]);
                (total / 2, total - total / 2)
            }
        })
    }

    /// What is wrong with the window itself, if anything.
    pub(super) fn problem(&self) -> Option<String> {
        let zero = |values: [usize; N]| values.contains(&0);
        let named = [("kernel_size", self.kernel_size), ("stride", self.stride), ("dilation", self.dilation)];
        let (name, values) = named.into_iter().find(|(_, values)| zero(*values))?;
        Some(format!("{name} of at least 1, not {values:?}"))
    }
}

/// What is wrong with groups of channels, if anything.
pub(super) fn groups_problem(in_channels: usize, out_channels: usize, groups: usize) -> Option<String> {
    let divides = |channels: usize| channels > 0 && groups > 0 && channels.is_multiple_of(groups);
    let fits = divides(in_channels) && divides(out_channels);
    (!fits).then(|| {
        format!("groups that divide {in_channels} input and {out_channels} output channels, not {groups}")
    })
}

/// The extents of the spatial axes of an input `[batch, channels, ...]`.
pub(super) fn spatial<const N: usize>(shape: &[usize]) -> [usize; N] {
    std::array::from_fn(|axis| shape.get(axis + 2).copied().unwrap_or_default())
}
