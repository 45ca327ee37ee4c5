//! The in-memory model: what a QONNX file says, with names, order and domains kept.
//!
//! Made by [`read`](crate::read()) or by training's export, consumed by the importer and [`write`](crate::write()).
//! Fields are public: a model is data, and its rules live in the operator schemas.

mod graph;
mod node;
mod number;
mod tensor;

pub use graph::{Annotation, Dim, Graph, ValueInfo};
pub use node::{Attribute, AttributeValue, Node};
pub use tensor::{ElemType, Tensor, TensorData};
pub(crate) use tensor::{element_count, packed_size_bytes};

/// The domain of the standard ONNX operators; files may also spell it [`DEFAULT_DOMAIN_NAME`].
pub const DEFAULT_DOMAIN: &str = "";
/// The spelled-out name of [`DEFAULT_DOMAIN`].
pub const DEFAULT_DOMAIN_NAME: &str = "ai.onnx";
/// The domain of the QONNX quantization operators.
pub const QONNX_DOMAIN: &str = "qonnx.custom_op.general";
/// The domain of operators of QONNX whose channels come last.
pub const CHANNELS_LAST_DOMAIN: &str = "qonnx.custom_op.channels_last";

/// A QONNX file.
///
/// Documentation strings below the model and node level, training information and unused local functions are not
/// kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// Version of the ONNX file format; 10 is what current exporters write.
    pub ir_version: i64,
    /// Name of the tool that wrote the file.
    pub producer: String,
    /// Version of that tool.
    pub producer_version: String,
    /// Version of the model itself, as its author counts; 0 if it is not stated.
    pub version: i64,
    /// Operator sets the nodes refer to. Old files leave out the custom domains.
    pub opsets: Vec<Opset>,
    /// The network.
    pub graph: Graph,
    /// Free key-value pairs, in file order.
    pub metadata: Vec<(String, String)>,
    /// Documentation of the model.
    pub doc: String,
}

/// One version of one operator set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opset {
    /// Operator domain, [`DEFAULT_DOMAIN`] for standard operators.
    pub domain: String,
    /// Version of the operator set.
    pub version: i64,
}

impl Model {
    /// A model in the versions current exporters use: file format 10, ONNX operators 20, QONNX operators 2.
    pub fn new(graph: Graph) -> Self {
        Self { ir_version: 10, graph, ..Self::default() }.opset(DEFAULT_DOMAIN, 20).opset(QONNX_DOMAIN, 2)
    }

    /// Sets the version of the operator set `domain`.
    #[must_use]
    pub fn opset(mut self, domain: &str, version: i64) -> Self {
        match self.opsets.iter_mut().find(|opset| opset.domain == domain) {
            Some(opset) => opset.version = version,
            None => self.opsets.push(Opset { domain: domain.to_owned(), version }),
        }
        self
    }

    /// Sets the name and version of the tool that made the model.
    #[must_use]
    pub fn produced_by(mut self, producer: &str, version: &str) -> Self {
        self.producer = producer.to_owned();
        self.producer_version = version.to_owned();
        self
    }

    /// Version of the operator set `domain` that the file imports, or `None` if it does not list the domain.
    pub fn opset_version(&self, domain: &str) -> Option<i64> {
        let standard = |name: &str| domain_name(name) == DEFAULT_DOMAIN_NAME;
        self.opsets
            .iter()
            .find(|opset| opset.domain == domain || (standard(domain) && standard(&opset.domain)))
            .map(|opset| opset.version)
    }
}

/// `domain` for people: the standard one spelled out.
pub(crate) fn domain_name(domain: &str) -> &str {
    if domain == DEFAULT_DOMAIN { DEFAULT_DOMAIN_NAME } else { domain }
}
