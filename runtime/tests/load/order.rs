//! The order of ops and tensors, memory that one of them writes before another has read it, and what they work in.

use exactum_runtime::num::IntRange;
use exactum_runtime::program::op::{Concat, Op, Rearrange};
use exactum_runtime::program::{Tensor, TensorId};
use exactum_runtime::{Element, LoadError, OpFault, TensorFault};

use crate::networks::{
    CONCAT, CONV, CONV_TRANSPOSE, Network, REARRANGE, REQUANTIZE, branches, chain, channels_last,
};
use crate::support::image::tensor;

#[test]
fn order_and_memory_are_checked() {
    let fault = |(op, fault), change: fn(&mut Network)| assert_eq!(chain().fault(op, change), fault);
    fault((0, OpFault::Order), |n| n.ops.swap(0, 1));
    fault((5, OpFault::Order), |n| n.ops.push(n.ops[4]));
    fault((1, OpFault::Overlap), |n| n.tensors[2].offset_bytes = 56);
    fault((4, OpFault::Overlap), |n| n.tensors[6].offset_bytes = 8);
    // The pool writes over tensor 1, which the requantization reads.
    fault((REQUANTIZE, OpFault::Overwritten), |n| {
        n.tensors[4].offset_bytes = 32;
        let Op::Requantize(op) = &mut n.ops[usize::from(REQUANTIZE)] else { panic!() };
        op.input = TensorId(1);
    });
    fault((0, OpFault::NoTensor { tensor: TensorId(9) }), |n| n.ops[0] = channels_last(9).into());
    let error = chain().refused(|n| n.tensors.push(tensor(Element::I8, &[1], 0, IntRange { lo: 0, hi: 1 })));
    assert_eq!(error, LoadError::Tensor { tensor: TensorId(8), fault: TensorFault::NotWritten });
}

#[test]
fn every_operand_is_checked() {
    let rest = |rest| {
        move |n: &mut Network| {
            let Op::Concat(op) = n.ops[usize::from(CONCAT)] else { panic!() };
            n.ops[usize::from(CONCAT)] = Concat { rest, ..op }.into();
        }
    };
    assert_eq!(branches().fault(CONCAT, rest(&[6])), OpFault::NotWritten);
    assert_eq!(branches().fault(CONCAT, rest(&[10])), OpFault::NoTensor { tensor: TensorId(10) });
    // The pool writes over the second input of the model.
    let overwritten = |n: &mut Network| {
        n.tensors[4].offset_bytes = n.tensors[1].offset_bytes;
        rest(&[1])(n);
    };
    assert_eq!(branches().fault(CONCAT, overwritten), OpFault::Overwritten);
    let scratch = branches().fault(REARRANGE, |n| {
        let Op::Rearrange(op) = n.ops[usize::from(REARRANGE)] else { panic!() };
        n.ops[usize::from(REARRANGE)] = Rearrange { input: TensorId(7), ..op }.into();
    });
    assert_eq!(scratch, OpFault::NotWritten);
}

#[test]
fn scratch_is_checked() {
    let conv = |change: fn(&mut Network)| chain().fault(CONV, change);
    assert_eq!(conv(|n| n.tensors[3].offset_bytes = 32), OpFault::Overlap);
    assert_eq!(conv(|n| n.tensors[3].offset_bytes = 104), OpFault::Overlap);
    assert_eq!(conv(|n| n.tensors[3] = Tensor::scratch(112, 35).unwrap()), OpFault::Scratch);
    assert_eq!(conv(|n| n.ops[1] = n.ops[1].with_scratch(None)), OpFault::Scratch);
    assert_eq!(conv(|n| n.ops[1] = n.ops[1].with_scratch(Some(TensorId(4)))), OpFault::Order);
    assert_eq!(conv(|n| n.tensors[3].role = n.tensors[2].role), OpFault::Order);
    assert_eq!(conv(|n| n.tensors[2] = Tensor::scratch(64, 48).unwrap()), OpFault::Order);
    // An op that works in nothing must not say that it does: byte 6 of its record is the number of its scratch.
    assert_eq!(chain().fault_of_byte(REQUANTIZE, 6, 3), OpFault::Scratch);
    // Between the transposed convolution and the reader of its input nothing else lies over that.
    let over = branches().fault(CONV_TRANSPOSE, |n| n.tensors[7].offset_bytes = n.tensors[4].offset_bytes);
    assert_eq!(over, OpFault::Overlap);
}
