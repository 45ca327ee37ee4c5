//! Bytes of code of the least firmware that holds a model, as a module of its own and as an image with loader and engine.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use exactum_runner::{BuildError, GUARDED_PROFILES, GUARDED_TARGETS, Image, Recipe, toolchain};
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
        let (image, bytes) = (folder.path().join(format!("{name}.image.rs")), folder.path().join(name));
        fs::write(&bytes, &compiled.image)?;
        let arena_bytes = compiled.memory.arena_bytes;
        let length = compiled.image.len();
        let program = format!(
            "pub const ARENA_BYTES: usize = {arena_bytes};\n\
             pub static PROGRAM: exactum_runtime::program::Aligned<[u8; {length}]> =\n    \
             exactum_runtime::program::Aligned(*include_bytes!({bytes:?}));\n"
        );
        fs::write(&image, program)?;
        let [generated, image] = [sizes("generated", &generated)?, sizes("image", &image)?];
        writeln!(
            text,
            "{name:<26}{:>16}{:>12}{:>16}{:>12}",
            generated.code, generated.constants, image.code, image.constants
        )?;
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
    Recipe { package: "code-size", binary: form, target, profile, features, environment }.build()
}

fn sizes(form: &str, module: &Path) -> Result<elf::Sizes, Failed> {
    let image = build(form, module, "thumbv7em-none-eabihf", "size", &[])?;
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
