//! Pools: the largest code of windows, their sums, and sums of windows with different numbers of elements.

use exactum_runtime::num::IntRange;

use super::{Builder, Flow, Step, axes, elem_bits, frame, range};
use crate::dataflow::parameters::Parameters;
use crate::dataflow::stage::{
    Arithmetic, ChannelwiseFunction, GlobalAccPool, Multiplication, Pool, Unit, Vvau, finn_accumulator_bits,
};
use crate::diagnostic::Result;
use crate::graph::{Pool as GraphPool, SumPool, Window};

impl Builder<'_> {
    pub(super) fn max_pool(&mut self, step: &Step<'_>, window: &Window) -> Result<Flow> {
        let x = self.graph.value(step.node.inputs[0]);
        let [_, channels, height, width] = axes(self.graph.value(step.node.output), &step.at)?;
        // The smallest code is the largest of no window, which has an element of the frame.
        let least = range(x).lo;
        let flow = self.read(step, 0)?;
        let flow = self.windows(step, window, true, least, flow)?;
        let code_bits = self.bits(step.node.inputs[0]);
        let unit = Pool { channels, window: window.size, output_size: [height, width], code_bits };
        Ok(self.stage(step, Unit::Pool(unit), &[flow]))
    }

    /// Sums of whole frames have a stage of their own, other windows are depthwise convolutions with weights 1.
    pub(super) fn sum_pool(&mut self, step: &Step<'_>, pool: &SumPool) -> Result<Flow> {
        let SumPool { pool, zero_point, unit } = pool;
        let window = &pool.window;
        let (x, y) = (self.graph.value(step.node.inputs[0]), self.graph.value(step.node.output));
        let [_, channels, height, width] = axes(x, &step.at)?;
        let [_, _, output_height, output_width] = axes(y, &step.at)?;
        let taps = window.size[0] * window.size[1];
        let offset = -zero_point * taps as i64;
        let offsets = if offset == 0 { vec![] } else { vec![offset] };
        let flow = self.read(step, 0)?;
        if *unit != 0 {
            return self.weighted_sums(step, pool, (*zero_point, *unit), flow);
        }
        if window.size == [height, width] && [output_height, output_width] == [1, 1] {
            let unit = GlobalAccPool {
                channels,
                pixels: height * width,
                input_bits: self.bits(step.node.inputs[0]),
                output_bits: elem_bits(y),
            };
            let sums = self.stage(step, Unit::GlobalAccPool(unit), &[flow]);
            return Ok(match step.codes() {
                Some(codes) => self.requantized(
                    step,
                    sums,
                    codes,
                    offsets,
                    (step.node.output, elem_bits(y)),
                    step.output(),
                ),
                None if offsets.is_empty() => sums,
                None => {
                    let (frame, range) = (frame(y), range(y));
                    self.channelwise(step, (sums, range), ChannelwiseFunction::Add, offsets, frame).0
                }
            });
        }
        let flow = self.windows(step, window, true, *zero_point, flow)?;
        let codes = step.codes();
        let arithmetic = Arithmetic {
            multiplication: Multiplication::Integer,
            input_bits: self.bits(step.node.inputs[0]),
            input_signed: x.codes().is_some_and(|codes| codes.int.signed),
            input_zero_point: *zero_point,
            weight_bits: 1,
            accumulator: range(y).into(),
            finn_accumulator_bits: finn_accumulator_bits(
                &[vec![1; taps]],
                x.codes().map_or_else(|| range(x), |codes| codes.int.range()),
            ),
            requantization: codes.as_ref().map(|codes| codes.requantization()),
            output_bits: self.bits(step.output()),
        };
        let output_size = [output_height, output_width];
        let unit = Vvau { channels, window: window.size, output_size, arithmetic };
        let weights = vec![vec![1; taps]; channels];
        let parameters = Parameters { weights, offsets, codes, ..Parameters::default() };
        Ok(self.layer(step, Unit::Vvau(unit), flow, parameters))
    }

    /// Sums of windows that are brought to a common number of elements: windows, their sums, and a factor for each.
    fn weighted_sums(
        &mut self,
        step: &Step<'_>,
        pool: &GraphPool,
        (zero_point, unit): (i64, u64),
        flow: Flow,
    ) -> Result<Flow> {
        let window = &pool.window;
        let (x, y) = (self.graph.value(step.node.inputs[0]), self.graph.value(step.node.output));
        let [_, channels, height, width] = axes(x, &step.at)?;
        let [_, _, output_height, output_width] = axes(y, &step.at)?;
        let taps = window.size[0] * window.size[1];
        let input_bits = self.bits(step.node.inputs[0]);
        let codes = range(x);
        let reach = |end: i64| end.saturating_sub(zero_point).saturating_mul(taps as i64);
        let sums = IntRange { lo: reach(codes.lo).min(0), hi: reach(codes.hi).max(0) };
        let arithmetic = Arithmetic {
            multiplication: Multiplication::Integer,
            input_bits,
            input_signed: x.codes().is_some_and(|codes| codes.int.signed),
            input_zero_point: zero_point,
            weight_bits: 1,
            accumulator: sums.into(),
            finn_accumulator_bits: finn_accumulator_bits(
                &[vec![1; taps]],
                x.codes().map_or(codes, |codes| codes.int.range()),
            ),
            requantization: None,
            output_bits: sums.signed_bits(),
        };
        let flow = self.windows(step, window, true, zero_point, flow)?;
        let output_size = [output_height, output_width];
        let vvau = Vvau { channels, window: window.size, output_size, arithmetic };
        let offset = -zero_point * taps as i64;
        let offsets = if offset == 0 { vec![] } else { vec![offset] };
        let flow = self.stage(step, Unit::Vvau(vvau), &[flow]);
        self.parameters(Parameters {
            weights: vec![vec![1; taps]; channels],
            offsets,
            ..Parameters::default()
        });
        let seen = |axis: usize, position: usize, elems: usize| {
            let tap = |tap: usize| position * window.stride[axis] + tap * window.dilation[axis];
            let inside = |at: usize| at.checked_sub(window.pads[axis]).is_some_and(|at| at < elems);
            (0..window.size[axis]).filter(|own| inside(tap(*own))).count() as i64
        };
        let factor = |place: usize| {
            let pixel = place / channels;
            let counted = seen(0, pixel / output_width, height) * seen(1, pixel % output_width, width);
            unit as i64 / counted.max(1)
        };
        let factors = (0..channels * output_height * output_width).map(factor).collect();
        let (flow, found) = self.by_constants(step, (flow, sums), ChannelwiseFunction::Mul, factors);
        Ok(match step.codes() {
            Some(codes) => {
                let x = (step.node.output, found.signed_bits());
                self.requantized(step, flow, codes, vec![], x, step.output())
            }
            None => flow,
        })
    }
}
