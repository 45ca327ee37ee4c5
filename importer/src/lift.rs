//! Reads a QONNX model into a graph on the imported level: faithful, with every shape known.
//!
//! The leading axis of inputs is the batch; the graph holds one sample of it. What an operator becomes is in `node`;
//! nothing is simplified here, and only what cannot be represented at all is refused.

mod constant;
mod node;
mod window;

use std::collections::BTreeMap;

use exactum_qonnx::{Dim, Model, ValueInfo};

use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use crate::graph::{Graph, Level, Node, Type, Value, ValueId, shape};

/// A graph under construction.
struct Lifter<'a> {
    graph: Graph,
    /// Values by their name in the file.
    names: BTreeMap<&'a str, ValueId>,
    /// Samples that the file's fixed shapes are for; 1 if its batch is free.
    batch: usize,
}

/// Reads `model`.
///
/// # Errors
/// Every node that is malformed, unknown or has contradicting shapes.
pub fn lift(model: &Model) -> Result<Graph> {
    let mut problems: Vec<Diagnostic> =
        model.check().iter().filter_map(|error| schema_problem(model, error)).collect();
    let mut lifter = Lifter {
        graph: Graph::new(model.graph.name.clone(), Level::Imported),
        names: BTreeMap::new(),
        batch: 1,
    };
    for tensor in &model.graph.initializers {
        match constant::value(tensor) {
            Ok(value) => {
                let id = lifter.graph.add(value);
                lifter.names.insert(&tensor.name, id);
            }
            Err(problem) => problems.push(problem),
        }
    }
    for input in model.graph.real_inputs() {
        if let Err(problem) = lifter.input(input) {
            problems.push(problem);
        }
    }
    for (index, node) in model.graph.nodes.iter().enumerate() {
        let known = |name: &String| name.is_empty() || lifter.names.contains_key(name.as_str());
        let lifted = if problems.is_empty() || node.inputs.iter().all(known) {
            lifter.node(index, node)
        } else {
            // Behind a problem nothing is known of a node but its operator.
            let at = Location::node(index, &node.name, &node.op_type);
            node::unsupported(&at, node).map_or(Ok(()), Err)
        };
        if let Err(problem) = lifted {
            // The schema check has told it already.
            let told = problems.iter().any(|known| known.at.node == problem.at.node);
            if !told {
                problems.push(problem);
            }
        }
    }
    if problems.is_empty() {
        for output in &model.graph.outputs {
            match lifter.names.get(output.name.as_str()) {
                Some(id) => lifter.graph.outputs.push(*id),
                None => problems.push(Diagnostic::new(
                    Code::BadGraph,
                    Location::part(format!("output `{}`", output.name)),
                    "no node that produces it",
                    "a value of the graph",
                )),
            }
        }
    }
    let mut graph = Report::check(problems, lifter.graph)?;
    graph.compact();
    if graph.outputs.is_empty() {
        let at = Location::part("graph");
        return Err(Diagnostic::new(Code::BadGraph, at, "no outputs", "one output at least").into());
    }
    Ok(graph)
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

impl<'a> Lifter<'a> {
    fn input(&mut self, input: &'a ValueInfo) -> Result<(), Diagnostic> {
        let at = || Location::part(format!("input `{}`", input.name));
        if input.elem != exactum_qonnx::ElemType::F32 {
            let found = format!("elements of type {}", input.elem);
            return Err(Diagnostic::new(Code::UnsupportedForm, at(), found, "float32 elements"));
        }
        let dims = input.shape.as_deref().unwrap_or_default();
        let Some((batch, sample)) = dims.split_first() else {
            let needed = "a shape whose first axis is the batch";
            return Err(Diagnostic::new(Code::ShapeMismatch, at(), "no shape", needed));
        };
        if let Dim::Known(batch) = batch {
            self.batch = (*batch).max(1);
        }
        let mut shape = vec![1];
        for dim in sample {
            match dim {
                Dim::Known(size) if *size > 0 => shape.push(*size),
                dim => {
                    let found = format!("{dim:?} in {dims:?}");
                    return Err(Diagnostic::new(
                        Code::ShapeMismatch,
                        at(),
                        found,
                        "fixed sizes after the batch axis",
                    ));
                }
            }
        }
        if shape::elems(&shape).is_none() {
            let needed = format!("at most {} elements", shape::MAX_ELEMS);
            return Err(Diagnostic::new(Code::TooLarge, at(), format!("shape {shape:?}"), needed));
        }
        let id = self.graph.add(Value::new(input.name.clone(), shape, Type::Float));
        self.graph.inputs.push(id);
        self.names.insert(&input.name, id);
        Ok(())
    }

    /// The value called `name`.
    fn value(&self, at: &Location, name: &str) -> Result<ValueId, Diagnostic> {
        self.names.get(name).copied().ok_or_else(|| {
            let needed = "an input, an initializer or the result of a node before this one";
            Diagnostic::new(
                Code::BadGraph,
                at.clone(),
                format!("operand `{name}`, which nothing produces"),
                needed,
            )
        })
    }

    fn node(&mut self, index: usize, node: &'a exactum_qonnx::Node) -> Result<(), Diagnostic> {
        let at = Location::node(index, &node.name, &node.op_type);
        let Some(output) = node.output(0) else {
            return Err(Diagnostic::new(Code::BadSchema, at, "no output", "one output"));
        };
        if self.names.contains_key(output) {
            let found = format!("`{output}`, which exists already");
            return Err(Diagnostic::new(Code::BadGraph, at, found, "a new name for each result"));
        }
        if let Some(tensor) = node.tensor("value").filter(|_| node.op_type == "Constant") {
            let value = Value { name: output.to_owned(), ..constant::value(tensor)? };
            let id = self.graph.add(value);
            self.names.insert(output, id);
            return Ok(());
        }
        let operands: Vec<&str> =
            node.inputs.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        let mut inputs = vec![];
        for name in operands {
            inputs.push(self.value(&at, name)?);
        }
        let lifted = node::lift(self, &at, node, &inputs)?;
        let (fewest, most) = lifted.op.arity();
        if inputs.len() < fewest {
            let found = format!("{} operands with a name", inputs.len());
            return Err(Diagnostic::new(Code::BadSchema, at, found, fewest.to_string()));
        }
        inputs.truncate(most);
        let operands: Vec<&Value> = inputs.iter().map(|id| self.graph.value(*id)).collect();
        let shape = shape::infer(&lifted.op, &operands, lifted.shape.as_deref())
            .map_err(|error| Diagnostic::new(Code::ShapeMismatch, at.clone(), error.found, error.needed))?;
        let ty = match operands.first().map(|x| &x.ty) {
            Some(Type::Shape) => Type::Shape,
            _ => Type::Float,
        };
        let result = self.graph.add(Value::new(output, shape, ty));
        self.names.insert(output, result);
        let name = if node.name.is_empty() { output.to_owned() } else { node.name.clone() };
        self.graph.nodes.push(Node {
            origin: vec![name.clone()],
            name,
            op: lifted.op,
            inputs,
            output: result,
        });
        Ok(())
    }
}
