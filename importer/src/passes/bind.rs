//! Makes an output and an input of the network one state, for networks whose file gives the state to its caller and takes it
//! again with the next sample.
//!
//! It runs on the quantized graph, and only when asked, so it is none of [`PASSES`](super::PASSES).

use crate::diagnostic::{Code, Diagnostic, Location, Result};
use crate::graph::{Codes, Graph, Level, Node, Op, State, Type, Value, ValueId};

/// Makes output `output` what input `input` is in the next run; zero in the first.
///
/// # Errors
/// [`Code::BadBinding`] if there are none of these names, or their integers do not stand for the same numbers.
///
/// # Panics
/// If `graph` is not on the quantized level.
pub fn bind(graph: &mut Graph, output: &str, input: &str) -> Result<()> {
    assert_eq!(graph.level, Level::Quantized, "states are bound in quantized graphs");
    let refused = |found: String, needed: &str| -> crate::diagnostic::Report {
        Diagnostic::new(Code::BadBinding, Location::part(format!("--bind {output}={input}")), found, needed)
            .into()
    };
    let from = (0..graph.outputs.len()).find(|position| graph.result(*position).name == output);
    let from = from.ok_or_else(|| refused(format!("no output `{output}`"), "the name of an output"))?;
    let inputs: Vec<ValueId> =
        graph.inputs.iter().copied().filter(|id| graph.value(*id).name == input).collect();
    let to = match inputs[..] {
        [to] => to,
        [] => return Err(refused(format!("no input `{input}` that is read"), "the name of an input")),
        _ => return Err(refused(format!("`{input}` quantized in several ways"), "one quantizer")),
    };
    let reads = |node: &&Node| node.inputs.first() == Some(&to) && matches!(node.op, Op::Quantize(_));
    let Some(state) = graph.nodes.iter().find(reads).map(|node| node.output) else {
        return Err(refused(format!("`{input}` without a quantizer"), "an input that the network quantizes"));
    };
    let pushed = graph.outputs[from];
    let (Type::Codes(new), Type::Codes(old)) = (&graph.value(pushed).ty, &graph.value(state).ty) else {
        let found = format!("an output of {}", kind(graph.value(pushed)));
        return Err(refused(found, "an output that ends in the codes of a quantizer"));
    };
    let plain = graph.nodes.iter().find(reads).is_some_and(|node| match &node.op {
        Op::Quantize(edge) => edge.tail.curve.is_identity(),
        _ => false,
    });
    let zero = |codes: &Codes| (codes.int, codes.zero_point, codes.scale.clone(), codes.axis);
    let shapes = [pushed, state].map(|id| graph.value(id).shape.clone());
    if shapes[0] != shapes[1] {
        return Err(refused(format!("shapes {:?} and {:?}", shapes[0], shapes[1]), "equal shapes"));
    }
    if !plain || zero(new) != zero(old) || !old.range.contains_range(new.range) {
        let found = format!("{} and {}", described(new), described(old));
        return Err(refused(
            found,
            "the same integers on both sides: type, scale, zero point, and no operators before",
        ));
    }
    let seen = graph.outputs.contains(&state);
    if seen || pushed == state {
        return Err(refused(
            "an output that is an input as it came".into(),
            "outputs that the network computes",
        ));
    }
    let fill = old.range.clamp(old.zero_point);
    graph.inputs.retain(|id| *id != to);
    graph.nodes.retain(|node| node.output != state);
    graph.value_mut(state).sources.clear();
    graph.states.push(State { value: state, fill });
    let value =
        Value { tensor: None, sources: vec![], name: format!("{output}.kept"), ..graph.value(state).clone() };
    let name = value.name.clone();
    let kept = graph.add(value);
    let origin = graph.producer(pushed).map(|index| graph.nodes[index].origin.clone()).unwrap_or_default();
    let inputs = vec![state, pushed];
    graph.nodes.push(Node::new(name, origin, Op::Push, inputs, kept));
    graph.compact();
    Ok(())
}

fn kind(value: &Value) -> &'static str {
    match value.ty {
        Type::Codes(_) => "codes",
        Type::Accumulators { .. } => "sums",
        Type::Float | Type::Shape => "numbers that a function makes of integers",
    }
}

fn described(codes: &Codes) -> String {
    let scales: Vec<String> = codes.scale.iter().take(3).map(ToString::to_string).collect();
    let Codes { int, range, zero_point, .. } = codes;
    format!("{int} {range} with scale {} and zero point {zero_point}", scales.join(", "))
}
