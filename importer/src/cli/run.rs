//! `exactum run`: runs a model or a compiled program on this machine.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::batch::{Batch, Host};
use crate::container::Container;
use crate::diagnostic::Result;
use crate::interface::Port;
use crate::reference::Reference;
use crate::trace;
use clap::ValueEnum;
use exactum_host::npy;
use exactum_qonnx::ElemType;
use serde_json::json;

use super::files::{self, Built};
use super::inputs::Inputs;
use super::samples;
use super::shell::Shell;
use super::steps;
use super::summary::count;
use super::target::Goal;
use super::verify::layers::{Computed, Subject};

/// Run a program on this machine, bit for bit as a device does.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Compiled program (.exa) or QONNX model, which is compiled first.
    file: PathBuf,
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    goal: Goal,
    /// NumPy array for each input, in order or as NAME=NPY, or an .npz archive of arrays with the names of inputs; the
    /// first axis counts the samples.
    #[arg(long, required = true, value_name = "NPY")]
    input: Vec<PathBuf>,
    /// Where to write each output, in order.
    #[arg(long, required_unless_present = "dump", value_name = "NPY")]
    output: Vec<PathBuf>,
    /// Samples after which a program of steps starts anew, the steps of a window as a rule; without it they are one signal.
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u32).range(1..))]
    reset_every: Option<u32>,
    /// Write the codes of the last quantizer, or accumulators, instead of what the model gives: int32, or the model's
    /// own integers where it gives such.
    #[arg(long)]
    codes: bool,
    /// Where to write every intermediate value, by the names of the model, which has to be QONNX: integers.
    #[arg(long, value_name = "NPZ")]
    dump: Option<PathBuf>,
    /// Dump what the integers stand for as well, under names that end in `:real`.
    #[arg(long, requires = "dump")]
    real: bool,
    /// What computes the values that are dumped.
    #[arg(long, value_enum, default_value_t, requires = "dump")]
    backend: Dumped,
}

/// What computes dumped values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Dumped {
    /// The program on this machine.
    #[default]
    Host,
    /// The exact reference.
    Exact,
    /// The file, read in 32-bit floats: real values only.
    Float,
}

pub(super) fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let given = samples::paths(&args.input);
    if let Some(problem) =
        files::overwritten(given.iter().chain([&args.file]), args.output.iter().chain(&args.dump))
    {
        return Ok(shell.wrong_usage(&problem));
    }
    if args.dump.is_some() && args.inputs.keeps() {
        return Ok(shell.wrong_usage("--dump is of single samples: it takes no --stream and no --bind"));
    }
    let target = args.goal.target()?;
    let wait = shell.waiting("compiling");
    let built =
        args.dump.is_some().then(|| files::compiled(&args.file, &args.inputs, &target, shell)).transpose()?;
    let container = match &built {
        Some(built) => built.container.clone(),
        None => files::program(&args.file, &args.inputs, &target, shell)?,
    };
    drop(wait);
    let outputs = container.interface().outputs.len();
    if outputs != args.output.len() && !args.output.is_empty() {
        let given = count(args.output.len(), "file");
        return Ok(
            shell.wrong_usage(&format!("{given} for --output, the model has {}", count(outputs, "output")))
        );
    }
    let batch = samples::batch(&container, &args.input, shell)?;
    steps::told(&container, shell);
    let integers = match args.output.as_slice() {
        [] => vec![],
        _ => run_all(&container, &batch, args.reset_every, shell),
    };
    let mut written: Vec<(PathBuf, Vec<u8>)> = container
        .interface()
        .outputs
        .iter()
        .zip(&integers)
        .zip(&args.output)
        .map(|((port, integers), path)| {
            let mut shape = vec![batch.samples()];
            shape.extend(port.sample_shape());
            let (elem, numbers) = numbers(port, integers, args.codes);
            (path.clone(), npy::write_numbers(elem, &shape, &numbers))
        })
        .collect();
    if let (Some(path), Some(built)) = (&args.dump, &built) {
        written.push((path.clone(), dump(args, built, &batch, shell)?));
    }
    files::write(&written)?;
    let names = |paths: &[PathBuf]| paths.iter().map(|path| files::name(path)).collect::<Vec<_>>();
    let mut result = json!({ "samples": batch.samples(), "outputs": names(&args.output) });
    if let Some(path) = &args.dump {
        result["dump"] = json!(files::name(path));
    }
    shell.result(&result, String::new)?;
    let paths: Vec<String> = written.iter().map(|(path, _)| files::name(path)).collect();
    shell.status(&format!("ran {}, wrote {}", count(batch.samples(), "sample"), paths.join(", ")));
    Ok(ExitCode::SUCCESS)
}

/// What the file's output `port` holds for the program's `integers`, or its `codes`, sample after sample, and the type.
pub(super) fn numbers(port: &Port, integers: &[i32], codes: bool) -> (ElemType, Vec<f64>) {
    let samples = integers.chunks(port.elems().max(1)).map(|sample| sample.iter().copied().map(i64::from));
    let (mut elem, mut all) = (port.tensor.elem, vec![]);
    for sample in samples {
        if codes {
            let numbers;
            (elem, numbers) = port.codes(sample);
            all.extend(numbers);
        } else {
            all.extend(port.numbers(sample));
        }
    }
    (elem, all)
}

/// The model's integers of every output, sample after sample.
pub(super) fn run_all(
    container: &Container,
    batch: &Batch,
    reset_every: Option<u32>,
    shell: &Shell,
) -> Vec<Vec<i32>> {
    let mut host = Host::new(container.program());
    let mut integers = vec![vec![]; container.interface().outputs.len()];
    let ports = &container.interface().outputs;
    let progress = shell.progress("running", batch.samples());
    for index in 0..batch.samples() {
        if reset_every.is_some_and(|steps| index.is_multiple_of(steps as usize)) {
            host.reset();
        }
        for ((all, port), stored) in integers.iter_mut().zip(ports).zip(host.run(&batch.sample(index))) {
            all.extend(port.of_stored(&stored));
        }
        progress.step();
    }
    integers
}

/// The archive of every intermediate value.
fn dump(args: &Args, built: &Built, batch: &Batch, shell: &Shell) -> Result<Vec<u8>> {
    let reference = Reference::new(&built.compiled.quantized);
    let subject =
        Subject { compiled: &built.compiled, container: &built.container, reference: &reference, batch };
    let computed = match args.backend {
        Dumped::Host => Computed::Host,
        Dumped::Exact => Computed::Exact,
        Dumped::Float => Computed::Float,
    };
    let mut backend = subject.backend(&computed)?;
    let progress = shell.progress("dumping", batch.samples());
    trace::dump(&built.compiled, &mut *backend, batch.samples(), args.real, || progress.step())
}
