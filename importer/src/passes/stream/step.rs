//! Writes the graph of a step: values along the streamed axis keep the frames of one step, and what reads more of the past
//! reads a state.

use std::collections::BTreeMap;

use exactum_runtime::num::IntRange;

use super::refused;
use super::times::{Frames, Time};
use crate::diagnostic::Result;
use crate::graph::{ChannelMap, Codes, FileNodeId, Graph, Node, Op, State, Type, Value, ValueId, Window};

/// The graph of a step of `step_frames`, `steps` of which make a window, for `graph` with the times of its values.
pub(super) fn written(graph: &Graph, times: &[Time], step_frames: usize, steps: usize) -> Result<Graph> {
    let mut step = graph.clone();
    step.nodes.clear();
    for (index, (value, time)) in step.values.iter_mut().zip(times).enumerate() {
        if let Time::Frames(frames) = time {
            resize(value, frames.axis, step_frames / frames.stride);
        }
        // What the file has in the place of a value is a window.
        if !graph.inputs.contains(&ValueId::new(index)) {
            value.sources.clear();
        }
    }
    let mut writer = Writer {
        from: graph,
        times,
        step,
        step_frames,
        steps,
        pasts: BTreeMap::new(),
        origin: vec![],
        at: 0,
    };
    for (index, node) in graph.nodes.iter().enumerate() {
        writer.at = index;
        writer.origin.clone_from(&node.origin);
        writer.node(node)?;
    }
    let mut step = writer.step;
    step.compact();
    Ok(step)
}

/// Gives `value` another number of frames along `axis`; channels stay the indices along their axes.
fn resize(value: &mut Value, axis: usize, frames: usize) {
    let before = value.shape.clone();
    value.shape[axis] = frames;
    if let Type::Accumulators { meaning: Some(meaning), .. } = &mut value.ty
        && let Some(map) = &mut meaning.channels
    {
        *map = remapped(map, &before, &value.shape);
    }
}

fn remapped(map: &ChannelMap, before: &[usize], shape: &[usize]) -> ChannelMap {
    map.axis(before).map_or_else(|| map.clone(), |axis| ChannelMap::along(shape, axis))
}

/// Frames of a value, the newest `length` and those before this step among them: `count` from the oldest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Past {
    value: ValueId,
    length: usize,
    count: usize,
    fill: i64,
}

struct Writer<'a> {
    from: &'a Graph,
    times: &'a [Time],
    step: Graph,
    step_frames: usize,
    steps: usize,
    /// Pasts that are there, with values that hold them.
    pasts: BTreeMap<Past, ValueId>,
    /// Origin and index of the node that is at hand.
    origin: Vec<FileNodeId>,
    at: usize,
}

