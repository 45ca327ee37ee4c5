//! What the importer makes of an exported network: program, proof, dataflow description, and the comparison of the
//! program with the training evaluation and with the exact reference on every test image.

use std::error::Error;
use std::fs;
use std::path::Path;

use exactum_importer::batch::Host;
use exactum_importer::container::Container;
use exactum_importer::dataflow::{Target, describe};
use exactum_importer::graph::{Graph, Op};
use exactum_importer::interface::Port;
use exactum_importer::reference::Reference;
use exactum_qonnx::Model;
use exactum_training::Evaluation;
use exactum_training::data::Dataset;

/// The FPGA of the dataflow description, its clock, and the rate to reach.
const DEVICE: &str = "xc7z020";
const CLOCK_NS: f64 = 10.0;
const TARGET_FPS: f64 = 20_000.0;

/// One compiled network.
pub(crate) struct Program {
    pub(crate) accuracy: f64,
    /// Output integers that differ from the training evaluation.
    pub(crate) training_mismatches: usize,
    /// Output integers that differ from the exact reference.
    pub(crate) reference_mismatches: usize,
    /// Requantized channels that the checker certified.
    pub(crate) certified_channels: usize,
    /// Channels that are requantized at all.
    pub(crate) requantized_channels: usize,
    pub(crate) flash_bytes: usize,
    pub(crate) ram_bytes: usize,
    pub(crate) dataflow_cycles: u64,
    pub(crate) dataflow_fps: f64,
}

/// Compiles `model`, writes `NAME.exa`, the flash image `NAME.bin` and the folder `NAME-dataflow`, and runs every image
/// of `data`.
pub(crate) fn compile(
    name: &str,
    model: &Model,
    data: &Dataset,
    evaluation: &Evaluation,
    directory: &Path,
) -> Result<Program, Box<dyn Error>> {
    let compiled = exactum_importer::compile(model)?;
    let container = Container::new(&compiled, model, &exactum_qonnx::write(model));
    fs::write(directory.join(name).with_extension("exa"), container.write())?;
    fs::write(directory.join(name).with_extension("bin"), &compiled.image)?;

    let design = describe(&compiled.integer, &Target::new(DEVICE, CLOCK_NS, TARGET_FPS)?)?;
    let folder = directory.join(format!("{name}-dataflow"));
    for (file, text) in design.files(&[]) {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap_or(&folder))?;
        fs::write(path, text)?;
    }

    let output = &compiled.interface.outputs[0];
    let trained = evaluation.integers.as_ref().ok_or("the network ends in floats")?;
    let reference = Reference::new(&compiled.quantized);
    let mut host = Host::new(container.program());
    let (mut correct, mut training_mismatches, mut reference_mismatches) = (0, 0, 0);
    let images = data.inputs.chunks(compiled.interface.inputs[0].elems());
    for ((image, label), trained) in images.zip(&data.labels).zip(trained.codes.chunks(evaluation.features)) {
        let codes: Vec<i64> = output.of_stored(&host.run(&[image])[0]).into_iter().map(i64::from).collect();
        training_mismatches += differing(&codes, trained);
        reference_mismatches += differing(&codes, &reference.run(&[image])?[0]);
        correct += usize::from(class(output, &codes) == *label);
    }
    Ok(Program {
        accuracy: correct as f64 / data.len_samples() as f64,
        training_mismatches,
        reference_mismatches,
        certified_channels: compiled.proofs.iter().map(|proof| proof.certificate.channels.len()).sum(),
        requantized_channels: requantized_channels(&compiled.quantized),
        flash_bytes: compiled.image.len(),
        ram_bytes: compiled.memory.arena_bytes,
        dataflow_cycles: design.max_cycles(),
        dataflow_fps: design.fps(),
    })
}

/// Channels of the values that the model's activation quantizers make from other integers.
fn requantized_channels(graph: &Graph) -> usize {
    let requantized = graph.nodes.iter().filter(|node| matches!(node.op, Op::Requantize(_)));
    requantized.map(|node| graph.value(node.output).shape[1]).sum()
}

fn differing(a: &[i64], b: &[i64]) -> usize {
    a.len().abs_diff(b.len()) + a.iter().zip(b).filter(|(a, b)| a != b).count()
}

/// Index of the largest real value, the first of equal ones.
fn class(output: &Port, codes: &[i64]) -> usize {
    let real = |index: usize| {
        let (scale, offset) = output.affine(index);
        (codes[index] - output.zero_point) as f64 * scale + offset
    };
    (1..codes.len()).fold(0, |best, index| if real(index) > real(best) { index } else { best })
}
