//! The names of an exported model's input and output.

use exactum_qonnx::{Graph, Model};

/// Gives the input and the output of an exported `model` other names. Values inside that have one of them get another.
pub fn rename_interface(model: &mut Model, input: &str, output: &str) {
    let graph = &mut model.graph;
    let ends = [graph.inputs.first(), graph.outputs.first()].map(|end| end.map(|end| end.name.clone()));
    // A network without layers has one value.
    if input == output || ends[0] == ends[1] {
        return;
    }
    // Both leave first: one may have had the name of the other.
    let [Some(input_now), Some(output_now)] = ends else { return };
    let [from_input, from_output] = [fresh(graph, "input_value"), fresh(graph, "output_value")];
    rename(graph, &input_now, &from_input);
    rename(graph, &output_now, &from_output);
    for name in [input, output] {
        let aside = fresh(graph, &format!("{name}_value"));
        rename(graph, name, &aside);
    }
    rename(graph, &from_input, input);
    rename(graph, &from_output, output);
}

/// A name that no value of `graph` has, made from `stem`.
fn fresh(graph: &Graph, stem: &str) -> String {
    let taken = |name: &str| values(graph).any(|value| value == name);
    let numbered = (1..).map(|number| format!("{stem}_{number}"));
    std::iter::once(stem.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}

fn values(graph: &Graph) -> impl Iterator<Item = &str> {
    let nodes = graph.nodes.iter().flat_map(|node| node.inputs.iter().chain(&node.outputs));
    let initializers = graph.initializers.iter().map(|tensor| &tensor.name);
    let infos = graph.inputs.iter().chain(&graph.outputs).chain(&graph.value_info).map(|info| &info.name);
    nodes.chain(initializers).chain(infos).map(String::as_str)
}

fn rename(graph: &mut Graph, from: &str, to: &str) {
    let nodes = graph.nodes.iter_mut().flat_map(|node| node.inputs.iter_mut().chain(&mut node.outputs));
    let initializers = graph.initializers.iter_mut().map(|tensor| &mut tensor.name);
    let infos = graph.inputs.iter_mut().chain(&mut graph.outputs).chain(&mut graph.value_info);
    for name in nodes.chain(initializers).chain(infos.map(|info| &mut info.name)) {
        if name == from {
            to.clone_into(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exactum_qonnx::{ElemType, Node, ValueInfo};

    fn model() -> Model {
        let mut graph = Graph::new("g");
        graph.inputs.push(ValueInfo::new("input", ElemType::F32, &[1]));
        graph.nodes.push(Node::new("Relu", ["input"], ["a_out"]));
        graph.nodes.push(Node::new("Relu", ["a_out"], ["output"]));
        graph.outputs.push(ValueInfo::new("output", ElemType::F32, &[1]));
        Model::new(graph)
    }

    #[test]
    fn names_are_given_and_never_shared() {
        for [input, output, inside] in [
            ["image", "logits", "a_out"],
            ["output", "input", "a_out"],
            ["a_out", "output", "a_out_value"],
            ["input", "a_out", "a_out_value"],
        ] {
            let mut model = model();
            rename_interface(&mut model, input, output);
            let [first, second] = [&model.graph.nodes[0], &model.graph.nodes[1]];
            assert_eq!((first.inputs[0].as_str(), first.outputs[0].as_str()), (input, inside));
            assert_eq!((second.inputs[0].as_str(), second.outputs[0].as_str()), (inside, output));
            assert_eq!(
                (model.graph.inputs[0].name.as_str(), model.graph.outputs[0].name.as_str()),
                (input, output)
            );
        }
    }
}
