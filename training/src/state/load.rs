//! Loading values into a network: all of it or, on an error, nothing.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use thiserror::Error;

use super::{Slot, StateDict, StateTensor, each_component, is_of_quantizer, slots};
use crate::backend::Module;
use crate::calibrate::Collection;
use crate::component::walk;
use crate::quant::QuantizerBuildError;

/// What a state may lack, or have too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadPolicy {
    /// Accept that values of quantizers are missing, as in the state of a float network: learned scales and zero points
    /// of weights then start from the loaded weights, those of activations are collected. Weights and biases must
    /// be there.
    pub ignore_missing_keys: bool,
    /// Accept values that the network has no place for.
    pub ignore_unexpected_keys: bool,
}

impl LoadPolicy {
    /// Names must match exactly.
    pub const STRICT: Self = Self { ignore_missing_keys: false, ignore_unexpected_keys: false };
}

impl Default for LoadPolicy {
    /// Strict, unless the environment variable `EXACTUM_IGNORE_MISSING_KEYS` or `BREVITAS_IGNORE_MISSING_KEYS` is 1.
    fn default() -> Self {
        let set = |name| std::env::var(name).is_ok_and(|value| value == "1");
        let ignore_missing_keys = set("EXACTUM_IGNORE_MISSING_KEYS") || set("BREVITAS_IGNORE_MISSING_KEYS");
        Self { ignore_missing_keys, ..Self::STRICT }
    }
}

/// What was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Names of values that the state lacked and the policy accepted.
    pub missing: Vec<String>,
    /// Names that had no place in the network and the policy accepted.
    pub unexpected: Vec<String>,
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { missing, unexpected } = self;
        if missing.is_empty() && unexpected.is_empty() {
            return f.write_str("All keys matched successfully");
        }
        write!(f, "All other keys matched; not in the state: {missing:?}, not in the network: {unexpected:?}")
    }
}

/// A state does not fit a network. Nothing was loaded.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum LoadError {
    /// Names or shapes differ.
    #[error("{}", describe(missing, unexpected, shapes))]
    Mismatch {
        /// Names of values that the state lacks.
        missing: Vec<String>,
        /// Names that have no place in the network.
        unexpected: Vec<String>,
        /// Name, shape found and shape needed.
        shapes: Vec<(String, Vec<usize>, Vec<usize>)>,
    },
    /// A value is infinite or not a number.
    #[error(
        "state: value {index} of `{key}` is {value}, needed finite numbers; the state was saved after training diverged"
    )]
    NotFinite {
        /// The name.
        key: String,
        /// Row-major index.
        index: usize,
        /// What was found.
        value: f32,
    },
    /// A quantizer cannot be built from the loaded weights.
    #[error("state: `{path}` cannot be built from the loaded weights: {source}")]
    Quantizer {
        /// Names to the quantizer.
        path: String,
        /// Why.
        source: QuantizerBuildError,
    },
}

fn describe(
    missing: &[String],
    unexpected: &[String],
    shapes: &[(String, Vec<usize>, Vec<usize>)],
) -> String {
    let list = |keys: &[String]| keys.iter().map(|key| format!("\"{key}\"")).collect::<Vec<_>>().join(", ");
    let mut text = String::from("the state does not fit the network;");
    if !missing.is_empty() {
        text += &format!(" Missing key(s) in state: {};", list(missing));
        if missing.iter().all(|key| is_of_quantizer(key)) {
            text += " to start quantizers from the loaded weights and from data, set `ignore_missing_keys` of the policy or \
                     EXACTUM_IGNORE_MISSING_KEYS=1;";
        }
    }
    if !unexpected.is_empty() {
        text += &format!(" Unexpected key(s) in state: {};", list(unexpected));
    }
    for (key, found, needed) in shapes {
        text += &format!(" \"{key}\" has shape {found:?}, needed {needed:?};");
        if found.len() == 2 && found.iter().rev().eq(needed) {
            text += " use `StateDict::transpose` if it was saved inputs first;";
        }
    }
    text.pop();
    text
}

