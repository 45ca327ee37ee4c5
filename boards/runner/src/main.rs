//! The command `exactum-runner`: starts an image in QEMU as `cargo run` wants it, or runs a program on the
//! firmware `generic` and prints what each op executes.

use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, Subcommand};
use exactum_runner::{Board, Counting, Counts, Emulator, Image};
use exactum_runtime::Program;
use zerocopy::IntoBytes as _;

#[derive(Parser)]
#[command(about = "Runs firmware in QEMU, decodes its log and counts executed instructions", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Seconds after which a run is stopped.
    #[arg(long, default_value_t = 60, global = true)]
    time_limit_s: u64,
    /// The board: a folder of `boards`.
    #[arg(long, default_value = "mps2-an386", global = true)]
    board: String,
}

#[derive(Subcommand)]
enum Command {
    /// Starts a firmware image and prints its log; the exit code is the firmware's.
    Start {
        /// The ELF file.
        image: PathBuf,
        /// Command line of the firmware.
        arguments: Vec<String>,
    },
    /// Runs a program on every sample of an input file and prints the instructions of each op.
    Run {
        /// The program, as the runtime loads it.
        program: PathBuf,
        /// Input codes, sample after sample.
        input: PathBuf,
        /// Where the output elements go; nowhere without.
        #[arg(long)]
        output: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let emulator = Emulator::find(&Board::named(&arguments.board)?)?
        .with_time_limit(Duration::from_secs(arguments.time_limit_s));
    let mut stdout = io::stdout().lock();
    match &arguments.command {
        Command::Start { image, arguments } => {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let finished = emulator.start(&Image::read(image)?, &arguments, &env::current_dir()?)?;
            for line in &finished.log {
                writeln!(stdout, "{line}")?;
            }
            Ok(ExitCode::from(u8::try_from(finished.code)?))
        }
        Command::Run { program, input, output } => {
            let generic = emulator.build("generic")?;
            let image = fs::read(program).map_err(at(program))?;
            let input = fs::read(input).map_err(at(input))?;
            let run = emulator.run_program(&generic, &image, &input, Counting::On)?;
            if let Some(path) = output {
                fs::write(path, &run.output).map_err(at(path))?;
            }
            // Programs are read in place, from a multiple of 8.
            let mut words = vec![0u64; image.len().div_ceil(8)];
            words.as_mut_bytes()[..image.len()].copy_from_slice(&image);
            let program = Program::load(&words.as_bytes()[..image.len()])?;
            for (sample, counts) in run.counts.iter().enumerate() {
                let Counts { inference, stack_bytes, ops } = counts;
                writeln!(stdout, "sample {sample}: {inference} instructions, {stack_bytes} bytes of stack")?;
                for (op, count) in program.ops().zip(ops) {
                    writeln!(stdout, "{count:>12}  {op}")?;
                }
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Puts the file's path before what the system says of it.
fn at(path: &Path) -> impl Fn(io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}
