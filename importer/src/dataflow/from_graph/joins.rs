//! Where streams meet: sums and concatenations.

use super::{Builder, Flow, Step, elem_bits, frame, refused};
use crate::dataflow::stage::{AddStreams, ChannelwiseFunction, StreamingConcat, Unit};
use crate::diagnostic::Result;

impl Builder<'_> {
    /// A sum of two streams, each multiplied before where the graph says so.
    pub(super) fn sum(&mut self, step: &Step<'_>, multipliers: &[[i64; 2]]) -> Result<Flow> {
        let operands = [0, 1].map(|operand| self.graph.value(step.node.inputs[operand]));
        if operands.iter().any(|operand| operand.constant.is_some()) {
            return Err(refused(step.at.clone(), "a sum with a constant", "two computed operands"));
        }
        if operands[0].shape != operands[1].shape {
            let found = format!("a sum of shapes {:?} and {:?}", operands[0].shape, operands[1].shape);
            return Err(refused(step.at.clone(), found, "one shape: no stage repeats elements"));
        }
        let mut flows = vec![];
        let mut input_bits = [0; 2];
        for operand in [0, 1] {
            let mut flow = self.read(step, operand)?;
            input_bits[operand] = elem_bits(operands[operand]);
            let factors: Vec<i64> = multipliers.iter().map(|pair| pair[operand]).collect();
            if factors.iter().any(|factor| *factor != 1) {
                let value = step.node.inputs[operand];
                flow = self.channelwise(step, flow, ChannelwiseFunction::Mul, factors, value);
                if let Some(Unit::ChannelwiseOp(unit)) = self.made.stages.last().map(|stage| &stage.unit) {
                    input_bits[operand] = unit.output_bits;
                }
            }
            flows.push(flow);
        }
        let sums = self.graph.value(step.node.output);
        let [channels, pixels] = frame(sums);
        let unit = AddStreams { channels, pixels, input_bits, output_bits: elem_bits(sums) };
        let flow = self.stage(step, Unit::AddStreams(unit), &flows);
        Ok(match step.codes() {
            Some(codes) => self.requantized(step, flow, codes, vec![], step.node.output, step.output()),
            None => flow,
        })
    }

    pub(super) fn concat(&mut self, step: &Step<'_>, axis: usize) -> Result<Flow> {
        if axis != 1 {
            let found = format!("a concatenation along axis {axis}");
            return Err(refused(step.at.clone(), found, "one along the channels, axis 1"));
        }
        let operands: Vec<_> = step.node.inputs.iter().map(|id| self.graph.value(*id)).collect();
        if operands.iter().any(|operand| operand.constant.is_some()) {
            return Err(refused(step.at.clone(), "a concatenation with a constant", "computed operands"));
        }
        let channels_per_stream = operands.iter().map(|operand| frame(operand)[0]).collect();
        let input_bits = operands.iter().map(|operand| elem_bits(operand)).collect();
        let output = self.graph.value(step.node.output);
        let unit = StreamingConcat {
            channels_per_stream,
            pixels: frame(output)[1],
            input_bits,
            output_bits: elem_bits(output),
        };
        let flows = (0..operands.len()).map(|index| self.read(step, index)).collect::<Result<Vec<_>>>()?;
        Ok(self.stage(step, Unit::StreamingConcat(unit), &flows))
    }
}
