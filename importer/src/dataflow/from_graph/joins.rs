//! Where streams meet: sums, products and concatenations; of constants what they do to one stream.

use exactum_runtime::num::IntRange;

use super::{Builder, End, Flow, Step, elem_bits, frame, range, refused};
use crate::dataflow::moves::{Source, broadcast, places, stream_order};
use crate::dataflow::parameters::{CodeFunction, Parameters};
use crate::dataflow::stage::{
    AddStreams, ChannelwiseFunction, ChannelwiseOp, Folding, MulStreams, StreamingConcat, Unit,
};
use crate::diagnostic::Result;
use crate::graph::{Certified, Constant, Type, Value};

/// A stream and what its integers can be.
type Ranged = (Flow, IntRange);

impl Builder<'_> {
    /// A sum of two streams, each multiplied before where the graph says so.
    pub(super) fn sum(&mut self, step: &Step<'_>, multipliers: &[[i64; 2]]) -> Result<Flow> {
        let (sums, range) = self.added(step, multipliers)?;
        Ok(match step.codes() {
            Some(codes) => {
                let x = (step.node.output, range.signed_bits());
                self.requantized(step, sums, codes, vec![], x, step.output())
            }
            None => sums,
        })
    }

    /// Codes of a sum of values whose scales have no small common unit.
    pub(super) fn pair(
        &mut self,
        step: &Step<'_>,
        multipliers: &[[i64; 2]],
        certified: &Certified,
    ) -> Result<Flow> {
        let (sums, range) = self.added(step, multipliers)?;
        let output = step.node.output;
        let codes = CodeFunction::of(certified);
        Ok(self.requantized(step, sums, codes, vec![], (output, range.signed_bits()), output))
    }

    fn added(&mut self, step: &Step<'_>, multipliers: &[[i64; 2]]) -> Result<Ranged> {
        let output = self.graph.value(step.node.output);
        let shape = output.shape.clone();
        let constant = self.constant(step, 1, &shape);
        let mut flows: Vec<Ranged> = vec![];
        for operand in [0, 1] {
            if operand == 1 && constant.is_some() {
                continue;
            }
            let flow = self.operand(step, operand, &shape)?;
            let factors: Vec<i64> = multipliers.iter().map(|pair| pair[operand]).collect();
            flows.push(if factors.iter().any(|factor| *factor != 1) {
                self.channelwise(step, flow, ChannelwiseFunction::Mul, factors, frame(output))
            } else {
                flow
            });
        }
        if let Some(codes) = constant {
            let channels = frame(output)[0];
            let factor = |(place, code): (usize, &i64)| {
                multipliers[place % channels % multipliers.len()][1].saturating_mul(*code)
            };
            let added = codes.iter().enumerate().map(factor).collect();
            return Ok(self.by_constants(step, flows[0], ChannelwiseFunction::Add, added));
        }
        let [a, b] = [flows[0], flows[1]];
        let [channels, pixels] = frame(output);
        let range = IntRange { lo: a.1.lo.saturating_add(b.1.lo), hi: a.1.hi.saturating_add(b.1.hi) };
        // A sum that leaves has the bits of its bounds in the graph.
        let range = match &output.ty {
            Type::Accumulators { .. } => self::range(output),
            _ => range,
        };
        let input_bits = [self.flow_bits(&a), self.flow_bits(&b)];
        let unit = AddStreams { channels, pixels, input_bits, output_bits: range.signed_bits() };
        Ok((self.stage(step, Unit::AddStreams(unit), &[a.0, b.0]), range))
    }

    /// A product of two streams, each without its zero point.
    pub(super) fn product(&mut self, step: &Step<'_>, zero_points: [i64; 2]) -> Result<Flow> {
        let output = self.graph.value(step.node.output);
        let shape = output.shape.clone();
        let (frame, constant) = (frame(output), self.constant(step, 1, &shape));
        let mut flows: Vec<Ranged> = vec![];
        for operand in [0, 1] {
            if operand == 1 && constant.is_some() {
                continue;
            }
            let flow = self.operand(step, operand, &shape)?;
            flows.push(match zero_points[operand] {
                0 => flow,
                zero => self.channelwise(step, flow, ChannelwiseFunction::Add, vec![-zero], frame),
            });
        }
        let flow = match constant {
            Some(codes) => {
                let factors = codes.iter().map(|code| code - zero_points[1]).collect();
                self.by_constants(step, flows[0], ChannelwiseFunction::Mul, factors).0
            }
            None => {
                let [a, b] = [flows[0], flows[1]];
                let input_bits = [self.flow_bits(&a), self.flow_bits(&b)];
                let [channels, pixels] = frame;
                let unit = MulStreams { channels, pixels, input_bits, output_bits: elem_bits(output) };
                self.stage(step, Unit::MulStreams(unit), &[a.0, b.0])
            }
        };
        let bits = self.flow_bits(&(flow, range(output)));
        Ok(match step.codes() {
            Some(codes) => {
                self.requantized(step, flow, codes, vec![], (step.node.output, bits), step.output())
            }
            None => flow,
        })
    }

    /// The stream of an operand, repeated where the result's shape says so.
    fn operand(&mut self, step: &Step<'_>, operand: usize, shape: &[usize]) -> Result<Ranged> {
        let id = step.node.inputs[operand];
        let (value, bits) = (self.graph.value(id), self.bits(id));
        let own = value.shape.clone();
        let flow = self.read(step, operand)?;
        let (read, range) = (value.elems(), range(value));
        if own == shape {
            return Ok((flow, range));
        }
        let (from, places) = (broadcast(&own, shape), places(&stream_order(&own)));
        let order =
            stream_order(shape).into_iter().map(|index| Source::Element(places[from[index]])).collect();
        Ok((self.shuffle(step, flow, (read, order), [bits; 2], id), range))
    }

    /// The codes of a constant operand in the order of the result's stream.
    fn constant(&self, step: &Step<'_>, operand: usize, shape: &[usize]) -> Option<Vec<i64>> {
        let value = self.graph.value(*step.node.inputs.get(operand)?);
        let Some(Constant::Codes(codes)) = &value.constant else { return None };
        let from = broadcast(&value.shape, shape);
        Some(stream_order(shape).into_iter().map(|index| codes[from[index]].into()).collect())
    }

    /// Combines each element with the constant at its place: one for each channel if they repeat.
    pub(super) fn by_constants(
        &mut self,
        step: &Step<'_>,
        flow: Ranged,
        function: ChannelwiseFunction,
        factors: Vec<i64>,
    ) -> Ranged {
        let [channels, pixels] = frame(self.graph.value(step.node.output));
        let repeats = factors.iter().enumerate().all(|(place, factor)| factors[place % channels] == *factor);
        if repeats {
            let factors = factors[..channels.min(factors.len())].to_vec();
            return self.channelwise(step, flow, function, factors, [channels, pixels]);
        }
        self.channelwise(step, flow, function, factors, [channels * pixels, 1])
    }

    /// The stage that combines each element of a frame with a factor: one for all, or one for each channel.
    pub(super) fn channelwise(
        &mut self,
        step: &Step<'_>,
        flow: Ranged,
        function: ChannelwiseFunction,
        factors: Vec<i64>,
        [channels, pixels]: [usize; 2],
    ) -> Ranged {
        let IntRange { lo, hi } = flow.1;
        let ends = factors.iter().flat_map(|factor| match function {
            ChannelwiseFunction::Add => [lo.saturating_add(*factor), hi.saturating_add(*factor)],
            ChannelwiseFunction::Mul => [lo.saturating_mul(*factor), hi.saturating_mul(*factor)],
        });
        let (lo, hi) = ends.fold((i64::MAX, i64::MIN), |(lo, hi), end| (lo.min(end), hi.max(end)));
        let range = if lo > hi { flow.1 } else { IntRange { lo, hi } };
        let (input_bits, output_bits) = (self.flow_bits(&flow), range.signed_bits());
        let unit = ChannelwiseOp { channels, pixels, function, input_bits, output_bits };
        let flow = self.stage(step, Unit::ChannelwiseOp(unit), &[flow.0]);
        self.parameters(Parameters { factors, ..Parameters::default() });
        (flow, range)
    }

    /// Bits of the elements of a stream: as who writes it has them.
    fn flow_bits(&self, (flow, range): &Ranged) -> u32 {
        match flow.from {
            End::Stage { stage, .. } => self.made.stages[stage].unit.output(Folding::ONE).elem_bits,
            End::Host(_) => self.bits(flow.value).max(u32::from(range.lo == range.hi)),
        }
    }

    pub(super) fn concat(&mut self, step: &Step<'_>, axis: usize) -> Result<Flow> {
        let id = step.node.output;
        let output = self.graph.value(id);
        let operands: Vec<usize> = (0..step.node.inputs.len())
            .filter(|index| self.graph.value(step.node.inputs[*index]).constant.is_none())
            .collect();
        if operands.is_empty() {
            return Err(refused(step.at.clone(), "a concatenation of constants", "a computed operand"));
        }
        let mut flows = vec![];
        for index in &operands {
            flows.push(self.read(step, *index)?);
        }
        let values: Vec<_> = operands.iter().map(|index| step.node.inputs[*index]).collect();
        let input_bits: Vec<u32> = values.iter().map(|id| self.bits(*id)).collect();
        let output_bits = self.bits(id);
        let of_channels = axis == 1 && operands.len() == step.node.inputs.len();
        let sizes = values.iter().map(|id| self.graph.value(*id));
        let (channels_per_stream, pixels) = if of_channels {
            (sizes.map(|value| frame(value)[0]).collect::<Vec<_>>(), frame(output)[1])
        } else {
            (sizes.map(Value::elems).collect(), 1)
        };
        let read: usize = channels_per_stream.iter().sum::<usize>() * pixels;
        let flow = if flows.len() > 1 {
            let unit = StreamingConcat { channels_per_stream, pixels, input_bits, output_bits };
            self.stage(step, Unit::StreamingConcat(unit), &flows)
        } else {
            flows[0]
        };
        if of_channels {
            return Ok(flow);
        }
        let order = self.concatenated(step, axis);
        let bits = self.flow_bits(&(flow, IntRange::point(0)));
        Ok(self.shuffle(step, flow, (read, order), [bits, output_bits], id))
    }

    /// The stream of a concatenation of frames that come one behind the other.
    fn concatenated(&self, step: &Step<'_>, axis: usize) -> Vec<Source> {
        let shape = &self.graph.value(step.node.output).shape;
        let inner: usize = shape[axis + 1..].iter().product();
        let (mut sources, mut first) = (vec![], 0);
        let outer: usize = shape[..axis].iter().product();
        let mut rows: Vec<Vec<Source>> = vec![vec![]; outer];
        for id in &step.node.inputs {
            let value = self.graph.value(*id);
            let elems = value.shape[axis] * inner;
            let places = places(&stream_order(&value.shape));
            for (row, sources) in rows.iter_mut().enumerate() {
                sources.extend((row * elems..(row + 1) * elems).map(|index| match &value.constant {
                    Some(Constant::Codes(codes)) => Source::Code(codes[index].into()),
                    _ => Source::Element(first + places[index]),
                }));
            }
            first += if value.constant.is_none() { value.elems() } else { 0 };
        }
        rows.into_iter().for_each(|row| sources.extend(row));
        stream_order(shape).into_iter().map(|index| sources[index]).collect()
    }
}
