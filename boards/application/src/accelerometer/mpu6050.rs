//! InvenSense's MPU-6050: its accelerometer, 16 bits. Registers: RM-MPU-6000A-00, "Register Map and Descriptions".

use embedded_hal::i2c::I2c;

use super::{Accelerometer, Rate, Registers, SensorError};

/// The address of an MPU-6050 with its pin AD0 low; one more with it high.
pub const MPU6050: u8 = 0x68;

const SMPLRT_DIV: u8 = 0x19;
const CONFIG: u8 = 0x1a;
const ACCEL_CONFIG: u8 = 0x1c;
/// Interrupt status, and behind it the six bytes of a sample.
const INT_STATUS: u8 = 0x3a;
const PWR_MGMT_1: u8 = 0x6b;
const WHO_AM_I: u8 = 0x75;
const IDENTITY: u8 = 0x68;

/// A low-pass filter of 44 Hz, with which the sensor runs at 1 kHz before it divides.
const FILTER_44HZ: u8 = 3;
const RANGE_4G: u8 = 1 << 3;
/// Awake, with the clock of the gyroscope, which is steadier than its own.
const AWAKE: u8 = 1;
/// Of the status: a new sample.
const NEW: u8 = 1;

/// The sensor, set to 4 g.
#[allow(missing_debug_implementations, reason = "buses have none")]
pub struct Mpu6050<I> {
    registers: Registers<I>,
}

impl<I: I2c> Mpu6050<I> {
    /// The sensor at `address` of `bus`, measuring at `rate`.
    ///
    /// # Errors
    /// [`SensorError`] if the bus fails, another chip answers, or the settings do not stay.
    pub fn new(bus: I, address: u8, rate: Rate) -> Result<Self, SensorError<I::Error>> {
        let mut registers = Registers { bus, address };
        registers.identify(WHO_AM_I, IDENTITY)?;
        registers.set(PWR_MGMT_1, AWAKE)?;
        registers.set(CONFIG, FILTER_44HZ)?;
        let divider = match rate {
            Rate::Hz50 => 19,
            Rate::Hz100 => 9,
        };
        registers.set(SMPLRT_DIV, divider)?;
        registers.set(ACCEL_CONFIG, RANGE_4G)?;
        Ok(Self { registers })
    }

    /// The bus again.
    pub fn release(self) -> I {
        self.registers.bus
    }
}

impl<I: I2c> Accelerometer for Mpu6050<I> {
    type Bus = I::Error;

    fn sample(&mut self) -> Result<Option<[i16; 3]>, SensorError<I::Error>> {
        let [status, x1, x0, y1, y0, z1, z0] = self.registers.read(INT_STATUS)?;
        if status & NEW == 0 {
            return Ok(None);
        }
        Ok(Some([[x1, x0], [y1, y0], [z1, z0]].map(i16::from_be_bytes)))
    }

    /// The sensor does not tell.
    fn overrun(&self) -> bool {
        false
    }
}
