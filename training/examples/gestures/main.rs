//! Trains a network that knows gestures by an accelerometer, compiles it to a program of steps, and compares every step with the
//! exact reference of the window that ends with it.
//!
//! `cargo run --release -p exactum-training --example gestures` needs no data: the sensor is simulated. It leaves in
//! `target/exactum/gestures` the network, the program, its module of generated code and a signal, with which
//! `EXACTUM_GESTURES=target/exactum/gestures cargo test --release --workspace --test gestures` runs it on the emulated board.
#![allow(clippy::print_stdout, reason = "the table is what this program is for")]

mod network;
mod simulator;
#[path = "../steps/mod.rs"]
mod steps;

use std::error::Error;
use std::fs;
use std::path::Path;

use exactum_training::{accuracy, progress_bar, to_qonnx, train};

use network::Gestures;
use simulator::{GESTURES, TASK, signal, windows};

/// Training allocates and frees large tensors at every step; this allocator keeps their pages.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DIRECTORY: &str = "target/exactum/gestures";
const SEED: u64 = 3;
/// Windows of each gesture to learn from, and to measure with.
const WINDOWS: [usize; 2] = [500, 200];
/// Windows of each gesture in the signal.
const SIGNAL_WINDOWS: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let [learned, held_back] = [windows(WINDOWS[0], 1), windows(WINDOWS[1], 2)];
    let mut network = Gestures::new(SEED)?;
    train(&mut network, &learned, &Gestures::TRAINING, progress_bar("gestures"))?;
    let model = to_qonnx(&network, "gestures")?;
    let directory = Path::new(DIRECTORY);
    fs::create_dir_all(directory)?;
    let program = steps::compile(&TASK, &model, directory)?;
    let signal = signal(SIGNAL_WINDOWS, 77);
    let bytes: Vec<u8> =
        signal.iter().flat_map(|(frame, _)| frame).flat_map(|axis| axis.to_le_bytes()).collect();
    fs::write(directory.join("signal.bin"), bytes)?;
    let run = steps::run(&TASK, &program, &signal)?;
    println!("gestures                          {}", GESTURES.join(", "));
    println!("accuracy, network on windows      {:.2} %", 100.0 * accuracy(&network, &held_back)?);
    println!("accuracy, steps of the signal     {:.2} %", 100.0 * run.right as f64 / run.clear as f64);
    println!("steps compared with the reference {}, {} differ", run.compared, run.differing);
    println!("certified channels                {}", program.certified_channels());
    println!("flash                             {} bytes", program.compiled.image.len());
    println!("RAM                               {} bytes", program.compiled.memory.arena_bytes);
    println!("files in {DIRECTORY}");
    if run.differing == 0 { Ok(()) } else { Err("steps differ from the reference".into()) }
}
