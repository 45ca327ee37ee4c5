//! `exactum size`: what a program needs of flash and RAM, per op and in total.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::container::Container;
use crate::cost::Work;
use crate::diagnostic::Result;
use crate::target::{Facts, Form, Target};
use exactum_boards::Memory;
use exactum_runtime::program::TensorId;
use serde::Serialize;

use super::files;
use super::inputs::Inputs;
use super::limits::Limits;
use super::shell::{Shell, label};
use super::summary::{is_none, outside};
use super::target::Goal;

/// Print the flash and RAM that a program needs, per op and in total.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Compiled program (.exa) or QONNX model, which is compiled first.
    file: PathBuf,
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    goal: Goal,
    #[command(flatten)]
    limits: Limits,
    /// How a firmware holds the program, where a board is given.
    #[arg(long, value_enum, default_value_t, requires = "board")]
    form: Held,
}

/// How a firmware holds a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Held {
    /// As an image, with loader and engine.
    #[default]
    Image,
    /// As generated code, with the kernels of the model alone.
    Rust,
}

impl From<Held> for Form {
    fn from(held: Held) -> Self {
        match held {
            Held::Image => Self::Image,
            Held::Rust => Self::Module,
        }
    }
}

/// A program on a board.
#[derive(Debug, Serialize)]
struct OnBoard {
    name: String,
    form: Form,
    /// Code beside the program, if it was measured for the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    code_bytes: Option<u64>,
    /// What the board has; without flash, RAM holds everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    flash_bytes: Option<u64>,
    ram_bytes: u64,
}

impl OnBoard {
    fn of(target: &Target) -> Option<Self> {
        let board = target.board.as_ref()?;
        let code_bytes = board.code.as_ref().map(|code| code.of(board.form));
        let Memory { flash_bytes, ram_bytes } = board.memory;
        Some(Self { name: target.facts.name.clone(), form: board.form, code_bytes, flash_bytes, ram_bytes })
    }

    /// What a program with `sizes` takes of it.
    fn text(&self, sizes: &Sizes) -> String {
        let code = self.code_bytes.unwrap_or(0);
        let stack = sizes.stack_bytes.unwrap_or(0);
        let (flash, ram) = (sizes.flash_bytes + code, sizes.ram_bytes + sizes.outside_bytes + stack);
        let what = match (self.form, self.code_bytes) {
            (_, None) => "its code was not measured for this processor".to_owned(),
            (Form::Image, Some(bytes)) => format!("{bytes} loader, engine and all kernels"),
            (Form::Module, Some(bytes)) => format!("{bytes} generated code, the most of what was measured"),
        };
        let line = |name: &str, takes: u64, has: u64, parts: String| {
            let percent = takes.saturating_mul(100).div_ceil(has.max(1));
            format!("  {name:<5}  {takes:>9} of {has:>9} bytes, {percent:>3} %: {parts}\n")
        };
        let outside = outside(sizes.outside_bytes);
        let stack = sizes.stack_bytes.map(|bytes| format!(" and {bytes} stack")).unwrap_or_default();
        let memory = format!("{} working memory{outside}{stack}", sizes.ram_bytes);
        let program = format!("{} program and {what}", sizes.flash_bytes);
        let lines = match self.flash_bytes {
            Some(has) => line("flash", flash, has, program) + &line("RAM", ram, self.ram_bytes, memory),
            None => line("RAM", flash + ram, self.ram_bytes, format!("{program}; {memory}")),
        };
        format!("board {}\n{lines}", self.name)
    }
}

/// Sizes of a program.
#[derive(Debug, Serialize)]
struct Sizes {
    ops: Vec<OpSizes>,
    /// Weights and biases of all ops.
    weight_bytes: u64,
    /// Requantization parameters of all ops.
    table_bytes: u64,
    /// Header, tables of tensors and ops, alignment.
    structure_bytes: u64,
    /// The image: the sum of the three.
    flash_bytes: u64,
    /// The arena.
    ram_bytes: u64,
    /// Inputs and outputs in buffers of the caller.
    #[serde(skip_serializing_if = "is_none")]
    outside_bytes: u64,
    /// Stack that a run takes, where the target's was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    stack_bytes: Option<u64>,
    macs: u64,
    /// Instructions of all ops, as the target's table of costs predicts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<u64>,
    /// The board that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    board: Option<OnBoard>,
}

/// Sizes of one op.
#[derive(Debug, Serialize)]
struct OpSizes {
    name: String,
    kind: String,
    weight_bytes: u64,
    table_bytes: u64,
    /// Codes it reads and writes; other values may live beside them.
    ram_bytes: u64,
    macs: u64,
    /// Kernel that computes it, with the packing and the element type of its weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel: Option<String>,
    /// Instructions, as the target's table of costs predicts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<u64>,
}

