//! Bytes of code of the least firmware that holds a model, as a module of its own and as an image with loader and engine.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use exactum_tests::case::Case;
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

/// Bytes of a firmware.
struct Sizes {
    code: u64,
    constants: u64,
}

/// Builds the binary `form` of `boards/code-size` with the module at `module`.
fn sizes(form: &str, module: &Path) -> Result<Sizes, Failed> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/firmware-cargo");
    let output = Command::new(script)
        .args(["build", "--profile", "size", "--package", "code-size", "--message-format", "json"])
        .args(["--bin", form, "--features", form])
        .env("EXACTUM_MODULE", module)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let messages = String::from_utf8(output.stdout)?;
    let executable = |line: &str| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(PathBuf::from(message["executable"].as_str()?))
    };
    let path = messages.lines().find_map(executable).ok_or("the build made no executable")?;
    of_elf(&fs::read(path)?).ok_or_else(|| "no 32-bit ELF file".into())
}

/// The sizes of the sections of an ELF file that are loaded to flash.
fn of_elf(elf: &[u8]) -> Option<Sizes> {
    const ALLOCATED: u32 = 2;
    const WRITABLE: u32 = 1;
    const EXECUTABLE: u32 = 4;
    const BITS: u32 = 1;
    let word = |at: usize| elf.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let half = |at: usize| elf.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes);
    let (first, size, count) = (word(32)? as usize, usize::from(half(46)?), usize::from(half(48)?));
    let mut sizes = Sizes { code: 0, constants: 0 };
    for section in (0..count).map(|index| first + index * size) {
        let (kind, flags, bytes) = (word(section + 4)?, word(section + 8)?, u64::from(word(section + 20)?));
        if kind != BITS || flags & ALLOCATED == 0 || flags & WRITABLE != 0 {
            continue;
        }
        if flags & EXECUTABLE != 0 {
            sizes.code += bytes;
        } else {
            sizes.constants += bytes;
        }
    }
    Some(sizes)
}
