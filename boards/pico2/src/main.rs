//! Gestures on the Raspberry Pi Pico 2, with a LIS3DH on its pins GP4 and GP5.
#![no_std]
#![no_main]

use defmt_rtt as _;
use exactum_application::accelerometer::{LIS3DH, Lis3dh, Rate};
use exactum_application::{clock::Counted, gestures, sampled};
use panic_probe as _;
use rp235x_hal::clocks::init_clocks_and_plls;
use rp235x_hal::fugit::RateExtU32 as _;
use rp235x_hal::gpio::Pins;
use rp235x_hal::{Clock as _, I2C, Sio, Timer, Watchdog, pac};

/// What the boot ROM looks for.
#[unsafe(link_section = ".start_block")]
#[used]
static IMAGE: rp235x_hal::block::ImageDef = rp235x_hal::block::ImageDef::secure_exe();

/// Of the crystal.
const CRYSTAL_HERTZ: u32 = 12_000_000;
/// Of the timer.
const TIMER_HERTZ: u32 = 1_000_000;

#[rp235x_hal::entry]
fn main() -> ! {
    let Some(mut board) = pac::Peripherals::take() else {
        defmt::panic!("the peripherals are taken once");
    };
    let mut watchdog = Watchdog::new(board.WATCHDOG);
    let clocks = init_clocks_and_plls(
        CRYSTAL_HERTZ,
        board.XOSC,
        board.CLOCKS,
        board.PLL_SYS,
        board.PLL_USB,
        &mut board.RESETS,
        &mut watchdog,
    );
    let Ok(clocks) = clocks else { defmt::panic!("the crystal does not start") };
    let sio = Sio::new(board.SIO);
    let pins = Pins::new(board.IO_BANK0, board.PADS_BANK0, sio.gpio_bank0, &mut board.RESETS);
    let timer = Timer::new_timer0(board.TIMER0, &mut board.RESETS, &clocks);
    let mut delay = timer;
    let clock = Counted::new(TIMER_HERTZ, || timer.get_counter_low());
    // The lamp on the board. SDA and SCL.
    let lamp = pins.gpio25.into_push_pull_output();
    let bus = I2C::i2c0(
        board.I2C0,
        pins.gpio4.reconfigure(),
        pins.gpio5.reconfigure(),
        400.kHz(),
        &mut board.RESETS,
        clocks.system_clock.freq(),
    );

    let mut application = defmt::unwrap!(gestures::application(lamp, clock));
    let Ok(mut sensor) = Lis3dh::new(bus, LIS3DH, Rate::Hz50) else {
        defmt::panic!("no LIS3DH answers: are SDA, SCL and power connected?");
    };
    match sampled::run(&mut sensor, &mut application, &mut delay) {
        Err(_) => defmt::panic!("the sensor stopped"),
        Ok(never) => match never {},
    }
}
