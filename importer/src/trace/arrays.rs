//! Values from an archive of arrays that something else computed: Brevitas, an ONNX executor, a board, an earlier run.

use super::{Backend, Names, Tensor, computed};
use crate::Compiled;
use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use crate::graph::{TensorType, Value};
use crate::interface::Port;
use exactum_host::npz::{self, Entry};

/// What is added to a value's name for its real numbers, where the plain name holds its integers.
pub(super) const REAL: &str = ":real";

/// Arrays with the names of a model's values; the first axis counts the samples.
#[derive(Debug)]
pub struct Arrays {
    name: String,
    /// By value of the quantized graph.
    entries: Vec<Option<Entry>>,
}

impl Arrays {
    /// The arrays of the archive in `bytes`, called `name`, that belong to values of `compiled`.
    /// Arrays of integers hold the file's integers, or codes and accumulators where it has floats; arrays of floats what
    /// these stand for.
    ///
    /// # Errors
    /// [`Code::NotNpz`] or [`Code::NotNpy`] if something is not readable, [`Code::BadInput`] if no array has the name
    /// of a value, or if one has but not its shape for `samples` samples.
    pub fn new(compiled: &Compiled, name: &str, bytes: &[u8], samples: usize) -> Result<Self> {
        let graph = &compiled.quantized;
        let ids = Names::of(compiled).values;
        let wanted = |name: &str| ids.contains_key(name.strip_suffix(REAL).unwrap_or(name));
        let mut found = npz::read(bytes, wanted)?;
        let mut entries = vec![None; graph.values.len()];
        let mut problems = vec![];
        for (value_name, (id, source)) in &ids {
            let real = format!("{value_name}{REAL}");
            let (array_name, mut entry) = match (found.remove(*value_name), found.remove(&real)) {
                (Some(entry), _) => ((*value_name).to_owned(), entry),
                (None, Some(entry)) => (real, entry),
                (None, None) => continue,
            };
            let shape = &graph.value(*id).shape;
            let mut needed = shape.clone();
            if let Some(batch) = needed.first_mut() {
                *batch = samples;
            }
            // Executors that run a sample at a time give results with a batch of one, one beside the other.
            let stacked = entry.array.shape.split_first() == Some((&samples, shape.as_slice()));
            if entry.array.shape == needed || stacked {
                let tensor = source.and_then(|source| compiled.imported.value(source).tensor.as_ref());
                if let Some(tensor) = tensor.filter(|tensor| entry.integers && tensor.holds_integers()) {
                    own_integers(graph.value(*id), tensor, &mut entry.array.values);
                }
                entries[id.index()] = Some(entry);
            } else {
                let at = Location::part(format!("array `{array_name}`"));
                let found = format!("shape {:?}", entry.array.shape);
                let needed = format!("shape {needed:?}, the samples along the first axis");
                problems.push(Diagnostic::new(Code::BadInput, at, found, needed));
            }
        }
        if problems.is_empty() && entries.iter().all(Option::is_none) {
            let listed = |names: &[String]| match names {
                [] => "no arrays".to_owned(),
                names => names.iter().take(4).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
            };
            let values: Vec<String> = computed(graph).map(|(_, id)| graph.value(id).name.clone()).collect();
            let found = format!("{}, none of them a value of the model", listed(&npz::names(bytes)?));
            let needed = format!("arrays named as values of the model, such as {}", listed(&values));
            return Err(Diagnostic::new(Code::BadInput, Location::part("names"), found, needed).into());
        }
        Report::check(problems, Self { name: name.to_owned(), entries })
    }
}

impl Backend for Arrays {
    fn name(&self) -> &str {
        &self.name
    }

    fn sample(&mut self, index: usize) -> Vec<Option<Tensor>> {
        let of = |entry: &Entry| {
            let elems: usize = entry.array.shape.iter().skip(1).product();
            let values = entry.array.values.iter().skip(index * elems).take(elems);
            match entry.integers {
                true => Tensor::Integers(values.map(|value| *value as i64).collect()),
                false => Tensor::Reals(values.copied().collect()),
            }
        };
        self.entries.iter().map(|entry| entry.as_ref().map(of)).collect()
    }
}

/// The integers of `value` that stand for the file's integers `numbers`, which `tensor` describes.
fn own_integers(value: &Value, tensor: &TensorType, numbers: &mut [f64]) {
    let port = Port::of(&value.name, value);
    let elems = port.elems().max(1);
    for (index, number) in numbers.iter_mut().enumerate() {
        let real = tensor.real(&value.shape, index % elems, *number);
        *number = port.nearest(index % elems, real) as f64;
    }
}
