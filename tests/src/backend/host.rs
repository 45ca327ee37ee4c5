//! The runtime on this machine.

use exactum_importer::graph::{self, Graph, Level};
use exactum_importer::interface::Port;
pub use exactum_importer::lower::aligned;
use exactum_importer::lower::{About, PortMeaning, program};
use exactum_importer::passes::Pass;
use exactum_importer::target::Target;
use exactum_importer::{Compiled, batch};
use exactum_runtime::codes::Codes;
use exactum_runtime::program::{Packing, TensorId, words_as_bytes, words_as_bytes_mut};
use exactum_runtime::{Engine, Program};

use super::Backend;
use crate::case::{Integers, Made, of_inputs, of_program};

/// The runtime, with the packings that the compiler chooses.
#[derive(Clone, Copy, Debug)]
pub struct Host;

impl Backend for Host {
    fn name(&self) -> &str {
        "host"
    }

    fn run(&self, case: &Made) -> Result<Integers, String> {
        run_image(case, &case.compiled.image)
    }
}

/// The runtime with weights in a given packing wherever a layer may have it.
#[derive(Clone, Copy, Debug)]
pub struct Packed(pub Packing);

impl Backend for Packed {
    fn name(&self) -> &str {
        match self.0 {
            Packing::RowMajor => "host_row_major",
            Packing::TapMajor => "host_tap_major",
            Packing::Nibbles => "host_nibbles",
            Packing::FilterPairs => "host_filter_pairs",
            Packing::FilterQuads => "host_filter_quads",
            Packing::TapBlocks => "host_tap_blocks",
            Packing::Winograd => "host_winograd",
        }
    }

    fn run(&self, case: &Made) -> Result<Integers, String> {
        // What kernels work in depends on the packing, so places are planned again.
        let mut graph = case.compiled.scheduled.clone().packed(self.0);
        graph.level = Level::Integer;
        let plan = Pass::named("plan-memory").ok_or("no pass plans memory")?;
        plan.apply(&mut graph, &Target::portable()).map_err(|report| report.to_string())?;
        let lowered = program(&graph, &About::default());
        run_image(case, &lowered.map_err(|report| report.to_string())?.image)
    }
}

/// `compiled` with all ports outside the arena that can be.
///
/// # Errors
/// If the compiler refuses it, or leaves a port inside that nothing keeps there.
pub fn with_ports_outside(compiled: &Compiled) -> Result<Compiled, String> {
    let outside = graph::Outside { inputs: true, outputs: true };
    let mut graph = Graph { outside, ..compiled.scheduled.clone() };
    graph.level = Level::Integer;
    let plan = Pass::named("plan-memory").ok_or("no pass plans memory")?;
    plan.apply(&mut graph, &Target::portable()).map_err(|report| report.to_string())?;
    let text = graph.to_string();
    if text.parse::<Graph>().map_err(|error| error.to_string())? != graph {
        return Err("the graph does not parse back".to_owned());
    }
    let about = About { inputs: PortMeaning::of_inputs(&compiled.quantized), ..About::default() };
    let lowered = program(&graph, &about).map_err(|report| report.to_string())?;
    let words = aligned(&lowered.image);
    let program = Program::load(&words_as_bytes(&words)[..lowered.image.len()]);
    let program = program.map_err(|error| error.to_string())?;
    let outputs: Vec<_> = program.outputs().map(|output| output.tensor).collect();
    let ports = program.inputs().len();
    let kept = |id: &TensorId| {
        let times = outputs.iter().filter(|output| *output == id).count();
        let most = if usize::from(id.0) < ports { 0 } else { 1 };
        times > most || (ports..ports + program.states().len()).contains(&id.0.into())
    };
    let inputs = (0..ports).map(|index| TensorId(index as u16));
    for id in inputs.chain(outputs.iter().copied()) {
        let is_outside = program.tensor(id).is_some_and(|tensor| tensor.role.is_outside());
        if is_outside == kept(&id) {
            return Err(format!("tensor {id} is outside: {is_outside}\n{program}"));
        }
    }
    let memory = graph.memory.unwrap_or_default();
    if memory.arena_bytes > compiled.memory.arena_bytes {
        return Err(format!(
            "{} bytes without ports, {} with them",
            memory.arena_bytes, compiled.memory.arena_bytes
        ));
    }
    Ok(Compiled { scheduled: graph, image: lowered.image, memory, ..compiled.clone() })
}

/// The runtime on buffers of the caller.
#[derive(Clone, Copy, Debug)]
pub struct OnBuffers;

impl Backend for OnBuffers {
    fn name(&self) -> &str {
        "host_on_buffers"
    }

    fn run(&self, case: &Made) -> Result<Integers, String> {
        let outside = with_ports_outside(&case.compiled)?;
        let words = aligned(&outside.image);
        let program = Program::load(&words_as_bytes(&words)[..outside.image.len()]);
        let mut host = batch::Host::new(program.map_err(|error| error.to_string())?);
        let run = |sample: &Vec<f32>| {
            let outputs = host.run(&of_inputs(&case.compiled, sample));
            let outputs = outputs.iter().zip(&case.compiled.interface.outputs);
            outputs
                .flat_map(|(codes, port)| codes.iter().map(|code| i64::from(*code) + port.stored_less))
                .collect()
        };
        Ok(case.source.samples.iter().map(run).collect())
    }
}

/// The runtime in steps of at most some work.
#[derive(Clone, Copy, Debug)]
pub struct InSteps(pub u32);

impl Backend for InSteps {
    fn name(&self) -> &str {
        "host_in_steps"
    }

    fn run(&self, case: &Made) -> Result<Integers, String> {
        run_image_by(case, &case.compiled.image, |engine| engine.steps().within(self.0).for_each(drop))
    }
}

fn run_image(case: &Made, image: &[u8]) -> Result<Integers, String> {
    run_image_by(case, image, |engine| engine.run())
}

fn run_image_by(
    case: &Made,
    image: &[u8],
    mut run_engine: impl FnMut(&mut Engine<'_, '_>),
) -> Result<Integers, String> {
    let words = aligned(image);
    let program = Program::load(&words_as_bytes(&words)[..image.len()]).map_err(|error| error.to_string())?;
    let mut arena = vec![0u64; program.arena_bytes().div_ceil(8) as usize];
    let mut engine =
        Engine::new(&program, words_as_bytes_mut(&mut arena)).map_err(|error| error.to_string())?;
    let mut run = |sample: &Vec<f32>| {
        for (index, own) in of_program(&case.compiled, sample).iter().enumerate() {
            engine.quantize_input(index, own).map_err(|error| error.to_string())?;
        }
        run_engine(&mut engine);
        let outputs = (0..program.outputs().len()).filter_map(|index| engine.output(index));
        let outputs = outputs.zip(&case.compiled.interface.outputs);
        let integers = |(codes, port): (Codes<'_>, &Port)| {
            codes.iter().map(|code| i64::from(code) + port.stored_less).collect::<Vec<_>>()
        };
        Ok(outputs.flat_map(integers).collect())
    };
    case.source.samples.iter().map(&mut run).collect()
}
