//! Edits of nodes: attributes, operators, edges, order.

use exactum_qonnx::ops::{AttributeKind, AttributeSchema, schemas};
use exactum_qonnx::{Attribute, AttributeValue, Graph, Node};

use super::tensor;
use crate::random::Random;

/// Texts that some attribute of some operator has.
const TEXTS: [&str; 24] = [
    "ROUND",
    "FLOOR",
    "CEIL",
    "ROUND_TO_ZERO",
    "UP",
    "DOWN",
    "HALF_UP",
    "HALF_DOWN",
    "NOTSET",
    "VALID",
    "SAME_UPPER",
    "SAME_LOWER",
    "nearest",
    "linear",
    "cubic",
    "asymmetric",
    "half_pixel",
    "align_corners",
    "constant",
    "reflect",
    "edge",
    "CRD",
    "NHWC",
    "",
];

/// The name of some value that a node could read.
pub(super) fn any_value(graph: &Graph, random: &mut Random) -> Option<String> {
    let node = random.pick(&graph.nodes);
    match random.below(8) {
        0 => random.pick(&graph.inputs).map(|input| input.name.clone()),
        1 => random.pick(&graph.initializers).map(|tensor| tensor.name.clone()),
        2 => node.and_then(|node| random.pick(&node.inputs).cloned()),
        _ => node.and_then(|node| random.pick(&node.outputs).cloned()),
    }
}

/// Changes, adds or removes an attribute.
pub(super) fn edit_attribute(graph: &mut Graph, random: &mut Random) {
    let Some(node) = random.pick_mut(&mut graph.nodes) else { return };
    match random.below(8) {
        0 => {
            let index = random.below(node.attributes.len());
            if index < node.attributes.len() {
                node.attributes.remove(index);
            }
        }
        1 | 2 => {
            let attributes = node.operator().map(|schema| schema.attributes).unwrap_or_default();
            if let Some(schema) = random.pick(attributes) {
                let value = new_value(schema, random);
                node.attributes.retain(|attribute| attribute.name != schema.name);
                node.attributes.push(Attribute { name: schema.name.to_owned(), value });
            }
        }
        3 => {
            if let Some(attribute) = random.pick(&node.attributes).cloned() {
                node.attributes.push(attribute);
            }
        }
        _ => {
            if let Some(attribute) = random.pick_mut(&mut node.attributes) {
                change(&mut attribute.value, random);
            }
        }
    }
}

fn new_value(schema: &AttributeSchema, random: &mut Random) -> AttributeValue {
    let mut value = match schema.kind {
        AttributeKind::Int => AttributeValue::Int(random.below(3) as i64),
        AttributeKind::Float => AttributeValue::Float(1.0),
        AttributeKind::String => AttributeValue::String(String::new()),
        AttributeKind::Tensor => AttributeValue::Tensor(exactum_qonnx::Tensor::scalar("", 1.0)),
        AttributeKind::Ints => AttributeValue::Ints(vec![random.below(3) as i64; random.below(9)]),
        AttributeKind::Floats => AttributeValue::Floats(vec![1.0; random.below(4)]),
        AttributeKind::Strings => AttributeValue::Strings(vec![String::new(); random.below(3)]),
    };
    if random.once_in(2) {
        change(&mut value, random);
    }
    value
}

fn change(value: &mut AttributeValue, random: &mut Random) {
    match value {
        AttributeValue::Int(value) => *value = random.integer(*value),
        AttributeValue::Float(value) => *value = random.float(*value),
        AttributeValue::String(value) => {
            *value = random.pick(&TEXTS).map(|text| (*text).to_owned()).unwrap_or_default();
        }
        AttributeValue::Tensor(tensor) => tensor::change(tensor, random),
        AttributeValue::Ints(values) => match random.below(6) {
            0 => values.push(random.below(3) as i64),
            1 => {
                values.pop();
            }
            2 => {
                let (a, b) = (random.below(values.len()), random.below(values.len()));
                if a < values.len() && b < values.len() {
                    values.swap(a, b);
                }
            }
            _ => {
                if let Some(value) = random.pick_mut(values) {
                    *value = random.integer(*value);
                }
            }
        },
        AttributeValue::Floats(values) => {
            if let Some(value) = random.pick_mut(values) {
                *value = random.float(*value);
            }
        }
        AttributeValue::Strings(values) => {
            values.pop();
        }
        AttributeValue::Graph(graph) => {
            graph.nodes.pop();
        }
    }
}

