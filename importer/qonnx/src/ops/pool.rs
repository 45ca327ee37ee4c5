//! Pooling, reductions and choosing.

use super::AttributeKind::{Int, Ints, String};
use super::quant::DOMAINS;
use super::{AttributeSchema, CHANNELS_LAST, Formal, MICROSOFT, OpSchema, STANDARD_OP, optional, required};

const MAX_POOL: OpSchema = OpSchema {
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
};

/// Domain of the float operators that ONNX Runtime's optimizer gives blocks of channels; every value has its usual shape.
const BLOCKED: &[&str] = &["com.microsoft.nchwc"];

const AVERAGE_POOL: OpSchema = OpSchema {
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
};

/// Attributes of a pool outside the standard domain, which has versions of its own.
const POOL: &[AttributeSchema] = &[
    AttributeSchema::string("auto_pad", "NOTSET"),
    AttributeSchema::int("ceil_mode", 0),
    AttributeSchema::int("count_include_pad", 0),
    AttributeSchema::derived("dilations", Ints),
    AttributeSchema::required("kernel_shape", Ints),
    AttributeSchema::derived("pads", Ints),
    AttributeSchema::int("storage_order", 0),
    AttributeSchema::derived("strides", Ints),
];

const DATA: &[Formal] = &[required("data")];
const DATA_AND_AXES: &[Formal] = &[required("data"), optional("axes")];
const REDUCED: &[Formal] = &[required("reduced")];

const WITH_AXES: &[AttributeSchema] =
    &[AttributeSchema::derived("axes", Ints), AttributeSchema::int("keepdims", 1)];

const WITHOUT_AXES: &[AttributeSchema] =
    &[AttributeSchema::int("keepdims", 1), AttributeSchema::int("noop_with_empty_axes", 0)];

const CHOICE: &[AttributeSchema] = &[
    AttributeSchema::int("axis", 0),
    AttributeSchema::int("keepdims", 1),
    AttributeSchema::int("select_last_index", 0).since(12),
];

/// A reduction whose axes are an attribute.
const fn by_attribute(op_type: &'static str, summary: &'static str) -> OpSchema {
    OpSchema { op_type, summary, inputs: DATA, outputs: REDUCED, attributes: WITH_AXES, ..STANDARD_OP }
}

/// A reduction whose axes are an input from version `since` on.
const fn by_input(op_type: &'static str, since: i64, summary: &'static str) -> OpSchema {
    OpSchema { since, inputs: DATA_AND_AXES, attributes: WITHOUT_AXES, ..by_attribute(op_type, summary) }
}

const fn choice(op_type: &'static str, summary: &'static str) -> OpSchema {
    OpSchema { attributes: CHOICE, ..by_attribute(op_type, summary) }
}

pub(super) const SCHEMAS: &[OpSchema] = &[
    MAX_POOL,
    OpSchema { domains: CHANNELS_LAST, attributes: POOL, ..MAX_POOL },
    OpSchema { op_type: "MaxPoolNHWC", domains: DOMAINS, attributes: POOL, ..MAX_POOL },
    OpSchema {
        op_type: "Im2Col",
        domains: DOMAINS,
        summary: "windows of an image as rows",
        attributes: &[
            AttributeSchema::required("stride", Ints),
            AttributeSchema::required("kernel_size", Ints),
            AttributeSchema::required("input_shape", String),
            AttributeSchema::derived("pad_amount", Ints),
            AttributeSchema::int("pad_value", 0),
            AttributeSchema::int("depthwise", 0),
            AttributeSchema::derived("dilations", Ints),
        ],
        ..STANDARD_OP
    },
    AVERAGE_POOL,
    OpSchema { domains: CHANNELS_LAST, attributes: POOL, ..AVERAGE_POOL },
    OpSchema { domains: BLOCKED, attributes: POOL, ..MAX_POOL },
    OpSchema { domains: BLOCKED, attributes: POOL, ..AVERAGE_POOL },
    OpSchema {
        op_type: "NhwcMaxPool",
        domains: MICROSOFT,
        summary: "largest element of each window, channels last",
        attributes: POOL,
        ..STANDARD_OP
    },
    OpSchema { op_type: "GlobalAveragePool", summary: "mean of each channel", ..STANDARD_OP },
    OpSchema { op_type: "GlobalMaxPool", summary: "largest element of each channel", ..STANDARD_OP },
    OpSchema {
        op_type: "GlobalAveragePool",
        domains: BLOCKED,
        summary: "mean of each channel",
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "GlobalMaxPool",
        domains: BLOCKED,
        summary: "largest element of each channel",
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "ReorderInput",
        domains: BLOCKED,
        summary: "the input, in blocks of channels",
        attributes: &[AttributeSchema::int("channels_last", 0)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "ReorderOutput",
        domains: BLOCKED,
        summary: "the input, not in blocks of channels",
        attributes: &[AttributeSchema::int("channels_last", 0), AttributeSchema::required("channels", Int)],
        ..STANDARD_OP
    },
    by_attribute("ReduceMean", "mean over axes"),
    by_input("ReduceMean", 18, "mean over axes"),
    by_attribute("ReduceMax", "largest over axes"),
    by_input("ReduceMax", 18, "largest over axes"),
    by_attribute("ReduceMin", "smallest over axes"),
    by_input("ReduceMin", 18, "smallest over axes"),
    by_attribute("ReduceSum", "sum over axes"),
    by_input("ReduceSum", 13, "sum over axes"),
    by_attribute("ReduceL1", "sum of magnitudes over axes"),
    by_input("ReduceL1", 18, "sum of magnitudes over axes"),
    by_attribute("ReduceL2", "root of the sum of squares over axes"),
    by_input("ReduceL2", 18, "root of the sum of squares over axes"),
    by_attribute("ReduceSumSquare", "sum of squares over axes"),
    by_input("ReduceSumSquare", 18, "sum of squares over axes"),
    by_attribute("ReduceLogSum", "logarithm of the sum over axes"),
    by_input("ReduceLogSum", 18, "logarithm of the sum over axes"),
    by_attribute("ReduceProd", "product over axes"),
    by_input("ReduceProd", 18, "product over axes"),
    OpSchema {
        op_type: "CumSum",
        since: 11,
        summary: "sums of all elements up to each along an axis",
        inputs: &[required("x"), required("axis")],
        attributes: &[AttributeSchema::int("exclusive", 0), AttributeSchema::int("reverse", 0)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "TopK",
        summary: "largest elements along an axis and where they are",
        outputs: &[required("Values"), required("Indices")],
        attributes: &[AttributeSchema::int("axis", -1), AttributeSchema::required("k", Int)],
        ..STANDARD_OP
    },
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
    choice("ArgMax", "where the largest element along an axis is"),
    choice("ArgMin", "where the smallest element along an axis is"),
];
