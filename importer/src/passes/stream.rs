//! Turns the network of a window into the network of a step: what it has to remember between steps becomes states.
//!
//! It runs on the quantized graph, and only when asked, so it is none of [`PASSES`](super::PASSES). `times` finds out what
//! each value has to do with the streamed axis, or says which node cannot go along it; `step` writes the graph whose inputs are
//! the newest frames. `docs/streaming.md` states what the two graphs have to do with each other.

mod step;
mod times;

use serde::Serialize;

use crate::diagnostic::{Code, Diagnostic, Location, Result};
use crate::graph::{Graph, Level};
use times::{Time, times};

/// A graph that computes a window of frames step by step.
#[derive(Clone, Debug, PartialEq)]
pub struct Stepped {
    /// One step, with states.
    pub graph: Graph,
    /// How steps make up a window.
    pub steps: Steps,
}

/// How the steps of a network make up the window of the network that it was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Steps {
    /// Axis of the inputs along which frames follow each other, the batch counted.
    pub axis: usize,
    /// Frames of a window.
    pub window_frames: usize,
    /// Frames that a step takes of every input.
    pub step_frames: usize,
    /// Steps that a window takes: the fewest whose frames hold it.
    pub steps: usize,
    /// When each output is there.
    pub outputs: Vec<Arrival>,
}

/// When an output of the window is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "gives", rename_all = "snake_case")]
pub enum Arrival {
    /// Step `n`, counted from 0, gives the frames from `n * frames - delay` on, `frames` of them; those before the first mean
    /// nothing. Frames `from..to` are those of the window; the others are those of a signal that goes on where the window has padding.
    Frames {
        /// Axis of the output, the batch counted.
        axis: usize,
        /// Frames of one step.
        frames: usize,
        /// Frames before the first.
        delay: usize,
        /// The first frame that is as the window has it.
        from: usize,
        /// One past the last frame that is.
        to: usize,
        /// Frames of the window's output.
        count: usize,
    },
    /// The last step of a window gives it.
    Window,
}

impl Arrival {
    /// The first step, counted from 0 after a reset, that gives what the window has.
    pub const fn first_step(&self, steps: usize) -> usize {
        match self {
            Self::Frames { frames, delay, from, .. } => (*delay + *from) / *frames,
            Self::Window => steps - 1,
        }
    }
}

impl Steps {
    /// Frames that the last step of a window takes beyond it: what they are does not matter to the window.
    pub const fn spare_frames(&self) -> usize {
        self.steps * self.step_frames - self.window_frames
    }
}

/// The network of a step along `axis` of all inputs of `graph`.
///
/// # Errors
/// [`Code::NoSteps`], with the first node that cannot go along the axis.
///
/// # Panics
/// If `graph` is not on the quantized level, or the result breaks a rule of the graph: a fault of the compiler.
pub fn stream(graph: &Graph, axis: isize) -> Result<Stepped> {
    assert_eq!(graph.level, Level::Quantized, "steps are made of quantized graphs");
    let (axis, window_frames) = streamed_axis(graph, axis)?;
    let times = times(graph, axis)?;
    let mut strides = times.iter().filter_map(Time::frames).map(|frames| frames.stride);
    let common = |step: usize, stride: usize| {
        let step = (stride / num_integer::gcd(step, stride)).checked_mul(step)?;
        Some(step).filter(|step| *step <= window_frames)
    };
    let step_frames = strides.try_fold(1, common).ok_or_else(|| {
        let needed = "frames that all strides divide, in a window";
        refused(Location::part("streamed axis"), format!("windows of {window_frames} frames"), needed)
    })?;
    let steps = window_frames.div_ceil(step_frames);
    let stepped = step::written(graph, &times, step_frames, steps)?;
    let arrival = |id| match times.get(graph.integers(id).index()) {
        Some(Time::Frames(frames)) => Arrival::Frames {
            axis: frames.axis,
            frames: step_frames / frames.stride,
            delay: frames.delay,
            from: frames.exact.from,
            to: frames.exact.to,
            count: frames.count,
        },
        _ => Arrival::Window,
    };
    let outputs = graph.outputs.iter().map(|id| arrival(*id)).collect();
    if let Err(violations) = stepped.verify() {
        let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
        panic!(
            "stream broke the graph, please report this with the model:\n{}\n{stepped:#}",
            violations.join("\n")
        );
    }
    Ok(Stepped { graph: stepped, steps: Steps { axis, window_frames, step_frames, steps, outputs } })
}

/// `axis`, counted from the end if it is negative, and the frames that all inputs have along it.
fn streamed_axis(graph: &Graph, axis: isize) -> Result<(usize, usize)> {
    let mut known = None;
    for id in &graph.inputs {
        let value = graph.value(*id);
        let rank = value.shape.len();
        let own = usize::try_from(axis).unwrap_or(rank.wrapping_add_signed(axis));
        let frames = value.shape.get(own).copied().filter(|frames| own > 0 && *frames > 1);
        match frames {
            Some(frames) if *known.get_or_insert((own, frames)) == (own, frames) => {}
            _ => {
                let at = Location::part(format!("input `{}`", value.name));
                let found = format!("axis {axis} of shape {:?}", value.shape);
                let needed =
                    "an axis that is not the batch, of the same place and at least two frames in all inputs";
                return Err(refused(at, found, needed));
            }
        }
    }
    known.ok_or_else(|| refused(Location::part("inputs"), "a network without inputs", "an input"))
}

fn refused(at: Location, found: impl Into<String>, needed: impl Into<String>) -> crate::diagnostic::Report {
    Diagnostic::new(Code::NoSteps, at, found, needed).into()
}
