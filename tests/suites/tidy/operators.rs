//! Where an operator is written and what tests it: the tables of `tests/README.md`, from the repository's files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;

use serde_json::Value as Json;

use super::{files, root, text};

const HEAD: &str = "\
# Tests

`suites/` holds what `cargo test` runs, `src/` what the suites share: the oracle, the generators of networks, the backends.
[fixtures](fixtures/README.md) are files that other tools made. `fuzz/` has targets for a fuzzer.

The tables below say where each operator is written and what tests it. They are read off the files, by the names in
the code, and compared with them: `BLESS=1 cargo test --release --workspace --test tidy` writes them again.
[Adding an operator](../docs/add-an-operator.md) says what belongs where.
";

/// Every file of a module and its folder, with its text.
struct Folder {
    path: &'static str,
    files: Vec<(String, String)>,
}

impl Folder {
    fn new(path: &'static str, all: &[String]) -> Self {
        let within = all.iter().filter_map(|name| {
            let module = path.trim_end_matches('/');
            let short = match name.strip_prefix(module)?.strip_suffix(".rs")? {
                "" => module.rsplit('/').next()?,
                below => below.strip_prefix('/')?,
            };
            let tests = short.ends_with("tests") || short.contains("tests/");
            (!tests).then(|| (short.to_owned(), text(name)))
        });
        let files: Vec<(String, String)> = within.collect();
        assert!(!files.is_empty(), "no files in {path}");
        Self { path, files }
    }

    /// Its files that hold one of `words`, not within a longer name.
    fn holding(&self, words: &[String]) -> String {
        let found = self.files.iter().filter(|(_, text)| words.iter().any(|word| holds(text, word)));
        found.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

fn holds(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(part);
        let behind = text[at + word.len()..].chars().next().is_some_and(part);
        !before && !behind
    })
}

/// A table whose rows of equal cells stand in one line.
fn table(out: &mut String, first: &str, folders: &[&Folder], more: &[&str], rows: &[(String, Vec<String>)]) {
    let mut lines: Vec<(Vec<&str>, &Vec<String>)> = vec![];
    for (name, cells) in rows {
        match lines.iter_mut().find(|(_, other)| *other == cells) {
            Some((names, _)) => names.push(name),
            None => lines.push((vec![name], cells)),
        }
    }
    let heads: Vec<String> = folders
        .iter()
        .map(|folder| format!("`{}`", folder.path))
        .chain(more.iter().map(|name| (*name).to_owned()))
        .collect();
    let _ = writeln!(out, "\n| {first} | {} |\n|---{}|", heads.join(" | "), "|---".repeat(heads.len()));
    for (names, cells) in lines {
        let _ = writeln!(out, "| {} | {} |", names.join(", "), cells.join(" | "));
    }
}

/// Counts of names.
type Counts = BTreeMap<String, usize>;

fn counted(names: impl Iterator<Item = String>) -> Counts {
    let mut counts = Counts::new();
    names.for_each(|name| *counts.entry(name).or_default() += 1);
    counts
}

/// How many fixtures have each type of node: networks of each folder, and single operators.
fn fixtures(all: &[String]) -> [Counts; 4] {
    let json = |path: &str| -> Json { serde_json::from_str(&text(path)).expect("JSON") };
    let indexed = |path: &str| {
        let index = json(path);
        let models = index["models"].as_array().expect("networks").iter();
        let types = models.flat_map(|model| model["operators"].as_array().expect("types of nodes"));
        counted(types.filter_map(Json::as_str).map(str::to_owned))
    };
    let field = |name: &&String| name.starts_with("tests/fixtures/field/") && name.ends_with(".onnx");
    let types = |name: &String| {
        let path = root().join(name);
        let bytes = fs::read(&path).expect("a fixture");
        let read = exactum_qonnx::read_beside(&bytes, &mut exactum_qonnx::Folder::of(&path));
        let model = read.unwrap_or_else(|error| panic!("{name}: {error}"));
        let nodes = model.graph.nodes.into_iter().map(|node| node.op_type);
        nodes.collect::<BTreeSet<String>>()
    };
    let cases = json("tests/fixtures/operators/cases.json");
    let single = cases["cases"].as_array().expect("cases").iter();
    [
        indexed("tests/fixtures/brevitas/index.json"),
        indexed("tests/fixtures/standard/index.json"),
        counted(all.iter().filter(field).flat_map(types)),
        counted(single.filter_map(|case| case["op"].as_str().map(str::to_owned))),
    ]
}

/// The operators that are read, each with the file that reads it.
fn read_operators() -> Vec<(String, String)> {
    let table = text("importer/src/lift/support.rs");
    let rows = table.lines().filter_map(|line| {
        let (op, rest) = line.trim().strip_prefix('"')?.split_once("\", ")?;
        let (module, _) = rest.split_once("::")?;
        Some((op.to_owned(), module.to_owned()))
    });
    rows.collect()
}

