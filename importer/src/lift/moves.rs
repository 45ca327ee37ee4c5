//! Operators that move elements: reshapes, transposes, joining; and casts. Codes stay codes.

use exactum_qonnx::ElemType;
use exactum_qonnx::shape::{self, Reshaped};
use exactum_runtime::num::{IntRange, IntType, Rounding};

use super::tensor::{Numbers, Tensor};
use super::{Coding, Context, Item, Lifter, Operand};
use crate::diagnostic::{Code, Diagnostic};
use crate::exact::ShortFloat;
use crate::graph::{Activation, Constant, Op, ValueId};

/// The batch of the file, of which the graph has one sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    /// Samples that fixed shapes are for.
    pub(super) samples: usize,
    /// Whether the file leaves their number open.
    pub(super) free: bool,
}

/// The shape that `Reshape` and its like give an operand of `shape`. Computed values have a `batch`.
pub(super) fn target(
    context: &Context<'_>,
    op: &str,
    shape: &[usize],
    batch: Option<Batch>,
) -> Result<Vec<usize>, Diagnostic> {
    match op {
        "Flatten" => flattened(context, shape, batch),
        "Squeeze" => squeezed(context, shape, batch),
        "Unsqueeze" => {
            let Some(axes) = context.ints_of("axes", 1)? else {
                return Err(context.form("axes", "none", "the axes to insert"));
            };
            let rank = shape.len() + axes.len();
            let inserted = shape::unsqueezed(shape, &axes);
            inserted
                .ok_or_else(|| context.form("axes", format!("{axes:?}"), format!("each of {rank} axes once")))
        }
        _ => reshaped(context, shape, batch),
    }
}

fn flattened(context: &Context<'_>, shape: &[usize], batch: Option<Batch>) -> Result<Vec<usize>, Diagnostic> {
    let axis = context.node.int("axis").unwrap_or(1);
    let rank = shape.len();
    // Axis 0 would merge several samples into the features.
    let least = usize::from(batch.is_some_and(|batch| batch.samples > 1));
    // The axis behind the last one is one too.
    let from_start = if axis == rank as i64 { Some(rank) } else { shape::axis(axis, rank) };
    match from_start {
        Some(axis) if axis >= least => {
            Ok(vec![shape[..axis].iter().product(), shape[axis..].iter().product()])
        }
        _ => Err(context.attribute(
            "axis",
            axis.to_string(),
            format!("{least} to {rank}, an axis after the batch"),
        )),
    }
}

fn squeezed(context: &Context<'_>, shape: &[usize], batch: Option<Batch>) -> Result<Vec<usize>, Diagnostic> {
    let axes = match context.ints_of("axes", 1)? {
        Some(axes) => context.axes(&axes, shape.len())?,
        // The batch is of size 1 in the graph only, unless the file says so too.
        None => {
            let first = usize::from(batch.is_some_and(|batch| batch.free || batch.samples > 1));
            (first..shape.len()).filter(|axis| shape[*axis] == 1).collect()
        }
    };
    if let Some(axis) = axes.iter().find(|axis| shape[**axis] != 1) {
        return Err(context.shapes(format!("axis {axis} of {shape:?}"), "axes of size 1"));
    }
    Ok((0..shape.len()).filter(|axis| !axes.contains(axis)).map(|axis| shape[axis]).collect())
}

/// The target shape: 0 keeps an axis, -1 is what remains, and the file's batch becomes one sample.
fn reshaped(context: &Context<'_>, from: &[usize], batch: Option<Batch>) -> Result<Vec<usize>, Diagnostic> {
    let dims = context.ints(1)?;
    let keep_zero = !context.flag("allowzero");
    let Some(mut reshaped) = Reshaped::of(from, &dims, keep_zero) else {
        let found = format!("shape {dims:?}");
        return Err(context.problem(Code::ShapeMismatch, "input 1", found, "sizes, 0 and one -1"));
    };
    let elems = |shape: &[usize]| shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
    let (have, known) = (elems(from).unwrap_or(0), elems(&reshaped.shape).unwrap_or(0));
    let samples = batch.map_or(1, |batch| batch.samples);
    let first = reshaped.shape.first_mut();
    if let Some(first) = first.filter(|size| samples > 1 && **size % samples == 0 && **size > 0) {
        // Sizes of the file count all its samples, in the axis that begins with the batch.
        let whole = match reshaped.free {
            Some(_) => known > 0 && have % known != 0 || *first == samples,
            None => have.checked_mul(samples) == Some(known),
        };
        if whole {
            *first /= samples;
        }
    }
    Ok(reshaped.filled(have))
}

