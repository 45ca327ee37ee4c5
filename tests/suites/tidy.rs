//! The repository itself: dependency arrows, documentation, sizes of files, links, and nothing of the machines it was
//! written on.

#[path = "tidy/circles.rs"]
mod circles;
#[path = "tidy/operators.rs"]
mod operators;
#[path = "tidy/schema.rs"]
mod schema;
#[path = "tidy/units.rs"]
mod units;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Longest file; longer ones are hard to read in one sitting.
const MAX_LINES: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Files of the repository, those included that are not committed yet.
fn files() -> Vec<String> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output =
        Command::new("git").args(arguments).current_dir(root()).output().expect("git lists the files");
    assert!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).expect("names are UTF-8");
    let exists = |name: &&str| !name.is_empty() && root().join(name).is_file();
    let files: Vec<String> = names.split('\0').filter(exists).map(str::to_owned).collect();
    assert!(files.len() > 100, "{} files", files.len());
    files
}

fn text(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn metadata() -> Metadata {
    MetadataCommand::new().current_dir(root()).no_deps().exec().expect("cargo describes the workspace")
}

/// Other packages of the workspace that `package` depends on in one of `kinds`.
fn arrows(package: &Package, kinds: &[DependencyKind]) -> BTreeSet<String> {
    let other = |name: &str| name.starts_with("exactum-") && name != package.name.as_str();
    let ours = package.dependencies.iter().filter(|dependency| other(&dependency.name));
    ours.filter(|dependency| kinds.contains(&dependency.kind))
        .map(|dependency| dependency.name.clone())
        .collect()
}

#[test]
fn crates_depend_on_each_other_as_the_architecture_says() {
    // What each crate may be built from, and what its tests and examples may use as well.
    let allowed: BTreeMap<&str, (&[&str], &[&str])> = BTreeMap::from([
        ("exactum-num", (&[][..], &[][..])),
        ("exactum-format", (&["exactum-num"], &[])),
        ("exactum-kernels", (&["exactum-format", "exactum-num"], &[])),
        ("exactum-runtime", (&["exactum-format", "exactum-kernels", "exactum-num"], &[])),
        ("exactum-display", (&["exactum-num"], &[])),
        ("exactum-frontend", (&[], &[])),
        ("exactum-qonnx", (&["exactum-runtime"], &[])),
        ("exactum-host", (&["exactum-qonnx"], &[])),
        ("exactum-boards", (&[], &[])),
        (
            "exactum-importer",
            (&["exactum-boards", "exactum-host", "exactum-qonnx", "exactum-runner", "exactum-runtime"], &[]),
        ),
        ("exactum-build", (&["exactum-importer", "exactum-qonnx"], &[])),
        (
            "exactum-training",
            (
                &["exactum-host", "exactum-qonnx", "exactum-runtime"],
                &["exactum-frontend", "exactum-importer"],
            ),
        ),
        ("exactum-learner", (&["exactum-qonnx", "exactum-training"], &[])),
        ("exactum-application", (&["exactum-display", "exactum-runtime"], &[])),
        ("exactum-runner", (&["exactum-boards", "exactum-runtime"], &["exactum-importer", "exactum-qonnx"])),
        (
            "exactum-tests",
            (
                &[
                    "exactum-frontend",
                    "exactum-importer",
                    "exactum-qonnx",
                    "exactum-runner",
                    "exactum-runtime",
                    "exactum-training",
                ],
                &[],
            ),
        ),
    ]);
    let packages = metadata().packages;
    assert_eq!(packages.len(), allowed.len(), "each crate of the workspace is listed here");
    for package in &packages {
        let (build, test) = allowed[package.name.as_str()];
        let build: BTreeSet<String> = build.iter().map(|name| (*name).to_owned()).collect();
        let test: BTreeSet<String> =
            test.iter().map(|name| (*name).to_owned()).chain(build.clone()).collect();
        let found = arrows(package, &[DependencyKind::Normal, DependencyKind::Build]);
        assert!(found.is_subset(&build), "{} is built from {found:?}, may be from {build:?}", package.name);
        let found = arrows(package, &[DependencyKind::Development]);
        assert!(found.is_subset(&test), "{} is tested with {found:?}, may be with {test:?}", package.name);
    }
}

/// Whoever reads a module has to read those it names; in a circle that is all of them.
#[test]
fn top_modules_form_no_circle() {
    let root = root().canonicalize().expect("the folder of the workspace");
    let read = |name: &str| fs::read_to_string(root.join(name)).ok();
    let mut told = String::new();
    for package in metadata().packages {
        let code = |target: &&cargo_metadata::Target| {
            !(target.is_test() || target.is_bench() || target.is_example() || target.is_custom_build())
        };
        for target in package.targets.iter().filter(code) {
            let first = target.src_path.as_std_path().strip_prefix(&root).expect("in the workspace");
            for circle in circles::circles(&first.to_string_lossy(), &read) {
                told += &format!("{} ({}): {circle}", package.name, target.name);
            }
        }
    }
    assert!(told.is_empty(), "{told}");
}

/// Commands that ask for different features of burn, or of what it is built from, would each compile it anew.
#[test]
fn burn_is_compiled_once() {
    let commands = [
        "build --release -p exactum-training --example digits",
        "build --release -p exactum-training --bin exactum-quantize",
        "build --release -p exactum-learner",
        "test --release -p exactum-training",
        "test --release --workspace",
    ];
    let [first, others @ ..] = commands.map(|command| (command, units::libraries(&root(), command, "burn")));
    assert!(first.1.contains_key("burn") && first.1.contains_key("burn_flex"), "{:?}", first.1.keys());
    for (command, libraries) in others {
        let twice: Vec<&String> = libraries
            .iter()
            .filter(|(name, built)| first.1.get(*name).is_some_and(|first| first != *built))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(twice, Vec::<&String>::new(), "built for `{}` and again for `{command}`", first.0);
    }
}

/// Suites are not found by their place, so a new one could be forgotten.
#[test]
fn every_suite_runs() {
    let packages = metadata().packages;
    let tests =
        packages.iter().find(|package| package.name.as_str() == "exactum-tests").expect("this package");
    let targets: BTreeSet<&str> =
        tests.targets.iter().filter(|target| target.is_test()).map(|target| target.name.as_str()).collect();
    let files = files();
    let suites: BTreeSet<&str> = files
        .iter()
        .filter_map(|name| name.strip_prefix("tests/suites/")?.strip_suffix(".rs"))
        .filter(|name| !name.contains('/'))
        .collect();
    assert_eq!(suites, targets);
}

#[test]
fn every_rust_file_opens_with_what_it_is() {
    // Snapshots are what a command printed.
    let source = |name: &String| name.ends_with(".rs") && !name.contains("/snapshots/");
    let undocumented: Vec<String> =
        files().into_iter().filter(|name| source(name) && !text(name).starts_with("//! ")).collect();
    assert_eq!(undocumented, Vec::<String>::new());
}

#[test]
fn no_file_is_too_long() {
    let source =
        |name: &String| [".rs", ".md", ".py", ".toml", ".c", ".h"].iter().any(|end| name.ends_with(end));
    let mut long = vec![];
    for name in files().into_iter().filter(source) {
        let lines = text(&name).lines().count();
        if lines > MAX_LINES {
            long.push(format!("{name}: {lines} lines"));
        }
    }
    assert_eq!(long, Vec::<String>::new());
}

/// The anchors of a Markdown file: headings in lower case, spaces as hyphens, other signs dropped.
fn anchors(markdown: &str) -> BTreeSet<String> {
    let headings = prose(markdown).into_iter().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        heading
            .chars()
            .filter_map(|c| match c {
                ' ' => Some('-'),
                c if c.is_alphanumeric() || "-_".contains(c) => Some(c),
                _ => None,
            })
            .collect()
    };
    headings.map(anchor).collect()
}

