//! Links only if no panic is reachable from what a firmware calls of the runtime: the panic handler calls a function that
//! nobody defines.
//!
//! Belongs to no board and is never run. The tests of `boards/runner` link it, for every instruction set and at every level of
//! optimization, and once more with feature `panic-on-purpose`, which must fail: else the guard would guard nothing. It stands
//! alone because other crates of firmware may panic where they like.
#![no_std]
#![no_main]

use core::{hint::black_box, panic::PanicInfo, ptr};

use exactum_runtime::num::Real;
use exactum_runtime::{Engine, Program};

unsafe extern "C" {
    /// Defined nowhere.
    fn a_panic_is_reachable_from_the_runtime() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: no image that contains this call links.
    unsafe { a_panic_is_reachable_from_the_runtime() }
}

/// Everything, with arguments that the compiler cannot know: bytes of an image, and memory. Behind black boxes every kernel stays.
fn application(image: &[u8], arena: &mut [u8], floats: &[f32], index: usize) -> Option<Real> {
    let program = Program::load(image).ok().or_else(|| Program::trust(image).ok())?;
    let program = Program::image_in(image).map_or(Ok(program), Program::load).ok()?;
    let mut engine = Engine::new(&program, arena).ok()?;
    engine.set_input(index, image.iter().map(|byte| i32::from(*byte))).ok()?;
    engine.quantize_input(index, floats).ok()?;
    engine.quantize_bytes(index, image, 255).ok()?;
    engine.quantize_samples(index, &[index as i16], 15).ok()?;
    if let Some(input) = engine.input_mut(index) {
        black_box(input);
    }
    engine.run();
    for step in engine.steps() {
        black_box(step);
    }
    engine.feed_back(index, index).ok()?;
    engine.reset();
    black_box(engine.output(index));
    black_box(engine.argmax(index));
    let mut best = [0; 3];
    black_box(engine.largest(index, &mut best));
    let real = engine.output_real(index, index)?;
    black_box((real.to_f32(), real.fixed_bits(16)));
    #[cfg(feature = "panic-on-purpose")]
    assert!(engine.output(0).is_some());
    Some(real)
}

/// What the linker starts from when it looks for reachable code.
///
/// # Safety
/// For the linker only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _start() -> ! {
    loop {
        let memory: *mut (&[u8], &mut [u8], &[f32], usize) = black_box(ptr::null_mut());
        // SAFETY: null gives `None`.
        if let Some((image, arena, floats, index)) = unsafe { memory.as_mut() } {
            black_box(application(image, arena, floats, *index));
        }
    }
}
