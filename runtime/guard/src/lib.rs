//! Stands guard over `no_std` and no alloc without any embedded target.
//!
//! A final artifact has one panic handler, and std brings its own; it has an allocator if alloc is linked.
//! This one has a handler and no allocator, so it stops building once the runtime links either. `.ci/no-std`
//! builds it, and proves with the two features that it would fail.
#![no_std]

#[cfg(feature = "alloc-on-purpose")]
extern crate alloc;
#[cfg(feature = "std-on-purpose")]
extern crate std;

use core::panic::PanicInfo;

use exactum_runtime::{Engine, Program};

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// The whole path of an application: loads `image`, runs it once in `arena`; whether that was possible.
///
/// The parameters are references, so nothing here is unsafe; nobody calls it.
#[unsafe(no_mangle)]
pub extern "C" fn exactum_guard(image: &&[u8], arena: &mut &mut [u8]) -> bool {
    let Ok(program) = Program::load(image) else { return false };
    let Ok(mut engine) = Engine::new(&program, arena) else { return false };
    engine.run();
    let mut probabilities = [0.0; 2];
    exactum_display::softmax(engine.output_real(0, 0), &mut probabilities);
    engine.output(0).is_some()
}