/// Moves, removes, repeats or rewires a node, or makes it another operator.
pub(super) fn edit_node(graph: &mut Graph, random: &mut Random) {
    let index = random.below(graph.nodes.len());
    if graph.nodes.is_empty() {
        return;
    }
    match random.below(12) {
        0 => {
            let other = random.below(graph.nodes.len());
            graph.nodes.swap(index, other);
        }
        1 | 2 => remove(graph, index),
        3 => {
            let mut copy = graph.nodes[index].clone();
            if random.once_in(2) {
                for output in &mut copy.outputs {
                    output.push('\'');
                }
            }
            graph.nodes.insert(index + 1, copy);
        }
        4 | 5 => insert(graph, index, random),
        6 => {
            let all: Vec<_> = schemas().collect();
            let inputs = graph.nodes[index].inputs.len();
            let fitting: Vec<_> = all.iter().filter(|schema| schema.inputs.len() == inputs).collect();
            if let Some(schema) = random.pick(&fitting) {
                graph.nodes[index].op_type = schema.op_type.to_owned();
                graph.nodes[index].domain = schema.domains[0].to_owned();
            }
        }
        7 => {
            let node = &mut graph.nodes[index];
            match random.below(4) {
                0 => node.name.clear(),
                1 => node.domain = "onnx.brevitas".to_owned(),
                2 => node.domain = "qonnx.custom_op.channels_last".to_owned(),
                _ => node.inputs.reverse(),
            }
        }
        8 => {
            let node = &mut graph.nodes[index];
            match random.below(3) {
                0 => node.inputs.push(String::new()),
                1 => {
                    node.inputs.pop();
                }
                _ => {
                    if let Some(input) = random.pick_mut(&mut node.inputs) {
                        input.clear();
                    }
                }
            }
        }
        _ => {
            let Some(name) = any_value(graph, random) else { return };
            if let Some(input) = random.pick_mut(&mut graph.nodes[index].inputs) {
                *input = name;
            }
        }
    }
}

/// Removes node `index`; who read its result reads its operand.
fn remove(graph: &mut Graph, index: usize) {
    let node = graph.nodes.remove(index);
    let (Some(from), Some(to)) = (node.outputs.first(), node.inputs.first()) else { return };
    rewire(graph, 0, from, to);
}

/// Puts an operator of one operand behind node `index`.
fn insert(graph: &mut Graph, index: usize, random: &mut Random) {
    let unary: Vec<_> = schemas()
        .filter(|schema| {
            schema.inputs.iter().skip(1).all(|input| input.presence != exactum_qonnx::ops::Presence::Required)
        })
        .collect();
    let Some(from) = graph.nodes[index].outputs.first().cloned() else { return };
    let to = format!("{from}+{}", random.below(100));
    let node = if random.once_in(3) {
        // A quantizer with the constants of another one.
        let quantizers: Vec<&Node> =
            graph.nodes.iter().filter(|node| node.op_type.ends_with("Quant")).collect();
        random.pick(&quantizers).map(|node| {
            let mut node = (*node).clone();
            if let Some(input) = node.inputs.first_mut() {
                input.clone_from(&from);
            }
            node.outputs = vec![to.clone()];
            node
        })
    } else {
        random.pick(&unary).map(|schema| {
            let mut node = Node::new(schema.op_type, [from.as_str()], [to.as_str()]);
            for attribute in schema.attributes {
                if random.once_in(2) {
                    node.attributes.push(Attribute {
                        name: attribute.name.to_owned(),
                        value: new_value(attribute, random),
                    });
                }
            }
            node
        })
    };
    if let Some(node) = node {
        rewire(graph, index + 1, &from, &to);
        graph.nodes.insert(index + 1, node);
    }
}

/// Uses of `from` in nodes from `first` on, and as output, become uses of `to`.
fn rewire(graph: &mut Graph, first: usize, from: &str, to: &str) {
    for input in graph.nodes.iter_mut().skip(first).flat_map(|node| &mut node.inputs) {
        if input == from {
            to.clone_into(input);
        }
    }
    for output in graph.outputs.iter_mut().filter(|output| output.name == from) {
        to.clone_into(&mut output.name);
    }
}
