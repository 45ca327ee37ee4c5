//! `exactum targets`: the machines that programs can be built for.

use std::process::ExitCode;

use crate::diagnostic::Result;
use crate::target::{Facts, Target};

use super::shell::Shell;
use super::size::table;

/// List the machines that programs can be built for with --target.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_: &Args, shell: &Shell) -> Result<ExitCode> {
    let targets = Target::all();
    let facts: Vec<&Facts> = targets.iter().map(|target| &target.facts).collect();
    shell.result(&facts, || {
        let heads = ["target", "machine", "flash", "RAM", "reserved"].map(str::to_owned);
        let bytes = |bytes: Option<u64>| bytes.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
        let row = |facts: &&Facts| {
            let reserved = facts.reserved_bytes.to_string();
            let memory = [bytes(facts.flash_bytes), bytes(facts.ram_bytes), reserved];
            let [flash, ram, reserved] = memory;
            [facts.name.clone(), facts.about.clone(), flash, ram, reserved]
        };
        let rows: Vec<[String; 5]> = std::iter::once(heads).chain(facts.iter().map(row)).collect();
        table(&rows, 2)
    })?;
    Ok(ExitCode::SUCCESS)
}
