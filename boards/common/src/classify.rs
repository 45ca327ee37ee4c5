//! The demonstration application: classifies images, logs each answer, and lights a lamp while all are right.
//!
//! It reaches the board through `embedded-hal` and [`Counter`] alone, so every board runs the same code. This
//! is also the shape of a real one: quantize what a sensor gave, run, take the class.

use embedded_hal::digital::OutputPin;
use exactum_runtime::{Engine, Program};

use crate::{counter::Counter, failure::Failure};

/// An image and what it shows.
#[derive(Clone, Copy, Debug)]
pub struct Image {
    /// Real values in the order of the model's input.
    pub pixels: &'static [f32],
    /// The right class.
    pub label: usize,
}

/// Classifies `images` with `program` and logs each answer with its ticks, then how many were right.
///
/// # Errors
/// [`Failure::Load`], [`Failure::Capacity`] for an arena that is too small, [`Failure::Application`] if the
/// program takes no images of this size or the lamp fails; the log has the reason.
pub fn classify(
    image_file: &[u8],
    arena: &mut [u8],
    images: &[Image],
    counter: &mut impl Counter,
    lamp: &mut impl OutputPin,
) -> Result<(), Failure> {
    let program = Program::load(image_file).map_err(|error| {
        defmt::error!("{}", error);
        Failure::Load
    })?;
    let mut engine = Engine::new(&program, arena).map_err(|error| {
        defmt::error!("{}", error);
        Failure::Capacity
    })?;
    let mut right = 0;
    for (index, image) in images.iter().enumerate() {
        engine.quantize_input(0, image.pixels).map_err(|error| {
            defmt::error!("image {}: {}", index, error);
            Failure::Application
        })?;
        counter.restart();
        engine.run();
        let ticks = counter.ticks();
        // By the numbers that the codes stand for: channels may have different scales.
        let class = engine.argmax(0).ok_or(Failure::Application)?;
        right += usize::from(class == image.label);
        defmt::info!("image {}: class {}, label {}, {} ticks", index, class, image.label, ticks);
    }
    defmt::info!("{} of {} right", right, images.len());
    let lit = if right == images.len() { lamp.set_high() } else { lamp.set_low() };
    lit.map_err(|_| Failure::Application)
}
