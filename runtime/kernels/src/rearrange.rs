//! Changes of layout: the output in order, its innermost axis by one loop.

use zerocopy::IntoBytes;

use exactum_num::codes::{Code, Codes, CodesMut};

/// A change of layout; see [`exactum_format::op::Rearrange`], whose fields these are.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    /// Dimensions of the output, outermost first.
    pub dims: &'a [u32; 6],
    /// Elements of the input from one position to the next.
    pub strides: &'a [i32; 6],
    /// Positions of fill before those inside.
    pub before: &'a [u32; 6],
    /// Positions inside.
    pub sizes: &'a [u32; 6],
    /// Element of the input that the first position inside reads.
    pub first: u32,
    /// What positions that are not inside hold.
    pub fill: i32,
}

/// Writes `input` in the layout `op`. Element types agree.
pub fn rearrange(op: &Layout<'_>, input: Codes<'_>, output: CodesMut<'_>) {
    match (input, output) {
        // Bytes are bytes: one loop for both types.
        (Codes::I8(input), CodesMut::I8(output)) => axes(op, input.as_bytes(), output.as_mut_bytes()),
        (Codes::U8(input), CodesMut::U8(output)) => axes(op, input, output),
        (Codes::I16(input), CodesMut::I16(output)) => axes(op, input, output),
        (Codes::I32(input), CodesMut::I32(output)) => axes(op, input, output),
        _ => {}
    }
}

/// One axis of the output.
#[derive(Clone, Copy)]
struct Axis {
    dim: usize,
    stride: isize,
    before: usize,
    size: usize,
}

impl Axis {
    const UNIT: Self = Self { dim: 1, stride: 0, before: 0, size: 1 };

    const fn is_unit(self) -> bool {
        self.dim == 1 && self.size == 1
    }

    /// Whether all positions are inside.
    const fn is_whole(self) -> bool {
        self.size == self.dim
    }

    /// This axis and the next one inside it as one axis, if the two together step evenly.
    fn merged(self, inside: Self) -> Option<Self> {
        let even = self.stride == inside.stride.wrapping_mul(inside.dim as isize);
        let times = |count: usize| count.wrapping_mul(inside.dim);
        (inside.is_whole() && even).then_some(Self {
            dim: times(self.dim),
            stride: inside.stride,
            before: times(self.before),
            size: times(self.size),
        })
    }

    /// The positions along this axis: the element each reads, from `first`, and whether it is inside.
    fn steps(self, first: isize, inside: bool) -> impl Iterator<Item = (isize, bool)> {
        let start = first.wrapping_sub((self.before as isize).wrapping_mul(self.stride));
        (0..self.dim).map(move |position| {
            let element = start.wrapping_add((position as isize).wrapping_mul(self.stride));
            (element, inside && position.wrapping_sub(self.before) < self.size)
        })
    }
}

/// The axes of `op`, innermost first and as few as possible.
fn merged_axes(op: &Layout<'_>) -> [Axis; 6] {
    let mut axes = [Axis::UNIT; 6];
    let sizes = op.before.iter().zip(op.sizes);
    for (axis, ((dim, stride), (before, size))) in
        axes.iter_mut().zip(op.dims.iter().zip(op.strides).zip(sizes))
    {
        let [dim, before, size] = [dim, before, size].map(|elems| *elems as usize);
        *axis = Axis { dim, stride: *stride as isize, before, size };
    }
    let mut merged = [Axis::UNIT; 6];
    let mut slots = merged.iter_mut();
    let Some(mut current) = slots.next() else { return [Axis::UNIT; 6] };
    for axis in axes.into_iter().rev() {
        if axis.is_unit() {
            continue;
        }
        if current.is_unit() {
            *current = axis;
        } else if let Some(both) = axis.merged(*current) {
            *current = both;
        } else if let Some(next) = slots.next() {
            current = next;
            *current = axis;
        }
    }
    merged
}

/// The same of elements of one size.
#[inline(never)]
pub fn axes<T: Code>(op: &Layout<'_>, input: &[T], output: &mut [T]) {
    let [row, rows, third, fourth, fifth, sixth] = merged_axes(op);
    let fill = T::truncate(op.fill);
    let mut rest = output;
    for (first, inside) in sixth.steps(op.first as isize, true) {
        for (first, inside) in fifth.steps(first, inside) {
            for (first, inside) in fourth.steps(first, inside) {
                for (first, inside) in third.steps(first, inside) {
                    let elems = rows.dim.wrapping_mul(row.dim);
                    let now = core::mem::take(&mut rest).split_at_mut_checked(elems);
                    let Some((output, later)) = now else { return };
                    rest = later;
                    if inside && row.is_whole() && rows.is_whole() && row.stride != 1 {
                        plane(row, rows, input, first, output);
                        continue;
                    }
                    let mut output = output.iter_mut();
                    for (first, inside) in rows.steps(first, inside) {
                        write(row, input, first, inside, fill, &mut output);
                    }
                }
            }
        }
    }
}

/// Writes rows without fill along the longer of the two axes: few columns, as in images whose channels become the last
/// axis, one after the other.
fn plane<T: Code>(row: Axis, rows: Axis, input: &[T], first: isize, output: &mut [T]) {
    let by_column = row.dim < rows.dim;
    let (outer, inner) = if by_column { (row, rows) } else { (rows, row) };
    for position in 0..outer.dim {
        let start = if by_column { position } else { position.wrapping_mul(row.dim) };
        let Some(output) = output.get_mut(start..) else { return };
        let first = first.wrapping_add((position as isize).wrapping_mul(outer.stride));
        if by_column {
            line(output.iter_mut().step_by(row.dim.max(1)).take(inner.dim), input, first, inner.stride);
        } else {
            line(output.iter_mut().take(inner.dim), input, first, inner.stride);
        }
    }
}

/// Writes elements of the input `stride` apart.
fn line<'a, T: Code + 'a>(output: impl Iterator<Item = &'a mut T>, input: &[T], first: isize, stride: isize) {
    let codes = input.get(first as usize..).unwrap_or_default();
    match stride {
        1 => output.zip(codes).for_each(|(to, code)| *to = *code),
        2.. => output.zip(codes.iter().step_by(stride as usize)).for_each(|(to, code)| *to = *code),
        _ => {
            let mut from = first;
            output.for_each(|to| {
                *to = input.get(from as usize).copied().unwrap_or_default();
                from = from.wrapping_add(stride);
            });
        }
    }
}

/// Writes one row of the innermost axis.
fn write<T: Code>(
    row: Axis,
    input: &[T],
    first: isize,
    inside: bool,
    fill: T,
    output: &mut core::slice::IterMut<'_, T>,
) {
    let (before, size) = if inside { (row.before, row.size) } else { (row.dim, 0) };
    output.by_ref().take(before).for_each(|to| *to = fill);
    line(output.by_ref().take(size), input, first, row.stride);
    let after = row.dim.wrapping_sub(before).wrapping_sub(size);
    output.by_ref().take(after).for_each(|to| *to = fill);
}
