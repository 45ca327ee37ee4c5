//! A layer without parameters that is called twice is two layers: each call gets its own quantizer.

use std::collections::BTreeSet;

use crate::float::FloatGraph;

/// Gives every node a name of its own.
pub fn unique_names(graph: &mut FloatGraph) -> usize {
    let mut taken: BTreeSet<String> = graph.nodes.iter().map(|node| node.name.clone()).collect();
    let mut seen = BTreeSet::new();
    let mut changes = 0;
    for node in &mut graph.nodes {
        if seen.insert(node.name.clone()) {
            continue;
        }
        let fresh = (1..).map(|number| format!("{}_{number}", node.name)).find(|name| !taken.contains(name));
        node.name = fresh.unwrap_or_default();
        taken.insert(node.name.clone());
        seen.insert(node.name.clone());
        changes += 1;
    }
    changes
}
