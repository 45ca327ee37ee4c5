//! Compares the values of two backends layer by layer and finds the first difference.

use serde::Serialize;

use super::{Backend, Tensor, computed};
use crate::batch::Batch;
use crate::graph::{Graph, ValueId};
use crate::interface::Port;
use crate::reference::Reference;
use exactum_host::elements::position;

/// Accumulators that were computed in floats may differ by this much of the largest magnitude in their sample.
const RELATIVE_TOLERANCE: f64 = 1e-5;

/// Nearest accumulators that are looked at one by one for another code; farther ones by bisection.
const NEAR: i64 = 4096;

/// What a comparison of two backends found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerComparison {
    /// Name of one backend.
    pub against: String,
    /// Name of the other.
    pub with: String,
    /// Samples compared.
    pub samples: usize,
    /// An entry for each computed value, in execution order.
    pub layers: Vec<LayerRow>,
    /// The first difference: of the first layer that has one, in its first sample.
    pub first: Option<FirstDifference>,
}

/// What was compared of one value, and how much of it differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerRow {
    /// Name of the node that computes it.
    pub layer: String,
    /// Its operator.
    pub op: &'static str,
    /// Name of the value.
    pub value: String,
    /// Elements compared, of all samples; 0 where one of the backends does not have the value.
    pub elements: u64,
    /// Elements that differ.
    pub differing: u64,
    /// Largest difference, in codes or accumulator units.
    pub max_difference: u64,
}

/// One element with different integers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FirstDifference {
    /// Name of the node that computes the value.
    pub layer: String,
    /// Its operator.
    pub op: &'static str,
    /// Name of the value.
    pub value: String,
    /// Position in the batch.
    pub sample: usize,
    /// Position in the value's shape, without the batch.
    pub index: Vec<usize>,
    /// Output channel.
    pub channel: usize,
    /// Integer of the first backend; of floats the nearest one.
    pub against: i64,
    /// Integer of the second backend.
    pub with: i64,
    /// Integer of the exact reference.
    pub exact: i64,
    /// The integer that the exact reference requantizes to this code, the first of two if it takes a sum; absent where
    /// nothing is requantized.
    pub accumulator: Option<i64>,
    /// The nearest integer for which the exact code changes towards the other one; absent if there is none.
    pub threshold: Option<i64>,
}

impl LayerComparison {
    /// Elements that differ, of all layers.
    pub fn differing(&self) -> u64 {
        self.layers.iter().map(|layer| layer.differing).sum()
    }

    /// Values that both backends have.
    pub fn compared(&self) -> usize {
        self.layers.iter().filter(|layer| layer.elements > 0).count()
    }
}

/// Where a value differs for the first time.
#[derive(Clone, Copy)]
struct Place {
    sample: usize,
    element: usize,
    against: i64,
    with: i64,
}

/// Compares the values that `against` and `with` have of the quantized `graph`, for every sample of `batch`, and asks
/// `reference` about the first difference. Calls `progress` after each sample.
///
/// # Panics
/// If graph, reference, batch and backends do not belong together.
pub fn compare(
    graph: &Graph,
    reference: &Reference<'_>,
    batch: &Batch,
    against: &mut dyn Backend,
    with: &mut dyn Backend,
    mut progress: impl FnMut(),
) -> LayerComparison {
    let values: Vec<(usize, ValueId)> = computed(graph).collect();
    let ports: Vec<Port> =
        values.iter().map(|(_, id)| Port::of(&graph.value(*id).name, graph.value(*id))).collect();
    let row = |(node, id): &(usize, ValueId)| LayerRow {
        layer: graph.nodes[*node].name.clone(),
        op: graph.nodes[*node].op.name(),
        value: graph.value(*id).name.clone(),
        elements: 0,
        differing: 0,
        max_difference: 0,
    };
    let mut layers: Vec<LayerRow> = values.iter().map(row).collect();
    let mut places: Vec<Option<Place>> = vec![None; values.len()];
    for sample in 0..batch.samples() {
        let (left, right) = (against.sample(sample), with.sample(sample));
        for (layer, (_, id)) in values.iter().enumerate() {
            let (Some(left), Some(right)) = (&left[id.index()], &right[id.index()]) else { continue };
            assert_eq!(left.len(), right.len(), "backends of one model give values of one shape");
            let row = &mut layers[layer];
            row.elements += left.len() as u64;
            for (element, against, with) in differences(&ports[layer], left, right) {
                row.differing += 1;
                row.max_difference = row.max_difference.max(against.abs_diff(with));
                places[layer].get_or_insert(Place { sample, element, against, with });
            }
        }
        progress();
    }
    let found =
        places.iter().zip(&values).find_map(|(place, (node, id))| Some((place.as_ref()?, *node, *id)));
    LayerComparison {
        against: against.name().to_owned(),
        with: with.name().to_owned(),
        samples: batch.samples(),
        layers,
        first: found.map(|(place, node, id)| first_difference(graph, reference, batch, place, node, id)),
    }
}

