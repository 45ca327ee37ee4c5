//! Quantizers by standard operators: `QuantizeLinear`, `Clip`, `DequantizeLinear`.
//!
//! `QuantizeLinear` rounds half to even to 8 bits; a `Clip` on the integers leaves fewer codes.

use exactum_qonnx::{Node, Tensor, TensorData};
use exactum_runtime::num::Rounding;

use super::{ExportError, GraphWriter};
use crate::quant::{CodeRounding, FixedQuantizer};

impl GraphWriter {
    /// Quantization of an activation.
    pub(super) fn quantize_dequantize(
        &mut self,
        name: &str,
        input: &str,
        output: &str,
        quantizer: &FixedQuantizer,
        scale_shape: &[usize],
    ) -> Result<(), ExportError> {
        check(name, quantizer, 8)?;
        let int_type = quantizer.int_type();
        let signed = int_type.signed;
        let parameters = self.linear_parameters(name, quantizer, scale_shape, true)?;
        let mut codes = format!("{name}_codes");
        let inputs = [&[input.to_owned()][..], &parameters].concat();
        let quantize = Node::new("QuantizeLinear", inputs, [&codes]).named(format!("{name}.quantize"));
        self.node(with_axis(quantize, scale_shape));
        if int_type.width.bits() < 8 || int_type.narrow {
            let mut limit = |end: &str, code: i64| {
                self.initializer(Tensor::new(
                    format!("{name}.{end}"),
                    &[],
                    integers(&[code as i32], 8, signed),
                ))
            };
            let (min, max) = (limit("min", int_type.min()), limit("max", int_type.max()));
            let clipped = format!("{name}_clipped");
            self.node(Node::new("Clip", [&codes, &min, &max], [&clipped]).named(format!("{name}.clip")));
            codes = clipped;
        }
        let inputs = [&[codes][..], &parameters].concat();
        let dequantize = Node::new("DequantizeLinear", inputs, [output]).named(name);
        self.node(with_axis(dequantize, scale_shape));
        Ok(())
    }

    /// Integers with `DequantizeLinear` behind them; of at most `bits` bits.
    pub(super) fn integer_constant(
        &mut self,
        name: &str,
        output: &str,
        (shape, codes): (&[usize], &[i32]),
        quantizer: &FixedQuantizer,
        scale_shape: &[usize],
        bits: u8,
    ) -> Result<(), ExportError> {
        check(name, quantizer, bits)?;
        let data = integers(codes, bits, quantizer.int_type().signed);
        let codes = self.initializer(Tensor::new(format!("{name}.codes"), shape, data));
        // Integers of 32 bits have no zero point.
        let parameters = self.linear_parameters(name, quantizer, scale_shape, bits == 8)?;
        let inputs = [&[codes][..], &parameters].concat();
        let dequantize = Node::new("DequantizeLinear", inputs, [output]).named(name);
        self.node(with_axis(dequantize, scale_shape));
        Ok(())
    }

    /// Scale and, if `shifted`, zero point: scalars, or lists along the axis.
    fn linear_parameters(
        &mut self,
        name: &str,
        quantizer: &FixedQuantizer,
        scale_shape: &[usize],
        shifted: bool,
    ) -> Result<Vec<String>, ExportError> {
        let groups = axis(scale_shape).map_or(1, |axis| scale_shape[axis]);
        let shape = if axis(scale_shape).is_some() { vec![groups] } else { vec![] };
        let (scales, zero_points) = (quantizer.scales(), quantizer.zero_points());
        let scales: Vec<f32> = (0..groups).map(|group| scales[group % scales.len()]).collect();
        let zero_points: Vec<i32> = (0..groups).map(|group| zero_points[group % zero_points.len()]).collect();
        let int_type = quantizer.int_type();
        let storable = if int_type.signed { -128..=127 } else { 0..=255 };
        if let Some(found) = zero_points.iter().find(|zero_point| !storable.contains(*zero_point)) {
            return Err(unsupported(name, format!("zero point {found}"), "set quantize_zero_point"));
        }
        let mut names = vec![self.initializer(Tensor::new(format!("{name}.scale"), &shape, scales))];
        if shifted {
            let data = integers(&zero_points, 8, int_type.signed);
            names.push(self.initializer(Tensor::new(format!("{name}.zero_point"), &shape, data)));
        }
        Ok(names)
    }
}

/// Refuses what the operators cannot say.
fn check(name: &str, quantizer: &FixedQuantizer, bits: u8) -> Result<(), ExportError> {
    let found_bits = quantizer.int_type().width.bits();
    if quantizer.is_bipolar() {
        return Err(unsupported(name, "the codes -1 and 1".to_owned(), "use QONNX"));
    }
    if found_bits > bits {
        return Err(unsupported(name, format!("{found_bits} bits"), "use at most 8 bits, or QONNX"));
    }
    if quantizer.rounding() != CodeRounding::Mode(Rounding::HalfEven) {
        let rounding = match quantizer.rounding() {
            CodeRounding::Mode(mode) => format!("{mode:?}"),
            CodeRounding::Dpu => "DPU".to_owned(),
        };
        let found = format!("{rounding} rounding");
        return Err(unsupported(name, found, "use float_to_int_impl_type Round, or QONNX"));
    }
    Ok(())
}

pub(super) fn unsupported(name: &str, found: String, help: &'static str) -> ExportError {
    ExportError::Unsupported { name: name.to_owned(), flavour: "QCDQ", found, help }
}

/// Codes in the type that holds `bits` bits; they fit.
fn integers(codes: &[i32], bits: u8, signed: bool) -> TensorData {
    match (bits, signed) {
        (8, true) => codes.iter().map(|code| *code as i8).collect::<Vec<i8>>().into(),
        (8, false) => codes.iter().map(|code| *code as u8).collect::<Vec<u8>>().into(),
        _ => codes.to_vec().into(),
    }
}

/// The dimension that scales run along.
fn axis(scale_shape: &[usize]) -> Option<usize> {
    scale_shape.iter().position(|extent| *extent > 1)
}

fn with_axis(node: Node, scale_shape: &[usize]) -> Node {
    match axis(scale_shape) {
        Some(axis) => node.attr("axis", axis as i64),
        None => node,
    }
}
