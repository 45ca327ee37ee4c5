//! Tells the code which instruction sets the target has: the compiler does not say it of Arm's DSP extension.

#![allow(clippy::print_stdout, reason = "build scripts speak to cargo")]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(isa, values(\"cortex_m_dsp\"))");
    let target = std::env::var("TARGET").unwrap_or_default();
    // Every processor of this architecture has the extension.
    if target.starts_with("thumbv7em-") {
        println!("cargo::rustc-cfg=isa=\"cortex_m_dsp\"");
    }
}
