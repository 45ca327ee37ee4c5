//! `exactum boards`: the boards that programs can be built for and run on.

use std::process::ExitCode;

use crate::diagnostic::Result;
use exactum_boards::{Board, Memory};
use serde::Serialize;

use super::shell::Shell;
use super::size::table;

/// List the boards that programs can be built for with --board.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// A board.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Row {
    name: String,
    about: String,
    /// Rust's name of the processor.
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    flash_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ram_bytes: Option<u64>,
    /// Whether `exactum emulate` runs it.
    emulated: bool,
}

pub(super) fn run(_: &Args, shell: &Shell) -> Result<ExitCode> {
    let row = |board: Board| {
        let memory = board.memory().ok();
        let emulated = board.is_emulated();
        Row {
            flash_bytes: memory.and_then(|Memory { flash_bytes, .. }| flash_bytes),
            ram_bytes: memory.map(|memory| memory.ram_bytes),
            emulated,
            name: board.name,
            about: board.facts.about,
            target: board.facts.target,
        }
    };
    let rows: Vec<Row> = Board::all().expect("a test reads every board").into_iter().map(row).collect();
    shell.result(&rows, || {
        let heads = ["board", "what", "target", "emulated", "flash", "RAM"].map(str::to_owned);
        let bytes = |bytes: Option<u64>| bytes.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
        let line = |row: &Row| {
            let emulated = if row.emulated { "yes" } else { "no" };
            let [flash, ram] = [row.flash_bytes, row.ram_bytes].map(bytes);
            [row.name.clone(), row.about.clone(), row.target.clone(), emulated.to_owned(), flash, ram]
        };
        let lines: Vec<[String; 6]> = std::iter::once(heads).chain(rows.iter().map(line)).collect();
        table(&lines, 4)
    })?;
    Ok(ExitCode::SUCCESS)
}
