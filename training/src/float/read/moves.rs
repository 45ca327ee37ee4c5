//! Operators that move elements: shapes, orders, concatenation, padding, and the mean over dimensions.

use exactum_qonnx::shape::{self, Reshaped};
use exactum_qonnx::{AttributeValue, Node};

use super::Reader;
use super::integers::BATCH;
use super::operators::Converted;
use crate::float::array::elems;
use crate::float::error::form;
use crate::float::{FloatGraphError, FloatOp};

/// The shape of the data operand.
fn input<'a>(reader: &'a Reader, node: &Node) -> Result<&'a [usize], FloatGraphError> {
    reader.shape(node, reader.operand(node, 0)?)
}

/// `axes` of a value of `rank` dimensions, counted from the front and sorted.
fn axes(node: &Node, axes: &[i64], rank: usize) -> Result<Vec<usize>, FloatGraphError> {
    let place = |axis: &i64| shape::axis(*axis, rank).filter(|axis| *axis > 0);
    let mut places: Vec<usize> = axes.iter().map(place).collect::<Option<_>>().ok_or_else(|| {
        form(&node.label(), format!("axes {axes:?} of {rank} dimensions"), "axes behind the batch")
    })?;
    places.sort_unstable();
    places.dedup();
    Ok(places)
}

pub(super) fn concat(reader: &Reader, node: &Node) -> Converted {
    let rank = input(reader, node)?.len();
    let axis = axes(node, &[node.int("axis").unwrap_or(0)], rank)?[0];
    for name in &node.inputs {
        reader.shape(node, name)?;
    }
    Ok((FloatOp::Concat { axis }, node.inputs.clone()))
}

pub(super) fn flatten(reader: &Reader, node: &Node) -> Converted {
    let rank = input(reader, node)?.len() as i64;
    let axis = node.int("axis").unwrap_or(1);
    // A batch of one is one row, whatever is in front of the axis.
    let one_row = reader.batch == Some(1) && (axis == 0 || axis == -rank);
    if axis == 1 || axis == 1 - rank || one_row {
        return reader.unary(node, FloatOp::Flatten);
    }
    let found = format!("Flatten at axis {axis}");
    Err(form(&node.label(), found, "axis 1, behind the batch; or axis 0 with a batch of 1"))
}

pub(super) fn reshape(reader: &Reader, node: &Node) -> Converted {
    let shape = input(reader, node)?;
    let given = reader.integers_of(node, "shape", 1)?.unwrap_or_default();
    let target = reader.with_batch(node, &given);
    let copies_zero = node.int("allowzero").unwrap_or(0) == 0;
    let sample_elems = elems(&shape[1..]).unwrap_or(0);
    let found = || {
        let shown = |dim: &i64| if *dim == BATCH { "batch".to_owned() } else { dim.to_string() };
        let target: Vec<String> = target.iter().map(shown).collect();
        format!("shape [{}] for a value of shape {shape:?}", target.join(", "))
    };
    let fail = || form(&node.label(), found(), "the batch first and as many elements for each sample");
    let (first, rest) = target.split_first().ok_or_else(fail)?;
    let reshaped = Reshaped::of(&shape[1..], rest, copies_zero).ok_or_else(fail)?;
    let is_free = reshaped.free.is_some();
    let sample_shape = reshaped.filled(sample_elems);
    let keeps_batch = match *first {
        BATCH => true,
        0 => copies_zero,
        -1 => !is_free,
        extent => usize::try_from(extent).ok() == reader.batch,
    };
    if !keeps_batch || elems(&sample_shape) != Some(sample_elems) {
        return Err(fail());
    }
    rearranged(reader, node, shape, sample_shape)
}

pub(super) fn squeeze(reader: &Reader, node: &Node) -> Converted {
    let shape = input(reader, node)?;
    let dropped = match reader.integers_of(node, "axes", 1)? {
        Some(given) => {
            let of_batch = |axis: &i64| *axis == 0 || *axis == -(shape.len() as i64);
            let drops = reader.drops_batch(node) && given.iter().any(of_batch);
            let behind: Vec<i64> = given.into_iter().filter(|axis| !(drops && of_batch(axis))).collect();
            axes(node, &behind, shape.len())?
        }
        None => (1..shape.len()).filter(|axis| shape[*axis] == 1).collect(),
    };
    if dropped.iter().any(|axis| shape[*axis] != 1) {
        return Err(form(&node.label(), format!("axes {dropped:?} of shape {shape:?}"), "axes of extent 1"));
    }
    let kept = (1..shape.len()).filter(|axis| !dropped.contains(axis)).map(|axis| shape[axis]).collect();
    rearranged(reader, node, shape, kept)
}

