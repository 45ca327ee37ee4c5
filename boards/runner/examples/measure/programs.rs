//! The programs that are measured, each of one op: shapes that turn every loop of a kernel in other proportions.

use exactum_runtime::Element;
use exactum_runtime::codes::Codes;
use exactum_runtime::num::IntRange;
use exactum_runtime::num::requant::{Entries, Form, Requant};
use exactum_runtime::program::op::{
    Add, Bias, Concat, Conv2d, ConvTranspose2d, Dense, Layer, MaxPool2d, Mul, Multipliers, Rearrange,
    Requantize, SumPool2d, TopK,
};
use exactum_runtime::program::packing::{FilterShape, Weights, is_depthwise};
use exactum_runtime::program::{Packing, TensorId};

use crate::one_op::{BYTES, INPUT, OUTPUT, Result, Sample, layer, noise, placed, requant, sample, window};

const SECOND: TensorId = TensorId(1);
/// The output of an op of two inputs.
const THIRD: TensorId = TensorId(2);

/// The form that kernels are measured with.
fn multiply32(channels: u32) -> Vec<i32> {
    (0..channels as i32).map(|channel| 40 + channel % 64).collect()
}

/// Stored accumulators.
const SUMS: (Element, IntRange) = (Element::I32, IntRange { lo: -(1 << 24), hi: 1 << 24 });

/// Every form behind a dense layer of one input, and that layer without any.
pub(crate) fn forms() -> Result<Vec<Sample>> {
    const CHANNELS: u32 = 64;
    const ROWS: u32 = 32;
    let weights: Vec<i8> = noise(1, CHANNELS as usize).iter().map(|weight| weight % 16).collect();
    let (ones32, ones64) = (vec![3; CHANNELS as usize], vec![3i64; CHANNELS as usize]);
    let high = vec![[1 << 23, 1]; CHANNELS as usize];
    let halves = [11u8];
    let (offsets32, offsets64) = (vec![1 << 9; CHANNELS as usize], vec![1i64 << 9; CHANNELS as usize]);
    let wide_offsets = vec![[1i64 << 9, 0]; CHANNELS as usize];
    // Of all channels, as the solver shares them where it can.
    let shifts = [10u8];
    let even_odd = Form::EvenOdd {
        even_multipliers: &ones32,
        even_offsets: &offsets64,
        even_shifts: &halves,
        odd_multipliers: &ones32,
        odd_offsets: &offsets64,
        odd_shifts: &halves,
    };
    let dense = |requant: Option<Requant<'_>>, lo: i32, wide: bool| {
        let op = Dense {
            input: INPUT,
            output: OUTPUT,
            scratch: None,
            in_features: 1,
            out_features: CHANNELS,
            layer: Layer {
                input_zero_point: 0,
                weights: Weights::i8s(&weights),
                bias: Bias::None,
                requant,
                wide,
            },
        };
        let codes = match requant {
            Some(_) => (Element::I8, IntRange { lo: lo.into(), hi: 127 }),
            None => SUMS,
        };
        sample(op.into(), &[&[ROWS, 1]], &[ROWS, CHANNELS], codes)
    };
    let with = |form, lo, wide| dense(Some(Requant { form, lo, hi: 127 }), lo, wide);
    let mut samples = vec![
        dense(None, -128, false)?,
        with(Form::Offset { offsets: &offsets32 }, -128, false)?,
        with(
            Form::ShiftHalfEven { multipliers: &ones32, offsets: &offsets32, shifts: &shifts },
            -128,
            false,
        )?,
        with(Form::Multiply32 { multipliers: &ones32, offsets: &offsets32, shifts: &shifts }, -128, false)?,
        with(Form::Multiply64 { multipliers: &ones32, offsets: &offsets64, shifts: &shifts }, -128, false)?,
        with(Form::MultiplyHigh { lines: &high, offsets: &offsets32, shifts: &[1] }, -128, false)?,
        with(even_odd, -128, false)?,
        with(
            Form::ShiftHalfEven64 { multipliers: &ones64, offsets: &offsets64, shifts: &shifts },
            -128,
            false,
        )?,
        with(
            Form::Multiply128 { multipliers: &ones64, offsets: &wide_offsets, shifts: &shifts },
            -128,
            false,
        )?,
    ];
    let spread = |codes: i32| (1..codes).map(|step| (step - codes / 2) * 4000 / codes).collect();
    let lists: Vec<Vec<i32>> = [2, 4, 8, 16, 64, 256].map(spread).into();
    for thresholds in &lists {
        samples.push(with(
            Form::Thresholds { signs: &[1], thresholds },
            127 - thresholds.len() as i32,
            false,
        )?);
    }
    let entries = noise(5, 64 * 64);
    let table = Form::Table { first: -32, entries: Entries::I8(&entries), domain: 64 };
    samples.push(with(table, -128, false)?);
    Ok(samples)
}

