//! Builds the networks that kernels are measured with: the four of MLPerf Tiny, in 8 bits and fewer, and others of few bits.
//!
//! `cargo run --release -p exactum-training --example mlperf_tiny` writes them to `target/exactum/mlperf-tiny`. Weights are random, from
//! a fixed seed, and activations are calibrated on noise: what a network executes does not depend on what it has learned. Shapes are
//! those of MLPerf Tiny's reference networks, batch norms merged.
#![allow(clippy::print_stdout, reason = "the list of files is what this program is for")]

mod bits;
mod chain;
mod mobilenet;
mod resnet;

use std::error::Error;
use std::fs;
use std::path::Path;

use exactum_training::burn::tensor::{Tensor, TensorData};
use exactum_training::calibrate::{CalibrateConfig, calibrate_model};
use exactum_training::{BuildError, Init, Network, to_qonnx};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use bits::Bits;

const DIRECTORY: &str = "target/exactum/mlperf-tiny";
const SEED: u64 = 7;
/// Samples of noise that activations are calibrated on.
const SAMPLES: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(DIRECTORY)?;
    let init = || Init::from_seed(SEED);
    for (bits, suffix) in
        [(Bits::W8A8, ""), (Bits::W4A8, "_w4a8"), (Bits::TernaryA8, "_w2a8"), (Bits::W1A1, "_w1a1")]
    {
        write(&format!("kws_dscnn{suffix}"), mobilenet::keyword_spotting(bits, &mut init()))?;
    }
    write("vww_mobilenet", mobilenet::visual_wake_words(&mut init()))?;
    write("ic_resnet8", resnet::image_classification(&mut init()))?;
    write("ad_autoencoder", chain::dense(Bits::W8A8, &chain::AUTOENCODER, &mut init()))?;
    write("dense_w1a1", chain::dense(Bits::W1A1, &chain::BINARY, &mut init()))?;
    write("tfc_w1a1", chain::dense(Bits::W1A1, &chain::TFC, &mut init()))?;
    write("dense_w2a2", chain::dense(Bits::W2A2, &chain::BINARY, &mut init()))?;
    write("line", chain::line(&mut init()))?;
    Ok(())
}

/// Calibrates `network` on noise and writes it.
fn write<const D: usize, N: Network<D>>(
    name: &str,
    network: Result<N, BuildError>,
) -> Result<(), Box<dyn Error>> {
    let network = network?;
    let mut shape = network.input_shape();
    shape[0] = SAMPLES;
    let mut noise = Pcg64::seed_from_u64(SEED);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| noise.random_range(-1.0..1.0)).collect();
    let batch = Tensor::<D>::from_data(
        TensorData::new(values, shape),
        &exactum_training::backend::evaluation_device(),
    );
    let config = CalibrateConfig { bias_correction: false, ..CalibrateConfig::default() };
    calibrate_model(&network, [batch], &config)?;
    let path = Path::new(DIRECTORY).join(name).with_extension("onnx");
    fs::write(&path, exactum_qonnx::write(&to_qonnx(&network, name)?))?;
    println!("{}", path.display());
    Ok(())
}
