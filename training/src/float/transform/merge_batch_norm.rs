//! Batch norm is an affine function of each channel, and so is part of a linear layer before or behind it.

use crate::float::{BatchNorm, FloatGraph, FloatOp, Weighted, WeightedKind};

/// Merges each batch norm into the layer with weights whose output it alone reads, else into those behind it if all
/// of them are layers with weights that see it whole, else into another batch norm before it.
pub fn merge_batch_norm(graph: &mut FloatGraph) -> usize {
    let mut changes = 0;
    let mut index = 0;
    while index < graph.nodes.len() {
        if matches!(graph.nodes[index].op, FloatOp::BatchNorm(_)) && merge(graph, index) {
            changes += 1;
        } else {
            index += 1;
        }
    }
    changes
}

fn merge(graph: &mut FloatGraph, index: usize) -> bool {
    let FloatOp::BatchNorm(norm) = graph.nodes[index].op.clone() else { return false };
    let merged = merge_into_preceding(graph, index, &norm) || merge_into_following(graph, index, &norm);
    if merged {
        graph.bypass(index);
    }
    merged
}

fn merge_into_preceding(graph: &mut FloatGraph, index: usize, norm: &BatchNorm) -> bool {
    let source = &graph.nodes[index].inputs[0];
    let Some(producer) = graph.producer(source) else { return false };
    if graph.only_consumer(source) != Some(index) {
        return false;
    }
    let (factors, terms) = norm.affine();
    match &mut graph.nodes[producer].op {
        FloatOp::Weighted(layer) if layer.out_channels() == norm.channels() => {
            layer.scale_outputs(&factors);
            layer.add_bias(&terms);
            true
        }
        FloatOp::BatchNorm(first) if first.channels() == norm.channels() => {
            let (first_factors, first_terms) = first.affine();
            let compose = |c: usize| (factors[c] * first_factors[c], factors[c] * first_terms[c] + terms[c]);
            let composed: (Vec<f32>, Vec<f32>) =
                (0..norm.channels()).map(compose).map(|(factor, term)| (factor as f32, term as f32)).unzip();
            *first = BatchNorm { scale: composed.0, ..BatchNorm::shift(composed.1) };
            true
        }
        _ => false,
    }
}

fn merge_into_following(graph: &mut FloatGraph, index: usize, norm: &BatchNorm) -> bool {
    let output = graph.nodes[index].output.clone();
    let readers = graph.consumers(&output);
    let (factors, terms) = norm.affine();
    let shifts = terms.iter().any(|term| *term != 0.0);
    let fits =
        |layer: &Weighted| layer.in_channels() == norm.channels() && (!shifts || layer.sees_whole_windows());
    let all_fit = readers.iter().all(|reader| match &graph.nodes[*reader].op {
        FloatOp::Weighted(layer) => fits(layer),
        _ => false,
    });
    if readers.is_empty() || !all_fit || graph.output == output {
        return false;
    }
    for reader in readers {
        if let FloatOp::Weighted(layer) = &mut graph.nodes[reader].op {
            if shifts {
                let mut constants = vec![0.0; layer.out_channels()];
                for (output, input, weight) in layer.elements() {
                    constants[output] += f64::from(weight) * terms[input];
                }
                layer.add_bias(&constants);
            }
            layer.scale_inputs(&factors);
            debug_assert!(!matches!(layer.kind, WeightedKind::ConvTranspose { .. }) || !shifts);
        }
    }
    true
}
