//! Quantization operators of QONNX, of ONNX, and those that ONNX Runtime's quantizer adds.
//!
//! `signed` and `narrow` of `Quant` are required: documentation and code of QONNX disagree on their defaults, and
//! every known exporter writes them.

use super::AttributeKind::{Int, Ints, String};
use super::{AttributeSchema, Formal, MICROSOFT, OpSchema, STANDARD_OP, optional, required, variadic};
use crate::model::{DEFAULT_DOMAIN, DEFAULT_DOMAIN_NAME, QONNX_DOMAIN};

/// Today's domain first and as it is written by hand, then those of Brevitas before 0.12, of FINN, and of files from 2021.
pub(super) const DOMAINS: &[&str] = &[
    QONNX_DOMAIN,
    "qonnx",
    "qonnx.custom_op",
    "onnx.brevitas",
    "finn.custom_op.general",
    "finn",
    DEFAULT_DOMAIN,
];

/// Files for 16-bit codes have the standard operators in the domain of ONNX Runtime.
const WITH_MICROSOFT: &[&str] = &[DEFAULT_DOMAIN, DEFAULT_DOMAIN_NAME, "com.microsoft"];

/// A function of one operand from codes to codes. Every exporter writes the zero points.
const fn linear_unary(summary: &'static str) -> OpSchema {
    OpSchema { domains: MICROSOFT, summary, inputs: LINEAR_UNARY, ..STANDARD_OP }
}

const fn linear_binary(op_type: &'static str, summary: &'static str) -> OpSchema {
    OpSchema { op_type, domains: MICROSOFT, summary, inputs: LINEAR_BINARY, ..STANDARD_OP }
}

const LINEAR_UNARY: &[Formal] = &[
    required("X"),
    required("X_scale"),
    required("X_zero_point"),
    required("Y_scale"),
    required("Y_zero_point"),
];

const LINEAR_BINARY: &[Formal] = &[
    required("A"),
    required("A_scale"),
    required("A_zero_point"),
    required("B"),
    required("B_scale"),
    required("B_zero_point"),
    required("C_scale"),
    required("C_zero_point"),
];

const QONNX_OP: OpSchema = OpSchema {
    op_type: "",
    aliases: &[],
    domains: DOMAINS,
    since: 1,
    summary: "",
    inputs: &[],
    outputs: &[required("y")],
    attributes: &[],
};

