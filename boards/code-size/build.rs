//! Passes the path of the model's module on to the binaries.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=EXACTUM_MODULE");
    if let Ok(module) = std::env::var("EXACTUM_MODULE") {
        println!("cargo:rustc-env=EXACTUM_MODULE={module}");
        println!("cargo:rerun-if-changed={module}");
    }
}
