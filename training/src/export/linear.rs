//! Fully connected layers: `Gemm` with a transposed weight.

use exactum_qonnx::Node;

use super::{ExportError, GraphWriter};
use crate::trace::Weighted;

impl GraphWriter {
    pub(super) fn linear(&mut self, layer: &Weighted, input: &str, output: &str) -> Result<(), ExportError> {
        let constants = self.constants(layer)?;
        let inputs = std::iter::once(input.to_owned()).chain(constants);
        self.node(
            Node::new("Gemm", inputs, [output])
                .named(&layer.name)
                .attr("alpha", 1.0f32)
                .attr("beta", 1.0f32)
                .attr("transA", 0)
                .attr("transB", 1),
        );
        Ok(())
    }
}
