//! What each subcommand does when all is well.

use exactum_importer::npy;

use crate::models::{inputs, tiny, without_output_quantizer};
use crate::session::Session;

/// A session with a model and three samples.
fn session() -> Session {
    Session::new()
        .with("tiny.onnx", exactum_qonnx::write(&tiny()))
        .with("raw.onnx", exactum_qonnx::write(&without_output_quantizer()))
        .with("x.npy", npy::write(&[3, 4], &inputs(3)))
}

#[test]
fn check() {
    let mut session = session();
    session.run("check tiny.onnx");
    session.run("check raw.onnx --quiet");
    session.run("check tiny.onnx --format json");
    session.run("check tiny.onnx --color always");
    session.matches("check");
}

#[test]
fn build_writes_what_it_is_asked_for() {
    let mut session = session();
    session.run("build tiny.onnx -o tiny.exa");
    session.run("build tiny.onnx -o all.exa --emit exa,image,listing");
    session.run("build tiny.onnx -o program.image --emit image --format json");
    assert_eq!(session.read("tiny.exa"), session.read("all.exa"));
    assert_eq!(session.read("all.bin"), session.read("program.image"));
    session.show("all.txt");
    let expected =
        ["all.bin", "all.exa", "all.txt", "program.image", "raw.onnx", "tiny.exa", "tiny.onnx", "x.npy"];
    assert_eq!(session.files(), expected);
    session.matches("build");
}

#[test]
fn programs_say_what_they_are_told_of_the_model() {
    let mut session = session().with("labels.txt", "cat\ndog\n");
    session.run("build tiny.onnx -o tiny.exa --labels labels.txt --model-name pets --model-version 3");
    session.run("build tiny.onnx -o named.exa --labels quant_y.out=labels.txt --quiet");
    session.run("inspect tiny.exa --format json");
    let json = session.transcript();
    assert!(json.contains(r#""model":{"name":"pets","version":3}"#), "{json}");
    assert!(json.contains(r#""labels":["cat","dog"]"#), "{json}");
}

#[test]
fn run_gives_the_same_from_model_and_container() {
    let mut session = session();
    session.run("build tiny.onnx -o tiny.exa --quiet");
    session.run("run tiny.onnx --input x.npy --output real.npy");
    session.run("run tiny.exa --input x.npy --output codes.npy --codes --format json");
    let (real, codes) =
        (npy::read(&session.read("real.npy")).unwrap(), npy::read(&session.read("codes.npy")).unwrap());
    assert_eq!(real.shape, [3, 2]);
    assert_eq!(codes.shape, [3, 2]);
    for (real, code) in real.values.iter().zip(&codes.values) {
        assert_eq!(*real, f64::from(((code - 100.0) * f64::from(0.037f32)) as f32));
    }
    assert!(codes.values.iter().any(|code| *code != codes.values[0]), "the samples differ");
    session.matches("run");
}

#[test]
fn run_accepts_integers_as_real_values() {
    let mut session = session()
        .with("int.npy", npy::write(&[1, 4], &[1u8, 2, 3, 4]))
        .with("float.npy", npy::write(&[1, 4], &[1f64, 2.0, 3.0, 4.0]));
    session.run("run tiny.onnx --input int.npy --output a.npy");
    session.run("run tiny.onnx --input float.npy --output b.npy");
    assert_eq!(session.read("a.npy"), session.read("b.npy"));
}

#[test]
fn verify() {
    let mut session = session();
    session.run("verify tiny.onnx --input x.npy");
    session.run("run tiny.onnx --input x.npy --output y.npy --quiet");
    session.run("verify tiny.onnx --input x.npy --expect y.npy --format json");
    session.run("run raw.onnx --input x.npy --output y.npy --quiet");
    session.run("verify raw.onnx --input x.npy --expect y.npy --format json");
    session.matches("verify");
}

#[test]
fn verify_counts_unexpected_outputs() {
    let mut session = session();
    session.run("run tiny.onnx --input x.npy --output y.npy --quiet");
    let expected = npy::read(&session.read("y.npy")).unwrap();
    let mut values: Vec<f32> = expected.values.iter().map(|value| *value as f32).collect();
    values[3] += 2.0 * 0.037;
    values[5] -= 0.037;
    let mut session = session.with("y.npy", npy::write(&expected.shape, &values));
    session.run("verify tiny.onnx --input x.npy --expect y.npy");
    session.run("verify tiny.onnx --input x.npy --expect y.npy --format json");
    session.matches("verify-unexpected");
}

#[test]
fn inspect() {
    let mut session = session();
    for level in ["file", "imported", "quantized", "integer", "scheduled"] {
        session.run(&format!("inspect tiny.onnx --level {level} --full"));
    }
    session.run("inspect raw.onnx");
    session.run("inspect tiny.onnx --level file --format json");
    session.run("build tiny.onnx -o tiny.exa --quiet");
    session.run("inspect tiny.exa");
    session.run("inspect tiny.exa --format json");
    session.matches("inspect");
}

#[test]
fn size() {
    let mut session = session();
    session.run("size tiny.onnx");
    session.run("size tiny.onnx --target mps2-an386");
    session.run("targets");
    session.run("targets --format json");
    session.run("build tiny.onnx -o tiny.exa --quiet");
    session.run("size tiny.exa --format json");
    session.matches("size");
}

#[test]
fn dataflow() {
    let mut session = session();
    session.run("dataflow tiny.onnx --device xc7z020 --clock-ns 10 --target-fps 1000000 -o design");
    session.run("dataflow tiny.onnx --device xc7z020clg400-1 --target-fps 1 -o design --format json");
    session.run("dataflow tiny.onnx --board PYNQ-Z1 --folding design/folding_config.json -o again");
    session.run("dataflow tiny.onnx --device up5k --max-lut 5000 --max-bram 8 -o small");
    session.matches("dataflow");
}

#[test]
fn passes_and_explanations() {
    let mut session = Session::new();
    session.run("passes");
    session.run("passes --format json");
    session.run("ops pool");
    session.run("ops intquant --format json");
    session.run("explain");
    session.run("explain e0301");
    session.run("explain E0301 --format json");
    session.matches("explain");
}

#[test]
fn usage() {
    let mut session = Session::new();
    session.run("--help");
    for command in [
        "check",
        "build",
        "run",
        "verify",
        "emulate",
        "validate",
        "flash",
        "new firmware",
        "inspect",
        "size",
        "dataflow",
        "targets",
        "boards",
        "passes",
        "ops",
        "explain",
    ] {
        session.run(&format!("{command} --help"));
    }
    session.run("check");
    session.run("explain 304");
    session.run("explain E304");
    session.run("explain E9999");
    session.run("run model.onnx --input x.npy");
    session.run("--version");
    session.matches("usage");
}