/// Every kernel in several shapes.
pub(crate) fn samples() -> Result<Vec<Sample>> {
    let mut samples = vec![];
    dense(&mut samples)?;
    convolutions(&mut samples)?;
    transposed(&mut samples)?;
    pools(&mut samples)?;
    elementwise(&mut samples)?;
    moves(&mut samples)?;
    Ok(samples)
}

fn dense(samples: &mut Vec<Sample>) -> Result<()> {
    let shapes = [
        [1, 1, 1],
        [1, 8, 4],
        [1, 16, 64],
        [1, 64, 16],
        [1, 64, 10],
        [1, 300, 12],
        [1, 784, 32],
        [4, 40, 100],
        [16, 12, 12],
        [3, 520, 65],
        [1, 31, 200],
        [8, 1, 3],
    ];
    for [rows, inputs, outputs] in shapes {
        let count = (inputs * outputs) as usize;
        let (narrow, multipliers) = (noise(1, count), multiply32(outputs));
        let wider: Vec<i16> = narrow.iter().map(|weight| i16::from(*weight) * 3).collect();
        let bias: Vec<i16> = (0..outputs as i16).collect();
        let wider = Weights::i16s(&wider);
        let nibbles: Vec<u8> = vec![0x2f; (inputs.div_ceil(2) * outputs) as usize];
        let nibbles = Weights { packing: Packing::Nibbles, elements: Codes::U8(&nibbles) };
        for (weights, bias) in [
            (Weights::i8s(&narrow), Bias::None),
            (Weights::i8s(&narrow), Bias::I16(&bias)),
            (nibbles, Bias::None),
            (wider, Bias::None),
            (wider, Bias::I16(&bias)),
        ] {
            let op = Dense {
                input: INPUT,
                output: OUTPUT,
                scratch: None,
                in_features: inputs,
                out_features: outputs,
                layer: layer(weights, bias, &multipliers),
            };
            samples.push(sample(op.into(), &[&[rows, inputs]], &[rows, outputs], BYTES)?);
        }
        for [rows, outputs] in [[rows, outputs], [rows + 1, outputs + 7], [rows, outputs + 64]] {
            let shape = FilterShape { filters: outputs as usize, elems: inputs as usize };
            for packing in [Packing::FilterPairs, Packing::FilterQuads] {
                let elements = Elements::new(packing, shape)?;
                let weights = elements.weights(packing);
                for layer in [
                    high(weights, 0, &multiply_high(outputs)),
                    layer(weights, Bias::None, &multiply32(outputs)),
                ] {
                    let op = Dense {
                        input: INPUT,
                        output: OUTPUT,
                        scratch: None,
                        in_features: inputs,
                        out_features: outputs,
                        layer,
                    };
                    samples.push(sample(op.into(), &[&[rows, inputs]], &[rows, outputs], BYTES)?);
                }
            }
        }
    }
    Ok(())
}

/// Lines and offsets of the form that keeps the high word.
fn multiply_high(channels: u32) -> (Vec<[i32; 2]>, Vec<i32>) {
    (vec![[1 << 18, 1]; channels as usize], vec![7; channels as usize])
}

