//! Programs whose inputs and outputs lie in buffers of the caller.

use exactum_importer::npy;

use crate::models::{inputs, recurrent, tiny};
use crate::session::Session;

#[test]
fn ports_outside_take_no_arena_and_change_no_output() {
    let samples = inputs(8);
    let mut session = Session::new()
        .with("tiny.onnx", exactum_qonnx::write(&tiny()))
        .with("x.npy", npy::write(&[samples.len() / 4, 4], &samples));
    session.run("build tiny.onnx -o inside.exa");
    session.run("build tiny.onnx --outside inputs,outputs -o tiny --emit exa,rust --report tiny.html");
    session.run("build tiny.onnx --outside inputs -o tiny.exa --format json");
    session.run("size tiny.onnx --outside outputs,inputs");
    session.run("size tiny.onnx --outside outputs --format json");
    session.run("inspect tiny.onnx --outside inputs,outputs --level scheduled");
    session.run("build tiny.onnx --outside inputs,outputs -o outside.exa");
    session.run("inspect outside.exa");
    session.run("verify tiny.onnx --outside inputs,outputs --input x.npy");
    session.run("run inside.exa --input x.npy --output y.npy");
    session.run("run outside.exa --input x.npy --output z.npy");
    session.run("run tiny.exa --input x.npy --output w.npy");
    assert_eq!(session.read("y.npy"), session.read("z.npy"));
    assert_eq!(session.read("y.npy"), session.read("w.npy"));
    let report = String::from_utf8(session.read("tiny.html")).unwrap();
    assert!(
        report.contains("bytes of the caller's buffers")
            || report.contains("bytes of the caller&#39;s buffers")
    );
    session.show("tiny.rs");
    session.run("build tiny.onnx --outside state -o tiny.exa");
    session.matches("outside");
}

/// What is kept from run to run stays in the arena.
#[test]
fn states_stay_inside() {
    let mut session = Session::new().with("recurrent.onnx", exactum_qonnx::write(&recurrent(0.031)));
    session.run("build recurrent.onnx --bind next.out=h --outside inputs,outputs -o outside --emit exa,rust");
    session.run("inspect outside.exa");
    session.show("outside.rs");
    session.matches("outside-states");
}
