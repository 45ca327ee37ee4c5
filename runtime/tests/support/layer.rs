//! Random inputs, weights and windows.

use exactum_runtime::num::IntRange;
use exactum_runtime::program::op::{Bias, Layer, Weights};
use exactum_runtime::program::{Packing, Window2d};
use exactum_runtime::{Codes, Element};
use proptest::prelude::*;
use proptest::sample::select;

use super::requant::{Tail, high_tail, tail, wide_tail};

/// A window with its image that gives at least one output.
pub(crate) fn window() -> impl Strategy<Value = (Window2d, [usize; 2])> {
    let pair = |max: u16| [1..=max, 1..=max];
    let fields = (pair(4), pair(3), pair(3), [0u16..=3, 0..=3, 0..=3, 0..=3], [1usize..=7, 1..=7]);
    fields
        .prop_map(|(size, stride, dilation, pads, image)| (Window2d { size, stride, dilation, pads }, image))
        .prop_filter("fits", |(window, image)| window.output(image.map(|dim| dim as u32)).is_some())
}

/// A window of 3 by 3 neighbouring taps that moves by one, with an image that may be smaller than the window.
pub(crate) fn tile_window() -> impl Strategy<Value = (Window2d, [usize; 2])> {
    let fields = ([0u16..=4, 0..=4, 0..=4, 0..=4], [1usize..=9, 1..=9]);
    fields
        .prop_map(|(pads, image)| (Window2d { size: [3; 2], stride: [1; 2], dilation: [1; 2], pads }, image))
        .prop_filter("fits", |(window, image)| window.output(image.map(|dim| dim as u32)).is_some())
}

/// Element type, range and zero point of an input, and whether sums have 64 bits; with those also codes of all 16 bits.
pub(crate) fn input_type() -> impl Strategy<Value = (Element, IntRange, i32, bool)> {
    let types = select(vec![
        (Element::I8, -128i64, 127i64),
        (Element::I8, -7, 7),
        (Element::U8, 0, 255),
        (Element::U8, 0, 15),
        (Element::I16, -300, 1000),
    ]);
    let narrow = (types, any::<bool>(), any::<u16>(), select(vec![false, false, true])).prop_map(
        |((element, lo, hi), zero, at, wide)| {
            let zero_point = if zero && lo <= 0 { 0 } else { lo + i64::from(at) % (hi - lo + 1) };
            (element, IntRange { lo, hi }, zero_point as i32, wide)
        },
    );
    prop_oneof![5 => narrow, 1 => Just((Element::I16, Element::I16.range(), 0, true))]
}

/// The same but for codes of all 16 bits, for sums of 32 bits.
pub(crate) fn small_type() -> impl Strategy<Value = (Element, IntRange, i32, bool)> {
    input_type()
        .prop_filter("small codes", |(_, range, _, _)| *range != Element::I16.range())
        .prop_map(|(element, range, zero_point, _)| (element, range, zero_point, false))
}

/// The same of 8 bits, for sums of 32 bits.
pub(crate) fn narrow_type() -> impl Strategy<Value = (Element, IntRange, i32, bool)> {
    input_type()
        .prop_filter("8 bits", |(element, _, _, _)| *element != Element::I16)
        .prop_map(|(element, range, zero_point, _)| (element, range, zero_point, false))
}

/// The largest code minus zero point, without its sign.
pub(crate) fn largest(range: IntRange, zero_point: i32) -> i64 {
    let zero_point = i64::from(zero_point);
    (range.lo - zero_point).abs().max((range.hi - zero_point).abs())
}

/// `elems` codes of `range`, its ends more often than others.
pub(crate) fn codes(range: IntRange, elems: usize) -> impl Strategy<Value = Vec<i64>> {
    let code = prop_oneof![2 => range.lo..=range.hi, 1 => Just(range.lo), 1 => Just(range.hi)];
    prop::collection::vec(code, elems)
}

/// Weights with what follows them.
#[derive(Clone, Debug)]
pub(crate) struct Filters {
    /// In the order of the reference.
    pub(crate) values: Vec<i16>,
    storage: Storage,
    filters: usize,
    /// Whether sums have 64 bits.
    pub(crate) wide: bool,
    pub(crate) tail: Tail,
    bias: Option<Vec<i16>>,
    is_bias_i32: bool,
}

/// How weights are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Storage {
    I8,
    I16,
    Nibbles,
    /// Filters in pairs, or taps in blocks; filter after filter where a layer may have neither.
    Blocks,
    /// Filters in fours; filter after filter where a layer may not have that.
    Quads,
    /// Transformed for tiles, where a layer may have that; else blocks.
    Tiles,
}

/// Constants of a [`Filters`] in the types of a program.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    storage: Storage,
    packing: Packing,
    i8s: Vec<i8>,
    i16s: Vec<i16>,
    /// Nibbles, or weights plus 128.
    bytes: Vec<u8>,
    bias_i16s: Option<Vec<i16>>,
    bias_i32s: Option<Vec<i32>>,
}

