//! A model as an image, of `exactum build --emit rust-image`, with the loader and the engine.
#![no_std]
#![no_main]

use core::{hint::black_box, panic::PanicInfo};

use exactum_runtime::{Arena, Engine, Program};

#[rustfmt::skip]
#[allow(dead_code, missing_docs, unreachable_pub)]
mod model {
    include!(env!("EXACTUM_MODULE"));
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// What the linker starts from when it looks for reachable code.
///
/// # Safety
/// For the linker only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _start() -> ! {
    let mut arena = Arena::<{ model::ARENA_BYTES }>::new();
    loop {
        let Ok(program) = Program::load(black_box(&*model::PROGRAM)) else { continue };
        let Ok(mut engine) = Engine::new(&program, arena.as_mut_slice()) else { continue };
        engine.run();
        black_box(&engine);
    }
}
