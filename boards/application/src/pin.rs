//! Lamps that light when their pin is low, as most of those on boards do. Boards wrap their pins in it.

use embedded_hal::digital::{ErrorType, OutputPin};

/// A pin whose levels change places.
#[derive(Debug)]
pub struct ActiveLow<P>(pub P);

impl<P: OutputPin> ErrorType for ActiveLow<P> {
    type Error = P::Error;
}

impl<P: OutputPin> OutputPin for ActiveLow<P> {
    fn set_low(&mut self) -> Result<(), Self::Error> {
        self.0.set_high()
    }

    fn set_high(&mut self) -> Result<(), Self::Error> {
        self.0.set_low()
    }
}
