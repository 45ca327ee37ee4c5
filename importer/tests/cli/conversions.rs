//! Models that Brevitas exported: built, run and verified by the command line as a user would.

use std::path::Path;

use exactum_importer::npy;

use crate::session::Session;

/// A session with the files of `fixture`.
fn session(fixture: &str) -> Session {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/brevitas").join(fixture);
    ["model.onnx", "input.npy", "output.npy"].into_iter().fold(Session::new(), |session, name| {
        let bytes =
            std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{fixture}/{name}: {error}"));
        session.with(name, bytes)
    })
}

/// Builds and runs `fixture`, and compares with what Brevitas computed.
fn converts(fixture: &str) {
    let mut session = session(fixture);
    session.run("build model.onnx -o model.exa");
    session.run("size model.exa");
    session.run("verify model.onnx --input input.npy --expect output.npy --format json");
    session.run("run model.exa --input input.npy --output real.npy");
    let (real, expected) =
        (npy::read(&session.read("real.npy")).unwrap(), npy::read(&session.read("output.npy")).unwrap());
    assert_eq!(real.shape, expected.shape);
    let largest = expected.values.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    let close = real.values.iter().zip(&expected.values).all(|(a, b)| (a - b).abs() <= 1e-5 * largest);
    assert!(close, "{fixture}: {:?} instead of {:?}", real.values, expected.values);
    session.matches(&format!("brevitas-{fixture}"));
}

#[test]
fn a_convolutional_network_with_pooling() {
    converts("conv_pool_8bit");
}

#[test]
fn a_network_with_zero_points() {
    converts("conv_asymmetric");
}

#[test]
fn a_perceptron_from_the_older_exporter() {
    converts("mlp_4bit_legacy");
}
