//! Gives padding with zeros to the convolution or average pool that alone reads it.

use super::{Pass, Run};
use crate::diagnostic::Result;
use crate::graph::{Graph, Level, Op, Value, Window, joined, shape};

pub(super) const PASS: Pass = Pass {
    name: "fuse-padding",
    about: "turn padding with zeros into that of the layer or average pool after it",
    from: Level::Imported,
    to: Level::Imported,
    run: Run::Always(run),
};

/// Largest padding of a window, which the program format keeps in 16 bits.
const MAX: usize = u16::MAX as usize;

fn run(graph: &mut Graph) -> Result<()> {
    for pad in 0..graph.nodes.len() {
        behind_reshape(graph, pad);
    }
    for pad in 0..graph.nodes.len() {
        if let Some((reader, op)) = fused(graph, pad) {
            let (x, origin) = (graph.nodes[pad].inputs[0], graph.nodes[pad].origin.clone());
            let node = &mut graph.nodes[reader];
            node.op = op;
            node.inputs[0] = x;
            node.origin = joined(&node.origin, &origin);
        }
    }
    Ok(())
}

/// The one reader of node `index`, which reads it as its first operand alone.
fn only_reader(graph: &Graph, index: usize) -> Option<usize> {
    let output = graph.nodes[index].output;
    let mut readers = graph.consumers(output);
    let reader = readers.next()?;
    let reads = graph.nodes[reader].inputs.iter().filter(|id| **id == output).count();
    let first = graph.nodes[reader].inputs.first() == Some(&output);
    (first && reads == 1 && readers.next().is_none() && !graph.outputs.contains(&output)).then_some(reader)
}

/// Exchanges a padding of a line and the reshape that makes it an image of height 1.
fn behind_reshape(graph: &mut Graph, pad: usize) -> Option<()> {
    let Op::Pad { before, after, value } = &graph.nodes[pad].op else { return None };
    let reshape = only_reader(graph, pad)?;
    let x = graph.nodes[pad].inputs[0];
    let (&[n, c, length], &[1, _, 1, _]) =
        (graph.value(x).shape.as_slice(), graph.value(graph.nodes[reshape].output).shape.as_slice())
    else {
        return None;
    };
    let (&[0, 0, left], &[0, 0, right]) = (before.as_slice(), after.as_slice()) else { return None };
    if graph.nodes[reshape].op != Op::Reshape || n != 1 {
        return None;
    }
    let op = Op::Pad { before: vec![0, 0, 0, left], after: vec![0, 0, 0, right], value: *value };
    let image = graph.nodes[pad].output;
    let moved = Value::new(graph.value(image).name.clone(), vec![n, c, 1, length], graph.value(x).ty.clone());
    let image = graph.add(moved);
    let (padded, shaped) = (graph.nodes[pad].clone(), graph.nodes[reshape].clone());
    graph.nodes[pad] = crate::graph::Node { inputs: vec![x], output: image, ..shaped.clone() };
    graph.nodes[reshape] = crate::graph::Node { op, inputs: vec![image], output: shaped.output, ..padded };
    Some(())
}

/// The reader of padding node `pad`, with that padding, if the reader can have it.
fn fused(graph: &Graph, pad: usize) -> Option<(usize, Op)> {
    let Op::Pad { before, after, value: 0.0 } = &graph.nodes[pad].op else { return None };
    let (&[0, 0, top, left], &[0, 0, bottom, right]) = (before.as_slice(), after.as_slice()) else {
        return None;
    };
    let reader = only_reader(graph, pad)?;
    let wider = |window: Window| {
        let sides = [top, left, bottom, right];
        let pads: Vec<usize> =
            window.pads.iter().zip(sides).map(|(pad, more)| pad.saturating_add(more)).collect();
        let pads: [usize; 4] = pads.try_into().ok()?;
        pads.iter().all(|pad| *pad <= MAX).then_some(Window { pads, ..window })
    };
    let op = match graph.nodes[reader].op.clone() {
        Op::Conv(mut conv) => {
            conv.window = wider(conv.window)?;
            Op::Conv(conv)
        }
        // Elements of the padding count as those of the input do.
        Op::AveragePool(mut pool) if pool.count_include_pad || !pool.pool.window.is_padded() => {
            pool.pool.window = wider(pool.pool.window)?;
            pool.count_include_pad = true;
            Op::AveragePool(pool)
        }
        _ => return None,
    };
    let x = graph.value(graph.nodes[pad].inputs[0]);
    let operands: Vec<&Value> =
        std::iter::once(x).chain(graph.nodes[reader].inputs[1..].iter().map(|id| graph.value(*id))).collect();
    let shape = shape::infer(&op, &operands, None).ok()?;
    (shape == graph.value(graph.nodes[reader].output).shape).then_some((reader, op))
}
