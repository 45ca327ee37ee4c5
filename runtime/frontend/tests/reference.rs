//! The front end against its definition in doubles: a sum over all samples for each frequency, triangles on the mel scale, a logarithm.
//! Nothing is shared with the crate but what goes in and comes out.

use std::f64::consts::TAU;

use exactum_frontend::{FRACTION_BITS, FRAME, LogMel};
use proptest::prelude::*;

const BANDS: usize = 40;
const RATE: u32 = 16_000;
const ENDS: [u32; 2] = [20, 7_600];

/// Energies of the bands, by the definition.
fn energies<const N: usize>(samples: &[i16; FRAME], rate: u32, [lowest, highest]: [u32; 2]) -> [f64; N] {
    let frame = FRAME as f64;
    let power = |bin: usize| {
        let part = |turn: fn(f64) -> f64| {
            let term = |(n, sample): (usize, &i16)| {
                let window = (1.0 - (TAU * n as f64 / frame).cos()) / 2.0;
                f64::from(*sample) * window * turn(TAU * (n * bin % FRAME) as f64 / frame)
            };
            samples.iter().enumerate().map(term).sum::<f64>()
        };
        part(f64::cos).powi(2) + part(f64::sin).powi(2)
    };
    let mel = |hertz: f64| 2595.0 * (1.0 + hertz / 700.0).log10();
    let (low, high) = (mel(lowest.into()), mel(highest.into()));
    let corner = |index: usize| low + (high - low) * index as f64 / (N + 1) as f64;
    let powers: Vec<(f64, f64)> =
        (0..=FRAME / 2).map(|bin| (mel(bin as f64 * f64::from(rate) / frame), power(bin))).collect();
    let mut sums = [0.0; N];
    for (band, sum) in sums.iter_mut().enumerate() {
        let [left, middle, right] = [0, 1, 2].map(|offset| corner(band + offset));
        for (mel, power) in &powers {
            let weight = ((mel - left) / (middle - left)).min((right - mel) / (right - middle)).max(0.0);
            *sum += weight * power;
        }
    }
    sums
}

/// Every band is within a step of the logarithm, and what rounding in the transform adds to a power.
fn agrees(samples: &[i16; FRAME]) -> Result<(), String> {
    let front = LogMel::<BANDS>::new(RATE, ENDS[0], ENDS[1]).unwrap();
    let found = front.frame(samples);
    let expected = energies::<BANDS>(samples, RATE, ENDS);
    for (band, (found, energy)) in found.iter().zip(expected).enumerate() {
        // Amplitudes are off by a few dozen units: rounding of 512 windowed samples and of nine stages.
        let slack = 64.0 * (energy.sqrt() + 64.0) * 2.0;
        let step = 2.0 / 256.0;
        let (least, most) =
            (((energy - slack).max(0.0) + 1.0).log2() - step, (energy + slack + 1.0).log2() + step);
        let found = f64::from(*found) / f64::from(1 << FRACTION_BITS);
        if !(least..=most).contains(&found) {
            return Err(format!("band {band}: {found}, {least} to {most}"));
        }
    }
    Ok(())
}

fn frame(sample: impl FnMut(usize) -> f64) -> [i16; FRAME] {
    let values: Vec<i16> = (0..FRAME).map(sample).map(|value| value as i16).collect();
    values.try_into().unwrap()
}

#[test]
fn tones_noise_and_clicks_agree() {
    for hertz in [31.25, 100.0, 440.0, 1000.0, 3333.3, 7000.0] {
        for loud in [3.0, 300.0, 32767.0] {
            let tone = frame(|n| loud * (TAU * hertz * n as f64 / f64::from(RATE)).sin());
            agrees(&tone).unwrap_or_else(|problem| panic!("{hertz} Hz, {loud}: {problem}"));
        }
    }
    agrees(&frame(|n| if n == 200 { 32767.0 } else { 0.0 })).unwrap();
    agrees(&[0; FRAME]).unwrap();
    agrees(&[i16::MIN; FRAME]).unwrap();
    agrees(&frame(|n| if n % 2 == 0 { 32767.0 } else { -32768.0 })).unwrap();
}

/// A loud tone stands out by what its amplitude is, to a hundredth of an octave.
#[test]
fn loud_tones_are_exact_to_a_step() {
    let tone = frame(|n| 20_000.0 * (TAU * 1000.0 * n as f64 / f64::from(RATE)).sin());
    let front = LogMel::<BANDS>::new(RATE, ENDS[0], ENDS[1]).unwrap();
    let found = front.frame(&tone);
    let expected = energies::<BANDS>(&tone, RATE, ENDS);
    let loudest = (0..BANDS).max_by(|a, b| expected[*a].total_cmp(&expected[*b])).unwrap();
    let difference = f64::from(found[loudest]) / 256.0 - expected[loudest].log2();
    assert!(difference.abs() < 0.01, "{difference}");
}

/// The bits themselves: another compiler, another machine gives these.
#[test]
fn bits_are_the_recorded_ones() {
    let mut state = 1u32;
    let noise = frame(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from((state >> 16) as i16)
    });
    let front = LogMel::<10>::new(RATE, 20, 7_600).unwrap();
    assert_eq!(front.frame(&noise), RECORDED);
}

const RECORDED: [i16; 10] = [9823, 9919, 9926, 10190, 10089, 10275, 10397, 10556, 10651, 10648];

#[test]
fn bands_that_cannot_be_are_refused() {
    assert!(LogMel::<0>::new(16_000, 20, 7_600).is_none());
    assert!(LogMel::<40>::new(16_000, 7_600, 7_600).is_none());
    assert!(LogMel::<40>::new(16_000, 20, 8_001).is_none());
    assert!(LogMel::<40>::new(u32::MAX, 20, 7_600).is_none());
    // Narrower at the bottom than frequencies are apart.
    assert!(LogMel::<200>::new(16_000, 20, 7_600).is_none());
    assert!(LogMel::<40>::new(16_000, 20, 7_600).is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn random_frames_agree(
        samples in prop::collection::vec(any::<i16>(), FRAME), loud in 0u32..16,
    ) {
        let samples: Vec<i16> = samples.into_iter().map(|sample| sample >> loud).collect();
        prop_assert_eq!(agrees(&samples.try_into().unwrap()), Ok(()));
    }
}
