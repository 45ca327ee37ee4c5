//! What a user should know of an exported network.

use std::fmt;

use burn::module::Module;

use crate::component::{Component, layers};

/// A part of a network whose export means little.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Names from the network to the component, joined by dots.
    pub path: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// Parts of `network` whose export means little, such as scales that were never calibrated.
pub fn warnings(network: &impl Module) -> Vec<Warning> {
    fn walk(component: &dyn Component, path: &str, found: &mut Vec<Warning>) {
        found.extend(component.warning().map(|message| Warning { path: path.to_owned(), message }));
        for (name, child) in component.children() {
            let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            walk(child, &path, found);
        }
    }
    let mut found = Vec::new();
    for layer in layers(network) {
        walk(&*layer.component, &layer.path, &mut found);
    }
    found
}
