//! Layers and pools: padding, sliding windows, and what multiplies or compares behind them.

use super::{Builder, Flow, Step, axes, elem_bits, frame, range, refused};
use crate::dataflow::device::DspFamily;
use crate::dataflow::parameters::Parameters;
use crate::dataflow::stage::{
    Arithmetic, ChannelwiseFunction, ChannelwiseOp, ConvolutionInputGenerator, FmPadding, GlobalAccPool,
    Mvau, Pool, Unit, Vvau,
};
use crate::diagnostic::Result;
use crate::graph::{Constant, Conv, SumPool, Value, ValueId, Window};

impl Builder<'_> {
    pub(super) fn dense(&mut self, step: &Step<'_>) -> Result<Flow> {
        let [matrix_height, matrix_width] = axes(self.graph.value(step.node.inputs[1]), &step.at)?;
        let flattened = self.flattened.get(&step.node.inputs[0]).copied();
        let (arithmetic, rtl, mut parameters) = self.arithmetic(step);
        if let Some([height, width, channels]) = flattened {
            let pixels = height * width;
            for row in &mut parameters.weights {
                *row = (0..row.len()).map(|i| row[i % channels * pixels + i / channels]).collect();
            }
        }
        let x = self.read(step, 0)?;
        let unit = Mvau { matrix_width, matrix_height, vectors: 1, arithmetic, rtl, flattened };
        Ok(self.layer(step, Unit::Mvau(unit), x, parameters))
    }

    fn layer(&mut self, step: &Step<'_>, unit: Unit, x: Flow, parameters: Parameters) -> Flow {
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
        let depthwise = conv.groups > 1;
        if depthwise && (conv.groups != channels || outputs != channels) {
            let found = format!("{} groups of {channels} channels to {outputs}", conv.groups);
            return Err(refused(
                at.clone(),
                found,
                "one group, or as many groups as input and output channels",
            ));
        }
        self.check_padding(step, &conv.window)?;
        let (arithmetic, rtl, mut parameters) = self.arithmetic(step);
        let [kh, kw] = conv.window.size;
        let taps = kh * kw;
        if !depthwise {
            for row in &mut parameters.weights {
                *row = (0..row.len()).map(|i| row[i % channels * taps + i / channels]).collect();
            }
        }
        let flow = self.read(step, 0)?;
        let flow = self.windows(step, &conv.window, depthwise, flow)?;
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

    /// Padding streams the code 0.
    fn check_padding(&self, step: &Step<'_>, window: &Window) -> Result<()> {
        let zero_point = self.graph.value(step.node.inputs[0]).codes().map_or(0, |codes| codes.zero_point);
        if window.is_padded() && zero_point != 0 {
            let found = format!("a padded window over codes with zero point {zero_point}");
            return Err(refused(step.at.clone(), found, "zero point 0: padding streams the code 0"));
        }
        Ok(())
    }

    pub(super) fn max_pool(&mut self, step: &Step<'_>, window: &Window) -> Result<Flow> {
        let x = self.graph.value(step.node.inputs[0]);
        let [_, channels, height, width] = axes(self.graph.value(step.node.output), &step.at)?;
        let range = range(x);
        if window.is_padded() && range.lo < 0 {
            let found = format!("a padded window over codes {range}");
            return Err(refused(
                step.at.clone(),
                found,
                "no negative codes: padding streams the code 0, which could be the largest",
            ));
        }
        let flow = self.read(step, 0)?;
        let flow = self.windows(step, window, true, flow)?;
        let unit =
            Pool { channels, window: window.size, output_size: [height, width], code_bits: elem_bits(x) };
        Ok(self.stage(step, Unit::Pool(unit), &[flow]))
    }

    /// Sums of whole frames have a stage of their own, other windows are depthwise convolutions with weights 1.
    pub(super) fn sum_pool(&mut self, step: &Step<'_>, pool: &SumPool) -> Result<Flow> {
        let SumPool { pool, zero_point, unit } = pool;
        let window = &pool.window;
        let (x, y) = (self.graph.value(step.node.inputs[0]), self.graph.value(step.node.output));
        let [_, channels, height, width] = axes(x, &step.at)?;
        let [_, _, output_height, output_width] = axes(y, &step.at)?;
        if *unit != 0 {
            let found = "an average of windows with different numbers of elements";
            return Err(refused(step.at.clone(), found, "windows within the frame, or padding that counts"));
        }
        if window.is_padded() && *zero_point != 0 {
            let found = format!("a padded window over codes with zero point {zero_point}");
            return Err(refused(step.at.clone(), found, "zero point 0: padding streams the code 0"));
        }
        let taps = window.size[0] * window.size[1];
        let offset = -zero_point * taps as i64;
        let offsets = if offset == 0 { vec![] } else { vec![offset] };
        let flow = self.read(step, 0)?;
        if window.size == [height, width] && [output_height, output_width] == [1, 1] {
            let unit = GlobalAccPool {
                channels,
                pixels: height * width,
                input_bits: elem_bits(x),
                output_bits: elem_bits(y),
            };
            let sums = self.stage(step, Unit::GlobalAccPool(unit), &[flow]);
            return Ok(match step.codes() {
                Some(codes) => self.requantized(step, sums, codes, offsets, step.node.output, step.output()),
                None if offsets.is_empty() => sums,
                None => self.channelwise(step, sums, ChannelwiseFunction::Add, offsets, step.node.output),
            });
        }
        let flow = self.windows(step, window, true, flow)?;
        let codes = step.codes();
        let arithmetic = Arithmetic {
            input_bits: elem_bits(x),
            input_zero_point: *zero_point,
            weight_bits: 1,
            accumulator: range(y).into(),
            requantization: codes.as_ref().map(|codes| codes.requantization()),
            output_bits: elem_bits(self.graph.value(step.output())),
        };
        let output_size = [output_height, output_width];
        let unit = Vvau { channels, window: window.size, output_size, arithmetic };
        let weights = vec![vec![1; taps]; channels];
        let parameters = Parameters { weights, offsets, codes, ..Parameters::default() };
        Ok(self.layer(step, Unit::Vvau(unit), flow, parameters))
    }

    /// The stage that combines each element of a frame like `value` with a factor.
    pub(super) fn channelwise(
        &mut self,
        step: &Step<'_>,
        flow: Flow,
        function: ChannelwiseFunction,
        factors: Vec<i64>,
        value: ValueId,
    ) -> Flow {
        let of = self.graph.value(value);
        let ([channels, pixels], bits) = (frame(of), elem_bits(of));
        let output_bits = match function {
            ChannelwiseFunction::Add => bits,
            ChannelwiseFunction::Mul => {
                let [lo, hi] = [range(of).lo, range(of).hi];
                let ends =
                    factors.iter().flat_map(|factor| [factor.saturating_mul(lo), factor.saturating_mul(hi)]);
                let (lo, hi) = ends.fold((0, 0), |(lo, hi), end: i64| (lo.min(end), hi.max(end)));
                exactum_runtime::num::IntRange { lo, hi }.signed_bits()
            }
        };
        let unit = ChannelwiseOp { channels, pixels, function, input_bits: bits, output_bits };
        let flow = self.stage(step, Unit::ChannelwiseOp(unit), &[flow]);
        self.parameters(Parameters { factors, ..Parameters::default() });
        flow
    }

    /// Padding and sliding window of a step, as far as it needs them.
    fn windows(&mut self, step: &Step<'_>, window: &Window, depthwise: bool, mut flow: Flow) -> Result<Flow> {
        let (node, at) = (step.node, &step.at);
        let x = self.graph.value(node.inputs[0]);
        let [_, channels, height, width] = axes(x, at)?;
        let [_, _, output_height, output_width] = axes(self.graph.value(node.output), at)?;
        let mut input_size = [height, width];
        let code_bits = elem_bits(x);
        if window.is_padded() {
            let padding = FmPadding { channels, input_size, pads: window.pads, code_bits };
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
    fn arithmetic(&self, step: &Step<'_>) -> (Arithmetic, bool, Parameters) {
        let node = step.node;
        let [x, weight] = [0, 1].map(|operand| self.graph.value(node.inputs[operand]));
        let sums = range(self.graph.value(node.output));
        let codes = step.codes();
        let input_zero_point = x.codes().map_or(0, |codes| codes.zero_point);
        let arithmetic = Arithmetic {
            input_bits: elem_bits(x),
            input_zero_point,
            weight_bits: elem_bits(weight),
            accumulator: sums.into(),
            requantization: codes.as_ref().map(|codes| codes.requantization()),
            output_bits: elem_bits(self.graph.value(step.output())),
        };
        let rows = weight.shape.first().copied().unwrap_or(1).max(1);
        let constant = |index: usize| match node.inputs.get(index).map(|id| &self.graph.value(*id).constant) {
            Some(Some(Constant::Codes(codes))) => codes.as_slice(),
            _ => &[],
        };
        let weights: Vec<Vec<i32>> =
            constant(1).chunks((constant(1).len() / rows).max(1)).map(<[i32]>::to_vec).collect();
        let bias = constant(2);
        let offset = |(row, weights): (usize, &Vec<i32>)| {
            let sum: i64 = weights.iter().map(|weight| i64::from(*weight)).sum();
            let bias = bias.get(if bias.len() == 1 { 0 } else { row }).copied().unwrap_or(0);
            i64::from(bias) - input_zero_point * sum
        };
        let offsets: Vec<i64> = weights.iter().enumerate().map(offset).collect();
        let offsets = if offsets.iter().all(|offset| *offset == 0) { vec![] } else { offsets };
        let rtl = step.requantize.is_none() && self.fits_dsps(x, weight);
        let weight_value = Some(node.inputs[1]);
        (arithmetic, rtl, Parameters { weight_value, weights, offsets, codes, factors: vec![] })
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
        (4..=most_input_bits).contains(&input.int.width.bits())
            && (4..=8).contains(&codes.int.width.bits())
            && codes.int.signed
            && (is_narrow || self.device.dsp_family != DspFamily::Dsp48E1)
    }
}
