//! Milliseconds of a quantization-aware training step and peak memory, as one JSON object on standard output.
//!
//! `cargo bench -p exactum-training --bench steps -- MODEL STEPS` with `mlp`, `lenet` or `dscnn`; the environment
//! variable `RAYON_NUM_THREADS` sets the threads. Called by `.ci/bench-training`.
#![allow(clippy::print_stdout, reason = "the JSON is what this program is for")]

mod dscnn;
mod lenet;
mod mlp;

use std::error::Error;
use std::time::Instant;

use exactum_training::data::Dataset;
use exactum_training::nn::{QuantIdentity, QuantReLU};
use exactum_training::{BuildError, Init, Network, TrainConfig, train};

/// Training allocates and frees large tensors at every step; this allocator keeps their pages.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Steps before the clock starts: scales are collected in the first.
const WARM_UP_STEPS: usize = 10;

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [model, steps] = &arguments[..] else { return Err("needed: MODEL STEPS".into()) };
    let steps = steps.parse()?;
    let milliseconds = match &model[..] {
        "mlp" => measure(&mut mlp::Mlp::new()?, 64, 10, steps)?,
        "lenet" => measure(&mut lenet::LeNet::new()?, 64, 10, steps)?,
        "dscnn" => measure(&mut dscnn::DsCnn::new()?, 32, 12, steps)?,
        _ => return Err(format!("found model {model}, needed mlp, lenet or dscnn").into()),
    };
    println!("{{\"ms\": {milliseconds:.4}, \"peak_mib\": {:.1}}}", peak_mib());
    Ok(())
}

/// Median milliseconds of a step, batch assembly, loss and optimizer included.
fn measure<const D: usize>(
    network: &mut impl Network<D>,
    batch_samples: usize,
    classes: usize,
    steps: usize,
) -> Result<f64, Box<dyn Error>> {
    let features: usize = network.input_shape().iter().product();
    let samples = 4 * batch_samples;
    let inputs = Init::from_seed(2).fan_in_uniform(&[samples, features], 1).values();
    let labels = (0..samples).map(|sample| sample % classes).collect();
    let data = Dataset { inputs, labels, features, classes };
    let epochs = (WARM_UP_STEPS + steps).div_ceil(4);
    let config = TrainConfig { epochs, batch_samples, learning_rate: 1e-3, seed: 1 };
    let mut times = Vec::new();
    let mut last = Instant::now();
    train(network, &data, &config, |_| {
        times.push(last.elapsed().as_secs_f64() * 1e3);
        last = Instant::now();
    })?;
    let mut times = times.split_off(WARM_UP_STEPS);
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// The largest resident set of this process, where Linux tells; otherwise 0.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}

/// An input quantizer that learns its scale after one step.
fn input() -> Result<QuantIdentity, BuildError> {
    QuantIdentity::builder("input").collect_stats_steps(1).build()
}

/// A rectifier with a quantizer that learns its scale after one step.
fn relu(name: &str) -> Result<QuantReLU, BuildError> {
    QuantReLU::builder(name).collect_stats_steps(1).build()
}
