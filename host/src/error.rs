//! Why arrays cannot be read or written. Made by `npy` and `npz`; commands add the file.

use std::fmt;

/// What kind of problem there is with an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrayFault {
    /// Bytes that are no complete `.npy` file.
    NotNpy,
    /// Bytes that are no complete `.npz` archive.
    NotNpz,
    /// A complete array of elements that cannot be used.
    Elements,
    /// An array that has no place in an archive.
    Unwritable,
}

/// A problem with an array.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ArrayError {
    /// Its kind.
    pub fault: ArrayFault,
    /// The array of an archive or the element that has it, if one has.
    pub part: Option<String>,
    /// What is there, in words.
    pub found: String,
    /// What should be there.
    pub needed: String,
}

impl ArrayError {
    pub(crate) fn new(fault: ArrayFault, found: impl Into<String>, needed: impl Into<String>) -> Self {
        Self { fault, part: None, found: found.into(), needed: needed.into() }
    }

    /// The same problem, in `part`, and there where it was.
    #[must_use]
    pub(crate) fn in_part(mut self, part: &str) -> Self {
        let inner = self.part.take().map(|inner| format!(", {inner}")).unwrap_or_default();
        self.part = Some(format!("{part}{inner}"));
        self
    }
}

impl fmt::Display for ArrayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(part) = &self.part {
            write!(f, "{part}: ")?;
        }
        write!(f, "found {}, needed {}", self.found, self.needed)
    }
}
