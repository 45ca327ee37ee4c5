//! `exactum explain`: what an error code means and what to do about it.

use std::process::ExitCode;

use crate::diagnostic::{Code, Result};
use serde_json::json;

use super::shell::Shell;

/// Explain an error code, or list all.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Code such as E0301.
    #[arg(value_parser = parse)]
    code: Option<Code>,
}

pub(super) fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let object = |code: &Code| json!({ "code": code.number(), "title": code.title(), "help": code.help() });
    match args.code {
        Some(code) => {
            shell.result(&object(&code), || format!("{code}: {}\n\n{}\n", code.title(), code.help()))?
        }
        None => shell.result(&Code::ALL.iter().map(object).collect::<Vec<_>>(), || {
            Code::ALL.iter().map(|code| format!("{code}  {}\n", code.title())).collect()
        })?,
    }
    Ok(ExitCode::SUCCESS)
}

fn parse(text: &str) -> Result<Code, String> {
    Code::parse(text).ok_or_else(|| "no such code; `exactum explain` lists all".to_owned())
}
