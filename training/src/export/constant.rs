//! Weights and biases: an initializer, and a `Quant` node behind it if it is quantized.

use exactum_qonnx::Tensor;

use super::{ExportError, GraphWriter};
use crate::trace::{Constant, Weighted};

impl GraphWriter {
    /// Writes the weight and the bias of a layer and returns the names of the values that nodes read.
    pub(super) fn constants(&mut self, layer: &Weighted) -> Result<Vec<String>, ExportError> {
        let shape = &layer.weight_shape;
        let along_output =
            |(axis, extent): (usize, &usize)| if axis == layer.output_axis { *extent } else { 1 };
        let scales = ScaleShape {
            per_channel: shape.iter().enumerate().map(along_output).collect(),
            per_tensor: vec![],
        };
        let name = format!("{}.weight", layer.name);
        let mut names = vec![self.constant(&name, shape, &layer.weight, &scales)?];
        if let Some(bias) = &layer.bias {
            let channels = vec![bias.len_elems()];
            let scales = ScaleShape { per_channel: channels.clone(), per_tensor: vec![1] };
            names.push(self.constant(&format!("{}.bias", layer.name), &channels, bias, &scales)?);
        }
        Ok(names)
    }

    pub(super) fn constant(
        &mut self,
        name: &str,
        shape: &[usize],
        constant: &Constant,
        scale: &ScaleShape,
    ) -> Result<String, ExportError> {
        let (codes, quantizer) = match constant {
            Constant::Float(values) => return Ok(self.initializer(Tensor::new(name, shape, values.clone()))),
            Constant::Quantized { codes, quantizer } => (codes, quantizer),
        };
        let scales = quantizer.scales();
        let zero_points = quantizer.zero_points();
        let axis = scale.per_channel.iter().position(|extent| *extent > 1);
        let run_elems = axis.map_or(1, |axis| shape.iter().skip(axis + 1).product());
        let value = |(index, code): (usize, &i32)| {
            let run = index / run_elems;
            (*code - zero_points[run % zero_points.len()]) as f32 * scales[run % scales.len()]
        };
        let values: Vec<f32> = codes.iter().enumerate().map(value).collect();
        debug_assert_eq!(
            &quantizer.quantize(&values, run_elems),
            codes,
            "codes of `{name}` survive their values"
        );
        let initializer = self.initializer(Tensor::new(name, shape, values));
        let quantized = format!("{name}_quant_out");
        let node = format!("{name}_quant");
        self.quant_node(&node, &initializer, &quantized, quantizer, &scale.per_channel, &scale.per_tensor)?;
        Ok(quantized)
    }
}

/// Shapes of the scales of a constant.
pub(super) struct ScaleShape {
    pub(super) per_channel: Vec<usize>,
    pub(super) per_tensor: Vec<usize>,
}
