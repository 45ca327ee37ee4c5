//! What each value has to do with the streamed axis.

use super::refused;
use crate::diagnostic::{Location, Report, Result};
use crate::graph::{Codes, Graph, Node, Op, Requantize, RequantizePair, Type, Value, ValueId, Window};

/// How a value of a window is spread over steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// The same in every step.
    Fixed,
    /// Along the streamed axis: each step computes some of it.
    Frames(Frames),
    /// Of the window as a whole: each step computes that of the newest window.
    Window,
}

/// A value along the streamed axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frames {
    /// Its axis.
    pub(super) axis: usize,
    /// Frames of the inputs from one of its frames to the next.
    pub(super) stride: usize,
    /// Frames of its own that steps have given before the first of the window.
    pub(super) delay: usize,
    /// Frames in a window, at least two.
    pub(super) count: usize,
    /// Those of the window's frames that steps give as the window has them: the others depend on padding in the place of frames
    /// that a signal has.
    pub(super) exact: Exact,
}

/// Frames `from..to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exact {
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Exact {
    /// The frames whose windows, of `extent` frames, `stride` apart, the first of which begins `pad` before the frames, lie in
    /// these: at most `count` of them.
    const fn windows(self, pad: usize, stride: usize, extent: usize, count: usize) -> Self {
        let from = (self.from + pad).div_ceil(stride);
        let to = match (self.to + pad).checked_sub(extent) {
            Some(last) => last / stride + 1,
            None => 0,
        };
        Self { from, to: if to < count { to } else { count } }
    }
}

impl Time {
    pub(super) const fn frames(&self) -> Option<&Frames> {
        match self {
            Self::Frames(frames) => Some(frames),
            Self::Fixed | Self::Window => None,
        }
    }
}

/// The times of all values of `graph`, whose inputs have frames along `axis`.
pub(super) fn times(graph: &Graph, axis: usize) -> Result<Vec<Time>> {
    let mut times = vec![Time::Fixed; graph.values.len()];
    for id in &graph.inputs {
        let count = graph.value(*id).shape[axis];
        times[id.index()] =
            Time::Frames(Frames { axis, stride: 1, delay: 0, count, exact: Exact { from: 0, to: count } });
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        let time = Place { graph, times: &times, node, at: graph.location(index) }.time()?;
        times[node.output.index()] = time;
    }
    Ok(times)
}

/// A node, and what is known of its operands.
struct Place<'a> {
    graph: &'a Graph,
    times: &'a [Time],
    node: &'a Node,
    at: Location,
}

