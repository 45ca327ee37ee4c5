//! `If` whose condition is known when the file is read, from constants or from shapes: the branch that is taken stands in
//! its place. Its values get names of their own, since both branches may use the same ones.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use exactum_qonnx::{AttributeValue, Graph, Node, check_node};

use super::tensor::Tensor;
use super::{Context, Item, Lifter};
use crate::diagnostic::{Code, Diagnostic, Location};

/// The operator that is read here.
pub(super) const OPERATOR: &str = "If";

/// Most bytes of names that values of branches get.
const MAX_NAMES: usize = 1 << 25;

/// Adds the names that nodes of `graph` read, those in subgraphs too, and its outputs.
pub(super) fn reads(graph: &Graph, names: &mut BTreeSet<String>) {
    for node in &graph.nodes {
        names.extend(node.inputs.iter().cloned());
        node.attributes
            .iter()
            .filter_map(|attribute| subgraph(&attribute.value))
            .for_each(|body| reads(body, names));
    }
    names.extend(graph.outputs.iter().map(|output| output.name.clone()));
}

fn subgraph(value: &AttributeValue) -> Option<&Graph> {
    match value {
        AttributeValue::Graph(body) => Some(body),
        _ => None,
    }
}

impl Lifter<'_> {
    /// Reads the branch that the condition of the node takes.
    pub(super) fn branch(&mut self, index: usize, context: &Context<'_>) -> Result<(), Diagnostic> {
        if context.value(0).is_some() {
            let problem = context.computed(0, "a condition that is known from constants and shapes");
            return Err(problem.with_hint(
                "a program has no branches: export the model so that the condition does not depend on the input's values",
            ));
        }
        let name = if context.scalar(0)? != 0.0 { "then_branch" } else { "else_branch" };
        let Some(body) = context.node.attribute(name).and_then(subgraph) else {
            return Err(context.problem(
                Code::BadSchema,
                "",
                format!("no {name}"),
                "a graph for each branch",
            ));
        };
        if !body.inputs.is_empty() || body.outputs.len() != context.node.outputs.len() {
            let found = format!("{name} of {} inputs and {} outputs", body.inputs.len(), body.outputs.len());
            return Err(context.problem(
                Code::BadSchema,
                "",
                found,
                "no inputs, and the outputs of the node",
            ));
        }
        let mut names = Names { prefix: &context.name, of: BTreeMap::new() };
        self.renamed += names.bytes(body);
        if self.renamed > MAX_NAMES {
            let needed = format!("at most {MAX_NAMES} for all branches");
            return Err(context.problem(Code::TooLarge, "", "names of many bytes in branches", needed));
        }
        names.define(body);
        for tensor in &body.initializers {
            let read = Tensor::read(tensor, &Location::part(format!("initializer `{}`", tensor.name)))?;
            self.items.insert(names.get(&tensor.name), Item::Constant(Rc::new(read)));
        }
        let nodes: Vec<Node> = body.nodes.iter().map(|node| names.node(node)).collect();
        self.read.extend(nodes.iter().flat_map(|node| node.inputs.iter().cloned()));
        self.read.extend(body.outputs.iter().map(|output| names.get(&output.name)));
        for node in &nodes {
            if let Some(error) = check_node(node).first().filter(|_| node.operator().is_some()) {
                let at = Location::node(index, &node.name, &node.op_type);
                let needed = "a node as its operator's schema defines it";
                return Err(Diagnostic::new(Code::BadSchema, at, error.problem.to_string(), needed));
            }
            self.node(index, node, Some(context.id))?;
        }
        for (inner, outer) in body.outputs.iter().zip(&context.node.outputs) {
            let inner = names.get(&inner.name);
            if self.broken.contains(&inner) {
                self.broken.insert(outer.clone());
            } else if let Some(item) = self.item(&context.at, &inner)? {
                self.items.insert(outer.clone(), item);
            }
        }
        Ok(())
    }
}

/// The names that values of a branch get.
struct Names<'n> {
    prefix: &'n str,
    of: BTreeMap<String, String>,
}

impl Names<'_> {
    /// Names of the values that `body` has itself.
    fn own(body: &Graph) -> BTreeSet<String> {
        let outputs = body.nodes.iter().flat_map(|node| &node.outputs).filter(|name| !name.is_empty());
        let inputs = body.inputs.iter().map(|input| &input.name);
        outputs.chain(inputs).chain(body.initializers.iter().map(|tensor| &tensor.name)).cloned().collect()
    }

    /// How many bytes the names of `body` and of its nodes take.
    fn bytes(&self, body: &Graph) -> usize {
        let names: usize = Self::own(body).iter().map(|name| name.len() + self.prefix.len()).sum();
        names + body.nodes.len() * self.prefix.len()
    }

    fn define(&mut self, body: &Graph) {
        for name in Self::own(body) {
            let new = format!("{}/{name}", self.prefix);
            self.of.insert(name, new);
        }
    }

    /// The new name of `name`; values from outside keep theirs.
    fn get(&self, name: &str) -> String {
        self.of.get(name).map_or_else(|| name.to_owned(), Clone::clone)
    }

    fn node(&self, node: &Node) -> Node {
        let mut node = node.clone();
        node.inputs.iter_mut().chain(&mut node.outputs).for_each(|name| *name = self.get(name));
        if !node.name.is_empty() {
            node.name = format!("{}/{}", self.prefix, node.name);
        }
        for attribute in &mut node.attributes {
            if let AttributeValue::Graph(body) = &mut attribute.value {
                self.captured(body, &mut BTreeSet::new());
            }
        }
        node
    }

    /// Renames what `body` reads from outside; its own values get names when it is read itself. Names in `hidden` are of
    /// graphs around it.
    fn captured(&self, body: &mut Graph, hidden: &mut BTreeSet<String>) {
        let own: Vec<String> =
            Self::own(body).into_iter().filter(|name| hidden.insert(name.clone())).collect();
        let rename = |name: &mut String, hidden: &BTreeSet<String>| {
            if !hidden.contains(name) {
                *name = self.get(name);
            }
        };
        for node in &mut body.nodes {
            node.inputs.iter_mut().for_each(|name| rename(name, hidden));
            for attribute in &mut node.attributes {
                if let AttributeValue::Graph(body) = &mut attribute.value {
                    self.captured(body, hidden);
                }
            }
        }
        body.outputs.iter_mut().for_each(|output| rename(&mut output.name, hidden));
        own.iter().for_each(|name| {
            hidden.remove(name);
        });
    }
}
