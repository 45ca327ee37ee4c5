//! Transposed convolutions of any rank: `ConvTranspose` with explicit attributes.

use exactum_qonnx::Node;

use super::{ExportError, GraphWriter, ints};
use crate::trace::Weighted;

/// Settings of a transposed convolution, one number per spatial axis.
pub(super) struct Window<'a> {
    pub(super) stride: &'a [usize],
    pub(super) padding: &'a [usize],
    pub(super) output_padding: &'a [usize],
    pub(super) dilation: &'a [usize],
    pub(super) groups: usize,
}

impl GraphWriter {
    pub(super) fn conv_transpose(
        &mut self,
        layer: &Weighted,
        input: &str,
        output: &str,
        window: &Window<'_>,
    ) -> Result<(), ExportError> {
        let constants = self.constants(layer)?;
        let inputs = std::iter::once(input.to_owned()).chain(constants);
        self.node(
            Node::new("ConvTranspose", inputs, [output])
                .named(&layer.name)
                .attr("auto_pad", "NOTSET")
                .attr("dilations", ints(window.dilation))
                .attr("group", window.groups as i64)
                .attr("kernel_shape", ints(&layer.weight_shape[2..]))
                .attr("output_padding", ints(window.output_padding))
                .attr("pads", ints(&[window.padding, window.padding].concat()))
                .attr("strides", ints(window.stride)),
        );
        Ok(())
    }
}
