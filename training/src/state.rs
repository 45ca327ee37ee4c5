//! The state of a network: values of parameters and buffers under names, to save, to move between programs and to load.
//!
//! Names are those of Brevitas, so that checkpoints of PyTorch load: `fc.weight`,
//! `fc.weight_quant.tensor_quant.scaling_impl.value`. A parameter that several layers share has a name in each.
//! Called by training and by programs; burn's own records work beside it.

mod load;
mod pytorch;
mod safetensors;

pub use load::{LoadError, LoadPolicy, LoadReport, load_state};

use std::collections::BTreeMap;
use std::path::PathBuf;

use thiserror::Error;

use crate::Parameter;
use crate::backend::{Module, TensorData};
use crate::component::{Component, layers};

/// Values by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateDict {
    entries: BTreeMap<String, StateTensor>,
}

/// Values of one parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct StateTensor {
    /// Extents of the dimensions; none for a single value.
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: Vec<f32>,
}

/// A file is no state, or cannot be reached.
#[derive(Debug, Error)]
#[error("state file `{}`: {reason}", path.display())]
pub struct StateFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub reason: String,
}

impl StateDict {
    /// Names in alphabetical order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The values called `key`.
    pub fn get(&self, key: &str) -> Option<&StateTensor> {
        self.entries.get(key)
    }

    /// Adds or replaces values.
    ///
    /// # Panics
    ///
    /// If the number of values is not the product of `shape`.
    pub fn insert(&mut self, key: impl Into<String>, shape: Vec<usize>, values: Vec<f32>) {
        assert_eq!(values.len(), shape.iter().product::<usize>(), "values of a tensor of shape {shape:?}");
        self.entries.insert(key.into(), StateTensor { shape, values });
    }

    /// Takes values out.
    pub fn remove(&mut self, key: &str) -> Option<StateTensor> {
        self.entries.remove(key)
    }

    /// The same values under other names.
    #[must_use]
    pub fn rename(self, rename: impl Fn(&str) -> String) -> Self {
        Self { entries: self.entries.into_iter().map(|(key, value)| (rename(&key), value)).collect() }
    }

    /// Swaps the dimensions of a matrix called `key`, if there is one: burn's own linear layers keep inputs first, this
    /// crate and PyTorch keep outputs first.
    pub fn transpose(&mut self, key: &str) {
        if let Some(StateTensor { shape, values }) = self.entries.get_mut(key)
            && let [rows, columns] = shape[..]
        {
            *values = (0..columns)
                .flat_map(|c| (0..rows).map(move |r| r * columns + c))
                .map(|i| values[i])
                .collect();
            shape.swap(0, 1);
        }
    }

    /// Adds values of any numeric type.
    fn insert_data(&mut self, key: String, data: TensorData) -> Result<(), String> {
        let shape = data.shape().to_vec();
        let values =
            data.convert::<f32>().try_into_vec::<f32>().map_err(|error| format!("`{key}`: {error:?}"))?;
        self.insert(key, shape, values);
        Ok(())
    }
}

/// The values of all parameters and buffers of the layers of `network`.
///
/// Scales that no batch was collected for yet are left out: a network that loads the state collects them itself.
pub fn state_dict(network: &impl Module) -> StateDict {
    let mut state = StateDict::default();
    for slot in slots(network) {
        if slot.collected {
            for path in slot.paths {
                state.insert(path, slot.parameter.shape().to_vec(), slot.parameter.values());
            }
        }
    }
    state
}

/// A parameter or buffer of a network.
struct Slot {
    /// All its names.
    paths: Vec<String>,
    parameter: Parameter,
    /// False for a statistic that has had no batch.
    collected: bool,
}

impl Slot {
    /// Whether the parameter belongs to a quantizer rather than to the layer itself.
    fn of_quantizer(&self) -> bool {
        is_of_quantizer(&self.paths[0])
    }
}

/// Whether a name leads through a quantizer.
fn is_of_quantizer(key: &str) -> bool {
    key.split('.').any(|segment| segment.ends_with("_quant"))
}

/// Each parameter once, in the order of layers.
fn slots(network: &impl Module) -> Vec<Slot> {
    let mut slots = Vec::new();
    each_component(network, &mut |component, prefix| {
        let collected =
            component.has_collected() && component.children().iter().all(|(_, child)| child.has_collected());
        for (name, parameter) in component.parameters() {
            let path = format!("{prefix}{name}");
            match slots.iter_mut().find(|slot: &&mut Slot| slot.parameter.is(parameter)) {
                Some(known) => known.paths.push(path),
                None => slots.push(Slot { paths: vec![path], parameter: parameter.clone(), collected }),
            }
        }
        Ok::<(), std::convert::Infallible>(())
    })
    .unwrap_or_else(|never| match never {});
    slots
}

/// Shows all components of the layers of `network` to `f`, with the prefix of the names of their parameters.
fn each_component<E>(
    network: &impl Module,
    f: &mut impl FnMut(&dyn Component, &str) -> Result<(), E>,
) -> Result<(), E> {
    fn walk<E>(
        component: &dyn Component,
        prefix: &str,
        f: &mut impl FnMut(&dyn Component, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        f(component, prefix)?;
        component
            .children()
            .into_iter()
            .try_for_each(|(name, child)| walk(child, &format!("{prefix}{name}."), f))
    }
    layers(network).into_iter().try_for_each(|layer| {
        let prefix = if layer.path.is_empty() { String::new() } else { format!("{}.", layer.path) };
        walk(&*layer.component, &prefix, f)
    })
}
