//! Exchanges quantizers and functions of elements with the moves whose results they read, so that codes are moved.
//!
//! A function of each element by itself gives the same before and after elements are moved, repeated or joined. Through a
//! maximum it goes if it rises, through padding if it keeps zero or gives a number that the file could hold.

use num_traits::{ToPrimitive, Zero};

use super::{Pass, Run};
use crate::diagnostic::Result;
use crate::exact;
use crate::graph::channels::moved_axis;
use crate::graph::{Activation, Affine, Constant, Graph, Level, Node, Op, Value, ValueId};

pub(super) const PASS: Pass = Pass {
    name: "quantize-before-moves",
    about: "exchange quantizers and elementwise functions with the moves before them",
    from: Level::Imported,
    to: Level::Imported,
    run: Run::Always(run),
};

fn run(graph: &mut Graph) -> Result<()> {
    // Each exchange brings a function nearer to the inputs, so this comes to an end.
    let mut index = 0;
    while index < graph.nodes.len() {
        match exchange(graph, index) {
            Some(earlier) => index = earlier,
            None => index += 1,
        }
    }
    Ok(())
}

/// Exchanges node `index` with the move before it; the place to go on from, if that could be done.
fn exchange(graph: &mut Graph, index: usize) -> Option<usize> {
    let function = graph.nodes[index].clone();
    if !is_elementwise(graph, &function) {
        return None;
    }
    let between = function.inputs[0];
    let place = graph.producer(between)?;
    let moves = graph.nodes[place].clone();
    let alone = graph.consumers(between).count() == 1 && !graph.outputs.contains(&between);
    let reads = function.inputs.iter().filter(|id| **id == between).count();
    // Padding of codes is a window's own only when their meaning stands before it.
    let meaning = matches!((&moves.op, &function.op), (Op::Pad { .. }, Op::Affine(_)));
    if !alone || reads != 1 || already_quantized(graph, &moves) && !meaning {
        return None;
    }
    let copies: Option<Vec<Op>> =
        (0..moves.inputs.len()).map(|operand| through(graph, &function, &moves, operand)).collect();
    let copies = copies?;
    let mut made: Vec<Node> = vec![];
    let mut results = vec![];
    for (operand, op) in copies.into_iter().enumerate() {
        let x = moves.inputs[operand];
        let parameters = parameters(graph, &function, &moves, operand);
        let inputs: Vec<ValueId> = std::iter::once(x).chain(parameters).collect();
        // Values that are joined with themselves get one function, or repeated joins would double it each time.
        if let Some(known) = made.iter().find(|known| known.op == op && known.inputs == inputs) {
            results.push(known.output);
            continue;
        }
        let (name, part) = match moves.inputs.len() {
            1 => (function.name.clone(), String::new()),
            _ => (format!("{}:{operand}", function.name), format!(" {operand}")),
        };
        let value = format!("{} before {}{part}", graph.value(function.output).name, moves.name);
        let value = Value::new(value, graph.value(x).shape.clone(), graph.value(function.output).ty.clone());
        let output = graph.add(value);
        results.push(output);
        made.push(Node::new(name, function.origin.clone(), op, inputs, output));
    }
    let op = match moves.op {
        Op::Pad { before, after, value } => {
            Op::Pad { before, after, value: filled(graph, &function, value).unwrap_or(value) }
        }
        op => op,
    };
    graph.nodes[index] = Node { op, inputs: results, output: function.output, ..moves };
    graph.nodes.splice(place..=place, made);
    Some(place)
}

/// Whether `node` is a function of each element of its first operand by itself, with constant parameters.
fn is_elementwise(graph: &Graph, node: &Node) -> bool {
    let kind = matches!(
        node.op,
        Op::Quant(_) | Op::BipolarQuant | Op::MultiThreshold(_) | Op::Activation(_) | Op::Affine(_)
    );
    kind && graph.value(node.inputs[0]).constant.is_none()
        && node.inputs[1..].iter().all(|id| graph.value(*id).constant.is_some())
}

