//! Names the module of the model of gestures: the committed one, or another.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=EXACTUM_GESTURES");
    let committed = PathBuf::from("src/gestures/model.in");
    let module = std::env::var_os("EXACTUM_GESTURES").map_or(committed, PathBuf::from);
    let module = module.canonicalize().map_err(|error| format!("{}: {error}", module.display()))?;
    println!("cargo:rerun-if-changed={}", module.display());
    println!("cargo:rustc-env=EXACTUM_GESTURES={}", module.display());
    Ok(())
}
