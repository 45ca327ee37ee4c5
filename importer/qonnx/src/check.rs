//! Nodes against operator schemas.
//!
//! The importer calls this on what it read, training's tests on what they wrote. All problems are reported, each
//! naming its node.

use crate::model::{AttributeValue, Graph, Model, Node, domain_name};
use crate::ops::{self, AttributeDefault, Formal, OpSchema, Presence};

/// A node that does not fit its operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("node \"{node}\" ({op_type}): {problem}")]
pub struct SchemaError {
    /// Label of the node.
    pub node: String,
    /// Operator name in the file.
    pub op_type: String,
    /// What is wrong.
    pub problem: SchemaProblem,
}

/// What is wrong with a node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaProblem {
    /// No schema for this name in this domain.
    #[error("unknown operator in domain {domain}{}", known_elsewhere(known_in))]
    UnknownOperator {
        /// Domain in the file, `ai.onnx` if empty.
        domain: String,
        /// Domains in which the name is known.
        known_in: &'static [&'static str],
    },
    /// A required input is not there.
    #[error("input {index} \"{name}\" is missing")]
    MissingInput {
        /// Position, from 0.
        index: usize,
        /// Name in the operator's specification.
        name: &'static str,
    },
    /// More inputs than the operator has.
    #[error("{found} inputs, the operator takes at most {needed}")]
    SurplusInputs {
        /// Largest number of inputs.
        needed: usize,
        /// Number in the file.
        found: usize,
    },
    /// A required output is not there.
    #[error("output {index} \"{name}\" is missing")]
    MissingOutput {
        /// Position, from 0.
        index: usize,
        /// Name in the operator's specification.
        name: &'static str,
    },
    /// More outputs than the operator has.
    #[error("{found} outputs, the operator has at most {needed}")]
    SurplusOutputs {
        /// Largest number of outputs.
        needed: usize,
        /// Number in the file.
        found: usize,
    },
    /// A required attribute is not there.
    #[error("attribute \"{name}\" ({kind}) is missing")]
    MissingAttribute {
        /// Name of the attribute.
        name: &'static str,
        /// Kind it must have.
        kind: &'static str,
    },
    /// An attribute of the wrong kind.
    #[error("attribute \"{name}\" is of kind {found}, needs {needed}")]
    AttributeKind {
        /// Name of the attribute.
        name: &'static str,
        /// Kind in the file.
        found: &'static str,
        /// Kind it must have.
        needed: &'static str,
    },
    /// An attribute the operator does not have.
    #[error("unknown attribute \"{name}\"")]
    UnknownAttribute {
        /// Name of the attribute.
        name: String,
    },
    /// An attribute given twice.
    #[error("attribute \"{name}\" is given more than once")]
    RepeatedAttribute {
        /// Name of the attribute.
        name: String,
    },
    /// A signature or attribute newer than the operator set the file imports.
    #[error("{what} needs version {since} of its operator set, the model imports {imported}")]
    Version {
        /// The operator's signature or the attribute.
        what: String,
        /// First version that has it.
        since: i64,
        /// Version in the file.
        imported: i64,
    },
}

fn known_elsewhere(domains: &[&str]) -> String {
    domains.first().map_or_else(String::new, |domain| format!("; known in {}", domain_name(domain)))
}

/// Every way in which `node` does not fit the operator it names, or an unknown-operator error.
pub fn check_node(node: &Node) -> Vec<SchemaError> {
    check(node, None)
}

impl Model {
    /// Checks every node, subgraphs included, against the operator schemas and the imported versions.
    ///
    /// Domains the model does not import are not checked for versions: old files leave them out.
    pub fn check(&self) -> Vec<SchemaError> {
        let mut errors = Vec::new();
        check_graph(self, &self.graph, &mut errors);
        errors
    }
}

fn check_graph(model: &Model, graph: &Graph, errors: &mut Vec<SchemaError>) {
    for node in &graph.nodes {
        errors.extend(check(node, model.opset_version(&node.domain)));
        for attribute in &node.attributes {
            if let AttributeValue::Graph(body) = &attribute.value {
                check_graph(model, body, errors);
            }
        }
    }
}

