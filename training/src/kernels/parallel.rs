//! Work divided so that results do not depend on the number of threads: into parts by shape alone, or into rows whose
//! elements do not depend on each other.

use rayon::prelude::*;

/// Most parts of a batch.
const PARTS: usize = 8;

/// Elements below which threads cost more than they bring.
pub(super) const SERIAL_ELEMS: usize = 1 << 14;

/// Samples of each part of a batch.
pub(super) fn part_samples(batch: usize) -> usize {
    batch.div_ceil(PARTS).max(1)
}

/// `f(part)` for every part, the results in the order of the parts. `elems` is the work in elements touched.
pub(super) fn map_parts<T: Send>(parts: usize, elems: usize, f: impl Fn(usize) -> T + Send + Sync) -> Vec<T> {
    if elems < SERIAL_ELEMS {
        (0..parts).map(f).collect()
    } else {
        (0..parts).into_par_iter().map(f).collect()
    }
}

/// `f(part, elements)` for every run of `part_elems` elements of `out`, the results in the order of the parts.
pub(super) fn map_chunks<T: Send>(
    out: &mut [f32],
    part_elems: usize,
    f: impl Fn(usize, &mut [f32]) -> T + Send + Sync,
) -> Vec<T> {
    let part_elems = part_elems.max(1);
    if out.len() < SERIAL_ELEMS {
        out.chunks_mut(part_elems).enumerate().map(|(part, chunk)| f(part, chunk)).collect()
    } else {
        out.par_chunks_mut(part_elems).enumerate().map(|(part, chunk)| f(part, chunk)).collect()
    }
}

/// `f(row, rows)` for runs of rows of `columns` elements, as many runs as there are threads: only for elements that do
/// not depend on the run they are in. `inner` is the work per element.
pub(super) fn map_rows(
    out: &mut [f32],
    columns: usize,
    inner: usize,
    f: impl Fn(usize, &mut [f32]) + Send + Sync,
) {
    let rows = out.len() / columns.max(1);
    if out.len() * inner < SERIAL_ELEMS {
        f(0, out);
        return;
    }
    let run = rows.div_ceil(rayon::current_num_threads()).max(1);
    let runs = out.par_chunks_mut((run * columns).max(1)).enumerate();
    runs.for_each(|(index, out)| f(index * run, out));
}

/// Sums of equal length, element by element, in the order of the parts.
pub(super) fn sum_in_order(parts: Vec<Vec<f32>>, len: usize) -> Vec<f32> {
    let mut parts = parts.into_iter();
    let mut total = parts.next().unwrap_or_else(|| vec![0.0; len]);
    for part in parts {
        for (sum, value) in total.iter_mut().zip(part) {
            *sum += value;
        }
    }
    total
}
