//! Small files that ask for very much: functions that call themselves or double, branches within branches, constants of
//! absurd size, and many that are merely large. Each ends soon, in an error that names the place, or in what it means.

use std::time::{Duration, Instant};

use exactum_importer::compile;
use exactum_importer::diagnostic::{Code, Diagnostic};
use exactum_qonnx::{DEFAULT_DOMAIN, ElemType, Graph, Model, Node, Tensor, ValueInfo};

/// Longest that one file may take here, on a busy machine and without optimizations.
const LONGEST: Duration = Duration::from_secs(60);

/// A field of a protobuf message with bytes in it.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut message = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 128 {
        message.push((length & 127) as u8 | 128);
        length >>= 7;
    }
    message.push(length as u8);
    message.extend(bytes);
    message
}

/// A call of `op` in the functions' domain, or an operator of the standard.
fn call(op: &str, input: &str, output: &str, name: &str) -> Vec<u8> {
    let domain = if op.chars().all(char::is_lowercase) || op.contains(char::is_numeric) { "own" } else { "" };
    let parts: [(u8, &str); 5] = [(1, input), (2, output), (3, name), (4, op), (7, domain)];
    parts.iter().flat_map(|(number, text)| field(*number, text.as_bytes())).collect()
}

/// A function of `x` that gives `y`.
fn function(name: &str, nodes: &[Vec<u8>]) -> Vec<u8> {
    let mut message = [field(1, name.as_bytes()), field(4, b"x"), field(5, b"y")].concat();
    nodes.iter().for_each(|node| message.extend(field(7, node)));
    message.extend(field(10, b"own"));
    message
}

/// A model of one node and `functions`, whose field number takes two bytes.
fn file(node: &[u8], functions: &[Vec<u8>]) -> Vec<u8> {
    let mut message = field(7, &field(1, node));
    for function in functions {
        message.extend([0xca, 0x01]);
        message.extend(&field(0, function)[1..]);
    }
    message
}

/// Functions that each call the next one twice, and the last one `last`.
fn doubling(levels: usize, last: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let name = |level: usize| format!("f{level}");
    let twice = |level: usize| {
        let next = name(level + 1);
        function(&name(level), &[call(&next, "x", "t", ""), call(&next, "t", "y", "")])
    };
    (0..levels).map(twice).chain([function(&name(levels), last)]).collect()
}

fn chain(count: usize) -> Vec<Vec<u8>> {
    let name = |at: usize| match at {
        0 => "x".to_owned(),
        at if at == count => "y".to_owned(),
        at => format!("t{at}"),
    };
    (0..count).map(|at| call("Relu", &name(at), &name(at + 1), "")).collect()
}

/// Name, the node that calls, the functions, and what the error says.
type Functions<'a> = (&'a str, Vec<u8>, Vec<Vec<u8>>, &'a str);

#[test]
fn functions_that_grow_without_bound_are_refused() {
    let relu = || call("Relu", "x", "y", "");
    let deep: Vec<Vec<u8>> = (0..100)
        .map(|level| function(&format!("f{level}"), &[call(&format!("f{}", level + 1), "x", "y", "")]))
        .chain([function("f100", &[relu()])])
        .collect();
    let long = "n".repeat(1 << 20);
    let calls_itself = "calls itself";
    let cases: [Functions<'_>; 6] = [
        ("itself", call("f", "x", "y", ""), vec![function("f", &[call("f", "x", "y", "")])], calls_itself),
        (
            "each other",
            call("f", "x", "y", "start"),
            vec![
                function("f", &[call("g", "x", "y", "")]),
                function("g", &[call("h", "x", "y", "")]),
                function("h", &[call("f", "x", "y", "")]),
            ],
            calls_itself,
        ),
        ("doubling", call("f0", "x", "y", ""), doubling(40, &[relu()]), "proportion"),
        ("deep", call("f0", "x", "y", ""), deep, "64 functions deep"),
        ("long names", call("f", "x", "y", &long), vec![function("f", &chain(50_000))], "proportion"),
        ("few doublings", call("f0", "x", "y", ""), doubling(8, &chain(1000)), "proportion"),
    ];
    for (name, node, functions, needed) in cases {
        let start = Instant::now();
        let problem = exactum_qonnx::read(&file(&node, &functions)).expect_err(name).to_string();
        assert!(problem.contains(needed), "{name}: {}", &problem[..problem.len().min(500)]);
        assert!(start.elapsed() < LONGEST, "{name} took {:?}", start.elapsed());
    }
}

