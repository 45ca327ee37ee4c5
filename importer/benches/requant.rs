//! How long requantizations take to solve and prove: `cargo bench -p exactum-importer --bench requant`, with parts of
//! names to run some of them.
//!
//! Prints microseconds per channel, each the least of a few repetitions, on one core.

#![expect(clippy::print_stdout, reason = "a benchmark reports")]

use exactum_importer::certify::certify;
use exactum_importer::exact::{
    Channel, Curve, Function, PairFunction, Piece, Quantizer, Rational, from_integer,
};
use exactum_importer::requant::{Costs, choose, choose_pair};
use exactum_runtime::num::{IntRange, Rounding};
use std::time::{Duration, Instant};

/// Scales as trained models have them: one weight scale for each channel, a bias, and outputs that fill their codes.
struct Layer {
    channels: usize,
    log_range: u32,
    codes: IntRange,
    pieces: Vec<Piece>,
    power_of_two: bool,
}

impl Layer {
    fn curve(&self) -> Curve {
        let range = 1i64 << self.log_range;
        let channel = |channel: usize| {
            let mantissa = (1i64 << 23) + i64::try_from(channel * 2_654_435_761 % (1 << 23)).unwrap();
            let mantissa = if self.power_of_two { 1 << (23 + channel % 2) } else { mantissa };
            Rational::new(mantissa.into(), (range << 22).into())
        };
        let gain: Vec<Rational> = (0..self.channels).map(channel).collect();
        let bias = |channel: usize| {
            Rational::new((i64::try_from(channel * 7919 % 2001).unwrap() - 1000).into(), (1 << 12).into())
        };
        let offset = (0..self.channels).map(bias).collect();
        self.pieces.iter().cloned().fold(Curve::affine(gain, offset), Curve::then)
    }

    fn quantizer(&self) -> Quantizer {
        let steps = self.codes.hi - self.codes.lo + 1;
        let scale = if self.power_of_two {
            Rational::new(1.into(), (steps / 2).into())
        } else {
            Rational::new(13_421_773.into(), ((steps / 2) << 24).into())
        };
        Quantizer::Uniform { scale, zero_point: 0, after: 0, range: self.codes, rounding: Rounding::HalfEven }
    }

    fn channels(&self) -> Vec<Channel> {
        let (curve, quantizer) = (self.curve(), self.quantizer());
        let half = 1i64 << (self.log_range - 1);
        let channel = |channel| Channel {
            function: Function::new(&curve, &quantizer, channel),
            range: IntRange { lo: -half, hi: half - 1 },
        };
        (0..self.channels).map(channel).collect()
    }
}

fn least<T>(repetitions: u32, run: impl Fn() -> T) -> (Duration, T) {
    let once = || {
        let started = Instant::now();
        let result = run();
        (started.elapsed(), result)
    };
    (1..repetitions).fold(once(), |best, _| {
        let next = once();
        if next.0 < best.0 { next } else { best }
    })
}

fn report(name: &str, layer: &Layer, repetitions: u32) {
    let (building, channels) = least(repetitions, || layer.channels());
    let (choosing, choice) = least(repetitions, || choose(&channels, Costs::default()).unwrap());
    let (checking, _) = least(repetitions, || certify(&channels, &choice.params.view()).unwrap());
    let each = |time: Duration| time.as_secs_f64() * 1e6 / layer.channels as f64;
    println!(
        "{name:34} {:16} functions {:8.1}, choice {:9.1}, checker alone {:8.1} us per channel",
        choice.params.kind().to_string(),
        each(building),
        each(choosing),
        each(checking),
    );
}

fn main() {
    let chosen: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_chosen = |name: &str| chosen.is_empty() || chosen.iter().any(|part| name.contains(part.as_str()));
    for (name, layer, repetitions) in layers() {
        if is_chosen(name) {
            report(name, &layer, repetitions);
        }
    }
    if is_chosen("MobileNetV1") {
        mobile_net();
    }
    if is_chosen("pair") {
        pair();
    }
}

