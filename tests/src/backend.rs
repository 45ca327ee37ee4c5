//! Backends: the ways to compute a model. One file each.
//!
//! A backend whose tools are missing says so; its tests show as ignored, and in CI as failed.

mod emulated;
mod generated;
mod host;
mod reference;
mod training;

use exactum_runtime::program::Packing;
use libtest_mimic::{Failed, Trial};
use std::sync::Arc;

pub use emulated::Emulated;
pub use generated::Generated;
pub use host::{Host, InSteps, OnBuffers, Packed, aligned, with_ports_outside};
pub use reference::Reference;
pub use training::Training;

use crate::case::{Case, Integers, Made};

/// A way to compute the integers of a case.
pub trait Backend: Send + Sync {
    /// Name in test names.
    fn name(&self) -> &str;

    /// What is missing on this machine, if anything.
    fn missing(&self) -> Option<&str> {
        None
    }

    /// The integers of every sample.
    ///
    /// # Errors
    /// If the backend refuses the case or does not come to an end.
    fn run(&self, case: &Made) -> Result<Integers, String>;
}

/// Most work of a step where runs go in steps: parts of rows of most layers.
const STEP_WORK: u32 = 500;

/// Every backend that takes any model.
pub fn all() -> Vec<Arc<dyn Backend>> {
    // Tap after tap is what depthwise convolutions have anyway.
    let packed = [
        Packing::RowMajor,
        Packing::Nibbles,
        Packing::FilterPairs,
        Packing::FilterQuads,
        Packing::TapBlocks,
        Packing::Winograd,
    ];
    let packed = packed.map(Packed).map(|packed| Arc::new(packed) as Arc<dyn Backend>);
    let host: [Arc<dyn Backend>; 2] = [Arc::new(Reference), Arc::new(Host)];
    let other: [Arc<dyn Backend>; 3] =
        [Arc::new(OnBuffers), Arc::new(InSteps(STEP_WORK)), Arc::new(Emulated::cortex_m4())];
    host.into_iter().chain(packed).chain(other).collect()
}

/// The test that `backend` gives the oracle's integers for `case`.
pub fn trial(case: &Arc<Case>, backend: &Arc<dyn Backend>) -> Trial {
    let name = format!("{}::{}", case.name, backend.name());
    let (case, backend) = (Arc::clone(case), Arc::clone(backend));
    let missing = backend.missing().map(str::to_owned);
    let ignored = missing.is_some() && std::env::var_os("CI").is_none();
    let kind = missing.clone().unwrap_or_default();
    let test = move || {
        if let Some(missing) = missing {
            return Err(Failed::from(missing));
        }
        Ok(agree(&case, backend.as_ref())?)
    };
    Trial::test(name, test).with_kind(kind).with_ignored_flag(ignored)
}

/// Whether `backend` gives the oracle's integers for `case`.
///
/// # Errors
/// The first integer that differs, or why there are none.
pub fn agree(case: &Case, backend: &dyn Backend) -> Result<(), String> {
    let made = case.made()?;
    let found = backend.run(made)?;
    if found.len() != made.expected.len() {
        return Err(format!("{} samples instead of {}", found.len(), made.expected.len()));
    }
    for (sample, (found, expected)) in found.iter().zip(&made.expected).enumerate() {
        if found.len() != expected.len() {
            let (found, expected) = (found.len(), expected.len());
            return Err(format!("sample {sample}: {found} integers instead of {expected}"));
        }
        if let Some(element) = (0..found.len()).find(|element| found[*element] != expected[*element]) {
            let (found, expected) = (found[element], expected[element]);
            return Err(format!(
                "{} of {}: sample {sample}, element {element}: {found}, the oracle says {expected}",
                backend.name(),
                case.name
            ));
        }
    }
    Ok(())
}
