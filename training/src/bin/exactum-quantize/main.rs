//! The `exactum-quantize` command: from a float ONNX network and a few samples to a quantized one, which `exactum
//! build` compiles.
//!
//! The table of layers goes to standard output, everything else to standard error. Exit status 0 is fine, 1 a problem
//! in the input, 2 wrong usage.

mod args;
mod files;
mod problem;
mod quantize;
mod table;

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::Parser;

use args::Args;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    match quantize::run(&args) {
        Ok(table) => match io::stdout().lock().write_all(table.as_bytes()) {
            // A reader that went away has seen what it wanted.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => ExitCode::FAILURE,
            _ => ExitCode::SUCCESS,
        },
        Err(problem) => {
            // Where standard error is closed, nobody can be told.
            let _ = writeln!(io::stderr().lock(), "error: {problem}");
            ExitCode::FAILURE
        }
    }
}
