//! Runs the model on the sample of `sample.rs`, prints its outputs, and says whether they are those of the host.
//!
//! `cargo run --release` starts it. It prints through the debugger or the emulator (semihosting); an application puts its own
//! inputs into the model in place of the sample, and its own log in place of `println!`.
#![no_std]
#![no_main]

mod model;
mod sample;

use core::panic::PanicInfo;

@LINKED@
use @RUNTIME@::entry;
use semihosting::{println, process::exit};

#[entry]
fn main() -> ! {
    // `new` is const: the model can be in a static as well.
    let mut model = model::Model::new();
    if sample::run(&mut model) {
        println!("the outputs are those of the host");
        exit(0)
    }
    println!("the outputs are not those of the host");
    exit(1)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    println!("{}", info);
    exit(101)
}