/// A layer whose codes are made of sums in registers.
fn high<'p>(
    weights: Weights<'p>,
    input_zero_point: i32,
    (lines, offsets): &'p (Vec<[i32; 2]>, Vec<i32>),
) -> Layer<'p> {
    let form = Form::MultiplyHigh { lines, offsets, shifts: &[1] };
    let requant = Some(Requant { form, lo: -128, hi: 127 });
    Layer { input_zero_point, weights, bias: Bias::None, requant, wide: false }
}

/// Elements that hold weights in a packing.
enum Elements {
    U8(Vec<u8>),
    I16(Vec<i16>),
}

impl Elements {
    fn new(packing: Packing, shape: FilterShape) -> Result<Self> {
        let mut elements = vec![0; packing.len_elems(shape).ok_or("a layer that fits")?];
        if packing.elements() == [Element::I16] && packing != Packing::Winograd {
            return Ok(Self::I16(
                noise(1, elements.len()).iter().map(|element| i16::from(*element)).collect(),
            ));
        }
        // Not every element goes with every other one.
        for (index, weight) in noise(1, shape.filters * shape.elems).iter().enumerate() {
            let (o, i) = (index / shape.elems, index % shape.elems);
            packing.put(&mut elements, shape, o, i, i32::from(*weight));
        }
        Ok(match packing.elements() {
            [Element::U8] => Self::U8(elements.iter().map(|element| *element as u8).collect()),
            _ => Self::I16(elements.iter().map(|element| *element as i16).collect()),
        })
    }

    fn weights(&self, packing: Packing) -> Weights<'_> {
        let elements = match self {
            Self::U8(elements) => Codes::U8(elements),
            Self::I16(elements) => Codes::I16(elements),
        };
        Weights { packing, elements }
    }
}

/// Image, output channels, window, stride, pads on all sides, groups.
type Convolution = ([u32; 3], u32, [u16; 2], u16, u16, u16);

