//! `Im2Col`, which writes the window of each output of a convolution as one row, as FINN and QONNX lower convolutions.
//!
//! A product of such rows with a constant matrix is the convolution itself and becomes one again. For whatever else reads
//! them they are slices side by side; what nobody reads disappears.

use super::conv::{channels_first, channels_last};
use super::window;
use super::{Context, Lifter};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Conv, Layout, Op, ValueId, Window};

/// Most taps of a window.
const MOST_TAPS: usize = 1 << 12;

/// What the rows of an `Im2Col` are windows of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patches {
    /// The image, channels last.
    image: ValueId,
    window: Window,
}

/// `Im2Col`: rows of taps, height before width before channels.
pub(super) fn im2col(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let image = lifter.real(context, 0)?;
    let shape = lifter.shape(image);
    let &[batch, height, width, channels] = shape.as_slice() else {
        return Err(context.shapes(format!("shape {shape:?}"), "batch, height, width, channels"));
    };
    let pair = |name: &str, default: Vec<usize>| {
        window::attribute(context, name, default, 1).map(|values| [values[0], values[1]])
    };
    let pads = window::attribute(context, "pad_amount", vec![0; 4], 0)?;
    let window = Window {
        size: pair("kernel_size", vec![1, 1])?,
        stride: pair("stride", vec![1, 1])?,
        pads: [pads[0], pads[1], pads[2], pads[3]],
        dilation: pair("dilations", vec![1, 1])?,
    };
    let value = context.node.int("pad_value").unwrap_or(0);
    if value != 0 && window.is_padded() {
        return Err(context.attribute("pad_value", value.to_string(), "0"));
    }
    let Some([rows, columns]) = window.output([height, width]) else {
        return Err(context.shapes(format!("a window {window:?} on {shape:?}"), "a window that fits"));
    };
    let [high, wide] = window.size;
    if high * wide > MOST_TAPS {
        let found = format!("a window of {high} by {wide} taps");
        return Err(context.problem(Code::TooLarge, "", found, format!("at most {MOST_TAPS} taps")));
    }
    let mut padded = image;
    if window.is_padded() {
        let [top, left, bottom, right] = window.pads;
        let (before, after) = (vec![0, top, left, 0], vec![0, bottom, right, 0]);
        padded = lifter.emit(context, Op::Pad { before, after, value: 0.0 }, vec![image], None)?;
    }
    let mut taps = vec![];
    for tap in 0..high * wide {
        let part = Op::Slice {
            starts: vec![0, tap / wide * window.dilation[0], tap % wide * window.dilation[1], 0],
            steps: vec![1, window.stride[0] as isize, window.stride[1] as isize, 1],
            sizes: vec![batch, rows, columns, channels],
        };
        taps.push(lifter.emit(context, part, vec![padded], None)?);
    }
    let lines = lifter.emit(context, Op::Concat { axis: 3 }, taps, None)?;
    lifter.patches.insert(lines, Patches { image, window });
    lifter.finish(context, 0, lines);
    Ok(())
}

/// The product of the rows `lines` with `matrix` as a convolution; `None` if they are no rows of patches.
pub(super) fn product(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    lines: ValueId,
    matrix: ValueId,
) -> Result<Option<ValueId>, Diagnostic> {
    let Some(Patches { image, window }) = lifter.patches.get(&lines).copied() else { return Ok(None) };
    let (depth, channels) = (lifter.shape(lines)[3], lifter.shape(image)[3]);
    let &[inputs, outputs] = lifter.shape(matrix).as_slice() else { return Ok(None) };
    if inputs != depth {
        return Ok(None);
    }
    let [high, wide] = window.size;
    let filters = lifter.transpose(context, matrix, vec![1, 0])?;
    let filters = lifter.reshape(context, filters, &[outputs, high, wide, channels])?;
    let filters = lifter.transpose(context, filters, vec![0, 3, 1, 2])?;
    let image = channels_first(lifter, context, image)?;
    let conv = Op::Conv(Conv { window, groups: 1, layout: Layout::ChannelsFirst });
    let y = lifter.emit(context, conv, vec![image, filters], None)?;
    channels_last(lifter, context, y).map(Some)
}
