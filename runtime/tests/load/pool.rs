//! The largest and the sums of windows.

use exactum_runtime::num::requant::Form;
use exactum_runtime::program::op::{MaxPool2d, Op};
use exactum_runtime::program::{Shape, TensorId, Window2d};
use exactum_runtime::{Element, OpFault};

use crate::networks::{INT8, MAX_POOL, Network, SUM_POOL, branches, chain, requant};
use crate::support::image::tensor;

#[test]
fn sums_of_windows_are_checked() {
    refused_op! { branches, SUM_POOL, SumPool2d,
        |op| op.unit = 6 => OpFault::Geometry;
        |op| op.unit = u32::MAX - 3 => OpFault::Accumulator;
        |op| op.window.pads = [2, 0, 0, 0] => OpFault::OutputShape;
        |op| op.window.size = [0, 2] => OpFault::Geometry;
        |op| op.window.stride = [0, 2] => OpFault::Geometry;
        |op| op.input_zero_point = i32::MIN => OpFault::Accumulator;
        |op| op.requant = None => OpFault::Element;
        |op| op.requant = requant(Form::Offset { offsets: &[] }, -9, 7) => OpFault::OutputRange;
    }
    // Two rows of padding above: the first windows hold nothing.
    let padded = |unit| {
        move |network: &mut Network| {
            network.tensors[4].shape = Shape::new(&[3, 2, 2]).unwrap();
            let Op::SumPool2d(op) = &mut network.ops[usize::from(SUM_POOL)] else { panic!() };
            (op.window.pads, op.unit) = ([2, 0, 0, 0], unit);
        }
    };
    assert_eq!(branches().fault(SUM_POOL, padded(4)), OpFault::EmptyWindow);
}

#[test]
fn largest_of_windows_are_checked() {
    assert_eq!(chain().fault(MAX_POOL, |n| n.tensors[4].range.lo = -127), OpFault::OutputRange);
    // Taps at -1 and 2 of an axis of two elements.
    let fault = chain().fault(0, |n| {
        n.tensors[0] = tensor(Element::I8, &[2, 2, 1], 0, INT8);
        n.tensors[1] = tensor(Element::I8, &[1, 1, 1], 32, INT8);
        let window = Window2d { size: [2; 2], stride: [1; 2], dilation: [3; 2], pads: [1; 4] };
        n.ops[0] = MaxPool2d { input: TensorId(0), output: TensorId(1), window }.into();
    });
    assert_eq!(fault, OpFault::EmptyWindow);
}