/// The permutation of a `Transpose` of `rank` axes.
pub(super) fn perm(context: &Context<'_>, rank: usize) -> Result<Vec<usize>, Diagnostic> {
    let Some(perm) = context.node.ints("perm") else { return Ok((0..rank).rev().collect()) };
    let axes = context.axes(perm, rank)?;
    if axes.len() != rank {
        let found = format!("perm {perm:?} of {rank} axes");
        return Err(context.shapes(found, "each axis exactly once"));
    }
    perm.iter().map(|axis| context.axis(*axis, rank)).collect()
}

/// `Reshape`, `Flatten`, `Squeeze`, `Unsqueeze`.
pub(super) fn reshape(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let (x, coding) = lifter.moved(context)?;
    let op = context.node.operator().map_or("", |schema| schema.op_type);
    let batch = (!lifter.is_fixed(x)).then(|| lifter.batch());
    let shape = target(context, op, &lifter.shape(x), batch)?;
    let id = lifter.reshape(context, x, &shape)?;
    lifter.finish(context, 0, Operand { id, coding });
    Ok(())
}

/// `Identity`, `Dropout`, `DebugMarker`.
pub(super) fn identity(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let training =
        context.optional_tensor(2)?.and_then(|tensor| tensor.scalar()).is_some_and(|mode| mode != 0.0);
    if training {
        return Err(context.form("input 2", "training mode", "inference"));
    }
    let operand = lifter.value(context, 0)?;
    let id = lifter.emit(context, Op::Identity, vec![operand.id], None)?;
    lifter.finish(context, 0, Operand { id, ..operand });
    Ok(())
}

/// `Transpose`.
pub(super) fn transpose(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let operand = lifter.value(context, 0)?;
    let perm = perm(context, lifter.shape(operand.id).len())?;
    let coding = operand.coding.map(|coding| {
        let axis = coding.axis.and_then(|axis| perm.iter().position(|from| *from == axis));
        Coding { axis, ..coding }
    });
    let id = lifter.emit(context, Op::Transpose { perm }, vec![operand.id], None)?;
    lifter.finish(context, 0, Operand { id, coding });
    Ok(())
}

/// `Concat`: of reals, or of codes, which are read as those of one scale if they have several.
pub(super) fn concat(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let operands: Vec<Operand> =
        (0..context.operands.len()).map(|index| lifter.value(context, index)).collect::<Result<_, _>>()?;
    // Integers of an input have no scale of their own.
    let scaled = |coding: &&Coding| **coding != Coding::plain(coding.int, coding.elem);
    let codings = || operands.iter().filter_map(|operand| operand.coding.as_ref());
    let mut coding = codings().find(scaled).or_else(|| codings().next()).cloned();
    if let Some(coding) = &mut coding
        && codings().any(|other| other.int != coding.int)
    {
        coding.int = super::inputs::integer_type(coding.elem).unwrap_or(coding.int);
    }
    let mut inputs = vec![];
    for (index, operand) in operands.iter().enumerate() {
        inputs.push(match (&operand.coding, &coding) {
            (None, None) => operand.id,
            (Some(known), Some(coding))
                if known.elem == coding.elem && known.axis.is_none() && coding.axis.is_none() =>
            {
                lifter.reread(context, index, operand.id, known, coding)?
            }
            _ => {
                let found =
                    "reals and integer codes, codes of several types, or codes with scales for channels";
                let problem =
                    context.form("inputs", found, "reals, or codes of one type with one scale each");
                return Err(problem.with_hint("put a DequantizeLinear before each operand"));
            }
        });
    }
    let rank = inputs.first().map_or(0, |id| lifter.shape(*id).len());
    let axis = context.axis(context.node.int("axis").unwrap_or(1), rank)?;
    if axis == 0 && inputs.iter().any(|id| !lifter.is_fixed(*id)) {
        return Err(context.attribute("axis", "0, the batch", "an axis after the batch"));
    }
    let id = lifter.emit(context, Op::Concat { axis }, inputs, None)?;
    lifter.finish(context, 0, Operand { id, coding });
    Ok(())
}

