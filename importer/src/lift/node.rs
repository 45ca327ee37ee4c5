//! What each operator of the file becomes in the graph.

use exactum_qonnx::Node;
use exactum_runtime::num::Rounding;

use super::{Lifter, window};
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::graph::{Activation, Constant, Conv, Layout, Op, Pool, QuantAttributes, ValueId};

/// An operator, and the shape of its result where that is not implied.
pub(super) struct Lifted {
    pub(super) op: Op,
    pub(super) shape: Option<Vec<usize>>,
}

/// Reads `node`, whose operands are `inputs`.
pub(super) fn lift(
    lifter: &Lifter<'_>,
    at: &Location,
    node: &Node,
    inputs: &[ValueId],
) -> Result<Lifted, Diagnostic> {
    if let Some(problem) = unsupported(at, node) {
        return Err(problem);
    }
    let rank = inputs.first().map_or(0, |id| lifter.graph.value(*id).shape.len());
    let form = |part: &str, found: String, needed: &str| {
        let at = at.clone().at_part(format!("attribute {part:?}"));
        Err(Diagnostic::new(Code::UnsupportedForm, at, found, needed))
    };
    let op = match node.operator().map_or("", |schema| schema.op_type) {
        "Quant" => {
            let name = node.string("rounding_mode").unwrap_or("ROUND");
            let Some(rounding) = Rounding::from_qonnx_name(name) else {
                let modes: Vec<&str> = Rounding::ALL.iter().map(|mode| mode.qonnx_name()).collect();
                return form("rounding_mode", format!("{name:?}"), &modes.join(", "));
            };
            let set = |name| node.int(name).unwrap_or(0) != 0;
            Op::Quant(QuantAttributes {
                signed: set("signed"),
                narrow: set("narrow"),
                rounding,
                zero_point_outside: false,
                clip: None,
            })
        }
        "Conv" => conv(lifter, at, node, inputs)?,
        "MaxPool" => max_pool(lifter, at, node, inputs)?,
        "Gemm" => Op::Gemm {
            alpha: node.float("alpha").unwrap_or(1.0),
            beta: node.float("beta").unwrap_or(1.0),
            trans_a: node.int("transA").unwrap_or(0) != 0,
            trans_b: node.int("transB").unwrap_or(0) != 0,
        },
        "MatMul" => Op::MatMul,
        "Add" => Op::Add,
        "Relu" => Op::Activation(Activation::Relu),
        "Identity" | "Dropout" => Op::Identity,
        "Flatten" => {
            let axis = node.int("axis").unwrap_or(1);
            let from_end = if axis < 0 { axis + rank as i64 } else { axis };
            match usize::try_from(from_end) {
                // Axis 0 would merge the batch into the features.
                Ok(axis) if (1..=rank).contains(&axis) => Op::Flatten { axis },
                _ => return form("axis", axis.to_string(), "an axis after the batch"),
            }
        }
        "Transpose" => {
            let perm = match node.ints("perm") {
                Some(perm) => perm.iter().map(|axis| usize::try_from(*axis).unwrap_or(usize::MAX)).collect(),
                None => (0..rank).rev().collect(),
            };
            Op::Transpose { perm }
        }
        "Reshape" => return reshape(lifter, at, node, inputs),
        other => panic!("{other} is listed as supported and is not, please report this with the model"),
    };
    Ok(Lifted { op, shape: None })
}

/// Operators with an integer meaning: the arms of [`lift`], and `Constant`.
const SUPPORTED: [&str; 13] = [
    "Quant",
    "Conv",
    "Gemm",
    "MatMul",
    "Add",
    "Relu",
    "MaxPool",
    "Flatten",
    "Reshape",
    "Transpose",
    "Identity",
    "Dropout",
    "Constant",
];

/// The problem of a node whose operator has no integer meaning.
pub(super) fn unsupported(at: &Location, node: &Node) -> Option<Diagnostic> {
    let schema = node.operator();
    if schema.is_some_and(|schema| SUPPORTED.contains(&schema.op_type)) {
        return None;
    }
    let found = match node.domain.as_str() {
        "" => node.op_type.clone(),
        domain => format!("{} of domain {domain}", node.op_type),
    };
    let needed = format!("one of {}", SUPPORTED.join(", "));
    Some(Diagnostic::new(Code::UnsupportedOperator, at.clone(), found, needed))
}

