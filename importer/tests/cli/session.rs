//! A folder of its own in which a test runs the command, and the text of what happened there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use snapbox::assert::Action;
use snapbox::{Assert, Data};

/// A temporary folder and the transcript of the commands that ran in it.
pub(crate) struct Session {
    folder: tempfile::TempDir,
    /// Files the test made itself.
    made: Vec<String>,
    transcript: String,
    /// Whether commands find other programs.
    tools: bool,
}

impl Session {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder, made: vec![], transcript: String::new(), tools: true }
    }

    /// With `bytes` in the file `name`.
    pub(crate) fn with(mut self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.made.push(name.to_owned());
        fs::write(self.folder.path().join(name), bytes).expect("the folder can be written");
        self
    }

    /// Where commands find no other program.
    pub(crate) fn without_tools(self) -> Self {
        Self { tools: false, ..self }
    }

    /// Whether the test made the file `name` itself, or asked for it quietly.
    pub(crate) fn made(&self, name: &str) -> bool {
        self.made.iter().any(|made| made == name) || self.transcript.contains(&format!("-o {name} --quiet"))
    }

    /// What happened so far.
    pub(crate) fn transcript(&self) -> &str {
        &self.transcript
    }

    /// Runs `exactum` with `arguments`, separated by blanks, and adds what happened to the transcript.
    pub(crate) fn run(&mut self, arguments: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_exactum"));
        command.args(arguments.split_whitespace()).current_dir(self.folder.path());
        for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "RUST_BACKTRACE"] {
            command.env_remove(variable);
        }
        if !self.tools {
            command.env("PATH", self.folder.path());
        }
        let output = command.output().expect("the command starts");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("output is text");
        let status = output.status.code().expect("the command exits");
        self.transcript.push_str(&format!("$ exactum {arguments}\nstatus {status}\n"));
        for (stream, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            if !bytes.is_empty() {
                self.transcript.push_str(&format!("--- {stream}\n{}", text(bytes)));
            }
        }
        self.transcript.push('\n');
        output
    }

    /// Adds the text of the file `name` to the transcript.
    pub(crate) fn show(&mut self, name: &str) {
        let text = String::from_utf8(self.read(name)).expect("the file is text");
        self.transcript.push_str(&format!("$ cat {name}\n{text}\n"));
    }

    /// The bytes of the file `name`.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.path().join(name)).expect("the command wrote the file")
    }

    /// Names of all files, ascending.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).expect("the folder can be read");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Compares the transcript with the text in `snapshots/`.
    pub(crate) fn matches(self, name: &str) {
        let transcript = self.transcript.replace(env!("CARGO_PKG_VERSION"), "VERSION");
        snapshot(&format!("{name}.txt"), transcript);
    }
}

/// Compares `actual` with the file `name` in `snapshots/`.
#[track_caller]
pub(crate) fn snapshot(name: &str, actual: String) {
    let bless = std::env::var_os("BLESS").is_some();
    let action = if bless { Action::Overwrite } else { Action::Verify };
    let expected = Data::read_from(&snapshot_path(name), None).raw();
    Assert::new().action(action).eq(Data::text(actual), expected);
}

fn snapshot_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/snapshots").join(name)
}
