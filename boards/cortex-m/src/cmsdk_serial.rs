//! The UART of Arm's Cortex-M System Design Kit as the port of [`serve`](exactum_board_common::serve). Boards of the MPS2 have it.
//!
//! Registers: Cortex-M System Design Kit, Technical Reference Manual, "APB UART".

use exactum_board_common::serve::Serial;

const TRANSMIT_FULL: u32 = 1 << 0;
const RECEIVED: u32 = 1 << 1;
const TRANSMIT_AND_RECEIVE: u32 = 0b11;
/// The least divider that the UART takes.
const LEAST_DIVIDER: u32 = 16;

/// The port whose registers begin at `BASE`.
#[derive(Debug)]
pub struct CmsdkSerial<const BASE: usize> {
    _private: (),
}

impl<const BASE: usize> CmsdkSerial<BASE> {
    const DATA: *mut u32 = BASE as *mut u32;
    const STATE: *mut u32 = (BASE + 0x4) as *mut u32;
    const CONTROL: *mut u32 = (BASE + 0x8) as *mut u32;
    const DIVIDER: *mut u32 = (BASE + 0x10) as *mut u32;

    /// The port, a bit in each `divider` ticks of its clock.
    ///
    /// # Safety
    /// The UART is at `BASE`, and nobody else uses it.
    pub unsafe fn new(divider: u32) -> Self {
        // SAFETY: by this function's own contract aligned registers, which affect no memory of the program.
        unsafe {
            Self::DIVIDER.write_volatile(divider.max(LEAST_DIVIDER));
            Self::CONTROL.write_volatile(TRANSMIT_AND_RECEIVE);
        }
        Self { _private: () }
    }

    fn state(&self) -> u32 {
        // SAFETY: by `new` an aligned register, whose reading changes nothing.
        unsafe { Self::STATE.read_volatile() }
    }
}

impl<const BASE: usize> Serial for CmsdkSerial<BASE> {
    fn read(&mut self) -> u8 {
        while self.state() & RECEIVED == 0 {}
        // SAFETY: by `new` an aligned register; reading takes the byte that came.
        unsafe { Self::DATA.read_volatile() as u8 }
    }

    fn write(&mut self, byte: u8) {
        while self.state() & TRANSMIT_FULL != 0 {}
        // SAFETY: by `new` an aligned register, which sends what is written.
        unsafe { Self::DATA.write_volatile(byte.into()) }
    }
}
