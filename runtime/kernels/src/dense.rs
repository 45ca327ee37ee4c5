//! Dense layers: every row of codes times a matrix of weights.

use exactum_format::{Layer, Packing};
use exactum_num::codes::{Codes, CodesMut};

use crate::isa::Isa;
use crate::patch::Patch;
use crate::products::{Filters, General, Nibbles, Products, Rows};
use crate::source::Source;
use crate::store::{BLOCK_CHANNELS, blocks};

/// Computes `layer` for each row of `in_features` codes: rows of `out_features`; see [`exactum_format::op::Dense`]. Works in
/// `scratch`, [`patch_elems`](exactum_format::patch_elems) codes of a row.
pub fn dense<K: Isa>(
    isa: K,
    layer: &Layer<'_>,
    in_features: u32,
    out_features: u32,
    input: Codes<'_>,
    output: CodesMut<'_>,
    scratch: &mut [i16],
) {
    let features = [in_features as usize, out_features as usize];
    match (layer.weights.packing, layer.weights.elements, input) {
        (Packing::RowMajor, Codes::I8(weights), Codes::I8(codes)) if !layer.wide => {
            rows(layer, features, Rows::new(isa, weights), codes, output, scratch);
        }
        (Packing::RowMajor, Codes::I8(weights), Codes::U8(codes)) if !layer.wide => {
            rows(layer, features, Rows::new(isa, weights), codes, output, scratch);
        }
        (Packing::RowMajor, Codes::I8(weights), Codes::I16(codes)) if !layer.wide => {
            rows(layer, features, Rows::new(isa, weights), codes, output, scratch);
        }
        (Packing::Nibbles, Codes::U8(weights), codes) if !layer.wide => {
            rows(layer, features, Nibbles::new(isa, weights), codes, output, scratch);
        }
        (Packing::RowMajor | Packing::TapMajor | Packing::Nibbles, _, codes) => {
            rows(layer, features, General::new(isa, layer), codes, output, scratch);
        }
    }
}

#[inline(never)]
fn rows<S: Source, W: Products>(
    layer: &Layer<'_>,
    [filter_elems, out_features]: [usize; 2],
    weights: W,
    input: S,
    mut output: CodesMut<'_>,
    scratch: &mut [i16],
) {
    let mut patch = Patch::new(scratch);
    let mut accs = [W::Acc::default(); BLOCK_CHANNELS];
    let mut row_start = 0usize;
    while let Some(row) = input.run(row_start, filter_elems) {
        if filter_elems == 0 {
            return;
        }
        let mut weights = weights;
        blocks(out_features, |first, channels| {
            let Some(accs) = accs.get_mut(..channels) else { return };
            W::start(layer.bias, first, accs);
            let mut filters = Filters { rest: weights, filter_elems, accs };
            row.push(layer.input_zero_point, &mut patch, &mut filters);
            patch.multiply(&mut filters);
            filters.rest.store(layer.requant.as_ref(), first, filters.accs, output.take_front(channels));
            weights = weights.skip_filters(channels, filter_elems);
        });
        row_start = row_start.wrapping_add(filter_elems);
    }
}
