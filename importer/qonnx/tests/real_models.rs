//! Reads real files of other people's tools: one test for every `.onnx` file in the folder that `EXACTUM_MODELS`
//! names, ignored if it names none.

use std::path::{Path, PathBuf};

use exactum_qonnx::{read, write};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    libtest_mimic::run(&Arguments::from_args(), trials()).exit();
}

fn trials() -> Vec<Trial> {
    let Some(folder) = std::env::var_os("EXACTUM_MODELS") else {
        let name = "EXACTUM_MODELS names no folder of .onnx files";
        return vec![Trial::test(name, || Ok(())).with_ignored_flag(true)];
    };
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "onnx"));
    paths.sort();
    assert!(!paths.is_empty(), "no .onnx files in {}", folder.display());
    let trial = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        Trial::test(name, move || check(&path))
    };
    paths.into_iter().map(trial).collect()
}

fn check(path: &Path) -> Result<(), Failed> {
    let model = read(&std::fs::read(path)?)?;
    let written = write(&model);
    if read(&written)? != model || write(&model) != written {
        return Err("writing and reading again gives another model".into());
    }
    if model.graph.nodes.is_empty() || model.graph.real_inputs().is_empty() {
        return Err("the graph has no nodes or no inputs".into());
    }
    let errors: Vec<String> = model.check().iter().map(ToString::to_string).collect();
    if !errors.is_empty() {
        return Err(errors.join("\n").into());
    }
    let text = model.to_string();
    let missing = model.graph.nodes.iter().find(|node| !text.contains(&node.op_type));
    missing.map_or(Ok(()), |node| Err(format!("the text leaves out {}", node.label()).into()))
}
