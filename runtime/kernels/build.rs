//! Tells the code which instruction sets the target has: the compiler does not say it of Arm's DSP extension.

#![allow(clippy::print_stdout, reason = "build scripts speak to cargo")]

/// Cores of Armv8-M that have the extension.
const CORES: [&str; 5] = ["cortex-m33", "cortex-m35p", "cortex-m52", "cortex-m55", "cortex-m85"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(isa, values(\"cortex_m0\", \"cortex_m_dsp\"))");
    println!("cargo::rustc-check-cfg=cfg(isa_architecture, values(\"armv8m\"))");
    println!("cargo::rerun-if-env-changed=CARGO_ENCODED_RUSTFLAGS");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let (target, flags) = (variable("TARGET"), variable("CARGO_ENCODED_RUSTFLAGS"));
    // Every processor of the first architecture has the extension; of the other one those that are named.
    let named = || CORES.iter().any(|core| flags.contains(&format!("target-cpu={core}")));
    let armv8m = target.starts_with("thumbv8m.main-") && named();
    if target.starts_with("thumbv7em-") || armv8m {
        println!("cargo::rustc-cfg=isa=\"cortex_m_dsp\"");
    }
    // Also what Armv8-M has at least.
    if target.starts_with("thumbv6m-") || target.starts_with("thumbv8m.base-") {
        println!("cargo::rustc-cfg=isa=\"cortex_m0\"");
    }
    if armv8m {
        println!("cargo::rustc-cfg=isa_architecture=\"armv8m\"");
    }
}
