//! The graph's passes and verifier on graphs written as text, and the whole compiler on the fixtures.
//!
//! `passes/*.graph` hold a graph, the name of a pass, and the graph it leaves; `BLESS=1` writes what it leaves anew.
//! `verify/*.graph` hold graphs that break rules, each named in a comment: `// error: the rule`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use exactum_importer::compile;
use exactum_importer::graph::{Graph, ValueId};
use exactum_importer::passes::{PASSES, Pass, Stepped, stream};
use exactum_importer::target::Target;

const MADE_ONCE: &str = "each value is made exactly once";
const NO_FOREIGN_IDS: &str = "every id belongs to a value";

/// Between a graph and what is expected of it.
const EXPECT: &str = "// expect\n";

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The files of `folder` in order of their names, with their text.
fn files(path: &str) -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(folder(path)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no files in {path}");
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn passes_leave_what_is_expected() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut seen = BTreeSet::new();
    for (path, text) in files("tests/passes") {
        let name = path.display();
        let (input, expected) =
            text.split_once(EXPECT).unwrap_or_else(|| panic!("{name}: no `{}`", EXPECT.trim()));
        let pass = input.lines().next().and_then(|line| Pass::named(line.strip_prefix("// pass: ")?));
        let pass = pass.unwrap_or_else(|| panic!("{name}: the first line names no pass"));
        let mut graph: Graph = input.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(graph.verify(), Ok(()), "{name}: the graph before the pass");
        let found = match pass.apply(&mut graph, &Target::portable()) {
            Ok(()) => graph.to_string(),
            Err(report) => report.to_string().lines().map(|line| format!("// {line}\n")).collect(),
        };
        if bless {
            fs::write(&path, format!("{input}{EXPECT}{found}")).unwrap();
        } else {
            snapbox::assert_data_eq!(found, expected.to_owned());
        }
        seen.insert(pass.name);
    }
    let all: BTreeSet<&str> = PASSES.iter().map(|pass| pass.name).collect();
    assert_eq!(seen, all, "each pass has a file");
}

/// `steps/*.graph` hold a quantized graph, an axis, and the graph of a step along it, or why there is none.
#[test]
fn steps_are_what_is_expected() {
    let bless = std::env::var_os("BLESS").is_some();
    for (path, text) in files("tests/steps") {
        let name = path.display();
        let (input, expected) =
            text.split_once(EXPECT).unwrap_or_else(|| panic!("{name}: no `{}`", EXPECT.trim()));
        let axis = input.lines().next().and_then(|line| line.strip_prefix("// stream: ")?.parse().ok());
        let axis = axis.unwrap_or_else(|| panic!("{name}: the first line names no axis"));
        let graph: Graph = input.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(graph.verify(), Ok(()), "{name}: the graph of a window");
        let found = match stream(&graph, axis) {
            Ok(Stepped { graph, steps }) => format!("// {steps:?}\n{graph}"),
            Err(report) => report.to_string().lines().map(|line| format!("// {line}\n")).collect(),
        };
        if bless {
            fs::write(&path, format!("{input}{EXPECT}{found}")).unwrap();
        } else {
            snapbox::assert_data_eq!(found, expected.to_owned());
        }
    }
}

/// The rules named in the comments of `text`.
fn expected_rules(text: &str) -> BTreeSet<&str> {
    text.lines().filter_map(|line| line.strip_prefix("// error: ")).collect()
}

#[test]
fn the_verifier_catches_what_is_wrong() {
    for (path, text) in files("tests/verify") {
        let graph: Graph = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let violations = graph.verify().err().unwrap_or_default();
        let found: BTreeSet<&str> = violations.iter().map(|violation| violation.rule).collect();
        assert_eq!(found, expected_rules(&text), "{}: {violations:?}", path.display());
    }
}

