//! Gestures on Nordic's nRF52840 DK, with a LIS3DH on its Arduino header.
#![no_std]
#![no_main]

use cortex_m::peripheral::DWT;
use defmt_rtt as _;
use exactum_application::accelerometer::{LIS3DH, Lis3dh, Rate};
use exactum_application::{clock::Counted, gestures, pin::ActiveLow, sampled};
use nrf52840_hal::gpio::{Level, p0};
use nrf52840_hal::twim::{Frequency, Pins, Twim};
use nrf52840_hal::{Delay, pac};
use panic_probe as _;

/// Of the core.
const HERTZ: u32 = 64_000_000;

#[cortex_m_rt::entry]
fn main() -> ! {
    let (Some(board), Some(mut core)) = (pac::Peripherals::take(), cortex_m::Peripherals::take()) else {
        defmt::panic!("the peripherals are taken once");
    };
    core.DCB.enable_trace();
    core.DWT.enable_cycle_counter();
    let clock = Counted::new(HERTZ, DWT::cycle_count);
    let port = p0::Parts::new(board.P0);
    // LED1. SDA and SCL of the header.
    let lamp = ActiveLow(port.p0_13.into_push_pull_output(Level::High));
    let pins = Pins {
        sda: port.p0_26.into_floating_input().degrade(),
        scl: port.p0_27.into_floating_input().degrade(),
    };
    let bus = Twim::new(board.TWIM0, pins, Frequency::K400);
    let mut delay = Delay::new(core.SYST);

    let mut application = defmt::unwrap!(gestures::application(lamp, clock));
    let Ok(mut sensor) = Lis3dh::new(bus, LIS3DH, Rate::Hz50) else {
        defmt::panic!("no LIS3DH answers: are SDA, SCL and power connected?");
    };
    match sampled::run(&mut sensor, &mut application, &mut delay) {
        Err(_) => defmt::panic!("the sensor stopped"),
        Ok(never) => match never {},
    }
}
