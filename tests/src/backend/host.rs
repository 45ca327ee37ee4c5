//! The runtime on this machine.

use exactum_importer::graph::Level;
use exactum_importer::interface::Port;
pub use exactum_importer::lower::aligned;
use exactum_importer::lower::{About, program};
use exactum_importer::passes::Pass;
use exactum_importer::target::Target;
use exactum_runtime::codes::Codes;
use exactum_runtime::program::{Packing, words_as_bytes, words_as_bytes_mut};
use exactum_runtime::{Engine, Program};

use super::Backend;
use crate::case::{Integers, Made, of_inputs};

/// The runtime, with the packings that the compiler chooses.
#[derive(Clone, Copy, Debug)]
pub struct Host;

impl Backend for Host {
    fn name(&self) -> &'static str {
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
    fn name(&self) -> &'static str {
        match self.0 {
            Packing::RowMajor => "host_row_major",
            Packing::TapMajor => "host_tap_major",
            Packing::Nibbles => "host_nibbles",
            Packing::FilterPairs => "host_filter_pairs",
            Packing::TapBlocks => "host_tap_blocks",
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

fn run_image(case: &Made, image: &[u8]) -> Result<Integers, String> {
    let words = aligned(image);
    let program = Program::load(&words_as_bytes(&words)[..image.len()]).map_err(|error| error.to_string())?;
    let mut arena = vec![0u64; program.arena_bytes().div_ceil(8) as usize];
    let mut engine =
        Engine::new(&program, words_as_bytes_mut(&mut arena)).map_err(|error| error.to_string())?;
    let mut run = |sample: &Vec<f32>| {
        for (index, own) in of_inputs(&case.compiled, sample).into_iter().enumerate() {
            engine.quantize_input(index, own).map_err(|error| error.to_string())?;
        }
        engine.run();
        let outputs = (0..program.outputs().len()).filter_map(|index| engine.output(index));
        let outputs = outputs.zip(&case.compiled.interface.outputs);
        let integers = |(codes, port): (Codes<'_>, &Port)| {
            codes.iter().map(|code| i64::from(code) + port.stored_less).collect::<Vec<_>>()
        };
        Ok(outputs.flat_map(integers).collect())
    };
    case.source.samples.iter().map(&mut run).collect()
}
