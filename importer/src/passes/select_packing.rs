//! Chooses how the weights of each layer lie in flash: as they are multiplied fastest, and smaller where that is preferred or
//! the image would not fit the target.

use exactum_runtime::Program;
use exactum_runtime::program::{Packing, words_as_bytes};

use super::{Pass, Run};
use crate::diagnostic::Result;
use crate::graph::{Graph, Level};
use crate::lower::{self, About};
use crate::target::{Prefer, Target};

pub(super) const PASS: Pass = Pass {
    name: "select-packing",
    about: "choose how the weights of each layer lie in flash: fast, and small where they would not fit",
    from: Level::Integer,
    to: Level::Integer,
    run: Run::For(run),
};

/// Bytes of the record of a tensor, which the programs that are measured lack: nothing has a place yet.
const SCRATCH_BYTES: usize = 32;

/// A way to pack the weights of a layer.
#[derive(Clone, Copy, Debug)]
struct Choice {
    packing: Packing,
    /// Instructions of the layer; its multiply-accumulates where nothing was measured.
    cost: f64,
    /// Bytes of its weights and biases, and of the tensor that its kernel works in.
    bytes: usize,
    /// Those of weights and biases alone.
    written: usize,
}

fn run(graph: &mut Graph, target: &Target) -> Result<()> {
    let layers: Vec<usize> =
        (0..graph.nodes.len()).filter(|index| graph.nodes[*index].op.is_layer()).collect();
    for index in &layers {
        graph.nodes[*index].packing = Some(graph.default_packing(*index));
    }
    if target.costs.is_none() && target.facts.flash_bytes.is_none() && target.prefer == Prefer::Speed {
        return Ok(());
    }
    let default = lower::program(graph, &About::default())?;
    let mut choices: Vec<Vec<Choice>> = vec![vec![]; graph.nodes.len()];
    for packing in Packing::ALL {
        let packed = graph.clone().packed(packing);
        let is_default =
            layers.iter().all(|layer| packed.nodes[*layer].packing == graph.nodes[*layer].packing);
        // Packings that take more than the format addresses are none.
        let other = if is_default { None } else { Some(lower::program(&packed, &About::default())) };
        let lowered = match &other {
            None => &default,
            Some(Ok(lowered)) => lowered,
            Some(Err(_)) => continue,
        };
        for (layer, choice) in measured(&packed, lowered, target) {
            if choices[layer].iter().all(|known| known.packing != choice.packing) {
                choices[layer].push(choice);
            }
        }
    }
    let mut bytes = default.image.len() as i64;
    for index in &layers {
        let own = graph.nodes[*index].packing;
        let Some(before) = choices[*index].iter().find(|choice| Some(choice.packing) == own).copied() else {
            continue;
        };
        let is_faster = |choice: &Choice, than: &Choice| target.costs.is_some() && choice.cost < than.cost;
        let best = choices[*index].iter().copied().fold(before, |best, choice| {
            let is_better = match target.prefer {
                Prefer::Speed => is_faster(&choice, &best),
                Prefer::Flash if choice.bytes == best.bytes => is_faster(&choice, &best),
                Prefer::Flash => choice.bytes < best.bytes,
            };
            if is_better { choice } else { best }
        });
        bytes += best.bytes as i64 - before.written as i64;
        graph.nodes[*index].packing = Some(best.packing);
    }
    let room = target.facts.flash_bytes.map_or(i64::MAX, |bytes| bytes.try_into().unwrap_or(i64::MAX));
    while bytes > room {
        let Some((layer, smaller, saved)) = cheapest_saving(graph, &choices) else { break };
        graph.nodes[layer].packing = Some(smaller);
        bytes -= saved as i64;
    }
    Ok(())
}

/// What the layers of `graph` take in the packings that they have, by node.
fn measured(graph: &Graph, lowered: &lower::Lowered, target: &Target) -> Vec<(usize, Choice)> {
    let words = lower::aligned(&lowered.image);
    // Nothing has a place yet, so it is no program that could be loaded; what its ops have to do is known.
    let Ok(program) = Program::trust(&words_as_bytes(&words)[..lowered.image.len()]) else { return vec![] };
    let ops = program.ops().zip(&lowered.ops);
    let choice = |(op, origin): (_, &lower::OpOrigin)| {
        let last = graph.producer(origin.output)?;
        let fused = graph.producer(graph.nodes[last].inputs[0]);
        let layer =
            [Some(last), fused].into_iter().flatten().find(|node| graph.nodes[*node].op.is_layer())?;
        let predicted = target.costs.as_ref().map(|costs| costs.predict(&program, &op));
        // What was not measured is never thought fast.
        let cost = predicted.map_or(origin.macs as f64, |predicted| predicted.unwrap_or(f64::INFINITY));
        let input = program.tensor(op.operand(0)?)?;
        let works = op.scratch_bytes(&input) > 0;
        let written = origin.weight_bytes;
        let bytes = written + if works { SCRATCH_BYTES } else { 0 };
        Some((layer, Choice { packing: graph.nodes[layer].packing?, cost, bytes, written }))
    };
    ops.filter_map(choice).collect()
}

/// The layer and the smaller packing that save a byte for the fewest instructions, and the bytes saved.
fn cheapest_saving(graph: &Graph, choices: &[Vec<Choice>]) -> Option<(usize, Packing, usize)> {
    let saving = |(layer, choices): (usize, &Vec<Choice>)| {
        let own = choices.iter().find(|choice| Some(choice.packing) == graph.nodes[layer].packing)?;
        let price = |choice: &Choice| (choice.cost - own.cost).max(0.0) / (own.bytes - choice.bytes) as f64;
        let smaller = choices.iter().filter(|choice| choice.bytes < own.bytes);
        let cheapest = smaller.min_by(|a, b| price(a).total_cmp(&price(b)))?;
        Some((layer, cheapest.packing, own.bytes - cheapest.bytes, price(cheapest)))
    };
    let savings = choices.iter().enumerate().filter_map(saving);
    let (layer, packing, bytes, _) = savings.min_by(|a, b| a.3.total_cmp(&b.3))?;
    Some((layer, packing, bytes))
}
