//! The largest or smallest of lines.

use exactum_runtime::{Element, OpFault};

use crate::networks::{TOP_K, branches};

#[test]
fn top_k_is_checked() {
    refused_op! { branches, TOP_K, TopK,
        |op| op.k = 0 => OpFault::Geometry;
        |op| op.k = 5 => OpFault::Geometry;
        |op| (op.elems, op.k) = (0, 0) => OpFault::Geometry;
        |op| op.elems = 5 => OpFault::InputShape;
        |op| op.k = 3 => OpFault::OutputShape;
        |op| op.values = true => OpFault::Element;
        |op| op.multipliers = &[1, 2] => OpFault::RequantParameters;
        |op| op.offsets = &[1; 5] => OpFault::RequantParameters;
        |op| op.multipliers = &[i64::MAX] => OpFault::Accumulator;
        |op| op.offsets = &[0, 0, 0, i64::MIN] => OpFault::Accumulator;
    }
    assert_eq!(branches().fault(TOP_K, |n| n.tensors[9].range.hi = 2), OpFault::OutputRange);
    assert_eq!(branches().fault(TOP_K, |n| n.tensors[9].element = Element::I16), OpFault::Element);
}
