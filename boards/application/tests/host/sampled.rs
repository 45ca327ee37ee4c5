//! A sensor, the model and a pin together.

use embedded_hal_mock::eh1::delay::NoopDelay;
use embedded_hal_mock::eh1::digital::State::{High, Low};
use embedded_hal_mock::eh1::i2c::Mock;
use exactum_application::accelerometer::{Lis3dh, Rate};
use exactum_application::application::{SettingsError, StepError};
use exactum_application::{Application, Settings, sampled};
use exactum_runtime::program::words_as_bytes;
use exactum_runtime::{Arena, Engine, Program};

use crate::accelerometer::{LIS3DH, lis3dh_at_50hz, lis3dh_sample};
use crate::model::{SETTINGS, Ticks, image, with_application};

/// 1 g along z: eight eighths a frame.
const UP: [i16; 3] = [0, 0, 8192];
const NEW: u8 = 0x0f;

#[test]
fn the_pin_follows_what_the_sensor_shows() {
    let down = [0, 0, -8192];
    let mut told = lis3dh_at_50hz();
    // Each run is two samples: one warms up, two hold, a third one says otherwise.
    for sample in [UP, UP, UP, UP, UP, UP, down, down] {
        told.extend([lis3dh_sample(0, sample), lis3dh_sample(NEW, sample)]);
    }
    let mut bus = Mock::new(&told);
    let mut sensor = Lis3dh::new(bus.clone(), LIS3DH, Rate::Hz50).unwrap();
    with_application(&[Low, Low, High, Low], |application| {
        let mut reports = vec![];
        for _ in 0..8 {
            reports.extend(sampled::next(&mut sensor, application, &mut NoopDelay::new()).unwrap());
        }
        assert_eq!(reports.iter().map(|report| report.runs).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(reports[0].decision, None);
        let says = |index: usize| {
            let decision = reports[index].decision.unwrap();
            (decision.class, decision.lead.to_num::<f32>(), decision.holds)
        };
        assert_eq!([says(1), says(2), says(3)], [(0, 2.0, false), (0, 2.0, true), (1, 2.0, false)]);
        // 1 / (1 + e^-2), and 100 of the 1000 ticks of two samples.
        assert!((reports[1].probability - 0.8808).abs() < 0.01, "{}", reports[1].probability);
        assert!(reports.iter().all(|report| (report.ticks, report.headroom_permille) == (100, 900)));
        let totals = application.totals();
        assert_eq!((totals.frames, totals.runs, totals.held, totals.resets), (8, 4, 1, 0));
    });
    bus.done();
}

#[test]
fn lost_samples_begin_anew() {
    let mut told = lis3dh_at_50hz();
    for status in [NEW, NEW, NEW, 0xff, NEW] {
        told.push(lis3dh_sample(status, UP));
    }
    let mut bus = Mock::new(&told);
    let mut sensor = Lis3dh::new(bus.clone(), LIS3DH, Rate::Hz50).unwrap();
    with_application(&[Low, Low], |application| {
        let decisions: Vec<_> = (0..5)
            .filter_map(|_| sampled::next(&mut sensor, application, &mut NoopDelay::new()).unwrap())
            .map(|report| report.decision)
            .collect();
        // The sample that came too late is the first of a window, whose run warms up.
        assert_eq!(decisions, [None, None]);
        assert_eq!(application.totals().resets, 1);
    });
    bus.done();
}

#[test]
fn frames_of_another_size_are_refused() {
    with_application(&[Low], |application| {
        assert_eq!(application.frame(&[0; 2]), Err(StepError::Frame));
    });
}

#[test]
fn settings_that_do_not_fit_are_refused() {
    let words = image();
    let program = Program::load(Program::image_in(words_as_bytes(&words)).unwrap()).unwrap();
    let cases = [
        (Settings { frames: 6, ..SETTINGS }, SettingsError::Window { samples: 18, room: 16 }),
        (Settings { channels: 0, ..SETTINGS }, SettingsError::Window { samples: 0, room: 16 }),
        (Settings { frames: 3, ..SETTINGS }, SettingsError::Model { samples: 9, needed: 6 }),
        (Settings { hop: 0, ..SETTINGS }, SettingsError::Hop),
        (Settings { hop: 3, ..SETTINGS }, SettingsError::Hop),
    ];
    for (settings, expected) in cases {
        let mut arena = Arena::<64>::new();
        let engine = Engine::new(&program, arena.as_mut_slice()).unwrap();
        let mut pin = embedded_hal_mock::eh1::digital::Mock::new(&[]);
        let found = Application::<_, _, _, 16>::new(settings, engine, pin.clone(), Ticks::default());
        assert_eq!(found.err(), Some(expected), "{settings:?}");
        pin.done();
    }
}
