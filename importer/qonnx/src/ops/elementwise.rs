//! Operators on single elements.

use super::AttributeKind::Int;
use super::{AttributeSchema, Formal, MICROSOFT, OpSchema, STANDARD_OP, optional, required, variadic};

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
    several("Mean", "mean of the inputs with broadcasting"),
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
    OpSchema {
        op_type: "Gelu",
        domains: MICROSOFT,
        summary: "X times the normal distribution function of X",
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "QuickGelu",
        domains: MICROSOFT,
        summary: "X sigmoid(alpha X)",
        attributes: &[AttributeSchema::float("alpha", 1.702)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "FastGelu",
        domains: MICROSOFT,
        summary: "Gelu of X + bias, approximated by tanh",
        inputs: &[required("X"), optional("bias")],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "BiasGelu",
        domains: MICROSOFT,
        summary: "Gelu of A + B",
        inputs: BINARY,
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Selu",
        since: 6,
        summary: "gamma X, or gamma alpha (exp(X) - 1) where X is negative",
        attributes: &[
            AttributeSchema::float("alpha", 1.673_263_2),
            AttributeSchema::float("gamma", 1.050_701),
        ],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Celu",
        since: 12,
        summary: "X, or alpha (exp(X / alpha) - 1) where X is negative",
        attributes: &[AttributeSchema::float("alpha", 1.0)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "ThresholdedRelu",
        since: 10,
        summary: "X where it is larger than alpha, else 0",
        attributes: &[AttributeSchema::float("alpha", 1.0)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Shrink",
        since: 9,
        summary: "X + bias below -lambd, X - bias above lambd, else 0",
        attributes: &[AttributeSchema::float("bias", 0.0), AttributeSchema::float("lambd", 0.5)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Swish",
        since: 24,
        summary: "X sigmoid(alpha X)",
        attributes: &[AttributeSchema::float("alpha", 1.0)],
        ..STANDARD_OP
    },
    unary("Mish", 18, "X tanh(log(1 + exp(X)))"),
    unary("Softplus", 1, "log(1 + exp(X))"),
    unary("Softsign", 1, "X / (1 + |X|)"),
    unary("Reciprocal", 6, "1 / X"),
    unary("Sign", 9, "-1, 0 or 1"),
    unary("Sin", 7, "sine"),
    unary("Cos", 7, "cosine"),
    unary("Tan", 7, "tangent"),
    unary("Asin", 7, "inverse sine"),
    unary("Acos", 7, "inverse cosine"),
    unary("Atan", 7, "inverse tangent"),
    unary("Sinh", 9, "hyperbolic sine"),
    unary("Cosh", 9, "hyperbolic cosine"),
    unary("Asinh", 9, "inverse hyperbolic sine"),
    unary("Acosh", 9, "inverse hyperbolic cosine"),
    unary("Atanh", 9, "inverse hyperbolic tangent"),
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
    binary("Greater", "whether A is larger than B, with broadcasting"),
    binary("Less", "whether A is smaller than B, with broadcasting"),
    OpSchema { since: 12, ..binary("GreaterOrEqual", "whether A is B or larger, with broadcasting") },
    OpSchema { since: 12, ..binary("LessOrEqual", "whether A is B or smaller, with broadcasting") },
    binary("And", "whether A and B hold, with broadcasting"),
    binary("Or", "whether A or B holds, with broadcasting"),
    binary("Xor", "whether one of A and B holds, with broadcasting"),
    unary("Not", 1, "whether X does not hold"),
    OpSchema {
        op_type: "Where",
        since: 9,
        summary: "X where the condition holds, else Y",
        inputs: &[required("condition"), required("X"), required("Y")],
        ..STANDARD_OP
    },
];
