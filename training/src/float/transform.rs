//! Transformations of float graphs. Each keeps what the graph computes; one that does not says so.
//!
//! Reading a file already makes a module of every functional call, and gives each call its own node.

mod collapse_concat;
mod drop_identity;
mod equalize;
mod mean_to_pool;
mod merge_batch_norm;
mod merge_pad;
mod relu6_to_relu;
mod relu_before_max_pool;
mod split_batch_norm;
mod unique_names;

pub use collapse_concat::collapse_consecutive_concats;
pub use drop_identity::drop_identity;
pub use equalize::{EqualizeConfig, equalize};
pub use mean_to_pool::mean_to_global_average_pool;
pub use merge_batch_norm::merge_batch_norm;
pub use merge_pad::merge_pad;
pub use relu_before_max_pool::move_relu_before_max_pool;
pub use relu6_to_relu::relu6_to_relu;
pub use split_batch_norm::move_split_batch_norm_before_concat;
pub use unique_names::unique_names;

use super::{FloatGraph, FloatGraphError};

/// A transformation and what it is for.
#[derive(Clone, Copy, Debug)]
pub struct Transform {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// Does it, and says how many places changed.
    pub apply: fn(&mut FloatGraph) -> usize,
}

/// What precedes quantization, in this order.
pub const PREPROCESS: &[Transform] = &[
    Transform {
        name: "unique-names",
        summary: "a layer called twice becomes two layers",
        apply: unique_names,
    },
    Transform { name: "drop-identity", summary: "identities and dropout disappear", apply: drop_identity },
    Transform {
        name: "mean-to-global-average-pool",
        summary: "a mean over all spatial dimensions becomes a pool",
        apply: mean_to_global_average_pool,
    },
    Transform {
        name: "collapse-consecutive-concats",
        summary: "a chain of concatenations becomes one",
        apply: collapse_consecutive_concats,
    },
    Transform {
        name: "move-relu-before-max-pool",
        summary: "a rectifier behind a max pool goes before it",
        apply: move_relu_before_max_pool,
    },
    Transform {
        name: "merge-pad",
        summary: "zeros before a convolution become its padding",
        apply: merge_pad,
    },
    Transform {
        name: "move-split-batch-norm-before-concat",
        summary: "batch norm of a concatenation is split over what is concatenated",
        apply: move_split_batch_norm_before_concat,
    },
    Transform {
        name: "merge-batch-norm",
        summary: "batch norm becomes part of the weights and biases beside it",
        apply: merge_batch_norm,
    },
];

/// Applies [`PREPROCESS`] and says what changed: the name of each transformation and in how many places.
///
/// # Errors
///
/// If the graph was not consistent, or weights leave the range of `f32`.
pub fn preprocess(graph: &mut FloatGraph) -> Result<Vec<(&'static str, usize)>, FloatGraphError> {
    graph.check()?;
    let changes = PREPROCESS.iter().map(|transform| (transform.name, (transform.apply)(graph))).collect();
    graph.check()?;
    Ok(changes)
}
