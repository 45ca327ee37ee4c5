//! `exactum size`: what a program needs of flash and RAM, per op and in total.

use std::path::PathBuf;
use std::process::ExitCode;

use exactum_importer::container::Container;
use exactum_importer::diagnostic::Result;
use exactum_runtime::program::TensorId;
use serde::Serialize;

use super::files;
use super::inputs::Inputs;
use super::shell::{Shell, label};
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
    macs: u64,
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
}

impl Sizes {
    fn new(container: &Container) -> Self {
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
                ram_bytes: tensor_bytes(op.input()) + tensor_bytes(op.output()),
                macs: origin.macs,
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
            macs: ops.iter().map(|op| op.macs).sum(),
            ops,
        }
    }

    fn text(&self) -> String {
        let heads = ["op", "kind", "weights", "tables", "RAM", "MACs"].map(str::to_owned);
        let mut rows = vec![heads];
        for (index, op) in self.ops.iter().enumerate() {
            let numbers =
                [op.weight_bytes, op.table_bytes, op.ram_bytes, op.macs].map(|number| number.to_string());
            let [weights, tables, ram, macs] = numbers;
            rows.push([format!("{index} {}", op.name), op.kind.clone(), weights, tables, ram, macs]);
        }
        let totals =
            [self.weight_bytes, self.table_bytes, self.ram_bytes, self.macs].map(|number| number.to_string());
        let [weights, tables, ram, macs] = totals;
        rows.push(["total".to_owned(), String::new(), weights, tables, ram, macs]);
        let mut text = table(&rows, 2);
        text.push_str(&format!(
            "flash {} bytes: {} weights, {} tables, {} structure; RAM {} bytes. The runtime's code comes on top.\n",
            self.flash_bytes, self.weight_bytes, self.table_bytes, self.structure_bytes, self.ram_bytes
        ));
        text
    }
}

pub(super) fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let target = args.goal.target()?;
    let container = files::program(&args.file, &args.inputs, &target, shell)?;
    let sizes = Sizes::new(&container);
    shell.result(&sizes, || sizes.text())?;
    Ok(ExitCode::SUCCESS)
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
