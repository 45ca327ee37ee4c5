//! Writes every value that a backend has as an archive of arrays.

use super::arrays::REAL;
use super::{Backend, Tensor, by_name, computed};
use crate::diagnostic::Result;
use crate::graph::{Graph, ValueId};
use crate::interface::Port;
use crate::{npy, npz};

/// The bytes of an `.npz` archive with the values that `backend` has for `samples` samples, named as in the file; with
/// `real` also what integers stand for, in arrays whose names end in `:real`. The first axis counts the samples.
/// Calls `progress` after each sample.
///
/// # Errors
/// [`Code::CannotWrite`](crate::diagnostic::Code::CannotWrite) if the archive would be larger than the format allows.
pub fn dump(
    graph: &Graph,
    backend: &mut dyn Backend,
    samples: usize,
    real: bool,
    mut progress: impl FnMut(),
) -> Result<Vec<u8>> {
    let names = by_name(graph);
    let named = |id: &ValueId| names.get(graph.value(*id).name.as_str()) == Some(id);
    let ids: Vec<ValueId> = computed(graph).map(|(_, id)| id).filter(named).collect();
    let mut collected: Vec<Vec<Tensor>> = vec![vec![]; ids.len()];
    for sample in 0..samples {
        let mut values = backend.sample(sample);
        for (id, collected) in ids.iter().zip(&mut collected) {
            collected.extend(values[id.index()].take());
        }
        progress();
    }
    let mut arrays = vec![];
    for (id, tensors) in ids.iter().zip(&collected).filter(|(_, tensors)| tensors.len() == samples) {
        let value = graph.value(*id);
        let mut shape = value.shape.clone();
        if let Some(batch) = shape.first_mut() {
            *batch = samples;
        }
        let integers: Vec<i64> = tensors.iter().flat_map(integers).copied().collect();
        if integers.is_empty() {
            let reals: Vec<f32> = tensors.iter().flat_map(reals).map(|real| *real as f32).collect();
            arrays.push((value.name.clone(), npy::write(&shape, &reals)));
            continue;
        }
        arrays.push((value.name.clone(), smallest(&shape, &integers)));
        if real {
            let port = Port::of(&value.name, value);
            let elems = port.elems().max(1);
            let reals =
                integers.iter().enumerate().map(|(index, integer)| port.real(index % elems, *integer) as f32);
            arrays.push((format!("{}{REAL}", value.name), npy::write(&shape, &reals.collect::<Vec<f32>>())));
        }
    }
    npz::write(&arrays)
}

/// `integers` as int32, or int64 where they need it.
fn smallest(shape: &[usize], integers: &[i64]) -> Vec<u8> {
    let narrow: Option<Vec<i32>> = integers.iter().map(|integer| i32::try_from(*integer).ok()).collect();
    narrow.map_or_else(|| npy::write(shape, integers), |narrow| npy::write(shape, &narrow))
}

fn integers(tensor: &Tensor) -> &[i64] {
    match tensor {
        Tensor::Integers(values) => values,
        Tensor::Reals(_) => &[],
    }
}

fn reals(tensor: &Tensor) -> &[f64] {
    match tensor {
        Tensor::Reals(values) => values,
        Tensor::Integers(_) => &[],
    }
}
