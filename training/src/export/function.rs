//! Activation functions: `Relu`, `Clip`, `Sigmoid`, `Tanh`. The quantizer behind one is a step of its own.

use exactum_qonnx::{Node, Tensor};

use super::GraphWriter;

impl GraphWriter {
    /// A function without settings, under its name in ONNX.
    pub(super) fn function(&mut self, operator: &str, name: &str, input: &str, output: &str) {
        self.node(Node::new(operator, [input], [output]).named(name));
    }

    /// Limits to `min ..= max`.
    pub(super) fn hard_tanh(&mut self, name: &str, input: &str, output: &str, [min, max]: [f32; 2]) {
        let min = self.initializer(Tensor::scalar(format!("{name}.min_val"), min));
        let max = self.initializer(Tensor::scalar(format!("{name}.max_val"), max));
        self.node(Node::new("Clip", [input, &min, &max], [output]).named(name));
    }
}
