//! Random edits of models: of decoded ones, so that most results are models again and reach deep into the compiler.

mod node;
mod tensor;

use exactum_qonnx::{Annotation, DEFAULT_DOMAIN, Dim, ElemType, Graph, Model, QONNX_DOMAIN, ValueInfo};

use crate::random::Random;
use crate::seeds::seeds;

/// Applies a few random edits to `model`.
pub fn edit(model: &mut Model, random: &mut Random) {
    let mut count = 1;
    while count < 8 && random.once_in(2) {
        count += 1;
    }
    for _ in 0..count {
        once(model, random);
    }
}

/// `bytes` as a model with edits, written again; `None` if they are no model.
pub fn edited(bytes: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut model = exactum_qonnx::read(bytes).ok()?;
    edit(&mut model, random);
    Some(exactum_qonnx::write(&model))
}

fn once(model: &mut Model, random: &mut Random) {
    let graph = &mut model.graph;
    match random.below(24) {
        0..6 => tensor::edit_initializer(graph, random),
        6..12 => node::edit_attribute(graph, random),
        12..18 => node::edit_node(graph, random),
        18 => edit_value(graph, random),
        19 => edit_outputs(graph, random),
        20 => splice(graph, random),
        21 => edit_annotation(graph, random),
        22 => {
            let domain = if random.once_in(3) { QONNX_DOMAIN } else { DEFAULT_DOMAIN };
            let version = random.below(24) as i64;
            *model = std::mem::take(model).opset(domain, version);
        }
        _ => edit_input_shape(graph, random),
    }
}

/// Another shape or type of an input: what the whole graph's shapes follow from.
fn edit_input_shape(graph: &mut Graph, random: &mut Random) {
    if let Some(input) = random.pick_mut(&mut graph.inputs) {
        change_value(input, random);
    }
}

fn edit_value(graph: &mut Graph, random: &mut Random) {
    let values = if random.once_in(2) { &mut graph.value_info } else { &mut graph.outputs };
    if let Some(value) = random.pick_mut(values) {
        change_value(value, random);
    }
}

fn change_value(value: &mut ValueInfo, random: &mut Random) {
    if random.once_in(6) {
        value.elem = random.pick(ElemType::ALL).copied().unwrap_or_default();
        return;
    }
    if random.once_in(12) {
        value.shape = None;
        return;
    }
    let Some(shape) = &mut value.shape else { return };
    match random.below(8) {
        0 => shape.push(Dim::Known(1)),
        1 => {
            shape.pop();
        }
        2 => shape.insert(0, Dim::Known(random.below(3))),
        3 => {
            let (a, b) = (random.below(shape.len()), random.below(shape.len()));
            if a < shape.len() && b < shape.len() {
                shape.swap(a, b);
            }
        }
        4 => {
            if let Some(dim) = random.pick_mut(shape) {
                *dim = if random.once_in(2) { Dim::Unknown } else { Dim::Symbol("n".to_owned()) };
            }
        }
        _ => {
            if let Some(dim) = random.pick_mut(shape) {
                let now = if let Dim::Known(size) = dim { *size as i64 } else { 1 };
                *dim = Dim::Known(random.integer(now).unsigned_abs() as usize);
            }
        }
    }
}

/// Outputs that are inner values, inputs, constants, or there twice.
fn edit_outputs(graph: &mut Graph, random: &mut Random) {
    match random.below(4) {
        0 if graph.outputs.len() > 1 => {
            let index = random.below(graph.outputs.len());
            graph.outputs.remove(index);
        }
        1 => {
            if let Some(output) = random.pick(&graph.outputs).cloned() {
                graph.outputs.push(output);
            }
        }
        _ => {
            let Some(name) = node::any_value(graph, random) else { return };
            let value = ValueInfo { name, ..ValueInfo::default() };
            if random.once_in(2) {
                graph.outputs.push(value);
            } else if let Some(output) = random.pick_mut(&mut graph.outputs) {
                *output = value;
            }
        }
    }
}

fn edit_annotation(graph: &mut Graph, random: &mut Random) {
    const TYPES: [&str; 14] = [
        "INT4",
        "UINT8",
        "INT8",
        "BIPOLAR",
        "TERNARY",
        "BINARY",
        "INT32",
        "INT33",
        "UINT64",
        "FLOAT32",
        "FIXED<8,4>",
        "SCALEDINT<8>",
        "INT0",
        "",
    ];
    let Some(value) = node::any_value(graph, random) else { return };
    let datatype = random.pick(&TYPES).map(|name| (*name).to_owned()).unwrap_or_default();
    graph.annotations.push(Annotation { value, entries: vec![("finn_datatype".to_owned(), datatype)] });
}

/// Nodes of another model behind some value of this one.
fn splice(graph: &mut Graph, random: &mut Random) {
    let Some(other) = random.pick(seeds()) else { return };
    let other = &other.graph;
    let Some(from) = node::any_value(graph, random) else { return };
    let tag = random.below(1000);
    let start = random.below(other.nodes.len());
    let count = 1 + random.below(4);
    let own = |name: &str| format!("{name}~{tag}");
    let at = random.below(graph.nodes.len() + 1);
    let mut end = from.clone();
    let mut spliced = vec![];
    for source in other.nodes.iter().skip(start).take(count) {
        let mut node = source.clone();
        node.name = own(&node.name);
        for (index, input) in node.inputs.iter_mut().enumerate() {
            if index == 0 {
                input.clone_from(&end);
            } else if !input.is_empty() {
                let name = own(input);
                if let Some(tensor) = other.initializer(input) {
                    let mut tensor = tensor.clone();
                    tensor.name.clone_from(&name);
                    graph.initializers.push(tensor);
                }
                *input = name;
            }
        }
        for output in node.outputs.iter_mut().filter(|output| !output.is_empty()) {
            *output = own(output);
        }
        if let Some(output) = node.outputs.first() {
            end.clone_from(output);
        }
        spliced.push(node);
    }
    // Who read the value before reads the end of what was put in.
    if !random.once_in(4) {
        for input in graph.nodes.iter_mut().skip(at).flat_map(|node| &mut node.inputs) {
            if *input == from {
                input.clone_from(&end);
            }
        }
        for output in graph.outputs.iter_mut().filter(|output| output.name == from) {
            output.name.clone_from(&end);
        }
    } else {
        graph.outputs.push(ValueInfo { name: end, ..ValueInfo::default() });
    }
    graph.nodes.splice(at..at, spliced);
}
