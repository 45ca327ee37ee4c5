//! The sliding window of convolutions and pools: sizes, strides, dilations and padding from their attributes.
//!
//! Windows over lines are windows over images of height 1.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::Window;

/// Largest size, stride, dilation or padding; the program format keeps them in 16 bits.
pub(super) const MAX: usize = u16::MAX as usize;

/// Reads the window of the node on an input whose last axes are `input`, one or two; `size` is used where the file has
/// none.
pub(super) fn read(context: &Context<'_>, input: &[usize], size: &[usize]) -> Result<Window, Diagnostic> {
    let parts = parts(context, size)?;
    let axes = input.len();
    let Parts { size, stride, dilation, .. } = &parts;
    let padding = auto_pad(context)?;
    let pads = match padding {
        AutoPad::None => attribute(context, "pads", vec![0; 2 * axes], 0)?,
        AutoPad::Valid => vec![0; 2 * axes],
        AutoPad::Same { .. } => {
            let total = (0..axes).map(|axis| {
                let outputs = input[axis].div_ceil(stride[axis]);
                let extent = (size[axis] - 1) * dilation[axis] + 1;
                (outputs.saturating_sub(1) * stride[axis] + extent).saturating_sub(input[axis])
            });
            padding.split(&total.collect::<Vec<_>>())
        }
    };
    Ok(window(&parts, &pads))
}

/// How a file asks for padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AutoPad {
    /// As the pads say.
    None,
    /// Not at all.
    Valid,
    /// So that outputs do not depend on the window's size; an odd element goes to the end if `upper`.
    Same { upper: bool },
}

impl AutoPad {
    /// Padding before all axes, then after all, which adds up to `total`.
    pub(super) fn split(self, total: &[usize]) -> Vec<usize> {
        let upper = self == Self::Same { upper: true };
        let before: Vec<usize> =
            total.iter().map(|total| if upper { total / 2 } else { total.div_ceil(2) }).collect();
        let after = total.iter().zip(&before).map(|(total, before)| total - before);
        before.iter().copied().chain(after).collect()
    }
}

/// The attribute `auto_pad`.
pub(super) fn auto_pad(context: &Context<'_>) -> Result<AutoPad, Diagnostic> {
    match context.node.string("auto_pad").unwrap_or("NOTSET") {
        "NOTSET" | "" => Ok(AutoPad::None),
        "VALID" => Ok(AutoPad::Valid),
        "SAME_UPPER" => Ok(AutoPad::Same { upper: true }),
        "SAME_LOWER" => Ok(AutoPad::Same { upper: false }),
        other => {
            let needed = "NOTSET, VALID, SAME_UPPER or SAME_LOWER";
            Err(context.attribute("auto_pad", format!("{other:?}"), needed))
        }
    }
}

/// A window without its padding, for each axis.
pub(super) struct Parts {
    pub(super) size: Vec<usize>,
    pub(super) stride: Vec<usize>,
    pub(super) dilation: Vec<usize>,
}

/// Reads all of a window but its padding.
pub(super) fn parts(context: &Context<'_>, size: &[usize]) -> Result<Parts, Diagnostic> {
    let axes = size.len();
    let size = attribute(context, "kernel_shape", size.to_vec(), 1)?;
    if size.iter().any(|size| !(1..=MAX).contains(size)) {
        return Err(
            context.shapes(format!("a window of {size:?}"), format!("1 to {MAX} taps along each axis"))
        );
    }
    let stride = attribute(context, "strides", vec![1; axes], 1)?;
    let dilation = attribute(context, "dilations", vec![1; axes], 1)?;
    Ok(Parts { size, stride, dilation })
}

/// The window of an image, or of a line as an image of height 1; `pads` come before all axes, then after all.
pub(super) fn window(parts: &Parts, pads: &[usize]) -> Window {
    let image = |values: &[usize]| match values {
        [height, width] => [*height, *width],
        [width] => [1, *width],
        _ => [1, 1],
    };
    let (before, after) = pads.split_at(pads.len() / 2);
    let side = |values: &[usize]| match values {
        [height, width] => [*height, *width],
        [width] => [0, *width],
        _ => [0, 0],
    };
    let ([top, left], [bottom, right]) = (side(before), side(after));
    Window {
        size: image(&parts.size),
        stride: image(&parts.stride),
        pads: [top, left, bottom, right],
        dilation: image(&parts.dilation),
    }
}

/// The attribute `name`, which has as many numbers as `default`, all of them `least` or more.
pub(super) fn attribute(
    context: &Context<'_>,
    name: &str,
    default: Vec<usize>,
    least: usize,
) -> Result<Vec<usize>, Diagnostic> {
    let Some(values) = context.node.ints(name) else { return Ok(default) };
    let count = default.len();
    let legal = |value: &i64| usize::try_from(*value).ok().filter(|value| (least..=MAX).contains(value));
    match values.iter().map(legal).collect::<Option<Vec<usize>>>() {
        Some(values) if values.len() == count => Ok(values),
        _ => {
            let found = format!("{values:?}");
            Err(context.attribute(name, found, format!("{count} numbers from {least} to {MAX}")))
        }
    }
}

/// Height and width of a value with the rank of a line or an image, channels first.
pub(super) fn spatial(context: &Context<'_>, part: &str, shape: &[usize]) -> Result<Vec<usize>, Diagnostic> {
    match shape {
        [_, _, length] => Ok(vec![*length]),
        [_, _, height, width] => Ok(vec![*height, *width]),
        _ => {
            let needed = "batch, channels, and one or two axes of space";
            Err(context.problem(Code::UnsupportedForm, part, format!("shape {shape:?}"), needed))
        }
    }
}