impl Writer<'_> {
    fn node(&mut self, node: &Node) -> Result<()> {
        let mut node = node.clone();
        let Time::Frames(y) = self.times[node.output.index()] else {
            for id in &mut node.inputs {
                *id = self.whole(*id)?;
            }
            self.step.nodes.push(node);
            return Ok(());
        };
        let frames = self.frames(y);
        let x = self.times[node.inputs[0].index()].frames().copied();
        match (&mut node.op, x) {
            (Op::Conv2d(conv), Some(x)) => {
                let fill = self.zero_point(node.inputs[0]);
                node.inputs[0] = self.windows(node.inputs[0], x, y, &mut conv.window, fill)?;
            }
            (Op::MaxPool(pool), Some(x)) => {
                // No element is less, so padding never wins.
                let fill = self.from.value(node.inputs[0]).codes().map_or(0, |codes| codes.range.lo);
                node.inputs[0] = self.windows(node.inputs[0], x, y, &mut pool.window, fill)?;
            }
            (Op::SumPool(pool), Some(x)) => {
                let fill = pool.zero_point;
                node.inputs[0] = self.windows(node.inputs[0], x, y, &mut pool.pool.window, fill)?;
            }
            (Op::Slice { starts, steps, sizes }, Some(x)) => {
                // A window of one tap, with frames before it that are not read.
                let (start, step) = (starts[x.axis], steps[x.axis].unsigned_abs());
                let (length, count) =
                    (self.frames(x) + step * y.delay - x.delay - start, (frames - 1) * step + 1);
                let past = Past { value: node.inputs[0], length, count, fill: self.any_code(node.inputs[0]) };
                node.inputs[0] = self.past(past, x)?;
                (starts[x.axis], sizes[x.axis]) = (0, frames);
            }
            (Op::Quantize(quantize), _) => {
                let (before, after) =
                    (&self.from.value(node.output).shape, &self.step.value(node.output).shape);
                quantize.channels = quantize.channels.as_ref().map(|map| remapped(map, before, after));
            }
            (Op::Dequantize(dequantize), _) => {
                let (before, after) =
                    (&self.from.value(node.output).shape, &self.step.value(node.output).shape);
                dequantize.channels = dequantize.channels.as_ref().map(|map| remapped(map, before, after));
            }
            (Op::Sum { .. } | Op::Product { .. } | Op::RequantizePair(_) | Op::Concat { .. }, _) => {
                for id in &mut node.inputs {
                    let Time::Frames(x) = self.times[id.index()] else { continue };
                    let length = self.frames(x) + y.delay - x.delay;
                    let past = Past { value: *id, length, count: frames, fill: self.any_code(*id) };
                    *id = self.past(past, x)?;
                }
            }
            _ => {}
        }
        self.step.nodes.push(node);
        Ok(())
    }

    /// Frames of one step.
    const fn frames(&self, of: Frames) -> usize {
        self.step_frames / of.stride
    }

    fn zero_point(&self, id: ValueId) -> i64 {
        self.from.value(id).codes().map_or(0, |codes| codes.zero_point)
    }

    /// A code that the value can have, for places that are never read: that of zero, if it can be.
    fn any_code(&self, id: ValueId) -> i64 {
        self.from.value(id).codes().map_or(0, |codes| codes.range.clamp(codes.zero_point))
    }

    /// The operand of windows over `x` that give one step of `y`; padding along the streamed axis is in it afterwards.
    fn windows(
        &mut self,
        value: ValueId,
        x: Frames,
        y: Frames,
        window: &mut Window,
        fill: i64,
    ) -> Result<ValueId> {
        let along = x.axis - 2;
        let extent = (window.size[along] - 1) * window.dilation[along] + 1;
        let (pad, stride) = (window.pads[along], window.stride[along]);
        let length = self.frames(x) + stride * y.delay + pad - x.delay;
        // Fewer frames than a stride beyond the last window make none more.
        let read = (self.frames(y) - 1) * stride + extent;
        let count = if length - read < stride { length } else { read };
        (window.pads[along], window.pads[along + 2]) = (0, 0);
        let fill = if pad > 0 { fill } else { self.any_code(value) };
        if self.from.value(value).codes().is_some_and(|codes| !codes.int.range().contains(fill)) {
            let at = self.from.location(self.at);
            return Err(refused(at, "padding that no code stands for", "a zero point among the codes"));
        }
        self.past(Past { value, length, count, fill }, x)
    }

    /// All frames of the window of which this step is the last, if `value` has frames.
    fn whole(&mut self, value: ValueId) -> Result<ValueId> {
        let Time::Frames(x) = self.times[value.index()] else { return Ok(value) };
        let length = self.steps * self.frames(x) - x.delay;
        self.past(Past { value, length, count: x.count, fill: self.any_code(value) }, x)
    }

    /// The value that holds `past`, whose value has frames `x`.
    fn past(&mut self, past: Past, x: Frames) -> Result<ValueId> {
        if let Some(known) = self.pasts.get(&past) {
            return Ok(*known);
        }
        let Past { value, length, count, fill } = past;
        let now = self.frames(x);
        if length == now && count == now {
            return Ok(value);
        }
        let rows = self.rows(value, x.axis)?;
        let window = if length > now { self.pushed(rows, length, fill) } else { rows };
        // Of fewer frames than a step has the newest count, of a longer past the oldest.
        let skipped = now.saturating_sub(length);
        let held = self.first(window, skipped, count);
        let made = self.frames_of(held, value, x.axis);
        self.pasts.insert(past, made);
        Ok(made)
    }

    /// `value` with its frames outermost, and its channels last: in the order in which states hold them.
    fn rows(&mut self, value: ValueId, axis: usize) -> Result<ValueId> {
        if self.step.value(value).codes().is_none() {
            let at = self.from.location(self.at);
            let found = format!("sums that are kept from step to step, in `{}`", self.step.value(value).name);
            return Err(refused(at, found, "a quantizer before what reads earlier frames"));
        }
        let perm = outermost(self.step.value(value).shape.len(), axis);
        Ok(self.turned(value, &perm, ".rows"))
    }

    /// The state that holds the newest `length` of all `rows`, after this step.
    fn pushed(&mut self, rows: ValueId, length: usize, fill: i64) -> ValueId {
        let mut state = self.step.value(rows).clone();
        state.name = format!("{}.past", state.name.trim_end_matches(".rows"));
        state.shape[0] = length;
        if let Type::Codes(codes) = &mut state.ty {
            codes.range = codes.range.union(IntRange::point(fill));
        }
        let window = Value { name: state.name.replace(".past", ".window"), ..state.clone() };
        let value = self.step.add(state);
        self.step.states.push(State { value, fill });
        self.emit(Op::Push, vec![value, rows], window)
    }

    /// The rows of `value` from `start` on, `count` of them.
    fn first(&mut self, value: ValueId, start: usize, count: usize) -> ValueId {
        let mut part = self.step.value(value).clone();
        if part.shape[0] == count {
            return value;
        }
        let mut starts = vec![0; part.shape.len()];
        starts[0] = start;
        part.shape[0] = count;
        part.name.push_str(".part");
        let op = Op::Slice { starts, steps: vec![1; part.shape.len()], sizes: part.shape.clone() };
        self.emit(op, vec![value], part)
    }

    /// `rows` in the order of axes that `like` has, which is also what it is called after.
    fn frames_of(&mut self, rows: ValueId, like: ValueId, axis: usize) -> ValueId {
        let perm = outermost(self.step.value(like).shape.len(), axis);
        let inverse: Vec<usize> =
            (0..perm.len()).map(|to| perm.iter().position(|from| *from == to).unwrap_or(to)).collect();
        self.turned(rows, &inverse, ".frames")
    }

    fn turned(&mut self, from: ValueId, perm: &[usize], suffix: &str) -> ValueId {
        let mut value = self.step.value(from).clone();
        value.name = format!("{}{suffix}", value.name);
        value.shape = perm.iter().map(|axis| value.shape[*axis]).collect();
        if let Type::Codes(Codes { axis: Some(axis), .. }) = &mut value.ty {
            *axis = perm.iter().position(|from| from == axis).unwrap_or(*axis);
        }
        self.emit(Op::Transpose { perm: perm.to_vec() }, vec![from], value)
    }

    fn emit(&mut self, op: Op, inputs: Vec<ValueId>, value: Value) -> ValueId {
        let value = Value { tensor: None, sources: vec![], ..value };
        let name = value.name.clone();
        let output = self.step.add(value);
        let origin = self.origin.clone();
        self.step.nodes.push(Node::new(name, origin, op, inputs, output));
        output
    }
}

/// The order of axes with `axis` outermost and the channels, axis 1, last.
fn outermost(rank: usize, axis: usize) -> Vec<usize> {
    let others = (0..rank).filter(|other| *other != axis && *other != 1);
    let channels = (rank > 1 && axis != 1).then_some(1);
    [axis].into_iter().chain(others).chain(channels).collect()
}
