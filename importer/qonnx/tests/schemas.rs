//! Operator schemas: recognition, defaults, checks.

use exactum_qonnx::ops::{AttributeDefault, Presence, schemas};
use exactum_qonnx::{Graph, Model, Node, OpSchema, check_node};

fn quant() -> Node {
    Node::new("Quant", ["x", "s", "z", "b"], ["y"]).named("q").attr("signed", 1).attr("narrow", 0)
}

fn messages(node: &Node) -> Vec<String> {
    check_node(node).iter().map(ToString::to_string).collect()
}

#[test]
fn declarations_are_well_formed() {
    for schema in schemas() {
        let op = schema.op_type;
        assert!(!schema.summary.is_empty() && !schema.domains.is_empty() && schema.since >= 1, "{op}");
        for formals in [schema.inputs, schema.outputs] {
            let ranks: Vec<_> = formals.iter().map(|formal| formal.presence == Presence::Optional).collect();
            assert!(ranks.is_sorted(), "{op}: a required formal follows an optional one");
            let variadic = formals.iter().position(|formal| formal.presence == Presence::Variadic);
            assert!(variadic.is_none_or(|index| index + 1 == formals.len()), "{op}: variadic before the end");
        }
        let names: Vec<_> = schema.attributes.iter().map(|attribute| attribute.name).collect();
        for (index, attribute) in schema.attributes.iter().enumerate() {
            assert!(!names[..index].contains(&attribute.name), "{op}: {} twice", attribute.name);
            let kind = attribute.kind.name();
            match attribute.default {
                AttributeDefault::Int(_) => assert_eq!(kind, "int", "{op}"),
                AttributeDefault::Float(_) => assert_eq!(kind, "float", "{op}"),
                AttributeDefault::String(_) => assert_eq!(kind, "string", "{op}"),
                AttributeDefault::Required | AttributeDefault::Derived => {}
            }
        }
    }
}

#[test]
fn later_signatures_follow_earlier_ones() {
    let all: Vec<_> = schemas().collect();
    for (index, schema) in all.iter().enumerate() {
        let same = |earlier: &&&OpSchema| {
            earlier.op_type == schema.op_type && earlier.domains.contains(&schema.domains[0])
        };
        for earlier in all[..index].iter().filter(same) {
            assert!(earlier.since < schema.since, "{}", schema.op_type);
        }
    }
}

#[test]
fn names_and_domains_of_quant_all_mean_quant() {
    for op_type in ["Quant", "IntQuant"] {
        for domain in ["qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general", "finn", ""] {
            let mut node = quant().in_domain(domain);
            node.op_type = op_type.into();
            assert_eq!(node.operator().unwrap().op_type, "Quant");
            assert_eq!(messages(&node), Vec::<String>::new());
        }
    }
    assert_eq!(quant().in_domain("com.microsoft").operator(), None);
    assert_eq!(quant().domain, "qonnx.custom_op.general");
    assert_eq!(Node::new("Conv", ["x", "w"], ["y"]).domain, "");
}

#[test]
fn a_domain_has_its_own_operators() {
    let last = Node::new("Conv", ["x", "w"], ["y"]).in_domain("qonnx.custom_op.channels_last");
    assert_eq!(last.operator().unwrap().domains, ["qonnx.custom_op.channels_last"]);
    assert_eq!(messages(&last), Vec::<String>::new());
    let coded = Node::new("QuantizeLinear", ["x", "s", "z"], ["y"]);
    assert_eq!(coded.domain, "");
    assert_eq!(messages(&coded.in_domain("com.microsoft")), Vec::<String>::new());
    assert_eq!(Node::new("QLinearAdd", ["a"; 8], ["y"]).domain, "com.microsoft");
    assert_eq!(messages(&Node::new("QLinearAdd", ["a"; 7], ["y"])).len(), 1);
}

#[test]
fn signatures_are_told_apart_by_what_the_node_has() {
    let trunc = |inputs: &[&str]| Node::new("Trunc", inputs.iter().copied(), ["y"]).operator().unwrap().since;
    assert_eq!(trunc(&["x", "s", "z", "in", "out"]), 1);
    assert_eq!(trunc(&["x", "s", "z", "in", "out_scale", "out"]), 2);
    let since = |node: Node| node.operator().unwrap().since;
    assert_eq!(since(Node::new("Squeeze", ["x"], ["y"]).attr("axes", [1])), 1);
    assert_eq!(since(Node::new("Squeeze", ["x", "axes"], ["y"])), 13);
    assert_eq!(since(Node::new("Unsqueeze", ["x"], ["y"]).attr("axes", [1])), 1);
    assert_eq!(since(Node::new("Clip", ["x"], ["y"]).attr("min", 0.0)), 6);
    assert_eq!(since(Node::new("Clip", ["x", "lo"], ["y"])), 11);
    assert_eq!(since(Node::new("Slice", ["x"], ["y"]).attr("starts", [0]).attr("ends", [1])), 1);
    assert_eq!(since(Node::new("Split", ["x"], ["a", "b"]).attr("split", [1, 1])), 2);
    assert_eq!(since(Node::new("Pad", ["x"], ["y"]).attr("pads", [0, 0])), 2);
    assert_eq!(since(Node::new("ReduceMean", ["x", "axes"], ["y"])), 18);
    assert_eq!(since(Node::new("Dropout", ["x"], ["y"]).attr("ratio", 0.1)), 7);
    assert_eq!(since(Node::new("Dropout", ["x", "ratio"], ["y"])), 12);
}

