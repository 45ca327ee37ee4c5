//! Operators that move elements and leave them as they are.

use super::AttributeKind::{Floats, Int, Ints};
use super::{AttributeSchema, OpSchema, STANDARD_OP, optional, required, variadic};

pub(super) const SCHEMAS: &[OpSchema] = &[
    OpSchema {
        op_type: "Flatten",
        summary: "to a matrix, split before an axis",
        attributes: &[AttributeSchema::int("axis", 1)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Reshape",
        since: 5,
        summary: "same elements in another shape",
        inputs: &[required("data"), required("shape")],
        attributes: &[AttributeSchema::int("allowzero", 0).since(14)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Transpose",
        summary: "permute the axes",
        attributes: &[AttributeSchema::derived("perm", Ints)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Squeeze",
        summary: "drop axes of size 1",
        attributes: &[AttributeSchema::derived("axes", Ints)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Squeeze",
        since: 13,
        summary: "drop axes of size 1",
        inputs: &[required("X"), optional("axes")],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Unsqueeze",
        summary: "insert axes of size 1",
        attributes: &[AttributeSchema::required("axes", Ints)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Unsqueeze",
        since: 13,
        summary: "insert axes of size 1",
        inputs: &[required("X"), required("axes")],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Concat",
        since: 4,
        summary: "join along an axis",
        inputs: &[variadic("inputs")],
        attributes: &[AttributeSchema::required("axis", Int)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "DepthToSpace",
        summary: "channels to blocks of pixels",
        attributes: &[
            AttributeSchema::required("blocksize", Int),
            AttributeSchema::string("mode", "DCR").since(11),
        ],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "SpaceToDepth",
        summary: "blocks of pixels to channels",
        attributes: &[AttributeSchema::required("blocksize", Int), AttributeSchema::string("mode", "DCR")],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Gather",
        summary: "slices chosen by indices",
        inputs: &[required("data"), required("indices")],
        attributes: &[AttributeSchema::int("axis", 0)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Slice",
        summary: "a part along axes",
        inputs: &[required("data")],
        attributes: &[
            AttributeSchema::derived("axes", Ints),
            AttributeSchema::required("ends", Ints),
            AttributeSchema::required("starts", Ints),
        ],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Slice",
        since: 10,
        summary: "a part along axes",
        inputs: &[
            required("data"),
            required("starts"),
            required("ends"),
            optional("axes"),
            optional("steps"),
        ],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Split",
        since: 2,
        summary: "parts along an axis",
        inputs: &[required("input")],
        outputs: &[variadic("outputs")],
        attributes: &[AttributeSchema::int("axis", 0), AttributeSchema::derived("split", Ints)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Split",
        since: 13,
        summary: "parts along an axis",
        inputs: &[required("input"), optional("split")],
        outputs: &[variadic("outputs")],
        attributes: &[
            AttributeSchema::int("axis", 0),
            AttributeSchema::derived("num_outputs", Int).since(18),
        ],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Expand",
        since: 8,
        summary: "broadcast to a shape",
        inputs: &[required("input"), required("shape")],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Tile",
        since: 6,
        summary: "the whole, repeated along axes",
        inputs: &[required("input"), required("repeats")],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Pad",
        since: 2,
        summary: "constants around the elements",
        inputs: &[required("data")],
        attributes: &[
            AttributeSchema::string("mode", "constant"),
            AttributeSchema::required("pads", Ints),
            AttributeSchema::float("value", 0.0),
        ],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Pad",
        since: 11,
        summary: "constants around the elements",
        inputs: &[required("data"), required("pads"), optional("constant_value"), optional("axes")],
        attributes: &[AttributeSchema::string("mode", "constant")],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Upsample",
        since: 7,
        summary: "repeat or interpolate along the axes",
        attributes: &[
            AttributeSchema::string("mode", "nearest"),
            AttributeSchema::required("scales", Floats),
        ],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Upsample",
        since: 9,
        summary: "repeat or interpolate along the axes",
        inputs: &[required("X"), required("scales")],
        attributes: &[AttributeSchema::string("mode", "nearest")],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Resize",
        since: 10,
        summary: "interpolate along the axes",
        inputs: &[required("X"), required("scales")],
        attributes: &[AttributeSchema::string("mode", "nearest")],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Resize",
        since: 11,
        summary: "interpolate along the axes",
        inputs: &[required("X"), optional("roi"), optional("scales"), optional("sizes")],
        attributes: &[
            AttributeSchema::string("coordinate_transformation_mode", "half_pixel"),
            AttributeSchema::float("cubic_coeff_a", -0.75),
            AttributeSchema::int("exclude_outside", 0),
            AttributeSchema::float("extrapolation_value", 0.0),
            AttributeSchema::string("mode", "nearest"),
            AttributeSchema::string("nearest_mode", "round_prefer_floor"),
            AttributeSchema::int("antialias", 0).since(18),
            AttributeSchema::derived("axes", Ints).since(18),
            AttributeSchema::string("keep_aspect_ratio_policy", "stretch").since(18),
        ],
        ..STANDARD_OP
    },
    OpSchema { op_type: "Identity", summary: "the input", ..STANDARD_OP },
    OpSchema {
        op_type: "Dropout",
        since: 7,
        summary: "the input, outside training",
        outputs: &[required("Y"), optional("mask")],
        attributes: &[AttributeSchema::float("ratio", 0.5)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Dropout",
        since: 12,
        summary: "the input, outside training",
        inputs: &[required("X"), optional("ratio"), optional("training_mode")],
        outputs: &[required("Y"), optional("mask")],
        attributes: &[AttributeSchema::derived("seed", Int)],
        ..STANDARD_OP
    },
];
