//! The steps of the command.

use std::io::{self, Write};

use exactum_qonnx::{Model, Node};
use exactum_training::backend::{self, DType, Tensor, TensorData};
use exactum_training::calibrate::{CalibrateConfig, calibrate_model};
use exactum_training::export::rename_interface;
use exactum_training::float::transform::{self, EqualizeConfig};
use exactum_training::float::{FloatGraph, FloatGraphError, GraphNetwork, Ranked, quantize, summarize};
use exactum_training::{Activation, Network, evaluate, to_qonnx};
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::Args;
use crate::files;
use crate::problem::{Problem, data};
use crate::table::{self, Accuracy};

/// Quantizes as `args` say, writes the file, and returns the table.
pub(crate) fn run(args: &Args) -> Result<String, Problem> {
    let graph = files::network(&args.model)?;
    match graph.input_shape.len() {
        2 => steps::<2>(args, graph),
        3 => steps::<3>(args, graph),
        _ => steps::<4>(args, graph),
    }
}

fn steps<const D: usize>(args: &Args, mut graph: FloatGraph) -> Result<String, Problem>
where
    Activation<D>: Ranked,
{
    let failed = |error: FloatGraphError| Problem::Network { path: args.model.clone(), error };
    let (input, output) = (graph.input.clone(), graph.output.clone());
    let inputs = files::samples(&args.calibration, &graph.input_shape[1..])?;
    let samples = inputs.len() / graph.input_shape[1..].iter().product::<usize>();
    let outputs = graph.run(&inputs).map_err(failed)?;
    let classes = outputs.len() / samples;
    let labels = args.labels.as_ref().map(|path| files::labels(path, samples, classes)).transpose()?;
    if outputs.iter().any(|value| !value.is_finite()) {
        let found = "outputs of the float network that are not finite";
        return Err(data(&args.calibration, found, "samples in the range of the training data"));
    }

    for (name, places) in transform::preprocess(&mut graph).map_err(failed)? {
        if places > 0 {
            status(args, &format!("{name}: {places} places"));
        }
    }
    if args.equalize {
        let pairs = transform::equalize(&mut graph, &EqualizeConfig::default());
        status(args, &format!("equalize: {pairs} pairs of layers"));
    }
    let network: GraphNetwork<D> = quantize(&graph, &args.config()).map_err(failed)?;
    calibrate(&network, &inputs, (args.batch as usize).min(samples), args)?;

    let layers = summarize::<D, 2>(&network, &inputs).map_err(failed)?;
    let accuracy = match labels {
        None => None,
        Some(labels) => Some(Accuracy {
            float: fraction(&largest(&outputs, classes), &labels),
            quantized: fraction(&evaluate(&network, &inputs)?.classes, &labels),
        }),
    };
    let mut model = to_qonnx(&network, &graph.name)?;
    for layer in float_biases(&model) {
        let beside = "its bias is too large for an integer in units of weight and input scale; it stays float32, exactly";
        status(args, &format!("{layer}: {beside}"));
    }
    rename_interface(&mut model, &input, &output);
    files::write(&args.output, &exactum_qonnx::write(&model))?;
    status(args, &format!("wrote {}", args.output.display()));
    Ok(table::render(&layers, accuracy))
}

/// The layers of a quantized network whose biases are floats.
fn float_biases(model: &Model) -> Vec<&str> {
    let is_float = |node: &&Node| {
        let bias =
            node.input(2).filter(|_| ["Conv", "ConvTranspose", "Gemm"].contains(&node.op_type.as_str()));
        bias.is_some_and(|bias| model.graph.initializer(bias).is_some())
    };
    model.graph.nodes.iter().filter(is_float).map(|node| node.name.as_str()).collect()
}

/// Finds the scales of activations from the samples and, if asked for, corrects the biases.
fn calibrate<const D: usize>(
    network: &GraphNetwork<D>,
    inputs: &[f32],
    batch: usize,
    args: &Args,
) -> Result<(), Problem>
where
    Activation<D>: Ranked,
{
    let shape = network.input_shape();
    let elems: usize = shape.iter().skip(1).product();
    let passes = 1 + usize::from(args.bias_correction);
    let bar = progress(args, passes * inputs.len().div_ceil(batch * elems));
    let device = backend::evaluation_device();
    let batches = inputs.chunks(batch * elems).map(|values| {
        bar.inc(1);
        let mut shape = shape;
        shape[0] = values.len() / elems;
        Tensor::from_data(TensorData::new(values.to_vec(), shape), (&device, DType::F32))
    });
    let config = CalibrateConfig { bias_correction: args.bias_correction, ..CalibrateConfig::default() };
    calibrate_model(network, batches, &config)?;
    bar.finish_and_clear();
    Ok(())
}

/// The index of the largest output of each sample.
fn largest(outputs: &[f32], classes: usize) -> Vec<usize> {
    let first_largest =
        |row: &[f32]| (1..row.len()).fold(0, |best, index| if row[index] > row[best] { index } else { best });
    outputs.chunks(classes.max(1)).map(first_largest).collect()
}

fn fraction(found: &[usize], labels: &[usize]) -> f64 {
    let right = found.iter().zip(labels).filter(|(found, label)| found == label).count();
    right as f64 / labels.len().max(1) as f64
}

/// Tells what was done, on standard error.
fn status(args: &Args, text: &str) {
    if !args.quiet {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

/// A bar on standard error; shows only on a terminal.
fn progress(args: &Args, steps: usize) -> ProgressBar {
    if args.quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("calibrate {bar:40} {pos}/{len} steps {elapsed}");
    let bar = ProgressBar::new(steps as u64);
    if let Ok(style) = style { bar.with_style(style) } else { bar }
}
