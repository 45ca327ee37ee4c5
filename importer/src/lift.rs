//! Reads a QONNX or quantized ONNX model into a graph on the imported level, with every shape known.
//!
//! The leading axis of inputs is the batch; the graph holds one sample of it. What an operator becomes is in one file for
//! each family, and the list of them all in [`support`]; what depends on constants only is computed at once, in `fold`.
//! Only what cannot be represented at all is refused.
//!
//! A value of the file that holds integer codes, between `QuantizeLinear` and `DequantizeLinear`, is a value of the graph
//! that holds the real numbers, and beside it what a code of the file stands for (`Coding`).
//!
//! Outputs that are constants, as exporters add for scales and bit widths, are none of the graph's.

mod activation;
mod arithmetic;
mod branch;
mod choose;
mod codes;
mod context;
mod conv;
mod extremes;
mod fold;
mod functions;
mod fused;
mod inputs;
mod integer;
mod matmul;
mod moves;
mod node;
mod normalization;
mod padding;
mod patches;
mod pool;
mod qlinear;
mod quant;
mod reduce;
mod repeat;
mod resize;
mod slices;
pub mod support;
mod tensor;
mod uneven;
mod whole;
mod window;

pub use inputs::is_quantizer;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use exactum_qonnx::Model;

use crate::constants::Budget;
use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use crate::graph::{Graph, Level, ValueId};
use crate::passes;
use crate::target::Target;
use codes::Coding;
use context::Context;
use tensor::Tensor;

/// A graph under construction.
struct Lifter<'a> {
    model: &'a Model,
    graph: Graph,
    /// Values by their name in the file; initializers come here when they are first read.
    items: BTreeMap<String, Item>,
    initializers: BTreeMap<&'a str, &'a exactum_qonnx::Tensor>,
    /// Constants that nodes of the graph read, by their name in the file.
    constants: BTreeMap<String, ValueId>,
    /// Names whose node had a problem, or one before it.
    broken: BTreeSet<String>,
    /// Names that a node reads or the caller gets.
    read: BTreeSet<String>,
    /// Names of the file's tensors, which nothing else gets.
    tensors: BTreeSet<&'a str>,
    /// Whether a value depends on constants only, by [`ValueId`].
    fixed: Vec<bool>,
    /// Results of `Im2Col`.
    patches: BTreeMap<ValueId, patches::Patches>,
    /// Samples that the file's fixed shapes are for; 1 if its batch is free.
    batch: usize,
    /// Whether the file leaves the number of samples open.
    free_batch: bool,
    /// What is left for constants that are computed.
    budget: Budget,
    /// Bytes of the names that values of branches got.
    renamed: usize,
    /// Nodes of branches that were read.
    branch_nodes: usize,
}

/// What a name of the file stands for.
#[derive(Clone, Debug)]
enum Item {
    /// Numbers that are known.
    Constant(Rc<Tensor>),
    /// A value of the graph.
    Value(Operand),
}

/// A value of the graph, and what the file holds in its place.
#[derive(Clone, Debug)]
struct Operand {
    id: ValueId,
    /// Codes of this coding; the real numbers themselves if there is none.
    coding: Option<Coding>,
}

impl From<ValueId> for Operand {
    fn from(id: ValueId) -> Self {
        Self { id, coding: None }
    }
}

/// Reads `model`.
///
/// # Errors
/// Every node that is malformed, unknown or has contradicting shapes, and what the passes say of the part before them.
pub fn lift(model: &Model) -> Result<Graph> {
    let mut lifter = Lifter {
        model,
        graph: Graph::new(model.graph.name.clone(), Level::Imported),
        items: BTreeMap::new(),
        initializers: model.graph.initializers.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect(),
        constants: BTreeMap::new(),
        broken: BTreeSet::new(),
        read: BTreeSet::new(),
        tensors: BTreeSet::new(),
        fixed: vec![],
        patches: BTreeMap::new(),
        batch: 1,
        free_batch: false,
        budget: Budget::new(model.graph.initializers.iter().filter_map(|tensor| tensor.len_elems()).sum()),
        renamed: 0,
        branch_nodes: 0,
    };
    branch::reads(&model.graph, &mut lifter.read);
    let results = model.graph.nodes.iter().flat_map(|node| &node.outputs);
    lifter
        .tensors
        .extend(results.chain(model.graph.inputs.iter().map(|input| &input.name)).map(String::as_str));
    let mut problems: Vec<Diagnostic> =
        model.check().iter().filter_map(|error| schema_problem(model, error)).collect();
    problems.extend(lifter.inputs());
    for (index, node) in model.graph.nodes.iter().enumerate() {
        if let Err(problem) = lifter.node(index, node, None) {
            lifter.broken.extend(node.outputs.iter().filter(|name| !name.is_empty()).cloned());
            // The schema check has told it already.
            let told = |known: &Diagnostic| known.at.node.as_ref().is_some_and(|node| node.index == index);
            if !problems.iter().any(told) {
                problems.push(problem);
            }
        }
    }
    if problems.is_empty() {
        problems.extend(lifter.outputs());
    }
    let mut graph = lifter.graph;
    if !problems.is_empty() {
        problems.extend(later_problems(graph, &problems));
        return Report::check(problems, Graph::new("", Level::Imported));
    }
    graph.compact();
    graph.forget_unused_file_nodes();
    graph.become_source();
    if graph.outputs.is_empty() {
        let at = Location::part("graph");
        return Err(Diagnostic::new(Code::BadGraph, at, "no computed outputs", "one output at least").into());
    }
    Ok(graph)
}

/// What the passes find in the part of the graph that could be read, at nodes that nothing was said of.
fn later_problems(mut graph: Graph, told: &[Diagnostic]) -> Vec<Diagnostic> {
    let ends = (0..graph.nodes.len()).map(|index| graph.nodes[index].output);
    graph.outputs = ends.filter(|id| graph.consumers(*id).next().is_none()).collect();
    graph.results.clear();
    if graph.outputs.is_empty() {
        return vec![];
    }
    graph.compact();
    let found = match passes::advance(&mut graph, Level::Quantized, &Target::portable()) {
        Ok(()) => vec![],
        Err(report) => report.diagnostics().to_vec(),
    };
    // What lacks a node is about outputs, of which these are none of the model's.
    let place = |diagnostic: &Diagnostic| diagnostic.at.node.as_ref().map(|node| node.index);
    let known: BTreeSet<Option<usize>> = told.iter().map(place).collect();
    found.into_iter().filter(|new| new.at.node.is_some() && !known.contains(&place(new))).collect()
}

/// The problem that a schema's check found; unknown operators are left to lifting, which refuses them by itself.
fn schema_problem(model: &Model, error: &exactum_qonnx::SchemaError) -> Option<Diagnostic> {
    if matches!(error.problem, exactum_qonnx::SchemaProblem::UnknownOperator { .. }) {
        return None;
    }
    let position = model.graph.nodes.iter().position(|node| node.label() == error.node);
    let name = position.map_or(error.node.as_str(), |index| &model.graph.nodes[index].name);
    let at = Location::node(position.unwrap_or(0), name, &error.op_type);
    let needed = "a node as its operator's schema defines it";
    Some(Diagnostic::new(Code::BadSchema, at, error.problem.to_string(), needed))
}