/// Elements whose integers differ, with both integers.
fn differences(port: &Port, left: &Tensor, right: &Tensor) -> Vec<(usize, i64, i64)> {
    let integers = |tensor: &Tensor| match tensor {
        Tensor::Integers(values) => values.clone(),
        Tensor::Reals(values) => {
            values.iter().enumerate().map(|(index, real)| port.nearest(index, *real)).collect()
        }
    };
    let (left_integers, right_integers) = (integers(left), integers(right));
    let in_floats =
        port.holds_accumulators() && [left, right].iter().any(|tensor| matches!(tensor, Tensor::Reals(_)));
    let tolerance =
        if in_floats { RELATIVE_TOLERANCE * largest(port, left).max(largest(port, right)) } else { 0.0 };
    let close =
        |index: usize| in_floats && (real(port, left, index) - real(port, right, index)).abs() <= tolerance;
    let pairs = left_integers.into_iter().zip(right_integers).enumerate();
    let found = pairs.filter(|(index, (left, right))| left != right && !close(*index));
    found.map(|(index, (left, right))| (index, left, right)).collect()
}

/// What element `index` of `tensor` stands for.
fn real(port: &Port, tensor: &Tensor, index: usize) -> f64 {
    match tensor {
        Tensor::Integers(values) => port.real(index, values[index]),
        Tensor::Reals(values) => values[index],
    }
}

fn largest(port: &Port, tensor: &Tensor) -> f64 {
    (0..tensor.len()).map(|index| real(port, tensor, index).abs()).fold(0.0, f64::max)
}

fn first_difference(
    graph: &Graph,
    reference: &Reference<'_>,
    batch: &Batch,
    place: &Place,
    node: usize,
    id: ValueId,
) -> FirstDifference {
    let exact = reference.trace(&batch.sample(place.sample)).expect("a batch fits the model's inputs");
    let value = graph.value(id);
    let index = position(&value.shape, place.element);
    let code = exact[id.index()][place.element];
    let operand =
        graph.nodes[node].inputs.first().and_then(|id| exact[id.index()].get(place.element)).copied();
    let accumulator =
        operand.filter(|accumulator| reference.code(node, place.element, *accumulator, &exact) == Some(code));
    let other = if place.against == code { place.with } else { place.against };
    let changes = |accumulator: i64| {
        let changed = reference.code(node, place.element, accumulator, &exact).unwrap_or(code);
        if other > code { changed > code } else { changed < code }
    };
    FirstDifference {
        layer: graph.nodes[node].name.clone(),
        op: graph.nodes[node].op.name(),
        value: value.name.clone(),
        sample: place.sample,
        channel: index.get(1).copied().unwrap_or(0),
        index: index.into_iter().skip(1).collect(),
        against: place.against,
        with: place.with,
        exact: code,
        accumulator,
        threshold: accumulator.and_then(|accumulator| nearest(accumulator, changes)),
    }
}

/// The integer nearest to `from` for which `holds`, which is false for `from`: one by one close to it, farther away as
/// if `holds` changed once in each direction.
fn nearest(from: i64, holds: impl Fn(i64) -> bool) -> Option<i64> {
    for distance in 1..=NEAR {
        if let Some(found) = [from - distance, from + distance].into_iter().find(|at| holds(*at)) {
            return Some(found);
        }
    }
    for power in 13..40 {
        let far = 1i64 << power;
        for sign in [-1, 1] {
            if holds(from + sign * far) {
                let (mut without, mut with) = (far / 2, far);
                while with - without > 1 {
                    let middle = without.midpoint(with);
                    if holds(from + sign * middle) { with = middle } else { without = middle }
                }
                return Some(from + sign * with);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_change_is_found_at_any_distance() {
        for distance in [1, 7, NEAR, NEAR + 1, 8191, 8192, 8193, 1_000_003] {
            assert_eq!(nearest(-5, |at| at >= distance - 5), Some(distance - 5));
            assert_eq!(nearest(5, |at| at <= 5 - distance), Some(5 - distance));
        }
        assert_eq!(nearest(0, |_| false), None);
    }
}
