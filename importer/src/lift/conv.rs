//! `Conv` and `ConvTranspose` of lines and images, channels first or last.

use exactum_qonnx::{CHANNELS_LAST_DOMAIN, TransposedWindow};

use super::window;
use super::{Context, Lifter};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Conv, ConvTranspose, Layout, Op, ValueId};

/// `Conv`.
pub(super) fn conv(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let mut x = lifter.real(context, 0)?;
    let mut weight = lifter.weight(context, 1)?;
    let bias = bias(lifter, context)?;
    let last = context.node.domain == CHANNELS_LAST_DOMAIN;
    if last {
        x = channels_first(lifter, context, x)?;
        weight = channels_first(lifter, context, weight)?;
    }
    let mut y = convolve(lifter, context, x, weight, bias)?;
    if last {
        y = channels_last(lifter, context, y)?;
    }
    lifter.finish(context, 0, y);
    Ok(())
}

/// The optional bias at operand 2.
pub(super) fn bias(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<Option<ValueId>, Diagnostic> {
    context.optional(2).map(|_| lifter.weight(context, 2)).transpose()
}

/// `x`, whose channels are last, with its channels first.
pub(super) fn channels_first(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
) -> Result<ValueId, Diagnostic> {
    let rank = lifter.shape(x).len();
    if rank < 2 {
        return Err(context.shapes(format!("rank {rank}"), "batch and channels at least"));
    }
    lifter.transpose(context, x, [0, rank - 1].into_iter().chain(1..rank - 1).collect())
}

/// `x`, whose channels are first, with its channels last.
pub(super) fn channels_last(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
) -> Result<ValueId, Diagnostic> {
    let rank = lifter.shape(x).len();
    lifter.transpose(context, x, [0].into_iter().chain(2..rank).chain([1]).collect())
}

/// `x` as an image: a line is one of height 1.
pub(super) fn image(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
) -> Result<ValueId, Diagnostic> {
    match lifter.shape(x)[..] {
        [n, c, length] => lifter.reshape(context, x, &[n, c, 1, length]),
        _ => Ok(x),
    }
}

/// The image `y` in the rank of `like`.
pub(super) fn like(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    y: ValueId,
    like: ValueId,
) -> Result<ValueId, Diagnostic> {
    match (lifter.shape(like).len(), lifter.shape(y).as_slice()) {
        (3, &[n, c, 1, length]) => lifter.reshape(context, y, &[n, c, length]),
        _ => Ok(y),
    }
}

fn groups(context: &Context<'_>) -> Result<usize, Diagnostic> {
    let groups = context.node.int("group").unwrap_or(1);
    usize::try_from(groups)
        .ok()
        .filter(|groups| *groups > 0)
        .ok_or_else(|| context.attribute("group", groups.to_string(), "1 or more"))
}

/// The convolution of `x`, channels first, with the node's attributes.
pub(super) fn convolve(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
    weight: ValueId,
    bias: Option<ValueId>,
) -> Result<ValueId, Diagnostic> {
    let input = window::spatial(context, "input 0", &lifter.shape(x))?;
    let size = window::spatial(context, "weight", &lifter.shape(weight))?;
    if input.len() != size.len() {
        let found = format!("input {:?}, weight {:?}", lifter.shape(x), lifter.shape(weight));
        return Err(context.shapes(found, "as many axes of both"));
    }
    let window = window::read(context, &input, &size)?;
    let conv = Conv { window, groups: groups(context)?, layout: Layout::ChannelsFirst };
    let (wide, taps) = (image(lifter, context, x)?, image(lifter, context, weight)?);
    let operands = [wide, taps].into_iter().chain(bias).collect();
    let y = lifter.emit(context, Op::Conv(conv), operands, None)?;
    like(lifter, context, y, x)
}

/// `ConvTranspose`.
pub(super) fn conv_transpose(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let weight = lifter.weight(context, 1)?;
    let bias = bias(lifter, context)?;
    let input = window::spatial(context, "input 0", &lifter.shape(x))?;
    let size = window::spatial(context, "weight", &lifter.shape(weight))?;
    if input.len() != size.len() {
        let found = format!("input {:?}, weight {:?}", lifter.shape(x), lifter.shape(weight));
        return Err(context.shapes(found, "as many axes of both"));
    }
    let found = TransposedWindow::of(context.node, &input, &size, window::MAX);
    let TransposedWindow { window, output_padding } = found.map_err(|misfit| context.misfit(misfit))?;
    if let Some(padding) = output_padding.iter().find(|padding| **padding > window::MAX) {
        return Err(context.problem(Code::TooLarge, "", format!("output padding {padding}"), "16 bits"));
    }
    let op = ConvTranspose {
        window: window::of(context, &window)?,
        output_padding: match output_padding[..] {
            [height, width] => [height, width],
            [width] => [0, width],
            _ => [0, 0],
        },
        groups: groups(context)?,
        layout: Layout::ChannelsFirst,
    };
    let (wide, taps) = (image(lifter, context, x)?, image(lifter, context, weight)?);
    let operands = [wide, taps].into_iter().chain(bias).collect();
    let y = lifter.emit(context, Op::ConvTranspose(op), operands, None)?;
    let y = like(lifter, context, y, x)?;
    lifter.finish(context, 0, y);
    Ok(())
}
