//! Constants as nodes, the other place besides initializers, and what files compute shapes with.

use super::AttributeKind::{Float, Floats, Int, Ints, String, Strings, Tensor};
use super::{AttributeSchema, OpSchema, STANDARD_OP, required};

pub(super) const SCHEMAS: &[OpSchema] = &[
    OpSchema {
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
    },
    OpSchema {
        op_type: "ConstantOfShape",
        since: 9,
        summary: "one value in a shape",
        inputs: &[required("input")],
        attributes: &[AttributeSchema::derived("value", Tensor)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Range",
        since: 11,
        summary: "numbers at equal distances",
        inputs: &[required("start"), required("limit"), required("delta")],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Shape",
        summary: "sizes of the axes",
        inputs: &[required("data")],
        attributes: &[
            AttributeSchema::derived("end", Int).since(15),
            AttributeSchema::int("start", 0).since(15),
        ],
        ..STANDARD_OP
    },
    OpSchema { op_type: "Size", summary: "number of elements", inputs: &[required("data")], ..STANDARD_OP },
];
