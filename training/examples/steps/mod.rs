//! What the importer makes of a network of a signal: the program of a step, and a signal run by it. The examples of gestures and of
//! keywords use it.

use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::fs;
use std::path::Path;

use exactum_importer::container::Container;
use exactum_importer::passes::InputOrder;
use exactum_importer::reference::Reference;
use exactum_importer::target::Target;
use exactum_importer::{Compiled, Identity, Keeping, Request, compile_as};
use exactum_qonnx::Model;
use exactum_runtime::program::{words_as_bytes, words_as_bytes_mut};
use exactum_runtime::{Engine, Program};

/// What a network of a signal is given, and what it tells apart.
pub(crate) struct Task {
    pub(crate) name: &'static str,
    pub(crate) classes: &'static [&'static str],
    /// Integers of a frame, and the frames of a window.
    pub(crate) channels: usize,
    pub(crate) frames: usize,
    /// Bits of these integers behind the point.
    pub(crate) fraction_bits: u8,
}

/// Integers of a frame, and its class.
pub(crate) type Labelled = (Vec<i16>, usize);

impl Task {
    /// The frames channel by channel, as numbers: exact floats.
    pub(crate) fn channels_first<'f>(&self, frames: impl Iterator<Item = &'f [i16]> + Clone) -> Vec<f32> {
        let unit = f32::from(1u16 << self.fraction_bits);
        let of_channel = |channel: usize| frames.clone().map(move |frame| f32::from(frame[channel]) / unit);
        (0..self.channels).flat_map(of_channel).collect()
    }
}

/// Axis of the input along which frames follow each other.
const AXIS: isize = 2;
/// The machine that forms and packings are chosen for.
const TARGET: &str = "mps2-an386";
/// The program of a step.
pub(crate) struct Step {
    pub(crate) compiled: Compiled,
}

/// What a signal gave.
pub(crate) struct Run {
    /// Steps whose window is compared with the reference, and those of them that differ.
    pub(crate) compared: usize,
    pub(crate) differing: usize,
    /// Steps whose window has one gesture alone, and those of them that name it.
    pub(crate) clear: usize,
    pub(crate) right: usize,
}

impl Step {
    pub(crate) fn certified_channels(&self) -> usize {
        self.compiled.proofs.iter().map(|proof| proof.certificate.channels.len()).sum()
    }
}

/// Compiles `model` and writes it, its program and its module to `directory`.
pub(crate) fn compile(task: &Task, model: &Model, directory: &Path) -> Result<Step, Box<dyn Error>> {
    let target = Target::named(TARGET).ok_or("the target")?;
    let file = exactum_qonnx::write(model);
    let output = model.graph.outputs.first().ok_or("an output")?.name.clone();
    let names = task.classes.iter().map(|class| (*class).to_owned()).collect();
    let request = Request {
        identity: Identity { labels: BTreeMap::from([(output, names)]), ..Identity::default() },
        keeping: Keeping::Steps { axis: AXIS },
        order: InputOrder::ChannelsLast,
        ..Request::new(&target)
    };
    let compiled = compile_as(model, &request)?;
    let write =
        |extension: &str, bytes: &[u8]| fs::write(directory.join(task.name).with_extension(extension), bytes);
    write("onnx", &file)?;
    write("exa", &Container::new(&compiled, model, &file).write())?;
    write("bin", &compiled.image)?;
    write("rs", compiled.rust_module().as_bytes())?;
    Ok(Step { compiled })
}

/// Runs `signal` step by step, from integers as a device has them.
pub(crate) fn run(task: &Task, step: &Step, signal: &[Labelled]) -> Result<Run, Box<dyn Error>> {
    let compiled = &step.compiled;
    let streamed = compiled.streamed.as_ref().ok_or("a program of steps")?;
    let reference = Reference::new(&streamed.window);
    let mut words = vec![0u64; compiled.image.len().div_ceil(8)];
    words_as_bytes_mut(&mut words)[..compiled.image.len()].copy_from_slice(&compiled.image);
    let program = Program::load(&words_as_bytes(&words)[..compiled.image.len()])?;
    let mut arena = vec![0u64; compiled.memory.arena_bytes.div_ceil(8)];
    let mut engine = Engine::new(&program, words_as_bytes_mut(&mut arena))?;
    let output = &compiled.interface.outputs[0];
    let mut window: VecDeque<&Labelled> = VecDeque::new();
    let mut run = Run { compared: 0, differing: 0, clear: 0, right: 0 };
    for frames in signal.chunks_exact(streamed.steps.step_frames) {
        let samples: Vec<i16> = frames.iter().flat_map(|(frame, _)| frame).copied().collect();
        engine.quantize_samples(0, &samples, task.fraction_bits)?;
        engine.run();
        window.extend(frames);
        window.drain(..window.len().saturating_sub(task.frames));
        if window.len() < task.frames {
            continue;
        }
        let codes: Vec<i32> = engine.output(0).ok_or("an output")?.iter().collect();
        let found: Vec<i64> = output.of_stored(&codes).into_iter().map(i64::from).collect();
        let floats = task.channels_first(window.iter().map(|(frame, _)| frame.as_slice()));
        run.compared += 1;
        run.differing += usize::from(reference.run(&[&floats])?[0] != found);
        let label = window[0].1;
        if window.iter().all(|(_, other)| *other == label) {
            run.clear += 1;
            run.right += usize::from(engine.argmax(0) == Some(label));
        }
    }
    Ok(run)
}
