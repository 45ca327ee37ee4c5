//! Sums and products of two tensors.

use exactum_runtime::num::IntRange;
use exactum_runtime::num::requant::Form;
use exactum_runtime::program::TensorId;
use exactum_runtime::program::op::Multipliers;
use exactum_runtime::{Element, OpFault};

use crate::networks::{ADD, INT8, MUL, branches, requant};
use crate::support::image::tensor;

#[test]
fn elementwise_ops_are_checked() {
    refused_op! { branches, ADD, Add,
        |op| op.second = TensorId(10) => OpFault::NoTensor { tensor: TensorId(10) };
        |op| op.second = TensorId(4) => OpFault::NotWritten;
        |op| op.second = op.output => OpFault::NotWritten;
        |op| (op.input, op.second) = (op.second, op.input) => OpFault::OutputShape;
        |op| op.channels = 0 => OpFault::Geometry;
        |op| op.channels = 3 => OpFault::Geometry;
        |op| op.multipliers = Multipliers::I32(&[[i32::MAX, 1]]) => OpFault::Accumulator;
        |op| op.multipliers = Multipliers::I32(&[[0, 1], [0, i32::MIN]]) => OpFault::Accumulator;
        |op| op.multipliers = Multipliers::I32(&[]) => OpFault::RequantParameters;
        |op| op.multipliers = Multipliers::I32(&[[1, 2]; 3]) => OpFault::RequantParameters;
        |op| op.multipliers = Multipliers::I64(&[[i64::MAX, 1]]) => OpFault::Accumulator;
        |op| op.multipliers = Multipliers::I64(&[[i32::MAX as i64, 1]]) => OpFault::RequantWraps;
        |op| (op.multipliers, op.requant) = (Multipliers::I64(&[[1, 1]]), None) => OpFault::Form;
        |op| op.requant = None => OpFault::Element;
        |op| op.requant = requant(Form::Offset { offsets: &[0, 1, 2] }, 0, 1) => OpFault::RequantParameters;
        |op| op.requant = requant(Form::Offset { offsets: &[0, i32::MAX] }, 0, 1) => OpFault::RequantWraps;
        |op| op.requant = requant(Form::Offset { offsets: &[] }, -9, 7) => OpFault::OutputRange;
    }
    refused_op! { branches, MUL, Mul,
        |op| op.second = TensorId(11) => OpFault::NoTensor { tensor: TensorId(11) };
        |op| op.second = TensorId(8) => OpFault::NotWritten;
        |op| op.zero_points = [i32::MIN, 0] => OpFault::Accumulator;
        |op| op.zero_points = [i32::MIN; 2] => OpFault::Accumulator;
        |op| op.requant = requant(Form::ShiftHalfEven64 { multipliers: &[i64::MAX], offsets: &[], shifts: &[] }, 0, 1)
            => OpFault::RequantWraps;
        |op| op.requant = requant(Form::ShiftHalfEven64 { multipliers: &[], offsets: &[], shifts: &[64] }, 0, 1)
            => OpFault::RequantParameters;
    }
    // Neither repeated nor as long.
    assert_eq!(
        branches().fault(ADD, |n| n.tensors[1] = tensor(Element::I8, &[3], n.tensors[1].offset_bytes, INT8)),
        OpFault::InputShape
    );
    // A repeated tensor in the output's place, which is as many bytes long.
    assert_eq!(
        branches().fault(ADD, |n| {
            n.tensors[1] = tensor(Element::I32, &[8], n.tensors[2].offset_bytes, IntRange { lo: 0, hi: 1 });
        }),
        OpFault::Overlap
    );
}