/// Operand `index`; a file can leave its name empty.
fn operand(at: &Location, inputs: &[ValueId], index: usize) -> Result<ValueId, Diagnostic> {
    inputs.get(index).copied().ok_or_else(|| {
        let found = format!("{} operands", inputs.len());
        Diagnostic::new(Code::BadSchema, at.clone(), found, format!("operand {index}"))
    })
}

/// Height and width of a rank-4 operand.
fn spatial(lifter: &Lifter<'_>, at: &Location, id: ValueId) -> Result<[usize; 2], Diagnostic> {
    match lifter.graph.value(id).shape.as_slice() {
        [_, _, height, width] => Ok([*height, *width]),
        shape => {
            let needed = "batch, channels, height and width";
            Err(Diagnostic::new(
                Code::UnsupportedForm,
                at.clone(),
                format!("an input of shape {shape:?}"),
                needed,
            ))
        }
    }
}

fn conv(lifter: &Lifter<'_>, at: &Location, node: &Node, inputs: &[ValueId]) -> Result<Op, Diagnostic> {
    let (x, weight) = (operand(at, inputs, 0)?, operand(at, inputs, 1)?);
    let input = spatial(lifter, &at.clone().at_part("input 0"), x)?;
    let size = spatial(lifter, &at.clone().at_part("weight"), weight)?;
    let window = window::read(at, node, input, size)?;
    let groups = node.int("group").unwrap_or(1);
    let Ok(groups) = usize::try_from(groups) else {
        let at = at.clone().at_part("attribute \"group\"");
        return Err(Diagnostic::new(Code::UnsupportedForm, at, groups.to_string(), "1 or more"));
    };
    Ok(Op::Conv(Conv { window, groups, layout: Layout::ChannelsFirst }))
}

fn max_pool(lifter: &Lifter<'_>, at: &Location, node: &Node, inputs: &[ValueId]) -> Result<Op, Diagnostic> {
    let input = spatial(lifter, &at.clone().at_part("input 0"), operand(at, inputs, 0)?)?;
    let window = window::read(at, node, input, [1, 1])?;
    for (name, needed) in [("ceil_mode", 0), ("storage_order", 0)] {
        let found = node.int(name).unwrap_or(needed);
        if found != needed {
            let at = at.clone().at_part(format!("attribute {name:?}"));
            return Err(Diagnostic::new(Code::UnsupportedForm, at, found.to_string(), needed.to_string()));
        }
    }
    Ok(Op::MaxPool(Pool { window, layout: Layout::ChannelsFirst }))
}

/// Reads the constant target shape: 0 keeps an axis, -1 is what remains, and the file's batch becomes one sample.
fn reshape(
    lifter: &Lifter<'_>,
    at: &Location,
    node: &Node,
    inputs: &[ValueId],
) -> Result<Lifted, Diagnostic> {
    let x = lifter.graph.value(operand(at, inputs, 0)?);
    let target = lifter.graph.value(operand(at, inputs, 1)?);
    let Some(Constant::Shape(dims)) = &target.constant else {
        let at = at.clone().at_part("input 1");
        let found = format!("`{}`, which is computed", target.name);
        return Err(Diagnostic::new(Code::NotConstant, at, found, "a constant shape"));
    };
    let keep_zero = node.int("allowzero").unwrap_or(0) == 0;
    let mut shape: Vec<usize> = vec![];
    let mut free = None;
    for (axis, dim) in dims.iter().enumerate() {
        let size = match usize::try_from(*dim) {
            Ok(0) if keep_zero => x.shape.get(axis).copied(),
            Ok(size) if axis == 0 && size == lifter.batch && x.constant.is_none() => Some(1),
            Ok(size) => Some(size),
            Err(_) if *dim == -1 && free.replace(axis).is_none() => Some(1),
            Err(_) => None,
        };
        match size {
            Some(size) => shape.push(size),
            None => {
                let at = at.clone().at_part("input 1");
                return Err(Diagnostic::new(
                    Code::ShapeMismatch,
                    at,
                    format!("shape {dims:?}"),
                    "sizes, 0 and one -1",
                ));
            }
        }
    }
    if let Some(axis) = free {
        let known: usize =
            shape.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim)).unwrap_or(0);
        shape[axis] = x.elems().checked_div(known).unwrap_or(0);
    }
    Ok(Lifted { op: Op::Reshape, shape: Some(shape) })
}
