//! The graph: named values, one node per layer, in an order in which each value is defined before it is used.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::error::form;
use super::{FloatGraphError, FloatOp, shape};

/// A float network with one input and one output.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatGraph {
    /// Name of the network.
    pub name: String,
    /// Name of the input value.
    pub input: String,
    /// Shape of the input; the first dimension is the batch and has extent 1 here.
    pub input_shape: Vec<usize>,
    /// Layers; each reads values that the input or an earlier node defines.
    pub nodes: Vec<FloatNode>,
    /// Name of the output value.
    pub output: String,
}

/// A layer.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatNode {
    /// Name; unique after [`transform::unique_names`](super::transform::unique_names).
    pub name: String,
    /// What it computes.
    pub op: FloatOp,
    /// Names of the values it reads.
    pub inputs: Vec<String>,
    /// Name of the value it defines.
    pub output: String,
}

impl FloatGraph {
    /// The shapes of all values for one sample: the first dimension, the batch, has extent 1.
    ///
    /// # Errors
    ///
    /// If a node reads a value that no earlier node defines, defines a value twice, or has inputs that do not fit it.
    pub fn shapes(&self) -> Result<BTreeMap<String, Vec<usize>>, FloatGraphError> {
        let mut shapes = BTreeMap::from([(self.input.clone(), self.input_shape.clone())]);
        for node in &self.nodes {
            let inputs: Vec<&[usize]> = node
                .inputs
                .iter()
                .map(|name| shapes.get(name).map(Vec::as_slice).ok_or_else(|| undefined(&node.name, name)))
                .collect::<Result<_, _>>()?;
            let output = shape::infer(&node.op, &inputs)
                .map_err(|needed| form(&node.name, format!("inputs of shapes {inputs:?}"), needed))?;
            if shapes.insert(node.output.clone(), output).is_some() {
                return Err(form(&node.name, format!("a second definition of `{}`", node.output), "one"));
            }
        }
        if shapes.contains_key(&self.output) { Ok(shapes) } else { Err(undefined("output", &self.output)) }
    }

    /// Checks shapes and that all constants are finite.
    ///
    /// # Errors
    ///
    /// As [`shapes`](Self::shapes), and for constants that are infinite or not numbers.
    pub fn check(&self) -> Result<(), FloatGraphError> {
        self.shapes()?;
        for node in &self.nodes {
            let constants: Vec<(&str, &[f32])> = match &node.op {
                FloatOp::Weighted(layer) => {
                    vec![("weight", &layer.weight.values), ("bias", layer.bias.as_deref().unwrap_or(&[]))]
                }
                FloatOp::BatchNorm(norm) => vec![
                    ("scale", &norm.scale),
                    ("bias", &norm.bias),
                    ("mean", &norm.mean),
                    ("variance", &norm.var),
                ],
                _ => Vec::new(),
            };
            for (constant, values) in constants {
                if let Some(index) = values.iter().position(|value| !value.is_finite()) {
                    return Err(FloatGraphError::NotFinite {
                        node: node.name.clone(),
                        constant: constant.to_owned(),
                        index,
                        value: values[index],
                    });
                }
            }
        }
        Ok(())
    }

    /// The index of the node that defines `value`.
    pub fn producer(&self, value: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.output == value)
    }

    /// The indices of the nodes that read `value`, in order.
    pub fn consumers(&self, value: &str) -> Vec<usize> {
        let reads = |node: &FloatNode| node.inputs.iter().any(|input| input == value);
        self.nodes.iter().enumerate().filter(|(_, node)| reads(node)).map(|(index, _)| index).collect()
    }

    /// The node that alone reads `value`, if `value` is not the output of the network.
    pub fn only_consumer(&self, value: &str) -> Option<usize> {
        let consumers = self.consumers(value);
        let uses = self.nodes.iter().flat_map(|node| &node.inputs).filter(|input| *input == value).count();
        (consumers.len() == 1 && uses == 1 && self.output != value).then(|| consumers[0])
    }

    /// Removes node `index`, whose readers then read its first input.
    pub(super) fn bypass(&mut self, index: usize) {
        let node = self.nodes.remove(index);
        let source = node.inputs[0].clone();
        for input in self.nodes.iter_mut().flat_map(|node| &mut node.inputs) {
            if *input == node.output {
                input.clone_from(&source);
            }
        }
        if self.output == node.output {
            self.output = source;
        }
    }

    /// A name that no value and no node has, made from `stem`.
    pub(super) fn fresh_name(&self, stem: &str) -> String {
        let values = self.nodes.iter().flat_map(|node| [node.name.as_str(), node.output.as_str()]);
        let taken: BTreeSet<&str> = values.chain([self.input.as_str()]).collect();
        if !taken.contains(stem) {
            return stem.to_owned();
        }
        (1..)
            .map(|number| format!("{stem}_{number}"))
            .find(|name| !taken.contains(name.as_str()))
            .unwrap_or_default()
    }
}

fn undefined(node: &str, value: &str) -> FloatGraphError {
    form(
        node,
        format!("value `{value}`, which nothing before it defines"),
        "values in order of their definition",
    )
}

impl fmt::Display for FloatGraph {
    /// One line per node: its output, operator and inputs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "network {}: {} {:?} -> {}", self.name, self.input, self.input_shape, self.output)?;
        for node in &self.nodes {
            writeln!(
                f,
                "  {} = {}({})  # {}",
                node.output,
                node.op.name(),
                node.inputs.join(", "),
                node.name
            )?;
        }
        Ok(())
    }
}
