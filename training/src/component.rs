//! What layers, quantizers and their components have in common: a name, parts and parameters.
//!
//! Printing a layer's component tree and listing a network's parameters for the optimizer both walk these parts.

use std::fmt;

use crate::Parameter;

/// A part of a network, down to the single component of a quantizer.
pub trait Component: Send + Sync {
    /// The component's name with its constant settings, such as `AbsPercentile(q=99.999)`.
    fn label(&self) -> String;

    /// Parameters held directly, with the names they have here.
    fn parameters(&self) -> Vec<(&'static str, &Parameter)> {
        Vec::new()
    }

    /// Parts, with the names they have here.
    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        Vec::new()
    }
}

/// A parameter and its path from the root, such as `fc1.weight_quant.tensor_quant.scaling_impl.value`.
#[derive(Clone, Debug)]
pub struct NamedParameter {
    /// Names joined by dots.
    pub path: String,
    /// The handle.
    pub parameter: Parameter,
}

/// All parameters below `root`, each once under its first path.
pub fn named_parameters(root: &dyn Component) -> Vec<NamedParameter> {
    fn walk(module: &dyn Component, prefix: &str, found: &mut Vec<NamedParameter>) {
        for (name, parameter) in module.parameters() {
            if !found.iter().any(|known| known.parameter.is(parameter)) {
                found.push(NamedParameter { path: format!("{prefix}{name}"), parameter: parameter.clone() });
            }
        }
        for (name, child) in module.children() {
            walk(child, &format!("{prefix}{name}."), found);
        }
    }
    let mut found = Vec::new();
    walk(root, "", &mut found);
    found
}

/// Displays a module as a tree of its components, one line each.
pub struct Tree<'a>(pub &'a dyn Component);

impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn walk(f: &mut fmt::Formatter<'_>, module: &dyn Component, depth: usize) -> fmt::Result {
            for (name, child) in module.children() {
                write!(f, "\n{:indent$}({name}): {}", "", child.label(), indent = 2 * (depth + 1))?;
                walk(f, child, depth + 1)?;
            }
            Ok(())
        }
        f.write_str(&self.0.label())?;
        walk(f, self.0, 0)
    }
}
