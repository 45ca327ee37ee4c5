//! Gestures on ST's Nucleo-F446RE, with a LIS3DH on its Arduino header.
#![no_std]
#![no_main]

use cortex_m::peripheral::DWT;
use defmt_rtt as _;
use exactum_application::accelerometer::{LIS3DH, Lis3dh, Rate};
use exactum_application::{clock::Counted, gestures, sampled};
use panic_probe as _;
use stm32f4xx_hal::i2c::I2c;
use stm32f4xx_hal::rcc::Config;
use stm32f4xx_hal::{pac, prelude::*};

/// Of the core, from the internal oscillator.
const HERTZ: u32 = 84_000_000;

#[cortex_m_rt::entry]
fn main() -> ! {
    let (Some(board), Some(mut core)) = (pac::Peripherals::take(), cortex_m::Peripherals::take()) else {
        defmt::panic!("the peripherals are taken once");
    };
    core.DCB.enable_trace();
    core.DWT.enable_cycle_counter();
    let clock = Counted::new(HERTZ, DWT::cycle_count);
    let mut rcc = board.RCC.freeze(Config::hsi().sysclk(HERTZ.Hz()));
    let (port_a, port_b) = (board.GPIOA.split(&mut rcc), board.GPIOB.split(&mut rcc));
    // LD2. SCL and SDA of the header.
    let lamp = port_a.pa5.into_push_pull_output();
    let bus = I2c::new(board.I2C1, (port_b.pb8, port_b.pb9), 400.kHz(), &mut rcc);
    let mut delay = board.TIM5.delay_us(&mut rcc);

    let mut application = defmt::unwrap!(gestures::application(lamp, clock));
    let Ok(mut sensor) = Lis3dh::new(bus, LIS3DH, Rate::Hz50) else {
        defmt::panic!("no LIS3DH answers: are SDA, SCL and power connected?");
    };
    match sampled::run(&mut sensor, &mut application, &mut delay) {
        Err(_) => defmt::panic!("the sensor stopped"),
        Ok(never) => match never {},
    }
}
