//! Operators on single elements.

use super::AttributeKind::Int;
use super::{AttributeSchema, Formal, OpSchema, STANDARD_OP, optional, required};

const BINARY: &[Formal] = &[required("A"), required("B")];

pub(super) const SCHEMAS: &[OpSchema] = &[
    OpSchema { op_type: "Add", since: 7, summary: "A + B with broadcasting", inputs: BINARY, ..STANDARD_OP },
    OpSchema { op_type: "Sub", since: 7, summary: "A - B with broadcasting", inputs: BINARY, ..STANDARD_OP },
    OpSchema { op_type: "Mul", since: 7, summary: "A B with broadcasting", inputs: BINARY, ..STANDARD_OP },
    OpSchema { op_type: "Div", since: 7, summary: "A / B with broadcasting", inputs: BINARY, ..STANDARD_OP },
    OpSchema { op_type: "Neg", since: 6, summary: "-X", ..STANDARD_OP },
    OpSchema { op_type: "Abs", since: 6, summary: "magnitude", ..STANDARD_OP },
    OpSchema { op_type: "Relu", since: 6, summary: "max(X, 0)", ..STANDARD_OP },
    OpSchema { op_type: "Sigmoid", since: 6, summary: "1 / (1 + exp(-X))", ..STANDARD_OP },
    OpSchema { op_type: "Tanh", since: 6, summary: "hyperbolic tangent", ..STANDARD_OP },
    OpSchema {
        op_type: "Softmax",
        summary: "exp(X) / sum(exp(X)) along an axis",
        attributes: &[AttributeSchema::int("axis", -1)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Cast",
        since: 6,
        summary: "another element type",
        attributes: &[AttributeSchema::required("to", Int), AttributeSchema::int("saturate", 1).since(19)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Clip",
        since: 11,
        summary: "limit to a range",
        inputs: &[required("input"), optional("min"), optional("max")],
        ..STANDARD_OP
    },
    OpSchema { op_type: "Ceil", since: 6, summary: "round towards plus infinity", ..STANDARD_OP },
];
