//! Convolution and matrix products.

use super::AttributeKind::{Float, Floats, Ints};
use super::{AttributeSchema, CHANNELS_LAST, Formal, MICROSOFT, OpSchema, STANDARD_OP, optional, required};

/// The attributes of an operator that convolves: its own, and those of every convolution.
macro_rules! conv {
    ($($own:expr),* $(,)?) => {
        &[
            $($own,)*
            AttributeSchema::string("auto_pad", "NOTSET"),
            AttributeSchema::derived("dilations", Ints),
            AttributeSchema::int("group", 1),
            AttributeSchema::derived("kernel_shape", Ints),
            AttributeSchema::derived("pads", Ints),
            AttributeSchema::derived("strides", Ints),
        ]
    };
}

/// Attributes of a convolution.
const CONV: &[AttributeSchema] = conv![];

/// Operands of a convolution from codes to codes.
const QLINEAR_CONV: &[Formal] = &[
    required("x"),
    required("x_scale"),
    required("x_zero_point"),
    required("w"),
    required("w_scale"),
    required("w_zero_point"),
    required("y_scale"),
    required("y_zero_point"),
    optional("B"),
];

pub(super) const SCHEMAS: &[OpSchema] = &[
    OpSchema {
        op_type: "Conv",
        summary: "convolution",
        inputs: &[required("X"), required("W"), optional("B")],
        attributes: CONV,
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Conv",
        domains: CHANNELS_LAST,
        summary: "convolution, channels last in input, weight and output",
        inputs: &[required("X"), required("W"), optional("B")],
        attributes: CONV,
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "ConvTranspose",
        summary: "transposed convolution",
        inputs: &[required("X"), required("W"), optional("B")],
        attributes: conv![
            AttributeSchema::derived("output_padding", Ints),
            AttributeSchema::derived("output_shape", Ints),
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
    OpSchema {
        op_type: "ConvInteger",
        since: 10,
        summary: "convolution of integers without scales",
        inputs: &[required("x"), required("w"), optional("x_zero_point"), optional("w_zero_point")],
        attributes: CONV,
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "MatMulInteger",
        since: 10,
        summary: "matrix product of integers without scales",
        inputs: &[required("A"), required("B"), optional("a_zero_point"), optional("b_zero_point")],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "QLinearConv",
        since: 10,
        summary: "convolution from codes to codes",
        inputs: QLINEAR_CONV,
        attributes: CONV,
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "QLinearConv",
        domains: MICROSOFT,
        summary: "convolution from codes to codes, channels first or last",
        inputs: QLINEAR_CONV,
        attributes: conv![AttributeSchema::int("channels_last", 0)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "FusedConv",
        domains: MICROSOFT,
        summary: "convolution, sum and activation",
        inputs: &[required("X"), required("W"), optional("B"), optional("Z")],
        attributes: conv![
            AttributeSchema::string("activation", ""),
            AttributeSchema::derived("activation_params", Floats),
        ],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "FusedGemm",
        domains: MICROSOFT,
        summary: "alpha A B + beta C and activation",
        inputs: &[required("A"), required("B"), optional("C")],
        attributes: &[
            AttributeSchema::string("activation", ""),
            AttributeSchema::derived("activation_alpha", Float),
            AttributeSchema::derived("activation_beta", Float),
            AttributeSchema::derived("activation_gamma", Float),
            AttributeSchema::float("alpha", 1.0),
            AttributeSchema::float("beta", 1.0),
            AttributeSchema::int("transA", 0),
            AttributeSchema::int("transB", 0),
        ],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "FusedMatMul",
        domains: MICROSOFT,
        summary: "alpha times a matrix product of operands that may be transposed",
        inputs: &[required("A"), required("B")],
        attributes: &[
            AttributeSchema::float("alpha", 1.0),
            AttributeSchema::int("transA", 0),
            AttributeSchema::int("transB", 0),
            AttributeSchema::int("transBatchA", 0),
            AttributeSchema::int("transBatchB", 0),
        ],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "QLinearMatMul",
        since: 10,
        summary: "matrix product from codes to codes",
        inputs: &[
            required("a"),
            required("a_scale"),
            required("a_zero_point"),
            required("b"),
            required("b_scale"),
            required("b_zero_point"),
            required("y_scale"),
            required("y_zero_point"),
        ],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "QGemm",
        domains: MICROSOFT,
        summary: "alpha A B + C from codes to codes, or to floats without an output scale",
        inputs: &[
            required("A"),
            required("a_scale"),
            required("a_zero_point"),
            required("B"),
            required("b_scale"),
            required("b_zero_point"),
            optional("C"),
            optional("y_scale"),
            optional("y_zero_point"),
        ],
        attributes: &[
            AttributeSchema::float("alpha", 1.0),
            AttributeSchema::int("transA", 0),
            AttributeSchema::int("transB", 0),
        ],
        ..STANDARD_OP
    },
];