/// The lines outside code blocks.
fn prose(markdown: &str) -> Vec<&str> {
    let mut in_code = false;
    let outside = |line: &&str| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    };
    markdown.lines().filter(outside).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut dead = vec![];
    let mut followed = 0;
    for name in files().into_iter().filter(|name| name.ends_with(".md")) {
        let markdown = text(&name);
        let folder = Path::new(&name).parent().unwrap_or(Path::new(""));
        for line in prose(&markdown) {
            for link in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                if link.contains("://") {
                    continue;
                }
                followed += 1;
                let (file, anchor) =
                    link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
                let target = if file.is_empty() { PathBuf::from(&name) } else { folder.join(file) };
                let found = root().join(&target).exists();
                let anchored = |anchor| found && anchors(&text(&target.to_string_lossy())).contains(anchor);
                if !found || anchor.is_some_and(|anchor| !anchored(anchor)) {
                    dead.push(format!("{name}: {link}"));
                }
            }
        }
    }
    assert_eq!(dead, Vec::<String>::new());
    assert!(followed > 0, "no file links to another");
}

/// Files of the compiler and the runtime that name an operator, against the list of `docs/add-an-operator.md`.
#[test]
fn the_guide_to_operators_lists_every_place() {
    let guide = text("docs/add-an-operator.md");
    let places: Vec<&str> = guide.split('`').skip(1).step_by(2).filter(|place| place.contains('/')).collect();
    let dead: Vec<&&str> = places.iter().filter(|place| !root().join(place).exists()).collect();
    assert!(dead.is_empty(), "places that do not exist: {dead:?}");
    let folders = ["importer/src/", "importer/qonnx/src/", "runtime/"];
    let product = |name: &String| {
        folders.iter().any(|folder| name.starts_with(folder))
            && [".rs", ".toml"].iter().any(|end| name.ends_with(end))
            && !name.contains("/tests/")
    };
    let listed = |name: &str| {
        places.iter().any(|place| name == *place || place.ends_with('/') && name.starts_with(place))
    };
    // An operator of the file and one of the graph alone, by their names in the code.
    for names in [["TopK", "top_k", "top-k"], ["SumPool", "sum_pool", "sum-pool"]] {
        let names_it = |name: &String| names.iter().any(|word| text(name).contains(word));
        let unlisted: Vec<String> =
            files().into_iter().filter(product).filter(names_it).filter(|name| !listed(name)).collect();
        // Tables of the graph's types name every operator with fields of its own.
        let unlisted: Vec<&String> =
            unlisted.iter().filter(|name| *name != "importer/src/graph.rs").collect();
        assert!(unlisted.is_empty(), "{names:?} is written in places the guide does not list: {unlisted:?}");
    }
}

