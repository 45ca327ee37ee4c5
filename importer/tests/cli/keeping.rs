//! Programs with states: steps of a signal, and outputs that are inputs of the next run.

use exactum_importer::npy::{self, Array};

use crate::models::{line, recurrent};
use crate::session::Session;

/// Two windows of eight frames, or one signal of sixteen steps.
const FRAMES: usize = 16;

fn signal(frame: usize, channel: usize) -> f32 {
    ((frame * 2 + channel) * 37 % 101) as f32 / 20.0 - 2.0
}

fn array(session: &Session, name: &str) -> Array {
    npy::read(&session.read(name)).unwrap()
}

#[test]
fn steps_give_what_the_window_does() {
    let frames: Vec<f32> = (0..FRAMES * 2).map(|i| signal(i / 2, i % 2)).collect();
    let windows: Vec<f32> = (0..FRAMES * 2).map(|i| signal(i / 16 * 8 + i % 8, i / 8 % 2)).collect();
    let mut session = Session::new()
        .with("line.onnx", exactum_qonnx::write(&line([4, 0])))
        .with("steps.npy", npy::write(&[FRAMES, 2, 1], &frames))
        .with("windows.npy", npy::write(&[2, 2, 8], &windows));
    session.run("check line.onnx --dim time=8 --stream time");
    session.run("build line.onnx --dim time=8 --stream 2 -o line.exa --format json");
    session.run("inspect line.onnx --dim time=8 --stream -1 --level scheduled");
    session.run("inspect line.exa");
    session.run("verify line.onnx --dim time=8 --stream 2 --input windows.npy");
    session.run("run line.exa --input steps.npy --output h.npy --output mean.npy --codes --reset-every 8");
    session.run("run line.onnx --dim time=8 --input windows.npy --output h8.npy --output mean8.npy --codes");
    let (h, mean) = (array(&session, "h.npy"), array(&session, "mean.npy"));
    let (whole, whole_mean) = (array(&session, "h8.npy"), array(&session, "mean8.npy"));
    for (index, value) in whole.values.iter().enumerate() {
        let (window, channel, frame) = (index / 24, index / 8 % 3, index % 8);
        assert_eq!(h.values[(window * 8 + frame) * 3 + channel], *value, "{index}");
    }
    for (index, value) in whole_mean.values.iter().enumerate() {
        assert_eq!(mean.values[(index / 3 * 8 + 7) * 3 + index % 3], *value, "{index}");
    }
    session.matches("stream");
}

#[test]
fn an_output_is_kept_for_the_next_run() {
    let x: Vec<f32> = (0..12).map(|i| signal(i / 2, i % 2)).collect();
    let mut session = Session::new()
        .with("recurrent.onnx", exactum_qonnx::write(&recurrent(0.031)))
        .with("x.npy", npy::write(&[6, 2], &x));
    session.run("check recurrent.onnx --bind next.out=h");
    session.run("inspect recurrent.onnx --bind next.out=h --level scheduled");
    session.run("verify recurrent.onnx --bind next.out=h --input x.npy");
    session.run("run recurrent.onnx --bind next.out=h --input x.npy --output kept.npy");
    let kept = array(&session, "kept.npy");
    // The caller keeps it instead.
    let mut h = vec![0.0; 3];
    for step in 0..6 {
        let h_file = h.iter().map(|h: &f64| *h as f32).collect::<Vec<f32>>();
        let mut single = Session::new()
            .with("recurrent.onnx", exactum_qonnx::write(&recurrent(0.031)))
            .with("x.npy", npy::write(&[1, 2], &x[step * 2..][..2]))
            .with("h.npy", npy::write(&[1, 3], &h_file));
        single.run("run recurrent.onnx --input x=x.npy --input h=h.npy --output next.npy");
        h = array(&single, "next.npy").values;
        assert_eq!(kept.values[step * 3..][..3], h[..], "step {step}");
    }
    session.matches("bind");
}