/// `filters` filters of `elems` weights; the ends of their type more often than others. Weights of 16 bits go to their
/// ends where sums are wide, and a little past 8 bits where they are not.
pub(crate) fn filters(filters: usize, elems: usize, wide: bool) -> impl Strategy<Value = Filters> {
    let storages = [
        Storage::I8,
        Storage::I8,
        Storage::I16,
        Storage::Nibbles,
        Storage::Blocks,
        Storage::Blocks,
        Storage::Quads,
        Storage::Tiles,
    ];
    select(storages.to_vec()).prop_flat_map(move |storage| {
        let weight = match (storage, wide) {
            (Storage::Nibbles, _) => (-8i16..=7).boxed(),
            (Storage::I8 | Storage::Quads, _) => {
                let ends = [i8::MIN, i8::MAX].map(i16::from).to_vec();
                prop_oneof![3 => any::<i8>().prop_map(i16::from), 2 => select(ends)].boxed()
            }
            (Storage::Blocks, _) => block_weight().boxed(),
            (Storage::Tiles, _) => {
                let ends = [-128i16, -127, 127].to_vec();
                prop_oneof![3 => -128i16..=127, 2 => select(ends)].boxed()
            }
            (Storage::I16, false) => (-200i16..=200).boxed(),
            (Storage::I16, true) => {
                prop_oneof![3 => any::<i16>(), 1 => Just(i16::MIN), 1 => Just(i16::MAX)].boxed()
            }
        };
        let weights = prop::collection::vec(weight, filters * elems);
        let tail = if wide { wide_tail(filters) } else { tail(filters) };
        (weights, tail, bias(filters), any::<bool>()).prop_map(move |(values, tail, bias, is_bias_i32)| {
            Filters { values, storage, filters, wide, tail, bias, is_bias_i32 }
        })
    })
}

/// The ends of what pairs of filters hold more often than others.
fn block_weight() -> impl Strategy<Value = i16> {
    prop_oneof![3 => -127i16..=127, 1 => Just(-127), 1 => Just(127)]
}

/// Filters whose codes are made of sums in registers, where their number of elements lets them.
pub(crate) fn high_filters(filters: usize, elems: usize) -> impl Strategy<Value = Filters> {
    let one = |weight: i16| prop::collection::vec(Just(weight), filters * elems);
    let weights = prop_oneof![
        6 => prop::collection::vec(block_weight(), filters * elems), 1 => one(127), 1 => one(-127)
    ];
    let storage = select(vec![Storage::Blocks, Storage::Quads, Storage::Tiles]);
    (weights, high_tail(filters), storage).prop_map(move |(values, tail, storage)| Filters {
        values,
        storage,
        filters,
        wide: false,
        tail,
        bias: None,
        is_bias_i32: false,
    })
}

/// Which of the packings that its storage leaves a layer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// That of a layer of one group, whose codes minus zero point are as large at most.
    Shared(i64),
    /// The same of 3 by 3 neighbouring taps that move by one.
    Tiles(i64),
    /// Tap after tap, or in blocks of four channels: depthwise.
    Taps,
    /// Filter after filter.
    Rows,
}

impl Filters {
    /// The packing that the filters have at `place`.
    fn packing(&self, place: Place) -> Packing {
        match (self.storage, place) {
            (Storage::Nibbles, _) => Packing::Nibbles,
            (Storage::Tiles, Place::Tiles(largest)) if !self.wide && largest < 8192 => Packing::Winograd,
            (Storage::Blocks | Storage::Tiles, Place::Shared(largest) | Place::Tiles(largest))
                if self.fit_pairs(largest) =>
            {
                Packing::FilterPairs
            }
            (Storage::Quads, Place::Shared(_) | Place::Tiles(_)) if !self.wide => Packing::FilterQuads,
            (Storage::Blocks | Storage::Tiles, Place::Taps) if !self.wide => Packing::TapBlocks,
            (_, Place::Taps) => Packing::TapMajor,
            _ => Packing::RowMajor,
        }
    }

    /// Whether sums of odd filters have 24 bits.
    fn fit_pairs(&self, largest: i64) -> bool {
        let elems = self.values.len() / self.filters;
        let fits = |channel: usize| {
            let weights = &self.values[channel * elems..(channel + 1) * elems];
            let sum: i64 = weights.iter().map(|weight| i64::from(weight.abs()) * largest).sum();
            sum + self.bias_at(channel).abs() + self.tail.offset(channel).abs() < 1 << 23
        };
        let is_pair = self.values.iter().all(|weight| *weight > -128);
        !self.wide && is_pair && (0..self.filters).filter(|channel| channel % 2 == 1).all(fits)
    }