fn convolutions(samples: &mut Vec<Sample>) -> Result<()> {
    let shapes: [Convolution; 25] = [
        ([8, 8, 16], 16, [3, 3], 1, 1, 1),
        ([8, 8, 3], 16, [3, 3], 1, 1, 1),
        ([16, 16, 3], 8, [3, 3], 2, 0, 1),
        ([10, 5, 64], 64, [1, 1], 1, 0, 1),
        ([6, 6, 8], 100, [1, 1], 1, 0, 1),
        ([12, 12, 1], 4, [5, 5], 1, 2, 1),
        ([12, 12, 1], 12, [5, 5], 1, 0, 1),
        ([9, 9, 40], 6, [3, 3], 1, 0, 1),
        ([16, 16, 16], 16, [3, 3], 1, 1, 1),
        ([8, 8, 32], 32, [3, 3], 1, 1, 1),
        ([4, 8, 64], 64, [3, 3], 1, 1, 1),
        ([9, 9, 40], 70, [3, 3], 2, 1, 1),
        ([8, 8, 16], 16, [3, 3], 1, 1, 4),
        ([8, 8, 16], 32, [3, 3], 1, 0, 2),
        ([1, 64, 8], 16, [1, 5], 1, 0, 1),
        ([20, 10, 2], 3, [4, 2], 2, 1, 1),
        ([8, 8, 16], 16, [3, 3], 1, 1, 16),
        ([8, 8, 64], 64, [3, 3], 1, 1, 64),
        ([12, 6, 64], 64, [3, 3], 2, 0, 64),
        ([7, 7, 96], 96, [3, 3], 1, 1, 96),
        ([10, 10, 4], 4, [5, 5], 1, 2, 4),
        ([1, 50, 32], 32, [1, 5], 1, 0, 32),
        ([6, 6, 130], 130, [3, 3], 1, 0, 130),
        ([4, 4, 3], 3, [2, 2], 2, 0, 3),
        ([9, 9, 20], 20, [1, 1], 1, 0, 20),
    ];
    for (image, outputs, size, stride, pad, groups) in shapes {
        let window = window(size, stride, [pad; 4]);
        let [height, width, inputs] = image;
        let [rows, columns] = window.output([height, width]).ok_or("a window that fits")?;
        let count = outputs * (inputs / u32::from(groups)) * window.taps();
        let (narrow, multipliers) = (noise(1, count as usize), multiply32(outputs));
        let wider: Vec<i16> = narrow.iter().map(|weight| i16::from(*weight) * 3).collect();
        let bias: Vec<i16> = (0..outputs as i16).collect();
        let depthwise = is_depthwise(groups.into(), inputs as usize, outputs as usize);
        let packing = if depthwise { Packing::TapMajor } else { Packing::RowMajor };
        let narrow = Weights { packing, elements: Codes::I8(&narrow) };
        let wider = Weights { packing, elements: Codes::I16(&wider) };
        let filter = inputs / u32::from(groups) * window.taps();
        let nibbles: Vec<u8> = vec![0x2f; (filter.div_ceil(2) * outputs) as usize];
        let nibbles = Weights { packing: Packing::Nibbles, elements: Codes::U8(&nibbles) };
        for (weights, bias) in
            [(narrow, Bias::None), (narrow, Bias::I16(&bias)), (wider, Bias::None), (nibbles, Bias::None)]
        {
            let op = Conv2d {
                input: INPUT,
                output: OUTPUT,
                scratch: None,
                window,
                groups,
                layer: layer(weights, bias, &multipliers),
            };
            samples.push(sample(op.into(), &[&image], &[rows, columns, outputs], BYTES)?);
        }
        let tiles = size == [3, 3] && stride == 1;
        let packings: &[Packing] = match (depthwise, groups, tiles) {
            (true, ..) => &[Packing::TapBlocks],
            (_, 1, true) => &[Packing::FilterPairs, Packing::FilterQuads, Packing::Winograd],
            (_, 1, false) => &[Packing::FilterPairs, Packing::FilterQuads],
            _ => &[],
        };
        for packing in packings {
            let shape = FilterShape { filters: outputs as usize, elems: filter as usize };
            let elements = Elements::new(*packing, shape)?;
            let weights = elements.weights(*packing);
            let parameters = multiply_high(outputs);
            for layer in [
                high(weights, 0, &parameters),
                high(weights, -128, &parameters),
                layer(weights, Bias::None, &multipliers),
                Layer { input_zero_point: 0, ..layer(weights, Bias::None, &multipliers) },
            ] {
                let op = Conv2d { input: INPUT, output: OUTPUT, scratch: None, window, groups, layer };
                samples.push(sample(op.into(), &[&image], &[rows, columns, outputs], BYTES)?);
            }
        }
    }
    Ok(())
}

fn transposed(samples: &mut Vec<Sample>) -> Result<()> {
    let shapes: [([u32; 3], u32, u16, u16); 6] = [
        ([4, 4, 8], 8, 2, 2),
        ([6, 6, 3], 12, 3, 2),
        ([5, 5, 16], 4, 3, 1),
        ([3, 3, 40], 70, 2, 2),
        ([8, 4, 1], 5, 4, 2),
        ([4, 4, 20], 20, 3, 3),
    ];
    for (image, outputs, size, stride) in shapes {
        let window = window([size; 2], stride, [0; 4]);
        let along = |dim: u32| (dim - 1) * u32::from(stride) + u32::from(size);
        let (rows, columns) = (along(image[0]), along(image[1]));
        let weights = noise(1, (outputs * image[2] * window.taps()) as usize);
        let multipliers = multiply32(outputs);
        let op = ConvTranspose2d {
            input: INPUT,
            output: OUTPUT,
            scratch: None,
            window,
            groups: 1,
            layer: layer(Weights::i8s(&weights), Bias::None, &multipliers),
        };
        samples.push(sample(op.into(), &[&image], &[rows, columns, outputs], BYTES)?);
    }
    Ok(())
}

