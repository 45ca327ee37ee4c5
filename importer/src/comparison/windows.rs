//! Steps of a program against the windows of its network: what steps give is where the exact reference of the window has it.

use super::{Comparison, Mismatch, inputs};
use crate::Streamed;
use crate::batch::{Batch, Host};
use crate::container::Container;
use crate::interface::{Interface, Port};
use crate::passes::{Arrival, Steps};
use crate::reference::Reference;
use exactum_host::elements::position;

/// The interface of the window whose steps have the interface `step`.
pub fn window_interface(step: &Interface, streamed: &Streamed) -> Interface {
    let mut window = step.clone();
    for port in &mut window.inputs {
        if let Some(frames) = port.shape.get_mut(streamed.steps.axis) {
            *frames = streamed.steps.window_frames;
        }
    }
    for (port, id) in window.outputs.iter_mut().zip(&streamed.window.outputs) {
        port.shape.clone_from(&streamed.window.value(*id).shape);
    }
    window
}

/// Runs the steps of every window of `windows` from a reset on, and compares what they give with what `streamed`'s network of a
/// window does; compares with `step`, the reference of a step, how inputs are quantized. Calls `progress` after each window.
///
/// # Panics
/// If they do not belong together.
pub fn compare_windows(
    container: &Container,
    step: &Reference<'_>,
    streamed: &Streamed,
    windows: &Batch,
    mut progress: impl FnMut(),
) -> Comparison {
    let Streamed { window, steps } = streamed;
    let reference = Reference::new(window);
    let interface = window_interface(container.interface(), streamed);
    let mut host = Host::new(container.program());
    let inputs = inputs::compare(container, step);
    let mut result = Comparison { samples: windows.samples(), inputs, ..Comparison::default() };
    for sample in 0..windows.samples() {
        let given = windows.sample(sample);
        let exact = reference.run(&given).expect("a window fits the network's inputs");
        host.reset();
        for step in 0..steps.steps {
            let cut = |(values, port): (&&[f32], &Port)| frames(steps, values, &port.shape, step);
            let frames: Vec<Vec<f32>> = given.iter().zip(&interface.inputs).map(cut).collect();
            let frames: Vec<&[f32]> = frames.iter().map(Vec::as_slice).collect();
            for (output, computed) in host.run(&frames).iter().enumerate() {
                let port = &interface.outputs[output];
                let computed = port.of_stored(computed);
                for (from, element) in elements(steps, steps.outputs[output], &port.shape, step) {
                    let (reference, runtime) = (exact[output][element], i64::from(computed[from]));
                    result.elements += 1;
                    result.max_difference = result.max_difference.max(reference.abs_diff(runtime));
                    if reference != runtime {
                        result.mismatches += 1;
                        result.first.get_or_insert_with(|| Mismatch {
                            sample,
                            output: port.name.clone(),
                            index: position(port.sample_shape(), element),
                            reference,
                            runtime,
                            results: None,
                            expected: None,
                            from_tie: None,
                        });
                    }
                }
            }
        }
        progress();
    }
    result
}

/// The frames that step `step` takes of the window `values`, zeros where there are no more.
fn frames(steps: &Steps, values: &[f32], shape: &[usize], step: usize) -> Vec<f32> {
    let inner: usize = shape[steps.axis + 1..].iter().product();
    let block = |block: &[f32]| -> Vec<f32> {
        let of_step = block.iter().copied().skip(step * steps.step_frames * inner);
        of_step.chain(std::iter::repeat(0.0)).take(steps.step_frames * inner).collect()
    };
    values.chunks(steps.window_frames * inner).flat_map(block).collect()
}

/// Elements of an output of step `step`, each with the element of the window's output, of `shape`, that it is.
fn elements(steps: &Steps, arrival: Arrival, shape: &[usize], step: usize) -> Vec<(usize, usize)> {
    match arrival {
        Arrival::Window if step + 1 == steps.steps => {
            (0..shape.iter().product()).map(|element| (element, element)).collect()
        }
        Arrival::Window => vec![],
        Arrival::Frames { axis, frames, delay, from, to, .. } => {
            let (count, inner) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
            let elems = shape[..axis].iter().product::<usize>() * frames * inner;
            let of_window = |element: usize| {
                let (block, frame) = (element / (frames * inner), element / inner % frames);
                let at = (step * frames + frame).checked_sub(delay).filter(|at| (from..to).contains(at))?;
                Some((element, (block * count + at) * inner + element % inner))
            };
            (0..elems).filter_map(of_window).collect()
        }
    }
}
