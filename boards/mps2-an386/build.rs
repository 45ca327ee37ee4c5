//! Hands the linker the memory of the board, and the binary `digits` its program and images.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn Error>> {
    exactum_board_build::link_cortex_m()?;
    if env::var_os("CARGO_FEATURE_DIGITS").is_some() {
        let program = file_named_by("EXACTUM_PROGRAM")?;
        println!("cargo:rustc-env=EXACTUM_PROGRAM={}", program.display());
        fs::write(exactum_board_build::out()?.join("images.rs"), images(&file_named_by("EXACTUM_IMAGES")?)?)?;
    }
    Ok(())
}

/// The file that environment variable `variable` names.
fn file_named_by(variable: &str) -> Result<PathBuf, Box<dyn Error>> {
    println!("cargo:rerun-if-env-changed={variable}");
    let path =
        env::var(variable).map_err(|_| format!("feature `digits` needs {variable}, the path of a file"))?;
    let path = fs::canonicalize(&path).map_err(|error| format!("{variable}={path}: {error}"))?;
    println!("cargo:rerun-if-changed={}", path.display());
    Ok(path)
}

/// The images of `path` as a Rust expression of type `&[Image]`.
fn images(path: &Path) -> Result<String, Box<dyn Error>> {
    let mut source = "&[\n".to_owned();
    for (line, text) in fs::read_to_string(path)?.lines().enumerate() {
        let wrong = |what: String| format!("{}:{}: {what}", path.display(), line + 1);
        let (pixels, label) = text.rsplit_once(',').ok_or_else(|| wrong("no comma".to_owned()))?;
        let label: usize =
            label.trim().parse().map_err(|error| wrong(format!("label `{label}`: {error}")))?;
        source.push_str("Image { pixels: &[");
        for pixel in pixels.split(',') {
            let value: f32 =
                pixel.trim().parse().map_err(|error| wrong(format!("pixel `{pixel}`: {error}")))?;
            write!(source, "{value:?}, ")?;
        }
        writeln!(source, "], label: {label} }},")?;
    }
    source.push_str("]\n");
    Ok(source)
}
