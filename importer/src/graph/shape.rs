//! Shapes of results. Used by `lift` to type the file's values and by the verifier to check every rewrite.

use super::{Conv, ConvTranspose, Layout, Op, Pool, Value, Window};

/// Most elements of one value; keeps sizes and offsets far inside 64 bits and the program format's 32.
pub const MAX_ELEMS: usize = 1 << 30;

/// Why shapes do not fit: what was found, what is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeError {
    /// The shapes at hand.
    pub found: String,
    /// The relation that should hold.
    pub needed: String,
}

fn fail<T>(found: impl Into<String>, needed: impl Into<String>) -> Result<T, ShapeError> {
    Err(ShapeError { found: found.into(), needed: needed.into() })
}

/// Number of elements of `shape`, if it stays within [`MAX_ELEMS`].
pub fn elems(shape: &[usize]) -> Option<usize> {
    shape
        .iter()
        .try_fold(1usize, |product, axis| product.checked_mul(*axis))
        .filter(|elems| *elems <= MAX_ELEMS)
}

/// The shape of `op`'s result for `inputs`. A reshape keeps `declared`, if that has as many elements.
///
/// # Errors
/// If the operands' shapes contradict each other or the attributes.
pub fn infer(op: &Op, inputs: &[&Value], declared: Option<&[usize]>) -> Result<Vec<usize>, ShapeError> {
    let Some(first) = inputs.first() else { return fail("no operands", "one at least") };
    let x = first.shape.as_slice();
    let shape = match op {
        Op::Quant(_)
        | Op::BipolarQuant
        | Op::Trunc(_)
        | Op::MultiThreshold(_)
        | Op::BatchNormalization { .. }
        | Op::Affine(_)
        | Op::Activation(_)
        | Op::Identity
        | Op::Quantize(_)
        | Op::Dequantize(_)
        | Op::Requantize(_) => x.to_vec(),
        Op::Conv(conv) | Op::Conv2d(conv) => convolve(x, &operand(inputs, 1)?.shape, conv)?,
        Op::ConvTranspose(conv) => convolve_transposed(x, &operand(inputs, 1)?.shape, conv)?,
        Op::ConvTranspose2d(conv) => {
            // Outputs first, as a convolution; the file's operator has a group's outputs second.
            let stored = match (operand(inputs, 1)?.shape.as_slice(), conv.layout) {
                ([o, i, kh, kw], Layout::ChannelsFirst) => {
                    [i.saturating_mul(conv.groups), o / conv.groups.max(1), *kh, *kw]
                }
                ([o, kh, kw, i], Layout::ChannelsLast) => {
                    [i.saturating_mul(conv.groups), *kh, *kw, o / conv.groups.max(1)]
                }
                (w, _) => return fail(format!("weight {w:?}"), "rank 4"),
            };
            convolve_transposed(x, &stored, conv)?
        }
        Op::Max | Op::Min | Op::Where => {
            if let Some(other) = inputs.iter().find(|value| value.shape != x) {
                return fail(format!("{x:?} and {:?}", other.shape), "operands of one shape");
            }
            x.to_vec()
        }
        Op::MaxPool(pool) | Op::MinPool(pool) => pool_shape(x, pool)?,
        Op::SumPool(pool) => pool_shape(x, &pool.pool)?,
        Op::AveragePool(pool) => pool_shape(x, &pool.pool)?,
        Op::Softmax { axis } => {
            known_axis(x, *axis)?;
            x.to_vec()
        }
        Op::Push => {
            let rows = &operand(inputs, 1)?.shape;
            match (elems(x), elems(rows)) {
                (Some(all), Some(new)) if new <= all => x.to_vec(),
                _ => return fail(format!("{rows:?} into {x:?}"), "no more elements than the state has"),
            }
        }
        Op::TopK { k, .. } => match x.split_last() {
            Some((size, rest)) if (1..=*size).contains(k) => [rest, &[*k]].concat(),
            _ => {
                return fail(
                    format!("{k} elements of {x:?}"),
                    "1 or more, and no more than the last axis has",
                );
            }
        },
        Op::Pad { before, after, .. } | Op::Border { before, after, .. } => padded(x, before, after)?,
        Op::Concat { axis } => {
            let shapes: Vec<&[usize]> = inputs.iter().map(|value| value.shape.as_slice()).collect();
            joined(&shapes, *axis)?
        }
        Op::Repeat { factors } => {
            let sizes = || x.iter().zip(factors).map(|(size, factor)| size.checked_mul(*factor));
            match sizes().collect::<Option<Vec<usize>>>() {
                Some(shape) if factors.len() == x.len() => shape,
                _ => return fail(format!("factors {factors:?} of {x:?}"), "a factor for each axis"),
            }
        }
        Op::Slice { starts, steps, sizes } => sliced(x, starts, steps, sizes)?,
        Op::Dense => match (x, operand(inputs, 1)?.shape.as_slice()) {
            ([1, k], [outputs, inputs]) if k == inputs => vec![1, *outputs],
            (x, w) => return fail(format!("input {x:?}, weight {w:?}"), "[1, inputs] and [outputs, inputs]"),
        },
        Op::MatMul => product(x, &operand(inputs, 1)?.shape)?,
        Op::Gemm { trans_a, trans_b, .. } => {
            let turn = |shape: &[usize], turned: bool| match (shape, turned) {
                ([a, b], true) => vec![*b, *a],
                _ => shape.to_vec(),
            };
            product(&turn(x, *trans_a), &turn(&operand(inputs, 1)?.shape, *trans_b))?
        }
        Op::Sum { .. } | Op::Product { .. } | Op::RequantizePair(_) => {
            let b = &operand(inputs, 1)?.shape;
            if broadcast(x, b)? != x {
                return fail(format!("{x:?} and {b:?}"), "a second operand that repeats along the first");
            }
            x.to_vec()
        }
        Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Pow => broadcast(x, &operand(inputs, 1)?.shape)?,
        Op::Flatten { axis } => {
            if *axis > x.len() {
                return fail(format!("axis {axis} of {x:?}"), "an axis of the input");
            }
            vec![x[..*axis].iter().product(), x[*axis..].iter().product()]
        }
        Op::Transpose { perm } => {
            let mut sorted = perm.clone();
            sorted.sort_unstable();
            if !sorted.into_iter().eq(0..x.len()) {
                return fail(format!("perm {perm:?} of {x:?}"), "each axis exactly once");
            }
            perm.iter().map(|axis| x[*axis]).collect()
        }
        Op::Reshape => match declared {
            Some(shape) if elems(shape) == elems(x) => shape.to_vec(),
            Some(shape) => return fail(format!("{x:?} as {shape:?}"), "the same number of elements"),
            None => return fail("no target shape", "a constant shape"),
        },
    };
    match elems(&shape) {
        Some(1..) => Ok(shape),
        _ => fail(format!("{shape:?}"), format!("1 to {MAX_ELEMS} elements")),
    }
}

