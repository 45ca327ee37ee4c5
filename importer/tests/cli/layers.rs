//! Finding the first difference: dumps of intermediate values, and what `verify` says about two of them.

use std::path::Path;

use exactum_importer::{npy, npz};
use serde_json::Value;

use crate::models::{inputs, tiny};
use crate::session::Session;

fn session() -> Session {
    Session::new()
        .with("tiny.onnx", exactum_qonnx::write(&tiny()))
        .with("x.npy", npy::write(&[3, 4], &inputs(3)))
}

/// The arrays of `bytes` after `change` to the elements of array `name`.
fn changed(bytes: &[u8], name: &str, change: impl FnOnce(&mut Vec<i32>)) -> Vec<u8> {
    let mut change = Some(change);
    let arrays: Vec<(String, Vec<u8>)> = npz::read(bytes, |_| true)
        .unwrap()
        .into_iter()
        .map(|(found, entry)| {
            let mut values: Vec<i32> = entry.array.values.iter().map(|value| *value as i32).collect();
            if found == name {
                change.take().expect("one array has the name")(&mut values);
            }
            (found, npy::write(&entry.array.shape, &values))
        })
        .collect();
    assert!(change.is_none(), "`{name}` is in the archive");
    npz::write(&arrays).unwrap()
}

/// The one line of JSON that `arguments` print.
fn json(session: &mut Session, arguments: &str) -> Value {
    let output = session.run(arguments);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments}: {error}"))
}

#[test]
fn every_backend_dumps_and_agrees() {
    let mut session = session();
    session.run("run tiny.onnx --input x.npy --dump host.npz --output y.npy --codes");
    session.run("run tiny.onnx --input x.npy --dump exact.npz --backend exact --real --format json");
    session.run("run tiny.onnx --input x.npy --dump float.npz --backend float --quiet");
    let names = |file: &str| npz::names(&session.read(file)).unwrap();
    assert_eq!(names("host.npz"), ["quant_h.out", "quant_x.out", "quant_y.out"]);
    assert_eq!(names("float.npz"), ["fc1.out", "fc2.out", "quant_h.out", "quant_x.out", "quant_y.out"]);
    assert_eq!(names("exact.npz").len(), 10, "integers and real values");
    let host = npz::read(&session.read("host.npz"), |_| true).unwrap();
    assert_eq!(host["quant_y.out"].array, npy::read(&session.read("y.npy")).unwrap());
    let exact = npz::read(&session.read("exact.npz"), |_| true).unwrap();
    for (name, entry) in &host {
        assert_eq!(*entry, exact[name], "{name}");
    }
    let real = &exact["quant_y.out:real"].array;
    for (real, code) in real.values.iter().zip(&host["quant_y.out"].array.values) {
        assert_eq!(*real, f64::from(((code - 100.0) * f64::from(0.037f32)) as f32));
    }
    session.run("verify tiny.onnx --input x.npy --layers");
    session.run("verify tiny.onnx --input x.npy --against host.npz --with exact.npz");
    session.run("verify tiny.onnx --input x.npy --against float");
    session.run("verify tiny.onnx --input x.npy --against exact --with float.npz --format json");
    session.matches("layers");
}

#[test]
fn one_changed_value_is_found_where_it_is() {
    let mut session = session();
    session.run("run tiny.onnx --input x.npy --dump host.npz --quiet");
    // Sample 1, channel 2 of the hidden layer, and a later one that must not be told first.
    let bytes = session.read("host.npz");
    let once = changed(&bytes, "quant_h.out", |codes| codes[5] += 1);
    let twice = changed(&once, "quant_y.out", |codes| codes[0] -= 3);
    let mut session = session.with("changed.npz", twice);
    session.run("verify tiny.onnx --input x.npy --against exact --with changed.npz");
    let found = json(&mut session, "verify tiny.onnx --input x.npy --with changed.npz --format json");
    let first = &found["first"];
    assert_eq!((first["layer"].as_str(), first["value"].as_str()), (Some("quant_h"), Some("quant_h.out")));
    assert_eq!((first["sample"].as_u64(), first["channel"].as_u64()), (Some(1), Some(2)));
    assert_eq!(first["index"], serde_json::json!([2]));
    assert_eq!(first["with"].as_i64(), first["against"].as_i64().map(|code| code + 1));
    assert_eq!(first["against"], first["exact"]);
    let layers: Vec<(&str, u64, u64)> = found["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|layer| {
            let number = |field: &str| layer[field].as_u64().unwrap();
            (layer["value"].as_str().unwrap(), number("differing"), number("max_difference"))
        })
        .collect();
    let expected = [
        ("quant_x.out", 0, 0),
        ("fc1.out", 0, 0),
        ("quant_h.out", 1, 1),
        ("fc2.out", 0, 0),
        ("quant_y.out", 1, 3),
    ];
    assert_eq!(layers, expected);
    session.matches("layers-changed");
}

