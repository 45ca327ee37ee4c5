//! The models that edits start from: the small ones among the fixtures, read from where they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use exactum_qonnx::Model;

/// Larger files are left out: most of an execution would go into reading them.
const LARGEST_BYTES: u64 = 20_000;

/// All fixtures that are small enough, in the order of their paths.
pub fn seeds() -> &'static [Model] {
    static SEEDS: OnceLock<Vec<Model>> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let read = |path: &PathBuf| exactum_qonnx::read(&fs::read(path).ok()?).ok();
        paths().iter().filter_map(read).collect()
    })
}

/// Where they are.
pub fn paths() -> Vec<PathBuf> {
    let mut found = vec![];
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures"), &mut found);
    found.sort();
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "onnx")
            && entry.metadata().is_ok_and(|data| data.len() <= LARGEST_BYTES)
        {
            found.push(path);
        }
    }
}
