//! Weights and biases: an initializer, and a quantizer behind it if it is quantized.

use exactum_qonnx::Tensor;

use super::{ExportError, Flavour, GraphWriter};
use crate::trace::{Constant, Weighted};

/// The form of a constant: its extents, and those of its scales.
pub(super) struct Form {
    pub(super) shape: Vec<usize>,
    pub(super) per_channel: Vec<usize>,
    pub(super) per_tensor: Vec<usize>,
    /// Bits that a constant of standard operators may have.
    pub(super) standard_bits: u8,
}

impl GraphWriter {
    /// Writes the weight and the bias of a layer and returns the names of the values that nodes read.
    pub(super) fn constants(&mut self, layer: &Weighted) -> Result<Vec<String>, ExportError> {
        let along_output =
            |(axis, extent): (usize, &usize)| if axis == layer.output_axis { *extent } else { 1 };
        let form = Form {
            per_channel: layer.weight_shape.iter().enumerate().map(along_output).collect(),
            shape: layer.weight_shape.clone(),
            per_tensor: vec![],
            standard_bits: 8,
        };
        let mut names = vec![self.constant(&format!("{}.weight", layer.name), &layer.weight, &form)?];
        if let Some(bias) = &layer.bias {
            let shape = vec![bias.len_elems()];
            // onnxruntime fuses integers of 32 bits into the accumulator whatever their scale.
            let standard_bits = if layer.own_bias_scale { 8 } else { 32 };
            let form = Form { per_channel: shape.clone(), shape, per_tensor: vec![1], standard_bits };
            names.push(self.constant(&format!("{}.bias", layer.name), bias, &form)?);
        }
        Ok(names)
    }

    pub(super) fn constant(
        &mut self,
        name: &str,
        constant: &Constant,
        form: &Form,
    ) -> Result<String, ExportError> {
        let shape = &form.shape;
        let (codes, quantizer) = match constant {
            Constant::Float(values) => return Ok(self.initializer(Tensor::new(name, shape, values.clone()))),
            Constant::Quantized { codes, quantizer } => (codes, quantizer),
        };
        let per_tensor = quantizer.scales().len().max(quantizer.zero_points().len()) == 1;
        let scale_shape = if per_tensor { &form.per_tensor } else { &form.per_channel };
        let quantized = format!("{name}_quant_out");
        if self.flavour == Flavour::Qcdq {
            let name = format!("{name}_quant");
            self.integer_constant(
                &name,
                &quantized,
                (shape, codes),
                quantizer,
                scale_shape,
                form.standard_bits,
            )?;
            return Ok(quantized);
        }
        let axis = scale_shape.iter().position(|extent| *extent > 1);
        let run_elems = axis.map_or(1, |axis| shape.iter().skip(axis + 1).product());
        let values = quantizer.values(codes, run_elems);
        debug_assert_eq!(
            &quantizer.quantize(&values, run_elems),
            codes,
            "codes of `{name}` survive their values"
        );
        let initializer = self.initializer(Tensor::new(name, shape, values));
        self.quant_node(&format!("{name}_quant"), &initializer, &quantized, quantizer, scale_shape)?;
        Ok(quantized)
    }
}