pub(super) fn unsqueeze(reader: &Reader, node: &Node) -> Converted {
    let shape = input(reader, node)?;
    let given = reader.integers_of(node, "axes", 1)?.unwrap_or_default();
    // The batch stays in front.
    axes(node, &given, shape.len() + given.len())?;
    let inserted = shape::unsqueezed(shape, &given);
    let inserted =
        inserted.ok_or_else(|| form(&node.label(), format!("axes {given:?}"), "each axis once"))?;
    let sample = inserted[1..].to_vec();
    rearranged(reader, node, shape, sample)
}

impl Reader {
    /// Whether `node` may leave out the batch: of one sample, at the end, where nothing else reads its result. The batch
    /// stays in the quantized network.
    fn drops_batch(&self, node: &Node) -> bool {
        self.batch == Some(1) && node.output(0) == Some(&self.file_output)
    }

    /// The shape that `node` gives its result, with the batch that it may leave out.
    fn with_batch(&self, node: &Node, target: &[i64]) -> Vec<i64> {
        match target {
            [_] if self.drops_batch(node) => [&[1], target].concat(),
            _ => target.to_vec(),
        }
    }
}

/// The same elements as `sample_shape`: nothing, a flattening or a reshaping.
fn rearranged(reader: &Reader, node: &Node, shape: &[usize], sample_shape: Vec<usize>) -> Converted {
    let op = if shape[1..] == sample_shape {
        FloatOp::Identity
    } else if sample_shape.len() == 1 {
        FloatOp::Flatten
    } else {
        FloatOp::Reshape { sample_shape }
    };
    reader.unary(node, op)
}

pub(super) fn transpose(reader: &Reader, node: &Node) -> Converted {
    let rank = input(reader, node)?.len();
    let perm: Vec<usize> = match node.ints("perm") {
        Some(perm) => perm.iter().map(|axis| usize::try_from(*axis).unwrap_or(usize::MAX)).collect(),
        None => (0..rank).rev().collect(),
    };
    reader.unary(node, FloatOp::Transpose { perm })
}

pub(super) fn reduce_mean(reader: &Reader, node: &Node) -> Converted {
    let rank = input(reader, node)?.len();
    let given = reader.integers_of(node, "axes", 1)?;
    let given =
        given.ok_or_else(|| form(&node.label(), "a mean over all dimensions", "axes behind the batch"))?;
    let keep_dims = node.int("keepdims").unwrap_or(1) != 0;
    reader.unary(node, FloatOp::Mean { axes: axes(node, &given, rank)?, keep_dims })
}

/// Zeros around spatial dimensions.
pub(super) fn pad(reader: &Reader, node: &Node) -> Converted {
    let rank = input(reader, node)?.len();
    let label = node.label();
    let mode = match node.attribute("mode") {
        Some(AttributeValue::String(mode)) => mode.as_str(),
        _ => "constant",
    };
    let value = match (node.float("value"), node.input(2)) {
        (Some(value), _) => value,
        (None, Some(_)) => reader.vector(node, 2, 1)?[0],
        (None, None) => 0.0,
    };
    if mode != "constant" || value != 0.0 || node.input(3).is_some() {
        return Err(form(
            &label,
            format!("mode {mode:?} and value {value}"),
            "padding of all dimensions by zeros",
        ));
    }
    let pads = reader.integers_of(node, "pads", 1)?.unwrap_or_default();
    let extents: Option<Vec<usize>> = pads.iter().map(|pad| usize::try_from(*pad).ok()).collect();
    let extents = extents.filter(|extents| {
        extents.len() == 2 * rank && [0, 1, rank, rank + 1].iter().all(|index| extents[*index] == 0)
    });
    let extents = extents
        .filter(|_| rank > 2)
        .ok_or_else(|| form(&label, format!("pads {pads:?}"), "zeros added to spatial dimensions"))?;
    let op = FloatOp::Pad { begin: extents[2..rank].to_vec(), end: extents[rank + 2..].to_vec() };
    reader.unary(node, op)
}
