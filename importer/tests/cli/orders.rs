//! Inputs that a program takes with their channels last.

use exactum_importer::npy;

use crate::models::{image, tiny};
use crate::session::Session;

/// Two images of three channels.
fn pixels() -> Vec<f32> {
    (0..120).map(|i| (i * 37 % 101) as f32 / 20.0 - 2.0).collect()
}

#[test]
fn a_program_takes_channels_last() {
    let mut session = Session::new()
        .with("image.onnx", exactum_qonnx::write(&image()))
        .with("pixels.npy", npy::write(&[2, 3, 4, 5], &pixels()));
    session.run("build image.onnx --channels-last -o last.exa");
    session.run("build image.onnx -o first.exa");
    session.run("size last.exa");
    session.run("inspect last.exa");
    session.run("inspect image.onnx --channels-last=pixels --level quantized");
    session.run("verify image.onnx --channels-last --input pixels.npy");
    // Samples have the order of the file, whatever the program's is.
    session.run("run last.exa --input pixels.npy --output last.npy");
    session.run("run first.exa --input pixels.npy --output first.npy");
    assert_eq!(session.read("last.npy"), session.read("first.npy"));
    // Only what takes codes as they are has to know the order.
    session.run("build image.onnx --channels-last --emit rust -o model.rs");
    let module = String::from_utf8(session.read("model.rs")).unwrap();
    assert!(module.contains("Channels are last"), "{module}");
    assert!(module.contains("PIXELS_SHAPE: [usize; 3] = [4, 5, 3]"), "{module}");
    session.matches("channels_last");
}

#[test]
fn inputs_without_channels_are_refused() {
    let mut session = Session::new()
        .with("tiny.onnx", exactum_qonnx::write(&tiny()))
        .with("image.onnx", exactum_qonnx::write(&image()));
    session.run("check tiny.onnx --channels-last");
    session.run("check tiny.onnx --channels-last=x");
    session.run("check image.onnx --channels-last=image");
    session.run("check image.onnx --channels-last=image --format json");
    session.matches("channels_last-refused");
}
