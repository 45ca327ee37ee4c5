//! Replaces calls of a model's own functions by their nodes, before the model is read.
//!
//! A function's values get names of their own in each call, and attributes that refer to the function's are those of the
//! call, or the function's defaults. Functions that call themselves are refused, and so are those that copy a small file
//! into a large graph.

use std::collections::{BTreeMap, BTreeSet};

use protobuf::Message;

use crate::ReadError;
use crate::model::{DEFAULT_DOMAIN, DEFAULT_DOMAIN_NAME, Node, domain_name};
use crate::ops;
use crate::wire::{AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto};

/// Most bytes of nodes and names that calls are replaced by, where the file has fewer.
const COPIED_BYTES: u64 = 1 << 25;

/// Most nodes that calls are replaced by.
const COPIED_NODES: usize = 1 << 16;

/// Deepest nesting of calls.
const DEPTH: usize = 64;

/// Domain, name and overload.
type Key = (String, String, String);

/// Replaces all calls in `model` whose functions it holds.
pub(super) fn inline(model: &mut ModelProto) -> Result<(), ReadError> {
    if model.functions.is_empty() {
        return Ok(());
    }
    let functions: BTreeMap<Key, FunctionProto> = std::mem::take(&mut model.functions)
        .into_iter()
        .map(|function| {
            ((standard(&function.domain), function.name.clone(), function.overload.clone()), function)
        })
        .collect();
    let Some(graph) = model.graph.as_mut() else { return Ok(()) };
    let mut taken = BTreeSet::new();
    names(graph, &mut taken);
    let own: u64 = functions.values().map(Message::compute_size).sum();
    let copied = Copied { taken, bytes: 0, most: COPIED_BYTES.max(4 * own), nodes: 0 };
    let mut inliner = Inliner { functions: &functions, copied, called: BTreeSet::new(), stack: vec![] };
    inliner.graph(graph)?;
    let called = inliner.called;
    for set in called.iter().filter_map(|key| functions.get(key)).flat_map(|function| &function.opset_import)
    {
        let known = model.opset_import.iter().find(|known| standard(&known.domain) == standard(&set.domain));
        if known.is_none() {
            model.opset_import.push(set.clone());
        }
    }
    versions(model, &functions, &called)
}

/// Refuses functions whose operators mean something else in the versions that the model imports.
fn versions(
    model: &ModelProto,
    functions: &BTreeMap<Key, FunctionProto>,
    called: &BTreeSet<Key>,
) -> Result<(), ReadError> {
    for function in called.iter().filter_map(|key| functions.get(key)) {
        for set in &function.opset_import {
            let domain = standard(&set.domain);
            let Some(outer) = model.opset_import.iter().find(|outer| standard(&outer.domain) == domain)
            else {
                continue;
            };
            let signature = |op_type: &str, version: i64| {
                let node = Node { op_type: op_type.to_owned(), domain: domain.clone(), ..Node::default() };
                let named = ops::schemas().filter(|schema| schema.names(&node) && schema.since <= version);
                named.map(|schema| schema.since).max()
            };
            let changed = function.node.iter().find(|node| {
                standard(&node.domain) == domain
                    && signature(&node.op_type, set.version) != signature(&node.op_type, outer.version)
            });
            if let Some(node) = changed {
                return Err(ReadError::LocalFunction {
                    node: node.name.clone(),
                    function: name(&function.domain, &function.name),
                    found: format!(
                        "imports version {} of {}, in which {} is another one than in version {}, which the model imports",
                        set.version,
                        domain_name(&domain),
                        node.op_type,
                        outer.version
                    ),
                });
            }
        }
    }
    Ok(())
}

struct Inliner<'f> {
    functions: &'f BTreeMap<Key, FunctionProto>,
    copied: Copied,
    called: BTreeSet<Key>,
    /// Functions whose nodes are being written.
    stack: Vec<Key>,
}

/// What was written so far.
struct Copied {
    /// Names of values that exist.
    taken: BTreeSet<String>,
    bytes: u64,
    /// Most bytes.
    most: u64,
    nodes: usize,
}

