//! Windows of convolutions and pools in the graph, from the attributes of the file.
//!
//! Windows over lines are windows over images of height 1.

use exactum_qonnx::Window as FileWindow;

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::Window;

/// Largest size, stride, dilation or padding; the program format keeps them in 16 bits.
pub(super) const MAX: usize = u16::MAX as usize;

/// The window of the convolution on an input whose last axes are `input`, one or two, with a weight of extents `kernel`.
pub(super) fn read(context: &Context<'_>, input: &[usize], kernel: &[usize]) -> Result<Window, Diagnostic> {
    let window = FileWindow::of(context.node, input, Some(kernel), MAX);
    of(context, &window.map_err(|misfit| context.misfit(misfit))?)
}

/// The window of the graph for `window`.
pub(super) fn of(context: &Context<'_>, window: &FileWindow) -> Result<Window, Diagnostic> {
    let FileWindow { kernel, stride, dilation, begin, end } = window.two_dimensional();
    if kernel.iter().any(|size| !(1..=MAX).contains(size)) {
        let found = format!("a window of {:?}", window.kernel);
        return Err(context.shapes(found, format!("1 to {MAX} taps along each axis")));
    }
    Ok(Window {
        size: [kernel[0], kernel[1]],
        stride: [stride[0], stride[1]],
        pads: [begin[0], begin[1], end[0], end[1]],
        dilation: [dilation[0], dilation[1]],
    })
}

/// The attribute `name`, which has as many numbers as `default`, all of them `least` or more.
pub(super) fn attribute(
    context: &Context<'_>,
    name: &str,
    default: Vec<usize>,
    least: usize,
) -> Result<Vec<usize>, Diagnostic> {
    let extents = context.node.extents(name, default.len(), least, MAX);
    Ok(extents.map_err(|misfit| context.misfit(misfit))?.unwrap_or(default))
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