/// Loads `state` into the parameters of the layers of `network`.
///
/// Quantizers of weights are built anew from the loaded weights before their own values are loaded. Where the value of
/// an activation's scale or zero point is loaded, the collection of statistics ends. Names of Brevitas that differ by the
/// fused proxy of activations are understood.
///
/// # Errors
///
/// If the state does not fit; see [`LoadError`]. The network is unchanged then, but for [`LoadError::Quantizer`].
pub fn load_state(
    network: &impl Module,
    state: &StateDict,
    policy: LoadPolicy,
) -> Result<LoadReport, LoadError> {
    let entries: Entries =
        state.entries.iter().map(|(key, value)| (plain(key), (key.as_str(), value))).collect();
    let report = check(&slots(network), &entries, policy)?;
    // Weights first, because building a quantizer anew reads them and replaces its parameters.
    apply(&slots(network), &entries);
    each_component(network, &mut |component, path| {
        let path = || path.trim_end_matches('.').to_owned();
        component.weights_replaced().map_err(|source| LoadError::Quantizer { path: path(), source })
    })?;
    apply(&slots(network), &entries);
    each_component(network, &mut |component, path| {
        if component.parameters().iter().any(|(name, _)| entries.contains_key(&format!("{path}{name}"))) {
            walk(component, &mut |part| part.set_collection(Collection::End));
        }
        Ok(())
    })?;
    Ok(report)
}

/// By the name it has here: the name it was saved under, and the values.
type Entries<'a> = BTreeMap<String, (&'a str, &'a StateTensor)>;

/// A name without what only Brevitas has in it.
fn plain(key: &str) -> String {
    key.replace("fused_activation_quant_proxy.", "")
}

/// The values for a parameter, under any of its names.
fn find<'a>(slot: &Slot, entries: &Entries<'a>) -> Option<(&'a str, &'a StateTensor)> {
    slot.paths.iter().find_map(|path| entries.get(path).copied())
}

fn check(slots: &[Slot], entries: &Entries<'_>, policy: LoadPolicy) -> Result<LoadReport, LoadError> {
    let mut report = LoadReport::default();
    let mut refused = Vec::new();
    let mut shapes = Vec::new();
    for slot in slots {
        let Some((key, found)) = find(slot, entries) else {
            if is_counter(&slot.paths[0]) {
                continue;
            }
            let accepted = policy.ignore_missing_keys && slot.of_quantizer();
            let list = if accepted { &mut report.missing } else { &mut refused };
            list.push(slot.paths[0].clone());
            continue;
        };
        let needed = slot.parameter.shape();
        // Scales of Brevitas have dimensions of extent 1 for broadcasting; counters of PyTorch have no dimension.
        let extents =
            |shape: &[usize]| shape.iter().copied().filter(|&extent| extent != 1).collect::<Vec<_>>();
        let broadcasts = slot.of_quantizer() || is_counter(&slot.paths[0]);
        let fits = found.shape == needed || broadcasts && extents(&found.shape) == extents(needed);
        if !fits {
            shapes.push((key.to_owned(), found.shape.clone(), needed.to_vec()));
        }
        if let Some(index) = found.values.iter().position(|value| !value.is_finite()) {
            return Err(LoadError::NotFinite { key: key.to_owned(), index, value: found.values[index] });
        }
    }
    let places: HashSet<&str> = slots.iter().flat_map(|slot| &slot.paths).map(String::as_str).collect();
    let foreign = |name: &str| !places.contains(name) && !is_counter(name);
    let unexpected = entries.iter().filter(|(name, _)| foreign(name)).map(|(_, (key, _))| (*key).to_owned());
    let unexpected: Vec<String> = unexpected.collect();
    let too_many = !unexpected.is_empty() && !policy.ignore_unexpected_keys;
    if !refused.is_empty() || !shapes.is_empty() || too_many {
        return Err(LoadError::Mismatch { missing: refused, unexpected, shapes });
    }
    Ok(LoadReport { unexpected, ..report })
}

/// Whether `key` names the counter that PyTorch keeps in batch norms. Files of other programs lack it, or have it where
/// nothing here does, and nothing depends on it.
fn is_counter(key: &str) -> bool {
    key.rsplit('.').next() == Some("num_batches_tracked")
}

fn apply(slots: &[Slot], entries: &Entries<'_>) {
    for slot in slots {
        if let Some((_, found)) = find(slot, entries) {
            slot.parameter.set(found.values.clone());
        }
    }
}
