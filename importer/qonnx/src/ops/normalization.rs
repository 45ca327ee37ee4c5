//! Normalization.

use super::{AttributeSchema, CHANNELS_LAST, OpSchema, STANDARD_OP, optional, required};

const BATCH_NORMALIZATION: OpSchema = OpSchema {
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
};

pub(super) const SCHEMAS: &[OpSchema] = &[
    // Before version 9 there was a switch for statistics of single pixels, which nobody set.
    OpSchema {
        since: 7,
        attributes: &[
            AttributeSchema::float("epsilon", 1e-5),
            AttributeSchema::float("momentum", 0.9),
            AttributeSchema::int("spatial", 1),
        ],
        ..BATCH_NORMALIZATION
    },
    BATCH_NORMALIZATION,
    OpSchema {
        domains: CHANNELS_LAST,
        since: 1,
        attributes: &[
            AttributeSchema::float("epsilon", 1e-5),
            AttributeSchema::float("momentum", 0.9),
            AttributeSchema::int("training_mode", 0),
        ],
        ..BATCH_NORMALIZATION
    },
];
