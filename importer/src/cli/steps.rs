//! What is said of a program of steps: what a step takes, and when outputs are there.

use crate::container::Container;
use crate::passes::{Arrival, Steps};

use super::shell::{Shell, label};
use super::summary::count;

/// Says it of the program in `container`, if it is one of steps.
pub(super) fn told(container: &Container, shell: &Shell) {
    lines(container).iter().for_each(|line| shell.status(line));
}

/// What is said of the program in `container`, a line each; nothing if it is none of steps.
pub(super) fn lines(container: &Container) -> Vec<String> {
    let Some(steps) = container.steps() else { return vec![] };
    let takes = format!(
        "a step takes {} along axis {}; {} are a window of {}",
        count(steps.step_frames, "frame"),
        steps.axis,
        count(steps.steps, "step"),
        count(steps.window_frames, "frame"),
    );
    let outputs = container.interface().outputs.iter().zip(&steps.outputs);
    let given = outputs.map(|(port, arrival)| {
        format!("output `{}`: a step gives {}", label(&port.name), gives(steps, arrival))
    });
    [takes].into_iter().chain(given).collect()
}

fn gives(steps: &Steps, arrival: &Arrival) -> String {
    match arrival {
        Arrival::Frames { frames, delay, from, to, count: all, .. } => {
            let late = match delay {
                0 => String::new(),
                delay => format!(", the first {delay} after a reset before the window's"),
            };
            let ends = match (from, to) {
                (0, to) if to == all => String::new(),
                (from, to) => format!(
                    "; frames {from} to {} of the window's {all} are as it has them, the others, which its padding reaches, are \
                     those of a signal that goes on",
                    to - 1
                ),
            };
            format!("{} of its own{late}{ends}", count(*frames, "frame"))
        }
        Arrival::Window => {
            format!("that of the newest window, from step {} on", arrival.first_step(steps.steps))
        }
    }
}
