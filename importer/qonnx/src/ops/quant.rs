//! Quantization operators of QONNX.
//!
//! `signed` and `narrow` of `Quant` are required: documentation and code of QONNX disagree on their defaults, and
//! every known exporter writes them.

use super::AttributeKind::{Int, String};
use super::{AttributeSchema, OpSchema, STANDARD_OP, optional, required};
use crate::model::{DEFAULT_DOMAIN, QONNX_DOMAIN};

/// Today's domain first, then those of Brevitas before 0.12, of FINN, and of files from 2021.
const DOMAINS: &[&str] = &[QONNX_DOMAIN, "onnx.brevitas", "finn.custom_op.general", "finn", DEFAULT_DOMAIN];

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
        since: 10,
        summary: "round half to even to codes of 8 bits",
        inputs: &[required("x"), required("y_scale"), optional("y_zero_point")],
        attributes: &[AttributeSchema::int("axis", 1).since(13)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "DequantizeLinear",
        since: 10,
        summary: "values of integer codes",
        inputs: &[required("x"), required("x_scale"), optional("x_zero_point")],
        attributes: &[AttributeSchema::int("axis", 1).since(13)],
        ..STANDARD_OP
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
];
