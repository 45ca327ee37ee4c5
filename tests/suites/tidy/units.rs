//! What cargo would compile for a command: its graph of units, an unstable output of cargo's.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Every library of `command` whose package starts with `prefix`, and a number that is the same for the same package,
/// features, profile and dependencies.
pub(crate) fn libraries(root: &Path, command: &str, prefix: &str) -> BTreeMap<String, BTreeSet<u64>> {
    let (verb, arguments) = command.split_once(' ').expect("a verb and arguments");
    let output = Command::new("cargo")
        .args([verb, "-Z", "unstable-options", "--unit-graph", "--locked"])
        .args(arguments.split(' '))
        .env("RUSTC_BOOTSTRAP", "1")
        .current_dir(root)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    let graph: Value = serde_json::from_slice(&output.stdout).expect("the graph is JSON");
    let units = graph["units"].as_array().expect("a list of units");
    let mut identities = vec![None; units.len()];
    let mut found: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for (index, unit) in units.iter().enumerate() {
        let name = unit["target"]["name"].as_str().unwrap_or_default();
        if unit["mode"] == "build" && unit["target"]["kind"][0] == "lib" && name.starts_with(prefix) {
            let identity = identity(units, index, &mut identities);
            found.entry(name.to_owned()).or_default().insert(identity);
        }
    }
    found
}

fn identity(units: &[Value], index: usize, known: &mut [Option<u64>]) -> u64 {
    if let Some(identity) = known[index] {
        return identity;
    }
    let unit = &units[index];
    let dependencies = unit["dependencies"].as_array().expect("a list of dependencies");
    let indices = dependencies.iter().map(|dependency| dependency["index"].as_u64().expect("an index"));
    let mut below: Vec<u64> = indices.map(|index| identity(units, index as usize, known)).collect();
    below.sort_unstable();
    let mut hasher = DefaultHasher::new();
    for part in ["pkg_id", "features", "profile", "platform", "mode"] {
        unit[part].to_string().hash(&mut hasher);
    }
    unit["target"]["name"].to_string().hash(&mut hasher);
    below.hash(&mut hasher);
    *known[index].insert(hasher.finish())
}
