//! Executes a design on whole frames from nothing but its stages, what they compute with, and their links. What comes out
//! has to be what the exact reference gives.

use crate::dataflow::moves::Source;
use crate::dataflow::network::{End, into_stage};
use crate::dataflow::parameters::{CodeFunction, Parameters};
use crate::dataflow::stage::{ChannelwiseFunction, Unit};
use crate::dataflow::{Design, Stage};
use crate::graph::{Graph, Op};
use crate::reference::Reference;

/// Elements in the order of the stream: pixel by pixel, the channels innermost.
type Frame = Vec<i64>;

/// The frames that the host gets, of the frames that it gives.
fn run(design: &Design, given: &[Frame]) -> Vec<Frame> {
    let mut written: Vec<Frame> = vec![];
    let frame = |end: End, written: &[Frame]| match end {
        End::Host(input) => given[input].clone(),
        End::Stage { stage, .. } => written[stage].clone(),
    };
    for (index, stage) in design.stages.iter().enumerate() {
        let links = into_stage(&design.links, index);
        let read: Vec<Frame> = links.iter().map(|link| frame(link.from, &written)).collect();
        written.push(stage_of(stage, &read));
    }
    let mut outputs: Vec<(usize, Frame)> = vec![];
    for link in &design.links {
        if let End::Host(output) = link.to {
            outputs.push((output, frame(link.from, &written)));
        }
    }
    outputs.sort_by_key(|(output, _)| *output);
    outputs.into_iter().map(|(_, frame)| frame).collect()
}

fn offset(stage: &Stage, channel: usize) -> i64 {
    let offsets = &stage.parameters.offsets;
    offsets.get(if offsets.len() == 1 { 0 } else { channel }).copied().unwrap_or(0)
}

fn code(stage: &Stage, channel: usize, sum: i64) -> i64 {
    let sum = sum + offset(stage, channel);
    stage.parameters.codes.as_ref().map_or(sum, |codes: &CodeFunction| codes.code(channel, sum))
}

