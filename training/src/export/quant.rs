//! Quantizers: one `Quant` node with scale, zero point and bit width as initializers.

use exactum_qonnx::{Node, Tensor};
use exactum_runtime::num::Rounding;

use super::GraphWriter;
use crate::quant::FixedQuantizer;

impl GraphWriter {
    /// Quantization of an activation.
    pub(super) fn quant(&mut self, name: &str, input: &str, output: &str, quantizer: &FixedQuantizer) {
        let scale_shape: &[usize] = &[];
        self.quant_node(name, input, output, quantizer, scale_shape);
    }

    /// A `Quant` node whose scale has `scale_shape`.
    pub(super) fn quant_node(
        &mut self,
        name: &str,
        input: &str,
        output: &str,
        quantizer: &FixedQuantizer,
        scale_shape: &[usize],
    ) {
        let int_type = quantizer.int_type();
        let scale = Tensor::new(format!("{name}.scale"), scale_shape, quantizer.scales().to_vec());
        let scale = self.initializer(scale);
        let zero_point =
            self.initializer(Tensor::scalar(format!("{name}.zero_point"), quantizer.zero_point() as f32));
        let bits = f32::from(int_type.width.bits());
        let bit_width = self.initializer(Tensor::scalar(format!("{name}.bit_width"), bits));
        self.node(
            Node::new("Quant", [input, &scale, &zero_point, &bit_width], [output])
                .named(name)
                .attr("signed", i64::from(int_type.signed))
                .attr("narrow", i64::from(int_type.narrow))
                .attr("rounding_mode", Rounding::HalfEven.qonnx_name()),
        );
    }
}
