//! Dense layers: every row of codes times a matrix of weights.

use super::patch::{Filters, Patch};
use super::products::{General, Products};
use super::source::Source;
use super::store::{BLOCK_CHANNELS, blocks};
use crate::codes::{Codes, CodesMut};
use crate::program::op::{Dense, Weights};

/// Computes `op`; see [`Dense`] for the formula.
pub(crate) fn dense(op: &Dense<'_>, input: Codes<'_>, output: CodesMut<'_>) {
    match (op.weights, input) {
        (Weights::I8(weights), Codes::I8(codes)) if !op.wide => rows(op, weights, codes, output),
        (Weights::I8(weights), Codes::U8(codes)) if !op.wide => rows(op, weights, codes, output),
        (Weights::I8(weights), Codes::I16(codes)) if !op.wide => rows(op, weights, codes, output),
        (weights, codes) => rows(op, General { weights, wide: op.wide }, codes, output),
    }
}

#[inline(never)]
fn rows<S: Source, W: Products>(op: &Dense<'_>, weights: W, input: S, mut output: CodesMut<'_>) {
    let mut patch = Patch::new();
    let mut accs = [W::Acc::default(); BLOCK_CHANNELS];
    let filter_elems = op.in_features as usize;
    let mut row_start = 0usize;
    while let Some(row) = input.run(row_start, filter_elems) {
        if filter_elems == 0 {
            return;
        }
        let mut weights = weights;
        blocks(op.out_features as usize, |first, channels| {
            let Some(accs) = accs.get_mut(..channels) else { return };
            W::start(op.bias, first, accs);
            let mut filters = Filters { rest: weights, filter_elems, accs };
            row.push(op.input_zero_point, &mut patch, &mut filters);
            patch.multiply(&mut filters);
            W::store(op.requant.as_ref(), first, filters.accs, output.take_front(channels));
            weights = weights.skip(channels.wrapping_mul(filter_elems));
        });
        row_start = row_start.wrapping_add(filter_elems);
    }
}