/// The variants of the graph's operators.
fn graph_operators() -> Vec<String> {
    let declared = text("importer/src/graph/op.rs");
    let body =
        declared.split("pub enum Op {").nth(1).and_then(|rest| rest.split("\n}").next()).expect("the enum");
    let variants = body.lines().filter_map(|line| line.strip_prefix("    "));
    let named = variants.filter(|line| line.starts_with(char::is_uppercase));
    named
        .map(|line| line.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned())
        .collect()
}

/// Names of the ops of programs, by type.
fn program_ops() -> Vec<(String, String)> {
    let rows = text("runtime/format/src/kind.rs");
    let row = |line: &str| {
        let (number, rest) = line.trim().split_once(' ')?;
        number.parse::<u16>().ok()?;
        let (ty, rest) = rest.split_once(['<', ' '])?;
        let name = rest.split('"').nth(1)?;
        Some((ty.to_owned(), name.to_owned()))
    };
    rows.lines().filter_map(row).collect()
}

pub(super) fn document() -> String {
    let all = files();
    let folder = |path| Folder::new(path, &all);
    let mut out = HEAD.to_owned();

    out += "\n## Operators of files\n\nThe last columns count networks of three folders of [fixtures](fixtures/README.md), and cases of single operators.\n";
    let (schema, lift) = (folder("importer/qonnx/src/ops/"), folder("importer/src/lift/"));
    let tests = [folder("importer/tests/lift/"), folder("tests/src/oracle/"), folder("tests/src/generate/")];
    let counts = fixtures(&all);
    let rows: Vec<(String, Vec<String>)> = read_operators()
        .into_iter()
        .map(|(op, module)| {
            let word = [format!("\"{op}\"")];
            let mut cells = vec![schema.holding(&word), module];
            cells.extend(tests.iter().map(|folder| folder.holding(&word)));
            cells.extend(counts.iter().map(|of| of.get(&op).map_or(String::new(), ToString::to_string)));
            (op, cells)
        })
        .collect();
    assert!(rows.len() > 100, "{} operators", rows.len());
    let columns: Vec<&Folder> = [&schema, &lift].into_iter().chain(&tests).collect();
    table(&mut out, "operator", &columns, &["brevitas", "standard", "field", "single"], &rows);

    out += "\n## Operators of the graph\n";
    let folders = [
        "importer/src/passes/",
        "importer/src/reference/",
        "importer/src/lower/",
        "importer/src/trace/",
        "importer/src/dataflow/",
    ]
    .map(folder);
    let rows: Vec<(String, Vec<String>)> = graph_operators()
        .into_iter()
        .map(|op| {
            let cells = folders.iter().map(|folder| folder.holding(&[format!("Op::{op}")])).collect();
            (op, cells)
        })
        .collect();
    assert!(rows.len() > 20, "{} operators of the graph", rows.len());
    table(&mut out, "operator", &folders.each_ref(), &[], &rows);

    out += "\n## Ops of programs\n";
    let folders =
        ["runtime/format/src/op/", "runtime/kernels/src/", "runtime/tests/load/", "runtime/tests/kernels/"]
            .map(folder);
    let rows: Vec<(String, Vec<String>)> = program_ops()
        .into_iter()
        .map(|(ty, name)| {
            let file = name.replace('-', "_");
            let own = |folder: &Folder| {
                let found = folder.files.iter().any(|(short, _)| *short == file);
                if found { file.clone() } else { String::new() }
            };
            let word = [ty];
            let cells = folders
                .iter()
                .enumerate()
                .map(|(at, folder)| if at < 2 { own(folder) } else { folder.holding(&word) });
            (name.clone(), cells.collect())
        })
        .collect();
    assert!(rows.len() > 10, "{} ops of programs", rows.len());
    table(&mut out, "op", &folders.each_ref(), &[], &rows);
    out
}

/// What a table says of fixtures is no help where a folder does not say what it holds.
pub(super) fn folders_without_index() -> Vec<String> {
    let all = files();
    let below = |path: &str| -> BTreeSet<String> {
        let names = all.iter().filter_map(|name| name.strip_prefix(path)?.split_once('/'));
        names.map(|(folder, _)| folder.to_owned()).collect()
    };
    let mut missing: Vec<String> = below("tests/fixtures/")
        .into_iter()
        .map(|folder| format!("tests/fixtures/{folder}/README.md"))
        .filter(|index| !root().join(index).is_file())
        .collect();
    let index = text("tests/fixtures/field/README.md");
    missing.extend(
        below("tests/fixtures/field/")
            .into_iter()
            .filter(|kind| !index.contains(&format!("| `{kind}/`")) && kind != "tflite"),
    );
    missing
}
