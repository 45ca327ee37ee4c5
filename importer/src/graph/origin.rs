//! Which nodes of the file a node comes from.
//!
//! `lift` notes each node of the file that becomes nodes of the graph; passes hand the ids on wherever they make, fuse or
//! split nodes. Diagnostics and reports find the file's node by them; names are for people only.

use serde::{Deserialize, Serialize};

use super::Graph;

/// Names a node of the file: its position there, and behind these the nodes of branches that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileNodeId(u32);

/// A node of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileNode {
    /// Name in the file, or that of its first result.
    pub name: String,
    /// Operator in the file.
    pub op: String,
    /// The node in whose branch it stands; it has a smaller id.
    pub within: Option<FileNodeId>,
}

impl FileNodeId {
    /// The node at `index`.
    ///
    /// # Panics
    /// Past 2^32 nodes.
    pub fn new(index: usize) -> Self {
        Self(u32::try_from(index).expect("a file holds fewer than 2^32 nodes"))
    }

    /// Position in the file, for a node that stands in no branch.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Graph {
    /// The node of the file's own list that `id` is or stands in.
    pub fn outermost(&self, id: FileNodeId) -> FileNodeId {
        let within = self.file.get(&id).and_then(|node| node.within).filter(|within| *within < id);
        within.map_or(id, |within| self.outermost(within))
    }

    /// Names of the file's nodes `origin`, each once, in the order of the file.
    pub fn names_of(&self, origin: &[FileNodeId]) -> Vec<String> {
        let ids: std::collections::BTreeSet<FileNodeId> = origin.iter().copied().collect();
        ids.iter().filter_map(|id| self.file.get(id)).map(|node| node.name.clone()).collect()
    }

    /// The origin of what computes `id`, of its readers where nothing does: what a node beside it comes from.
    pub(crate) fn origin_near(&self, id: super::ValueId) -> Vec<FileNodeId> {
        let producer = self.nodes.iter().find(|node| node.output == id);
        let reader = || self.nodes.iter().find(|node| node.inputs.contains(&id));
        let near = producer.filter(|node| !node.origin.is_empty()).or_else(reader);
        near.map(|node| node.origin.clone()).unwrap_or_default()
    }

    /// Forgets the file's nodes that no node comes from.
    pub(crate) fn forget_unused_file_nodes(&mut self) {
        let mut used: std::collections::BTreeSet<FileNodeId> =
            self.nodes.iter().flat_map(|node| node.origin.iter().copied()).collect();
        let around: Vec<FileNodeId> = used.iter().copied().collect();
        for mut id in around {
            while let Some(within) = self.file.get(&id).and_then(|node| node.within).filter(|w| *w < id) {
                used.insert(within);
                id = within;
            }
        }
        self.file.retain(|id, _| used.contains(id));
    }
}

/// `origin` and then what of `more` it does not have: the first stays the node that the others are told with.
pub(crate) fn joined(origin: &[FileNodeId], more: &[FileNodeId]) -> Vec<FileNodeId> {
    let mut joined: Vec<FileNodeId> = Vec::with_capacity(origin.len() + more.len());
    for id in origin.iter().chain(more) {
        if !joined.contains(id) {
            joined.push(*id);
        }
    }
    joined
}
