//! Normalization.

use super::{AttributeSchema, OpSchema, STANDARD_OP, optional, required};

pub(super) const SCHEMAS: &[OpSchema] = &[OpSchema {
    op_type: "BatchNormalization",
    since: 9,
    summary: "scale (X - mean) / sqrt(var + epsilon) + B, by channel",
    inputs: &[required("X"), required("scale"), required("B"), required("mean"), required("var")],
    outputs: &[
        required("Y"),
        optional("running_mean"),
        optional("running_var"),
        optional("saved_mean"),
        optional("saved_var"),
    ],
    attributes: &[
        AttributeSchema::float("epsilon", 1e-5),
        AttributeSchema::float("momentum", 0.9),
        AttributeSchema::int("training_mode", 0).since(14),
    ],
    ..STANDARD_OP
}];
