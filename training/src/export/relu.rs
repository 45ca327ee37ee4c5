//! Rectifiers: `Relu`; the quantizer behind one is a step of its own.

use exactum_qonnx::Node;

use super::GraphWriter;

impl GraphWriter {
    pub(super) fn relu(&mut self, name: &str, input: &str, output: &str) {
        self.node(Node::new("Relu", [input], [output]).named(name));
    }
}
