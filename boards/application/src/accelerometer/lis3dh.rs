//! ST's LIS3DH: 12 bits, left-justified in 16. Registers: datasheet DocID17530, "Register description".

use embedded_hal::i2c::I2c;

use super::{Accelerometer, Rate, Registers, SensorError};

/// The address of a LIS3DH with its pin SA0 low; one more with it high.
pub const LIS3DH: u8 = 0x18;

const WHO_AM_I: u8 = 0x0f;
const IDENTITY: u8 = 0x33;
const CTRL_REG1: u8 = 0x20;
const CTRL_REG4: u8 = 0x23;
/// Status, and behind it the six bytes of a sample.
const STATUS_REG: u8 = 0x27;
/// Of an address: registers are read one after the other.
const INCREMENT: u8 = 0x80;

/// All three axes, in normal power.
const AXES: u8 = 0b0111;
/// A sample changes as a whole; 4 g; high resolution.
const BLOCK_4G_HIGH: u8 = 0b1001_1000;
/// Of the status: a new sample of all axes; one was overwritten.
const NEW: u8 = 1 << 3;
const OVERRUN: u8 = 1 << 7;

/// The sensor, set to 4 g.
#[allow(missing_debug_implementations, reason = "buses have none")]
pub struct Lis3dh<I> {
    registers: Registers<I>,
    overrun: bool,
}

impl<I: I2c> Lis3dh<I> {
    /// The sensor at `address` of `bus`, measuring at `rate`.
    ///
    /// # Errors
    /// [`SensorError`] if the bus fails, another chip answers, or the settings do not stay.
    pub fn new(bus: I, address: u8, rate: Rate) -> Result<Self, SensorError<I::Error>> {
        let mut registers = Registers { bus, address };
        registers.identify(WHO_AM_I, IDENTITY)?;
        let rate = match rate {
            Rate::Hz50 => 0b0100,
            Rate::Hz100 => 0b0101,
        };
        registers.set(CTRL_REG4, BLOCK_4G_HIGH)?;
        registers.set(CTRL_REG1, rate << 4 | AXES)?;
        Ok(Self { registers, overrun: false })
    }

    /// The bus again.
    pub fn release(self) -> I {
        self.registers.bus
    }
}

impl<I: I2c> Accelerometer for Lis3dh<I> {
    type Bus = I::Error;

    fn sample(&mut self) -> Result<Option<[i16; 3]>, SensorError<I::Error>> {
        let [status, x0, x1, y0, y1, z0, z1] = self.registers.read(STATUS_REG | INCREMENT)?;
        self.overrun = status & OVERRUN != 0;
        if status & NEW == 0 {
            return Ok(None);
        }
        Ok(Some([[x0, x1], [y0, y1], [z0, z1]].map(i16::from_le_bytes)))
    }

    fn overrun(&self) -> bool {
        self.overrun
    }
}
