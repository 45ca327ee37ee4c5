//! Cross-layer equalization: weights of neighbouring layers get channels of like ranges, so that one scale fits all.
//!
//! Between two layers with weights and nothing but ReLU, max or average pooling and flattening, channel `c` can be
//! divided by any positive factor behind the first layer and multiplied by it in the second: what lies between keeps
//! positive factors. The factor `sqrt(r1 / r2)`, with the largest magnitudes `r1`, `r2` of the channel's weights in
//! the two layers, makes both ranges equal (Nagel et al., "Data-Free Quantization Through Weight Equalization and
//! Bias Correction", 2019). Chains of layers are repeated until nothing moves.

use crate::float::{FloatGraph, FloatOp, Weighted};

/// How long equalization goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EqualizeConfig {
    /// Most passes over all pairs of layers.
    pub iterations: usize,
    /// Stop when no factor of a pass differs from 1 by more than this.
    pub threshold: f64,
}

impl Default for EqualizeConfig {
    /// 20 passes, 1 percent.
    fn default() -> Self {
        Self { iterations: 20, threshold: 0.01 }
    }
}

/// Equalizes all pairs of layers and returns their number.
pub fn equalize(graph: &mut FloatGraph, config: &EqualizeConfig) -> usize {
    let pairs: Vec<Pair> = (0..graph.nodes.len()).filter_map(|first| Pair::from(graph, first)).collect();
    for _ in 0..config.iterations {
        let moved = pairs.iter().map(|pair| pair.equalize(graph)).fold(0.0, f64::max);
        if moved <= config.threshold {
            break;
        }
    }
    pairs.len()
}

/// Two layers with weights, the second the only reader of the first.
struct Pair {
    first: usize,
    second: usize,
    /// Input channels of the second that one output channel of the first becomes by flattening.
    repeat: usize,
}

impl Pair {
    fn from(graph: &FloatGraph, first: usize) -> Option<Self> {
        let FloatOp::Weighted(layer) = &graph.nodes[first].op else { return None };
        let mut node = first;
        loop {
            node = graph.only_consumer(&graph.nodes[node].output)?;
            match &graph.nodes[node].op {
                FloatOp::Relu
                | FloatOp::MaxPool(_)
                | FloatOp::AveragePool(_)
                | FloatOp::GlobalAveragePool
                | FloatOp::Flatten
                | FloatOp::Identity
                | FloatOp::Dropout { .. } => {}
                FloatOp::Weighted(second) => {
                    let (outputs, inputs) = (layer.out_channels(), second.in_channels());
                    return (outputs > 0 && inputs.is_multiple_of(outputs)).then(|| Self {
                        first,
                        second: node,
                        repeat: inputs / outputs,
                    });
                }
                _ => return None,
            }
        }
    }

    /// Makes the ranges equal and returns the largest distance of a factor from 1.
    fn equalize(&self, graph: &mut FloatGraph) -> f64 {
        let (Some(first), Some(second)) = (layer(graph, self.first), layer(graph, self.second)) else {
            return 0.0;
        };
        let channels = first.out_channels();
        let mut ranges = vec![(0f64, 0f64); channels];
        for (output, _, weight) in first.elements() {
            ranges[output].0 = ranges[output].0.max(f64::from(weight.abs()));
        }
        for (_, input, weight) in second.elements() {
            let range = &mut ranges[input / self.repeat].1;
            *range = range.max(f64::from(weight.abs()));
        }
        let factor = |(first, second): &(f64, f64)| {
            let factor = (first / second).sqrt();
            // A channel that is zero on one side has no range to share.
            if factor.is_normal() { factor } else { 1.0 }
        };
        let factors: Vec<f64> = ranges.iter().map(factor).collect();
        let inverse: Vec<f64> = factors.iter().map(|factor| factor.recip()).collect();
        let repeated: Vec<f64> =
            factors.iter().flat_map(|factor| std::iter::repeat_n(*factor, self.repeat)).collect();
        if let FloatOp::Weighted(first) = &mut graph.nodes[self.first].op {
            first.scale_outputs(&inverse);
        }
        if let FloatOp::Weighted(second) = &mut graph.nodes[self.second].op {
            second.scale_inputs(&repeated);
        }
        factors.iter().map(|factor| (factor - 1.0).abs()).fold(0.0, f64::max)
    }
}

fn layer(graph: &FloatGraph, index: usize) -> Option<&Weighted> {
    match &graph.nodes[index].op {
        FloatOp::Weighted(layer) => Some(layer),
        _ => None,
    }
}
