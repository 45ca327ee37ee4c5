//! What an accelerometer in a hand measures: gravity, the motion of a gesture, the way the sensor is held, and its noise.
//!
//! The gestures differ in how they move, and not along which axis of the sensor: it may be held in any way.

use std::f64::consts::TAU;

use exactum_training::data::Dataset;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::steps::{Labelled, Task};

/// The gestures, in the order of their classes.
pub(crate) const GESTURES: [&str; 5] = ["rest", "shake", "circle", "swing", "tap"];
/// Samples of a second.
pub(crate) const RATE_HZ: f64 = 50.0;
/// Frames that the network sees: 1.28 seconds.
pub(crate) const FRAMES: usize = 64;
pub(crate) const AXES: usize = 3;
/// A sample of the sensor that is standard gravity.
pub(crate) const UNIT: f64 = 8192.0;

/// The task of the network.
pub(crate) const TASK: Task =
    Task { name: "gestures", classes: &GESTURES, channels: AXES, frames: FRAMES, fraction_bits: 13 };

type Vector = [f64; AXES];

/// One gesture that somebody makes, and the sensor that is held.
#[derive(Clone, Debug)]
pub(crate) struct Hand {
    rng: Pcg64Mcg,
    gesture: usize,
    /// Rows: where the axes of the sensor point in the room.
    axes: [Vector; AXES],
    bias: Vector,
    noise: f64,
    hertz: f64,
    size: f64,
    phase: f64,
    /// Seconds from the start.
    time: f64,
}

impl Hand {
    /// Somebody who makes gesture `gesture`, in their own way.
    pub(crate) fn new(gesture: usize, seed: u64) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let (hertz, size) = match GESTURES[gesture] {
            "shake" => (rng.random_range(3.0..6.0), rng.random_range(0.8..2.2)),
            "circle" => (rng.random_range(1.1..2.2), rng.random_range(0.5..1.3)),
            // The angle of a pendulum.
            "swing" => (rng.random_range(0.6..1.2), rng.random_range(0.5..1.0)),
            // Pairs of taps in a second.
            "tap" => (rng.random_range(0.9..1.3), rng.random_range(1.2..2.6)),
            _ => (0.2, rng.random_range(0.0..0.03)),
        };
        let axes = rotation(&mut rng);
        Self {
            axes,
            bias: [0; AXES].map(|_| rng.random_range(-0.04..0.04)),
            noise: rng.random_range(0.005..0.03),
            phase: rng.random_range(0.0..TAU),
            time: 0.0,
            rng,
            gesture,
            hertz,
            size,
        }
    }

    /// The next sample of each axis, as the sensor gives it: 16 bits, 4 g at their end.
    pub(crate) fn frame(&mut self) -> [i16; AXES] {
        // Nobody keeps the beat.
        self.hertz *= 1.0 + self.rng.random_range(-0.01..0.01);
        self.time += 1.0 / RATE_HZ;
        self.phase += TAU * self.hertz / RATE_HZ;
        let felt = self.felt();
        let mut sample = [0; AXES];
        for (axis, sample) in sample.iter_mut().enumerate() {
            let along: f64 = self.axes[axis].iter().zip(felt).map(|(a, b)| a * b).sum();
            let measured = along + self.bias[axis] + self.noise * normal(&mut self.rng);
            *sample = (measured * UNIT).round().clamp(-32768.0, 32767.0) as i16;
        }
        sample
    }

    /// What a sensor whose axes are those of the room would measure, in g: gravity along z, and the motion.
    fn felt(&self) -> Vector {
        let (sin, cos) = self.phase.sin_cos();
        match GESTURES[self.gesture] {
            "shake" => [self.size * (sin + 0.2 * (3.0 * self.phase).sin()), 0.1 * self.size * cos, 1.0],
            "circle" => [self.size * cos, self.size * sin, 1.0],
            "swing" => {
                // The sensor turns with the arm, which pulls it inwards.
                let angle = self.size * sin;
                [angle.sin(), 0.0, angle.cos() + 0.15 * self.size * self.size * cos * cos]
            }
            "tap" => {
                let since = (self.phase / TAU).fract() / self.hertz;
                let pulse = |start: f64| match (since - start) / 0.06 {
                    inside if (0.0..1.0).contains(&inside) => (TAU * inside).sin() * (1.0 - 0.5 * inside),
                    _ => 0.0,
                };
                [0.0, 0.0, 1.0 + self.size * (pulse(0.0) + 0.8 * pulse(0.22))]
            }
            _ => [self.size * sin, 0.0, 1.0],
        }
    }
}

/// Windows of all gestures, `of_each` of every one, as the network is given them: channel by channel, in g.
pub(crate) fn windows(of_each: usize, seed: u64) -> Dataset {
    let mut data =
        Dataset { inputs: vec![], labels: vec![], features: AXES * FRAMES, classes: GESTURES.len() };
    for index in 0..of_each * GESTURES.len() {
        let gesture = index % GESTURES.len();
        let mut hand = Hand::new(gesture, seed.wrapping_mul(1 << 32).wrapping_add(index as u64));
        let frames: Vec<[i16; AXES]> = (0..FRAMES).map(|_| hand.frame()).collect();
        data.inputs.extend(TASK.channels_first(frames.iter().map(<[i16; AXES]>::as_slice)));
        data.labels.push(gesture);
    }
    data
}

/// A signal of all gestures one after the other, `windows` windows of each, with the class of each frame.
pub(crate) fn signal(windows: usize, seed: u64) -> Vec<Labelled> {
    let gesture = |gesture: usize| {
        let mut hand = Hand::new(gesture, seed.wrapping_add(gesture as u64));
        (0..windows * FRAMES).map(move |_| (hand.frame().to_vec(), gesture))
    };
    (0..GESTURES.len()).flat_map(gesture).collect()
}

/// A way to hold the sensor, all of them equally likely: a unit quaternion as a matrix.
fn rotation(rng: &mut Pcg64Mcg) -> [Vector; AXES] {
    let q: [f64; 4] = [0; 4].map(|_| normal(rng));
    let length = q.iter().map(|part| part * part).sum::<f64>().sqrt();
    let [w, x, y, z] = q.map(|part| part / length);
    [
        [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)],
        [2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)],
        [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)],
    ]
}

/// A number of the normal distribution.
fn normal(rng: &mut Pcg64Mcg) -> f64 {
    let radius = (-2.0 * rng.random_range(f64::EPSILON..1.0).ln()).sqrt();
    radius * rng.random_range(0.0..TAU).cos()
}
