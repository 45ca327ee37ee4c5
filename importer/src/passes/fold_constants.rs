//! Computes what depends on constants only: quantized weights and biases, and what moves their elements.
//!
//! A weight leaves this pass as integer codes without a zero point; the quotient `w / scale` is rounded exactly, as for
//! inputs. Arithmetic on float constants was done when the file was read; that on quantized ones is done here where codes
//! are left of it.

mod arithmetic;
mod moves;
mod quantize;

use super::{Pass, Run};
use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use crate::graph::channels::moved_axis;
use crate::graph::{Codes, Constant, Graph, Level, Node, Op, Type, Value};
use exactum_host::elements::permuted;

pub(super) const PASS: Pass = Pass {
    name: "fold-constants",
    about: "turn quantized initializers into integer codes and carry out what moves and scales them",
    from: Level::Imported,
    to: Level::Imported,
    run: Run::Always(run),
};

/// Most elements of a constant that is larger than its first operand.
const MAX_ELEMS: usize = 1 << 24;

fn run(graph: &mut Graph) -> Result<()> {
    let mut problems = vec![];
    let mut kept = vec![];
    for (index, node) in std::mem::take(&mut graph.nodes).into_iter().enumerate() {
        match fold(graph, index, &node) {
            Ok(Some((ty, constant))) => {
                let value = graph.value_mut(node.output);
                value.ty = ty;
                value.constant = Some(constant);
            }
            Ok(None) => kept.push(node),
            Err(problem) => {
                problems.push(problem);
                kept.push(node);
            }
        }
    }
    graph.nodes = kept;
    Report::check(problems, ())
}

/// Type and elements of the node's result, if its data operand is constant and the operator can be carried out.
fn fold(graph: &Graph, index: usize, node: &Node) -> Result<Option<(Type, Constant)>, Diagnostic> {
    let x = graph.value(node.inputs[0]);
    let Some(constant) = &x.constant else { return Ok(None) };
    let output = &graph.value(node.output).shape;
    // Joining a constant with itself again and again would outgrow memory.
    let elems: usize = output.iter().product();
    if elems > MAX_ELEMS.max(x.elems()) {
        return Ok(None);
    }
    Ok(match &node.op {
        Op::Quant(attributes) => Some(quantize::quant(graph, index, node, attributes)?),
        Op::BipolarQuant => Some(quantize::bipolar(graph, index, node)?),
        Op::Identity => Some((x.ty.clone(), constant.clone())),
        Op::Transpose { perm } => {
            let axis = |axis: usize| perm.iter().position(|from| *from == axis);
            let ty = with_axis(&x.ty, axis, || graph.location_of(index, node))?;
            Some((ty, transpose(constant, x, perm)))
        }
        Op::Reshape => {
            let ty = with_axis(
                &x.ty,
                |axis| moved_axis(&x.shape, output, axis),
                || graph.location_of(index, node),
            )?;
            Some((ty, constant.clone()))
        }
        Op::Concat { axis } => moves::concat(graph, node, *axis),
        _ => moves::fold(x, node, output).or_else(|| arithmetic::fold(graph, node)),
    })
}

/// The type with its channels along the axis to which theirs goes.
fn with_axis(
    ty: &Type,
    to: impl Fn(usize) -> Option<usize>,
    at: impl Fn() -> Location,
) -> Result<Type, Diagnostic> {
    let Type::Codes(codes) = ty else { return Ok(ty.clone()) };
    let Some(axis) = codes.axis else { return Ok(ty.clone()) };
    match to(axis) {
        Some(axis) => Ok(Type::Codes(Codes { axis: Some(axis), ..codes.clone() })),
        None => {
            let found =
                format!("a new shape that splits or merges axis {axis}, which has a scale for each index");
            Err(Diagnostic::new(Code::BadChannels, at(), found, "the axis of the scales as it is"))
        }
    }
}

/// Codes without a zero point, in the narrowest type, with one scale where all are equal.
fn tightened(codes: Vec<i32>, mut scale: Vec<f32>, axis: Option<usize>) -> (Type, Constant) {
    if scale.iter().all(|other| *other == scale[0]) {
        scale.truncate(1);
    }
    let axis = axis.filter(|_| scale.len() > 1);
    (Type::Codes(Codes::of_constant(&codes, scale, axis)), Constant::Codes(codes))
}

fn transpose(constant: &Constant, x: &Value, perm: &[usize]) -> Constant {
    match constant {
        Constant::Float(values) => Constant::Float(permuted(values, &x.shape, perm)),
        Constant::Codes(values) => Constant::Codes(permuted(values, &x.shape, perm)),
        Constant::Shape(values) => Constant::Shape(permuted(values, &x.shape, perm)),
    }
}
