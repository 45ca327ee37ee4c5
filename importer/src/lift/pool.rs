//! Pools of lines and images, and global ones.

use exactum_qonnx::{CHANNELS_LAST_DOMAIN, PoolWindow};

use super::conv::{channels_first, channels_last, image, like};
use super::window;
use super::{Context, Lifter, Operand};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{AveragePool, Layout, Op, Pool, ValueId, Window};

/// What is taken of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Max,
    Min,
    Average,
}

impl Kind {
    /// The operator with one window that covers all of `size`.
    pub(super) fn whole(self, size: [usize; 2]) -> Op {
        let window = Window { size, stride: [1, 1], pads: [0; 4], dilation: [1, 1] };
        let pool = Pool { window, layout: Layout::ChannelsFirst };
        match self {
            Self::Max => Op::MaxPool(pool),
            Self::Min => Op::MinPool(pool),
            Self::Average => Op::AveragePool(AveragePool { pool, count_include_pad: false }),
        }
    }
}

/// The windows of a pool on `input`, and how they are in the graph: what the last ones reach behind the padding is more of it.
fn windows(context: &Context<'_>, input: &[usize]) -> Result<(PoolWindow, Window), Diagnostic> {
    let found = PoolWindow::of(context.node, input, window::MAX);
    let found = found.map_err(|misfit| context.misfit(misfit))?;
    let window = window::of(context, &found.padded())?;
    if window.pads.iter().any(|pad| *pad > window::MAX) {
        return Err(context.problem(Code::TooLarge, "", format!("pads {:?}", window.pads), "16 bits each"));
    }
    Ok((found, window))
}

/// `ReorderInput` and `ReorderOutput` of ONNX Runtime's optimizer: blocks of channels are a matter of memory.
pub(super) fn reorder(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let (x, coding) = lifter.moved(context)?;
    let id = match (context.flag("channels_last"), context.node.op_type.as_str()) {
        (false, _) => lifter.emit(context, Op::Identity, vec![x], None)?,
        (true, "ReorderInput") => channels_first(lifter, context, x)?,
        (true, _) => channels_last(lifter, context, x)?,
    };
    lifter.finish(context, 0, Operand { id, coding });
    Ok(())
}

/// `MaxPool` and `NhwcMaxPool`, of codes too.
pub(super) fn max_pool(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    if context.flag("storage_order") {
        return Err(context.attribute("storage_order", "1", "0"));
    }
    let (x, coding) = lifter.moved(context)?;
    let last = context.node.domain == CHANNELS_LAST_DOMAIN
        || ["MaxPoolNHWC", "NhwcMaxPool"].contains(&context.node.op_type.as_str());
    let first = if last { channels_first(lifter, context, x)? } else { x };
    let (_, window) = windows(context, &window::spatial(context, "input 0", &lifter.shape(first))?)?;
    let wide = image(lifter, context, first)?;
    let pool = Pool { window, layout: Layout::ChannelsFirst };
    let y = lifter.emit(context, Op::MaxPool(pool), vec![wide], None)?;
    let y = like(lifter, context, y, first)?;
    let id = if last { channels_last(lifter, context, y)? } else { y };
    lifter.finish(context, 0, Operand { id, coding });
    Ok(())
}

/// `AveragePool`.
pub(super) fn average_pool(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let mut x = lifter.real(context, 0)?;
    let last = context.node.domain == CHANNELS_LAST_DOMAIN;
    if last {
        x = channels_first(lifter, context, x)?;
    }
    let mut y = average(lifter, context, x)?;
    if last {
        y = channels_last(lifter, context, y)?;
    }
    lifter.finish(context, 0, y);
    Ok(())
}

/// The averages of `x`, channels first, with the node's attributes.
pub(super) fn average(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
) -> Result<ValueId, Diagnostic> {
    let input = window::spatial(context, "input 0", &lifter.shape(x))?;
    let (given, window) = windows(context, &input)?;
    let mut count_include_pad = context.flag("count_include_pad");
    if given.beyond.iter().any(|beyond| *beyond > 0) && count_include_pad {
        // What ceil_mode adds is never counted.
        if !given.window.is_unpadded() {
            let found = "ceil_mode with padding that counts and windows that reach past it";
            let problem = context.attribute("ceil_mode", found, "0, or count_include_pad 0");
            return Err(problem.with_hint("use ceil_mode=False, or sizes that the strides divide"));
        }
        count_include_pad = false;
    }
    let wide = image(lifter, context, x)?;
    let pool = AveragePool { pool: Pool { window, layout: Layout::ChannelsFirst }, count_include_pad };
    let y = lifter.emit(context, Op::AveragePool(pool), vec![wide], None)?;
    like(lifter, context, y, x)
}

/// `GlobalAveragePool`.
pub(super) fn global_average_pool(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let y = global(lifter, context, x, Kind::Average)?;
    lifter.finish(context, 0, y);
    Ok(())
}

/// `GlobalMaxPool`, of codes too.
pub(super) fn global_max_pool(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let (x, coding) = lifter.moved(context)?;
    let id = global(lifter, context, x, Kind::Max)?;
    lifter.finish(context, 0, Operand { id, coding });
    Ok(())
}

/// The pool of each channel of `x` over all of its space.
pub(super) fn global(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
    kind: Kind,
) -> Result<ValueId, Diagnostic> {
    let shape = lifter.shape(x);
    let [n, c, space @ ..] = shape.as_slice() else {
        return Err(context.shapes(format!("{shape:?}"), "a value with batch and channels"));
    };
    let Some((width, rows)) = space.split_last() else { return Ok(x) };
    let size = [rows.iter().product(), *width];
    let image = lifter.reshape(context, x, &[*n, *c, size[0], size[1]])?;
    let y = lifter.emit(context, kind.whole(size), vec![image], None)?;
    lifter.reshape(context, y, &[&[*n, *c][..], &vec![1; space.len()]].concat())
}
