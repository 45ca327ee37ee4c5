//! Dense layers: every row of codes times a matrix of weights.

use exactum_format::{Packing, Weights};
use exactum_num::codes::{Codes, CodesMut};

use crate::high::{HighForm, with_high};
use crate::isa::Isa;
pub use crate::matrix::Dense;
use crate::pairs::{self, FilterPairs};
use crate::patch::Patch;
use crate::products::{Filters, General, Nibbles, Products, Rows};
use crate::quads::{self, FilterQuads};
use crate::source::{Source, with_narrow};
use crate::store::{BLOCK_CHANNELS, blocks};
use crate::tail::{Said, Stored, Tail};

/// Computes `dense` with `weights`, in sums of 64 bits if `wide`; see [`exactum_format::op::Dense`] for the formula. Works in
/// `scratch`, [`patch_elems`](exactum_format::patch_elems) codes of a row.
pub fn dense<K: Isa>(
    dense: &Dense<'_>,
    weights: Weights<'_>,
    wide: bool,
    input: Codes<'_>,
    scratch: &mut [i16],
    tail: Stored<Said<'_, K>, CodesMut<'_>>,
) {
    let isa = tail.finish.isa;
    match (weights.packing, weights.elements, input) {
        (Packing::RowMajor, Codes::I8(weights), Codes::I8(codes)) if !wide => {
            rows(dense, Rows::new(isa, weights), codes, scratch, tail);
        }
        (Packing::RowMajor, Codes::I8(weights), Codes::U8(codes)) if !wide => {
            rows(dense, Rows::new(isa, weights), codes, scratch, tail);
        }
        (Packing::RowMajor, Codes::I8(weights), Codes::I16(codes)) if !wide => {
            rows(dense, Rows::new(isa, weights), codes, scratch, tail);
        }
        (Packing::Nibbles, Codes::U8(weights), codes) if !wide => {
            rows(dense, Nibbles::new(isa, weights), codes, scratch, tail);
        }
        (Packing::FilterPairs, Codes::I16(weights), codes) if !wide => {
            with_narrow!(codes, codes => pairs(dense, FilterPairs::new(isa, weights), codes, scratch, tail));
        }
        (Packing::FilterQuads, Codes::U8(weights), codes) if !wide => {
            with_narrow!(codes, codes => quads(dense, FilterQuads::new(isa, weights), codes, scratch, tail));
        }
        (_, _, codes) => {
            rows(dense, General::new(isa, weights, wide), codes, scratch, tail);
        }
    }
}

/// Filters in pairs, with the tail that is fast where the form has it.
fn pairs<S: Source, K: Isa>(
    dense: &Dense<'_>,
    weights: FilterPairs<'_, K>,
    input: S,
    scratch: &mut [i16],
    tail: Stored<Said<'_, K>, CodesMut<'_>>,
) {
    let Stored { finish, output } = tail;
    let form = HighForm::of(finish.requant, dense.bias, dense.out_features[1], output.as_codes().element());
    with_high!(form, finish.isa, output, tail => pairs::dense_high(dense, weights, input, scratch, tail),
        output => pairs::dense(dense, weights, input, scratch, Stored { finish, output }));
}

/// Filters in fours, with the tail that is fast where the form has it.
fn quads<S: Source, K: Isa>(
    dense: &Dense<'_>,
    weights: FilterQuads<'_, K>,
    input: S,
    scratch: &mut [i16],
    tail: Stored<Said<'_, K>, CodesMut<'_>>,
) {
    let Stored { finish, output } = tail;
    let form = HighForm::of(finish.requant, dense.bias, dense.out_features[1], output.as_codes().element());
    with_high!(form, finish.isa, output, tail => quads::dense_high(dense, weights, input, scratch, tail),
        output => quads::dense(dense, weights, input, scratch, Stored { finish, output }));
}

/// Computes `dense` for each row of `input`.
#[inline(never)]
pub fn rows<S: Source, W: Products, T: Tail<W::Acc>>(
    dense: &Dense<'_>,
    weights: W,
    input: S,
    scratch: &mut [i16],
    mut tail: T,
) {
    let filter_elems = dense.in_features;
    let mut patch = Patch::new(scratch);
    let mut accs = [W::Acc::default(); BLOCK_CHANNELS];
    let mut row_start = 0usize;
    while let Some(row) = input.run(row_start, filter_elems) {
        if filter_elems == 0 {
            return;
        }
        let mut weights = weights.skip_filters(dense.out_features[0], filter_elems);
        blocks(dense.out_features, |first, channels| {
            let Some(accs) = accs.get_mut(..channels) else { return };
            W::start(dense.bias, first, accs);
            let mut filters = Filters { rest: weights, filter_elems, accs };
            row.push(dense.input_zero_point, &mut patch, &mut filters);
            patch.multiply(&mut filters);
            tail.store(first, filters.accs);
            weights = weights.skip_filters(channels, filter_elems);
        });
        row_start = row_start.wrapping_add(filter_elems);
    }
}