fn operand<'a>(inputs: &[&'a Value], index: usize) -> Result<&'a Value, ShapeError> {
    match inputs.get(index) {
        Some(value) => Ok(value),
        None => fail(format!("{} operands", inputs.len()), format!("operand {index}")),
    }
}

/// Channels, height and width of a rank-4 value with batch 1.
fn spatial(x: &[usize], layout: Layout) -> Result<[usize; 3], ShapeError> {
    match x {
        [1, _, _, _] => Ok(layout.axes().map(|axis| x[axis])),
        _ => fail(format!("{x:?}"), "a value with batch, channels, height and width"),
    }
}

fn spatial_shape(layout: Layout, channels: usize, [height, width]: [usize; 2]) -> Vec<usize> {
    match layout {
        Layout::ChannelsFirst => vec![1, channels, height, width],
        Layout::ChannelsLast => vec![1, height, width, channels],
    }
}

fn windows(window: &Window, size: [usize; 2]) -> Result<[usize; 2], ShapeError> {
    match window.output(size) {
        Some(output) => Ok(output),
        None => fail(
            format!("window {:?} with stride {:?} on {size:?}", window.size, window.stride),
            "a window inside the padded input, strides of 1 or more",
        ),
    }
}

fn convolve(x: &[usize], w: &[usize], conv: &Conv) -> Result<Vec<usize>, ShapeError> {
    let [channels, height, width] = spatial(x, conv.layout)?;
    let &[outputs, ..] = w else { return fail("a scalar weight", "rank 4") };
    let (per_group, taps) = match (w, conv.layout) {
        ([_, i, kh, kw], Layout::ChannelsFirst) => (*i, [*kh, *kw]),
        ([_, kh, kw, i], Layout::ChannelsLast) => (*i, [*kh, *kw]),
        _ => return fail(format!("weight {w:?}"), "rank 4"),
    };
    let groups = conv.groups;
    if groups == 0
        || per_group.checked_mul(groups) != Some(channels)
        || outputs % groups != 0
        || taps != conv.window.size
    {
        return fail(
            format!("input {x:?}, weight {w:?}, {groups} groups, window {:?}", conv.window.size),
            "weight channels times groups equal to the input's channels, outputs divisible by groups, and the window's size",
        );
    }
    Ok(spatial_shape(conv.layout, outputs, windows(&conv.window, [height, width])?))
}

fn pool_shape(x: &[usize], pool: &Pool) -> Result<Vec<usize>, ShapeError> {
    let [channels, height, width] = spatial(x, pool.layout)?;
    let output = windows(&pool.window, [height, width])?;
    if (0..2).any(|axis| !pool.window.sees_input(axis, [height, width][axis], output[axis])) {
        return fail(format!("{:?} on {x:?}", pool.window), "an element of the input in every window");
    }
    Ok(spatial_shape(pool.layout, channels, output))
}