/// There is too much to write.
struct Excess;

impl Copied {
    fn count(&mut self, bytes: u64) -> Result<(), Excess> {
        self.bytes += bytes;
        if self.bytes > self.most { Err(Excess) } else { Ok(()) }
    }

    fn node(&mut self, bytes: u64) -> Result<(), Excess> {
        self.nodes += 1;
        if self.nodes > COPIED_NODES { Err(Excess) } else { self.count(bytes) }
    }
}

impl Inliner<'_> {
    fn graph(&mut self, graph: &mut GraphProto) -> Result<(), ReadError> {
        let nodes = std::mem::take(&mut graph.node);
        for node in nodes {
            self.node(node, &mut graph.node)?;
        }
        Ok(())
    }

    /// Writes `node`, or what it calls, to `out`.
    fn node(&mut self, mut node: NodeProto, out: &mut Vec<NodeProto>) -> Result<(), ReadError> {
        let key = (standard(&node.domain), node.op_type.clone(), node.overload.clone());
        match self.functions.get(&key) {
            // What a quantizer computes is told to other tools by a function; here it is an operator.
            Some(_) if key.0 != DEFAULT_DOMAIN && is_operator(&node) => {}
            Some(function) => return self.call(&node, key, function, out),
            None => {}
        }
        for attribute in &mut node.attribute {
            if let Some(body) = attribute.g.as_mut() {
                self.graph(body)?;
            }
        }
        out.push(node);
        Ok(())
    }

    fn call(
        &mut self,
        call: &NodeProto,
        key: Key,
        function: &FunctionProto,
        out: &mut Vec<NodeProto>,
    ) -> Result<(), ReadError> {
        let refuse = |found: String| ReadError::LocalFunction {
            node: label(call),
            function: name(&function.domain, &function.name),
            found,
        };
        if self.stack.contains(&key) {
            return Err(refuse("calls itself".to_owned()));
        }
        if self.stack.len() == DEPTH {
            return Err(refuse(format!("is called {DEPTH} functions deep")));
        }
        if call.input.len() > function.input.len() || call.output.len() > function.output.len() {
            let (inputs, outputs) = (function.input.len(), function.output.len());
            return Err(refuse(format!(
                "has {inputs} inputs and {outputs} outputs, and is called with {} and {}",
                call.input.len(),
                call.output.len()
            )));
        }
        let prefix = label(call);
        let mut scope = Scope { prefix: &prefix, call, function, names: BTreeMap::new() };
        for (index, formal) in function.input.iter().enumerate() {
            let actual = call.input.get(index).cloned().unwrap_or_default();
            scope.names.insert(formal.clone(), actual);
        }
        // An output that is an input as well needs a node of its own.
        let mut passed = vec![];
        for (index, formal) in function.output.iter().enumerate() {
            let actual = call.output.get(index).cloned().unwrap_or_default();
            match scope.names.get(formal) {
                Some(known) if !actual.is_empty() => passed.push((known.clone(), actual)),
                Some(_) => {}
                None if actual.is_empty() => {}
                None => {
                    scope.names.insert(formal.clone(), actual);
                }
            }
        }
        self.called.insert(key.clone());
        self.stack.push(key);
        for node in &function.node {
            let written =
                self.copied.node(node.compute_size()).and_then(|()| scope.node(node, &mut self.copied));
            let Ok(node) = written else {
                return Err(refuse("makes a graph out of all proportion to its file".to_owned()));
            };
            self.node(node, out)?;
        }
        self.stack.pop();
        for (from, to) in passed {
            out.push(NodeProto {
                name: format!("{prefix}/{to}"),
                op_type: "Identity".to_owned(),
                input: vec![from],
                output: vec![to],
                ..Default::default()
            });
        }
        Ok(())
    }
}

/// One call of a function while its nodes are written.
struct Scope<'c> {
    prefix: &'c str,
    call: &'c NodeProto,
    function: &'c FunctionProto,
    /// Names outside for names of the function.
    names: BTreeMap<String, String>,
}

