//! Everything that can be wrong with a model, a program or their data, as values.
//!
//! Stages collect [`Diagnostic`]s into a [`Report`]; the command line renders them. A diagnostic always says where,
//! what was found, what is needed, and carries a [`Code`] that `exactum explain` knows.

mod code;
pub mod render;

pub use code::Code;

use exactum_host::{ArrayError, ArrayFault};

/// Where a problem lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// File name as the user gave it.
    pub file: Option<String>,
    /// Node in the file or graph.
    pub node: Option<NodeRef>,
    /// Part of it: `input 1`, `attribute "group"`, `initializer "w"`, `output`.
    pub part: Option<String>,
}

/// Names a node for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRef {
    /// Position in the file, or in the graph for a node that comes from none there.
    pub index: usize,
    /// Whether it is the position in the file.
    pub in_file: bool,
    /// Name, possibly empty.
    pub name: String,
    /// Operator.
    pub op: String,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which kind of problem.
    pub code: Code,
    /// Where.
    pub at: Location,
    /// What is there, in words.
    pub found: String,
    /// What should be there.
    pub needed: String,
    /// What to do about this very problem, where more is known than the code's help says.
    pub hint: Option<String>,
    /// The node among its neighbours as text, a line each; see [`Report::in_model`].
    pub excerpt: Vec<String>,
}

/// Neighbours on each side of a node in an excerpt.
const NEIGHBOURS: usize = 4;

/// All problems of one run; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report(Vec<Diagnostic>);

/// The result of a stage.
pub type Result<T, E = Report> = std::result::Result<T, E>;

impl Location {
    /// The node `name` of operator `op` at `index` in the file, or in a branch of the node there.
    pub fn node(index: usize, name: &str, op: &str) -> Self {
        let node = NodeRef { index, in_file: true, name: name.to_owned(), op: op.to_owned() };
        Self { node: Some(node), ..Self::default() }
    }

    /// The node `name` of operator `op` at `index` in a graph, which comes from no node of a file.
    pub fn made(index: usize, name: &str, op: &str) -> Self {
        let node = NodeRef { index, in_file: false, name: name.to_owned(), op: op.to_owned() };
        Self { node: Some(node), ..Self::default() }
    }

    /// A part of the whole model or file.
    pub fn part(part: impl Into<String>) -> Self {
        Self { part: Some(part.into()), ..Self::default() }
    }

    /// The same place, narrowed to `part`.
    #[must_use]
    pub fn at_part(mut self, part: impl Into<String>) -> Self {
        self.part = Some(part.into());
        self
    }
}

impl Diagnostic {
    /// A problem of kind `code` at `at`.
    pub fn new(code: Code, at: Location, found: impl Into<String>, needed: impl Into<String>) -> Self {
        Self { code, at, found: found.into(), needed: needed.into(), hint: None, excerpt: vec![] }
    }

    /// With what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl Report {
    /// The problems, in the order they were met.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0
    }

    /// The same problems, in `file`.
    #[must_use]
    pub fn in_file(mut self, file: &str) -> Self {
        for diagnostic in &mut self.0 {
            diagnostic.at.file.get_or_insert_with(|| file.to_owned());
        }
        self
    }

    /// The same problems, in `part`, and there where they were.
    #[must_use]
    pub fn in_part(mut self, part: &str) -> Self {
        for diagnostic in &mut self.0 {
            let inner = diagnostic.at.part.take().map(|inner| format!(", {inner}")).unwrap_or_default();
            diagnostic.at.part = Some(format!("{part}{inner}"));
        }
        self
    }

    /// The same problems, in `file`, which holds `model`; its nodes are shown among their neighbours.
    #[must_use]
    pub fn in_model(mut self, file: &str, model: &exactum_qonnx::Model) -> Self {
        for diagnostic in &mut self.0 {
            let node = diagnostic.at.node.as_ref().filter(|node| node.in_file);
            if let Some(node) = node.filter(|node| node.index < model.graph.nodes.len()) {
                diagnostic.excerpt = model.graph.excerpt(node.index, NEIGHBOURS);
            }
        }
        self.in_file(file)
    }

    /// `value` if there are no `problems`, otherwise all of them.
    ///
    /// # Errors
    /// The problems.
    pub fn check<T>(problems: Vec<Diagnostic>, value: T) -> Result<T> {
        if problems.is_empty() { Ok(value) } else { Err(Self(problems)) }
    }
}

/// Arrays are read and written by a crate that knows no codes.
impl From<ArrayError> for Diagnostic {
    fn from(error: ArrayError) -> Self {
        let code = match error.fault {
            ArrayFault::NotNpy => Code::NotNpy,
            ArrayFault::NotNpz => Code::NotNpz,
            ArrayFault::Unwritable => Code::CannotWrite,
            ArrayFault::Elements => Code::BadInput,
        };
        let at = Location { part: error.part, ..Location::default() };
        Self::new(code, at, error.found, error.needed)
    }
}

impl From<ArrayError> for Report {
    fn from(error: ArrayError) -> Self {
        Diagnostic::from(error).into()
    }
}

impl From<Diagnostic> for Report {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut separator = "";
        if let Some(file) = &self.file {
            write!(f, "{file}")?;
            separator = ": ";
        }
        if let Some(node) = &self.node {
            write!(f, "{separator}node #{} {}", node.index, node.op)?;
            if !node.name.is_empty() {
                write!(f, " `{}`", node.name)?;
            }
            separator = ", ";
        }
        if let Some(part) = &self.part {
            write!(f, "{separator}{part}")?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} {}: {}: found {}, needed {}",
            self.code,
            self.at,
            self.code.title(),
            self.found,
            self.needed
        )?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, diagnostic) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Report {}
