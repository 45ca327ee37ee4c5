//! The `exactum-quantize` command: what it writes and prints, and how it refuses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use exactum_host::npy;
use exactum_training::data::{Dataset, digits};
use tempfile::TempDir;

fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../tests/fixtures/float", name].iter().collect()
}

fn classes(labels: &[usize]) -> Vec<u8> {
    let labels: Vec<i64> = labels.iter().map(|label| *label as i64).collect();
    npy::write(&[labels.len()], &labels)
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// Samples of the digits and their classes.
    fn digits(&self, data: &Dataset, samples: usize) -> (PathBuf, PathBuf) {
        let inputs = &data.inputs[..samples * data.features];
        (
            self.write("x.npy", &npy::write(&[samples, 1, 8, 8], inputs)),
            self.write("y.npy", &classes(&data.labels[..samples])),
        )
    }

    /// Nothing but the inputs is there: no output, and nothing half-written.
    fn assert_holds(&self, names: &[&str]) {
        let mut found: Vec<String> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        found.sort();
        assert_eq!(found, names);
    }
}

fn quantize(model: &Path, calibration: &Path, output: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_exactum-quantize"))
        .args([model.as_os_str(), "--calibration".as_ref(), calibration.as_os_str()])
        .args(["-o".as_ref(), output.as_os_str()])
        .args(more)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_float_network_becomes_a_quantized_one_and_a_table() {
    let folder = Folder::new();
    let data = digits::load().unwrap();
    let (x, y) = folder.digits(&data.train, 256);
    for (more, codes) in [
        (&["--bits", "8"][..], "int8"),
        (
            &[
                "--weight-bits",
                "6",
                "--act-bits",
                "7",
                "--per-channel",
                "--power-of-two",
                "--equalize",
                "--bias-correction",
            ],
            "int6",
        ),
        (&["--unsigned-input", "--quiet"], "uint8"),
    ] {
        let output = folder.path("quantized.onnx");
        let labels = [more, &["--labels", y.to_str().unwrap()]].concat();
        let run = quantize(&fixture("digits_dynamo/model.onnx"), &x, &output, &labels);
        let (table, status) = (text(&run.stdout), text(&run.stderr));
        assert!(run.status.success(), "{status}");
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[0].starts_with("layer") && lines[0].ends_with("saturated"), "{table}");
        // An input, two activations and three layers with weights.
        assert_eq!(lines.len(), 1 + 6 + 1, "{table}");
        assert!(lines.iter().any(|line| line.contains(codes)), "{table}");
        let accuracy: Vec<f64> = lines[7].split_whitespace().filter_map(|word| word.parse().ok()).collect();
        assert!(lines[7].starts_with("accuracy: ") && (accuracy[0] - accuracy[1]).abs() < 1.0, "{table}");
        assert_eq!(status.contains("wrote "), !more.contains(&"--quiet"), "{status}");
        let model = exactum_qonnx::read(&fs::read(&output).unwrap()).unwrap();
        assert_eq!(model.check(), []);
        folder.assert_holds(&["quantized.onnx", "x.npy", "y.npy"]);
        let report = exactum_importer::compile(&model);
        assert!(report.is_ok(), "{more:?}");
    }
}

#[test]
fn bad_inputs_are_named_and_nothing_is_written() {
    let folder = Folder::new();
    let data = digits::load().unwrap();
    let (x, _) = folder.digits(&data.train, 4);
    let model = fixture("digits_legacy/model.onnx");
    let broken = folder.write("broken.onnx", &fs::read(&model).unwrap()[..5000]);
    let empty = folder.write("empty.npy", &npy::write::<f32>(&[0, 1, 8, 8], &[]));
    let flat = folder.write("flat.npy", &npy::write(&[1, 64], &[0.5f32; 64]));
    let mut values = vec![0.5f32; 128];
    values[100] = f32::NAN;
    let nan = folder.write("nan.npy", &npy::write(&[2, 1, 8, 8], &values));
    values[100] = f32::INFINITY;
    let infinite = folder.write("infinite.npy", &npy::write(&[2, 1, 8, 8], &values));
    let few = folder.write("few.npy", &classes(&[1, 2]));
    let high = folder.write("high.npy", &classes(&[1, 2, 10, 3]));
    let output = folder.path("out.onnx");
    let nowhere = folder.path("nowhere/out.onnx");
    let labels = |path: &Path| vec!["--labels".to_owned(), path.to_str().unwrap().to_owned()];
    for (model, data, output, more, message) in [
        (&model, &empty, &output, vec![], "empty.npy: found no samples"),
        (
            &model,
            &flat,
            &output,
            vec![],
            "flat.npy: found an array of shape [1, 64], needed [samples, 1, 8, 8]",
        ),
        (&model, &nan, &output, vec![], "nan.npy: element [1, 0, 4, 4]: found NaN, needed a number"),
        (&model, &infinite, &output, vec![], "infinite.npy: found inf in sample 1, needed finite numbers"),
        (&model, &x, &output, labels(&few), "few.npy: found an array of shape [2], needed [4]"),
        (&model, &x, &output, labels(&high), "high.npy: found 10 for sample 2, needed a class of 0 to 9"),
        (&model, &folder.path("none.npy"), &output, vec![], "none.npy: No such file"),
        (&broken, &x, &output, vec![], "broken.onnx: "),
        (&x, &x, &output, vec![], "x.npy: "),
        (&model, &model, &output, vec![], "model.onnx: found other bytes, needed a .npy file"),
        (&model, &x, &nowhere, vec![], "nowhere/out.onnx: No such file"),
        (&model, &x, &folder.0.path().to_owned(), vec![], "not a regular file"),
    ] {
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let run = quantize(model, data, output, &more);
        let problem = text(&run.stderr);
        assert_eq!(run.status.code(), Some(1), "{problem}");
        assert!(problem.contains(message), "{problem} lacks {message}");
        assert_eq!(text(&run.stdout), "");
    }
    folder.assert_holds(&[
        "broken.onnx",
        "empty.npy",
        "few.npy",
        "flat.npy",
        "high.npy",
        "infinite.npy",
        "nan.npy",
        "x.npy",
        "y.npy",
    ]);
    let usage = quantize(&model, &x, &output, &["--bits", "33"]);
    assert_eq!(usage.status.code(), Some(2), "{}", text(&usage.stderr));
}

