//! `exactum ops`: the operators that the compiler reads.

use std::process::ExitCode;

use exactum_importer::diagnostic::Result;
use exactum_importer::lift::support::{Row, rows};
use serde_json::json;

use super::shell::Shell;

/// List the operators that the compiler reads, with what of each it does.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only operators whose name contains this.
    name: Option<String>,
}

pub(super) fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let wanted = args.name.as_deref().unwrap_or_default().to_lowercase();
    let named = |row: &Row| {
        row.op.to_lowercase().contains(&wanted)
            || row.aliases.iter().any(|alias| alias.to_lowercase().contains(&wanted))
    };
    let rows: Vec<Row> = rows().into_iter().filter(named).collect();
    let list: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({
                "name": row.op,
                "aliases": row.aliases,
                "domains": row.domains,
                "versions": row.versions,
                "computes": row.summary,
                "supported": row.note.is_some(),
                "note": row.note,
            })
        })
        .collect();
    shell.result(&list, || {
        let widest = rows.iter().map(|row| row.op.len()).max().unwrap_or(0);
        let line = |row: &Row| {
            let note = match row.note {
                Some("") => "all",
                Some(note) => note,
                None => "refused",
            };
            format!("{:widest$}  {note}\n", row.op)
        };
        rows.iter().map(line).collect()
    })?;
    Ok(ExitCode::SUCCESS)
}
