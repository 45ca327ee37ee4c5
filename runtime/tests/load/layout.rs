//! Changes of layout: concatenations and rearrangements.

use exactum_runtime::program::TensorId;
use exactum_runtime::{Element, OpFault};

use crate::networks::{CONCAT, FIRST_REARRANGE, INT8, REARRANGE, branches, chain};
use crate::support::image::tensor;

#[test]
fn layouts_are_checked() {
    refused_op! { branches, CONCAT, Concat,
        |op| op.rows = 0 => OpFault::Geometry;
        |op| op.rows = 16 => OpFault::InputShape;
        |op| op.rest = &[] => OpFault::OutputShape;
        |op| op.rest = &[4, 4] => OpFault::OutputShape;
        |op| op.rest = &[3] => OpFault::Element;
        |op| op.rest = &[77] => OpFault::NoTensor { tensor: TensorId(77) };
        |op| op.rest = &[6] => OpFault::NotWritten;
    }
    assert_eq!(branches().fault(CONCAT, |n| n.tensors[5].range.hi = 6), OpFault::OutputRange);
    refused_op! { branches, REARRANGE, Rearrange,
        |op| op.dims[5] = 5 => OpFault::OutputShape;
        |op| op.dims = [u32::MAX; 6] => OpFault::OutputShape;
        |op| op.sizes[4] = 6 => OpFault::Geometry;
        |op| op.before[4] = u32::MAX => OpFault::Geometry;
        |op| op.first = 1 => OpFault::OutsideInput;
        |op| op.strides[3] = -1 => OpFault::OutsideInput;
        |op| op.strides[5] = i32::MIN => OpFault::OutsideInput;
        |op| op.strides[5] = 4 => OpFault::OutsideInput;
        |op| op.fill = -129 => OpFault::OutputRange;
    }
    assert_eq!(branches().fault(REARRANGE, |n| n.tensors[8].range.lo = -127), OpFault::OutputRange);
    assert_eq!(
        branches().fault(REARRANGE, |n| n.tensors[8] = tensor(Element::I16, &[3, 6, 4], 1 << 10, INT8)),
        OpFault::Element
    );
    assert_eq!(chain().fault(FIRST_REARRANGE, |n| n.tensors[1].element = Element::I8), OpFault::Element);
    assert_eq!(chain().fault(FIRST_REARRANGE, |n| n.tensors[1].range.hi = 14), OpFault::OutputRange);
}
