//! Weights and biases: an initializer, and a `Quant` node behind it if it is quantized.

use exactum_qonnx::Tensor;

use super::GraphWriter;
use crate::trace::{Constant, Weighted};

impl GraphWriter {
    /// Writes the weight and the bias of a layer and returns the names of the values that nodes read.
    pub(super) fn constants(&mut self, layer: &Weighted) -> Vec<String> {
        let shape = &layer.weight_shape;
        let along_output =
            |(axis, extent): (usize, &usize)| if axis == layer.output_axis { *extent } else { 1 };
        let scales = ScaleShape {
            per_channel: shape.iter().enumerate().map(along_output).collect(),
            per_tensor: vec![],
        };
        let mut names = vec![self.constant(&format!("{}.weight", layer.name), shape, &layer.weight, &scales)];
        if let Some(bias) = &layer.bias {
            let channels = vec![bias.len_elems()];
            let scales = ScaleShape { per_channel: channels.clone(), per_tensor: vec![1] };
            names.push(self.constant(&format!("{}.bias", layer.name), &channels, bias, &scales));
        }
        names
    }

    fn constant(&mut self, name: &str, shape: &[usize], constant: &Constant, scale: &ScaleShape) -> String {
        let (codes, quantizer) = match constant {
            Constant::Float(values) => return self.initializer(Tensor::new(name, shape, values.clone())),
            Constant::Quantized { codes, quantizer } => (codes, quantizer),
        };
        let scales = quantizer.scales();
        let per_tensor = scales.len() == 1;
        let scale_shape = if per_tensor { &scale.per_tensor } else { &scale.per_channel };
        let axis = scale_shape.iter().position(|extent| *extent > 1);
        let run_elems = axis.map_or(1, |axis| shape.iter().skip(axis + 1).product());
        let value = |(index, code): (usize, &i32)| {
            (*code - quantizer.zero_point()) as f32 * scales[index / run_elems % scales.len()]
        };
        let values: Vec<f32> = codes.iter().enumerate().map(value).collect();
        debug_assert_eq!(
            &quantizer.quantize(&values, run_elems),
            codes,
            "codes of `{name}` survive their values"
        );
        let initializer = self.initializer(Tensor::new(name, shape, values));
        let quantized = format!("{name}_quant_out");
        self.quant_node(&format!("{name}_quant"), &initializer, &quantized, quantizer, scale_shape);
        quantized
    }
}

/// Shapes of the scales of a constant.
struct ScaleShape {
    per_channel: Vec<usize>,
    per_tensor: Vec<usize>,
}