/// `Shape` and `Size`, of computed values too: all shapes are known.
pub(super) fn shape_of(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let shape: Vec<i64> = match context.operand(0)? {
        Item::Constant(tensor) => tensor.shape.iter().map(|size| *size as i64).collect(),
        Item::Value(operand) => lifter.shape(operand.id).iter().map(|size| *size as i64).collect(),
    };
    let result = if context.node.op_type == "Size" {
        let elems = shape.iter().try_fold(1i64, |product, size| product.checked_mul(*size)).unwrap_or(0);
        Tensor { elem: ElemType::I64, shape: vec![], numbers: Numbers::Int(vec![elems]) }
    } else {
        let rank = shape.len() as i64;
        let clamp =
            |axis: i64| (if axis < 0 { axis.saturating_add(rank) } else { axis }).clamp(0, rank) as usize;
        let start = clamp(context.node.int("start").unwrap_or(0));
        let end = clamp(context.node.int("end").unwrap_or(rank)).max(start);
        Tensor::ints(shape[start..end].to_vec())
    };
    lifter.finish_constant(context, 0, result);
    Ok(())
}

/// `Cast` of computed values: between floats nothing happens, codes become the numbers that they are, and numbers become
/// codes where operators before have limited them to the type.
pub(super) fn cast(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let operand = lifter.value(context, 0)?;
    let code = context.node.int("to").and_then(|code| i32::try_from(code).ok());
    let elem = code.and_then(ElemType::from_code).unwrap_or_default();
    let half = matches!(elem, ElemType::F16 | ElemType::Bf16);
    let holds = |coding: &Coding| numbers(elem).is_some_and(|held| held.contains_range(coding.int.range()));
    if half || matches!(elem, ElemType::F32 | ElemType::F64) {
        let id = match &operand.coding {
            None => operand.id,
            Some(coding) if holds(coding) => lifter.as_numbers(context, 0, coding, operand.id)?,
            Some(coding) => {
                let needed = format!("a type that holds {}", coding.int.range());
                return Err(context.attribute("to", elem.to_string(), needed));
            }
        };
        let short = match elem {
            _ if operand.coding.is_some() || lifter.holds(elem, id) => None,
            ElemType::F16 => Some(ShortFloat::Float16),
            ElemType::Bf16 => Some(ShortFloat::Bfloat16),
            _ => None,
        };
        let op = short.map_or(Op::Identity, |float| Op::Activation(Activation::Short { float }));
        let id = lifter.emit(context, op, vec![id], None)?;
        lifter.finish(context, 0, id);
        return Ok(());
    }
    let int = match elem {
        ElemType::I64 => Some(IntType::INT32),
        elem => super::inputs::integer_type(elem),
    };
    let result = match (&operand.coding, int) {
        (Some(coding), int) if holds(coding) => {
            let id = lifter.emit(context, Op::Identity, vec![operand.id], None)?;
            let int = int.unwrap_or(coding.int);
            Operand { id, coding: Some(Coding { int, elem, ..coding.clone() }) }
        }
        (coding, Some(int)) => {
            let id = match coding {
                Some(coding) => lifter.as_numbers(context, 0, coding, operand.id)?,
                None => operand.id,
            };
            limited_integers(lifter, context, id, elem, int)?
        }
        (_, None) => {
            return Err(context.attribute(
                "to",
                elem.to_string(),
                "a float, or an integer of at most 32 bits",
            ));
        }
    };
    lifter.finish(context, 0, result);
    Ok(())
}

