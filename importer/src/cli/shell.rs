//! Where output goes and how it looks: data on standard output, problems and progress on standard error.

use std::ffi::OsStr;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::panic::PanicHookInfo;
use std::process::ExitCode;

pub(super) use crate::diagnostic::render::plain;
use crate::diagnostic::{Code, Diagnostic, Location, Report, Result, render};
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde::Serialize;

use super::progress::Progress;

/// How results and problems are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Text for people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On terminals, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Even into files.
    Always,
    /// Nowhere.
    Never,
}

impl Color {
    /// Whether to colour a stream, given whether it is a terminal and the value of NO_COLOR.
    fn is_on(self, terminal: bool, refused: Option<&OsStr>) -> bool {
        match self {
            // By its convention NO_COLOR counts unless it is empty.
            Self::Auto => terminal && refused.is_none_or(OsStr::is_empty),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// What every subcommand prints with.
#[derive(Debug)]
pub(super) struct Shell {
    format: Format,
    stdout_color: bool,
    stderr_color: bool,
    quiet: bool,
}

impl Shell {
    pub(super) fn new(format: Format, color: Color, quiet: bool) -> Self {
        let refused = std::env::var_os("NO_COLOR");
        let colored = |terminal| color.is_on(terminal, refused.as_deref());
        Self {
            format,
            stdout_color: colored(io::stdout().is_terminal()),
            stderr_color: colored(io::stderr().is_terminal()),
            quiet,
        }
    }

    /// Prints a result: `json` as one line, or the text that `human` makes of it.
    pub(super) fn result<T: Serialize>(&self, json: &T, human: impl FnOnce() -> String) -> Result<()> {
        match self.format {
            Format::Human => print(&human()),
            Format::Json => {
                let line = serde_json::to_string(json).expect("results have only string keys");
                print(&format!("{line}\n"))
            }
        }
    }

    /// `text` in green, where standard output shows colours.
    pub(super) fn green(&self, text: &str) -> String {
        self.styled(AnsiColor::Green.on_default().bold(), text)
    }

    /// `text` in red, where standard output shows colours.
    pub(super) fn red(&self, text: &str) -> String {
        self.styled(AnsiColor::Red.on_default().bold(), text)
    }

    fn styled(&self, style: Style, text: &str) -> String {
        if self.stdout_color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Tells what was done, on standard error.
    pub(super) fn status(&self, text: &str) {
        if !self.quiet && self.format == Format::Human {
            note(&format!("{text}\n"));
        }
    }

    /// A bar on standard error for `steps` steps of `what`; shows only on a terminal, after a second.
    pub(super) fn progress(&self, what: &'static str, steps: usize) -> Progress {
        Progress::new(what, Some(steps), self.is_watched())
    }

    /// As [`progress`](Self::progress), for work without steps. The line goes when the value is dropped.
    pub(super) fn waiting(&self, what: &'static str) -> Progress {
        Progress::new(what, None, self.is_watched())
    }

    /// Whether somebody sees what passes on standard error.
    fn is_watched(&self) -> bool {
        !self.quiet && self.format == Format::Human && io::stderr().is_terminal()
    }

    /// Tells of arguments that contradict each other or the model, as clap does of others.
    pub(super) fn wrong_usage(&self, problem: &str) -> ExitCode {
        const USAGE: u8 = 2;
        note(&format!("error: {problem}\n\nFor more information, try '--help'.\n"));
        ExitCode::from(USAGE)
    }

    /// Prints the problems, on standard error.
    pub(super) fn problems(&self, report: &Report) {
        note(&match self.format {
            Format::Human => render::human(report, self.stderr_color, columns()),
            Format::Json => render::json_lines(report),
        });
    }
}

/// Columns of the terminal that shows standard error, if there is one.
fn columns() -> Option<usize> {
    io::stderr().is_terminal().then(terminal_size::terminal_size).flatten().map(|(width, _)| width.0.into())
}

/// A name of the model as part of a line: no longer than a table should have it, and without control characters.
pub(super) fn label(name: &str) -> String {
    const MOST_CHARS: usize = 48;
    let name: Vec<char> = plain(name).chars().collect();
    match name.len() {
        ..=MOST_CHARS => name.into_iter().collect(),
        length => {
            let (start, end) = (&name[..MOST_CHARS / 2 - 2], &name[length - MOST_CHARS / 2 + 1..]);
            start.iter().chain(&['.'; 3]).chain(end).collect()
        }
    }
}

/// Prints what to do about a fault of exactum.
pub(super) fn report_fault(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let what = info.payload_as_str().unwrap_or("no message");
    note(&format!(
        "exactum failed at {place}: {what}\nThis is a fault of exactum, not of your files. Please report this text, \
         and the file if you can share it.\n"
    ));
}

/// Writes to standard output. A reader that went away, as `head` does, has seen what it wanted.
fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let at = Location::part("standard output");
            Err(Diagnostic::new(Code::CannotWrite, at, error.to_string(), "a place to write").into())
        }
        _ => Ok(()),
    }
}

/// Writes to standard error, where a failure can be told to nobody.
fn note(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_fit_tables_and_terminals() {
        assert_eq!(label("conv"), "conv");
        assert_eq!(label("\u{1b}[31mred\n"), "\\u{1b}[31mred\\n");
        let long = label(&"layer/".repeat(40));
        assert_eq!(long.chars().count(), 48);
        assert!(long.starts_with("layer/layer/") && long.ends_with("/layer/") && long.contains("..."));
    }

    #[test]
    fn colour_follows_terminal_and_no_color_unless_told() {
        let on =
            |color: Color, terminal, refused: Option<&str>| color.is_on(terminal, refused.map(OsStr::new));
        assert!(on(Color::Auto, true, None) && on(Color::Auto, true, Some("")));
        assert!(!on(Color::Auto, true, Some("1")) && !on(Color::Auto, false, None));
        assert!(on(Color::Always, false, Some("1")) && !on(Color::Never, true, None));
    }
}
