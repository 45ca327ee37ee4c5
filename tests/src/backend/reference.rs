//! The compiler's exact reference, which executes the quantized graph.

use exactum_importer::reference::Reference as Executor;

use super::Backend;
use crate::case::{Integers, Made, of_inputs};

/// The reference executor.
#[derive(Clone, Copy, Debug)]
pub struct Reference;

impl Backend for Reference {
    fn name(&self) -> &str {
        "reference"
    }

    fn run(&self, case: &Made) -> Result<Integers, String> {
        let executor = Executor::new(&case.compiled.quantized);
        let mut states = executor.states();
        let run = |sample: &Vec<f32>| {
            executor.step(&of_inputs(&case.compiled, sample), &mut states).map(|outputs| outputs.concat())
        };
        case.source.samples.iter().map(run).collect::<Result<_, _>>().map_err(|error| error.to_string())
    }
}