impl Sizes {
    fn new(container: &Container, target: &Target) -> Self {
        let program = container.program();
        let tensor_bytes =
            |id: TensorId| program.tensor(id).map_or(0, |tensor| u64::from(tensor.size_bytes()));
        let ops: Vec<OpSizes> = container
            .contents()
            .ops
            .iter()
            .zip(program.ops())
            .map(|(origin, op)| OpSizes {
                name: origin.name.clone(),
                kind: origin.kind.clone(),
                weight_bytes: origin.weight_bytes,
                table_bytes: origin.table_bytes,
                ram_bytes: op.operand(0).map_or(0, &tensor_bytes) + tensor_bytes(op.output()),
                macs: origin.macs,
                kernel: Work::of(&program, &op).map(|work| work.kernel),
                instructions: target
                    .costs
                    .as_ref()
                    .and_then(|costs| costs.predict(&program, &op))
                    .map(|instructions| instructions.round() as u64),
            })
            .collect();
        let weight_bytes = ops.iter().map(|op| op.weight_bytes).sum();
        let table_bytes = ops.iter().map(|op| op.table_bytes).sum();
        let flash_bytes = container.image().len() as u64;
        Self {
            weight_bytes,
            table_bytes,
            structure_bytes: flash_bytes.saturating_sub(weight_bytes + table_bytes),
            flash_bytes,
            ram_bytes: u64::from(program.arena_bytes()),
            outside_bytes: program.outside_bytes(),
            stack_bytes: target.stack_bytes(&program),
            macs: ops.iter().map(|op| op.macs).sum(),
            instructions: ops.iter().map(|op| op.instructions).sum(),
            ops,
            board: OnBoard::of(target),
        }
    }

    fn text(&self) -> String {
        let heads = ["op", "kind", "weights", "tables", "RAM", "MACs", "instructions"].map(str::to_owned);
        let mut rows = vec![heads];
        let row = |name: String, kind: &str, numbers: [u64; 4], instructions: Option<u64>| {
            let [weights, tables, ram, macs] = numbers.map(|number| number.to_string());
            let instructions = instructions.map_or_else(|| "-".to_owned(), |number| number.to_string());
            [name, kind.to_owned(), weights, tables, ram, macs, instructions]
        };
        for (index, op) in self.ops.iter().enumerate() {
            let numbers = [op.weight_bytes, op.table_bytes, op.ram_bytes, op.macs];
            rows.push(row(format!("{index} {}", op.name), &op.kind, numbers, op.instructions));
        }
        let totals = [self.weight_bytes, self.table_bytes, self.ram_bytes, self.macs];
        rows.push(row("total".to_owned(), "", totals, self.instructions));
        let measured = self.ops.iter().any(|op| op.instructions.is_some());
        let without = |[name, kind, weights, tables, ram, macs, _]: [String; 7]| {
            [name, kind, weights, tables, ram, macs]
        };
        let mut text = match measured {
            true => table(&rows, 2),
            false => table(&rows.into_iter().map(without).collect::<Vec<_>>(), 2),
        };
        text.push_str(&format!(
            "flash {} bytes: {} weights, {} tables, {} structure; RAM {} bytes{}{}.{}\n",
            self.flash_bytes,
            self.weight_bytes,
            self.table_bytes,
            self.structure_bytes,
            self.ram_bytes,
            outside(self.outside_bytes),
            self.stack_bytes.map(|bytes| format!(" and {bytes} of stack")).unwrap_or_default(),
            if self.board.is_some() { "" } else { " The runtime's code comes on top." }
        ));
        text
    }
}

pub(super) fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let form = args.form.into();
    let given = args.goal.given(form)?;
    let container =
        files::program(&args.file, &args.inputs, &given.clone().unwrap_or_else(Target::portable), shell)?;
    let target = given.unwrap_or_else(|| super::target::of_program(&container, form));
    let sizes = Sizes::new(&container, &target);
    shell.result(&sizes, || sizes.text() + &room(&target, &sizes))?;
    super::target::fits(&target, &args.limits, &container)
        .map_err(|report| report.in_file(&files::name(&args.file)))?;
    Ok(ExitCode::SUCCESS)
}

/// How much of the target's memory that is, in a line; nothing if its memory is unknown.
fn room(target: &Target, sizes: &Sizes) -> String {
    if let Some(board) = &sizes.board {
        return board.text(sizes);
    }
    let Facts { name, flash_bytes, ram_bytes, reserved_bytes, .. } = &target.facts;
    let (Some(flash), Some(ram)) = (flash_bytes, ram_bytes) else { return String::new() };
    format!(
        "target {name}: flash {} of {flash} bytes; RAM {} and {reserved_bytes} reserved of {ram} bytes\n",
        sizes.flash_bytes,
        sizes.ram_bytes + sizes.outside_bytes
    )
}

/// Columns as wide as their widest cell; the first `texts` are text, of which long ones are shortened, the others
/// numbers.
pub(super) fn table<const N: usize>(rows: &[[String; N]], texts: usize) -> String {
    let short = |row: &[String; N]| row.each_ref().map(|cell| label(cell));
    let rows: Vec<[String; N]> = rows.iter().map(short).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            if column < texts { format!("{cell:width$}") } else { format!("{cell:>width$}") }
        });
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}
