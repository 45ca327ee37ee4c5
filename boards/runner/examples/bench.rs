//! Counts what the networks of MLPerf Tiny execute on each kind of core, beside CMSIS-NN, and writes the table that is committed:
//!
//! `.ci/bench`, which makes the networks first and then runs `cargo run --release -p exactum-runner --example bench`.
//!
//! With the name of a core, such as `-- M4`, it prints the table of that core and writes no other. Writes `target/exactum/bench.json`, a list of objects, and `tests/data/bench.txt`. Each network runs on one sample of noise. Counts
//! repeat, so the same compiler always gives the same table.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use exactum_importer::cost::Work;
use exactum_importer::lower::OpOrigin;
use exactum_importer::target::{Form, Target};
use exactum_importer::{Compiled, compile_for, lower};
use exactum_runner::{Board, Counting, Emulator, noise};
use exactum_runtime::Program;
use exactum_runtime::program::Op;
use exactum_runtime::program::words_as_bytes;
use serde_json::{Value, json};

/// Boards, and what their core is called in the table.
const BOARDS: [(&str, &str); 6] = [
    ("mps2-an385-armv6m", "M0"),
    ("mps2-an385", "M3"),
    ("mps2-an386", "M4"),
    ("mps2-an500", "M7"),
    ("mps2-an505", "M33"),
    ("riscv-virt", "RV32"),
];

/// Networks, and the instructions of their layers in CMSIS-NN on a Cortex-M4 and a Cortex-M0, its best builds: revision 99f736a6,
/// GCC 12.2, `-O3`, counted in QEMU.
const NETWORKS: [(&str, Option<[u64; 2]>); 11] = [
    ("kws_dscnn", Some([7_419_216, 29_002_400])),
    ("ic_resnet8", Some([28_614_514, 97_590_769])),
    ("ad_autoencoder", Some([570_164, 1_755_741])),
    ("vww_mobilenet", Some([23_422_865, 86_882_857])),
    ("kws_dscnn_w4a8", None),
    ("kws_dscnn_w2a8", None),
    ("kws_dscnn_w1a1", None),
    ("dense_w2a2", None),
    ("dense_w1a1", None),
    ("tfc_w1a1", None),
    ("line", None),
];

/// A network on a board.
struct Row {
    network: &'static str,
    core: &'static str,
    board: &'static str,
    instructions: u64,
    macs: u64,
    ops: Vec<Layer>,
    program_bytes: u64,
    ram_bytes: u64,
    stack_bytes: u32,
    cmsis: Option<u64>,
}

