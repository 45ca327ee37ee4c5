//! Flattening: `Flatten` behind the batch dimension.

use exactum_qonnx::Node;

use super::GraphWriter;

impl GraphWriter {
    pub(super) fn flatten(&mut self, name: &str, input: &str, output: &str) {
        self.node(Node::new("Flatten", [input], [output]).named(name).attr("axis", 1));
    }
}
