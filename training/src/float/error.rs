//! What can be wrong with a float network.

use exactum_qonnx::{AttributeMisfit, Node, ReadError};
use thiserror::Error;

use crate::{BuildError, ForwardError};

/// A float network cannot be read, computed or quantized.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum FloatGraphError {
    /// The file is no ONNX model.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A quantized layer cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// An operator has no float layer.
    #[error(
        "node `{node}`: operator {operator} is not supported in a float network; {help}. Supported are {supported}"
    )]
    Operator {
        /// The node.
        node: String,
        /// The operator, with its domain if that is not the standard one.
        operator: String,
        /// What to do instead.
        help: String,
        /// Names of operators that are supported.
        supported: String,
    },
    /// A node has a form that is not supported.
    #[error("node `{node}`: found {found}, needed {needed}")]
    Form {
        /// The node.
        node: String,
        /// What the file says.
        found: String,
        /// What would be accepted.
        needed: String,
    },
    /// The network does not have one float input and one float output.
    #[error("network `{network}`: found {found}, needed {needed}")]
    Interface {
        /// The network.
        network: String,
        /// What the file says.
        found: String,
        /// What would be accepted.
        needed: String,
    },
    /// A weight is infinite or not a number.
    #[error(
        "node `{node}`: element {index} of its {constant} is {value}; needed finite numbers, so train or export again"
    )]
    NotFinite {
        /// The node.
        node: String,
        /// Which constant.
        constant: String,
        /// Row-major index.
        index: usize,
        /// What was found.
        value: f32,
    },
    /// Inputs do not fit the network.
    #[error("input of the network: found {found}, needed {needed}")]
    Input {
        /// What was found.
        found: String,
        /// What fits.
        needed: String,
    },
    /// The forward code that was traced failed.
    #[error(transparent)]
    Forward(#[from] ForwardError),
}

/// A node whose form is not supported.
pub(super) fn form(node: &str, found: impl Into<String>, needed: impl Into<String>) -> FloatGraphError {
    FloatGraphError::Form { node: node.to_owned(), found: found.into(), needed: needed.into() }
}

/// An attribute of `node` that does not fit.
pub(super) fn misfit(node: &Node, found: AttributeMisfit) -> FloatGraphError {
    form(&node.label(), format!("{} {}", found.attribute, found.found), found.needed)
}
