//! What the build scripts of boards do alike: hand the linker the memory of the board, and the scripts of its runtime.
//!
//! Linker scripts are named here and not in `.cargo/config.toml`, so that a `RUSTFLAGS` of the surroundings
//! cannot drop them.

use std::{env, fs, io, path::PathBuf};

/// The folder of what the build script writes.
///
/// # Errors
/// If Cargo does not name one.
pub fn out() -> io::Result<PathBuf> {
    env::var("OUT_DIR").map(PathBuf::from).map_err(io::Error::other)
}

/// Links the binaries with `memory.x` of the board and `arguments`.
///
/// # Errors
/// If there is no `memory.x`.
pub fn link(arguments: &[&str]) -> io::Result<()> {
    let out = out()?;
    fs::copy("memory.x", out.join("memory.x"))?;
    println!("cargo:rerun-if-changed=memory.x");
    println!("cargo:rustc-link-search={}", out.display());
    for argument in arguments {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
    Ok(())
}

/// The same for a Cortex-M, whose runtime is `cortex-m-rt`.
///
/// # Errors
/// If there is no `memory.x`.
pub fn link_cortex_m() -> io::Result<()> {
    link(&["--nmagic", "-Tlink.x", "-Tdefmt.x"])
}
