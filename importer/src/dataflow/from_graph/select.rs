//! Label select, of the vectors along the last axis.

use super::{Builder, Flow, Step};
use crate::dataflow::moves::{Source, places, stream_order};
use crate::dataflow::parameters::Parameters;
use crate::dataflow::stage::{LabelSelect, Unit};
use crate::diagnostic::Result;
use crate::graph::Op;

impl Builder<'_> {
    pub(super) fn label_select(&mut self, step: &Step<'_>) -> Result<Flow> {
        let Op::TopK { k, largest, values, multipliers, offsets } = &step.node.op else {
            return self.read(step, 0);
        };
        let (id, output) = (step.node.inputs[0], step.node.output);
        let (x, y) = (self.graph.value(id), self.graph.value(output));
        let labels = x.shape.last().copied().unwrap_or(1).max(1);
        let flow = self.read(step, 0)?;
        // Vectors leave the stage before one after the other, and results the stage itself, in the file's order.
        let order = places(&stream_order(&x.shape)).into_iter().map(Source::Element).collect();
        let bits = self.bits(id);
        let flow = self.shuffle(step, flow, (x.elems(), order), [bits; 2], id);
        let output_bits = self.bits(output);
        let unit = LabelSelect {
            labels,
            k: *k,
            vectors: x.elems() / labels,
            largest: *largest,
            values: *values,
            input_bits: bits,
            output_bits,
        };
        let flow = self.stage(step, Unit::LabelSelect(unit), &[flow]);
        let (factors, offsets) = (multipliers.clone(), offsets.clone());
        self.parameters(Parameters { factors, offsets, ..Parameters::default() });
        let order = stream_order(&y.shape).into_iter().map(Source::Element).collect();
        Ok(self.shuffle(step, flow, (y.elems(), order), [output_bits; 2], output))
    }
}
