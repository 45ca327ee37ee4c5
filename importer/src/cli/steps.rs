//! What is said of a program of steps: what a step takes, and when outputs are there.

use exactum_importer::Compiled;
use exactum_importer::passes::Arrival;

use super::shell::{Shell, label};
use super::summary::count;

/// Says it of `compiled`, if it is a program of steps.
pub(super) fn told(compiled: &Compiled, shell: &Shell) {
    let Some(streamed) = &compiled.streamed else { return };
    let steps = &streamed.steps;
    shell.status(&format!(
        "a step takes {} along axis {}; {} are a window of {}",
        count(steps.step_frames, "frame"),
        steps.axis,
        count(steps.steps, "step"),
        count(steps.window_frames, "frame"),
    ));
    for (port, arrival) in compiled.interface.outputs.iter().zip(&steps.outputs) {
        let gives = match arrival {
            Arrival::Frames { frames, delay: 0, .. } => format!("{} of its own", count(*frames, "frame")),
            Arrival::Frames { frames, delay, .. } => {
                format!(
                    "{} of its own, the first {delay} after a reset before the window's",
                    count(*frames, "frame")
                )
            }
            Arrival::Window => format!("that of the newest window, from step {} on", steps.steps - 1),
        };
        shell.status(&format!("output `{}`: a step gives {gives}", label(&port.name)));
    }
}
