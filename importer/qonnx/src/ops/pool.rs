//! Pooling and choosing.

use super::AttributeKind::Ints;
use super::{AttributeSchema, OpSchema, STANDARD_OP, optional, required};

pub(super) const SCHEMAS: &[OpSchema] = &[
    OpSchema {
        op_type: "MaxPool",
        summary: "largest element of each window",
        outputs: &[required("Y"), optional("Indices")],
        attributes: &[
            AttributeSchema::string("auto_pad", "NOTSET"),
            AttributeSchema::int("ceil_mode", 0).since(10),
            AttributeSchema::derived("dilations", Ints).since(10),
            AttributeSchema::required("kernel_shape", Ints),
            AttributeSchema::derived("pads", Ints),
            AttributeSchema::int("storage_order", 0).since(8),
            AttributeSchema::derived("strides", Ints),
        ],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "AveragePool",
        summary: "mean of each window",
        attributes: &[
            AttributeSchema::string("auto_pad", "NOTSET"),
            AttributeSchema::int("ceil_mode", 0).since(10),
            AttributeSchema::int("count_include_pad", 0).since(7),
            AttributeSchema::derived("dilations", Ints).since(19),
            AttributeSchema::required("kernel_shape", Ints),
            AttributeSchema::derived("pads", Ints),
            AttributeSchema::derived("strides", Ints),
        ],
        ..STANDARD_OP
    },
    OpSchema { op_type: "GlobalAveragePool", summary: "mean of each channel", ..STANDARD_OP },
    OpSchema {
        op_type: "TopK",
        since: 10,
        summary: "largest elements along an axis and where they are",
        inputs: &[required("X"), required("K")],
        outputs: &[required("Values"), required("Indices")],
        attributes: &[
            AttributeSchema::int("axis", -1),
            AttributeSchema::int("largest", 1).since(11),
            AttributeSchema::int("sorted", 1).since(11),
        ],
        ..STANDARD_OP
    },
];
