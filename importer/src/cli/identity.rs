//! What the command line says of a model beside its file, for the program to say: its name, its version, names of classes.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::Identity;
use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use crate::interface::{Interface, Port};

use super::files;

/// What programs say of the model besides what they compute.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct IdentityArgs {
    /// File with the name of a class on each line, for the program to hold; OUTPUT=FILE where the model has several
    /// outputs.
    #[arg(long, value_name = "FILE")]
    labels: Vec<LabelFile>,
    /// Name of the model, for the program to hold; that of the graph without this.
    #[arg(long, value_name = "NAME")]
    model_name: Option<String>,
    /// Version of the model, for the program to hold; that of the file without this.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    model_version: Option<i64>,
}

/// A file with labels, and the output they belong to.
#[derive(Clone, Debug)]
struct LabelFile {
    output: Option<String>,
    path: PathBuf,
}

impl FromStr for LabelFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (output, path) = match text.split_once('=') {
            Some((output, path)) => (Some(output.to_owned()), path),
            None => (None, text),
        };
        Ok(Self { output, path: path.into() })
    }
}

impl IdentityArgs {
    /// The files it reads.
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.labels.iter().map(|file| &file.path)
    }

    /// The same with paths that are relative to `folder`.
    pub(super) fn within(mut self, folder: &Path) -> Self {
        self.labels.iter_mut().for_each(|file| file.path = folder.join(&file.path));
        self
    }

    /// The identity of a model with the outputs `names`, whose file has the SHA-256 `digest`.
    pub(super) fn read(&self, names: &[String], digest: [u8; 32]) -> Result<Identity> {
        let mut identity = Identity {
            digest,
            name: self.model_name.clone(),
            version: self.model_version,
            ..Identity::default()
        };
        for LabelFile { output, path } in &self.labels {
            let output = match (output, names) {
                (Some(output), _) if names.contains(output) => output.clone(),
                (None, [only]) => only.clone(),
                (given, _) => {
                    let found =
                        given.as_ref().map_or("no output named".to_owned(), |name| format!("`{name}`"));
                    let needed = format!("--labels OUTPUT=FILE with one of {}", names.join(", "));
                    return Err(problem(path, found, needed));
                }
            };
            let bytes = files::read(path)?;
            let text = String::from_utf8(bytes)
                .map_err(|_| problem(path, "bytes that are not UTF-8".to_owned(), "UTF-8 text".to_owned()))?;
            let labels: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
            if let Some(line) = labels.iter().position(|label| label.contains('\0')) {
                let found = format!("a zero byte in line {}", line + 1);
                return Err(problem(path, found, "text".to_owned()));
            }
            identity.labels.insert(output, labels);
        }
        Ok(identity)
    }

    /// Checks that there are as many labels as `interface` tells classes apart.
    pub(super) fn check(&self, identity: &Identity, interface: &Interface) -> Result<()> {
        for (output, labels) in &identity.labels {
            let Some(port) = interface.outputs.iter().find(|port| port.name == *output) else { continue };
            let counts = classes(port);
            if counts.is_empty() || counts.contains(&labels.len()) {
                continue;
            }
            let counts: Vec<String> = counts.iter().map(ToString::to_string).collect();
            let path =
                self.labels.iter().rev().find(|file| file.output.as_ref().is_none_or(|name| name == output));
            let path = path.map(|file| file.path.clone()).unwrap_or_default();
            let needed = format!("{}, a label for each class of the output `{output}`", counts.join(" or "));
            return Err(problem(&path, format!("{} lines", labels.len()), needed));
        }
        Ok(())
    }
}

/// How many classes an output can tell apart; empty if any number: positions of the best are numbers of classes.
fn classes(port: &Port) -> Vec<usize> {
    if port.tensor.elem == exactum_qonnx::ElemType::I64 {
        return vec![];
    }
    let sample = port.sample_shape();
    let mut counts = vec![sample.iter().product::<usize>().max(1)];
    counts.extend(sample.first().into_iter().chain(sample.last()));
    counts.dedup();
    counts
}

fn problem(path: &Path, found: String, needed: String) -> Report {
    let problem = Diagnostic::new(Code::BadLabels, Location::part("labels"), found, needed);
    Report::from(problem).in_file(&files::name(path))
}
