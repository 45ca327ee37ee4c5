//! How the steps of a program follow each other, to and from the messages of its container.

use super::{malformed, wire};
use crate::diagnostic::{Diagnostic, Location};
use crate::interface::Interface;
use crate::passes::{Arrival, Steps};

/// The message for `steps`.
pub(super) fn described(steps: &Steps) -> wire::Steps {
    let arrival = |arrival: &Arrival| match *arrival {
        Arrival::Window => wire::Arrival::default(),
        Arrival::Frames { axis, frames, delay, from, to, count } => wire::Arrival {
            frames: frames as u64,
            axis: axis as u32,
            delay: delay as u64,
            from: from as u64,
            to: to as u64,
            count: count as u64,
        },
    };
    wire::Steps {
        axis: steps.axis as u32,
        window_frames: steps.window_frames as u64,
        step_frames: steps.step_frames as u64,
        steps: steps.steps as u64,
        outputs: steps.outputs.iter().map(arrival).collect(),
    }
}

/// What `message` says of the ports in `interface`.
///
/// # Errors
/// If that contradicts their shapes or itself.
pub(super) fn checked(message: &wire::Steps, interface: &Interface) -> Result<Steps, Diagnostic> {
    read(message, interface).ok_or_else(|| {
        let needed = "frames that the inputs and outputs have";
        malformed(Location::part("steps"), format!("{message:?}"), needed)
    })
}

fn read(message: &wire::Steps, interface: &Interface) -> Option<Steps> {
    let size = |value: u64| usize::try_from(value).ok();
    let (window_frames, step_frames) = (size(message.window_frames)?, size(message.step_frames)?);
    let axis = size(message.axis.into())?;
    let takes = interface.inputs.iter().all(|port| port.shape.get(axis) == Some(&step_frames));
    let fits = step_frames > 0 && step_frames <= window_frames && axis > 0;
    let steps = window_frames.checked_next_multiple_of(step_frames.max(1))? / step_frames.max(1);
    if !takes || !fits || size(message.steps)? != steps || message.outputs.len() != interface.outputs.len() {
        return None;
    }
    let arrival = |(arrival, shape): (&wire::Arrival, &[usize])| {
        if arrival.frames == 0 {
            return (*arrival == wire::Arrival::default()).then_some(Arrival::Window);
        }
        let axis = size(arrival.axis.into())?;
        let frames = size(arrival.frames)?;
        let [delay, from, to, count] = [arrival.delay, arrival.from, arrival.to, arrival.count].map(size);
        let (delay, from, to, count) = (delay?, from?, to?, count?);
        let fits =
            shape.get(axis) == Some(&frames) && from < to && to <= count && delay.checked_add(from).is_some();
        fits.then_some(Arrival::Frames { axis, frames, delay, from, to, count })
    };
    let shapes = interface.outputs.iter().map(|port| port.shape.as_slice());
    let outputs = message.outputs.iter().zip(shapes).map(arrival).collect::<Option<Vec<_>>>()?;
    Some(Steps { axis, window_frames, step_frames, steps, outputs })
}
