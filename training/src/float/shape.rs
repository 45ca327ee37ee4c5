//! Shapes of results. Extents of the batch are taken from the first input.

use super::array::elems;
use super::{FloatOp, Weighted, WeightedKind, Window};

/// The shape of the result of `op` on inputs of `shapes`.
///
/// # Errors
///
/// What would fit, in words.
pub(super) fn infer(op: &FloatOp, shapes: &[&[usize]]) -> Result<Vec<usize>, String> {
    let Some(&x) = shapes.first() else { return Err("an input".into()) };
    match op {
        FloatOp::Add | FloatOp::Concat { .. } => {}
        _ if shapes.len() == 1 => {}
        _ => return Err("one input".into()),
    }
    match op {
        FloatOp::Weighted(layer) => weighted(layer, x),
        FloatOp::BatchNorm(norm) => {
            let channels = norm.channels();
            require(x.get(1) == Some(&channels), || format!("[batch, {channels}, ...]"))?;
            Ok(x.to_vec())
        }
        FloatOp::Relu
        | FloatOp::Clip { .. }
        | FloatOp::Sigmoid
        | FloatOp::Tanh
        | FloatOp::Identity
        | FloatOp::Dropout { .. } => Ok(x.to_vec()),
        FloatOp::Softmax { axis } => {
            require((1..x.len()).contains(axis), || format!("a dimension {axis} behind the batch"))?;
            Ok(x.to_vec())
        }
        FloatOp::Add => {
            require(shapes.len() == 2 && shapes[0] == shapes[1], || "two values of one shape".into())?;
            Ok(x.to_vec())
        }
        FloatOp::Concat { axis } => {
            let fits = |other: &&[usize]| {
                other.len() == x.len() && (0..x.len()).all(|a| a == *axis || other[a] == x[a])
            };
            require(*axis > 0 && *axis < x.len() && shapes.iter().all(fits), || {
                format!("values of one shape but for dimension {axis}, which is not the batch")
            })?;
            let mut shape = x.to_vec();
            shape[*axis] = shapes.iter().map(|other| other[*axis]).sum();
            Ok(shape)
        }
        FloatOp::MaxPool(window) => pooled(window, x),
        FloatOp::AveragePool(pool) => pooled(&pool.window, x),
        FloatOp::GlobalAveragePool => {
            require(x.len() > 2, || "[batch, channels, spatial dimensions]".into())?;
            Ok(x.iter().enumerate().map(|(axis, extent)| if axis < 2 { *extent } else { 1 }).collect())
        }
        FloatOp::Mean { axes, keep_dims } => {
            require(axes.iter().all(|axis| (1..x.len()).contains(axis)), || {
                format!("dimensions {axes:?} behind the batch")
            })?;
            let kept = x.iter().enumerate().filter_map(|(axis, extent)| match axes.contains(&axis) {
                false => Some(*extent),
                true => keep_dims.then_some(1),
            });
            Ok(kept.collect())
        }
        FloatOp::Flatten => Ok(vec![x[0], elems(&x[1..]).unwrap_or(0)]),
        FloatOp::Reshape { sample_shape } => {
            require(elems(sample_shape) == elems(&x[1..]), || {
                format!("as many elements as {sample_shape:?} for each sample")
            })?;
            Ok([&x[..1], sample_shape].concat())
        }
        FloatOp::Transpose { perm } => {
            let mut sorted = perm.clone();
            sorted.sort_unstable();
            let is_permutation = sorted.into_iter().eq(0..x.len()) && perm.first() == Some(&0);
            require(is_permutation, || {
                format!(
                    "{} dimensions, of which the batch stays first; export with the batch first",
                    perm.len()
                )
            })?;
            Ok(perm.iter().map(|axis| x[*axis]).collect())
        }
        FloatOp::Pad { begin, end } => {
            require(x.len() == begin.len() + 2 && begin.len() == end.len(), || {
                format!("[batch, channels] and {} spatial dimensions", begin.len())
            })?;
            let grown = |(axis, extent): (usize, &usize)| match axis {
                0 | 1 => *extent,
                _ => *extent + begin[axis - 2] + end[axis - 2],
            };
            Ok(x.iter().enumerate().map(grown).collect())
        }
    }
}

fn weighted(layer: &Weighted, x: &[usize]) -> Result<Vec<usize>, String> {
    let (inputs, outputs, groups) = (layer.in_channels(), layer.out_channels(), layer.groups());
    require(layer.bias.as_ref().is_none_or(|bias| bias.len() == outputs), || {
        format!("a bias of {outputs} elements")
    })?;
    require(
        groups > 0 && inputs.is_multiple_of(groups.max(1)) && outputs.is_multiple_of(groups.max(1)),
        || format!("channel counts that {groups} groups divide"),
    )?;
    let spatial = layer.weight.shape.len().saturating_sub(2);
    match &layer.kind {
        WeightedKind::Linear => {}
        WeightedKind::Conv { window, .. } | WeightedKind::ConvTranspose { window, .. } => {
            well_formed(window)?
        }
    }
    require(x.len() == spatial + 2 && x[1] == inputs, || match layer.kind {
        WeightedKind::Linear => {
            format!(
                "[batch, {inputs}]; flatten each sample, or use Conv with a kernel of 1 over what comes before"
            )
        }
        _ => format!("[batch, {inputs}] and {spatial} spatial dimensions"),
    })?;
    let mut shape = vec![x[0], outputs];
    for axis in 0..spatial {
        let extent = x[axis + 2];
        shape.push(match &layer.kind {
            WeightedKind::Linear => extent,
            WeightedKind::Conv { window, .. } => {
                window.count(axis, extent).ok_or_else(|| smallest(window))?
            }
            WeightedKind::ConvTranspose { window, output_padding, .. } => {
                let full = window.reach(axis, extent);
                let padding = window.begin[axis] + window.end[axis];
                (full + output_padding[axis]).checked_sub(padding).ok_or("less padding")?
            }
        });
    }
    Ok(shape)
}

fn pooled(window: &Window, x: &[usize]) -> Result<Vec<usize>, String> {
    let spatial = window.kernel.len();
    well_formed(window)?;
    require(x.len() == spatial + 2, || format!("[batch, channels] and {spatial} spatial dimensions"))?;
    let mut shape = x[..2].to_vec();
    for axis in 0..spatial {
        shape.push(window.count(axis, x[axis + 2]).ok_or_else(|| smallest(window))?);
    }
    Ok(shape)
}

/// Windows over one or two dimensions that move on.
fn well_formed(window: &Window) -> Result<(), String> {
    let spatial = window.kernel.len();
    let lengths = [&window.stride, &window.dilation, &window.begin, &window.end].map(Vec::len);
    let positive =
        [&window.kernel, &window.stride, &window.dilation].into_iter().flatten().all(|extent| *extent > 0);
    require((1..=2).contains(&spatial) && lengths == [spatial; 4] && positive, || {
        "windows over one or two dimensions with extents, strides and dilations of at least 1".into()
    })
}

fn smallest(window: &Window) -> String {
    let least: Vec<usize> = (0..window.kernel.len())
        .map(|axis| window.span(axis).saturating_sub(window.begin[axis] + window.end[axis]))
        .collect();
    format!("spatial extents of at least {least:?}")
}

fn require(holds: bool, needed: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(needed()) }
}