#[test]
fn attributes_fall_back_on_defaults() {
    let conv = Node::new("Conv", ["x", "w"], ["y"]);
    assert_eq!(
        (conv.int("group"), conv.string("auto_pad"), conv.ints("pads")),
        (Some(1), Some("NOTSET"), None)
    );
    assert_eq!(conv.clone().attr("group", 4).int("group"), Some(4));
    assert_eq!(conv.attr("group", 4.0).int("group"), None);
    let gemm = Node::new("Gemm", ["a", "b"], ["y"]).attr("beta", 0.5);
    assert_eq!((gemm.float("alpha"), gemm.float("beta")), (Some(1.0), Some(0.5)));
    assert_eq!(quant().string("rounding_mode"), Some("ROUND"));
    assert_eq!(Node::new("Quant", ["x"], ["y"]).int("signed"), None);
    assert_eq!(quant().input_named("zeropt"), Some("z"));
}

#[test]
fn every_problem_is_reported_and_names_the_node() {
    assert_eq!(messages(&quant()), Vec::<String>::new());
    let bad = Node::new("Quant", ["x", "", "z"], Vec::<String>::new())
        .named("q")
        .attr("signed", 1.0)
        .attr("rounding_mode", "FLOOR")
        .attr("zero", 0);
    assert_eq!(
        messages(&bad),
        [
            "node \"q\" (Quant): input 1 \"scale\" is missing",
            "node \"q\" (Quant): input 3 \"bitwidth\" is missing",
            "node \"q\" (Quant): output 0 \"y\" is missing",
            "node \"q\" (Quant): attribute \"signed\" is of kind float, needs int",
            "node \"q\" (Quant): attribute \"narrow\" (int) is missing",
            "node \"q\" (Quant): unknown attribute \"zero\"",
        ]
    );
    let mut twice = Node::new("Relu", ["a", "b"], ["y", "z"]);
    twice.attributes = vec![quant().attributes[0].clone(); 2];
    assert_eq!(
        messages(&twice),
        [
            "node \"Relu of y\" (Relu): 2 inputs, the operator takes at most 1",
            "node \"Relu of y\" (Relu): 2 outputs, the operator has at most 1",
            "node \"Relu of y\" (Relu): unknown attribute \"signed\"",
            "node \"Relu of y\" (Relu): unknown attribute \"signed\"",
        ]
    );
    let mut repeated = quant();
    repeated.attributes.push(quant().attributes[0].clone());
    assert_eq!(messages(&repeated), ["node \"q\" (Quant): attribute \"signed\" is given more than once"]);
    assert_eq!(
        messages(&Node::new("Conv", ["x", "w"], ["y"]).in_domain("other")),
        ["node \"Conv of y\" (Conv): unknown operator in domain other; known in ai.onnx"]
    );
    assert_eq!(messages(&Node::new("Concat", Vec::<String>::new(), ["y"]).attr("axis", 1)).len(), 1);
    assert!(messages(&Node::new("Concat", ["a", "b", "c"], ["y"]).attr("axis", 1)).is_empty());
}

#[test]
fn models_are_checked_against_the_versions_they_import() {
    let check = |node: Node, opset: i64| {
        let mut graph = Graph::new("g");
        graph.nodes = vec![node];
        let errors = Model::new(graph).opset("", opset).check();
        errors.iter().map(|error| error.problem.to_string()).collect::<Vec<_>>()
    };
    let reshape = || Node::new("Reshape", ["x", "shape"], ["y"]).attr("allowzero", 1);
    assert_eq!(
        check(reshape(), 13),
        ["attribute \"allowzero\" needs version 14 of its operator set, the model imports 13"]
    );
    assert!(check(reshape(), 14).is_empty());
    // Without axes both signatures fit; the imported version decides.
    assert!(check(Node::new("Squeeze", ["x"], ["y"]), 11).is_empty());
    assert_eq!(
        check(Node::new("Squeeze", ["x", "axes"], ["y"]), 11),
        ["this form of the operator needs version 13 of its operator set, the model imports 11"]
    );
    // ONNX Runtime has standard operators in a domain with a version of its own.
    let mut graph = Graph::new("g");
    graph.nodes =
        vec![Node::new("QuantizeLinear", ["x", "s", "z"], ["y"]).in_domain("com.microsoft").attr("axis", 0)];
    assert_eq!(Model::new(graph).opset("com.microsoft", 1).check(), []);
    let mut outer = Graph::new("g");
    let mut body = Graph::new("body");
    body.nodes = vec![reshape()];
    outer.nodes = vec![Node::new("Identity", ["x"], ["y"]).attr("body", body)];
    let errors = Model::new(outer).opset("", 13).check();
    assert_eq!(errors.len(), 2, "{errors:?}");
}