fn check(node: &Node, opset: Option<i64>) -> Vec<SchemaError> {
    let problems = match ops::select(node, opset) {
        None => {
            let domain = domain_name(&node.domain);
            let known_in =
                ops::schemas().find(|schema| schema.is_called(&node.op_type)).map_or(&[][..], |s| s.domains);
            vec![SchemaProblem::UnknownOperator { domain: domain.to_owned(), known_in }]
        }
        Some(schema) => {
            let mut problems = schema.problems(node);
            // Versions count in the operator's own domain; others that it is found in count by themselves.
            let opset = opset.filter(|_| domain_name(schema.domains[0]) == domain_name(&node.domain));
            problems.extend(opset.into_iter().flat_map(|imported| schema.too_new(node, imported)));
            problems
        }
    };
    let error = |problem| SchemaError { node: node.label(), op_type: node.op_type.clone(), problem };
    problems.into_iter().map(error).collect()
}

impl OpSchema {
    /// Every way in which `node` does not fit, versions aside.
    pub(crate) fn problems(&self, node: &Node) -> Vec<SchemaProblem> {
        let mut problems = Vec::new();
        for (index, name) in missing(self.inputs, &node.inputs) {
            problems.push(SchemaProblem::MissingInput { index, name });
        }
        if let Some((needed, found)) = surplus(self.inputs, &node.inputs) {
            problems.push(SchemaProblem::SurplusInputs { needed, found });
        }
        for (index, name) in missing(self.outputs, &node.outputs) {
            problems.push(SchemaProblem::MissingOutput { index, name });
        }
        if let Some((needed, found)) = surplus(self.outputs, &node.outputs) {
            problems.push(SchemaProblem::SurplusOutputs { needed, found });
        }
        for schema in self.attributes {
            match node.attribute(schema.name) {
                None if schema.default == AttributeDefault::Required => {
                    problems.push(SchemaProblem::MissingAttribute {
                        name: schema.name,
                        kind: schema.kind.name(),
                    });
                }
                Some(value) if !schema.kind.holds(value) => {
                    let (found, needed) = (value.kind(), schema.kind.name());
                    problems.push(SchemaProblem::AttributeKind { name: schema.name, found, needed });
                }
                _ => {}
            }
        }
        for (index, attribute) in node.attributes.iter().enumerate() {
            let name = attribute.name.clone();
            if self.attribute(&name).is_none() {
                problems.push(SchemaProblem::UnknownAttribute { name });
            } else if node.attributes[..index].iter().any(|earlier| earlier.name == name) {
                problems.push(SchemaProblem::RepeatedAttribute { name });
            }
        }
        problems
    }

    /// What in `node` is newer than version `imported` of the operator set.
    fn too_new(&self, node: &Node, imported: i64) -> Vec<SchemaProblem> {
        let signature = (self.since, "this form of the operator".to_owned());
        let given = node.attributes.iter().filter_map(|attribute| self.attribute(&attribute.name));
        let attributes =
            given.map(|attribute| (attribute.since, format!("attribute \"{}\"", attribute.name)));
        std::iter::once(signature)
            .chain(attributes)
            .filter(|(since, _)| *since > imported)
            .map(|(since, what)| SchemaProblem::Version { what, since, imported })
            .collect()
    }
}

/// Position and name of each formal in `formals` that `names` should have and does not.
fn missing(formals: &'static [Formal], names: &[String]) -> impl Iterator<Item = (usize, &'static str)> {
    let absent = |index: usize| names.get(index).is_none_or(String::is_empty);
    let needed = |formal: &Formal| formal.presence != Presence::Optional;
    let found = formals.iter().enumerate().filter(move |(index, formal)| needed(formal) && absent(*index));
    found.map(|(index, formal)| (index, formal.name))
}

/// Largest and actual number, if there are more `names` than `formals` allow.
fn surplus(formals: &[Formal], names: &[String]) -> Option<(usize, usize)> {
    let unbounded = formals.last().is_some_and(|formal| formal.presence == Presence::Variadic);
    (!unbounded && names.len() > formals.len()).then_some((formals.len(), names.len()))
}