/// A model that quantizes `x`, adds the constant `k` that `nodes` compute, and quantizes the sum.
fn network(nodes: Vec<Node>, constants: Vec<Tensor>) -> Model {
    let mut graph = Graph::new("bomb");
    graph.inputs.push(ValueInfo::new("in", ElemType::F32, &[1, 4]));
    graph.outputs.push(ValueInfo { name: "out".to_owned(), elem: ElemType::F32, shape: None });
    graph.initializers = constants;
    for (name, value) in [("scale", 0.5f32), ("zero", 0.0), ("bits", 8.0)] {
        graph.initializers.push(Tensor::scalar(name, value));
    }
    let quant = |from: &str, to: &str| {
        let node = Node::new("Quant", [from, "scale", "zero", "bits"], [to]);
        node.attr("signed", 1).attr("narrow", 0).attr("rounding_mode", "ROUND")
    };
    graph.nodes.push(quant("in", "x"));
    graph.nodes.extend(nodes);
    graph.nodes.push(quant("y", "out"));
    Model::new(graph).opset(DEFAULT_DOMAIN, 18)
}

/// As [`network`], where `y` is the sum of `x` and of all elements of `k`.
fn with_constant(mut nodes: Vec<Node>, constants: Vec<Tensor>) -> Model {
    nodes.push(Node::new("ReduceSum", ["k"], ["total"]).attr("keepdims", 0));
    nodes.push(Node::new("Add", ["x", "total"], ["y"]));
    network(nodes, constants)
}

fn first_problem(name: &str, model: &Model) -> Diagnostic {
    let start = Instant::now();
    let report = compile(model).expect_err(name);
    assert!(start.elapsed() < LONGEST, "{name} took {:?}", start.elapsed());
    report.diagnostics()[0].clone()
}

fn longs(name: &str, values: &[i64]) -> Tensor {
    Tensor::new(name, &[values.len()], values.to_vec())
}

fn zeros(name: &str, shape: &[usize]) -> Tensor {
    Tensor::new(name, shape, vec![0f32; shape.iter().product()])
}

#[test]
fn constants_of_absurd_size_are_refused() {
    let million_millions = 1_000_000_000_000;
    let number = |name: &str, value: i64| Tensor::new(name, &[], vec![value]);
    let one = |op: &str, inputs: &[&str]| vec![Node::new(op, inputs.iter().copied(), ["k"])];
    let cases = [
        ("ConstantOfShape", one("ConstantOfShape", &["a"]), vec![longs("a", &[million_millions])]),
        ("all axes", one("ConstantOfShape", &["a"]), vec![longs("a", &[1 << 32, 1 << 32, 1 << 32])]),
        ("Expand", one("Expand", &["v", "a"]), vec![longs("a", &[million_millions]), zeros("v", &[1])]),
        ("Tile", one("Tile", &["v", "a"]), vec![longs("a", &[million_millions]), zeros("v", &[1])]),
        ("Pad", one("Pad", &["v", "a"]), vec![longs("a", &[0, million_millions]), zeros("v", &[1])]),
        (
            "Range",
            one("Range", &["a", "b", "c"]),
            vec![number("a", i64::MIN), number("b", i64::MAX), number("c", 1)],
        ),
        (
            "OneHot",
            one("OneHot", &["i", "d", "v"]),
            vec![longs("i", &[0, 1]), number("d", million_millions), zeros("v", &[2])],
        ),
        (
            "Resize",
            one("Resize", &["v", "", "s"]),
            vec![zeros("v", &[2]), Tensor::new("s", &[1], vec![1e12f32])],
        ),
        (
            "outer product",
            one("MatMul", &["p", "q"]),
            vec![zeros("p", &[50_000, 1]), zeros("q", &[1, 50_000])],
        ),
        ("broadcast", one("Add", &["p", "q"]), vec![zeros("p", &[50_000, 1]), zeros("q", &[1, 50_000])]),
        ("Gather", one("Gather", &["v", "i"]), vec![zeros("v", &[2, 10_000]), longs("i", &vec![0; 10_000])]),
    ];
    for (name, nodes, constants) in cases {
        let problem = first_problem(name, &with_constant(nodes, constants));
        assert_eq!(problem.code, Code::TooLarge, "{name}: {}", problem.found);
        assert_eq!(problem.at.node.as_ref().map(|node| node.index), Some(1), "{name}");
    }
}

