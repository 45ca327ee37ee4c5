//! Quantizers of QONNX: one `Quant` node with scale, zero point and bit width as initializers, or one `BipolarQuant`
//! node with a scale.

use exactum_qonnx::{Node, Tensor};

use super::{ExportError, Flavour, GraphWriter};
use crate::quant::{CodeRounding, FixedQuantizer};

impl GraphWriter {
    /// Quantization of an activation of `shape`, by one scale or one per index of a dimension.
    pub(super) fn quant(
        &mut self,
        name: &str,
        input: &str,
        output: &str,
        (quantizer, axis): (&FixedQuantizer, usize),
        shape: &[usize],
    ) -> Result<(), ExportError> {
        let channels = quantizer.scales().len();
        let extent = |dimension| if dimension == axis { channels } else { 1 };
        let scale_shape: Vec<usize> =
            if channels == 1 { vec![] } else { (0..shape.len()).map(extent).collect() };
        match self.flavour {
            Flavour::Qonnx => self.quant_node(name, input, output, quantizer, &scale_shape),
            Flavour::Qcdq => self.quantize_dequantize(name, input, output, quantizer, &scale_shape),
        }
    }

    /// A node whose scale has `scale_shape`.
    pub(super) fn quant_node(
        &mut self,
        name: &str,
        input: &str,
        output: &str,
        quantizer: &FixedQuantizer,
        scale_shape: &[usize],
    ) -> Result<(), ExportError> {
        let per_channel = |count: usize| if count == 1 && scale_shape != [1] { &[] } else { scale_shape };
        let scales = quantizer.scales();
        let scale = self.initializer(Tensor::new(
            format!("{name}.scale"),
            per_channel(scales.len()),
            scales.to_vec(),
        ));
        if quantizer.is_bipolar() {
            self.node(Node::new("BipolarQuant", [input, &scale], [output]).named(name));
            return Ok(());
        }
        let CodeRounding::Mode(rounding) = quantizer.rounding() else {
            return Err(ExportError::Unsupported {
                name: name.to_owned(),
                flavour: "QONNX",
                found: "DPU rounding".to_owned(),
                help: "use another float_to_int_impl_type",
            });
        };
        let zero_points: Vec<f32> = quantizer.zero_points().iter().map(|zero| *zero as f32).collect();
        let zero_point_shape = if zero_points.len() == 1 { &[] } else { scale_shape };
        let zero_point =
            self.initializer(Tensor::new(format!("{name}.zero_point"), zero_point_shape, zero_points));
        let int_type = quantizer.int_type();
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