/// Whether what `moves` reads are codes already, of one coding.
fn already_quantized(graph: &Graph, moves: &Node) -> bool {
    let quantizer = |id: ValueId| {
        let mut id = id;
        loop {
            let node = &graph.nodes[graph.producer(id)?];
            match node.op {
                Op::Quant(_) | Op::BipolarQuant | Op::Trunc(_) | Op::MultiThreshold(_) => return Some(node),
                Op::MaxPool(_)
                | Op::MinPool(_)
                | Op::Reshape
                | Op::Transpose { .. }
                | Op::Repeat { .. }
                | Op::Slice { .. } => {
                    id = node.inputs[0];
                }
                _ => return None,
            }
        }
    };
    let quantizers: Option<Vec<&Node>> = moves.inputs.iter().map(|id| quantizer(*id)).collect();
    let same = |a: &Node, b: &Node| {
        let parameters = |node: &Node| -> Vec<Option<Constant>> {
            node.inputs[1..].iter().map(|id| graph.value(*id).constant.clone()).collect()
        };
        a.op == b.op && parameters(a) == parameters(b)
    };
    quantizers.is_some_and(|all| all.windows(2).all(|pair| same(pair[0], pair[1])))
}

/// The axis along which `function` has channels: none, or one.
fn channels(graph: &Graph, function: &Node) -> Option<Option<usize>> {
    let single = function.inputs[1..].iter().all(|id| graph.value(*id).elems() == 1);
    match &function.op {
        Op::Quant(_) | Op::BipolarQuant => single.then_some(None),
        Op::MultiThreshold(op) => {
            let rows = graph.value(function.inputs[1]).shape.first().copied()?;
            Some((rows > 1).then_some(op.axis))
        }
        Op::Affine(op) => {
            let several = [&op.multiply, &op.divide, &op.add].iter().any(|list| list.len() > 1);
            Some(several.then_some(op.axis))
        }
        Op::Activation(Activation::LeakyRelu { slope, axis }) => Some((slope.len() > 1).then_some(*axis)),
        _ => Some(None),
    }
}

/// `function` as it is before `moves`, on its operand `operand`; `None` if the two cannot be exchanged.
fn through(graph: &Graph, function: &Node, moves: &Node, operand: usize) -> Option<Op> {
    let axis = channels(graph, function)?;
    let from = &graph.value(moves.inputs[operand]).shape;
    let to = &graph.value(moves.output).shape;
    let kept = match &moves.op {
        Op::Reshape => axis.map(|axis| moved_axis(to, from, axis)),
        Op::Transpose { perm } => axis.map(|axis| perm.get(axis).copied()),
        Op::Concat { .. } => axis.map(Some),
        Op::Repeat { factors } => axis.map(|axis| (factors[axis] == 1).then_some(axis)),
        Op::Slice { .. } => axis.map(|axis| (from[axis] == to[axis]).then_some(axis)),
        Op::MaxPool(_) | Op::MinPool(_) if rises(graph, function) => {
            axis.map(|axis| (axis == 1).then_some(axis))
        }
        Op::Max | Op::Min if rises(graph, function) => axis.map(Some),
        Op::Pad { value, .. } if filled(graph, function, *value).is_some() => axis.map(|_| None),
        _ => return None,
    };
    // A slice that goes backwards keeps sizes and not the order.
    if let (Op::Slice { steps, .. }, Some(axis)) = (&moves.op, axis)
        && steps[axis] != 1
    {
        return None;
    }
    let joined = match moves.op {
        Op::Concat { axis } => Some(axis),
        _ => None,
    };
    match kept {
        None => Some(function.op.clone()),
        Some(None) => None,
        Some(Some(axis)) if joined == Some(axis) => {
            let start: usize = moves.inputs[..operand].iter().map(|id| graph.value(*id).shape[axis]).sum();
            Some(part(&with_axis(&function.op, axis)?, start, from[axis]))
        }
        Some(Some(axis)) => with_axis(&function.op, axis),
    }
}

fn with_axis(op: &Op, axis: usize) -> Option<Op> {
    match op {
        Op::Affine(affine) => Some(Op::Affine(Affine { axis, ..affine.clone() })),
        Op::MultiThreshold(threshold) => {
            Some(Op::MultiThreshold(crate::graph::MultiThreshold { axis, ..*threshold }))
        }
        Op::Activation(Activation::LeakyRelu { slope, .. }) => {
            Some(Op::Activation(Activation::LeakyRelu { slope: slope.clone(), axis }))
        }
        _ => None,
    }
}

/// The function of `size` channels from `start` on.
fn part(op: &Op, start: usize, size: usize) -> Op {
    let cut = |list: &Vec<f64>| match list.len() {
        1 => list.clone(),
        _ => list[start..start + size].to_vec(),
    };
    match op {
        Op::Affine(affine) => Op::Affine(Affine {
            multiply: cut(&affine.multiply),
            divide: cut(&affine.divide),
            add: cut(&affine.add),
            axis: affine.axis,
        }),
        Op::Activation(Activation::LeakyRelu { slope, axis }) => {
            Op::Activation(Activation::LeakyRelu { slope: cut(slope), axis: *axis })
        }
        op => op.clone(),
    }
}

