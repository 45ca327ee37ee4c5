//! Trains a network that knows words by the spectra that a device computes, compiles it to a program of steps, and compares every step with
//! the exact reference of its window.
//!
//! `cargo run --release -p exactum-training --example keywords` needs no data: the words are synthesized, and their spectra come from
//! `exactum-frontend`, whose bits are those of the device. It leaves the network, the program and its module in
//! `target/exactum/keywords`.
#![allow(clippy::print_stdout, reason = "the table is what this program is for")]

mod network;
mod speech;
#[path = "../steps/mod.rs"]
mod steps;

use std::error::Error;
use std::fs;
use std::path::Path;

use exactum_training::{accuracy, progress_bar, to_qonnx, train};

use network::Keywords;
use speech::{TASK, WORDS, signal, windows};

/// Training allocates and frees large tensors at every step; this allocator keeps their pages.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DIRECTORY: &str = "target/exactum/keywords";
const SEED: u64 = 5;
/// Windows of each word to learn from, and to measure with.
const WINDOWS: [usize; 2] = [400, 100];
/// Words of the signal.
const SIGNAL_WORDS: usize = 24;

fn main() -> Result<(), Box<dyn Error>> {
    let [learned, held_back] = [windows(WINDOWS[0], 1), windows(WINDOWS[1], 2)];
    let mut network = Keywords::new(SEED)?;
    train(&mut network, &learned, &Keywords::TRAINING, progress_bar("keywords"))?;
    let model = to_qonnx(&network, "keywords")?;
    let directory = Path::new(DIRECTORY);
    fs::create_dir_all(directory)?;
    let program = steps::compile(&TASK, &model, directory)?;
    let run = steps::run(&TASK, &program, &signal(SIGNAL_WORDS, 77))?;
    println!("words                             {}", WORDS.join(", "));
    println!("accuracy, network on windows      {:.2} %", 100.0 * accuracy(&network, &held_back)?);
    println!("words of the signal that are named {} of {}", run.right, run.clear);
    println!("steps compared with the reference {}, {} differ", run.compared, run.differing);
    println!("certified channels                {}", program.certified_channels());
    println!("flash                             {} bytes", program.compiled.image.len());
    println!("RAM                               {} bytes", program.compiled.memory.arena_bytes);
    println!("files in {DIRECTORY}");
    if run.differing == 0 { Ok(()) } else { Err("steps differ from the reference".into()) }
}
