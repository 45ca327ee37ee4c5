//! Diagnostics for people and for programs.
//!
//! The command line writes them to standard error; `docs/errors.md` is the table of codes in the same words.

use std::borrow::Cow;
use std::fmt;

use anstyle::{AnsiColor, Style};
use serde_json::json;
use textwrap::{Options, WordSeparator, WordSplitter};

use super::{Code, Diagnostic, Report};

/// Most columns of a message.
const WIDTH: usize = 100;

/// Fewest columns; narrower terminals wrap by themselves.
const LEAST_WIDTH: usize = 40;

/// Columns that stay free at the right.
const RIGHT_MARGIN: usize = 2;

/// Columns that a line of the graph around a problem leaves free; constants make some very long.
const EXCERPT_MARGIN: usize = 12;

/// The report for a person, coloured if `color` is set, for a terminal of `columns`, if it is one. Each kind of problem
/// is explained once.
pub fn human(report: &Report, color: bool, columns: Option<usize>) -> String {
    let width = columns.unwrap_or(WIDTH).clamp(LEAST_WIDTH, WIDTH);
    let diagnostics = report.diagnostics();
    let mut text = String::new();
    for (index, diagnostic) in diagnostics.iter().enumerate() {
        let explained_later = diagnostics[index + 1..].iter().any(|later| later.code == diagnostic.code);
        let message = Message { diagnostic, explain: !explained_later, width };
        if index > 0 {
            text.push('\n');
        }
        text.push_str(&message.draw(color));
    }
    text
}

/// The report for a program: one JSON object a line for each problem.
pub fn json_lines(report: &Report) -> String {
    report.diagnostics().iter().map(|diagnostic| format!("{}\n", json(diagnostic))).collect()
}

fn json(diagnostic: &Diagnostic) -> serde_json::Value {
    let Diagnostic { code, at, found, needed, hint, excerpt } = diagnostic;
    json!({
        "reason": "diagnostic",
        "level": "error",
        "code": code.number(),
        "title": code.title(),
        "file": at.file,
        "node": at.node.as_ref().map(|node| json!({ "index": node.index, "name": node.name, "op": node.op })),
        "part": at.part,
        "found": found,
        "needed": needed,
        "hint": hint,
        "excerpt": excerpt,
        "help": code.help(),
    })
}

/// The text of `docs/errors.md`.
pub fn errors_page() -> String {
    let mut page = String::from(concat!(
        "# Errors\n\n",
        "Every problem that `exactum` reports has a code. `exactum explain E0301` prints the same text.\n",
        "The first two digits name the stage that found the problem.\n",
    ));
    let mut stage = "";
    for code in Code::ALL {
        if code.stage() != stage {
            stage = code.stage();
            page.push_str(&format!("\n## {stage}\n"));
        }
        page.push_str(&format!("\n### {code}: {}\n\n{}\n", code.title(), code.help()));
    }
    page
}

/// `text` with escapes for control characters, which names in a file can hold and a terminal would obey.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(escaped).collect())
}

/// A diagnostic as people see it.
struct Message<'a> {
    diagnostic: &'a Diagnostic,
    explain: bool,
    width: usize,
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnostic { code, at, found, needed, hint, excerpt } = self.diagnostic;
        let at = at.to_string();
        let [at, found, needed] = [&at, found, needed].map(|text| plain(text));
        write!(f, "{}\n    at {at}\n found {found}\nneeded {needed}", code.title())?;
        if let Some(hint) = hint {
            write!(f, "\n  hint {}", plain(hint))?;
        }
        if !excerpt.is_empty() {
            f.write_str("\n graph")?;
        }
        for line in excerpt {
            let short: String = line.chars().take(self.width - EXCERPT_MARGIN).collect();
            let rest = if short.len() < line.len() { "..." } else { "" };
            write!(f, "\n  {short}{rest}")?;
        }
        Ok(())
    }
}

impl Message<'_> {
    /// Its code, what is wrong beside a bar, and the explanation.
    fn draw(&self, color: bool) -> String {
        let [error, help] = [AnsiColor::Red, AnsiColor::Cyan]
            .map(|shade| if color { shade.on_default() } else { Style::new() });
        let code = self.diagnostic.code;
        let what =
            self.wrap(&self.to_string(), &format!("  {error}×{error:#} "), &format!("  {error}│{error:#} "));
        let why = if self.explain {
            self.wrap(code.help(), &format!("{help}  help: {help:#}"), "        ") + "\n"
        } else {
            String::new()
        };
        format!("{error}{code}{error:#}\n\n{what}\n{why}")
    }

    /// Lines of `text` behind `first`, and behind `rest` from the second on. A path is never broken, so that it can be
    /// copied.
    fn wrap(&self, text: &str, first: &str, rest: &str) -> String {
        let options = Options::new(self.width - RIGHT_MARGIN)
            .initial_indent(first)
            .subsequent_indent(rest)
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation);
        textwrap::fill(text, options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Location;

    fn report() -> Report {
        let problem = |index| {
            let at = Location::node(index, "fc", "MatMul").at_part("input 1");
            Diagnostic::new(Code::MissingScale, at, "a float value", "a quantizer")
        };
        Report::check(vec![problem(3), problem(5)], ()).unwrap_err().in_file("m.onnx")
    }

    #[test]
    fn people_see_every_problem_and_one_explanation() {
        let text = human(&report(), false, None);
        assert_eq!(text.matches("E0301").count(), 2);
        assert!(text.contains("at m.onnx: node #3 MatMul `fc`, input 1"), "{text}");
        assert_eq!(text.matches("help:").count(), 1);
        assert!(!text.contains('\u{1b}'));
        assert!(human(&report(), true, None).contains('\u{1b}'));
    }

    #[test]
    fn long_paths_are_whole_and_terminals_are_not_told_to_do_anything() {
        let at = Location::node(0, "a\u{1b}[31mb\nc", "Relu");
        let path = format!("/somewhere/{}model-v1.2.onnx", "a-rather-long-folder/".repeat(8));
        let report = Report::from(Diagnostic::new(Code::MissingScale, at, "x\u{7}", "y")).in_file(&path);
        for columns in [None, Some(80), Some(20)] {
            let text = human(&report, false, columns);
            assert!(text.contains(&path), "{text}");
            assert!(text.contains("a\\u{1b}[31mb\\nc") && !text.contains(['\u{1b}', '\u{7}']), "{text}");
        }
    }

    #[test]
    fn programs_get_one_object_for_each_problem() {
        let lines: Vec<serde_json::Value> =
            json_lines(&report()).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1]["code"], "E0301");
        assert_eq!(lines[1]["node"]["index"], 5);
        assert_eq!(lines[1]["file"], "m.onnx");
    }

    #[test]
    fn the_page_in_the_documentation_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/errors.md");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, errors_page()).unwrap();
        }
        let page = std::fs::read_to_string(path).unwrap_or_default();
        assert!(page == errors_page(), "docs/errors.md is outdated; BLESS=1 with this test rewrites it");
    }
}
