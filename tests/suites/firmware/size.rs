//! Bytes of code of the least firmware that holds a model, as a module of its own and as an image with loader and engine.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use exactum_importer::Compiled;
use exactum_runner::{
    Board, BuildError, Counting, GUARDED_PROFILES, GUARDED_TARGETS, Image, Recipe, toolchain,
};
use exactum_tests::backend::Emulated;
use exactum_tests::case::Case;
use exactum_tests::elf;
use libtest_mimic::Failed;

/// Dense layers alone, the usual shapes of small networks, and networks with many kinds of ops.
const MODELS: [(&str, &str); 6] = [
    ("digits", "digits_mlp"),
    ("digits", "digits_cnn"),
    ("brevitas", "mobilenet"),
    ("brevitas", "keyword_spotting_legacy"),
    ("brevitas", "resnet"),
    ("brevitas", "unet"),
];

const CORTEX_M4: &str = "thumbv7em-none-eabihf";

/// Writes a module `name` with the image of `compiled`; its path.
fn image_module(folder: &Path, name: &str, compiled: &Compiled) -> Result<PathBuf, Failed> {
    let (module, bytes) = (folder.join(format!("{name}.image.rs")), folder.join(name));
    fs::write(&bytes, &compiled.image)?;
    let arena_bytes = compiled.memory.arena_bytes;
    let length = compiled.image.len();
    let program = format!(
        "pub const ARENA_BYTES: usize = {arena_bytes};\n\
         pub static PROGRAM: exactum_runtime::program::Aligned<[u8; {length}]> =\n    \
         exactum_runtime::program::Aligned(*include_bytes!({bytes:?}));\n"
    );
    fs::write(&module, program)?;
    Ok(module)
}

/// The table of all models in both forms.
pub(crate) fn table(compiler: &str) -> Result<String, Failed> {
    let mut text = format!(
        "{compiler}\n\nBytes for Cortex-M4, opt-level \"s\", of firmware that does nothing but run a model: instructions, and\n\
         constants with the model's own. `generated` is `build --emit rust`, `image` the image with loader and engine.\n\n\
         {:<26}{:>16}{:>12}{:>16}{:>12}\n{:<26}{:>16}{:>12}{:>16}{:>12}\n",
        "", "generated", "", "image", "", "model", "code", "constants", "code", "constants"
    );
    let folder = tempfile::tempdir()?;
    for (group, name) in MODELS {
        let case = if group == "digits" { Case::exported(name, 1) } else { Case::fixture(group, name) };
        let compiled = &case.made()?.compiled;
        let generated = folder.path().join(format!("{name}.rs"));
        fs::write(&generated, compiled.rust_module())?;
        let image = image_module(folder.path(), name, compiled)?;
        let [generated, image] =
            [sizes("generated", &generated, CORTEX_M4)?, sizes("image", &image, CORTEX_M4)?];
        writeln!(
            text,
            "{name:<26}{:>16}{:>12}{:>16}{:>12}",
            generated.code, generated.constants, image.code, image.constants
        )?;
    }
    Ok(text)
}

/// The table of the code that programs take on each processor that a board has, for `importer/targets/code/firmware.toml`.
pub(crate) fn of_processors() -> Result<String, Failed> {
    let mut text = "# Written by `.ci/size`: bytes of code of firmware that holds a model, and bytes of stack, by Rust's name of the processor.\n"
        .to_owned();
    // An engine is the same for every model; of the modules in the table above the second has the most code.
    let made = [("digits", "digits_mlp"), ("brevitas", "unet")];
    let cases = made.map(|(group, name)| match group {
        "digits" => Case::exported(name, 1),
        _ => Case::fixture(group, name),
    });
    let folder = tempfile::tempdir()?;
    let boards = Board::all()?;
    let triples: BTreeSet<&str> = boards
        .iter()
        .filter(|board| board.memory().is_ok())
        .map(|board| board.facts.target.as_str())
        .collect();
    for triple in triples {
        toolchain(triple)?;
        let (mut engine_bytes, mut module_bytes) = (0, 0);
        for (index, case) in cases.iter().enumerate() {
            let compiled = &case.made()?.compiled;
            let program = compiled.image.len() as u64;
            let beside = |sizes: elf::Sizes| sizes.code + sizes.constants.saturating_sub(program);
            let module = folder.path().join("model.rs");
            fs::write(&module, compiled.rust_module())?;
            if index == 0 {
                let module = image_module(folder.path(), "model", compiled)?;
                engine_bytes = beside(sizes("image", &module, triple)?);
            } else {
                module_bytes = beside(sizes("generated", &module, triple)?);
            }
        }
        writeln!(text, "\n[\"{triple}\"]\nengine-bytes = {engine_bytes}\nmodule-bytes = {module_bytes}")?;
        let emulated = boards.iter().filter(|board| board.facts.target == triple && board.is_emulated());
        let mut runs_all = emulated.cloned().map(Emulated::new);
        let has_room = |board: &Emulated| {
            cases.iter().all(|case| case.made().is_ok_and(|made| board.has_room(made) == Ok(true)))
        };
        if let Some(board) = runs_all.find(has_room) {
            let mut most = 0;
            for case in &cases {
                let counts = board.run_counting(case.made()?, Counting::On)?.counts;
                most = most.max(counts.iter().map(|counts| counts.stack_bytes).max().unwrap_or(0));
            }
            writeln!(text, "stack-bytes = {most}")?;
        }
    }
    Ok(text)
}

/// Builds the binary `form` of `boards/code-size` with the module at `module`.
fn build(
    form: &str,
    module: &Path,
    target: &str,
    profile: &str,
    further: &[&str],
) -> Result<Image, BuildError> {
    let features = &[&[form], further].concat();
    let environment = &[("EXACTUM_MODULE", module.as_os_str())];
    Recipe { package: "code-size", binary: form, target, cpu: None, profile, features, environment }.build()
}

fn sizes(form: &str, module: &Path, target: &str) -> Result<elf::Sizes, Failed> {
    let image = build(form, module, target, "size", &[])?;
    elf::sizes(image.elf()).ok_or_else(|| "no 32-bit ELF file".into())
}

/// Modules link only if no panic is reachable from them: on every instruction set, however far they are optimized.
pub(crate) fn without_panics() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    for (group, name) in [("brevitas", "mobilenet"), ("brevitas", "unet"), ("brevitas", "resnet")] {
        let module = folder.path().join(format!("{name}.rs"));
        fs::write(&module, Case::fixture(group, name).made()?.compiled.rust_module())?;
        for target in GUARDED_TARGETS {
            toolchain(target)?;
            for profile in GUARDED_PROFILES {
                build("generated", &module, target, profile, &["steps"])
                    .map_err(|error| format!("{name}, {target}, {profile}: {error}"))?;
            }
            // Else the guard would guard nothing.
            match build("generated", &module, target, "least", &["panic-on-purpose"]) {
                Err(BuildError::Refused { messages, .. }) if messages.contains("a_panic_is_reachable") => {}
                _ => return Err(format!("{name}, {target}: a panic links").into()),
            }
        }
    }
    Ok(())
}
