//! Layers without weights: the standard operator with its attributes, `Trunc` in the form of current Brevitas.

use exactum_qonnx::{Node, Tensor, TensorData};
use exactum_runtime::num::Rounding;

use super::constant::Form;
use super::qcdq::unsupported;
use super::{ExportError, Flavour, GraphWriter, ints};
use crate::trace::Structural;

impl GraphWriter {
    pub(super) fn structural(
        &mut self,
        name: &str,
        operator: &Structural,
        inputs: Vec<String>,
        output: &str,
    ) -> Result<(), ExportError> {
        if let (Flavour::Qcdq, Structural::Trunc { .. }) = (self.flavour, operator) {
            let help = "use an average pool and a quantizer, or QONNX";
            return Err(unsupported(name, "the truncation of codes".to_owned(), help));
        }
        let mut inputs = inputs;
        inputs.extend(self.parameters(name, operator)?);
        if let Structural::Embedding { .. } = operator {
            // Rows are chosen by integers; the table comes first.
            let indices = format!("{name}.indices");
            let cast = Node::new("Cast", [inputs[0].as_str()], [indices.as_str()]);
            self.node(cast.named(&indices).attr("to", 7));
            inputs = vec![inputs.swap_remove(1), indices];
        }
        let node = Node::new(operator.node(), inputs, [output]).named(name);
        self.node(attributes(node, operator));
        Ok(())
    }

    /// Inputs that are constants.
    fn parameters(&mut self, name: &str, operator: &Structural) -> Result<Vec<String>, ExportError> {
        let constant = |part: &str, value: f32| Tensor::scalar(format!("{name}.{part}"), value);
        let list = |part: &str, values: &[f32]| {
            Tensor::new(format!("{name}.{part}"), &[values.len()], values.to_vec())
        };
        let extents = |part: &str, values: &[i64]| {
            Tensor::new(format!("{name}.{part}"), &[values.len()], TensorData::I64(values.to_vec()))
        };
        let tensors = match operator {
            Structural::AddScalar(value) | Structural::MulScalar(value) | Structural::DivScalar(value) => {
                vec![constant("constant", *value)]
            }
            Structural::Clip { min, max } => vec![constant("min", *min), constant("max", *max)],
            Structural::Trunc { scale, input_bit_width, output_scale, output_bit_width, .. } => vec![
                constant("scale", *scale),
                constant("zero_point", 0.0),
                constant("input_bit_width", f32::from(*input_bit_width)),
                constant("output_scale", *output_scale),
                constant("output_bit_width", f32::from(*output_bit_width)),
            ],
            Structural::BatchNorm { weight, bias, mean, variance, .. } => vec![
                list("weight", weight),
                list("bias", bias),
                list("running_mean", mean),
                list("running_var", variance),
            ],
            Structural::Reshape { shape } => {
                // 0 takes the extent of the batch from the input.
                let shape: Vec<i64> =
                    ints(shape).into_iter().enumerate().map(|(i, e)| if i == 0 { 0 } else { e }).collect();
                vec![extents("shape", &shape)]
            }
            Structural::Pad { pads } => vec![extents("pads", &ints(pads))],
            Structural::Upsample { scale } => {
                let scale: Vec<f32> = scale.iter().map(|scale| *scale as f32).collect();
                let region = Tensor::new(format!("{name}.roi"), &[0], Vec::<f32>::new());
                vec![region, list("scales", &scale)]
            }
            Structural::Embedding { shape, table } => {
                let form =
                    Form { shape: shape.to_vec(), per_channel: vec![], per_tensor: vec![], standard_bits: 8 };
                return Ok(vec![self.constant(&format!("{name}.weight"), table, &form)?]);
            }
            _ => Vec::new(),
        };
        Ok(tensors.into_iter().map(|tensor| self.initializer(tensor)).collect())
    }
}

fn attributes(node: Node, operator: &Structural) -> Node {
    let ends = |padding: &[(usize, usize)]| {
        let (begin, end): (Vec<usize>, Vec<usize>) = padding.iter().copied().unzip();
        ints(&[begin, end].concat())
    };
    let both = |padding: &[usize]| [ints(padding), ints(padding)].concat();
    match operator {
        Structural::MaxPool { kernel_size, stride, padding, dilation, ceil_mode } => node
            .attr("auto_pad", "NOTSET")
            .attr("ceil_mode", i64::from(*ceil_mode))
            .attr("dilations", ints(dilation))
            .attr("kernel_shape", ints(kernel_size))
            .attr("pads", ends(padding))
            .attr("strides", ints(stride)),
        Structural::AveragePool { kernel_size, stride, padding } => node
            .attr("auto_pad", "NOTSET")
            .attr("ceil_mode", 0)
            .attr("count_include_pad", 1)
            .attr("kernel_shape", ints(kernel_size))
            .attr("pads", both(padding))
            .attr("strides", ints(stride)),
        Structural::Trunc { signed, rounding, .. } => {
            let mode = if *rounding == Rounding::HalfEven { "ROUND" } else { rounding.qonnx_name() };
            node.attr("rounding_mode", mode).attr("signed", i64::from(*signed)).attr("narrow", 0)
        }
        Structural::BatchNorm { epsilon, .. } => node.attr("epsilon", *epsilon),
        Structural::Transpose { axes } => node.attr("perm", ints(axes)),
        Structural::Concat { dim } | Structural::Softmax { dim } => node.attr("axis", *dim as i64),
        Structural::Upsample { .. } => node
            .attr("coordinate_transformation_mode", "asymmetric")
            .attr("mode", "nearest")
            .attr("nearest_mode", "floor"),
        Structural::PixelShuffle { factor } => node.attr("blocksize", *factor as i64).attr("mode", "CRD"),
        _ => node,
    }
}
