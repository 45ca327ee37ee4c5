//! Convolutions of any rank, plain and transposed: `Conv` and `ConvTranspose` with explicit attributes.

use exactum_qonnx::{Node, Window};

use super::{ExportError, GraphWriter, ints};
use crate::trace::Weighted;

impl GraphWriter {
    /// Writes `layer` as the operator `op`; elements of `output_padding` follow the last window of a transposed one.
    pub(super) fn conv(
        &mut self,
        op: &str,
        layer: &Weighted,
        [input, output]: [&str; 2],
        (window, output_padding): (&Window, Option<&[usize]>),
        groups: usize,
    ) -> Result<(), ExportError> {
        let constants = self.constants(layer)?;
        let inputs = std::iter::once(input.to_owned()).chain(constants);
        let mut node = Node::new(op, inputs, [output])
            .named(&layer.name)
            .attr("auto_pad", "NOTSET")
            .attr("dilations", ints(&window.dilation))
            .attr("group", groups as i64)
            .attr("kernel_shape", ints(&window.kernel));
        if let Some(output_padding) = output_padding {
            node = node.attr("output_padding", ints(output_padding));
        }
        let pads = [&window.begin[..], &window.end].concat();
        self.node(node.attr("pads", ints(&pads)).attr("strides", ints(&window.stride)));
        Ok(())
    }
}