fn pools(samples: &mut Vec<Sample>) -> Result<()> {
    let shapes: [([u32; 3], u16, u16, u16); 8] = [
        ([16, 16, 16], 2, 2, 0),
        ([8, 8, 3], 2, 2, 0),
        ([9, 9, 70], 3, 2, 1),
        ([12, 12, 1], 3, 1, 0),
        ([7, 7, 64], 7, 1, 0),
        ([6, 6, 40], 2, 1, 0),
        ([10, 10, 8], 3, 3, 1),
        ([4, 4, 130], 4, 4, 0),
    ];
    for (image, size, stride, pad) in shapes {
        let window = window([size; 2], stride, [pad; 4]);
        let [rows, columns] = window.output([image[0], image[1]]).ok_or("a window that fits")?;
        let output = [rows, columns, image[2]];
        let largest = MaxPool2d { input: INPUT, output: OUTPUT, window };
        samples.push(sample(largest.into(), &[&image], &output, BYTES)?);
        let multipliers = multiply32(image[2]);
        let sum = SumPool2d {
            input: INPUT,
            output: OUTPUT,
            input_zero_point: -128,
            window,
            unit: 0,
            requant: requant(&multipliers),
        };
        samples.push(sample(sum.into(), &[&image], &output, BYTES)?);
    }
    Ok(())
}

fn elementwise(samples: &mut Vec<Sample>) -> Result<()> {
    for [rows, channels] in [[64u32, 16], [256, 3], [20, 100], [9, 64], [1, 500], [40, 1]] {
        let shape: &[u32] = &[rows, channels];
        let row: &[u32] = &[1, channels];
        let multipliers = multiply32(channels);
        let multiplier = multiply32(1);
        let shared = requant(&multiplier).ok_or("a form")?;
        let requant = requant(&multipliers);
        let pairs: Vec<[i32; 2]> = (0..channels as i32).map(|channel| [3 + channel % 5, 5]).collect();
        for second in [shape, row] {
            for multipliers in [Multipliers::I32(&[[3, 5]]), Multipliers::I32(&pairs)] {
                let op = Add { input: INPUT, second: SECOND, output: THIRD, multipliers, channels, requant };
                samples.push(sample(op.into(), &[shape, second], shape, BYTES)?);
            }
            let op = Mul {
                input: INPUT,
                second: SECOND,
                output: THIRD,
                zero_points: [-128, 3],
                channels,
                requant,
                wide: false,
            };
            samples.push(sample(op.into(), &[shape, second], shape, BYTES)?);
        }
        let form = Form::MultiplyHigh { lines: &[[1 << 18, 1]], offsets: &[7], shifts: &[1] };
        let high = Some(Requant { form, lo: -128, hi: 127 });
        let multipliers = Multipliers::I32(&[[3, 5]]);
        let op = Add { input: INPUT, second: SECOND, output: THIRD, multipliers, channels: 1, requant: high };
        samples.push(sample(op.into(), &[shape, shape], shape, BYTES)?);
        if let Some(requant) = requant {
            // One channel: what all elements share, of which many are looked up.
            for rows in [rows, rows * 40] {
                let shape: &[u32] = &[rows, channels];
                let op = Requantize { input: INPUT, output: OUTPUT, channels: 1, requant: shared };
                samples.push(sample(op.into(), &[shape], shape, BYTES)?);
                samples.push(placed(op.into(), &[shape], shape, BYTES, true)?);
            }
            let op = Requantize { input: INPUT, output: OUTPUT, channels, requant };
            samples.push(sample(op.into(), &[shape], shape, BYTES)?);
            samples.push(placed(op.into(), &[shape], shape, BYTES, true)?);
        }
    }
    Ok(())
}