    /// The constants.
    pub(crate) fn packed(&self, place: Place) -> Packed {
        let (filters, elems) = (self.filters, self.values.len() / self.filters);
        let packing = self.packing(place);
        let row_bytes = elems.div_ceil(2);
        let rows = elems.div_ceil(4) * 4;
        let is_quads = packing == Packing::FilterQuads;
        let mut bytes =
            vec![0u8; if is_quads { filters.div_ceil(4) * 4 * rows } else { filters * row_bytes }];
        let mut values = match packing {
            Packing::FilterPairs => vec![0; filters.div_ceil(8) * rows * 4],
            Packing::TapBlocks => vec![0; filters.div_ceil(4) * 4 * elems],
            Packing::Winograd => {
                return self.with_values(packing, self.transformed(elems / 9));
            }
            _ => vec![0i16; self.values.len()],
        };
        for (index, value) in self.values.iter().enumerate() {
            let (o, i) = (index / elems, index % elems);
            if is_quads {
                bytes[o / 4 * 4 * rows + i * 4 + o % 4] = (value + 128) as u8;
                continue;
            }
            bytes[o * row_bytes + i / 2] |= (value.rem_euclid(16) as u8) << (i % 2 * 4);
            let place = match packing {
                Packing::TapMajor => i * filters + o,
                Packing::FilterPairs => o / 8 * rows * 4 + i / 2 * 8 + o % 8 / 2 * 2 + i % 2,
                Packing::TapBlocks => o / 4 * elems * 4 + i * 4 + o % 4,
                _ => index,
            };
            let factor = if packing == Packing::FilterPairs && o % 2 == 1 { 256 } else { 1 };
            values[place] += factor * value;
        }
        Packed { bytes, ..self.with_values(packing, values) }
    }

    /// The weights that products of tiles take: twice the matrix of Winograd's F(2, 3) on both sides of each filter.
    fn transformed(&self, channels: usize) -> Vec<i16> {
        let blocks = channels.div_ceil(4);
        let mut values = vec![0i16; self.filters.div_ceil(4) * 4 * blocks * 4 * 16];
        let twice = |[a, b, c]: [i16; 3]| [2 * a, a + b + c, a - b + c, 2 * c];
        for (o, c) in (0..self.filters).flat_map(|o| (0..channels).map(move |c| (o, c))) {
            let at =
                |row: usize, column: usize| self.values[o * 9 * channels + (row * 3 + column) * channels + c];
            let [left, middle, right] =
                [0, 1, 2].map(|column| twice([at(0, column), at(1, column), at(2, column)]));
            for (row, ((left, middle), right)) in left.into_iter().zip(middle).zip(right).enumerate() {
                let places = twice([left, middle, right]);
                for (column, value) in places.into_iter().enumerate() {
                    let place = (o / 4 * 16 + row * 4 + column) * blocks * 2 + c / 4 * 2 + c % 2;
                    values[place * 8 + o % 4 * 2 + c % 4 / 2] = value;
                }
            }
        }
        values
    }

    fn with_values(&self, packing: Packing, values: Vec<i16>) -> Packed {
        let wide_bias = |bias: &Vec<i16>| bias.iter().map(|value| i32::from(*value)).collect();
        Packed {
            storage: self.storage,
            packing,
            i8s: values.iter().map(|value| *value as i8).collect(),
            i16s: values,
            bytes: vec![],
            bias_i16s: self.bias.clone().filter(|_| !self.is_bias_i32),
            bias_i32s: self.bias.as_ref().filter(|_| self.is_bias_i32).map(wide_bias),
        }
    }

    pub(crate) fn bias_at(&self, channel: usize) -> i64 {
        self.bias.as_ref().map_or(0, |bias| i64::from(bias[channel]))
    }
}

impl Packed {
    fn weights(&self) -> Weights<'_> {
        let elements = match self.storage {
            _ if self.packing == Packing::FilterQuads => Codes::U8(&self.bytes),
            Storage::I8 | Storage::Quads => Codes::I8(&self.i8s),
            Storage::I16 | Storage::Blocks | Storage::Tiles => Codes::I16(&self.i16s),
            Storage::Nibbles => Codes::U8(&self.bytes),
        };
        Weights { packing: self.packing, elements }
    }

    /// The layer of these constants, with what follows the products of `filters`.
    pub(crate) fn layer<'a>(&'a self, filters: &'a Filters, input_zero_point: i32) -> Layer<'a> {
        Layer {
            input_zero_point,
            weights: self.weights(),
            bias: self.bias(),
            requant: filters.tail.requant(),
            wide: filters.wide,
        }
    }

    fn bias(&self) -> Bias<'_> {
        match (&self.bias_i16s, &self.bias_i32s) {
            (Some(values), _) => Bias::I16(values),
            (_, Some(values)) => Bias::I32(values),
            _ => Bias::None,
        }
    }
}

/// The codes a tensor may hold that a tail writes: those of the clamp, or any accumulator.
pub(crate) fn stored(tail: &Tail) -> IntRange {
    tail.requant().map_or(Element::I32.range(), |requant| requant.range())
}

/// Element type and range of what any op reads.
pub(crate) fn any_type() -> impl Strategy<Value = (Element, IntRange)> {
    select(vec![
        (Element::I8, -128i64, 127i64),
        (Element::U8, 0, 255),
        (Element::I16, -900, 5),
        (Element::I32, -90_000, 70_000),
    ])
    .prop_map(|(element, lo, hi)| (element, IntRange { lo, hi }))
}

/// Biases, one for each channel, or none.
fn bias(channels: usize) -> impl Strategy<Value = Option<Vec<i16>>> {
    prop::option::of(prop::collection::vec(any::<i16>(), channels))
}