/// The numbers `id` without their fractions as codes of type `int`.
fn limited_integers(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    id: ValueId,
    elem: ElemType,
    int: IntType,
) -> Result<Operand, Diagnostic> {
    let mut id = id;
    let mut bounds = lifter.bounds(id);
    if elem == ElemType::Bool && (!bounds.whole || bounds.lo < 0.0 || bounds.hi > 1.0) {
        // What is not zero is true.
        let sign = lifter.emit(context, Op::Activation(Activation::Sign), vec![id], None)?;
        id = lifter.emit(context, Op::Activation(Activation::Abs), vec![sign], None)?;
        bounds = lifter.bounds(id);
    }
    // Beyond the type the result of a cast is not defined.
    if bounds.lo.trunc() < int.min() as f64 || bounds.hi.trunc() > int.max() as f64 {
        let problem =
            context.attribute("to", elem.to_string(), format!("numbers that are limited to {}", int.range()));
        return Err(problem.with_hint(
            "put a Clip before the Cast; computed indices, as of an embedding of an input, have no integer program: feed \
             the network what the embedding gives",
        ));
    }
    let op = match bounds.whole {
        true => Op::Identity,
        false => Op::Activation(Activation::Round { rounding: Rounding::Toward }),
    };
    let id = lifter.emit(context, op, vec![id], None)?;
    Ok(Operand { id, coding: Some(Coding::plain(int, elem)) })
}

impl Lifter<'_> {
    /// Whether every number that `id` can be is one of `elem`: those of a quantizer, moved or not.
    fn holds(&self, elem: ElemType, id: ValueId) -> bool {
        let Some(node) = self.graph.producer(id).map(|index| &self.graph.nodes[index]) else { return false };
        let floats = |operand: usize| match &self.graph.value(node.inputs[operand]).constant {
            Some(Constant::Float(values)) => values.iter().map(|value| f64::from(*value)).collect(),
            _ => vec![],
        };
        let exact = |value: f64| elem.nearest(value) == value;
        match &node.op {
            Op::Identity | Op::Reshape | Op::Transpose { .. } => self.holds(elem, node.inputs[0]),
            Op::Quant(attributes) => {
                let (scales, zero_points, bits) = (floats(1), floats(2), floats(3));
                let ([zero_point], [bits @ 1.0..=16.0]) = (zero_points.as_slice(), bits.as_slice()) else {
                    return false;
                };
                let IntRange { lo, hi } = match IntType::new(*bits as u8, attributes.signed, false) {
                    Some(int) => int.range(),
                    None => return false,
                };
                let value = |code: i64, scale: f64| (code as f64 - zero_point) * scale;
                !scales.is_empty()
                    && scales.iter().all(|scale| (lo..=hi).all(|code| exact(value(code, *scale))))
            }
            _ => false,
        }
    }

    /// The file's batch.
    pub(super) fn batch(&self) -> Batch {
        Batch { samples: self.batch, free: self.free_batch }
    }
}

/// Integers that elements of type `elem` hold, all of them.
fn numbers(elem: ElemType) -> Option<IntRange> {
    let symmetric = |bits: u32| IntRange { lo: -(1 << bits), hi: 1 << bits };
    match elem {
        // Sums of a layer have 32 bits by their type and fewer in fact.
        ElemType::F32 | ElemType::F64 | ElemType::I64 => Some(symmetric(53)),
        ElemType::F16 => Some(symmetric(11)),
        ElemType::Bf16 => Some(symmetric(8)),
        ElemType::U32 => Some(IntRange { lo: 0, hi: i64::from(u32::MAX) }),
        ElemType::U64 => Some(IntRange { lo: 0, hi: i64::MAX }),
        elem => super::inputs::integer_type(elem).map(|int| int.range()),
    }
}
