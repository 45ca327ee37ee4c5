//! What files compute, in doubles and straight from the graph that they were read into, is what the tools that wrote them
//! recorded.
//!
//! Brevitas and onnxruntime compute in `float32` and differ here and there by a code from the exact reading; the indices of
//! the fixtures say where. Only files without such differences are compared, all of their first sample.

use std::fs;
use std::path::{Path, PathBuf};

use exactum_importer::lift::lift;
use exactum_importer::npy;
use exactum_qonnx::ElemType;
use serde_json::Value as Json;

use crate::evaluate::evaluate;
use crate::files::imported_passes;

/// Most elements of the values of a graph that is evaluated here, which takes its time.
const MAX_ELEMS: usize = 400_000;

fn fixtures(kind: &str) -> Vec<(PathBuf, Json)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(kind);
    let index: Json = serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    let models = index["models"].as_array().unwrap().clone();
    models.into_iter().map(|model| (folder.join(model["name"].as_str().unwrap()), model)).collect()
}

/// Whether the tool's results are the exact ones.
fn is_exact(model: &Json) -> bool {
    let none = |facts: &Json| {
        ["codes_off_exact", "outputs_off_exact"].iter().all(|field| facts[*field].as_u64().unwrap_or(0) == 0)
    };
    none(model) && model["outputs"].as_array().is_none_or(|outputs| outputs.iter().all(none))
}

#[test]
fn files_compute_what_their_tools_recorded() {
    let mut faults = vec![];
    let mut compared = 0;
    for (folder, model) in fixtures("brevitas").into_iter().chain(fixtures("standard")) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let file = exactum_qonnx::read(&fs::read(folder.join("model.onnx")).unwrap()).unwrap();
        let array = |file: &str| npy::read(&fs::read(folder.join(file)).unwrap()).unwrap();
        // Codes as outputs stand for reals here.
        let integers = file.graph.outputs.iter().any(|output| output.elem != ElemType::F32);
        if !is_exact(&model) || integers || file.graph.real_inputs().len() != 1 {
            continue;
        }
        let mut graph = match lift(&file) {
            Ok(graph) => graph,
            Err(_) if crate::files::is_refused(&name) => continue,
            Err(report) => {
                faults.push(format!("{name}: {report}"));
                continue;
            }
        };
        if graph.values.iter().map(|value| value.elems()).sum::<usize>() > MAX_ELEMS {
            continue;
        }
        let input = array("input.npy");
        let sample: Vec<f64> = input.values[..input.values.len() / input.shape[0]].to_vec();
        let first = evaluate(&graph, std::slice::from_ref(&sample));
        let passed = imported_passes(&mut graph);
        if let Err(problem) = passed {
            faults.push(format!("{name}: {problem}"));
            continue;
        }
        let after = evaluate(&graph, &[sample]);
        for (index, (before, after)) in first.iter().zip(&after).enumerate() {
            let recorded = array(&match index {
                0 => "output.npy".to_owned(),
                index => format!("output_{index}.npy"),
            });
            let recorded = &recorded.values[..recorded.values.len() / input.shape[0]];
            let largest = recorded.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
            let near = |a: &f64, b: &f64| (a - b).abs() <= 1e-5 * largest;
            let equal = |found: &[f64]| {
                found.len() == recorded.len() && found.iter().zip(recorded).all(|(a, b)| near(a, b))
            };
            if !equal(&before.data) || !equal(&after.data) {
                let off = |found: &[f64]| found.iter().zip(recorded).filter(|(a, b)| !near(a, b)).count();
                faults.push(format!(
                    "{name}, output {index}: {} and {} of {} differ",
                    off(&before.data),
                    off(&after.data),
                    recorded.len()
                ));
            }
        }
        compared += 1;
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(compared > 100, "{compared} files were compared");
}