impl Scope<'_> {
    /// The name outside for `inner`.
    fn value(&mut self, inner: &str, copied: &mut Copied) -> Result<String, Excess> {
        if inner.is_empty() {
            return Ok(String::new());
        }
        if let Some(known) = self.names.get(inner) {
            copied.count(known.len() as u64)?;
            return Ok(known.clone());
        }
        copied.count((self.prefix.len() + inner.len()) as u64)?;
        let mut outer = format!("{}/{inner}", self.prefix);
        let mut copy = 1;
        while !copied.taken.insert(outer.clone()) {
            copy += 1;
            outer = format!("{}/{inner}#{copy}", self.prefix);
        }
        self.names.insert(inner.to_owned(), outer.clone());
        Ok(outer)
    }

    fn node(&mut self, node: &NodeProto, copied: &mut Copied) -> Result<NodeProto, Excess> {
        let attributes = node.attribute.iter().filter_map(|attribute| self.attribute(attribute)).collect();
        let mut copy = NodeProto { attribute: attributes, ..node.clone() };
        let inner = if node.name.is_empty() { label(node) } else { node.name.clone() };
        copied.count(self.prefix.len() as u64)?;
        copy.name = format!("{}/{inner}", self.prefix);
        for name in copy.input.iter_mut().chain(&mut copy.output) {
            *name = self.value(name, copied)?;
        }
        for attribute in &mut copy.attribute {
            if let Some(body) = attribute.g.as_mut() {
                self.body(body, copied)?;
            }
        }
        Ok(copy)
    }

    /// What `attribute` is in this call: itself, or the attribute of the call that it refers to; `None` if that has none.
    fn attribute(&self, attribute: &AttributeProto) -> Option<AttributeProto> {
        let reference = &attribute.ref_attr_name;
        if reference.is_empty() {
            return Some(attribute.clone());
        }
        let mut given = self.call.attribute.iter().chain(&self.function.attribute_proto);
        let given = given.find(|given| given.name == *reference)?;
        Some(AttributeProto { name: attribute.name.clone(), ..given.clone() })
    }

    /// Renames what is in a subgraph of the function.
    fn body(&mut self, body: &mut GraphProto, copied: &mut Copied) -> Result<(), Excess> {
        for value in body.input.iter_mut().chain(&mut body.value_info) {
            value.name = self.value(&value.name, copied)?;
        }
        for tensor in &mut body.initializer {
            tensor.name = self.value(&tensor.name, copied)?;
        }
        for node in &mut body.node {
            copied.node(0)?;
            *node = self.node(node, copied)?;
        }
        for value in &mut body.output {
            value.name = self.value(&value.name, copied)?;
        }
        Ok(())
    }
}

/// Adds the names of all values in `graph` and its subgraphs.
fn names(graph: &GraphProto, taken: &mut BTreeSet<String>) {
    let values = graph.input.iter().chain(&graph.output).map(|value| &value.name);
    taken.extend(values.chain(graph.initializer.iter().map(|tensor| &tensor.name)).cloned());
    for node in &graph.node {
        taken.extend(node.input.iter().chain(&node.output).cloned());
        for body in node.attribute.iter().filter_map(|attribute| attribute.g.as_ref()) {
            names(body, taken);
        }
    }
}

fn is_operator(node: &NodeProto) -> bool {
    let node = Node { op_type: node.op_type.clone(), domain: node.domain.clone(), ..Node::default() };
    ops::schemas().any(|schema| schema.names(&node))
}

/// `domain`, the standard one by its short name.
fn standard(domain: &str) -> String {
    if domain == DEFAULT_DOMAIN_NAME { DEFAULT_DOMAIN } else { domain }.to_owned()
}

fn name(domain: &str, function: &str) -> String {
    format!("{}:{function}", domain_name(domain))
}

fn label(node: &NodeProto) -> String {
    match node.output.iter().find(|output| !output.is_empty()) {
        _ if !node.name.is_empty() => node.name.clone(),
        Some(output) => format!("{} of {output}", node.op_type),
        None => node.op_type.clone(),
    }
}
