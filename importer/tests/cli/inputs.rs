//! What is said about inputs: several quantizers of one, inputs that nothing reads, arrays by name, open sizes.

use exactum_importer::{npy, npz};
use exactum_qonnx::{Dim, ElemType, Model, Node, Tensor, ValueInfo};

use crate::models::{inputs, node, tiny};
use crate::session::Session;

/// [`tiny`] with a second branch behind a quantizer of its own on the same input, and an input that nothing reads.
fn branches() -> Model {
    let mut model = tiny();
    let graph = &mut model.graph;
    graph.inputs.insert(0, ValueInfo::new("mask", ElemType::F32, &[1, 7]));
    let mut quantizer = graph.nodes[0].clone();
    quantizer.name = "quant_x2".to_owned();
    quantizer.inputs[1] = "coarse".to_owned();
    quantizer.outputs[0] = "quant_x2.out".to_owned();
    graph.initializers.push(Tensor::scalar("coarse", 0.5));
    let layer = Node::new("Gemm", ["quant_x2.out", "quant_w1.out", "b1"], ["fc3.out"]).named("fc3");
    graph.nodes.extend([quantizer, layer.attr("transB", 1)]);
    graph.outputs.push(ValueInfo::new("fc3.out", ElemType::F32, &[1, 3]));
    model
}

/// [`tiny`] with arithmetic before its first quantizer.
pub(crate) fn preprocessed() -> Model {
    let mut model = tiny();
    node(&mut model, "quant_x").inputs[0] = "moved.out".to_owned();
    let graph = &mut model.graph;
    graph.initializers.push(Tensor::scalar("mean", 3.5));
    graph.nodes.insert(0, Node::new("Sub", ["x", "mean"], ["moved.out"]).named("moved"));
    model
}

fn session() -> Session {
    let array = |name: &str, values: &[f32]| (name.to_owned(), npy::write(&[3, values.len() / 3], values));
    Session::new()
        .with("branches.onnx", exactum_qonnx::write(&branches()))
        .with("preprocessed.onnx", exactum_qonnx::write(&preprocessed()))
        .with("tiny.onnx", exactum_qonnx::write(&tiny()))
        .with("x.npy", npy::write(&[3, 4], &inputs(3)))
        .with("mask.npy", npy::write(&[3, 7], &[0.0f32; 21]))
        .with("named.npz", npz::write(&[array("mask", &[0.0; 21]), array("x", &inputs(3))]).unwrap())
        .with("read.npz", npz::write(&[array("x", &inputs(3))]).unwrap())
        .with("list.npz", npz::write(&[array("arr_1", &inputs(3)), array("arr_0", &[0.0; 21])]).unwrap())
}

#[test]
fn one_input_under_two_quantizers_is_given_once() {
    let mut session = session();
    session.run("check branches.onnx");
    session.run("build branches.onnx -o branches.exa");
    session.run("inspect branches.exa");
    session.run("verify branches.onnx --input x.npy --layers");
    session.run("check branches.onnx --format json");
    session.matches("inputs");
}

