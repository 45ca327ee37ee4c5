//! Operators on single elements.

use super::AttributeKind::Int;
use super::{AttributeSchema, Formal, OpSchema, STANDARD_OP, optional, required, variadic};

const BINARY: &[Formal] = &[required("A"), required("B")];

const SEVERAL: &[Formal] = &[variadic("inputs")];

const fn binary(op_type: &'static str, summary: &'static str) -> OpSchema {
    OpSchema { op_type, since: 7, summary, inputs: BINARY, ..STANDARD_OP }
}

const fn unary(op_type: &'static str, since: i64, summary: &'static str) -> OpSchema {
    OpSchema { op_type, since, summary, ..STANDARD_OP }
}

const fn several(op_type: &'static str, summary: &'static str) -> OpSchema {
    OpSchema { op_type, since: 8, summary, inputs: SEVERAL, ..STANDARD_OP }
}

pub(super) const SCHEMAS: &[OpSchema] = &[
    binary("Add", "A + B with broadcasting"),
    binary("Sub", "A - B with broadcasting"),
    binary("Mul", "A B with broadcasting"),
    binary("Div", "A / B with broadcasting"),
    binary("Pow", "A to the power of B with broadcasting"),
    several("Sum", "sum of the inputs with broadcasting"),
    several("Min", "smallest of the inputs with broadcasting"),
    several("Max", "largest of the inputs with broadcasting"),
    unary("Neg", 6, "-X"),
    unary("Abs", 6, "magnitude"),
    unary("Relu", 6, "max(X, 0)"),
    OpSchema {
        op_type: "LeakyRelu",
        since: 6,
        summary: "X, or alpha X where X is negative",
        attributes: &[AttributeSchema::float("alpha", 0.01)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "PRelu",
        since: 7,
        summary: "X, or slope X where X is negative",
        inputs: &[required("X"), required("slope")],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Clip",
        since: 6,
        summary: "limit to a range",
        attributes: &[AttributeSchema::float("max", f32::MAX), AttributeSchema::float("min", f32::MIN)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Clip",
        since: 11,
        summary: "limit to a range",
        inputs: &[required("input"), optional("min"), optional("max")],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "HardSigmoid",
        since: 6,
        summary: "alpha X + beta, limited to 0 to 1",
        attributes: &[AttributeSchema::float("alpha", 0.2), AttributeSchema::float("beta", 0.5)],
        ..STANDARD_OP
    },
    unary("HardSwish", 14, "X times X / 6 + 1 / 2, limited to 0 to 1"),
    OpSchema {
        op_type: "Elu",
        since: 6,
        summary: "X, or alpha (exp(X) - 1) where X is negative",
        attributes: &[AttributeSchema::float("alpha", 1.0)],
        ..STANDARD_OP
    },
    unary("Erf", 9, "error function"),
    OpSchema {
        op_type: "Gelu",
        since: 20,
        summary: "X times the normal distribution function of X",
        attributes: &[AttributeSchema::string("approximate", "none")],
        ..STANDARD_OP
    },
    unary("Sigmoid", 6, "1 / (1 + exp(-X))"),
    unary("Tanh", 6, "hyperbolic tangent"),
    OpSchema {
        op_type: "Softmax",
        summary: "exp(X) / sum(exp(X)) along an axis",
        attributes: &[AttributeSchema::derived("axis", Int)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Cast",
        since: 6,
        summary: "another element type",
        attributes: &[
            AttributeSchema::required("to", Int),
            AttributeSchema::int("saturate", 1).since(19),
            AttributeSchema::string("round_mode", "up").since(24),
        ],
        ..STANDARD_OP
    },
    unary("Ceil", 6, "round towards plus infinity"),
    unary("Floor", 6, "round towards minus infinity"),
    unary("Round", 11, "round to the nearest integer, ties to even"),
    unary("Sqrt", 6, "square root"),
    unary("Exp", 6, "exponential"),
    unary("Log", 6, "natural logarithm"),
    binary("Equal", "whether A and B are equal, with broadcasting"),
    OpSchema {
        op_type: "Where",
        since: 9,
        summary: "X where the condition holds, else Y",
        inputs: &[required("condition"), required("X"), required("Y")],
        ..STANDARD_OP
    },
];
