//! Quantizers: one `Quant` node with scale, zero point and bit width as initializers, or a `BipolarQuant`.

use exactum_qonnx::{Node, Tensor};

use super::{ExportError, GraphWriter};
use crate::quant::{CodeRounding, FixedQuantizer};

impl GraphWriter {
    /// Quantization of an activation of `shape`, whose channels are dimension 1.
    pub(super) fn quant(
        &mut self,
        name: &str,
        input: &str,
        output: &str,
        quantizer: &FixedQuantizer,
        shape: &[usize],
    ) -> Result<(), ExportError> {
        let per_channel: Vec<usize> =
            shape.iter().enumerate().map(|(axis, extent)| if axis == 1 { *extent } else { 1 }).collect();
        self.quant_node(name, input, output, quantizer, &per_channel, &[])
    }

    /// A node whose scale has one of the two shapes.
    pub(super) fn quant_node(
        &mut self,
        name: &str,
        input: &str,
        output: &str,
        quantizer: &FixedQuantizer,
        per_channel: &[usize],
        per_tensor: &[usize],
    ) -> Result<(), ExportError> {
        let shape = |elems: usize| if elems == 1 { per_tensor } else { per_channel };
        let scales = quantizer.scales();
        let scale = Tensor::new(format!("{name}.scale"), shape(scales.len()), scales.to_vec());
        let scale = self.initializer(scale);
        if quantizer.is_bipolar() {
            self.node(Node::new("BipolarQuant", [input, &scale], [output]).named(name));
            return Ok(());
        }
        let CodeRounding::Mode(rounding) = quantizer.rounding() else {
            return Err(ExportError::Rounding { name: name.to_owned() });
        };
        let int_type = quantizer.int_type();
        let zero_points: Vec<f32> = quantizer.zero_points().iter().map(|zero| *zero as f32).collect();
        let zero_point = match zero_points[..] {
            [zero_point] => Tensor::scalar(format!("{name}.zero_point"), zero_point),
            _ => Tensor::new(format!("{name}.zero_point"), per_channel, zero_points),
        };
        let zero_point = self.initializer(zero_point);
        let bits = f32::from(int_type.width.bits());
        let bit_width = self.initializer(Tensor::scalar(format!("{name}.bit_width"), bits));
        self.node(
            Node::new("Quant", [input, &scale, &zero_point, &bit_width], [output])
                .named(name)
                .attr("signed", i64::from(int_type.signed))
                .attr("narrow", i64::from(int_type.narrow))
                .attr("rounding_mode", rounding.qonnx_name()),
        );
        Ok(())
    }
}
