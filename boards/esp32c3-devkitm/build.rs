//! Hands the linker the script of the HAL, which knows the memory of the chip, and that of the log.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-link-arg-bins=-Tdefmt.x");
    // Last: it reads the others.
    println!("cargo:rustc-link-arg-bins=-Tlinkall.x");
}
