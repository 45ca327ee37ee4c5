//! Test accuracy of digit classifiers trained with 8, 4, 2 and 1-bit weights and activations, one JSON object a line, as
//! evaluated on exact integers.
//!
//! `.ci/accuracy` runs it beside the same training with Brevitas, `training/benches/brevitas/accuracy.py`, whose
//! architectures, data, epochs, optimizer and schedule are the same.
#![allow(clippy::print_stdout, reason = "the results are what this program is for")]

mod networks;

use std::error::Error;

use exactum_training::data::digits;
use exactum_training::{Network, TrainConfig, accuracy, train};

use networks::{Cnn, Mlp};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EPOCHS: usize = 40;
const BIT_WIDTHS: [u8; 4] = [8, 4, 2, 1];

fn main() -> Result<(), Box<dyn Error>> {
    let seeds: u64 = std::env::args().nth(1).map_or(Ok(5), |seeds| seeds.parse())?;
    let data = digits::load()?;
    for bits in BIT_WIDTHS {
        for seed in 1..=seeds {
            report("mlp", bits, seed, Mlp::new(bits, seed)?, &data)?;
        }
    }
    for bits in BIT_WIDTHS {
        for seed in 1..=seeds {
            report("cnn", bits, seed, Cnn::new(bits, seed)?, &data)?;
        }
    }
    Ok(())
}

fn report<const D: usize>(
    model: &str,
    bits: u8,
    seed: u64,
    mut network: impl Network<D>,
    data: &exactum_training::data::Split,
) -> Result<(), Box<dyn Error>> {
    let config = TrainConfig { epochs: EPOCHS, batch_samples: 64, learning_rate: 5e-3, seed };
    train(&mut network, &data.train, &config, |_| {})?;
    let accuracy = accuracy(&network, &data.test)?;
    println!(r#"{{"model": "{model}", "bits": {bits}, "seed": {seed}, "accuracy": {accuracy}}}"#);
    Ok(())
}
