//! The Rust modules that `exactum build --emit rust` writes: those of all cases in one crate, compiled once for this
//! machine, without a warning.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use exactum_importer::Compiled;
use exactum_runtime::Program;
use exactum_runtime::program::words_as_bytes;

use super::Backend;
use super::host::{aligned, with_ports_outside};
use crate::case::{Case, Integers, Made, of_program};

/// What the crate starts with: reads samples, writes codes. Its modules must not make a warning.
const MAIN: &str = "\
#![deny(warnings, unsafe_code)]

use std::io::{Read, Write};

fn main() {
    let case = std::env::args().nth(1).unwrap().parse::<usize>().unwrap();
    let mut bytes = vec![];
    std::io::stdin().read_to_end(&mut bytes).unwrap();
    let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let mut codes: Vec<i32> = vec![];
    run(case, &values, &mut |code| codes.push(code));
    for code in codes {
        std::io::stdout().write_all(&code.to_le_bytes()).unwrap();
    }
}
";

/// Cases whose modules are compiled once, with ports in the arena; there are many.
const MANY: &str = "field::";

/// The modules of all cases, and of most a second one whose ports lie outside the arena.
#[derive(Debug)]
pub struct Generated {
    cases: Vec<Arc<Case>>,
    built: OnceLock<Result<PathBuf, String>>,
}

impl Generated {
    /// The modules of `cases`; written and compiled when the first of them is run.
    pub const fn new(cases: Vec<Arc<Case>>) -> Self {
        Self { cases, built: OnceLock::new() }
    }

    /// Writes and compiles the crate; its program.
    fn build(&self) -> Result<PathBuf, String> {
        let next = AtomicUsize::new(0);
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(case) = self.cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                        // A case that cannot be made fails in its own test.
                        let _ = case.made();
                    }
                });
            }
        });
        let folder = folder()?;
        let source = folder.join("src");
        fs::create_dir_all(&source).map_err(|error| error.to_string())?;
        let write = |path: PathBuf, text: String| fs::write(path, text).map_err(|error| error.to_string());
        let (mut modules, mut arms) = (String::new(), String::new());
        for (index, case) in self.cases.iter().enumerate() {
            let Ok(made) = case.made() else { continue };
            write(source.join(format!("case_{index}.rs")), made.compiled.rust_module())?;
            writeln!(modules, "#[rustfmt::skip]\nmod case_{index};").map_err(|error| error.to_string())?;
            let outside = if case.name.starts_with(MANY) { None } else { outside(index, &made.compiled)? };
            if let Some((text, _)) = &outside {
                write(source.join(format!("outside_{index}.rs")), text.clone())?;
                writeln!(modules, "#[rustfmt::skip]\nmod outside_{index};")
                    .map_err(|error| error.to_string())?;
            }
            arms.push_str(&arm(index, &made.compiled, outside.map(|(_, arm)| arm)));
        }
        let run = format!(
            "fn run(case: usize, values: &[f32], put: &mut dyn FnMut(i32)) {{\n    match case {{\n{arms}        \
             _ => panic!(\"no case {{case}}\"),\n    }}\n}}\n"
        );
        write(source.join("main.rs"), format!("{MAIN}\n{modules}\n{run}"))?;
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let runtime = repository.join("runtime");
        let manifest = format!(
            "[package]\nname = \"generated\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
             exactum-runtime = {{ path = {runtime:?}, default-features = false }}\n\n\
             [profile.release]\nopt-level = 0\noverflow-checks = true\n"
        );
        write(folder.join("Cargo.toml"), manifest)?;
        fs::copy(repository.join("Cargo.lock"), folder.join("Cargo.lock"))
            .map_err(|error| error.to_string())?;
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["build", "--release", "--offline", "--quiet"])
            .current_dir(&folder)
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .output()
            .map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(folder.join("target/release/generated"))
    }
}

impl Backend for Generated {
    fn name(&self) -> &str {
        "generated"
    }

    fn run(&self, case: &Made) -> Result<Integers, String> {
        let program = self.built.get_or_init(|| self.build()).as_ref().map_err(Clone::clone)?;
        let is_it = |own: &Arc<Case>| own.made().is_ok_and(|made| std::ptr::eq(made, case));
        let index = self.cases.iter().position(is_it).ok_or("the case has no module")?;
        let samples =
            case.source.samples.iter().flat_map(|sample| of_program(&case.compiled, sample).concat());
        let bytes: Vec<u8> = samples.flat_map(f32::to_le_bytes).collect();
        let codes = started(program, index, &bytes).map_err(|error| error.to_string())?;
        let mut codes = codes.as_chunks::<4>().0.iter().map(|bytes| i64::from(i32::from_le_bytes(*bytes)));
        let ports = &case.compiled.interface.outputs;
        let sample = |_| {
            let outputs = ports.iter().flat_map(|port| vec![port.stored_less; port.elems()]);
            outputs.map_while(|less| Some(codes.next()? + less)).collect()
        };
        Ok(case.source.samples.iter().map(sample).collect())
    }
}

