//! From a [`Model`] to bytes: equal models give equal bytes.
//!
//! Called by training's export. Tensor data is written raw, as current exporters do.

use crate::model::{
    Annotation, Attribute, AttributeValue, Dim, ElemType, Graph, Model, Node, Tensor, TensorData, ValueInfo,
};
use crate::wire::{
    self, AttributeProto, AttributeType, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    TensorAnnotation, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, dimension, type_proto,
};

/// Writes an ONNX file, which [`read`](crate::read()) reads back equal.
///
/// # Panics
/// If the model takes 2 GiB or more, which the format does not allow.
pub fn write(model: &Model) -> Vec<u8> {
    let opset = |opset: &crate::Opset| OperatorSetIdProto {
        domain: opset.domain.clone(),
        version: opset.version,
        ..Default::default()
    };
    wire::encode(&ModelProto {
        ir_version: model.ir_version,
        producer_name: model.producer.clone(),
        producer_version: model.producer_version.clone(),
        model_version: model.version,
        opset_import: model.opsets.iter().map(opset).collect(),
        graph: Some(graph(&model.graph)).into(),
        metadata_props: wire::entries(&model.metadata),
        doc_string: model.doc.clone(),
        ..Default::default()
    })
}

fn graph(graph: &Graph) -> GraphProto {
    let annotation = |annotation: &Annotation| TensorAnnotation {
        tensor_name: annotation.value.clone(),
        quant_parameter_tensor_names: wire::entries(&annotation.entries),
        ..Default::default()
    };
    GraphProto {
        name: graph.name.clone(),
        node: graph.nodes.iter().map(node).collect(),
        initializer: graph.initializers.iter().map(tensor).collect(),
        input: graph.inputs.iter().map(value_info).collect(),
        output: graph.outputs.iter().map(value_info).collect(),
        value_info: graph.value_info.iter().map(value_info).collect(),
        quantization_annotation: graph.annotations.iter().map(annotation).collect(),
        ..Default::default()
    }
}

fn value_info(value: &ValueInfo) -> ValueInfoProto {
    let dim = |dim: &Dim| Dimension {
        value: match dim {
            // A size beyond 2^63 cannot exist; it is written as the free size it would be read as.
            Dim::Known(size) => i64::try_from(*size).ok().map(dimension::Value::DimValue),
            Dim::Symbol(symbol) => Some(dimension::Value::DimParam(symbol.clone())),
            Dim::Unknown => None,
        },
        ..Default::default()
    };
    let shape =
        |dims: &Vec<Dim>| TensorShapeProto { dim: dims.iter().map(dim).collect(), ..Default::default() };
    let unstated = value.elem == ElemType::Undefined && value.shape.is_none();
    let tensor = type_proto::Tensor {
        elem_type: value.elem.code(),
        shape: value.shape.as_ref().map(shape).into(),
        ..Default::default()
    };
    let ty = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() };
    ValueInfoProto { name: value.name.clone(), type_: (!unstated).then_some(ty).into(), ..Default::default() }
}

fn node(node: &Node) -> NodeProto {
    NodeProto {
        name: node.name.clone(),
        op_type: node.op_type.clone(),
        domain: node.domain.clone(),
        input: node.inputs.clone(),
        output: node.outputs.clone(),
        attribute: node.attributes.iter().map(attribute).collect(),
        doc_string: node.doc.clone(),
        metadata_props: wire::entries(&node.metadata),
        ..Default::default()
    }
}

fn attribute(attribute: &Attribute) -> AttributeProto {
    let mut proto = AttributeProto { name: attribute.name.clone(), ..Default::default() };
    proto.type_ = match &attribute.value {
        AttributeValue::Int(value) => {
            proto.i = *value;
            AttributeType::INT
        }
        AttributeValue::Float(value) => {
            proto.f = *value;
            AttributeType::FLOAT
        }
        AttributeValue::String(value) => {
            proto.s = value.clone().into_bytes();
            AttributeType::STRING
        }
        AttributeValue::Tensor(value) => {
            proto.t = Some(tensor(value)).into();
            AttributeType::TENSOR
        }
        AttributeValue::Graph(body) => {
            proto.g = Some(graph(body)).into();
            AttributeType::GRAPH
        }
        AttributeValue::Ints(values) => {
            proto.ints = values.clone();
            AttributeType::INTS
        }
        AttributeValue::Floats(values) => {
            proto.floats = values.clone();
            AttributeType::FLOATS
        }
        AttributeValue::Strings(values) => {
            proto.strings = values.iter().map(|value| value.clone().into_bytes()).collect();
            AttributeType::STRINGS
        }
    }
    .into();
    proto
}

fn tensor(tensor: &Tensor) -> TensorProto {
    let mut proto = TensorProto {
        name: tensor.name.clone(),
        dims: tensor.shape.iter().map(|&dim| i64::try_from(dim).unwrap_or(i64::MAX)).collect(),
        data_type: tensor.elem().code(),
        ..Default::default()
    };
    match &tensor.data {
        TensorData::Strings(values) => proto.string_data = values.clone(),
        data => proto.raw_data = le_bytes(data),
    }
    proto
}

/// The elements as packed little-endian bytes; none for strings, which have no such form.
pub(crate) fn le_bytes(data: &TensorData) -> Vec<u8> {
    macro_rules! words {
        ($values:expr) => {
            $values.iter().flat_map(|value| value.to_le_bytes()).collect()
        };
    }
    match data {
        TensorData::F32(values) => words!(values),
        TensorData::F64(values) => words!(values),
        TensorData::I8(values) => words!(values),
        TensorData::U8(values) => values.clone(),
        TensorData::I16(values) => words!(values),
        TensorData::U16(values) => words!(values),
        TensorData::I32(values) => words!(values),
        TensorData::U32(values) => words!(values),
        TensorData::I64(values) => words!(values),
        TensorData::U64(values) => words!(values),
        TensorData::Bool(values) => values.iter().map(|&value| u8::from(value)).collect(),
        TensorData::Opaque { bytes, .. } => bytes.clone(),
        TensorData::Strings(_) => Vec::new(),
    }
}
