//! The files of a new firmware project, from the board's facts and the sources inside the program.

use std::path::Path;

use crate::diagnostic::{Code, Diagnostic, Location, Result};
use crate::interface::{Interface, Port};
use exactum_boards::{Board, Sources};

/// What boards of one architecture have alike.
struct Architecture {
    /// The crate that starts the processor.
    runtime: &'static str,
    /// Crates beside it, and what names them in the code so that they are linked.
    beside: &'static str,
    /// Arguments for the linker.
    arguments: &'static str,
}

impl Architecture {
    fn of(board: &Board) -> Result<Self> {
        let triple = board.facts.target.as_str();
        if triple.starts_with("thumb") && board.memory_script.is_some() {
            return Ok(Self {
                runtime: "cortex-m-rt",
                beside: "cortex-m",
                arguments: "\"--nmagic\", \"-Tlink.x\"",
            });
        }
        // Chips start in ways of their own; the emulated one at the first word of its RAM.
        if triple.starts_with("riscv32") && board.memory_script.is_some() && board.is_emulated() {
            return Ok(Self {
                runtime: "riscv-rt",
                beside: "riscv",
                arguments: "\"-Tmemory.x\", \"-Tlink.x\"",
            });
        }
        let at = Location::part(format!("board `{}`", board.name));
        let needed = "a Cortex-M, or an emulated board, with a memory map";
        Err(Diagnostic::new(Code::BoardRefuses, at, format!("a processor {triple}"), needed).into())
    }
}

/// The files of the project `name`, by their paths in its folder; the runtime at `runtime`, or else in `vendor`.
pub(super) fn files(
    name: &str,
    board: &Board,
    model: &str,
    sample: &str,
    runtime: Option<&Path>,
) -> Result<Vec<(String, Vec<u8>)>> {
    let architecture = Architecture::of(board)?;
    let sources = Sources::embedded();
    let main = include_str!("../../../templates/firmware/main.rs")
        .replace("@RUNTIME@", &architecture.runtime.replace('-', "_"))
        .replace("@LINKED@", &linked(architecture.beside));
    let build =
        include_str!("../../../templates/firmware/build.rs").replace("@ARGUMENTS@", architecture.arguments);
    let memory = board.memory_script.unwrap_or_default();
    let manifest = manifest(name, &architecture, &sources, runtime)?;
    let texts = [
        ("Cargo.toml", manifest),
        (".cargo/config.toml", config(board)),
        (".gitignore", "/target\n".to_owned()),
        ("build.rs", build),
        ("memory.x", memory.to_owned()),
        ("src/main.rs", main),
        ("src/model.rs", model.to_owned()),
        ("src/sample.rs", sample.to_owned()),
    ];
    let mut files: Vec<(String, Vec<u8>)> =
        texts.into_iter().map(|(path, text)| (path.to_owned(), text.into_bytes())).collect();
    if runtime.is_none() {
        let of_runtime = |path: &str| path.starts_with("runtime/") || path == "Cargo.toml";
        let vendored = sources.files().iter().filter(|file| of_runtime(&file.path));
        files.extend(vendored.map(|file| (format!("vendor/{}", file.path), file.bytes.clone())));
    }
    Ok(files)
}

fn linked(package: &str) -> String {
    format!("// Linked for its critical section.\nuse {} as _;", package.replace('-', "_"))
}

fn manifest(
    name: &str,
    architecture: &Architecture,
    sources: &Sources,
    runtime: Option<&Path>,
) -> Result<String> {
    let boards = sources.text("boards/Cargo.toml").unwrap_or_default();
    let boards: toml::Table = toml::from_str(boards).expect("the manifest of this repository");
    let dependency = |package: &str, features: Option<&str>| {
        let known = &boards["workspace"]["dependencies"][package];
        let version = known.as_str().or_else(|| known["version"].as_str()).unwrap_or("*");
        let own = || {
            let features = known.get("features")?.as_array()?.iter().filter_map(|feature| feature.as_str());
            Some(format!("{:?}", features.collect::<Vec<_>>()))
        };
        match features.map(str::to_owned).or_else(own) {
            Some(features) => format!("{package} = {{ version = \"{version}\", features = {features} }}\n"),
            None => format!("{package} = \"{version}\"\n"),
        }
    };
    let runtime = match runtime {
        Some(path) => {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            path.to_string_lossy().into_owned()
        }
        None => "vendor/runtime".to_owned(),
    };
    let own = [
        dependency(architecture.beside, None),
        dependency(architecture.runtime, None),
        dependency("semihosting", Some("[\"stdio\"]")),
    ]
    .concat();
    Ok(format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n\
         [[bin]]\nname = \"{name}\"\npath = \"src/main.rs\"\ntest = false\nbench = false\n\n\
         [dependencies]\n\
         # Generated code needs none of its features.\n\
         exactum-runtime = {{ path = {runtime:?}, default-features = false }}\n{own}\n\
         # A workspace of its own, whatever folder it is in.\n[workspace]\nexclude = [\"vendor\"]\n\n\
         [profile.release]\nopt-level = \"s\"\nlto = \"fat\"\ncodegen-units = 1\npanic = \"abort\"\ndebug = true\n"
    ))
}

/// Cargo builds for the processor, and runs in the emulator, where there is one.
fn config(board: &Board) -> String {
    let triple = &board.facts.target;
    let mut text = format!("[build]\ntarget = \"{triple}\"\n");
    if let Some(cpu) = &board.facts.cpu {
        text += &format!("rustflags = [\"-C\", \"target-cpu={cpu}\"]\n");
    }
    if board.is_emulated() {
        let emulator = board.facts.emulator.join(" ");
        text += &format!(
            "\n[target.{triple}]\nrunner = \"{emulator} -display none -monitor none -serial none -semihosting-config \
             enable=on,target=native -kernel\"\n"
        );
    }
    text
}

/// The module that runs the model on a sample: for inputs and outputs their names in the module, and the integers that their
/// memory holds.
pub(super) fn sample(
    interface: &Interface,
    inputs: (&[String], &[Vec<i32>]),
    outputs: (&[String], &[Vec<i32>]),
) -> String {
    let mut text = "//! A sample for the model, and the outputs that the host computes of it.\n\nuse semihosting::{print, println};\n\n\
                    use crate::model::Model;\n\n\
                    /// Runs the model on the sample, prints its outputs, and says whether they are the host's.\n\
                    pub fn run(model: &mut Model) -> bool {\n"
        .to_owned();
    for (name, codes) in inputs.0.iter().zip(inputs.1) {
        text += &format!("    *model.{name}_mut() = {codes:?};\n");
    }
    text += "    model.infer();\n    let mut same = true;\n";
    for ((name, stored), port) in outputs.0.iter().zip(outputs.1).zip(&interface.outputs) {
        text += &format!(
            "    print!({:?});\n    for code in model.{name}() {{\n        print!(\" {{}}\", {});\n    }}\n    println!();\n    \
             same &= *model.{name}() == {stored:?};\n",
            format!("{}:", port.name.replace(['{', '}'], "")),
            integer(port)
        );
    }
    text + "    same\n}\n"
}

/// The model's integer of `code`.
fn integer(port: &Port) -> String {
    match port.stored_less {
        0 => "code".to_owned(),
        less => format!("i64::from(*code) + {less}"),
    }
}
