//! Random requantizations of every form, and their meaning in wide integers.

use exactum_runtime::Element;
use exactum_runtime::num::requant::{Entries, Form, Requant};
use proptest::prelude::*;
use proptest::sample::select;

/// One array of parameters: empty, shared, or one for each channel.
fn array<T: std::fmt::Debug + Clone + 'static>(
    channels: usize,
    value: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Vec<T>> {
    let value = value.boxed();
    select(vec![0, 1, channels])
        .prop_flat_map(move |elems| prop::collection::vec(value.clone(), elems))
        .boxed()
}

/// Parameters of one line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    multipliers: Vec<i32>,
    offsets: Vec<i32>,
    wide_offsets: Vec<i64>,
    shifts: Vec<u8>,
    long_multipliers: Vec<i64>,
    long_offsets: Vec<[i64; 2]>,
    long_shifts: Vec<u8>,
}

/// Parameters of the form that keeps the high word: an array each, one shift.
#[derive(Clone, Debug)]
struct High {
    lines: Vec<[i32; 2]>,
    offsets: Vec<i32>,
    shift: Vec<u8>,
}

fn high(channels: usize) -> impl Strategy<Value = High> {
    let multiplier = prop_oneof![3 => any::<i32>().prop_map(|factor| factor >> 4), 1 => any::<i32>()];
    (
        prop::collection::vec(
            (multiplier, -500_000i32..500_000).prop_map(|(factor, addend)| [factor, addend]),
            channels,
        ),
        prop::collection::vec(-200_000i32..200_000, channels),
        prop_oneof![2 => Just(vec![]), 1 => Just(vec![0]), 2 => (0u8..12).prop_map(|shift| vec![shift])],
    )
        .prop_map(|(lines, offsets, shift)| High { lines, offsets, shift })
}

fn line(channels: usize) -> impl Strategy<Value = Line> {
    (
        array(channels, -50i32..=50),
        array(channels, -1_000_000i32..1_000_000),
        array(channels, -(1i64 << 40)..1 << 40),
        array(channels, 0u8..20),
        array(channels, prop_oneof![-(1i64 << 20)..1 << 20, -50i64..50]),
        array(channels, (any::<i64>(), -(1i64 << 40)..1 << 40).prop_map(|(low, high)| [low, high])),
        array(channels, 0u8..100),
    )
        .prop_map(
            |(multipliers, offsets, wide_offsets, shifts, long_multipliers, long_offsets, long_shifts)| {
                Line {
                    multipliers,
                    offsets,
                    wide_offsets,
                    shifts,
                    long_multipliers,
                    long_offsets,
                    long_shifts,
                }
            },
        )
}

/// A requantization that owns its parameters.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    kind: usize,
    even: Line,
    odd: Line,
    high: High,
    signs: Vec<i8>,
    thresholds: Vec<i32>,
    long_thresholds: Vec<i64>,
    first: i32,
    domain: usize,
    entries: (Vec<i16>, Vec<i8>, Vec<u8>),
    pub(crate) lo: i32,
    pub(crate) hi: i32,
    pub(crate) element: Element,
}

/// A tail for `channels` channels; its output element type holds its codes.
pub(crate) fn tail(channels: usize) -> BoxedStrategy<Tail> {
    of_kinds(channels, (0..14).collect())
}

/// A tail of the form that keeps the high word, mostly one with all codes of 8 bits.
pub(crate) fn high_tail(channels: usize) -> BoxedStrategy<Tail> {
    of_kinds(channels, vec![HIGH])
}

/// The number of the form that keeps the high word.
const HIGH: usize = 13;

/// A tail that takes 64-bit accumulators.
pub(crate) fn wide_tail(channels: usize) -> BoxedStrategy<Tail> {
    of_kinds(channels, vec![8, 9, 12])
}

fn of_kinds(channels: usize, kinds: Vec<usize>) -> BoxedStrategy<Tail> {
    let clamp = select(vec![
        (-128, 127, Element::I8),
        (-7, 7, Element::I8),
        (0, 15, Element::U8),
        (0, 255, Element::U8),
        (-300, 300, Element::I16),
        (-100_000, 100_000, Element::I32),
        (3, 3, Element::I8),
    ]);
    let head = (select(kinds), clamp, 1usize..20, any::<bool>());
    head.prop_flat_map(move |(kind, (lo, hi, element), domain, shared)| {
        let counts = kind == 5 || kind == 12;
        let (lo, hi, element) =
            if counts && element == Element::I32 { (-8, 7, Element::I8) } else { (lo, hi, element) };
        let (lo, hi, element) = match (kind, lo, hi) {
            (HIGH, -7, _) => (-128, 127, Element::I8),
            (HIGH, _, 15) => (0, 255, Element::U8),
            _ => (lo, hi, element),
        };
        let groups = if shared { 1 } else { channels };
        let steps = if counts { (hi - lo) as usize } else { 0 };
        (
            (line(channels), line(channels), array(channels, select(vec![-1i8, 1])), high(channels)),
            prop::collection::vec(prop::collection::vec(-200_000i32..200_000, steps), groups),
            (-50i32..50, prop::collection::vec(any::<(i16, i8, u8)>(), domain * groups)),
        )
            .prop_map(move |((even, odd, signs, high), mut thresholds, (first, entries))| {
                thresholds.iter_mut().for_each(|channel| channel.sort_unstable());
                Tail {
                    kind,
                    even,
                    odd,
                    high,
                    signs,
                    long_thresholds: thresholds.concat().into_iter().map(i64::from).collect(),
                    thresholds: thresholds.concat(),
                    first,
                    domain,
                    entries: (
                        entries.iter().map(|entry| entry.0).collect(),
                        entries.iter().map(|entry| entry.1).collect(),
                        entries.iter().map(|entry| entry.2).collect(),
                    ),
                    lo: if kind == 7 { 0 } else { lo },
                    hi: if kind == 7 { 0 } else { hi },
                    element: if kind == 7 { Element::I32 } else { element },
                }
            })
    })
    .boxed()
}

