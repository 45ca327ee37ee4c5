//! Links only if no panic is reachable from `Engine::run`: the panic handler calls a function that nobody
//! defines.
//!
//! Belongs to no board and is never run. The tests of `boards/runner` link it, and once more with feature
//! `panic-on-purpose`, which must fail: else the guard would guard nothing. It stands alone because other
//! crates of firmware may panic where they like.
#![no_std]
#![no_main]

use core::{hint::black_box, panic::PanicInfo, ptr};

use exactum_runtime::Engine;

unsafe extern "C" {
    /// Defined nowhere.
    fn a_panic_is_reachable_from_engine_run() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: no image that contains this call links.
    unsafe { a_panic_is_reachable_from_engine_run() }
}

/// What the linker starts from when it looks for reachable code.
///
/// # Safety
/// For the linker only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _start() -> ! {
    loop {
        // Behind the black box the compiler cannot know which program the engine runs, so every kernel stays.
        let engine: *mut Engine<'_, '_> = black_box(ptr::null_mut());
        // SAFETY: null gives `None`.
        if let Some(engine) = unsafe { engine.as_mut() } {
            engine.run();
            #[cfg(feature = "panic-on-purpose")]
            assert!(engine.output(0).is_some());
        }
    }
}
