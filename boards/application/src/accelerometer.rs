//! Accelerometers of three axes on an I2C bus, behind one trait. Each driver writes its settings once, reads them back, and then
//! gives samples as integers.

mod lis3dh;
mod mpu6050;

pub use lis3dh::{LIS3DH, Lis3dh};
pub use mpu6050::{MPU6050, Mpu6050};

/// A sensor of three axes.
pub trait Accelerometer {
    /// What its bus may say.
    type Bus;

    /// A sample of x, y and z when there is a new one; `sample / 2^FRACTION_BITS` is in units of standard gravity.
    ///
    /// # Errors
    /// [`SensorError::Bus`] if the bus fails.
    fn sample(&mut self) -> Result<Option<[i16; 3]>, SensorError<Self::Bus>>;

    /// Samples that have been lost since the last call because nobody took them in time, where the sensor tells: whether there
    /// were any.
    fn overrun(&self) -> bool;
}

/// Bits of a sample behind the point: 8192 is standard gravity, of a LIS3DH 8000, whose digits are 2 thousandths of it.
pub const FRACTION_BITS: u8 = 13;

/// Samples of a second that sensors are set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Rate {
    /// 50 in a second.
    Hz50,
    /// 100 in a second.
    Hz100,
}

impl Rate {
    /// Samples of a second.
    pub const fn hertz(self) -> u16 {
        match self {
            Self::Hz50 => 50,
            Self::Hz100 => 100,
        }
    }
}

/// Why a sensor gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SensorError<E> {
    /// The bus failed: no sensor at this address, or its wires are loose.
    Bus(E),
    /// Another chip answers.
    Identity {
        /// What it says it is.
        found: u8,
        /// What the sensor says.
        needed: u8,
    },
    /// A register does not hold what was written: the sensor is not set up.
    Register {
        /// Its address.
        address: u8,
        /// What it holds.
        found: u8,
        /// What was written.
        needed: u8,
    },
}

/// A sensor's registers, a byte each.
struct Registers<I> {
    bus: I,
    address: u8,
}

impl<I: embedded_hal::i2c::I2c> Registers<I> {
    fn read<const N: usize>(&mut self, first: u8) -> Result<[u8; N], SensorError<I::Error>> {
        let mut bytes = [0; N];
        self.bus.write_read(self.address, &[first], &mut bytes).map_err(SensorError::Bus)?;
        Ok(bytes)
    }

    fn write(&mut self, address: u8, value: u8) -> Result<(), SensorError<I::Error>> {
        self.bus.write(self.address, &[address, value]).map_err(SensorError::Bus)
    }

    /// Writes and reads back.
    fn set(&mut self, address: u8, needed: u8) -> Result<(), SensorError<I::Error>> {
        self.write(address, needed)?;
        let [found] = self.read(address)?;
        if found == needed { Ok(()) } else { Err(SensorError::Register { address, found, needed }) }
    }

    fn identify(&mut self, address: u8, needed: u8) -> Result<(), SensorError<I::Error>> {
        let [found] = self.read(address)?;
        if found == needed { Ok(()) } else { Err(SensorError::Identity { found, needed }) }
    }
}
