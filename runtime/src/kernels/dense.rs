//! Dense layers: every row of codes times a matrix of weights.

use super::patch::{Filters, Patch};
use super::store::{BLOCK_CHANNELS, blocks, start, store};
use crate::codes::{Code, Codes, CodesMut};
use crate::program::op::Dense;

/// Computes `op`; see [`Dense`] for the formula.
pub(crate) fn dense(op: &Dense<'_>, input: Codes<'_>, output: CodesMut<'_>) {
    match input {
        Codes::I8(codes) => rows(op, codes, output),
        Codes::U8(codes) => rows(op, codes, output),
        Codes::I16(codes) => rows(op, codes, output),
        // Not loaded: codes minus zero point must fit 16 bits.
        Codes::I32(_) => {}
    }
}

fn rows<T: Code>(op: &Dense<'_>, mut input: &[T], mut output: CodesMut<'_>) {
    let mut patch = Patch::new();
    let mut accs = [0; BLOCK_CHANNELS];
    let filter_elems = op.in_features as usize;
    while let Some((row, rest)) = input.split_at_checked(filter_elems) {
        if row.is_empty() {
            return;
        }
        let mut weights = op.weights;
        blocks(op.out_features as usize, |first, channels| {
            let Some(accs) = accs.get_mut(..channels) else { return };
            start(op.bias, first, accs);
            let mut filters = Filters { rest: weights, filter_elems, accs };
            patch.push(row, op.input_zero_point, &mut filters);
            patch.multiply(&mut filters);
            store(op.requant.as_ref(), first, filters.accs, output.take_front(channels));
            weights = weights.get(channels.wrapping_mul(filter_elems)..).unwrap_or_default();
        });
        input = rest;
    }
}
