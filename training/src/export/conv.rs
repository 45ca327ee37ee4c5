//! Convolutions of any rank: `Conv` with explicit attributes.

use exactum_qonnx::Node;

use super::{ExportError, GraphWriter, ints};
use crate::trace::Weighted;

/// Settings of a convolution, one number per spatial axis.
pub(super) struct Window<'a> {
    pub(super) stride: &'a [usize],
    pub(super) pads: &'a [(usize, usize)],
    pub(super) dilation: &'a [usize],
    pub(super) groups: usize,
}

impl GraphWriter {
    pub(super) fn conv(
        &mut self,
        layer: &Weighted,
        input: &str,
        output: &str,
        window: &Window<'_>,
    ) -> Result<(), ExportError> {
        let constants = self.constants(layer)?;
        let inputs = std::iter::once(input.to_owned()).chain(constants);
        let (begins, ends): (Vec<usize>, Vec<usize>) = window.pads.iter().copied().unzip();
        self.node(
            Node::new("Conv", inputs, [output])
                .named(&layer.name)
                .attr("auto_pad", "NOTSET")
                .attr("dilations", ints(window.dilation))
                .attr("group", window.groups as i64)
                .attr("kernel_shape", ints(&layer.weight_shape[2..]))
                .attr("pads", ints(&[begins, ends].concat()))
                .attr("strides", ints(window.stride)),
        );
        Ok(())
    }
}
