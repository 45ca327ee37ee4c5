//! Words that nobody said: a voice of pulses and noise through the resonances of a mouth that moves from sound to sound.

use std::f64::consts::TAU;

use exactum_frontend::{FRACTION_BITS, FRAME, HOP, LogMel};
use exactum_training::data::Dataset;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::steps::{Labelled, Task};

/// What the network tells apart: nobody speaks, some other word, and four words.
pub(crate) const WORDS: [&str; 6] = ["silence", "other", "yes", "no", "shine", "up"];
const RATE: f64 = 16_000.0;
/// Bands of a frame, and frames of a window: 1.04 seconds.
pub(crate) const BANDS: usize = 20;
pub(crate) const FRAMES: usize = 64;

/// The task of the network.
pub(crate) const TASK: Task =
    Task { name: "keywords", classes: &WORDS, channels: BANDS, frames: FRAMES, fraction_bits: FRACTION_BITS };

/// A sound: where the mouth resonates, in hertz, how much of it is voice and how much noise.
#[derive(Clone, Copy, Debug)]
struct Sound {
    formants: [f64; 3],
    voice: f64,
    noise: f64,
    seconds: f64,
}

const fn sound(formants: [f64; 3], voice: f64, noise: f64, seconds: f64) -> Sound {
    Sound { formants, voice, noise, seconds }
}

const I: Sound = sound([280.0, 2250.0, 2900.0], 1.0, 0.0, 0.09);
const E: Sound = sound([530.0, 1850.0, 2500.0], 1.0, 0.0, 0.14);
const A: Sound = sound([730.0, 1100.0, 2450.0], 1.0, 0.0, 0.15);
const O: Sound = sound([450.0, 850.0, 2400.0], 1.0, 0.0, 0.2);
const U: Sound = sound([310.0, 870.0, 2250.0], 1.0, 0.0, 0.12);
const N: Sound = sound([250.0, 1400.0, 2300.0], 0.35, 0.0, 0.09);
const S: Sound = sound([4500.0, 5800.0, 7000.0], 0.0, 0.5, 0.16);
const SH: Sound = sound([2300.0, 3200.0, 4800.0], 0.0, 0.6, 0.14);
const P: Sound = sound([700.0, 1100.0, 2300.0], 0.0, 0.02, 0.07);
const BURST: Sound = sound([900.0, 1600.0, 2600.0], 0.0, 0.5, 0.02);
const SOUNDS: [Sound; 9] = [I, E, A, O, U, N, S, SH, P];

/// The sounds of a word; those of another word are drawn.
fn sounds(word: usize, rng: &mut Pcg64Mcg) -> Vec<Sound> {
    match WORDS[word] {
        "yes" => vec![I, E, S],
        "no" => vec![N, O, U],
        "shine" => vec![SH, A, I, N],
        "up" => vec![A, P, BURST],
        "other" => (0..rng.random_range(2..5)).map(|_| SOUNDS[rng.random_range(0..SOUNDS.len())]).collect(),
        _ => vec![],
    }
}

/// `seconds` of sound with the word in it, as a microphone gives it.
fn samples(word: usize, seconds: f64, rng: &mut Pcg64Mcg) -> Vec<i16> {
    let length = (seconds * RATE) as usize;
    let mut signal = vec![0.0; length];
    let (tempo, mouth) = (rng.random_range(0.85..1.25), rng.random_range(0.88..1.14));
    let sounds: Vec<Sound> = sounds(word, rng)
        .into_iter()
        .map(|sound| Sound {
            formants: sound.formants.map(|hertz| hertz * mouth * rng.random_range(0.96..1.04)),
            seconds: sound.seconds * tempo * rng.random_range(0.85..1.15),
            ..sound
        })
        .collect();
    let spoken: f64 = sounds.iter().map(|sound| sound.seconds).sum();
    let start = rng.random_range(0.1..(seconds - spoken - 0.1).max(0.11));
    speak(&sounds, &mut signal[(start * RATE) as usize..], rng);
    let loud = signal.iter().fold(1e-9f64, |most, value| most.max(value.abs()));
    let gain = rng.random_range(1500.0..12_000.0) / if sounds.is_empty() { f64::INFINITY } else { loud };
    let background = rng.random_range(3.0..60.0);
    let value = |value: f64| (gain * value + background * rng.random_range(-1.0..1.0)) as i16;
    signal.into_iter().map(value).collect()
}

/// Adds the sounds one after the other, the mouth moving from each to the next.
fn speak(sounds: &[Sound], signal: &mut [f64], rng: &mut Pcg64Mcg) {
    let mut pitch = rng.random_range(95.0..230.0);
    let (mut phase, mut past, mut at) = (0.0, [[0.0; 2]; 3], 0);
    for (index, sound) in sounds.iter().enumerate() {
        let next = sounds.get(index + 1).unwrap_or(sound);
        let length = (sound.seconds * RATE) as usize;
        for n in 0..length {
            let Some(out) = signal.get_mut(at) else { return };
            // The last third leads to the next sound.
            let blend = ((n as f64 / length as f64 - 0.67) / 0.33).max(0.0);
            let mix = |a: f64, b: f64| a + (b - a) * blend;
            pitch *= 1.0 - 0.15 / RATE;
            phase += pitch / RATE;
            let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
            phase = phase.fract();
            let source = pulse * 12.0 * mix(sound.voice, next.voice)
                + rng.random_range(-1.0..1.0) * mix(sound.noise, next.noise);
            for (formant, past) in past.iter_mut().enumerate() {
                let hertz = mix(sound.formants[formant], next.formants[formant]).min(7600.0);
                let radius = (-TAU / 2.0 * (60.0 + 0.06 * hertz) / RATE).exp();
                let value = (1.0 - radius) * source + 2.0 * radius * (TAU * hertz / RATE).cos() * past[0]
                    - radius * radius * past[1];
                *past = [value, past[0]];
                *out += value / (1.0 + formant as f64);
            }
            at += 1;
        }
    }
}

/// The spectra of a sound: what the device computes.
fn spectra(samples: &[i16]) -> Vec<Vec<i16>> {
    let front = LogMel::<BANDS>::new(RATE as u32, 60, 7_600).expect("bands of a frame");
    let frame = |samples: &[i16]| front.frame(samples.try_into().expect("a frame")).to_vec();
    samples.windows(FRAME).step_by(HOP).map(frame).collect()
}

/// Seconds of so many frames.
fn seconds(frames: usize) -> f64 {
    (FRAME + (frames - 1) * HOP + 1) as f64 / RATE
}

/// Windows of all words, `of_each` of every one.
pub(crate) fn windows(of_each: usize, seed: u64) -> Dataset {
    let mut data = Dataset { inputs: vec![], labels: vec![], features: BANDS * FRAMES, classes: WORDS.len() };
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    for index in 0..of_each * WORDS.len() {
        let word = index % WORDS.len();
        let frames = spectra(&samples(word, seconds(FRAMES), &mut rng));
        data.inputs.extend(TASK.channels_first(frames[..FRAMES].iter().map(Vec::as_slice)));
        data.labels.push(word);
    }
    data
}

/// A signal of words, one in each window.
pub(crate) fn signal(words: usize, seed: u64) -> Vec<Labelled> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let mut sound = vec![];
    for word in 0..words {
        let length = HOP * FRAMES;
        let mut said = samples(word % WORDS.len(), length as f64 / RATE + 0.001, &mut rng);
        said.truncate(length);
        sound.extend(said);
    }
    let frames = spectra(&sound).into_iter().enumerate();
    frames.map(|(index, frame)| (frame, index / FRAMES % WORDS.len())).collect()
}
