//! `exactum ops`: the operators that the compiler reads.

use std::process::ExitCode;

use crate::diagnostic::{Code, Diagnostic, Location, Result};
use crate::lift::support::{Row, instead_of, rows};
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
    let all = rows();
    let names: Vec<&str> =
        all.iter().flat_map(|row| std::iter::once(row.op).chain(row.aliases.iter().copied())).collect();
    let unknown = (!all.iter().any(named)).then(|| unread(args.name.as_deref().unwrap_or_default(), &names));
    let rows: Vec<Row> = all.into_iter().filter(named).collect();
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
    if let Some(problem) = unknown {
        return Err(problem.into());
    }
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

/// The problem that no operator's name contains `wanted`; `names` are those there are.
fn unread(wanted: &str, names: &[&str]) -> Diagnostic {
    const MOST_NEAR: usize = 4;
    let lower = wanted.to_lowercase();
    let at = Location::part(format!("operator `{wanted}`"));
    let problem = |needed: String| {
        Diagnostic::new(Code::UnsupportedOperator, at.clone(), "an operator that is not read", needed)
    };
    let listed = || problem("an operator that `exactum ops` lists".to_owned());
    if let Some(instead) = instead_of(wanted) {
        return listed().with_hint(instead);
    }
    let mut near: Vec<(usize, &str)> = names
        .iter()
        .map(|name| {
            let known = name.to_lowercase();
            // `Convolution` is near `Conv`, but `nothing-like-it` is not near `Not`.
            let longer = lower.starts_with(&known) && lower.len() <= 3 * known.len();
            let steps = if longer { 0 } else { distance(&lower, &known) };
            (steps, *name)
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.retain(|(steps, _)| *steps <= lower.chars().count().div_ceil(3));
    near.truncate(MOST_NEAR);
    match near.as_slice() {
        [] => listed(),
        near => {
            let names: Vec<&str> = near.iter().map(|(_, name)| *name).collect();
            problem(format!("one such as {}", names.join(", ")))
        }
    }
}

/// How many characters have to be changed, added or left out to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_those_of_few_changes() {
        assert_eq!((distance("conv", "conv"), distance("cnov", "conv"), distance("", "abc")), (0, 2, 3));
        assert_eq!(unread("Sofmax", &["Softmax", "Relu"]).needed, "one such as Softmax");
        assert!(unread("LSTM", &["Relu"]).hint.is_some());
    }
}
