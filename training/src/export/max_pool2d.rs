//! Max pooling: `MaxPool` without padding.

use exactum_qonnx::Node;

use super::{GraphWriter, ints};

impl GraphWriter {
    pub(super) fn max_pool2d(
        &mut self,
        name: &str,
        input: &str,
        output: &str,
        kernel: [usize; 2],
        stride: [usize; 2],
    ) {
        self.node(
            Node::new("MaxPool", [input], [output])
                .named(name)
                .attr("auto_pad", "NOTSET")
                .attr("ceil_mode", 0)
                .attr("dilations", [1, 1])
                .attr("kernel_shape", ints(&kernel))
                .attr("pads", [0, 0, 0, 0])
                .attr("strides", ints(&stride)),
        );
    }
}
