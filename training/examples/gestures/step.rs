//! What the importer makes of the network: the program of a step, and a signal run by it.

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

use crate::simulator::{AXES, FRAMES, GESTURES, channels_first};

/// Axis of the input along which frames follow each other.
const AXIS: isize = 2;
/// The machine that forms and packings are chosen for.
const TARGET: &str = "mps2-an386";
/// Bits of a sample behind the point.
const FRACTION_BITS: u8 = 13;

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
pub(crate) fn compile(model: &Model, directory: &Path) -> Result<Step, Box<dyn Error>> {
    let target = Target::named(TARGET).ok_or("the target")?;
    let file = exactum_qonnx::write(model);
    let output = model.graph.outputs.first().ok_or("an output")?.name.clone();
    let names = GESTURES.map(str::to_owned).to_vec();
    let request = Request {
        identity: Identity { labels: BTreeMap::from([(output, names)]), ..Identity::default() },
        keeping: Keeping::Steps { axis: AXIS },
        order: InputOrder::ChannelsLast,
        ..Request::new(&target)
    };
    let compiled = compile_as(model, &request)?;
    let write = |name: &str, bytes: &[u8]| fs::write(directory.join(name), bytes);
    write("gestures.onnx", &file)?;
    write("gestures.exa", &Container::new(&compiled, model, &file).write())?;
    write("gestures.bin", &compiled.image)?;
    write("gestures.rs", compiled.rust_module().as_bytes())?;
    Ok(Step { compiled })
}

/// Runs `signal` step by step, from samples as the sensor gives them.
pub(crate) fn run(step: &Step, signal: &[([i16; AXES], usize)]) -> Result<Run, Box<dyn Error>> {
    let compiled = &step.compiled;
    let streamed = compiled.streamed.as_ref().ok_or("a program of steps")?;
    let reference = Reference::new(&streamed.window);
    let mut words = vec![0u64; compiled.image.len().div_ceil(8)];
    words_as_bytes_mut(&mut words)[..compiled.image.len()].copy_from_slice(&compiled.image);
    let program = Program::load(&words_as_bytes(&words)[..compiled.image.len()])?;
    let mut arena = vec![0u64; compiled.memory.arena_bytes.div_ceil(8)];
    let mut engine = Engine::new(&program, words_as_bytes_mut(&mut arena))?;
    let output = &compiled.interface.outputs[0];
    let mut window: VecDeque<([i16; AXES], usize)> = VecDeque::new();
    let mut run = Run { compared: 0, differing: 0, clear: 0, right: 0 };
    for frames in signal.chunks_exact(streamed.steps.step_frames) {
        let samples: Vec<i16> = frames.iter().flat_map(|(frame, _)| *frame).collect();
        engine.quantize_samples(0, &samples, FRACTION_BITS)?;
        engine.run();
        window.extend(frames);
        window.drain(..window.len().saturating_sub(FRAMES));
        if window.len() < FRAMES {
            continue;
        }
        let codes: Vec<i32> = engine.output(0).ok_or("an output")?.iter().collect();
        let found: Vec<i64> = output.of_stored(&codes).into_iter().map(i64::from).collect();
        let frames: Vec<[i16; AXES]> = window.iter().map(|(frame, _)| *frame).collect();
        run.compared += 1;
        run.differing += usize::from(reference.run(&[&channels_first(&frames)])?[0] != found);
        let label = window[0].1;
        if window.iter().all(|(_, other)| *other == label) {
            run.clear += 1;
            run.right += usize::from(engine.argmax(0) == Some(label));
        }
    }
    Ok(run)
}
