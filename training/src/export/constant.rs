//! Weights and biases: an initializer, and a `Quant` node behind it if it is quantized.

use exactum_qonnx::Tensor;

use super::GraphWriter;
use crate::trace::{Constant, Weighted};

impl GraphWriter {
    /// Writes the weight and the bias of a layer and returns the names of the values that nodes read.
    pub(super) fn constants(&mut self, layer: &Weighted) -> Vec<String> {
        let shape = &layer.weight_shape;
        let per_channel: Vec<usize> =
            shape.iter().enumerate().map(|(axis, extent)| if axis == 0 { *extent } else { 1 }).collect();
        let mut names =
            vec![self.constant(&format!("{}.weight", layer.name), shape, &layer.weight, &per_channel, &[])];
        if let Some(bias) = &layer.bias {
            let channels = &shape[..1];
            names.push(self.constant(&format!("{}.bias", layer.name), channels, bias, channels, &[1]));
        }
        names
    }

    /// Writes a constant whose scales have one of the two shapes.
    fn constant(
        &mut self,
        name: &str,
        shape: &[usize],
        constant: &Constant,
        per_channel: &[usize],
        per_tensor: &[usize],
    ) -> String {
        let (codes, quantizer) = match constant {
            Constant::Float(values) => return self.initializer(Tensor::new(name, shape, values.clone())),
            Constant::Quantized { codes, quantizer } => (codes, quantizer),
        };
        let scales = quantizer.scales();
        let run_elems = codes.len() / scales.len().max(1);
        let value = |(index, code): (usize, &i32)| {
            (*code - quantizer.zero_point()) as f32 * scales[index / run_elems.max(1)]
        };
        let values: Vec<f32> = codes.iter().enumerate().map(value).collect();
        debug_assert_eq!(
            &quantizer.quantize(&values, run_elems),
            codes,
            "codes of `{name}` survive their values"
        );
        let initializer = self.initializer(Tensor::new(name, shape, values));
        let quantized = format!("{name}_quant_out");
        let scale_shape = if scales.len() == 1 { per_tensor } else { per_channel };
        self.quant_node(&format!("{name}_quant"), &initializer, &quantized, quantizer, scale_shape);
        quantized
    }
}
