//! From bytes to a [`Model`], as the file has it.
//!
//! Called by the importer. Only what the model cannot express is refused; whether an operator is known is a question
//! for the schemas, whether it is supported one for the importer.

mod functions;
mod tensor;

use crate::ReadError;
use crate::kind::FileKind;
use crate::model::{
    Annotation, Attribute, AttributeValue, Dim, ElemType, Graph, Model, Node, Opset, Tensor, ValueInfo,
};
use crate::side_files::Folder;
use crate::wire::{
    self, AttributeProto, AttributeType, GraphProto, NodeProto, ValueInfoProto, dimension, type_proto,
};

/// Reads the bytes of an ONNX file that holds all of its data.
///
/// # Errors
/// If the bytes are no ONNX model, or hold something a [`Model`] cannot express: sparse tensors, values that are no
/// tensors, functions that call themselves, attribute kinds beyond [`AttributeValue`]. If data is in side files,
/// which [`read_beside`] reads.
pub fn read(bytes: &[u8]) -> Result<Model, ReadError> {
    Reader { folder: None }.model(bytes)
}

/// Reads the bytes of an ONNX file, and tensors that are kept in side files from the folder that the file lies in.
///
/// # Errors
/// As [`read`], and if a side file is not below the folder, not readable, or does not hold the tensor's bytes; if the
/// file is of another kind that is known, or cut.
pub fn read_beside(bytes: &[u8], folder: &mut Folder) -> Result<Model, ReadError> {
    let model = Reader { folder: Some(folder) }.model(bytes).map_err(|error| {
        let kind = match error {
            ReadError::Protobuf { .. } | ReadError::NoGraph => FileKind::of(bytes),
            _ => None,
        };
        kind.map_or(error, |kind| ReadError::OtherKind { kind })
    })?;
    // ONNX demands them, and they come after the graph: a file cut there still decodes.
    if model.opsets.is_empty() { Err(ReadError::NoOperatorSets) } else { Ok(model) }
}

/// A model while it is read.
struct Reader<'f> {
    /// Where its side files are, if that is known.
    folder: Option<&'f mut Folder>,
}

