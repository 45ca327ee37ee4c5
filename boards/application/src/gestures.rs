//! Gestures by an accelerometer of three axes: the model that boards have, and the settings it was trained for.
//!
//! The example `gestures` of training makes both. With another module of the same shape in EXACTUM_GESTURES, its path, firmware
//! has that one.

use embedded_hal::digital::OutputPin;

use crate::I16F16;
use crate::accelerometer::FRACTION_BITS;
use crate::application::{Application, Settings, SettingsError};
use crate::clock::Clock;
use crate::decide::Rule;
use crate::window::Order;

#[rustfmt::skip]
#[allow(missing_docs, clippy::all, unreachable_pub, reason = "generated code")]
mod model {
    include!(env!("EXACTUM_GESTURES"));
}

/// Samples of a run: of all axes, in the frames that a step of the model takes.
pub const SAMPLES: usize = model::INPUT_ELEMS;

crate::generated_model!(Gestures, model);

/// The application with this model.
pub type GestureApplication<P, C> = Application<Gestures, P, C, SAMPLES>;

/// The gestures, in the order of their classes.
pub const CLASSES: [&str; 5] = ["rest", "shake", "circle", "swing", "tap"];

/// Eight frames of three axes, 50 in a second; the pin is high while somebody draws circles. A window is eight steps.
pub const SETTINGS: Settings = Settings {
    channels: 3,
    frames: SAMPLES / 3,
    hop: SAMPLES / 3,
    order: Order::ChannelsLast,
    fraction_bits: FRACTION_BITS,
    rate_hz: 50,
    warm_up: 7,
    rule: Rule { lead: I16F16::ONE, runs: 2 },
    target: 2,
};

/// The application, with `pin` and a `clock` of the board.
///
/// # Errors
/// [`SettingsError`] if another module has another shape.
pub fn application<P: OutputPin, C: Clock>(
    pin: P,
    clock: C,
) -> Result<GestureApplication<P, C>, SettingsError> {
    Application::new(SETTINGS, Gestures::new(), pin, clock)
}
