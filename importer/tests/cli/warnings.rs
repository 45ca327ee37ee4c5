//! What `check` and `build` warn of.

use std::path::Path;

use crate::session::Session;

/// A layer's sums and codes that are added without a quantizer between.
#[test]
fn sums_in_64_bits_are_named() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/brevitas");
    let model = |name: &str| std::fs::read(fixtures.join(name).join("model.onnx")).unwrap();
    let mut session = Session::new()
        .with("plain.onnx", model("residual_plain_norm"))
        .with("separate.onnx", model("residual_separate_8bit_legacy"));
    let printed = |output: std::process::Output| String::from_utf8(output.stderr).unwrap();
    let warning = "warning: the operands of `node__symbolic_5` are added in 64 bits";
    assert!(printed(session.run("check plain.onnx")).contains(warning));
    assert!(printed(session.run("build plain.onnx -o plain.exa")).contains(warning));
    assert!(!printed(session.run("check separate.onnx")).contains("warning"));
}