impl Reader<'_> {
    fn model(mut self, bytes: &[u8]) -> Result<Model, ReadError> {
        let mut proto = wire::decode(bytes)?;
        functions::inline(&mut proto)?;
        let graph = self.graph(proto.graph.into_option().ok_or(ReadError::NoGraph)?)?;
        let opset = |set: wire::OperatorSetIdProto| Opset { domain: set.domain, version: set.version };
        Ok(Model {
            ir_version: proto.ir_version,
            producer: proto.producer_name,
            producer_version: proto.producer_version,
            version: proto.model_version,
            opsets: proto.opset_import.into_iter().map(opset).collect(),
            graph,
            metadata: wire::pairs(proto.metadata_props),
            doc: proto.doc_string,
        })
    }

    fn graph(&mut self, proto: GraphProto) -> Result<Graph, ReadError> {
        if !proto.sparse_initializer.is_empty() {
            return Err(ReadError::SparseInitializer { graph: proto.name });
        }
        let mut initializers = vec![];
        for tensor in proto.initializer {
            let place = format!("initializer \"{}\"", tensor.name);
            initializers.push(self.tensor(tensor, &place)?);
        }
        let annotation = |proto: wire::TensorAnnotation| Annotation {
            value: proto.tensor_name,
            entries: wire::pairs(proto.quant_parameter_tensor_names),
        };
        let values =
            |protos: Vec<ValueInfoProto>| protos.into_iter().map(value_info).collect::<Result<_, _>>();
        Ok(Graph {
            name: proto.name,
            nodes: proto.node.into_iter().map(|node| self.node(node)).collect::<Result<_, _>>()?,
            initializers,
            inputs: values(proto.input)?,
            outputs: values(proto.output)?,
            value_info: values(proto.value_info)?,
            annotations: proto.quantization_annotation.into_iter().map(annotation).collect(),
        })
    }

    fn tensor(&mut self, proto: wire::TensorProto, place: &str) -> Result<Tensor, ReadError> {
        tensor::read(proto, place, self.folder.as_deref_mut())
    }

    fn node(&mut self, proto: NodeProto) -> Result<Node, ReadError> {
        let mut node = Node {
            name: proto.name,
            op_type: proto.op_type,
            domain: proto.domain,
            inputs: proto.input,
            outputs: proto.output,
            attributes: Vec::new(),
            doc: proto.doc_string,
            metadata: wire::pairs(proto.metadata_props),
        };
        for proto in proto.attribute {
            let (name, value) = self.attribute(&node, proto)?;
            node.attributes.push(Attribute { name, value });
        }
        Ok(node)
    }

    fn attribute(
        &mut self,
        node: &Node,
        proto: AttributeProto,
    ) -> Result<(String, AttributeValue), ReadError> {
        let refuse = |name: &str, found: &str| ReadError::AttributeKind {
            node: node.label(),
            attribute: name.to_owned(),
            found: found.to_owned(),
        };
        let name = proto.name;
        let text = |bytes: Vec<u8>| {
            String::from_utf8(bytes)
                .map_err(|_| ReadError::AttributeText { node: node.label(), attribute: name.clone() })
        };
        if !proto.ref_attr_name.is_empty() {
            return Err(refuse(&name, "a reference to a function's attribute"));
        }
        let kind =
            proto.type_.enum_value().map_err(|code| refuse(&name, &format!("of unknown kind {code}")))?;
        let value = match kind {
            AttributeType::INT => AttributeValue::Int(proto.i),
            AttributeType::FLOAT => AttributeValue::Float(proto.f),
            AttributeType::STRING => AttributeValue::String(text(proto.s)?),
            AttributeType::TENSOR => {
                let tensor =
                    proto.t.into_option().ok_or_else(|| refuse(&name, "a tensor without content"))?;
                let place = format!("node \"{}\", attribute \"{name}\"", node.label());
                AttributeValue::Tensor(self.tensor(tensor, &place)?)
            }
            AttributeType::GRAPH => {
                let body = proto.g.into_option().ok_or_else(|| refuse(&name, "a graph without content"))?;
                AttributeValue::Graph(Box::new(self.graph(body)?))
            }
            AttributeType::INTS => AttributeValue::Ints(proto.ints),
            AttributeType::FLOATS => AttributeValue::Floats(proto.floats),
            AttributeType::STRINGS => {
                AttributeValue::Strings(proto.strings.into_iter().map(text).collect::<Result<_, _>>()?)
            }
            AttributeType::UNDEFINED => return Err(refuse(&name, "of no stated kind")),
            AttributeType::SPARSE_TENSOR | AttributeType::SPARSE_TENSORS => {
                return Err(refuse(&name, "a sparse tensor"));
            }
            AttributeType::TYPE_PROTO | AttributeType::TYPE_PROTOS => return Err(refuse(&name, "a type")),
            AttributeType::TENSORS => return Err(refuse(&name, "a list of tensors")),
            AttributeType::GRAPHS => return Err(refuse(&name, "a list of graphs")),
        };
        Ok((name, value))
    }
}