/// What `program` writes of case `index` when it reads `bytes`.
fn started(program: &Path, index: usize, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut child =
        Command::new(program).arg(index.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take();
    // It writes nothing before it has read everything.
    if let Some(stdin) = &mut stdin {
        stdin.write_all(bytes)?;
    }
    drop(stdin);
    let output = child.wait_with_output()?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(std::io::Error::other(output.status.to_string()))
    }
}

/// Where the crate is: beside the artifacts of the tests.
fn folder() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let target = own.ancestors().nth(3).ok_or("a test lies in a target folder")?;
    Ok(target.join("tmp/generated"))
}

/// The module of case `index` with all ports outside the arena, if they can be, and what runs it on `values` at once and in
/// steps.
fn outside(index: usize, compiled: &Compiled) -> Result<Option<(String, String)>, String> {
    let outside = with_ports_outside(compiled)?;
    let text = outside.rust_module();
    let words = aligned(&outside.image);
    let program = Program::load(&words_as_bytes(&words)[..outside.image.len()]);
    let program = program.map_err(|error| error.to_string())?;
    let inputs = (0..program.inputs().len()).filter_map(|index| program.input_tensor(index));
    let outputs = program.outputs().filter_map(|output| program.tensor(output.tensor));
    if !inputs.clone().chain(outputs.clone()).all(|tensor| tensor.role.is_outside()) {
        return Ok(None);
    }
    let quantizers = text.split("pub fn quantize_").skip(1).filter_map(|rest| rest.split('(').next());
    let filled: String = inputs
        .zip(quantizers)
        .enumerate()
        .map(|(at, (tensor, name))| {
            format!(
                "                let mut c{at} = [0; {}];\n                \
                 outside_{index}::Model::quantize_{name}(x{at}, &mut c{at});\n",
                tensor.shape.elems()
            )
        })
        .collect();
    let sizes: Vec<u32> = outputs.map(|tensor| tensor.shape.elems()).collect();
    let arguments: String = (0..program.inputs().len()).map(|at| format!("&c{at}, ")).collect();
    let list = |what: &str| (0..sizes.len()).map(|at| format!("{what}{at}")).collect::<Vec<_>>().join(", ");
    let zeros: String = sizes
        .iter()
        .enumerate()
        .map(|(at, elems)| {
            format!("                let (mut a{at}, mut b{at}) = ([0; {elems}], [0; {elems}]);\n")
        })
        .collect();
    let equal: String = (0..sizes.len())
        .map(|at| format!("                assert_eq!((*y{at}, a{at}), (a{at}, b{at}));\n"))
        .collect();
    let arm = format!(
        "{filled}{zeros}                outside.run({arguments}{});\n                \
         outside.steps({arguments}{}).for_each(drop);\n{equal}",
        list("&mut a"),
        list("&mut b")
    );
    Ok(Some((text, arm)))
}

/// What runs case `index`, and then what `outside` says.
fn arm(index: usize, compiled: &Compiled, outside: Option<String>) -> String {
    let inputs: Vec<usize> = compiled.interface.inputs.iter().map(|port| port.elems()).collect();
    let names =
        |name: &str, count: usize| (0..count).map(|at| format!("{name}{at}")).collect::<Vec<_>>().join(", ");
    let splits: String = inputs
        .iter()
        .enumerate()
        .map(|(at, elems)| {
            format!(
                "                let (x{at}, sample) = sample.split_at({elems});\n                \
                 let x{at} = x{at}.try_into().unwrap();\n"
            )
        })
        .collect();
    let outputs = compiled.interface.outputs.len();
    let results = if outputs == 1 { "y0".to_owned() } else { format!("({})", names("y", outputs)) };
    let puts: String = (0..outputs)
        .map(|at| format!("                y{at}.iter().for_each(|code| put(i32::from(*code)));\n"))
        .collect();
    let second = match outside {
        None => String::new(),
        Some(_) => format!("            let mut outside = Box::new(outside_{index}::Model::new());\n"),
    };
    let again = outside.unwrap_or_default();
    format!(
        "        {index} => {{\n            let mut model = Box::new(case_{index}::Model::new());\n{second}            \
         for sample in values.chunks_exact({}) {{\n{splits}                assert!(sample.is_empty());\n                \
         let {results} = model.run_f32({});\n{again}{puts}            }}\n        }}\n",
        inputs.iter().sum::<usize>().max(1),
        names("x", inputs.len()),
    )
}
