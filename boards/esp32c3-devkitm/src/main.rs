//! Gestures on Espressif's ESP32-C3-DevKitM-1, with a LIS3DH on its pins 6 and 7 and a lamp on pin 10.
#![no_std]
#![no_main]

use esp_backtrace as _;
use esp_hal::delay::Delay;
use esp_hal::gpio::{Level, Output, OutputConfig};
use esp_hal::i2c::master::{Config, I2c};
use esp_hal::time::{Instant, Rate as Frequency};
use esp_println as _;
use exactum_application::accelerometer::{LIS3DH, Lis3dh, Rate};
use exactum_application::{clock::Counted, gestures, sampled};

esp_bootloader_esp_idf::esp_app_desc!();

/// Ticks of the system timer in a second, as the HAL counts them.
const HERTZ: u32 = 1_000_000;

#[esp_hal::main]
fn main() -> ! {
    let board = esp_hal::init(esp_hal::Config::default());
    let clock = Counted::new(HERTZ, || Instant::now().duration_since_epoch().as_micros() as u32);
    let lamp = Output::new(board.GPIO10, Level::Low, OutputConfig::default());
    let bus = I2c::new(board.I2C0, Config::default().with_frequency(Frequency::from_khz(400)));
    let Ok(bus) = bus else { defmt::panic!("the bus has no such frequency") };
    let bus = bus.with_sda(board.GPIO6).with_scl(board.GPIO7);

    let mut application = defmt::unwrap!(gestures::application(lamp, clock));
    let Ok(mut sensor) = Lis3dh::new(bus, LIS3DH, Rate::Hz50) else {
        defmt::panic!("no LIS3DH answers: are SDA, SCL and power connected?");
    };
    match sampled::run(&mut sensor, &mut application, &mut Delay::new()) {
        Err(_) => defmt::panic!("the sensor stopped"),
        Ok(never) => match never {},
    }
}
