//! `ConvInteger` and `MatMulInteger`: layers whose operands are integers without scales.
//!
//! The accumulator of the file is the real result in units of the operand's scale: a `Cast` makes numbers of it.

use exactum_qonnx::ElemType;
use exactum_runtime::num::IntType;

use super::codes::Coding;
use super::conv::convolve;
use super::matmul::product;
use super::{Context, Lifter, Operand};
use crate::diagnostic::Diagnostic;
use crate::graph::{Affine, Op, ValueId};

/// `ConvInteger`.
pub(super) fn conv_integer(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let (x, scale) = data(lifter, context)?;
    let weight = weight(lifter, context)?;
    let id = convolve(lifter, context, x, weight, None)?;
    accumulators(lifter, context, id, scale);
    Ok(())
}

/// `MatMulInteger`.
pub(super) fn mat_mul_integer(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let (x, scale) = data(lifter, context)?;
    let weight = weight(lifter, context)?;
    let id = product(lifter, context, x, weight, None)?;
    accumulators(lifter, context, id, scale);
    Ok(())
}

fn accumulators(lifter: &mut Lifter<'_>, context: &Context<'_>, id: ValueId, scale: f32) {
    let coding = Coding { scale: vec![scale], ..Coding::plain(IntType::INT32, ElemType::I32) };
    lifter.finish(context, 0, Operand { id, coding: Some(coding) });
}

/// The codes of operand 0 as reals whose zero is the zero point at operand 2, and the value of one.
fn data(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(ValueId, f32), Diagnostic> {
    let zero_point = match context.optional_tensor(2)? {
        Some(tensor) => {
            tensor.scalar().ok_or_else(|| context.form("input 2", "several zero points", "one"))?
        }
        None => 0.0,
    };
    let operand = lifter.value(context, 0)?;
    let Some((scale, known)) = operand.coding.as_ref().and_then(Coding::single) else {
        let problem =
            context.form("input 0", "real numbers, or codes of several scales", "codes of one scale");
        return Err(problem.with_hint("put a QuantizeLinear with a constant scale before the node"));
    };
    if known as f64 == zero_point {
        return Ok((operand.id, scale));
    }
    let affine = Affine {
        multiply: vec![1.0],
        divide: vec![1.0],
        add: vec![(known as f64 - zero_point) * f64::from(scale)],
        axis: 1,
    };
    let id = lifter.emit(context, Op::Affine(affine), vec![operand.id], None)?;
    Ok((id, scale))
}

/// The constant codes of operand 1, less the zero point at operand 3.
fn weight(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<ValueId, Diagnostic> {
    let tensor = context.tensor(1)?;
    let zero_point = context.optional_tensor(3)?;
    let zero_points = match &zero_point {
        Some(tensor) => tensor.as_ints().unwrap_or_default().to_vec(),
        None => vec![0],
    };
    let int = super::inputs::integer_type(tensor.elem).unwrap_or(IntType::INT32);
    let coding = match zero_points.as_slice() {
        [zero_point] => Coding { zero_point: vec![*zero_point], ..Coding::plain(int, tensor.elem) },
        zero_points => {
            // Zero points for channels are along the outputs: the first axis of windows, the last of matrices.
            let axis = if tensor.shape.len() > 2 { 0 } else { 1 };
            if tensor.shape.get(axis) != Some(&zero_points.len()) {
                let found =
                    format!("{} zero points for a weight of shape {:?}", zero_points.len(), tensor.shape);
                return Err(context.form("input 3", found, "one, or one for each output"));
            }
            Coding {
                scale: vec![1.0; zero_points.len()],
                zero_point: zero_points.to_vec(),
                axis: Some(axis),
                int,
                elem: tensor.elem,
            }
        }
    };
    let id = lifter.decode(context, 1, &coding)?;
    lifter.single_scale(id);
    Ok(id)
}

impl Lifter<'_> {
    /// Leaves one scale of a constant whose scales for channels are equal.
    fn single_scale(&mut self, id: ValueId) {
        if let crate::graph::Type::Codes(codes) = &mut self.graph.value_mut(id).ty
            && codes.scale.iter().all(|scale| *scale == codes.scale[0])
        {
            codes.scale.truncate(1);
            codes.axis = None;
        }
    }
}