fn moves(samples: &mut Vec<Sample>) -> Result<()> {
    for [rows, first, second] in [[1u32, 64, 32], [64, 16, 16], [100, 3, 5], [7, 200, 1]] {
        let op = Concat { input: INPUT, rest: &[1], output: THIRD, rows };
        samples.push(sample(op.into(), &[&[rows, first], &[rows, second]], &[rows, first + second], BYTES)?);
    }
    for [channels, pixels] in [[3u32, 256], [16, 64], [40, 10], [2, 1000], [64, 64]] {
        let dims = [1, 1, 1, 1, pixels, channels];
        let (strides, first) = ([0, 0, 0, 0, 1, pixels as i32], 0);
        let op = Rearrange {
            input: INPUT,
            output: OUTPUT,
            dims,
            strides,
            first,
            before: [0; 6],
            sizes: dims,
            fill: 0,
        };
        samples.push(sample(op.into(), &[&[channels, pixels]], &[pixels, channels], BYTES)?);
        // A border of one row at each end.
        let dims = [1, 1, 1, 1, pixels + 2, channels];
        let (sizes, before) = ([1, 1, 1, 1, pixels, channels], [0, 0, 0, 0, 1, 0]);
        let strides = [0, 0, 0, 0, channels as i32, 1];
        let op = Rearrange { input: INPUT, output: OUTPUT, dims, strides, first, before, sizes, fill: 7 };
        samples.push(sample(op.into(), &[&[pixels, channels]], &[pixels + 2, channels], BYTES)?);
    }
    for [height, width, channels] in [[4u32, 4, 16], [8, 8, 3], [2, 9, 40], [6, 6, 1]] {
        // Every pixel twice, down and across.
        let dims = [1, height, 2, width, 2, channels];
        let strides = [0, (width * channels) as i32, 0, channels as i32, 0, 1];
        let op = Rearrange {
            input: INPUT,
            output: OUTPUT,
            dims,
            strides,
            first: 0,
            before: [0; 6],
            sizes: dims,
            fill: 0,
        };
        let output = [2 * height, 2 * width, channels];
        samples.push(sample(op.into(), &[&[height, width, channels]], &output, BYTES)?);
        // The first half of the rows of a pixel's codes.
        let half = channels.div_ceil(2);
        let dims = [1, 1, 1, 1, height * width, half];
        let strides = [0, 0, 0, 0, channels as i32, 1];
        let op = Rearrange {
            input: INPUT,
            output: OUTPUT,
            dims,
            strides,
            first: 0,
            before: [0; 6],
            sizes: dims,
            fill: 0,
        };
        samples.push(sample(op.into(), &[&[height, width, channels]], &[height, width, half], BYTES)?);
        // Rows from the last to the first.
        let (dims, row) = ([1, 1, 1, 1, height, width * channels], (width * channels) as i32);
        let (strides, first) = ([0, 0, 0, 0, -row, 1], (height - 1) * width * channels);
        let op = Rearrange {
            input: INPUT,
            output: OUTPUT,
            dims,
            strides,
            first,
            before: [0; 6],
            sizes: dims,
            fill: 0,
        };
        let shape = [height, width, channels];
        samples.push(sample(op.into(), &[&shape], &shape, BYTES)?);
        // Padded down and across.
        let dims = [1, 1, 1, height + 2, width + 2, channels];
        let (sizes, before) = ([1, 1, 1, height, width, channels], [0, 0, 0, 1, 1, 0]);
        let strides = [0, 0, 0, row, channels as i32, 1];
        let op = Rearrange { input: INPUT, output: OUTPUT, dims, strides, first: 0, before, sizes, fill: 7 };
        samples.push(sample(op.into(), &[&shape], &[height + 2, width + 2, channels], BYTES)?);
    }
    for [rows, elems, k] in [[1u32, 10, 1], [1, 1000, 1], [16, 40, 3], [4, 100, 5]] {
        let (multipliers, offsets): (&[i64], &[i64]) = (&[1], &[0]);
        let op = TopK {
            input: INPUT,
            output: OUTPUT,
            elems,
            k,
            largest: true,
            values: false,
            multipliers,
            offsets,
        };
        let positions = (Element::I32, IntRange { lo: 0, hi: i64::from(elems) - 1 });
        samples.push(sample(op.into(), &[&[rows, elems]], &[rows, k], positions)?);
    }
    Ok(())
}
