//! Moves of elements as one strided copy: transposes, repetitions, slices and borders.

use exactum_runtime::program::TensorId;
use exactum_runtime::program::op::Rearrange;

use crate::graph::Op;

/// One axis of the output: how many positions, which of them read the input, and how far apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Axis {
    dim: usize,
    stride: isize,
    before: usize,
    size: usize,
}

/// A strided copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Steps {
    axes: Vec<Axis>,
    first: usize,
    fill: i64,
}

/// How `op` moves the elements of a value of `shape` to one of shape `output`; `None` if it does more than that.
pub(super) fn rearrange(op: &Op, shape: &[usize], output: &[usize]) -> Option<Steps> {
    let stride = |axis: usize| shape[axis + 1..].iter().product::<usize>() as isize;
    let plain = |dim: usize, stride: isize| Axis { dim, stride, before: 0, size: dim };
    let (axes, first, fill) = match op {
        Op::Reshape => (vec![plain(shape.iter().product(), 1)], 0, 0),
        Op::Transpose { perm } => {
            (perm.iter().map(|axis| plain(shape[*axis], stride(*axis))).collect(), 0, 0)
        }
        Op::Repeat { factors } => {
            let pair =
                |(axis, factor): (usize, &usize)| [plain(shape[axis], stride(axis)), plain(*factor, 0)];
            (factors.iter().enumerate().flat_map(pair).collect(), 0, 0)
        }
        Op::Slice { starts, steps, sizes } => {
            let axes = (0..shape.len()).map(|axis| plain(sizes[axis], steps[axis] * stride(axis))).collect();
            let first = (0..shape.len()).map(|axis| starts[axis] * stride(axis) as usize).sum();
            (axes, first, 0)
        }
        Op::Border { before, code, .. } => {
            let axis = |axis: usize| Axis {
                dim: output[axis],
                stride: stride(axis),
                before: before[axis],
                size: shape[axis],
            };
            ((0..shape.len()).map(axis).collect(), 0, *code)
        }
        _ => return None,
    };
    Some(Steps { axes: merged(axes), first, fill })
}

/// The same copy with as few axes as possible: no axis of one position, neighbours that run on are one.
fn merged(axes: Vec<Axis>) -> Vec<Axis> {
    let mut merged: Vec<Axis> = vec![];
    for axis in axes.into_iter().filter(|axis| axis.dim != 1) {
        let whole = |axis: &Axis| axis.before == 0 && axis.size == axis.dim;
        match merged.last_mut() {
            Some(last) if whole(last) && whole(&axis) && last.stride == axis.stride * axis.dim as isize => {
                *last = Axis {
                    dim: last.dim * axis.dim,
                    stride: axis.stride,
                    before: 0,
                    size: last.dim * axis.dim,
                };
            }
            _ => merged.push(axis),
        }
    }
    merged
}

impl Steps {
    /// The program's operator, or what it has too much of.
    pub(super) fn into_program(self, input: TensorId, output: TensorId) -> Result<Rearrange, String> {
        let rank = self.axes.len();
        let lead = 6usize.checked_sub(rank).ok_or_else(|| format!("a move along {rank} axes"))?;
        let too_large = |_| "a move of more than 2^31 elements".to_owned();
        let mut op = Rearrange {
            input,
            output,
            dims: [1; 6],
            strides: [0; 6],
            first: u32::try_from(self.first).map_err(too_large)?,
            before: [0; 6],
            sizes: [1; 6],
            fill: i32::try_from(self.fill).map_err(too_large)?,
        };
        for (index, axis) in self.axes.iter().enumerate() {
            let at = lead + index;
            op.dims[at] = u32::try_from(axis.dim).map_err(too_large)?;
            op.strides[at] = i32::try_from(axis.stride).map_err(too_large)?;
            op.before[at] = u32::try_from(axis.before).map_err(too_large)?;
            op.sizes[at] = u32::try_from(axis.size).map_err(too_large)?;
        }
        Ok(op)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes(op: &Op, shape: &[usize], output: &[usize]) -> Vec<(usize, isize)> {
        rearrange(op, shape, output).unwrap().axes.iter().map(|axis| (axis.dim, axis.stride)).collect()
    }

    #[test]
    fn neighbouring_axes_run_on() {
        let turn = |perm: &[usize]| Op::Transpose { perm: perm.to_vec() };
        assert_eq!(axes(&turn(&[0, 2, 3, 1]), &[1, 3, 4, 5], &[1, 4, 5, 3]), [(20, 1), (3, 20)]);
        assert_eq!(axes(&turn(&[0, 3, 2, 1]), &[1, 2, 3, 4], &[1, 4, 3, 2]), [(4, 1), (3, 4), (2, 12)]);
        let twice = Op::Repeat { factors: vec![1, 1, 2, 2] };
        assert_eq!(axes(&twice, &[1, 2, 3, 4], &[1, 2, 6, 8]), [(6, 4), (2, 0), (4, 1), (2, 0)]);
    }
}