impl Place<'_> {
    fn time(&self) -> Result<Time> {
        let node = self.node;
        let times: Vec<Time> = node.inputs.iter().map(|id| self.times[id.index()]).collect();
        if times.iter().all(|time| *time == Time::Fixed) {
            return Ok(Time::Fixed);
        }
        if times.iter().all(|time| time.frames().is_none()) {
            return Ok(Time::Window);
        }
        let shape = &self.graph.value(node.output).shape;
        let joined = node.inputs.len() > 1 && !node.op.is_layer();
        let x = if joined { self.joined(&times)? } else { self.first(&times)? };
        let time = match &node.op {
            Op::Quantize(_) | Op::Requantize(_) | Op::Dequantize(_) => Time::Frames(x),
            Op::Sum { .. } | Op::Product { .. } | Op::RequantizePair(_) => Time::Frames(x),
            Op::Dense => self.whole(x)?,
            Op::Conv2d(conv) => self.windows(x, &conv.window, shape)?,
            Op::MaxPool(pool) => self.windows(x, &pool.window, shape)?,
            Op::SumPool(pool) => self.averages(x, &pool.pool.window, pool.unit > 0, shape)?,
            Op::ConvTranspose2d(conv) => {
                let along = self.spatial(x)?;
                let window = &conv.window;
                let plain = window.size[along] == 1
                    && window.stride[along] == 1
                    && [along, along + 2].iter().all(|side| window.pads[*side] == 0)
                    && conv.output_padding[along] == 0;
                self.unless(
                    !plain,
                    "a transposed convolution along the streamed axis",
                    "one tap along it, and stride 1",
                )?;
                Time::Frames(x)
            }
            Op::Repeat { factors } => {
                self.unless(
                    factors[x.axis] != 1,
                    "more frames than before",
                    "no upsampling along the streamed axis",
                )?;
                Time::Frames(x)
            }
            Op::Border { before, after, .. } => {
                let padded = before[x.axis] + after[x.axis] > 0;
                let needed = "padding that is part of the layer that reads it";
                self.unless(padded, "padding along the streamed axis that no layer has taken", needed)?;
                Time::Frames(x)
            }
            Op::Concat { axis } => {
                let needed = "one along another axis, such as the channels";
                self.unless(*axis == x.axis, "a concatenation along the streamed axis", needed)?;
                Time::Frames(x)
            }
            Op::TopK { .. } => {
                let needed = "one along another axis";
                self.unless(x.axis + 1 == shape.len(), "a choice along the streamed axis", needed)?;
                Time::Frames(x)
            }
            Op::Slice { starts, steps, sizes } => {
                self.sliced(x, starts[x.axis], steps[x.axis], sizes[x.axis])?
            }
            Op::Transpose { perm } => {
                let axis = perm.iter().position(|from| *from == x.axis).unwrap_or(x.axis);
                Time::Frames(Frames { axis, ..x })
            }
            Op::Reshape => self.reshaped(x, shape)?,
            op => {
                return Err(
                    self.refused(format!("operator {}", op.name()), "an operator that goes along frames")
                );
            }
        };
        if let Time::Frames(frames) = time {
            let found = format!("padding that reaches all {} frames", frames.count);
            let needed = "a longer window, or layers that reach less far";
            self.unless(frames.exact.from >= frames.exact.to, found, needed)?;
            self.channels_apart(frames)?;
        }
        Ok(time)
    }

    /// The frames of the first operand of a node whose others are constants.
    fn first(&self, times: &[Time]) -> Result<Frames> {
        match times {
            [Time::Frames(frames), rest @ ..] if rest.iter().all(|time| *time == Time::Fixed) => Ok(*frames),
            _ => Err(self.refused("frames beside what they are computed with", "constant weights")),
        }
    }

    /// The frames of a node that takes operands together: as late as the latest.
    fn joined(&self, times: &[Time]) -> Result<Frames> {
        let rank = |id: ValueId| self.graph.value(id).shape.len();
        let whole = rank(self.node.output);
        let mut joined: Option<Frames> = None;
        for (id, time) in self.node.inputs.iter().zip(times) {
            let lead = whole - rank(*id).min(whole);
            match (time, joined.as_mut()) {
                (Time::Frames(frames), None) => joined = Some(Frames { axis: frames.axis + lead, ..*frames }),
                (Time::Frames(frames), Some(joined)) => {
                    let alike = frames.axis + lead == joined.axis
                        && (frames.stride, frames.count) == (joined.stride, joined.count);
                    self.unless(!alike, "frames of different lengths", "operands with frames of one length")?;
                    joined.delay = joined.delay.max(frames.delay);
                    let (one, other) = (joined.exact, frames.exact);
                    joined.exact = Exact { from: one.from.max(other.from), to: one.to.min(other.to) };
                }
                (Time::Window, _) => {
                    let found = "frames together with a value of the whole window";
                    return Err(self.refused(found, "operands that all go along the streamed axis, or none"));
                }
                (Time::Fixed, _) => {}
            }
        }
        let joined = joined.ok_or_else(|| self.refused("no frames", "an operand with frames"))?;
        for (id, _) in self.node.inputs.iter().zip(times).filter(|(_, time)| **time == Time::Fixed) {
            let shape = &self.graph.value(*id).shape;
            let lead = whole - shape.len().min(whole);
            let along = joined.axis.checked_sub(lead).and_then(|axis| shape.get(axis)).copied().unwrap_or(1);
            self.unless(
                along != 1,
                "a constant for each frame",
                "constants that are the same for all frames",
            )?;
        }
        Ok(joined)
    }

    /// Which axis of windows the frames lie along.
    fn spatial(&self, x: Frames) -> Result<usize> {
        let found = "channels along the streamed axis";
        x.axis
            .checked_sub(2)
            .filter(|axis| *axis < 2)
            .ok_or_else(|| self.refused(found, "an axis that windows go along"))
    }

    fn windows(&self, x: Frames, window: &Window, shape: &[usize]) -> Result<Time> {
        let along = self.spatial(x)?;
        let (count, stride, pad) = (shape[x.axis], window.stride[along], window.pads[along]);
        if count == 1 {
            return self.whole(x);
        }
        let extent = (window.size[along] - 1) * window.dilation[along] + 1;
        self.unless(pad >= extent, "padding of a whole window", "less padding than the window is long")?;
        let delay = (x.delay + extent).saturating_sub(pad).div_ceil(stride).saturating_sub(1);
        let inside = x.exact.windows(pad, stride, extent, count);
        // What a state holds at first is padding, if no frames come before those of the window.
        let from = if x.delay == 0 && x.exact.from == 0 { 0 } else { inside.from };
        let exact = Exact { from, ..inside };
        let stride =
            x.stride.checked_mul(stride).ok_or_else(|| self.refused("a stride", "fewer than 2^64 frames"))?;
        Ok(Time::Frames(Frames { axis: x.axis, stride, delay, count, exact }))
    }

    /// As [`windows`](Self::windows); averages of the elements inside, if they are `uneven`, are no others where no padding is.
    fn averages(&self, x: Frames, window: &Window, uneven: bool, shape: &[usize]) -> Result<Time> {
        let time = self.windows(x, window, shape)?;
        let (Time::Frames(mut frames), true) = (time, uneven) else { return Ok(time) };
        frames.exact.from =
            frames.exact.from.max(window.pads[self.spatial(x)?].div_ceil(window.stride[self.spatial(x)?]));
        Ok(Time::Frames(frames))
    }

    /// A value of the whole window, of which all frames have to be as the window has them.
    fn whole(&self, x: Frames) -> Result<Time> {
        let Frames { exact: Exact { from, to }, count, .. } = x;
        let found = format!(
            "all {count} frames of the window, of which steps give {from} to {to} alone: padding reaches the others"
        );
        let needed = "padding at the start alone, `(size - 1) * dilation` in every layer up to here, or none: in a signal other \
                      frames are in the place of padding";
        self.unless((from, to) != (0, count), found, needed)?;
        Ok(Time::Window)
    }

    fn sliced(&self, x: Frames, start: usize, step: isize, count: usize) -> Result<Time> {
        if count == 1 {
            let alone = start < x.exact.from || start >= x.exact.to;
            let needed = "a frame that padding does not reach: padding at the start alone, or none";
            self.unless(alone, format!("frame {start} of the window, which padding reaches"), needed)?;
            return Ok(Time::Window);
        }
        let step = usize::try_from(step).ok().filter(|step| *step > 0);
        let step = step.ok_or_else(|| self.refused("frames in reverse", "frames in their order"))?;
        let delay = (x.delay + start + 1).div_ceil(step) - 1;
        let inside = |frame: usize| frame.saturating_sub(start).div_ceil(step).min(count);
        let exact = Exact { from: inside(x.exact.from), to: inside(x.exact.to) };
        Ok(Time::Frames(Frames { axis: x.axis, stride: x.stride * step, delay, count, exact }))
    }

    /// A reshape keeps the axis, or flattens the window.
    fn reshaped(&self, x: Frames, shape: &[usize]) -> Result<Time> {
        let before: usize = self.graph.value(self.node.inputs[0]).shape[..x.axis].iter().product();
        let kept = (0..shape.len())
            .find(|axis| shape[..*axis].iter().product::<usize>() == before && shape[*axis] == x.count);
        if let Some(axis) = kept {
            return Ok(Time::Frames(Frames { axis, ..x }));
        }
        let flat = matches!(shape, [_] | [1, _]);
        self.unless(
            !flat,
            format!("a reshape to {shape:?} that takes frames apart"),
            "one that keeps them, or a flatten",
        )?;
        self.whole(x)
    }

    /// No channel of a scale or a function may be a frame.
    fn channels_apart(&self, frames: Frames) -> Result<()> {
        let value = self.graph.value(self.node.output);
        let along_first = match &self.node.op {
            Op::Requantize(Requantize::Exact(tail)) => tail.channels() > 1,
            Op::RequantizePair(pair @ RequantizePair::Exact { .. }) => {
                pair.channels().is_some_and(|count| count > 1)
            }
            Op::Sum { multipliers } => multipliers.len() > 1,
            Op::Quantize(quantize) => quantize.channels.is_none() && quantize.tail.channels() > 1,
            Op::Dequantize(dequantize) => {
                let softmax = dequantize.softmax.as_ref().is_some_and(|softmax| softmax.axis == frames.axis);
                self.unless(softmax, "a softmax along the streamed axis", "one along another axis")?;
                dequantize.channels.is_none() && dequantize.curve.channels() > 1
            }
            _ => false,
        };
        let of_map = match &self.node.op {
            Op::Quantize(quantize) => quantize.channels.as_ref(),
            Op::Dequantize(dequantize) => dequantize.channels.as_ref(),
            _ => None,
        };
        let of_value = scaled_axis(value);
        let maps = [of_map, meaning_channels(value)];
        let mapped =
            maps.iter().flatten().any(|map| map.axis(&value.shape).is_none_or(|axis| axis == frames.axis));
        let clash = along_first && frames.axis == 1 || of_value == Some(frames.axis) || mapped;
        self.unless(clash, "scales or functions of single frames", "those of channels, or of all")
    }

    fn unless(&self, wrong: bool, found: impl Into<String>, needed: &str) -> Result<()> {
        if wrong { Err(self.refused(found, needed)) } else { Ok(()) }
    }

    fn refused(&self, found: impl Into<String>, needed: &str) -> Report {
        refused(self.at.clone(), found, needed)
    }
}

/// The axis along which a value has scales or gains of channels, where they are the indices along one.
fn scaled_axis(value: &Value) -> Option<usize> {
    match &value.ty {
        Type::Codes(Codes { scale, axis, .. }) if scale.len() > 1 => *axis,
        Type::Accumulators { meaning: Some(meaning), .. }
            if meaning.count() > 1 && meaning.channels.is_none() =>
        {
            Some(1)
        }
        _ => None,
    }
}

/// Where the channels of a meaning are, if not along axis 1.
pub(super) fn meaning_channels(value: &Value) -> Option<&crate::graph::ChannelMap> {
    match &value.ty {
        Type::Accumulators { meaning: Some(meaning), .. } => meaning.channels.as_ref(),
        _ => None,
    }
}
