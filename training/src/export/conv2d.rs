//! Convolutions: `Conv` with explicit attributes.

use exactum_qonnx::Node;

use super::{GraphWriter, pair};
use crate::trace::Weighted;

/// Settings of a convolution; pairs are height and width.
pub(super) struct Window {
    pub(super) stride: [usize; 2],
    pub(super) padding: [usize; 2],
    pub(super) dilation: [usize; 2],
    pub(super) groups: usize,
}

impl GraphWriter {
    pub(super) fn conv2d(&mut self, layer: &Weighted, input: &str, output: &str, window: Window) {
        let constants = self.constants(layer);
        let inputs = std::iter::once(input.to_owned()).chain(constants);
        let kernel_shape: Vec<i64> = layer.weight_shape[2..].iter().map(|extent| *extent as i64).collect();
        let [height, width] = pair(window.padding);
        self.node(
            Node::new("Conv", inputs, [output])
                .named(&layer.name)
                .attr("auto_pad", "NOTSET")
                .attr("dilations", pair(window.dilation))
                .attr("group", window.groups as i64)
                .attr("kernel_shape", kernel_shape)
                .attr("pads", [height, width, height, width])
                .attr("strides", pair(window.stride)),
        );
    }
}