/// An op of a network on a board.
#[derive(serde::Serialize)]
struct Layer {
    kernel: String,
    instructions: u64,
    macs: u64,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = root.join("target/exactum/mlperf-tiny");
    let check = std::env::args().any(|argument| argument == "--check");
    let mut rows = vec![];
    let only = std::env::args().nth(1).filter(|argument| !argument.starts_with('-'));
    for (board, core) in BOARDS.into_iter().filter(|(_, core)| only.as_ref().is_none_or(|only| only == core))
    {
        let found = Board::named(board)?;
        let emulator = Emulator::find(&found)?.with_time_limit(std::time::Duration::from_secs(300));
        let generic = emulator.build("generic")?;
        let target =
            Target::of_board(&found, Form::Image).map_err(|problem| problem.to_string())?.without_limits();
        for (network, cmsis) in NETWORKS {
            let compiled = compiled(&folder.join(network).with_extension("onnx"), &target)?;
            let words = lower::aligned(&compiled.image);
            let program = Program::load(&words_as_bytes(&words)[..compiled.image.len()])?;
            let run = emulator.run_program(&generic, &compiled.image, &sample(&program)?, Counting::On)?;
            let counts = run.counts.first().ok_or("nothing was counted")?;
            let cmsis = cmsis.and_then(|[m4, m0]| match core {
                "M4" => Some(m4),
                "M0" => Some(m0),
                _ => None,
            });
            rows.push(Row {
                network,
                core,
                board,
                instructions: counts.inference,
                macs: compiled.ops.iter().map(|op| op.macs).sum(),
                ops: layers(&program, &counts.ops, &compiled),
                program_bytes: compiled.image.len() as u64,
                ram_bytes: program.arena_bytes().into(),
                stack_bytes: counts.stack_bytes,
                cmsis,
            });
        }
    }
    let json: Vec<Value> = rows.iter().map(Row::json).collect();
    fs::write(root.join("target/exactum/bench.json"), serde_json::to_string_pretty(&json)?)?;
    let (text, path) = (table(&rows)?, root.join("tests/data/bench.txt"));
    print!("{text}");
    if only.is_some() {
        return Ok(ExitCode::SUCCESS);
    }
    if !check {
        fs::write(path, text)?;
        return Ok(ExitCode::SUCCESS);
    }
    let same = fs::read_to_string(path)? == text;
    if !same {
        eprintln!("tests/data/bench.txt has other figures; `.ci/bench` writes it anew");
    }
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn layers(program: &Program<'_>, counts: &[u64], compiled: &Compiled) -> Vec<Layer> {
    let of = |((op, instructions), origin): ((Op<'_>, &u64), &OpOrigin)| Layer {
        kernel: Work::of(program, &op).map_or_else(|| op.kind().name().to_owned(), |work| work.kernel),
        instructions: *instructions,
        macs: origin.macs,
    };
    program.ops().zip(counts).zip(&compiled.ops).map(of).collect()
}

fn compiled(path: &PathBuf, target: &Target) -> Result<Compiled, Box<dyn Error>> {
    let bytes =
        fs::read(path).map_err(|error| format!("{}: {error}; `.ci/bench` makes it", path.display()))?;
    Ok(compile_for(&exactum_qonnx::read(&bytes)?, target)?)
}

/// Codes of noise for every input, within its range.
fn sample(program: &Program<'_>) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = vec![];
    for index in 0..program.inputs().len() {
        let tensor = program.input_tensor(index).ok_or("an input")?;
        let span = tensor.range.hi - tensor.range.lo + 1;
        for code in noise(11).take(tensor.shape.elems() as usize) {
            let code = tensor.range.lo + i64::from(code) % span;
            bytes.extend(&code.to_le_bytes()[..tensor.element.size_bytes() as usize]);
        }
    }
    Ok(bytes)
}

impl Row {
    fn json(&self) -> Value {
        json!({
            "network": self.network,
            "board": self.board,
            "core": self.core,
            "instructions": self.instructions,
            "macs": self.macs,
            "layers": self.ops,
            "program_bytes": self.program_bytes,
            "ram_bytes": self.ram_bytes,
            "stack_bytes": self.stack_bytes,
            "cmsis_nn_instructions": self.cmsis,
        })
    }
}

fn table(rows: &[Row]) -> Result<String, std::fmt::Error> {
    let mut text = String::from(
        "# Instructions of one inference in QEMU, written by `.ci/bench`; no cycles. CMSIS-NN: revision 99f736a6, the same layers.\n\
         # An inference of ours is the whole of `Engine::run`; CMSIS-NN's are the kernels alone.\n\n",
    );
    writeln!(
        text,
        "{:<16}{:<6}{:>13}{:>8}{:>12}{:>7}{:>10}{:>8}{:>7}",
        "network", "core", "instructions", "per MAC", "CMSIS-NN", "ratio", "program", "RAM", "stack"
    )?;
    for row in rows {
        let each = row.instructions as f64 / row.macs as f64;
        let (cmsis, ratio) = match row.cmsis {
            Some(cmsis) => (cmsis.to_string(), format!("{:.2}", row.instructions as f64 / cmsis as f64)),
            None => (String::new(), String::new()),
        };
        writeln!(
            text,
            "{:<16}{:<6}{:>13}{each:>8.2}{cmsis:>12}{ratio:>7}{:>10}{:>8}{:>7}",
            row.network, row.core, row.instructions, row.program_bytes, row.ram_bytes, row.stack_bytes
        )?;
    }
    text.push_str("\n# Layer by layer on a Cortex-M4: kernel, instructions, multiply-accumulates, instructions for each of them.\n");
    for row in rows.iter().filter(|row| row.core == "M4") {
        writeln!(text, "\n{}", row.network)?;
        for (index, Layer { kernel, instructions, macs }) in row.ops.iter().enumerate() {
            let each = match macs {
                0 => "-".to_owned(),
                macs => format!("{:.2}", *instructions as f64 / *macs as f64),
            };
            writeln!(text, "  {index:<3}{kernel:<42}{instructions:>10}{macs:>10}{each:>8}")?;
        }
    }
    Ok(text)
}
