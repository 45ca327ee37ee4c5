//! Hands the linker the memory of the board, `memory.x`, and the scripts of its runtime.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("Cargo names a folder"));
    fs::copy("memory.x", out.join("memory.x")).expect("memory.x is beside Cargo.toml");
    println!("cargo:rerun-if-changed=memory.x");
    println!("cargo:rustc-link-search={}", out.display());
    for argument in [@ARGUMENTS@] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
}