fn pick<T: Copy + Default>(values: &[T], channel: usize) -> T {
    match values {
        [] => T::default(),
        [shared] => *shared,
        _ => values[channel],
    }
}

impl Line {
    fn floor(&self, offset: i64, channel: usize, acc: i64) -> i128 {
        let value = i128::from(pick(&self.multipliers, channel)) * i128::from(acc) + i128::from(offset);
        value.div_euclid(1 << pick(&self.shifts, channel))
    }
}

impl Tail {
    /// What the form adds to sums of `channel` before it multiplies.
    pub(crate) fn offset(&self, channel: usize) -> i64 {
        if self.kind == HIGH { self.high.offsets[channel].into() } else { 0 }
    }

    /// `None` for raw accumulators.
    pub(crate) fn requant(&self) -> Option<Requant<'_>> {
        let Line { multipliers, offsets, shifts, .. } = &self.even;
        let form = match self.kind {
            0 => Form::Offset { offsets },
            1 => Form::ShiftHalfEven { multipliers, offsets, shifts },
            2 => Form::Multiply32 { multipliers, offsets, shifts },
            3 => Form::Multiply64 { multipliers, offsets: &self.even.wide_offsets, shifts },
            4 => Form::EvenOdd {
                even_multipliers: multipliers,
                even_offsets: &self.even.wide_offsets,
                even_shifts: shifts,
                odd_multipliers: &self.odd.multipliers,
                odd_offsets: &self.odd.wide_offsets,
                odd_shifts: &self.odd.shifts,
            },
            5 => Form::Thresholds { signs: &self.signs, thresholds: &self.thresholds },
            12 => Form::Thresholds64 { signs: &self.signs, thresholds: &self.long_thresholds },
            6 | 10 | 11 => {
                let entries = match self.kind {
                    6 => Entries::I16(&self.entries.0),
                    10 => Entries::I8(&self.entries.1),
                    _ => Entries::U8(&self.entries.2),
                };
                Form::Table { first: self.first, entries, domain: self.domain as u32 }
            }
            8 => Form::ShiftHalfEven64 {
                multipliers: &self.even.long_multipliers,
                offsets: &self.even.wide_offsets,
                shifts,
            },
            9 => Form::Multiply128 {
                multipliers: &self.even.long_multipliers,
                offsets: &self.even.long_offsets,
                shifts: &self.even.long_shifts,
            },
            HIGH => Form::MultiplyHigh {
                lines: &self.high.lines,
                offsets: &self.high.offsets,
                shifts: &self.high.shift,
            },
            _ => return None,
        };
        Some(Requant { form, lo: self.lo, hi: self.hi })
    }

    /// The code of `acc`, from the forms' definitions in the format's documentation.
    pub(crate) fn reference(&self, channel: usize, acc: i64) -> i64 {
        let line = &self.even;
        let narrow = i64::from(pick(&line.offsets, channel));
        let value = match self.kind {
            0 => i128::from(acc + narrow),
            1 => {
                let half_down = line.floor(narrow, channel, acc);
                let parity = half_down.rem_euclid(2) as i64;
                line.floor(narrow + parity, channel, acc)
            }
            2 => line.floor(narrow, channel, acc),
            3 => line.floor(pick(&line.wide_offsets, channel), channel, acc),
            4 => {
                line.floor(pick(&line.wide_offsets, channel), channel, acc)
                    + self.odd.floor(pick(&self.odd.wide_offsets, channel), channel, acc)
            }
            5 | 12 => {
                let steps = (self.hi - self.lo) as usize;
                let start = if self.thresholds.len() == steps { 0 } else { steps * channel };
                let value = if pick(&self.signs, channel) < 0 { -acc } else { acc };
                let passed = self.thresholds[start..start + steps].iter().filter(|t| i64::from(**t) <= value);
                i128::from(self.lo) + passed.count() as i128
            }
            6 | 10 | 11 => {
                let start = if self.entries.0.len() == self.domain { 0 } else { self.domain * channel };
                let index = (acc - i64::from(self.first)).clamp(0, self.domain as i64 - 1);
                let at = start + index as usize;
                match self.kind {
                    6 => self.entries.0[at].into(),
                    10 => self.entries.1[at].into(),
                    _ => self.entries.2[at].into(),
                }
            }
            8 => {
                let unit = 1i128 << pick(&line.shifts, channel);
                let y = i128::from(pick(&line.long_multipliers, channel)) * i128::from(acc)
                    + i128::from(pick(&line.wide_offsets, channel));
                (y + y.div_euclid(unit).rem_euclid(2)).div_euclid(unit)
            }
            9 => {
                let [low, high] = pick(&line.long_offsets, channel);
                let offset = (i128::from(high) * (1 << 64)) + i128::from(low).rem_euclid(1 << 64);
                let y = i128::from(pick(&line.long_multipliers, channel)) * i128::from(acc) + offset;
                y.div_euclid(1 << pick(&line.long_shifts, channel))
            }
            HIGH => {
                let sum = i128::from(acc) + i128::from(self.high.offsets[channel]);
                let [multiplier, addend] = self.high.lines[channel].map(i128::from);
                let high = addend + (sum * multiplier + (1 << 31)).div_euclid(1 << 32);
                high.div_euclid(1 << pick(&self.high.shift, channel))
            }
            _ => return acc,
        };
        value.clamp(self.lo.into(), self.hi.into()) as i64
    }
}