fn value_info(proto: ValueInfoProto) -> Result<ValueInfo, ReadError> {
    let name = proto.name;
    let tensor = match proto.type_.into_option().and_then(|ty| ty.value) {
        None => return Ok(ValueInfo { name, elem: ElemType::Undefined, shape: None }),
        Some(type_proto::Value::TensorType(tensor)) => tensor,
        Some(other) => {
            let found = match other {
                type_proto::Value::SequenceType(_) => "sequence",
                type_proto::Value::MapType(_) => "map",
                type_proto::Value::OptionalType(_) => "optional value",
                type_proto::Value::SparseTensorType(_) => "sparse tensor",
                _ => "value of unknown type",
            };
            return Err(ReadError::NotTensor { value: name, found });
        }
    };
    let elem = ElemType::from_code(tensor.elem_type)
        .ok_or_else(|| ReadError::ElemType { place: format!("value \"{name}\""), code: tensor.elem_type })?;
    let dim = |proto: wire::Dimension| match proto.value {
        // Some exporters write -1 for a free size.
        Some(dimension::Value::DimValue(size)) => usize::try_from(size).map_or(Dim::Unknown, Dim::Known),
        Some(dimension::Value::DimParam(symbol)) if !symbol.is_empty() => Dim::Symbol(symbol),
        _ => Dim::Unknown,
    };
    let shape = tensor.shape.into_option().map(|shape| shape.dim.into_iter().map(dim).collect());
    Ok(ValueInfo { name, elem, shape })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{ModelProto, TensorProto, TypeProto};

    fn message(graph: GraphProto) -> String {
        let model = ModelProto { graph: Some(graph).into(), ..Default::default() };
        read(&wire::encode(&model)).unwrap_err().to_string()
    }

    fn with_attribute(attribute: AttributeProto) -> String {
        let node = NodeProto { name: "n".into(), attribute: vec![attribute], ..Default::default() };
        message(GraphProto { node: vec![node], ..Default::default() })
    }

    fn attribute(kind: AttributeType) -> AttributeProto {
        AttributeProto { name: "a".into(), type_: kind.into(), ..Default::default() }
    }

    #[test]
    fn files_without_a_graph_are_refused() {
        assert_eq!(read(b"").unwrap_err(), ReadError::NoGraph);
        assert!(matches!(read(b"<html></html>"), Err(ReadError::Protobuf { .. })));
    }

    #[test]
    fn unsupported_attributes_name_node_and_kind() {
        use AttributeType::{GRAPH, GRAPHS, SPARSE_TENSOR, STRING, TENSOR, TENSORS, TYPE_PROTO, UNDEFINED};
        let start = "node \"n\": attribute \"a\" is ";
        for (kind, found) in [
            (UNDEFINED, "of no stated kind"),
            (TENSOR, "a tensor without content"),
            (GRAPH, "a graph without content"),
            (TENSORS, "a list of tensors"),
            (GRAPHS, "a list of graphs"),
            (SPARSE_TENSOR, "a sparse tensor"),
            (TYPE_PROTO, "a type"),
        ] {
            assert_eq!(with_attribute(attribute(kind)), format!("{start}{found}, which is not supported"));
        }
        let text = AttributeProto { s: vec![0xff], ..attribute(STRING) };
        assert_eq!(with_attribute(text), "node \"n\": attribute \"a\" is not valid UTF-8");
        let reference = AttributeProto { ref_attr_name: "r".into(), ..attribute(STRING) };
        assert!(with_attribute(reference).contains("reference"));
        let tensor = TensorProto { dims: vec![-1], ..Default::default() };
        let bad_tensor = AttributeProto { t: Some(tensor).into(), ..attribute(TENSOR) };
        assert_eq!(with_attribute(bad_tensor), "node \"n\", attribute \"a\": [-1] is not a shape");
    }

    #[test]
    fn values_must_be_tensors_of_known_types() {
        let value = |ty: Option<type_proto::Value>| GraphProto {
            input: vec![ValueInfoProto {
                name: "x".into(),
                type_: Some(TypeProto { value: ty, ..Default::default() }).into(),
                ..Default::default()
            }],
            ..Default::default()
        };
        let sequence = value(Some(type_proto::Value::SequenceType(Default::default())));
        assert_eq!(message(sequence), "value \"x\" is a sequence; only tensors are supported");
        let unknown = type_proto::Tensor { elem_type: 77, ..Default::default() };
        let unknown = value(Some(type_proto::Value::TensorType(unknown)));
        assert_eq!(message(unknown), "value \"x\": unknown element type 77");
        let sparse = GraphProto { sparse_initializer: vec![Default::default()], ..Default::default() };
        assert!(message(sparse).contains("sparse initializers"));
    }

    #[test]
    fn negative_and_empty_dimensions_are_free() {
        let dims =
            [Some(dimension::Value::DimValue(-1)), Some(dimension::Value::DimParam(String::new())), None];
        let dim = dims.map(|value| wire::Dimension { value, ..Default::default() }).to_vec();
        let tensor = type_proto::Tensor {
            elem_type: ElemType::F32.code(),
            shape: Some(wire::TensorShapeProto { dim, ..Default::default() }).into(),
            ..Default::default()
        };
        let ty = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() };
        let value = value_info(ValueInfoProto { type_: Some(ty).into(), ..Default::default() }).unwrap();
        assert_eq!(value.shape, Some(vec![Dim::Unknown; 3]));
    }
}
