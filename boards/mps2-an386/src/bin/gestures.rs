//! The application on samples that come over the first serial port: gestures, answered run by run.
//!
//! The test `gestures` plays a signal on the emulated port and compares every answer with what the host computes.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use exactum_application::{clock::Counted, gestures, serve::serve};
use exactum_board_common::{
    counter::Counter as _,
    failure::{Failure, exit},
};
use mps2_an386::{led::Led, serial, timer};

/// Of the timer.
const HERTZ: u32 = 25_000_000;

fn run() -> Result<(), Failure> {
    let timer = timer().ok_or(Failure::Capacity)?;
    let clock = Counted::new(HERTZ, || timer.ticks());
    let mut application = gestures::application(Led, clock).map_err(|_| Failure::Application)?;
    let (mut reader, mut writer) = serial().split();
    serve(&mut application, &mut reader, &mut writer).map_err(|_| Failure::Application).map(drop)
}

#[entry]
fn main() -> ! {
    exit(run())
}