/// The constants of `function` for operand `operand` of `moves`: of thresholds those of its channels.
fn parameters(graph: &mut Graph, function: &Node, moves: &Node, operand: usize) -> Vec<ValueId> {
    let whole = function.inputs[1..].to_vec();
    let (Op::Concat { axis }, Op::MultiThreshold(op)) = (&moves.op, &function.op) else { return whole };
    let thresholds = graph.value(whole[0]).clone();
    let (&[rows, steps], Some(Constant::Float(values))) = (thresholds.shape.as_slice(), &thresholds.constant)
    else {
        return whole;
    };
    if rows == 1 || op.axis != *axis {
        return whole;
    }
    let start: usize = moves.inputs[..operand].iter().map(|id| graph.value(*id).shape[*axis]).sum();
    let size = graph.value(moves.inputs[operand]).shape[*axis];
    let constant = Constant::Float(values[start * steps..(start + size) * steps].to_vec());
    let name = format!("{}:{operand}", thresholds.name);
    let value = Value { name, shape: vec![size, steps], constant: Some(constant), ..thresholds };
    vec![graph.add(value)]
}

/// Whether larger elements never give smaller results.
fn rises(graph: &Graph, function: &Node) -> bool {
    let positive = |list: &[f64]| list.iter().all(|number| *number > 0.0);
    match &function.op {
        Op::Quant(_) | Op::BipolarQuant => {
            let scale = &graph.value(function.inputs[1]).constant;
            matches!(scale, Some(Constant::Float(values)) if values.iter().all(|scale| *scale > 0.0))
        }
        Op::MultiThreshold(op) => op.out_scale > 0.0,
        Op::Affine(op) => positive(&op.multiply) && positive(&op.divide),
        Op::Activation(Activation::LeakyRelu { slope, .. }) => slope.iter().all(|slope| *slope >= 0.0),
        Op::Activation(Activation::Power { exponent }) => exponent % 2 == 1,
        Op::Activation(Activation::Elu { alpha }) => *alpha >= 0.0,
        Op::Activation(Activation::Elementary { of }) => of.rises() == Some(true),
        Op::Activation(Activation::Abs | Activation::Reciprocal) => false,
        Op::Activation(_) => true,
        _ => false,
    }
}

/// What elements of padding with `value` are after `function`: zero stays zero, or a line gives a `float32`.
fn filled(graph: &Graph, function: &Node, value: f32) -> Option<f32> {
    if value == 0.0 && keeps_zero(graph, function) {
        return Some(0.0);
    }
    let Op::Affine(Affine { multiply, divide, add, .. }) = &function.op else { return None };
    let (&[multiply], &[divide], &[add]) = (multiply.as_slice(), divide.as_slice(), add.as_slice()) else {
        return None;
    };
    let divide = exact::from_f64(divide).filter(|divide| !divide.is_zero())?;
    let real = exact::from_f32(value)? * exact::from_f64(multiply)? / divide + exact::from_f64(add)?;
    let narrow = real.to_f64()? as f32;
    (exact::from_f32(narrow)? == real).then_some(narrow)
}

/// Whether zero stays zero.
fn keeps_zero(graph: &Graph, function: &Node) -> bool {
    match &function.op {
        Op::Quant(attributes) => {
            // Zero is the zero point's code, where that is a code.
            let number = |index: usize| match &graph.value(function.inputs[index]).constant {
                Some(Constant::Float(values)) if values.len() == 1 => Some(f64::from(values[0])),
                _ => None,
            };
            let Some((zero, bits)) = number(2).zip(number(3)) else { return false };
            let int = exactum_runtime::num::IntType::new(bits as u8, attributes.signed, attributes.narrow);
            let Some(range) = int.map(|int| int.range()) else { return false };
            let inside = |lo: i64, hi: i64| (lo as f64..=hi as f64).contains(&zero);
            zero.fract() == 0.0
                && inside(range.lo, range.hi)
                && attributes.clip.is_none_or(|[lo, hi]| inside(lo, hi))
        }
        Op::Affine(op) => op.add.iter().all(|number| *number == 0.0),
        Op::Activation(Activation::Clip { lo, hi }) => {
            lo.is_none_or(|lo| lo <= 0.0) && hi.is_none_or(|hi| hi >= 0.0)
        }
        Op::Activation(Activation::Sigmoid | Activation::Reciprocal) => false,
        Op::Activation(Activation::Power { exponent }) => *exponent > 0,
        Op::Activation(Activation::Elementary { of }) => of.value(0.0) == 0.0,
        Op::Activation(_) => true,
        _ => false,
    }
}