fn stage_of(stage: &Stage, read: &[Frame]) -> Frame {
    let x = &read[0];
    match &stage.unit {
        Unit::FmPadding(unit) => {
            let ([height, width], [rows, columns]) = (unit.input_size, unit.output_size());
            let [top, left, _, _] = unit.pads;
            let mut padded = vec![unit.code; rows * columns * unit.channels];
            for (row, column) in (0..height).flat_map(|row| (0..width).map(move |column| (row, column))) {
                let (from, to) = (row * width + column, (row + top) * columns + column + left);
                let pixel = &x[from * unit.channels..][..unit.channels];
                padded[to * unit.channels..][..unit.channels].copy_from_slice(pixel);
            }
            padded
        }
        Unit::ConvolutionInputGenerator(unit) => {
            let mut windows = vec![];
            for position in 0..unit.output_size[0] * unit.output_size[1] {
                let at = [position / unit.output_size[1], position % unit.output_size[1]];
                for tap in 0..unit.window[0] * unit.window[1] {
                    let tap = [tap / unit.window[1], tap % unit.window[1]];
                    let along = |axis: usize| at[axis] * unit.stride[axis] + tap[axis] * unit.dilation[axis];
                    let pixel = along(0) * unit.input_size[1] + along(1);
                    windows.extend_from_slice(&x[pixel * unit.channels..][..unit.channels]);
                }
            }
            windows
        }
        Unit::Mvau(unit) => {
            let rows = &stage.parameters.weights;
            assert_eq!((rows.len(), rows[0].len()), (unit.matrix_height, unit.matrix_width));
            let vectors = x.chunks(unit.matrix_width);
            let row = |vector: &[i64], channel: usize| {
                let products = vector.iter().zip(&rows[channel]).map(|(x, weight)| x * i64::from(*weight));
                code(stage, channel, products.sum())
            };
            vectors
                .flat_map(|vector| (0..rows.len()).map(|channel| row(vector, channel)).collect::<Vec<_>>())
                .collect()
        }
        Unit::Vvau(unit) => {
            let (taps, channels) = (unit.window[0] * unit.window[1], unit.channels);
            let sum = |window: &[i64], channel: usize| {
                let weights = &stage.parameters.weights[channel];
                let sum =
                    (0..taps).map(|tap| window[tap * channels + channel] * i64::from(weights[tap])).sum();
                code(stage, channel, sum)
            };
            x.chunks(taps * channels)
                .flat_map(|window| (0..channels).map(|channel| sum(window, channel)).collect::<Vec<_>>())
                .collect()
        }
        Unit::Pool(unit) => {
            let (taps, channels) = (unit.window[0] * unit.window[1], unit.channels);
            let largest = |window: &[i64], channel: usize| {
                (0..taps).map(|tap| window[tap * channels + channel]).max().unwrap()
            };
            x.chunks(taps * channels)
                .flat_map(|window| (0..channels).map(|channel| largest(window, channel)).collect::<Vec<_>>())
                .collect()
        }
        Unit::Thresholding(unit) => {
            x.iter().enumerate().map(|(index, sum)| code(stage, index % unit.channels, *sum)).collect()
        }
        Unit::DuplicateStreams(_) => x.clone(),
        Unit::MulStreams(_) => x.iter().zip(&read[1]).map(|(a, b)| a * b).collect(),
        Unit::Shuffle(unit) => {
            let sources = &stage.parameters.sources;
            assert_eq!((x.len(), sources.len()), (unit.read, unit.written));
            for word in sources.chunks(unit.together) {
                let follows = |(i, source): (usize, &Source)| match (word[0], *source) {
                    (Source::Element(first), Source::Element(element)) => element == first + i,
                    (first, source) => first == source,
                };
                assert!(word.iter().enumerate().all(follows), "{word:?} is moved as one");
            }
            let element = |source: &Source| match source {
                Source::Element(place) => x[*place],
                Source::Code(code) => *code,
            };
            sources.iter().map(element).collect()
        }
        Unit::LabelSelect(unit) => {
            let Parameters { factors, offsets, .. } = &stage.parameters;
            let one = |list: &[i64], i: usize, none: i64| {
                list.get(if list.len() == 1 { 0 } else { i }).copied().unwrap_or(none)
            };
            let best = |vector: &[i64]| {
                let score = |i: usize| one(factors, i, 1) * vector[i] + one(offsets, i, 0);
                let mut left: Vec<usize> = (0..vector.len()).collect();
                let mut found = vec![];
                while found.len() < unit.k {
                    let better = |a: usize, b: usize| {
                        if unit.largest { score(b) > score(a) } else { score(b) < score(a) }
                    };
                    let at = (1..left.len())
                        .fold(0, |best, at| if better(left[best], left[at]) { at } else { best });
                    let index = left.remove(at);
                    found.push(if unit.values { vector[index] } else { index as i64 });
                }
                found
            };
            x.chunks(unit.labels).flat_map(best).collect()
        }
        Unit::Upsample(unit) => {
            let [[height, width], [rows, columns]] = [unit.input_size, unit.factors];
            let pixel =
                |row: usize, column: usize| &x[(row / rows * width + column / columns) * unit.channels..];
            let places =
                (0..height * rows).flat_map(|row| (0..width * columns).map(move |column| (row, column)));
            places.flat_map(|(row, column)| pixel(row, column)[..unit.channels].to_vec()).collect()
        }
        Unit::AddStreams(_) => x.iter().zip(&read[1]).map(|(a, b)| a + b).collect(),
        Unit::StreamingConcat(unit) => (0..unit.pixels)
            .flat_map(|pixel| {
                let parts = read.iter().zip(&unit.channels_per_stream);
                parts.flat_map(move |(frame, channels)| frame[pixel * channels..][..*channels].to_vec())
            })
            .collect(),
        Unit::GlobalAccPool(unit) => {
            (0..unit.channels).map(|channel| x.iter().skip(channel).step_by(unit.channels).sum()).collect()
        }
        Unit::ChannelwiseOp(unit) => {
            let factors = &stage.parameters.factors;
            let combined = |(index, x): (usize, &i64)| {
                let factor = factors[if factors.len() == 1 { 0 } else { index % unit.channels }];
                match unit.function {
                    ChannelwiseFunction::Mul => x * factor,
                    ChannelwiseFunction::Add => x + factor,
                }
            };
            x.iter().enumerate().map(combined).collect()
        }
    }
}

/// Elements in ONNX's order as they stream.
fn streamed(elements: &[i64], shape: &[usize]) -> Frame {
    let [batch, channels, rest @ ..] = shape else { return elements.to_vec() };
    let pixels: usize = rest.iter().product();
    let mut frame = vec![];
    for of_batch in elements.chunks(elements.len() / batch) {
        for pixel in 0..pixels {
            frame.extend((0..*channels).map(|channel| of_batch[channel * pixels + pixel]));
        }
    }
    frame
}

/// Runs `design`, which was made of the `quantized` graph, and the reference on samples, and compares all outputs.
pub(super) fn assert_exact(quantized: &Graph, design: &Design) {
    let reference = Reference::new(quantized);
    for sample in 0..4usize {
        let inputs: Vec<Vec<f32>> = (0..quantized.inputs.len())
            .map(|input| {
                let elems = quantized.value(quantized.inputs[input]).elems();
                (0..elems).map(|i| ((i * 7 + input * 5 + sample * 11) % 97) as f32 * 0.61 - 29.0).collect()
            })
            .collect();
        let given: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
        let values = reference.trace(&given).unwrap();
        let of_input = |input: usize| {
            let node = quantized
                .nodes
                .iter()
                .find(|node| matches!(node.op, Op::Quantize(_)) && node.inputs[0] == quantized.inputs[input]);
            let id = node.unwrap().output;
            streamed(&values[id.index()], &quantized.value(id).shape)
        };
        let frames: Vec<Frame> = (0..quantized.inputs.len()).map(of_input).collect();
        let found = run(design, &frames);
        let expected: Vec<Frame> = quantized
            .outputs
            .iter()
            .map(|id| streamed(&values[id.index()], &quantized.value(*id).shape))
            .collect();
        assert_eq!(found, expected, "{}", crate::dataflow::tests::names_of(design).join(" "));
    }
}