const INT8: IntRange = IntRange { lo: -128, hi: 127 };
const UINT8: IntRange = IntRange { lo: 0, hi: 255 };
const INT16: IntRange = IntRange { lo: -32_768, hi: 32_767 };

fn relu6() -> Vec<Piece> {
    vec![Piece::Clip { lo: Some(from_integer(0)), hi: Some(from_integer(6)) }]
}

fn layers() -> Vec<(&'static str, Layer, u32)> {
    let leaky = vec![Piece::LeakyRelu { slope: vec![Rational::new(1.into(), 10.into())] }];
    let layer = |channels, log_range, codes, pieces| Layer {
        channels,
        log_range,
        codes,
        pieces,
        power_of_two: false,
    };
    let powers_of_two = |layer| Layer { power_of_two: true, ..layer };
    vec![
        ("1024 channels, int8", layer(1024, 22, INT8, vec![]), 5),
        ("1024 channels, uint8, ReLU6", layer(1024, 22, UINT8, relu6()), 5),
        ("1024 channels, int8, powers of two", powers_of_two(layer(1024, 22, INT8, vec![])), 5),
        ("64 channels, int8, leaky ReLU", layer(64, 22, INT8, leaky), 3),
        ("16 channels, int8, sigmoid", layer(16, 14, INT8, vec![Piece::Sigmoid]), 3),
        ("16 channels, int8, wide sigmoid", layer(16, 22, INT8, vec![Piece::Sigmoid]), 3),
        ("16 channels, int16", layer(16, 24, INT16, vec![]), 3),
        ("16 channels, int16, powers of two", powers_of_two(layer(16, 24, INT16, vec![])), 3),
        ("16 channels, int16, 40-bit sums", layer(16, 40, INT16, vec![]), 3),
    ]
}

/// The layers of MobileNetV1, pointwise and depthwise in turn, with 8-bit weights.
fn mobile_net() {
    let widths = [32, 32, 64, 64, 128, 128, 128, 128, 256, 256, 256, 256];
    let last = [512, 512, 512, 512, 512, 512, 512, 512, 512, 512, 512, 512, 1024, 1024, 1024];
    let widths: Vec<usize> = widths.into_iter().chain(last).collect();
    let (time, ()) = least(3, || {
        for (index, channels) in widths.iter().copied().enumerate() {
            let log_range = if index % 2 == 1 { 18 } else { 21 };
            let layer = Layer { channels, log_range, codes: UINT8, pieces: relu6(), power_of_two: false };
            choose(&layer.channels(), Costs::default()).unwrap();
        }
    });
    let channels: usize = widths.iter().sum();
    println!("MobileNetV1, functions and choices of {channels} channels: {:.2} s", time.as_secs_f64());
}

fn pair() {
    let of = |gains: [i64; 2], shifts: [u32; 2]| PairFunction {
        gains: [0, 1].map(|i| Rational::new(gains[i].into(), (1i64 << shifts[i]).into())),
        offset: from_integer(0),
        curve: Curve::identity(),
        quantizer: Quantizer::Uniform {
            scale: Rational::new(11_111_111.into(), (1 << 27).into()),
            zero_point: -7,
            after: 0,
            range: INT8,
            rounding: Rounding::HalfEven,
        },
    };
    let codes = of([10_077_695, 13_421_773], [28, 28]);
    let (time, choice) =
        least(3, || choose_pair(std::slice::from_ref(&codes), INT8, INT8, Costs::default()).unwrap());
    println!("pair of int8: {} in {:.1} ms", choice.params.kind(), time.as_secs_f64() * 1e3);
    // A layer of 8 bits with scales of channels and codes, as in residual blocks without a quantizer before the sum.
    let channels: Vec<PairFunction> =
        (0..8).map(|channel| of([10_077_695 + 1_000_003 * channel, 13_421_773], [40, 28])).collect();
    let sums = IntRange { lo: -1 << 20, hi: 1 << 20 };
    let (time, choice) = least(3, || choose_pair(&channels, sums, INT8, Costs::default()).unwrap());
    let each = time.as_secs_f64() * 1e3 / channels.len() as f64;
    println!("pair of 21-bit sums and int8: {} in {each:.1} ms per channel", choice.params.kind());
}
