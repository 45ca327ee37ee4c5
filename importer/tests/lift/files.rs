//! Files that other programs wrote are read, and the passes leave the vocabulary that quantization knows.

use std::fs;
use std::path::{Path, PathBuf};

use exactum_importer::graph::{Graph, Level, Op};
use exactum_importer::lift::lift;
use exactum_importer::passes::PASSES;

/// The files of quantized models, in order of their paths.
pub(crate) fn files() -> Vec<PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    let mut folders: Vec<PathBuf> =
        ["brevitas", "digits", "standard", "training"].map(|name| fixtures.join(name)).into();
    let mut files = vec![];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "onnx") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Runs all passes that stay on the imported level.
pub(crate) fn imported_passes(graph: &mut Graph) -> Result<(), String> {
    for pass in PASSES.iter().filter(|pass| pass.to == Level::Imported) {
        pass.apply(graph, &exactum_importer::target::Target::portable())
            .map_err(|report| report.to_string())?;
    }
    Ok(())
}

/// Operators that later passes do not know, in `graph`.
pub(crate) fn unknown_operators(graph: &Graph) -> Vec<&'static str> {
    let constant = |id: &exactum_importer::graph::ValueId| graph.value(*id).constant.is_some();
    let known = |node: &&exactum_importer::graph::Node| match &node.op {
        Op::Quant(_)
        | Op::BipolarQuant
        | Op::Trunc(_)
        | Op::MultiThreshold(_)
        | Op::Conv(_)
        | Op::ConvTranspose(_)
        | Op::Gemm { trans_a: false, .. } => node.inputs[1..].iter().all(constant),
        Op::Add | Op::Mul | Op::Max | Op::Min | Op::Where => {
            let shapes = node.inputs.iter().map(|id| &graph.value(*id).shape);
            !node.inputs.iter().any(constant)
                && shapes.clone().all(|shape| *shape == graph.value(node.output).shape)
        }
        Op::Affine(_)
        | Op::Activation(_)
        | Op::MaxPool(_)
        | Op::MinPool(_)
        | Op::AveragePool(_)
        | Op::Softmax { .. }
        | Op::Pad { .. }
        | Op::Reshape
        | Op::Transpose { .. }
        | Op::Concat { .. }
        | Op::Repeat { .. }
        | Op::Slice { .. }
        | Op::TopK { .. } => node.inputs.iter().all(|id| !constant(id)),
        _ => false,
    };
    graph.nodes.iter().filter(|node| !known(node)).map(|node| node.op.name()).collect()
}

/// Files that no program can be made of, with a word of the reason.
const REFUSED: [(&str, &str); 4] = [
    ("layer_embedding.qonnx.onnx", "embedding"),
    ("layer_embedding.qcdq.onnx", "embedding"),
    ("layer_embedding_float.qonnx.onnx", "embedding"),
    ("layer_embedding_float.qcdq.onnx", "embedding"),
];

/// Whether no program can be made of the fixture `name`.
pub(crate) fn is_refused(name: &str) -> bool {
    REFUSED.iter().any(|(refused, _)| *refused == name)
}

#[test]
fn every_fixture_is_read_into_the_known_vocabulary() {
    let mut faults = vec![];
    let paths = files();
    assert!(paths.len() > 300, "{} files", paths.len());
    for path in paths {
        // Files of some tools are in a folder each.
        let own = path.file_name().is_some_and(|name| name != "model.onnx");
        let named = if own { path.as_path() } else { path.parent().unwrap() };
        let name = named.file_name().unwrap().to_string_lossy().into_owned();
        let model = exactum_qonnx::read(&fs::read(&path).unwrap()).unwrap();
        let refused = REFUSED.iter().find(|(file, _)| *file == name);
        let mut graph = match (lift(&model), refused) {
            (Ok(graph), None) => graph,
            (Err(report), Some((_, reason))) if report.to_string().contains(reason) => continue,
            (Ok(_), Some(_)) => {
                faults.push(format!("{name} was read"));
                continue;
            }
            (Err(report), _) => {
                faults.push(format!("{}: {report}", path.display()));
                continue;
            }
        };
        if let Err(violations) = graph.verify() {
            faults.push(format!("{name}: {violations:?}"));
            continue;
        }
        match imported_passes(&mut graph) {
            Ok(()) if unknown_operators(&graph).is_empty() => {}
            Ok(()) => faults.push(format!("{name}: {:?} left", unknown_operators(&graph))),
            Err(report) => faults.push(format!("{name}: {report}")),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