pub(super) const SCHEMAS: &[OpSchema] = &[
    OpSchema {
        op_type: "QuantizeLinear",
        domains: WITH_MICROSOFT,
        since: 10,
        summary: "round half to even to integer codes",
        inputs: &[required("x"), required("y_scale"), optional("y_zero_point")],
        attributes: &[
            AttributeSchema::int("axis", 1).since(13),
            AttributeSchema::int("block_size", 0).since(21),
            AttributeSchema::int("output_dtype", 0).since(21),
            AttributeSchema::int("precision", 0).since(23),
            AttributeSchema::int("saturate", 1).since(19),
        ],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "DequantizeLinear",
        domains: WITH_MICROSOFT,
        since: 10,
        summary: "values of integer codes",
        inputs: &[required("x"), required("x_scale"), optional("x_zero_point")],
        attributes: &[
            AttributeSchema::int("axis", 1).since(13),
            AttributeSchema::int("block_size", 0).since(21),
            AttributeSchema::int("output_dtype", 0).since(23),
        ],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "DynamicQuantizeLinear",
        since: 11,
        summary: "codes with a scale that depends on the input",
        inputs: &[required("x")],
        outputs: &[required("y"), required("y_scale"), required("y_zero_point")],
        ..STANDARD_OP
    },
    linear_binary("QLinearAdd", "sum from codes to codes"),
    linear_binary("QLinearMul", "product from codes to codes"),
    OpSchema {
        op_type: "QLinearConcat",
        domains: MICROSOFT,
        summary: "join codes along an axis in one scale",
        inputs: &[required("Y_scale"), required("Y_zero_point"), variadic("inputs")],
        attributes: &[AttributeSchema::required("axis", Int)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "QLinearAveragePool",
        attributes: &[
            AttributeSchema::string("auto_pad", "NOTSET"),
            AttributeSchema::int("ceil_mode", 0),
            AttributeSchema::int("channels_last", 0),
            AttributeSchema::int("count_include_pad", 0),
            AttributeSchema::required("kernel_shape", Ints),
            AttributeSchema::derived("pads", Ints),
            AttributeSchema::derived("strides", Ints),
        ],
        ..linear_unary("mean of each window from codes to codes")
    },
    OpSchema {
        op_type: "QLinearGlobalAveragePool",
        attributes: &[AttributeSchema::int("channels_last", 0)],
        ..linear_unary("mean of each channel from codes to codes")
    },
    OpSchema {
        op_type: "QLinearReduceMean",
        attributes: &[
            AttributeSchema::required("axes", Ints),
            AttributeSchema::int("keepdims", 1),
            AttributeSchema::int("noop_with_empty_axes", 0),
        ],
        ..linear_unary("mean over axes from codes to codes")
    },
    OpSchema { op_type: "QLinearSigmoid", ..linear_unary("sigmoid from codes to codes") },
    OpSchema {
        op_type: "QLinearLeakyRelu",
        attributes: &[AttributeSchema::float("alpha", 0.01)],
        ..linear_unary("leaky ReLU from codes to codes")
    },
    OpSchema {
        op_type: "QLinearSoftmax",
        attributes: &[AttributeSchema::int("axis", -1), AttributeSchema::int("opset", 13)],
        ..linear_unary("softmax from codes to codes")
    },
    OpSchema {
        op_type: "Quant",
        aliases: &["IntQuant"],
        summary: "round to integer codes of a bit width, then dequantize",
        inputs: &[required("x"), required("scale"), required("zeropt"), required("bitwidth")],
        attributes: &[
            AttributeSchema::required("signed", Int),
            AttributeSchema::required("narrow", Int),
            AttributeSchema::string("rounding_mode", "ROUND"),
        ],
        ..QONNX_OP
    },
    OpSchema {
        op_type: "BipolarQuant",
        summary: "scale if not negative, else minus scale",
        inputs: &[required("x"), required("scale")],
        ..QONNX_OP
    },
    OpSchema {
        op_type: "Trunc",
        summary: "drop low bits of quantized codes, keeping the scale",
        inputs: &[
            required("x"),
            required("scale"),
            required("zeropt"),
            required("in_bitwidth"),
            required("out_bitwidth"),
        ],
        attributes: &[AttributeSchema::string("rounding_mode", "FLOOR")],
        ..QONNX_OP
    },
    OpSchema {
        op_type: "Trunc",
        since: 2,
        summary: "drop low bits of quantized codes for a coarser scale",
        inputs: &[
            required("x"),
            required("scale"),
            required("zeropt"),
            required("in_bitwidth"),
            required("out_scale"),
            required("out_bitwidth"),
        ],
        attributes: &[
            AttributeSchema::string("rounding_mode", "FLOOR"),
            AttributeSchema::int("signed", 1),
            AttributeSchema::int("narrow", 0),
        ],
        ..QONNX_OP
    },
    OpSchema {
        op_type: "FloatQuant",
        summary: "round to a small floating-point format",
        inputs: &[
            required("x"),
            required("scale"),
            required("exponent_bitwidth"),
            required("mantissa_bitwidth"),
            required("exponent_bias"),
            optional("max_val"),
        ],
        attributes: &[
            AttributeSchema::required("has_inf", Int),
            AttributeSchema::required("has_nan", Int),
            AttributeSchema::required("has_subnormal", Int),
            AttributeSchema::required("saturation", Int),
            AttributeSchema::string("rounding_mode", "ROUND"),
        ],
        ..QONNX_OP
    },
    OpSchema {
        op_type: "MultiThreshold",
        summary: "count the thresholds reached, then scale and offset",
        inputs: &[required("x"), required("thresholds")],
        attributes: &[
            AttributeSchema::required("out_dtype", String),
            AttributeSchema::float("out_scale", 1.0),
            AttributeSchema::float("out_bias", 0.0),
            AttributeSchema::string("data_layout", ""),
        ],
        ..QONNX_OP
    },
    OpSchema {
        op_type: "DebugMarker",
        summary: "the input",
        inputs: &[required("x")],
        attributes: &[
            AttributeSchema::string("debug_info", ""),
            AttributeSchema::string("export_debug_name", ""),
        ],
        ..QONNX_OP
    },
];
