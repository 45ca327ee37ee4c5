//! Layers and pools: padding, sliding windows, and what multiplies or compares behind them.

use exactum_runtime::num::IntRange;

use super::bipolar::is_constant;
use super::{Builder, Flow, Step, axes, channel_range, elem_bits, range, refused};
use crate::dataflow::device::DspFamily;
use crate::dataflow::parameters::{CodeFunction, Parameters};
use crate::dataflow::stage::{
    Arithmetic, ConvolutionInputGenerator, FmPadding, Multiplication, Mvau, Unit, Vvau, finn_accumulator_bits,
};
use crate::diagnostic::Result;
use crate::graph::{Constant, Conv, Value, Window};

impl Builder<'_> {
    pub(super) fn dense(&mut self, step: &Step<'_>) -> Result<Flow> {
        let [matrix_height, matrix_width] = axes(self.graph.value(step.node.inputs[1]), &step.at)?;
        let id = step.node.inputs[0];
        let (arithmetic, rtl, mut parameters) = self.arithmetic(step);
        let (x, order) = self.read_in_any_order(step, 0)?;
        let in_order = order.iter().enumerate().all(|(place, index)| place == *index);
        let flattened = match self.graph.value(self.moved.root(id)).shape.as_slice() {
            [1, channels, rest @ ..] if !in_order => {
                let columns = rest.last().copied().unwrap_or(1);
                Some([rest.iter().product::<usize>() / columns, columns, *channels])
            }
            _ => None,
        };
        for row in &mut parameters.weights {
            *row = order.iter().map(|index| row[*index]).collect();
        }
        let unit = Mvau { matrix_width, matrix_height, vectors: 1, arithmetic, rtl, flattened };
        Ok(self.layer(step, Unit::Mvau(unit), x, parameters))
    }

    pub(super) fn layer(&mut self, step: &Step<'_>, unit: Unit, x: Flow, parameters: Parameters) -> Flow {
        let y = self.stage(step, unit, &[x]);
        self.parameters(parameters);
        if let Some(stage) = self.made.stages.last_mut() {
            stage.nodes = step.nodes();
        }
        y
    }

    pub(super) fn convolution(&mut self, step: &Step<'_>, conv: &Conv) -> Result<Flow> {
        let (node, at) = (step.node, &step.at);
        let x = self.graph.value(node.inputs[0]);
        let [_, channels, _, _] = axes(x, at)?;
        let [outputs, _, _, _] = axes(self.graph.value(node.inputs[1]), at)?;
        let [_, _, height, width] = axes(self.graph.value(node.output), at)?;
        let depthwise = conv.groups > 1 && conv.groups == channels && outputs == channels;
        let (arithmetic, rtl, mut parameters) = self.arithmetic(step);
        let [kh, kw] = conv.window.size;
        let taps = kh * kw;
        if !depthwise {
            in_stream_order(&mut parameters.weights, conv.groups, channels, taps);
        }
        let zero = x.codes().map_or(0, |codes| codes.zero_point);
        let flow = self.read(step, 0)?;
        let flow = self.windows(step, &conv.window, depthwise, zero, flow)?;
        let unit = if depthwise {
            Unit::Vvau(Vvau { channels, window: [kh, kw], output_size: [height, width], arithmetic })
        } else {
            Unit::Mvau(Mvau {
                matrix_width: channels * taps,
                matrix_height: outputs,
                vectors: height * width,
                arithmetic,
                rtl,
                flattened: None,
            })
        };
        Ok(self.layer(step, unit, flow, parameters))
    }

    /// Padding by `code` and sliding window of a step, as far as it needs them.
    pub(super) fn windows(
        &mut self,
        step: &Step<'_>,
        window: &Window,
        depthwise: bool,
        code: i64,
        mut flow: Flow,
    ) -> Result<Flow> {
        let (node, at) = (step.node, &step.at);
        let x = self.graph.value(node.inputs[0]);
        let [_, channels, height, width] = axes(x, at)?;
        let [_, _, output_height, output_width] = axes(self.graph.value(node.output), at)?;
        let mut input_size = [height, width];
        let code_bits = self.bits(node.inputs[0]);
        if window.is_padded() {
            let padding = FmPadding { channels, input_size, pads: window.pads, code, code_bits };
            input_size = padding.output_size();
            flow = self.stage(step, Unit::FmPadding(padding), &[flow]);
        }
        if window.size == [1, 1] && window.stride == [1, 1] && !window.is_padded() {
            return Ok(flow);
        }
        if window.stride[0] > input_size[0] || window.stride[1] > input_size[1] {
            let found = format!("stride {:?} over {input_size:?}", window.stride);
            return Err(refused(at.clone(), found, "a stride within the padded input"));
        }
        let unit = ConvolutionInputGenerator {
            channels,
            input_size,
            output_size: [output_height, output_width],
            window: window.size,
            stride: window.stride,
            dilation: window.dilation,
            depthwise,
            code_bits,
        };
        Ok(self.stage(step, Unit::ConvolutionInputGenerator(unit), &[flow]))
    }

    /// Types of a layer, whether FINN builds it from its DSP library, and what it computes with, in ONNX's order.
    pub(super) fn arithmetic(&self, step: &Step<'_>) -> (Arithmetic, bool, Parameters) {
        let node = step.node;
        let [x, weight] = [0, 1].map(|operand| self.graph.value(node.inputs[operand]));
        let sums = range(self.graph.value(node.output));
        let codes = step.codes();
        let input_zero_point = x.codes().map_or(0, |codes| codes.zero_point);
        let multiplication = match (is_constant(weight), self.bipolar.contains(&node.inputs[0])) {
            (false, _) => Multiplication::Integer,
            (true, false) => Multiplication::BipolarWeights,
            (true, true) => Multiplication::Xnor,
        };
        let mut arithmetic = Arithmetic {
            multiplication,
            input_bits: self.bits(node.inputs[0]),
            input_signed: multiplication != Multiplication::Xnor
                && x.codes().is_some_and(|codes| codes.int.signed),
            input_zero_point,
            weight_bits: if multiplication == Multiplication::Integer { elem_bits(weight) } else { 1 },
            accumulator: sums.into(),
            finn_accumulator_bits: 0,
            requantization: codes.as_ref().map(|codes| codes.requantization()),
            output_bits: self.bits(step.output()),
        };
        let rows = weight.shape.first().copied().unwrap_or(1).max(1);
        let constant = |index: usize| match node.inputs.get(index).map(|id| &self.graph.value(*id).constant) {
            Some(Some(Constant::Codes(codes))) => codes.as_slice(),
            _ => &[],
        };
        let weights: Vec<Vec<i32>> =
            constant(1).chunks((constant(1).len() / rows).max(1)).map(<[i32]>::to_vec).collect();
        // FINN takes an agreement for a product of a weight and 0 or 1.
        let inputs = match multiplication {
            Multiplication::Xnor => IntRange { lo: 0, hi: 1 },
            _ => x.codes().map_or_else(|| range(x), |codes| codes.int.range()),
        };
        let bias = constant(2);
        let offset = |(row, weights): (usize, &Vec<i32>)| {
            let sum: i64 = weights.iter().map(|weight| i64::from(*weight)).sum();
            let bias = bias.get(if bias.len() == 1 { 0 } else { row }).copied().unwrap_or(0);
            i64::from(bias) - input_zero_point * sum
        };
        let mut offsets: Vec<i64> = weights.iter().enumerate().map(offset).collect();
        let (mut codes, mut weights) = (codes, weights);
        if let Some(turned) = step.turned_codes(weights.len(), &weights, arithmetic.weight_bits) {
            codes = Some(turned.codes);
            arithmetic.requantization = codes.as_ref().map(CodeFunction::requantization);
            let of_channel = |channel: usize| channel_range(self.graph.value(node.output), channel);
            let ranges = turned.falls.iter().enumerate().map(|(channel, falls)| match of_channel(channel) {
                IntRange { lo, hi } if *falls => IntRange { lo: -hi, hi: -lo },
                range => range,
            });
            arithmetic.accumulator = ranges.reduce(IntRange::union).unwrap_or(sums).into();
            let rows = weights.iter_mut().zip(&mut offsets).zip(&turned.falls);
            for ((row, offset), _) in rows.filter(|(_, falls)| **falls) {
                row.iter_mut().for_each(|weight| *weight = -*weight);
                *offset = -*offset;
            }
        }
        arithmetic.finn_accumulator_bits = finn_accumulator_bits(&weights, inputs);
        let offsets = if offsets.iter().all(|offset| *offset == 0) { vec![] } else { offsets };
        let rtl = step.requantize.is_none() && self.fits_dsps(x, weight);
        let weight_value = Some(node.inputs[1]);
        (arithmetic, rtl, Parameters { weight_value, weights, offsets, codes, ..Parameters::default() })
    }

    /// FINN's rule for `MVAU_rtl`, besides that it has no thresholds.
    fn fits_dsps(&self, x: &Value, weight: &Value) -> bool {
        let (Some(input), Some(codes)) = (x.codes(), weight.codes()) else { return false };
        let most_input_bits = if input.int.signed { 9 } else { 8 };
        let least = codes.int.min() - i64::from(codes.int.narrow);
        let is_narrow = match &weight.constant {
            Some(Constant::Codes(weights)) => weights.iter().all(|weight| i64::from(*weight) > least),
            _ => false,
        };
        self.device.dsp_family.is_some()
            && (4..=most_input_bits).contains(&input.int.width.bits())
            && (4..=8).contains(&codes.int.width.bits())
            && codes.int.signed
            && (is_narrow || self.device.dsp_family == Some(DspFamily::Dsp48E2))
    }
}

/// Puts the weights of each output channel, which has `taps` of each channel of its group, into the order of the windows,
/// which have all channels: those of other groups have the weight 0.
pub(super) fn in_stream_order(weights: &mut [Vec<i32>], groups: usize, channels: usize, taps: usize) {
    let per_group = channels / groups;
    let rows = weights.len() / groups;
    for (output, row) in weights.iter_mut().enumerate() {
        let first = output / rows.max(1) * per_group;
        let weight = |place: usize| {
            let (tap, channel) = (place / channels, place % channels);
            let own = channel.checked_sub(first).filter(|own| *own < per_group);
            own.map_or(0, |own| row[own * taps + tap])
        };
        *row = (0..channels * taps).map(weight).collect();
    }
}
