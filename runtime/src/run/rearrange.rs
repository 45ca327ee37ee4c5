//! Changes of layout, whose parts are changes of layout of fewer positions.

use exactum_format::Tensor;
use exactum_format::op::Rearrange;
use exactum_kernels as kernels;
use exactum_kernels::isa::Isa;
use exactum_kernels::rearrange::Layout;

use super::{Run, rest};
use crate::memory::Memory;
use crate::parts::{Grid, Part};

impl Run for Rearrange {
    fn run<K: Isa>(&self, _: K, memory: Memory<'_, '_, '_>, part: Option<&Part>) {
        let Some((input, mut output)) = memory.views() else { return };
        let narrowed;
        let mut op = self;
        if let Some(part) = part {
            let Grid { units, work, .. } = grid(self);
            output = rest(output, Some(part), units, work as u32);
            let [line, unit] = axes(self);
            narrowed = narrow(&narrow(self, line, part.lines), unit, part.units);
            op = &narrowed;
        }
        let layout = Layout {
            dims: &op.dims,
            strides: &op.strides,
            before: &op.before,
            sizes: &op.sizes,
            first: op.first,
            fill: op.fill,
        };
        kernels::rearrange::rearrange(&layout, input, output);
    }

    fn grid(&self, _: &Tensor, _: &Tensor) -> Grid {
        grid(self)
    }
}

/// The two outermost axes with more than one position; others where there are none.
fn axes(op: &Rearrange) -> [usize; 2] {
    let mut long = op.dims.iter().enumerate().filter(|(_, dim)| **dim > 1).map(|(axis, _)| axis);
    let line = long.next().unwrap_or(4).min(4);
    [line, long.next().unwrap_or(5)]
}

fn grid(op: &Rearrange) -> Grid {
    let [line, unit] = axes(op);
    let dim = |axis: usize| op.dims.get(axis).copied().unwrap_or(1);
    let inner = op.dims.iter().skip(unit).skip(1);
    let work = inner.fold(1u64, |work, dim| work.wrapping_mul((*dim).into()));
    Grid { lines: dim(line), units: dim(unit), work }
}

/// `op` at the positions from `from` to before `to` of `axis`.
fn narrow(op: &Rearrange, axis: usize, [from, to]: [u32; 2]) -> Rearrange {
    let mut narrowed = *op;
    let Rearrange { dims, strides, before, sizes, first, .. } = &mut narrowed;
    let (Some(dim), Some(stride)) = (dims.get_mut(axis), strides.get(axis)) else { return *op };
    let (Some(before), Some(size)) = (before.get_mut(axis), sizes.get_mut(axis)) else { return *op };
    let (start, end) = ((*before).max(from), before.wrapping_add(*size).min(to));
    if start < end {
        *first = first.wrapping_add_signed(start.wrapping_sub(*before).cast_signed().wrapping_mul(*stride));
        (*before, *size) = (start.wrapping_sub(from), end.wrapping_sub(start));
    } else {
        (*before, *size) = (0, 0);
    }
    *dim = to.wrapping_sub(from);
    narrowed
}

#[cfg(test)]
mod tests {
    use super::*;
    use exactum_format::TensorId;

    #[test]
    fn the_axes_are_the_outermost_with_positions() {
        let op = |dims| Rearrange {
            input: TensorId(0),
            output: TensorId(1),
            dims,
            strides: [0; 6],
            before: [0; 6],
            sizes: dims,
            first: 0,
            fill: 0,
        };
        for (dims, line, unit, grid_of) in [
            ([1, 1, 1, 8, 9, 3], 3, 4, (8, 9, 3)),
            ([2, 1, 3, 1, 1, 5], 0, 2, (2, 3, 5)),
            ([1, 1, 1, 1, 1, 7], 4, 5, (1, 7, 1)),
            ([1, 1, 1, 7, 1, 1], 3, 5, (7, 1, 1)),
            ([1; 6], 4, 5, (1, 1, 1)),
            ([2, 3, 4, 5, 6, 7], 0, 1, (2, 3, 840)),
        ] {
            let (lines, units, work) = grid_of;
            assert_eq!(axes(&op(dims)), [line, unit]);
            assert_eq!(grid(&op(dims)), Grid { lines, units, work });
        }
    }
}
