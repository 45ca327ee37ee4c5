//! Puts the boards' manifests and memory maps, and the sources of all firmware, into the program: read from the repository, so
//! that nothing is listed a second time.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::{Compression, write::GzEncoder};

/// Crates of the root workspace that firmware is built from.
const CRATES: [&str; 7] = [
    "runtime",
    "runtime/num",
    "runtime/format",
    "runtime/kernels",
    "runtime/display",
    "runtime/frontend",
    "boards/application",
];
/// Folders of `boards` that are programs of the host.
const OF_HOST: [&str; 3] = ["runner", "catalog", "target"];
/// Files that crates are built from.
const KINDS: [&str; 5] = ["rs", "in", "toml", "x", "lock"];

/// Files by their path in the repository.
type Files = BTreeMap<String, Vec<u8>>;

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("../..");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    let mut files = Files::new();
    for name in CRATES {
        add(&root, &format!("{name}/Cargo.toml"), &mut files)?;
        walk(&root, &format!("{name}/src"), &mut files)?;
    }
    for name in [
        ".ci/firmware-cargo",
        ".ci/firmware-rustc",
        "boards/Cargo.toml",
        "boards/Cargo.lock",
        "boards/.cargo/config.toml",
    ] {
        add(&root, name, &mut files)?;
    }
    for folder in folders(&root.join("boards"))? {
        walk(&root, &format!("boards/{folder}"), &mut files)?;
    }
    println!("cargo:rerun-if-changed={}", root.join("boards").display());
    println!("cargo:rerun-if-changed={}", root.join("Cargo.toml").display());
    let workspace = workspace(&fs::read_to_string(root.join("Cargo.toml"))?, &files);
    files.insert("Cargo.toml".to_owned(), workspace.into_bytes());

    let mut boards = "&[\n".to_owned();
    for (path, bytes) in &files {
        let name = path.strip_prefix("boards/").and_then(|rest| rest.strip_suffix("/Cargo.toml"));
        let Some(name) = name.filter(|name| !name.contains('/')) else { continue };
        let manifest = String::from_utf8_lossy(bytes);
        if manifest.contains("[package.metadata.board]") {
            let memory = files.get(&format!("boards/{name}/memory.x"));
            let memory = memory.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            boards.push_str(&format!("    ({name:?}, {:?}, {memory:?}),\n", manifest.as_ref()));
        }
    }
    boards.push_str("]\n");
    fs::write(out.join("boards.rs"), boards)?;

    let mut archive = GzEncoder::new(fs::File::create(out.join("sources.gz"))?, Compression::best());
    for (path, bytes) in &files {
        for part in [path.as_bytes(), bytes] {
            archive.write_all(&u32::try_from(part.len()).map_err(io::Error::other)?.to_le_bytes())?;
            archive.write_all(part)?;
        }
    }
    archive.finish()?.flush()
}

/// Names of the folders in `path` that belong to firmware, ascending.
fn folders(path: &Path) -> io::Result<Vec<String>> {
    let mut names = vec![];
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() && !OF_HOST.contains(&name.as_str()) && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Adds the files below the folder `name` that crates are built from.
fn walk(root: &Path, name: &str, files: &mut Files) -> io::Result<()> {
    println!("cargo:rerun-if-changed={}", root.join(name).display());
    for entry in fs::read_dir(root.join(name))? {
        let entry = entry?;
        let file = entry.file_name().to_string_lossy().into_owned();
        let inner = format!("{name}/{file}");
        if entry.file_type()?.is_dir() {
            if file != "target" && !file.starts_with('.') {
                walk(root, &inner, files)?;
            }
        } else if Path::new(&file).extension().is_some_and(|kind| KINDS.iter().any(|known| kind == *known)) {
            add(root, &inner, files)?;
        }
    }
    Ok(())
}

fn add(root: &Path, name: &str, files: &mut Files) -> io::Result<()> {
    println!("cargo:rerun-if-changed={}", root.join(name).display());
    let bytes = fs::read(root.join(name)).map_err(|error| io::Error::other(format!("{name}: {error}")))?;
    files.insert(name.to_owned(), bytes);
    Ok(())
}

/// The manifest of the repository's workspace, of which nothing is left but what the manifests of firmware refer to.
fn workspace(whole: &str, files: &Files) -> String {
    let manifests: Vec<String> = CRATES
        .iter()
        .filter_map(|name| files.get(&format!("{name}/Cargo.toml")))
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .collect();
    let used = |line: &str| {
        let key = line.split('=').next().unwrap_or_default().trim();
        let inherited = [format!("\n{key}.workspace = true"), format!("\n{key} = {{ workspace = true")];
        manifests.iter().any(|manifest| inherited.iter().any(|text| manifest.contains(text)))
    };
    let mut text = "[workspace]\nresolver = \"3\"\nmembers = [".to_owned();
    text.push_str(&CRATES.map(|name| format!("\"{name}\"")).join(", "));
    text.push_str("]\nexclude = [\"boards\"]\n");
    let mut section = "";
    for line in whole.lines() {
        if line.starts_with('[') {
            section = line;
            if section.starts_with("[workspace.") {
                text.push_str(&format!("\n{line}\n"));
            }
        } else if section == "[workspace.dependencies]" {
            if !line.starts_with('#') && used(line) {
                text.push_str(&format!("{line}\n"));
            }
        } else if section.starts_with("[workspace.") && !line.is_empty() && !line.starts_with('#') {
            text.push_str(&format!("{line}\n"));
        }
    }
    text
}
