//! An APB UART of Arm's Cortex-M System Design Kit as a serial port of `embedded-io`. Boards of the MPS2 have it.
//!
//! Registers: Cortex-M System Design Kit, Technical Reference Manual, "APB UART".

use core::convert::Infallible;

use embedded_io::{ErrorType, Read, Write};

const TRANSMIT_FULL: u32 = 1 << 0;
const RECEIVE_FULL: u32 = 1 << 1;
const TRANSMIT_AND_RECEIVE: u32 = 0b11;

/// The port whose registers begin at `BASE`: data, state, control, interrupt status and divider, a word each.
#[derive(Debug)]
pub struct ApbUart<const BASE: usize> {
    _private: (),
}

impl<const BASE: usize> ApbUart<BASE> {
    const DATA: *mut u32 = BASE as *mut u32;
    const STATE: *mut u32 = (BASE + 0x4) as *mut u32;
    const CONTROL: *mut u32 = (BASE + 0x8) as *mut u32;
    const DIVIDER: *mut u32 = (BASE + 0x10) as *mut u32;

    /// The port, at a bit in each `divider` ticks of its clock, 16 at least.
    ///
    /// # Safety
    /// An APB UART is at `BASE`, and nobody else uses it.
    pub unsafe fn new(divider: u32) -> Self {
        // SAFETY: by this function's own contract aligned registers, which affect no memory of the program.
        unsafe {
            Self::DIVIDER.write_volatile(divider.max(16));
            Self::CONTROL.write_volatile(TRANSMIT_AND_RECEIVE);
        }
        Self { _private: () }
    }

    /// The port twice: one to read from, the other one to write to.
    pub fn split(self) -> (Self, Self) {
        // They share no register but the state, which both only look at.
        (Self { _private: () }, self)
    }

    fn wait(&self, mask: u32, wanted: u32) {
        // SAFETY: by `new` an aligned register, whose reading changes nothing.
        while unsafe { Self::STATE.read_volatile() } & mask != wanted {}
    }
}

impl<const BASE: usize> ErrorType for ApbUart<BASE> {
    type Error = Infallible;
}

impl<const BASE: usize> Read for ApbUart<BASE> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let Some(first) = buffer.first_mut() else { return Ok(0) };
        self.wait(RECEIVE_FULL, RECEIVE_FULL);
        // SAFETY: by `new` an aligned register; reading takes the byte that came.
        *first = unsafe { Self::DATA.read_volatile() } as u8;
        Ok(1)
    }
}

impl<const BASE: usize> Write for ApbUart<BASE> {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, Infallible> {
        let Some(first) = buffer.first() else { return Ok(0) };
        self.wait(TRANSMIT_FULL, 0);
        // SAFETY: by `new` an aligned register, which sends what is written.
        unsafe { Self::DATA.write_volatile((*first).into()) };
        Ok(1)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        self.wait(TRANSMIT_FULL, 0);
        Ok(())
    }
}
