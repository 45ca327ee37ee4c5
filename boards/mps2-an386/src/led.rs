//! The first user light of the board as an `embedded-hal` output pin.
//!
//! Register: Application Note AN386, "FPGA system control and I/O", `LED0`.

use core::convert::Infallible;

use embedded_hal::digital::{ErrorType, OutputPin};

/// Bit 0 drives the first light, bit 1 the second.
const FPGAIO_LED: *mut u32 = 0x4002_8000 as *mut u32;

/// The first user light.
#[derive(Debug, Default)]
pub struct Led;

impl Led {
    fn set(&mut self, on: bool) -> Result<(), Infallible> {
        // SAFETY: an aligned register that exists on every AN386; it drives lights and no memory of the
        // program. Interrupts write no lights, so reading and writing it back loses nothing.
        unsafe { FPGAIO_LED.write_volatile(FPGAIO_LED.read_volatile() & !1 | u32::from(on)) }
        Ok(())
    }
}

impl ErrorType for Led {
    type Error = Infallible;
}

impl OutputPin for Led {
    fn set_low(&mut self) -> Result<(), Self::Error> {
        self.set(false)
    }

    fn set_high(&mut self) -> Result<(), Self::Error> {
        self.set(true)
    }
}
