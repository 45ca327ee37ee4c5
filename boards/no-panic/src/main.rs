//! Links only if no panic is reachable from the runtime, whatever an application calls of it: the panic handler calls a
//! function that nobody defines.
//!
//! Belongs to no board and is never run. The tests of `boards/runner` link it for every kind of core and every way to optimize, and once
//! more with feature `panic-on-purpose`, which must fail: else the guard would guard nothing. It stands alone because other
//! crates of firmware may panic where they like.
#![no_std]
#![no_main]

use core::{hint::black_box, panic::PanicInfo, ptr};

use exactum_runtime::program::Limits;
use exactum_runtime::{Answer, Codes, CodesMut, Engine, InputPlace, Program};

unsafe extern "C" {
    /// Defined nowhere.
    fn a_panic_is_reachable_from_the_runtime() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: no image that contains this call links.
    unsafe { a_panic_is_reachable_from_the_runtime() }
}

/// What the linker starts from when it looks for reachable code.
///
/// # Safety
/// For the linker only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _start() -> ! {
    loop {
        // Behind the black box the compiler cannot know what anything holds, so everything that is called stays.
        let given: *mut Given<'_, '_> = black_box(ptr::null_mut());
        // SAFETY: null gives `None`.
        if let Some(given) = unsafe { given.as_mut() } {
            black_box(application(given));
        }
    }
}

/// What an application has.
struct Given<'g, 'c> {
    slot: &'g [u8],
    limits: Limits,
    arenas: [&'g mut [u8]; 2],
    floats: &'g [f32],
    bytes: &'g [u8],
    samples: &'g [i16],
    codes: &'g [i32],
    numbers: [usize; 4],
    inputs: &'g [Codes<'c>],
    outputs: &'g mut [CodesMut<'c>],
    best: &'g mut [usize],
}

/// Everything that an application can call of the runtime.
fn application(given: &mut Given<'_, '_>) -> Option<usize> {
    let Given {
        slot,
        limits,
        arenas: [arena, outside],
        floats,
        bytes,
        samples,
        codes,
        numbers,
        inputs,
        outputs,
        best,
    } = given;
    let [index, element, work, extra] = *numbers;
    let image = Program::image_in(slot).ok()?;
    let trusted = Program::trust(image).ok()?;
    black_box(Program::load(image).map_err(|error| error.code())).ok()?;
    let program = Program::load_within(image, limits).map_err(|error| error.code()).ok()?;

    let mut engine = Engine::new(&program, arena).map_err(|error| error.code()).ok()?;
    engine.quantize_input(index, floats).map_err(|error| error.code()).ok()?;
    engine.quantize_bytes(index, bytes, extra as u16).ok()?;
    engine.quantize_samples(index, samples, extra as u8).ok()?;
    engine.set_input(index, codes.iter().copied()).ok()?;
    engine.input_mut(index)?.fill(extra as i32);
    engine.run();
    let mut steps = engine.steps().within(work as u32);
    black_box(steps.next());
    drop(steps);
    engine.reset();
    engine.feed_back(index, element).ok()?;
    #[cfg(feature = "panic-on-purpose")]
    assert!(engine.output(index).is_some());
    black_box(engine.output(index)?.iter().map(i64::from).sum::<i64>());
    let real = engine.output_real(index, element)?;
    black_box((real.to_f32(), real.fixed_bits(extra as u32)));
    black_box((engine.largest(index, best), engine.argmax(index)));

    let mut engine = Engine::outside(&trusted, outside).ok()?;
    engine.run_on(inputs, outputs).map_err(|error| error.code()).ok()?;
    engine.steps_on(inputs, outputs).ok()?.within(work as u32).for_each(drop);
    let output = outputs.first()?.as_codes();
    let answer = Answer::new(&trusted, index, output);
    black_box((answer.real(element), answer.largest(best)));
    let mut places = [0u8; 16];
    InputPlace::new(&trusted, index, CodesMut::U8(&mut places)).ok()?.floats(floats).ok()?;
    black_box(places);
    answer.argmax()
}
