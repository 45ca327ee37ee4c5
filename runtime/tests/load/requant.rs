//! Requantizations: their parameters, what they may wrap, and the codes they give.

use exactum_runtime::num::requant::{Entries, Form, Requant};
use exactum_runtime::{Element, OpFault};

use crate::networks::{CONV, INT8, REQUANTIZE, chain, requant};
use crate::support::image::tensor;

#[test]
fn requantizations_are_checked() {
    fn line(offsets: &'static [i64], shifts: &'static [u8]) -> Option<Requant<'static>> {
        requant(Form::Multiply64 { multipliers: &[i32::MAX], offsets, shifts }, -128, 127)
    }
    refused_op! { chain, CONV, Conv2d,
        |op| op.layer.requant = line(&[0], &[64]) => OpFault::RequantParameters;
        |op| op.layer.requant = line(&[0, 1], &[0]) => OpFault::RequantParameters;
        |op| op.layer.requant = line(&[i64::MAX], &[0]) => OpFault::RequantWraps;
        |op| op.layer.requant = requant(Form::Thresholds { signs: &[1], thresholds: &[1, 2] }, -128, 127)
            => OpFault::RequantParameters;
        |op| op.layer.requant = requant(Form::Thresholds { signs: &[1], thresholds: &[2, 1] }, 0, 2)
            => OpFault::RequantParameters;
        |op| op.layer.requant = requant(Form::Offset { offsets: &[] }, 5, 4) => OpFault::RequantParameters;
        |op| op.layer.requant =
            requant(Form::Table { first: 0, entries: Entries::I8(&[1, 2, 3]), domain: 0 }, -128, 127)
            => OpFault::RequantParameters;
        |op| op.layer.requant = requant(Form::Offset { offsets: &[] }, -129, 4) => OpFault::OutputRange;
        |op| op.layer.requant = requant(Form::Offset { offsets: &[i32::MAX] }, -128, 127) => OpFault::RequantWraps;
    }
    assert_eq!(
        chain().fault(REQUANTIZE, |n| n.tensors[5] = tensor(Element::I8, &[3], 32, INT8)),
        OpFault::OutputShape
    );
}