#[test]
fn many_large_constants_are_refused_together() {
    let steps = |op: &str, count: usize, more: &[&str]| -> Vec<Node> {
        let name = |at: usize| if at == count { "k".to_owned() } else { format!("v{at}") };
        let inputs = |at: usize| std::iter::once(name(at)).chain(more.iter().map(|more| (*more).to_owned()));
        (0..count).map(|at| Node::new(op, inputs(at).collect::<Vec<_>>(), [name(at + 1)])).collect()
    };
    let concat: Vec<Node> = (0..40)
        .map(|at| {
            let to = if at == 39 { "k".to_owned() } else { format!("v{}", at + 1) };
            Node::new("Concat", [format!("v{at}"), format!("v{at}")], [to]).attr("axis", 0)
        })
        .collect();
    let filled = (0..100).map(|at| {
        Node::new("ConstantOfShape", ["a"], [if at == 99 { "k".to_owned() } else { format!("v{at}") }])
    });
    let cases = [
        ("doubled", concat, vec![zeros("v0", &[2])]),
        ("filled", filled.collect(), vec![longs("a", &[1 << 23])]),
        ("negated", steps("Neg", 500, &[]), vec![zeros("v0", &[1 << 18])]),
        ("multiplied", steps("MatMul", 100, &["v0"]), vec![zeros("v0", &[500, 500])]),
    ];
    for (name, nodes, constants) in cases {
        let problem = first_problem(name, &with_constant(nodes, constants));
        assert_eq!(problem.code, Code::TooLarge, "{name}: {}", problem.found);
        assert!(problem.at.node.is_some(), "{name}");
    }
}

fn relu(from: &str, to: &str) -> Node {
    Node::new("Relu", [from], [to])
}

fn branch(nodes: Vec<Node>, output: &str) -> Graph {
    let mut graph = Graph::new("branch");
    graph.nodes = nodes;
    graph.outputs.push(ValueInfo { name: output.to_owned(), elem: ElemType::F32, shape: None });
    graph
}

fn either(then: Graph, output: &str) -> Node {
    let node = Node::new("If", ["condition"], [output]);
    node.attr("then_branch", then).attr("else_branch", branch(vec![relu("x", "other")], "other"))
}

#[test]
fn branches_within_branches_are_read_in_proportion() {
    let condition = || Tensor::new("condition", &[], vec![true]);
    for depth in [1, 5, 30] {
        let mut node = either(branch(vec![relu("x", "inner")], "inner"), "y0");
        for level in 1..depth {
            // Every other level uses the same names.
            let (from, to) = (format!("y{}", level - 1), format!("y{level}"));
            let outer = vec![node, relu(&from, "result")];
            node = either(branch(outer, "result"), &to);
        }
        node.outputs = vec!["y".to_owned()];
        let start = Instant::now();
        let model = network(vec![node], vec![condition()]);
        compile(&model).unwrap_or_else(|report| panic!("{depth} levels: {report}"));
        assert!(start.elapsed() < LONGEST, "{depth} levels took {:?}", start.elapsed());
    }
    let count = 50_000;
    let name = |at: usize| match at {
        0 => "x".to_owned(),
        at => format!("t{at}"),
    };
    let long = (0..count).map(|at| relu(&name(at), &name(at + 1))).collect();
    let node = either(branch(long, &name(count)), "y").named("n".repeat(1 << 20));
    let problem = first_problem("long names", &network(vec![node], vec![condition()]));
    assert_eq!(problem.code, Code::TooLarge, "{}", problem.found);
}

#[test]
fn loops_are_refused() {
    let mut body = branch(vec![relu("v", "w"), Node::new("Identity", ["go"], ["on"])], "on");
    body.outputs.push(ValueInfo { name: "w".to_owned(), elem: ElemType::F32, shape: None });
    body.inputs =
        ["i", "go", "v"].map(|name| ValueInfo { name: name.to_owned(), ..Default::default() }).to_vec();
    let node = Node::new("Loop", ["count", "condition", "x"], ["y"]).attr("body", body);
    let constants =
        vec![Tensor::new("condition", &[], vec![true]), Tensor::new("count", &[], vec![i64::MAX])];
    let problem = first_problem("loop", &network(vec![node], constants));
    assert_eq!(problem.code, Code::UnsupportedOperator);
}
