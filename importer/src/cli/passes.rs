//! `exactum passes`: the compiler's passes, in order.

use std::process::ExitCode;

use crate::diagnostic::Result;
use crate::passes::PASSES;
use serde_json::json;

use super::shell::Shell;

/// List the compiler's passes in the order they run.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_: &Args, shell: &Shell) -> Result<ExitCode> {
    let list: Vec<_> = PASSES
        .iter()
        .map(|pass| json!({ "name": pass.name, "from": pass.from.name(), "to": pass.to.name(), "about": pass.about, "depends_on_target": pass.depends_on_target() }))
        .collect();
    shell.result(&list, || {
        let widest = PASSES.iter().map(|pass| pass.name.len()).max().unwrap_or(0);
        let line = |pass: &crate::passes::Pass| {
            let levels = format!("{} -> {}", pass.from.name(), pass.to.name());
            let suited = if pass.depends_on_target() { ", as suits the target" } else { "" };
            format!("{:widest$}  {levels:22}  {}{suited}\n", pass.name, pass.about)
        };
        PASSES.iter().map(line).collect()
    })?;
    Ok(ExitCode::SUCCESS)
}