/// The file keeps the names of input and output, and a softmax is the last node, so labels are compared behind it.
#[test]
fn names_and_softmax_stay() {
    let folder = Folder::new();
    let output = folder.path("quantized.onnx");
    for (name, input_name, output_name, last, class_count) in [
        ("explicit_pads", "image", "logits", "Gemm", 4),
        ("channels_last", "input_1:0", "dense/Softmax:0", "Softmax", 5),
    ] {
        let labels: Vec<usize> = (0..24).map(|sample| sample % class_count).collect();
        let labels = folder.write("y.npy", &classes(&labels));
        let calibration = fixture(&format!("{name}/input.npy"));
        let more = ["--labels", labels.to_str().unwrap()];
        let run = quantize(&fixture(&format!("{name}/model.onnx")), &calibration, &output, &more);
        assert!(run.status.success(), "{name}: {}", text(&run.stderr));
        assert!(text(&run.stdout).contains("accuracy: "), "{}", text(&run.stdout));
        let model = exactum_qonnx::read(&fs::read(&output).unwrap()).unwrap();
        assert_eq!(model.check(), []);
        assert_eq!(model.graph.inputs[0].name, input_name);
        assert_eq!(model.graph.outputs[0].name, output_name);
        assert_eq!(model.graph.nodes.last().unwrap().op_type, last);
    }
}

/// A layer whose bias stays float32 is named.
#[test]
fn biases_that_stay_floats_are_told() {
    let folder = Folder::new();
    let mut model = exactum_qonnx::read(&fs::read(fixture("explicit_pads/model.onnx")).unwrap()).unwrap();
    let conv = model.graph.nodes[0].clone();
    let weight = model.graph.initializers.iter_mut().find(|tensor| tensor.name == conv.inputs[1]).unwrap();
    let exactum_qonnx::TensorData::F32(values) = &mut weight.data else { panic!("a float weight") };
    values.iter_mut().for_each(|value| *value *= 1e-9);
    let tiny = folder.write("tiny.onnx", &exactum_qonnx::write(&model));
    let run = quantize(&tiny, &fixture("explicit_pads/input.npy"), &folder.path("quantized.onnx"), &[]);
    let status = text(&run.stderr);
    assert!(run.status.success(), "{status}");
    assert!(status.contains(&format!("{}: its bias is too large", conv.name)), "{status}");
}

/// Each refusal says which operator stops it and what helps.
#[test]
fn refusals_say_what_helps() {
    use exactum_qonnx::{ElemType, Graph, Model, Node, ValueInfo};
    let folder = Folder::new();
    let calibration = folder.write("x.npy", &npy::write(&[1, 2, 4, 4], &[0.5f32; 32]));
    let output = folder.path("out.onnx");
    for (operator, message) in [
        ("Gelu", "operator Gelu is not supported in a float network; train the network with Relu"),
        ("LogSoftmax", "remove it: log-probabilities are in the order of its inputs"),
        ("ArgMax", "the class is the index of the largest output"),
        ("LSTM", "use convolutions over time"),
        ("Resize", "use ConvTranspose"),
        ("Slice", "use a Conv for each part of the channels"),
        ("Frobnicate", "export the network without it"),
        ("QuantizeLinear", "give it to `exactum build`"),
    ] {
        let mut graph = Graph::new("net");
        graph.inputs = vec![ValueInfo::new("x", ElemType::F32, &[1, 2, 4, 4])];
        graph.outputs = vec![ValueInfo::new("y", ElemType::F32, &[])];
        graph.nodes = vec![Node::new(operator, ["x"], ["y"]).named("last")];
        let model = folder.write("model.onnx", &exactum_qonnx::write(&Model::new(graph)));
        let run = quantize(&model, &calibration, &output, &[]);
        assert_eq!(run.status.code(), Some(1));
        let problem = text(&run.stderr);
        assert!(problem.contains("node `last`") && problem.contains(message), "{problem}");
    }
}