/// All inputs, the read ones, or names: the same arrays reach the same places.
#[test]
fn arrays_find_their_inputs() {
    let mut session = session();
    session.run("build branches.onnx -o branches.exa --quiet");
    let ways = [
        "--input x.npy",
        "--input mask.npy --input x.npy",
        "--input x=x.npy",
        "--input x=x.npy --input mask=mask.npy",
        "--input x=x.npy --input mask.npy",
        "--input named.npz",
        "--input read.npz",
        "--input list.npz",
    ];
    let mut outputs = vec![];
    for file in ["branches.onnx", "branches.exa"] {
        for way in ways {
            let output = session.run(&format!("run {file} {way} --output y.npy --output z.npy"));
            assert!(output.status.success(), "{}", session.transcript());
            outputs.push((session.read("y.npy"), session.read("z.npy")));
        }
    }
    assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn preprocessing_is_told_beside_the_scale() {
    let mut session = session();
    session.run("build preprocessed.onnx -o preprocessed.exa --quiet");
    session.run("inspect preprocessed.exa");
    session.run("inspect preprocessed.exa --format json");
    session.run("build preprocessed.onnx -o bytes.exa --quiet --input-type x=uint8*1");
    session.run("inspect bytes.exa");
    session.matches("preprocessed");
}

#[test]
fn what_the_input_type_assumes_and_adds_is_told() {
    let mut session = session();
    session.run("check preprocessed.onnx --input-type x=uint8");
    session.run("check preprocessed.onnx --input-type x=int8");
    session.run("check tiny.onnx --input-type x=uint8*0.5");
    session.matches("input-type");
}

#[test]
fn open_sizes_are_given_by_options() {
    let mut model = tiny();
    let open = |dims: Vec<Dim>| ValueInfo::with_dims("x", ElemType::F32, dims);
    let symbol = |name: &str| Dim::Symbol(name.to_owned());
    model.graph.inputs[0] = open(vec![symbol("batch"), symbol("features")]);
    let mut session = session().with("named.onnx", exactum_qonnx::write(&model));
    model.graph.inputs[0] = open(vec![symbol("batch"), Dim::Unknown]);
    session = session.with("open.onnx", exactum_qonnx::write(&model));
    session.run("check named.onnx");
    session.run("check open.onnx");
    for option in ["--dim features=4", "--input-shape x=1,4"] {
        session.run(&format!("verify named.onnx --input x.npy {option}"));
    }
    session.run("verify open.onnx --input x.npy --input-shape x=1,4");
    session.run("check named.onnx --dim features=5");
    session.run("check named.onnx --dim width=4");
    session.run("check tiny.onnx --input-shape x=1,5");
    session.run("check tiny.onnx --dim features");
    session.run("check tiny.onnx --input-shape x=1,0");
    session.matches("open-sizes");
}

#[test]
fn raw_pixels_for_a_model_of_fractions_are_told() {
    let pixels: Vec<u8> = (0..12u8).map(|i| if i < 3 { 0 } else { i * 20 }).collect();
    let two = [0u8, 255].repeat(6);
    let mut session =
        session().with("pixels.npy", npy::write(&[3, 4], &pixels)).with("two.npy", npy::write(&[3, 4], &two));
    session.run("run tiny.onnx --input pixels.npy --output y.npy");
    session.run("run tiny.onnx --input two.npy --output y.npy");
    session.run("run tiny.onnx --input x.npy --output y.npy");
    session.matches("saturated");
}

#[test]
fn no_output_takes_the_place_of_an_input_or_of_another() {
    let mut session = session();
    for arguments in [
        "build tiny.onnx -o tiny.onnx",
        "build tiny.onnx -o ./tiny.onnx",
        "build tiny.onnx -o a.exa --report a.exa",
        "build tiny.onnx -o x.npy --report a.html --calibration x.npy",
        "run tiny.onnx --input x.npy --output x.npy",
        "run tiny.onnx --input x=x.npy --output x.npy",
        "run tiny.onnx --input x.npy --output y.npy --dump y.npy",
        "run branches.onnx --input x.npy --output y.npy --output y.npy",
        "run tiny.onnx --input x.npy --output y.npy --output z.npy",
        "dataflow tiny.onnx --device xc7z020 --target-fps -5 -o design",
        "dataflow tiny.onnx --device xc7z020 -o design",
        "dataflow tiny.onnx --target-fps 5 -o design",
        "dataflow tiny.onnx --device xc7z020 --board pynq-z1 --target-fps 5 -o design",
        "dataflow tiny.onnx --device xc7z020 --target-fps 5 --max-lut 5 -o design",
    ] {
        let output = session.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments}");
    }
    assert!(
        !session.files().iter().any(|name| ["a.exa", "a.html", "y.npy", "design"].contains(&name.as_str()))
    );
    assert_eq!(session.read("tiny.onnx"), exactum_qonnx::write(&tiny()));
    session.run("build tiny.onnx -o model.v1.2 --emit exa,image");
    session.run("build tiny.onnx -o model.v1.3.exa --emit exa,image");
    for name in ["model.v1.2.exa", "model.v1.2.bin", "model.v1.3.exa", "model.v1.3.bin"] {
        assert!(session.files().contains(&name.to_owned()), "{name}");
    }
    session.matches("overwriting");
}

#[test]
fn names_do_nothing_to_terminals_and_tables() {
    let mut model = tiny();
    let (red, long) = ("\u{1b}[31mred\r\n", "layer/".repeat(60));
    node(&mut model, "fc1").name = red.to_owned();
    node(&mut model, "fc2").name = long;
    let mut session = Session::new()
        .with("names.onnx", exactum_qonnx::write(&model))
        .with("x.npy", npy::write(&[3, 4], &inputs(3)));
    node(&mut model, red).inputs[0] = "x".to_owned();
    session = session.with("broken.onnx", exactum_qonnx::write(&model));
    session.run("size names.onnx");
    session.run("verify names.onnx --input x.npy --layers");
    session.run("dataflow names.onnx --device xc7z020 --target-fps 1000 -o design");
    session.run("check broken.onnx");
    assert!(!session.transcript().contains(['\u{1b}', '\r']));
    assert!(session.transcript().lines().all(|line| line.chars().count() <= 160));
    session.matches("names");
}
