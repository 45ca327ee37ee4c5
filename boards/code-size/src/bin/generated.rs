//! A model as a module of its own, of `exactum build --emit rust`. Links only if no panic is reachable from it: the panic
//! handler calls a function that nobody defines.
#![no_std]
#![no_main]

use core::{hint::black_box, panic::PanicInfo};

#[rustfmt::skip]
#[deny(warnings, unsafe_code)]
#[allow(missing_docs, unreachable_pub)]
mod model {
    include!(env!("EXACTUM_MODULE"));
}

unsafe extern "C" {
    /// Defined nowhere.
    fn a_panic_is_reachable_from_a_generated_model() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: no image that contains this call links.
    unsafe { a_panic_is_reachable_from_a_generated_model() }
}

/// What the linker starts from when it looks for reachable code.
///
/// # Safety
/// For the linker only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _start() -> ! {
    let mut model = model::Model::new();
    loop {
        // Behind the black box the compiler cannot know what the inputs hold, nor that nobody reads the outputs.
        black_box(&mut model).infer();
        #[cfg(feature = "steps")]
        black_box(&mut model).steps().for_each(drop);
        #[cfg(feature = "panic-on-purpose")]
        assert!(black_box(false));
    }
}
