//! Writes every value that a backend has as an archive of arrays.

use std::collections::BTreeMap;

use super::arrays::REAL;
use super::{Backend, Names, Tensor};
use crate::Compiled;
use crate::diagnostic::Result;
use crate::graph::ValueId;
use crate::interface::Port;
use crate::{npy, npz};

/// The bytes of an `.npz` archive with the values that `backend` has for `samples` samples, named as in the file and in
/// its integer types; with `real` also what integers stand for, in arrays whose names end in `:real`. The first axis counts the samples.
/// Calls `progress` after each sample.
///
/// # Errors
/// [`Code::CannotWrite`](crate::diagnostic::Code::CannotWrite) if the archive would be larger than the format allows.
pub fn dump(
    compiled: &Compiled,
    backend: &mut dyn Backend,
    samples: usize,
    real: bool,
    mut progress: impl FnMut(),
) -> Result<Vec<u8>> {
    let graph = &compiled.quantized;
    let names = Names::of(compiled).values;
    let mut collected: BTreeMap<ValueId, Vec<Tensor>> = BTreeMap::new();
    for sample in 0..samples {
        for (index, tensor) in backend.sample(sample).into_iter().enumerate() {
            collected.entry(ValueId::new(index)).or_default().extend(tensor);
        }
        progress();
    }
    let mut arrays = vec![];
    for (name, (id, source)) in names {
        let Some(tensors) = collected.get(&id).filter(|tensors| tensors.len() == samples) else { continue };
        let value = graph.value(id);
        let mut shape = value.shape.clone();
        if let Some(batch) = shape.first_mut() {
            *batch = samples;
        }
        let integers: Vec<i64> = tensors.iter().flat_map(integers).copied().collect();
        if integers.is_empty() {
            let reals: Vec<f32> = tensors.iter().flat_map(reals).map(|real| *real as f32).collect();
            arrays.push((name.to_owned(), npy::write(&shape, &reals)));
            continue;
        }
        let port = Port::of(&value.name, value);
        let elems = port.elems().max(1);
        let real_of = |index: usize| port.real(index % elems, integers[index]);
        let tensor = source.and_then(|source| compiled.imported.value(source).tensor.as_ref());
        let array = match tensor.filter(|tensor| tensor.holds_integers()) {
            Some(tensor) => {
                let number = |index| tensor.of_real(&value.shape, index % elems, real_of(index));
                let numbers: Vec<f64> = (0..integers.len()).map(number).collect();
                npy::write_numbers(tensor.elem, &shape, &numbers)
            }
            None => smallest(&shape, &integers),
        };
        arrays.push((name.to_owned(), array));
        if real {
            let reals: Vec<f32> = (0..integers.len()).map(|index| real_of(index) as f32).collect();
            arrays.push((format!("{name}{REAL}"), npy::write(&shape, &reals)));
        }
    }
    Ok(npz::write(&arrays)?)
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
