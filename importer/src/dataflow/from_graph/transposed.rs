//! Transposed convolutions: the frame spread by the stride, and a convolution over it with the taps turned around.

use super::layers::in_stream_order;
use super::{Builder, Flow, Step, axes};
use crate::dataflow::moves::Source;
use crate::dataflow::stage::{ConvolutionInputGenerator, Mvau, Unit};
use crate::diagnostic::Result;
use crate::graph::ConvTranspose;

impl Builder<'_> {
    pub(super) fn transposed_convolution(&mut self, step: &Step<'_>, conv: &ConvTranspose) -> Result<Flow> {
        let (id, at) = (step.node.inputs[0], &step.at);
        let x = self.graph.value(id);
        let [_, channels, rows, columns] = axes(x, at)?;
        let [_, outputs, height, width] = axes(self.graph.value(step.node.output), at)?;
        let (size, dilation) = (conv.window.size, conv.window.dilation);
        let reach = [0, 1].map(|axis| (size[axis] - 1) * dilation[axis]);
        let spread = [height + reach[0], width + reach[1]];
        let (arithmetic, rtl, mut parameters) = self.arithmetic(step);
        let taps = size[0] * size[1];
        for row in &mut parameters.weights {
            row.chunks_mut(taps).for_each(<[i32]>::reverse);
        }
        in_stream_order(&mut parameters.weights, conv.groups, channels, taps);
        let zero = x.codes().map_or(0, |codes| codes.zero_point);
        let from = |axis: usize, place: usize, elems: usize| {
            let place = (place + conv.window.pads[axis]).checked_sub(reach[axis])?;
            let element = place / conv.window.stride[axis];
            (place % conv.window.stride[axis] == 0 && element < elems).then_some(element)
        };
        let source = |place: usize| {
            let (pixel, channel) = (place / channels, place % channels);
            let [row, column] = [from(0, pixel / spread[1], rows), from(1, pixel % spread[1], columns)];
            match (row, column) {
                (Some(row), Some(column)) => Source::Element((row * columns + column) * channels + channel),
                _ => Source::Code(zero),
            }
        };
        let order: Vec<Source> = (0..spread[0] * spread[1] * channels).map(source).collect();
        let code_bits = self.bits(id);
        let flow = self.read(step, 0)?;
        let mut flow = self.shuffle(step, flow, (x.elems(), order), [code_bits; 2], id);
        if taps > 1 {
            let unit = ConvolutionInputGenerator {
                channels,
                input_size: spread,
                output_size: [height, width],
                window: size,
                stride: [1, 1],
                dilation,
                depthwise: false,
                code_bits,
            };
            flow = self.stage(step, Unit::ConvolutionInputGenerator(unit), &[flow]);
        }
        let unit = Mvau {
            matrix_width: channels * taps,
            matrix_height: outputs,
            vectors: height * width,
            arithmetic,
            rtl,
            flattened: None,
        };
        Ok(self.layer(step, Unit::Mvau(unit), flow, parameters))
    }
}
