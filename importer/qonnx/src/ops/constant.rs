//! Constants as nodes, the other place besides initializers.

use super::AttributeKind::{Float, Floats, Int, Ints, String, Strings, Tensor};
use super::{AttributeSchema, OpSchema, STANDARD_OP};

pub(super) const SCHEMAS: &[OpSchema] = &[OpSchema {
    op_type: "Constant",
    summary: "the one attribute given, as a tensor",
    inputs: &[],
    attributes: &[
        AttributeSchema::derived("value", Tensor),
        AttributeSchema::derived("value_float", Float).since(12),
        AttributeSchema::derived("value_floats", Floats).since(12),
        AttributeSchema::derived("value_int", Int).since(12),
        AttributeSchema::derived("value_ints", Ints).since(12),
        AttributeSchema::derived("value_string", String).since(12),
        AttributeSchema::derived("value_strings", Strings).since(12),
    ],
    ..STANDARD_OP
}];