#[test]
fn archives_that_do_not_fit_are_refused() {
    let mut session = session()
        .with("empty.npz", npz::write(&[]).unwrap())
        .with("other.npz", npz::write(&[("conv1".to_owned(), npy::write(&[1], &[1i32]))]).unwrap())
        .with(
            "shape.npz",
            npz::write(&[("quant_h.out".to_owned(), npy::write(&[3, 4], &[1i32; 12]))]).unwrap(),
        )
        .with("nan.npz", npz::write(&[("fc1.out".to_owned(), npy::write(&[1, 1], &[f32::NAN]))]).unwrap());
    for file in ["empty", "other", "shape", "nan"] {
        session.run(&format!("verify tiny.onnx --input x.npy --with {file}.npz"));
    }
    session.run("verify tiny.onnx --input x.npy --with board");
    session.run("run tiny.onnx --input x.npy --real --output y.npy");
    session.matches("layers-refused");
}

/// The program keeps images channels last; its values come back in the file's order.
#[test]
fn every_layer_of_a_convolutional_network_is_compared() {
    for fixture in ["conv_asymmetric", "conv_pool_8bit", "conv_separable", "conv_feature_map"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/brevitas").join(fixture);
        let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
        let mut session =
            Session::new().with("model.onnx", read("model.onnx")).with("x.npy", read("input.npy"));
        let found = json(&mut session, "verify model.onnx --input x.npy --layers --format json");
        let layers = found["layers"]["layers"].as_array().unwrap();
        let stored = layers.iter().filter(|layer| layer["op"] == "requantize" || layer["op"] == "quantize");
        for layer in stored.clone() {
            assert!(layer["elements"].as_u64() > Some(0), "{fixture}: {layer}");
            assert_eq!(layer["differing"], 0, "{fixture}: {layer}");
        }
        assert!(stored.count() > 1, "{fixture}");
        // Floats differ from the exact meaning by one code at most, and rarely.
        let found = json(&mut session, "verify model.onnx --input x.npy --with float --format json");
        for layer in found["layers"].as_array().unwrap() {
            let [elements, differing, largest] =
                ["elements", "differing", "max_difference"].map(|field| layer[field].as_u64().unwrap());
            assert!(elements > 0, "{fixture}: {layer}");
            let codes = layer["op"] != "conv2d" && layer["op"] != "dense";
            assert!(differing * 100 <= elements && (!codes || largest <= 1), "{fixture}: {layer}");
        }
    }
}

/// What the executor of the `qonnx` package computed between the layers of files that Brevitas wrote.
#[test]
fn archives_of_another_executor_agree() {
    for fixture in ["hidden_output", "mobilenet", "trunc_avg_pool_floor"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/brevitas").join(fixture);
        let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
        // The archives hold the first two samples.
        let images = npy::read(&read("input.npy")).unwrap();
        let elems = 2 * images.shape[1..].iter().product::<usize>();
        let values: Vec<f32> = images.values[..elems].iter().map(|value| *value as f32).collect();
        let shape = [&[2], &images.shape[1..]].concat();
        let mut session = Session::new()
            .with("model.onnx", read("model.onnx"))
            .with("x.npy", npy::write(&shape, &values))
            .with("other.npz", read("intermediate.npz"));
        for backend in ["exact", "host"] {
            let arguments = "verify model.onnx --input x.npy --with other.npz --format json --against";
            let found = json(&mut session, &format!("{arguments} {backend}"));
            let compared: Vec<&Value> =
                found["layers"].as_array().unwrap().iter().filter(|layer| layer["elements"] != 0).collect();
            assert!(compared.len() > 2, "{fixture}: {found}");
            assert!(compared.iter().all(|layer| layer["differing"] == 0), "{fixture}, {backend}: {found}");
        }
    }
}
