//! Refuses protobuf groups, and messages cut short, before decoding.
//!
//! ONNX has no groups, but the decoder skips unknown ones by recursion without bound (RUSTSEC-2024-0437, and the
//! generated code is tied to a release from before the fix), so a small hostile file could exhaust the stack.
//! The decoder also ends all open messages at the end of the file without complaint. This walk follows the same
//! message fields as the decoder and fails at the first group and at a message that is shorter than it says.

use protobuf::CodedInputStream;
use protobuf::rt::WireType;

/// A message type, as the fields that hold messages, by number. Everything else is skipped by length.
struct Message(&'static [(u32, &'static Message)]);

static LEAF: Message = Message(&[]);
static MODEL: Message = Message(&[(7, &GRAPH), (8, &LEAF), (14, &LEAF), (20, &TRAINING), (25, &FUNCTION)]);
static TRAINING: Message = Message(&[(1, &GRAPH), (2, &GRAPH), (3, &LEAF), (4, &LEAF)]);
static FUNCTION: Message =
    Message(&[(7, &NODE), (9, &LEAF), (11, &ATTRIBUTE), (12, &VALUE_INFO), (14, &LEAF)]);
static GRAPH: Message = Message(&[
    (1, &NODE),
    (5, &TENSOR),
    (11, &VALUE_INFO),
    (12, &VALUE_INFO),
    (13, &VALUE_INFO),
    (14, &ANNOTATION),
    (15, &SPARSE_TENSOR),
    (16, &LEAF),
]);
static NODE: Message = Message(&[(5, &ATTRIBUTE), (9, &LEAF)]);
static ATTRIBUTE: Message = Message(&[
    (5, &TENSOR),
    (6, &GRAPH),
    (10, &TENSOR),
    (11, &GRAPH),
    (14, &TYPE),
    (15, &TYPE),
    (22, &SPARSE_TENSOR),
    (23, &SPARSE_TENSOR),
]);
static TENSOR: Message = Message(&[(3, &LEAF), (13, &LEAF), (16, &LEAF)]);
static SPARSE_TENSOR: Message = Message(&[(1, &TENSOR), (2, &TENSOR)]);
static ANNOTATION: Message = Message(&[(2, &LEAF)]);
static VALUE_INFO: Message = Message(&[(2, &TYPE), (4, &LEAF)]);
static TYPE: Message = Message(&[
    (1, &TENSOR_TYPE),
    (4, &SEQUENCE_TYPE),
    (5, &MAP_TYPE),
    (8, &TENSOR_TYPE),
    (9, &SEQUENCE_TYPE),
]);
static TENSOR_TYPE: Message = Message(&[(2, &SHAPE)]);
static SEQUENCE_TYPE: Message = Message(&[(1, &TYPE)]);
static MAP_TYPE: Message = Message(&[(2, &TYPE)]);
static SHAPE: Message = Message(&[(1, &LEAF)]);

/// Deepest nesting of messages, the decoder's own limit.
const DEPTH_LIMIT: u32 = 100;

/// Checks that the model message in `bytes` holds no group and is not nested too deeply.
pub(super) fn refuse(bytes: &[u8]) -> Result<(), String> {
    walk(&mut CodedInputStream::from_bytes(bytes), &MODEL, DEPTH_LIMIT)
}

fn walk(input: &mut CodedInputStream<'_>, message: &Message, depth: u32) -> Result<(), String> {
    let fault = |error: protobuf::Error| error.to_string();
    while let Some(tag) = input.read_raw_tag_or_eof().map_err(fault)? {
        let number = tag >> 3;
        match WireType::new(tag & 7).ok_or_else(|| format!("field {number} has no valid wire type"))? {
            WireType::StartGroup | WireType::EndGroup => return Err(format!("field {number} is a group")),
            WireType::LengthDelimited => {
                let length = input.read_raw_varint32().map_err(fault)?;
                match message.0.iter().find(|(field, _)| *field == number) {
                    None => input.skip_raw_bytes(length).map_err(fault)?,
                    Some(_) if depth == 0 => {
                        return Err(format!("nested more than {DEPTH_LIMIT} messages deep"));
                    }
                    Some((_, inner)) => {
                        let outer = input.push_limit(length.into()).map_err(fault)?;
                        walk(input, inner, depth - 1)?;
                        // The decoder takes the end of the file for the end of every open message.
                        if input.bytes_until_limit() > 0 {
                            return Err(format!("the file ends inside field {number}"));
                        }
                        input.pop_limit(outer);
                    }
                }
            }
            wire_type => input.skip_field(wire_type).map_err(fault)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn varint(mut value: usize, out: &mut Vec<u8>) {
        while value >= 0x80 {
            out.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    }

    /// `content` as the only field, along `path` from the model inwards.
    fn nest(path: &[u32], content: Vec<u8>) -> Vec<u8> {
        path.iter().rev().fold(content, |content, &field| {
            let mut outer = Vec::new();
            varint((field << 3 | 2) as usize, &mut outer);
            varint(content.len(), &mut outer);
            outer.extend(content);
            outer
        })
    }

    /// Paths to every message reachable without visiting a type twice on the way.
    fn paths(
        message: &'static Message,
        path: &mut Vec<u32>,
        seen: &mut Vec<*const Message>,
        all: &mut Vec<Vec<u32>>,
    ) {
        all.push(path.clone());
        seen.push(message);
        for (field, inner) in message.0 {
            if !seen.contains(&std::ptr::from_ref(*inner)) {
                path.push(*field);
                paths(inner, path, seen, all);
                path.pop();
            }
        }
        seen.pop();
    }

    #[test]
    fn deep_groups_in_any_message_are_refused() {
        let mut all = Vec::new();
        paths(&MODEL, &mut Vec::new(), &mut Vec::new(), &mut all);
        assert!(all.len() > 100, "{}", all.len());
        for path in all {
            let groups = [0xf3, 0x07].repeat(200_000);
            let error = super::super::decode(&nest(&path, groups)).unwrap_err().to_string();
            assert!(error.contains("group"), "{path:?}: {error}");
        }
    }

    #[test]
    fn messages_cut_between_their_fields_are_refused() {
        // A graph of three names of two bytes each, cut after every field.
        let fields = [0x12, 0x02, b'a', b'b'].repeat(3);
        let whole = nest(&[7], fields.clone());
        assert!(super::super::decode(&whole).is_ok());
        for cut in [4, 8, 12] {
            let error = super::super::decode(&whole[..whole.len() - cut]).unwrap_err().to_string();
            assert!(error.contains("ends inside field 7"), "{error}");
        }
    }

    #[test]
    fn deep_messages_are_refused() {
        // Graph, node, attribute, graph, ... and a type of sequence of type of sequence ...
        let graphs: Vec<u32> =
            [7, 1, 5].into_iter().chain([6, 1, 5].into_iter().cycle().take(3000)).collect();
        let types: Vec<u32> = [7, 11, 2].into_iter().chain([4, 1].into_iter().cycle().take(3000)).collect();
        for path in [graphs, types] {
            let error = super::super::decode(&nest(&path, Vec::new())).unwrap_err().to_string();
            assert!(error.contains("deep"), "{error}");
        }
    }
}