#[test]
fn tests_of_operators_are_listed() {
    let (path, document) = ("tests/README.md", operators::document());
    if std::env::var_os("BLESS").is_some() {
        fs::write(root().join(path), &document).expect("the table is written");
    }
    assert!(text(path) == document, "{path} is old: run again with BLESS=1");
}

#[test]
fn every_folder_of_fixtures_has_an_index() {
    assert_eq!(operators::folders_without_index(), Vec::<String>::new());
}

/// `docs/brevitas.md` numbers what the Brevitas tutorial shows from S01 to S98; a test's name starts with its number.
#[test]
fn every_row_of_the_brevitas_tutorial_has_a_test() {
    let sources: String = files()
        .iter()
        .filter(|name| name.starts_with("training/") && name.ends_with(".rs"))
        .map(|name| text(name))
        .collect();
    let missing: Vec<usize> = (1..=98).filter(|row| !sources.contains(&format!("fn s{row:02}_"))).collect();
    assert_eq!(missing, Vec::<usize>::new());
}

/// Paths of the machines that files were made on, in text and in binary files alike.
#[test]
fn no_file_tells_where_it_was_made() {
    // In two parts, so that this file is none of the findings.
    let words = [["/wo", "rk/"], ["/ro", "ot/"], ["/ho", "me/"], ["\\Us", "ers\\"], ["C:", "\\"]]
        .map(|parts| parts.concat());
    let mut found = vec![];
    // What is compressed spells anything by chance.
    for name in files().into_iter().filter(|name| !name.ends_with(".gz")) {
        let bytes = fs::read(root().join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let holds = |word: &&String| bytes.windows(word.len()).any(|window| window == word.as_bytes());
        found.extend(words.iter().filter(holds).map(|word| format!("{name}: {word}")));
    }
    assert_eq!(found, Vec::<String>::new());
}

/// Whoever builds from a lock file gets the crates that everyone gets.
#[test]
fn crates_come_from_the_public_registry() {
    for name in files().into_iter().filter(|name| name.ends_with("Cargo.lock")) {
        let lock = text(&name);
        let sources: BTreeSet<&str> =
            lock.lines().filter_map(|line| line.strip_prefix("source = ")).collect();
        let public = "\"registry+https://github.com/rust-lang/crates.io-index\"";
        assert!(sources.iter().all(|source| *source == public), "{name}: {sources:?}");
    }
}