fn convolve_transposed(x: &[usize], w: &[usize], conv: &ConvTranspose) -> Result<Vec<usize>, ShapeError> {
    let [channels, height, width] = spatial(x, conv.layout)?;
    let (inputs, per_group, taps) = match (w, conv.layout) {
        ([i, o, kh, kw], Layout::ChannelsFirst) => (*i, *o, [*kh, *kw]),
        ([i, kh, kw, o], Layout::ChannelsLast) => (*i, *o, [*kh, *kw]),
        _ => return fail(format!("weight {w:?}"), "rank 4"),
    };
    let (groups, window) = (conv.groups, &conv.window);
    if groups == 0 || inputs != channels || channels % groups != 0 || taps != window.size {
        return fail(
            format!("input {x:?}, weight {w:?}, {groups} groups, window {:?}", window.size),
            "as many channels in weight and input, divisible by groups, and the window's size",
        );
    }
    let size = |axis: usize| {
        let extent = window.size[axis].checked_sub(1)?.checked_mul(window.dilation[axis])?.checked_add(1)?;
        let first = [height, width][axis].checked_sub(1)?.checked_mul(window.stride[axis])?;
        let reach = first.checked_add(extent)?.checked_add(conv.output_padding[axis])?;
        reach.checked_sub(window.pads[axis])?.checked_sub(window.pads[axis + 2]).filter(|size| *size > 0)
    };
    match (size(0), size(1), per_group.checked_mul(groups)) {
        (Some(height), Some(width), Some(outputs)) => {
            Ok(spatial_shape(conv.layout, outputs, [height, width]))
        }
        _ => fail(format!("{conv:?} of {x:?}"), "padding that leaves an output"),
    }
}

fn known_axis(x: &[usize], axis: usize) -> Result<(), ShapeError> {
    if axis < x.len() { Ok(()) } else { fail(format!("axis {axis} of {x:?}"), "an axis of the input") }
}

fn padded(x: &[usize], before: &[usize], after: &[usize]) -> Result<Vec<usize>, ShapeError> {
    let size = |axis: usize| x[axis].checked_add(before[axis])?.checked_add(after[axis]);
    let fits = before.len() == x.len() && after.len() == x.len();
    match fits.then(|| (0..x.len()).map(size).collect()).flatten() {
        Some(shape) => Ok(shape),
        None => fail(format!("{before:?} and {after:?} around {x:?}"), "padding of each axis"),
    }
}

fn joined(shapes: &[&[usize]], axis: usize) -> Result<Vec<usize>, ShapeError> {
    let mut shape = shapes.first().map(|first| first.to_vec()).unwrap_or_default();
    known_axis(&shape, axis)?;
    for other in &shapes[1..] {
        let fits = other.len() == shape.len() && (0..shape.len()).all(|i| i == axis || other[i] == shape[i]);
        match shape[axis].checked_add(other.get(axis).copied().unwrap_or(0)) {
            Some(size) if fits => shape[axis] = size,
            _ => return fail(format!("{shapes:?} along axis {axis}"), "equal sizes but along the axis"),
        }
    }
    Ok(shape)
}

fn sliced(x: &[usize], starts: &[usize], steps: &[isize], sizes: &[usize]) -> Result<Vec<usize>, ShapeError> {
    let inside = |axis: usize| {
        let steps_to_last = isize::try_from(sizes[axis]).ok()?.checked_sub(1)?;
        let last = starts[axis].checked_add_signed(steps[axis].checked_mul(steps_to_last)?)?;
        (starts[axis] < x[axis] && last < x[axis]).then_some(())
    };
    let fits = [starts.len(), steps.len(), sizes.len()] == [x.len(); 3];
    if fits && (0..x.len()).all(|axis| inside(axis).is_some()) {
        return Ok(sizes.to_vec());
    }
    fail(
        format!("{sizes:?} elements from {starts:?} in steps of {steps:?} of {x:?}"),
        "indices inside, one at least",
    )
}

fn product(a: &[usize], b: &[usize]) -> Result<Vec<usize>, ShapeError> {
    match (a, b) {
        ([rows, k], [inner, columns]) if k == inner => Ok(vec![*rows, *columns]),
        _ => fail(format!("{a:?} times {b:?}"), "two matrices with equal inner size"),
    }
}

fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, ShapeError> {
    let rank = a.len().max(b.len());
    let axis = |shape: &[usize], i: usize| (i + shape.len()).checked_sub(rank).map_or(1, |i| shape[i]);
    (0..rank)
        .map(|i| match (axis(a, i), axis(b, i)) {
            (x, y) if x == y || y == 1 => Ok(x),
            (1, y) => Ok(y),
            _ => fail(format!("{a:?} and {b:?}"), "shapes that broadcast"),
        })
        .collect()
}