/// The parser refuses these graphs, a faulty pass could make them.
#[test]
fn the_verifier_catches_what_text_cannot_say() {
    let text = fs::read_to_string(folder("tests/verify/sound_quantized.graph")).unwrap();
    let sound: Graph = text.parse().unwrap();
    let rules =
        |graph: Graph| graph.verify().unwrap_err().iter().map(|violation| violation.rule).collect::<Vec<_>>();
    let mut twice = sound.clone();
    twice.nodes.push(sound.nodes[2].clone());
    let mut never = sound.clone();
    never.nodes.pop();
    let mut foreign = sound;
    foreign.outputs = vec![ValueId::new(9)];
    assert_eq!([rules(twice), rules(never)], [[MADE_ONCE], [MADE_ONCE]]);
    assert_eq!(rules(foreign), [NO_FOREIGN_IDS]);
}

/// Rules are literals beside a call of `require`; each has a graph that breaks it, in a file or in the test above.
#[test]
fn each_rule_has_a_graph_that_breaks_it() {
    let sources = [
        include_str!("../src/graph/verify.rs"),
        include_str!("../src/graph/verify/bounds.rs"),
        include_str!("../src/graph/verify/places.rs"),
        include_str!("../src/graph/verify/states.rs"),
    ];
    let calls = sources.iter().flat_map(|source| source.split(".require(").skip(1));
    let rules: BTreeSet<&str> = calls.map(|call| call.split('"').nth(1).unwrap()).collect();
    let files = files("tests/verify");
    let mut broken: BTreeSet<&str> = files.iter().flat_map(|(_, text)| expected_rules(text)).collect();
    broken.extend([MADE_ONCE, NO_FOREIGN_IDS]);
    assert_eq!(broken, rules);
}

/// All fixtures that other tools made.
fn models() -> Vec<(String, exactum_qonnx::Model)> {
    let mut models = vec![];
    for entry in fs::read_dir(folder("../tests/fixtures/brevitas")).unwrap() {
        let folder = entry.unwrap().path();
        // An output there holds the best of values with offsets of their own, which has no program.
        if folder.ends_with("top_k") {
            continue;
        }
        let path = folder.join("model.onnx");
        if let Ok(bytes) = fs::read(&path) {
            models.push((path.display().to_string(), exactum_qonnx::read(&bytes).unwrap()));
        }
    }
    assert!(models.len() > 20, "{} fixtures", models.len());
    models
}

#[test]
fn every_level_of_every_fixture_prints_and_parses_back() {
    for (name, model) in models() {
        let compiled = compile(&model).unwrap();
        for graph in [&compiled.imported, &compiled.quantized, &compiled.integer, &compiled.scheduled] {
            let parsed: Graph = graph.to_string().parse().unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(parsed, *graph, "{name}, {} level", graph.level.name());
        }
    }
}

#[test]
fn compiling_twice_gives_the_same_bytes() {
    for (name, model) in models() {
        let [first, second] = [compile(&model).unwrap(), compile(&model).unwrap()];
        assert_eq!(first.image, second.image, "{name}");
        assert_eq!(first.scheduled.to_string(), second.scheduled.to_string(), "{name}");
    }
}

/// A damaged line is named with what was needed, whatever it was cut to.
#[test]
fn every_truncated_line_is_refused_or_another_graph() {
    for (path, text) in files("tests/passes") {
        let (input, _) = text.split_once(EXPECT).unwrap();
        let graph: Graph = input.parse().unwrap();
        for cut in (0..input.trim_end().len()).filter(|cut| input.is_char_boundary(*cut)) {
            if let Ok(other) = input[..cut].parse::<Graph>() {
                assert_ne!(other, graph, "{} cut to {cut} bytes", path.display());
            }
        }
    }
}

/// The order of the passes is a chain of levels.
#[test]
fn passes_form_a_chain() {
    for pair in PASSES.windows(2) {
        assert_eq!(pair[0].to, pair[1].from, "{} before {}", pair[0].name, pair[1].name);
    }
}
