//! Programs of steps beside the oracle: the network of a window, evaluated on windows of a signal, says what the steps of its
//! program have to give, by the rule of `docs/streaming.md`. The oracle knows nothing of steps.

use exactum_importer::passes::{Arrival, Steps};
use exactum_importer::target::Target;
use exactum_importer::{Keeping, Request, compile, compile_as};

use crate::backend::Backend;
use crate::case::{Case, Integers, Made, Source};
use crate::generate::{Line, Padding};

/// Windows that are compared where nothing pads before the first frame, each a step after the one before.
const WINDOWS: usize = 3;

/// A program of steps, the steps of a signal as its samples, and what some elements of their outputs are.
#[derive(Debug)]
pub struct Stepwise {
    /// The program of a step.
    pub made: Made,
    /// How steps make up a window.
    pub steps: Steps,
    /// For each step elements of its outputs in a row, and what they are.
    pub expected: Vec<Vec<(usize, i64)>>,
}

impl Stepwise {
    /// The steps of `line`.
    ///
    /// # Errors
    /// If the network of a window or that of a step has no program, or the oracle no values.
    pub fn new(line: &Line) -> Result<Self, String> {
        let text = |report: exactum_importer::diagnostic::Report| report.to_string();
        // What has no program as a whole says nothing about steps.
        compile(&line.model).map_err(|report| format!("window: {report}"))?;
        let keeping = Keeping::Steps { axis: line.axis as isize };
        let target = Target::portable();
        let request = Request { keeping, ..Request::new(&target) };
        let compiled = compile_as(&line.model, &request).map_err(text)?;
        let steps = compiled.streamed.as_ref().map(|streamed| streamed.steps.clone()).ok_or("no steps")?;
        let windows = if line.padding == Padding::None { WINDOWS } else { 1 };
        let count = steps.steps + windows - 1;
        let signal = line.signal(count * steps.step_frames);
        let window = |index: usize| line.input(&signal[index * steps.step_frames..][..line.frames]);
        let source = Source { model: line.model.clone(), samples: (0..windows).map(window).collect() };
        let whole = Case::new("window", move || Ok(source.clone()));
        let whole = whole.made()?;
        let expected = (0..count).map(|step| expected(whole, &steps, step)).collect();
        let samples = signal.chunks(steps.step_frames).map(|frames| line.input(frames)).collect();
        let source = Source { model: line.model.clone(), samples };
        let made = Made { source, compiled, exact: vec![], expected: vec![], order: None };
        Ok(Self { made, steps, expected })
    }

    /// Whether `backend` gives what the oracle's windows say.
    ///
    /// # Errors
    /// The first integer that differs, or why there are none.
    pub fn agree(&self, backend: &dyn Backend) -> Result<(), String> {
        let found: Integers = backend.run(&self.made)?;
        if found.len() != self.expected.len() {
            return Err(format!("{} steps instead of {}", found.len(), self.expected.len()));
        }
        for (step, (found, expected)) in found.iter().zip(&self.expected).enumerate() {
            for (element, expected) in expected {
                if found.get(*element) != Some(expected) {
                    let found = found.get(*element);
                    return Err(format!(
                        "{}: step {step}, element {element}: {found:?}, the window's is {expected}; {:?}",
                        backend.name(),
                        self.steps
                    ));
                }
            }
        }
        Ok(())
    }
}

/// What the windows of `whole`, each a step after the one before, say of step `step`.
fn expected(whole: &Made, steps: &Steps, step: usize) -> Vec<(usize, i64)> {
    let mut known = vec![];
    for (index, integers) in whole.expected.iter().enumerate().filter(|(index, _)| *index <= step) {
        let (mut of_window, mut of_step) = (0, 0);
        for (port, arrival) in whole.compiled.interface.outputs.iter().zip(&steps.outputs) {
            let elems = port.elems();
            let integers = &integers[of_window..][..elems];
            of_window += elems;
            match *arrival {
                Arrival::Window => {
                    if step - index + 1 == steps.steps {
                        known.extend(
                            integers.iter().enumerate().map(|(element, value)| (of_step + element, *value)),
                        );
                    }
                    of_step += elems;
                }
                Arrival::Frames { axis, frames, delay, from, to, .. } => {
                    let (count, inner) = (port.shape[axis], port.shape[axis + 1..].iter().product::<usize>());
                    let outer: usize = port.shape[..axis].iter().product();
                    for (block, frame) in
                        (0..outer).flat_map(|block| (0..frames).map(move |frame| (block, frame)))
                    {
                        let at = ((step - index) * frames + frame)
                            .checked_sub(delay)
                            .filter(|at| (from..to).contains(at));
                        let Some(at) = at else { continue };
                        let (from, to) = ((block * count + at) * inner, (block * frames + frame) * inner);
                        known.extend(
                            (0..inner).map(|element| (of_step + to + element, integers[from + element])),
                        );
                    }
                    of_step += outer * frames * inner;
                }
            }
        }
    }
    known
}
