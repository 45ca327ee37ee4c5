//! The order of ops, and memory that one of them writes before another has read it.

use exactum_runtime::num::IntRange;
use exactum_runtime::program::TensorId;
use exactum_runtime::program::op::{Op, Rearrange, SumPool2d};
use exactum_runtime::{Element, OpFault};

use crate::networks::{ADD, CONCAT, Network, SUM_POOL, branches, chain, channels_last};
use crate::support::image::tensor;

#[test]
fn order_and_memory_are_checked() {
    let fault = |(op, fault), change: fn(&mut Network)| assert_eq!(chain().fault(op, change), fault);
    fault((0, OpFault::NotWritten), |n| n.ops.swap(0, 1));
    fault((5, OpFault::WrittenTwice), |n| n.ops.push(n.ops[4]));
    fault((1, OpFault::Overlap), |n| n.tensors[2].offset_bytes = 56);
    fault((4, OpFault::Overlap), |n| n.tensors[5].offset_bytes = 8);
    // A second reader of tensor 1 writes over tensor 2 before the pool reads it.
    fault((3, OpFault::Overwritten), |n| {
        n.tensors.push(tensor(Element::U8, &[4, 4, 2], 64, IntRange { lo: 0, hi: 15 }));
        let op = Rearrange { input: TensorId(1), ..channels_last(6) };
        n.ops.insert(2, op.into());
    });
    fault((0, OpFault::NoTensor { tensor: TensorId(7) }), |n| {
        n.ops[0] = channels_last(7).into();
    });
}

#[test]
fn every_input_is_checked() {
    let with = |op, change: fn(&mut Network), fault| assert_eq!(branches().fault(op, change), fault);
    with(ADD, |n| n.inputs.truncate(1), OpFault::NotWritten);
    // The concatenation comes before the pool, whose output it reads second.
    with(SUM_POOL, |n| n.ops.swap(2, 3), OpFault::NotWritten);
}

#[test]
fn second_inputs_are_not_overwritten() {
    // The second input is overwritten between its writer and its reader.
    assert_eq!(
        branches().fault(CONCAT + 1, |n| {
            let mut second = tensor(Element::I8, &[2, 2, 2], n.tensors[4].offset_bytes, n.tensors[4].range);
            std::mem::swap(&mut second, &mut n.tensors[4]);
            n.tensors.push(second);
            let Op::SumPool2d(pool) = n.ops[usize::from(SUM_POOL)] else { panic!() };
            n.ops.insert(3, SumPool2d { output: TensorId(9), ..pool }.into());
        }),
        OpFault::Overwritten
    );
}
