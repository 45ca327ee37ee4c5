//! Bytes to protobuf messages and back: the border beyond which no other module sees the encoding.
//!
//! Called by `read` and `write` only. The decoder bounds nesting at 100 messages and allocates no more than the
//! input holds; the encoder is deterministic, since ONNX messages have no maps.

mod groups;

pub(crate) use onnx_protobuf::{
    AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    StringStringEntryProto, TensorAnnotation, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
    attribute_proto::AttributeType,
    tensor_proto::DataLocation,
    tensor_shape_proto::{Dimension, dimension},
    type_proto,
};

use onnx_protobuf::Message;

use crate::ReadError;

/// Decodes a model message.
pub(crate) fn decode(bytes: &[u8]) -> Result<ModelProto, ReadError> {
    let reason = |reason: String| ReadError::Protobuf { reason };
    groups::refuse(bytes).map_err(reason)?;
    ModelProto::parse_from_bytes(bytes).map_err(|error| reason(error.to_string()))
}

/// Encodes a model message.
///
/// # Panics
/// On messages of 2 GiB and more, which protobuf does not allow.
pub(crate) fn encode(model: &ModelProto) -> Vec<u8> {
    model.write_to_bytes().expect("a protobuf message below 2 GiB")
}

/// Key-value pairs from their messages.
pub(crate) fn pairs(entries: Vec<StringStringEntryProto>) -> Vec<(String, String)> {
    entries.into_iter().map(|entry| (entry.key, entry.value)).collect()
}

/// Messages for key-value pairs.
pub(crate) fn entries(pairs: &[(String, String)]) -> Vec<StringStringEntryProto> {
    let entry = |(key, value): &(String, String)| StringStringEntryProto {
        key: key.clone(),
        value: value.clone(),
        ..Default::default()
    };
    pairs.iter().map(entry).collect()
}
