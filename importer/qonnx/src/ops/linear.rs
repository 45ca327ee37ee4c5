//! Convolution and matrix products.

use super::AttributeKind::Ints;
use super::{AttributeSchema, OpSchema, STANDARD_OP, optional, required};

pub(super) const SCHEMAS: &[OpSchema] = &[
    OpSchema {
        op_type: "Conv",
        summary: "convolution",
        inputs: &[required("X"), required("W"), optional("B")],
        attributes: &[
            AttributeSchema::string("auto_pad", "NOTSET"),
            AttributeSchema::derived("dilations", Ints),
            AttributeSchema::int("group", 1),
            AttributeSchema::derived("kernel_shape", Ints),
            AttributeSchema::derived("pads", Ints),
            AttributeSchema::derived("strides", Ints),
        ],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "ConvTranspose",
        summary: "transposed convolution",
        inputs: &[required("X"), required("W"), optional("B")],
        attributes: &[
            AttributeSchema::string("auto_pad", "NOTSET"),
            AttributeSchema::derived("dilations", Ints),
            AttributeSchema::int("group", 1),
            AttributeSchema::derived("kernel_shape", Ints),
            AttributeSchema::derived("output_padding", Ints),
            AttributeSchema::derived("output_shape", Ints),
            AttributeSchema::derived("pads", Ints),
            AttributeSchema::derived("strides", Ints),
        ],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Gemm",
        since: 7,
        summary: "alpha A B + beta C",
        inputs: &[required("A"), required("B"), optional("C")],
        attributes: &[
            AttributeSchema::float("alpha", 1.0),
            AttributeSchema::float("beta", 1.0),
            AttributeSchema::int("transA", 0),
            AttributeSchema::int("transB", 0),
        ],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "MatMul",
        summary: "matrix product",
        inputs: &[required("A"), required("B")],
        ..STANDARD_OP
    },
];
