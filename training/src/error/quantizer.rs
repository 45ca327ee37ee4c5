//! Why a definition of a quantizer cannot become components. Every variant names the attribute.

use thiserror::Error;

/// A quantizer cannot be built from its definition.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum QuantizerBuildError {
    /// An attribute has no value, but another one needs it.
    #[error("`{attribute}` has no value, needed by {needed_by}; set `{attribute}`")]
    Missing {
        /// The attribute without a value.
        attribute: &'static str,
        /// What needs it.
        needed_by: String,
    },
    /// A value that cannot be built.
    #[error("`{attribute}` is {found}, which is not supported: {reason}")]
    Unsupported {
        /// The attribute.
        attribute: &'static str,
        /// Its value.
        found: String,
        /// Why not, and what works instead.
        reason: &'static str,
    },
    /// A value out of its range.
    #[error("`{attribute}` is {found}, needed {needed}")]
    Invalid {
        /// The attribute.
        attribute: &'static str,
        /// Its value.
        found: String,
        /// Values that work.
        needed: String,
    },
    /// A weight does not fit the quantizer it shares.
    #[error("a weight of shape {found:?} cannot share a quantizer with one of shape {needed:?}")]
    Shape {
        /// The shape of the weight.
        found: Vec<usize>,
        /// The shape of the first weight.
        needed: Vec<usize>,
    },
}

impl QuantizerBuildError {
    /// A missing attribute.
    pub(crate) fn missing(attribute: &'static str, needed_by: impl std::fmt::Debug) -> Self {
        Self::Missing { attribute, needed_by: format!("{needed_by:?}") }
    }

    /// A value that cannot be built.
    pub(crate) fn unsupported(
        attribute: &'static str,
        found: impl std::fmt::Debug,
        reason: &'static str,
    ) -> Self {
        Self::Unsupported { attribute, found: format!("{found:?}"), reason }
    }

    /// A value out of its range.
    pub(crate) fn invalid(
        attribute: &'static str,
        found: impl std::fmt::Debug,
        needed: impl Into<String>,
    ) -> Self {
        Self::Invalid { attribute, found: format!("{found:?}"), needed: needed.into() }
    }
}
