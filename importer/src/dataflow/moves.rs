//! Where the elements of a moved value come from, and the order in which elements stream. Called by `from_graph`.

use crate::graph::Op;

/// What stands at a place of a moved value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The element at this place of what is moved.
    Element(usize),
    /// A code that is none of its elements.
    Code(i64),
}

/// For each place of the stream of a value of `shape` the index of its element in the file's order: channels, which are
/// axis 1, are innermost.
pub fn stream_order(shape: &[usize]) -> Vec<usize> {
    let [batch, channels, rest @ ..] = shape else { return (0..shape.iter().product()).collect() };
    let pixels: usize = rest.iter().product();
    let place = |place: usize| {
        let (pixel, channel) = (place / channels, place % channels);
        ((pixel / pixels) * channels + channel) * pixels + pixel % pixels
    };
    (0..batch * channels * pixels).map(place).collect()
}

/// The inverse of an order.
pub(super) fn places(order: &[usize]) -> Vec<usize> {
    let mut places = vec![0; order.len()];
    for (place, element) in order.iter().enumerate() {
        places[*element] = place;
    }
    places
}

/// Sources of each element of the result of `op`, both in the file's order; none if `op` moves nothing.
pub(super) fn of_op(op: &Op, from: &[usize], to: &[usize]) -> Option<Vec<Source>> {
    let index_of = |at: &dyn Fn(usize, usize) -> Option<usize>| -> Vec<(usize, bool)> {
        let steps = strides(from);
        (0..to.iter().product())
            .map(|index| {
                let places = position(to, index);
                let mut sum = 0;
                for (axis, step) in steps.iter().enumerate() {
                    match at(axis, places.get(axis).copied().unwrap_or(0)) {
                        Some(place) => sum += place * step,
                        None => return (0, false),
                    }
                }
                (sum, true)
            })
            .collect()
    };
    let elements = |found: Vec<(usize, bool)>| found.into_iter().map(|(i, _)| Source::Element(i)).collect();
    Some(match op {
        Op::Reshape => (0..to.iter().product()).map(Source::Element).collect(),
        Op::Transpose { perm } => {
            let all = strides(from);
            let steps: Vec<usize> = perm.iter().map(|axis| all[*axis]).collect();
            let place = |index| position(to, index).iter().zip(&steps).map(|(at, step)| at * step).sum();
            (0..to.iter().product()).map(|index| Source::Element(place(index))).collect()
        }
        Op::Repeat { factors } => elements(index_of(&|axis, at| Some(at / factors[axis]))),
        Op::Slice { starts, steps, .. } => {
            elements(index_of(&|axis, at| starts[axis].checked_add_signed(steps[axis] * at as isize)))
        }
        Op::Border { before, code, .. } => {
            let found = index_of(&|axis, at| at.checked_sub(before[axis]).filter(|at| *at < from[axis]));
            let source = |(index, inside)| if inside { Source::Element(index) } else { Source::Code(*code) };
            found.into_iter().map(source).collect()
        }
        _ => return None,
    })
}

/// For each element of a value of shape `to` the element of one of shape `from` that is repeated there, by the rules of
/// broadcasting.
pub(super) fn broadcast(from: &[usize], to: &[usize]) -> Vec<usize> {
    let (steps, lead) = (strides(from), to.len().saturating_sub(from.len()));
    let place = |index: usize| {
        let at = position(to, index);
        let axes = from.iter().zip(&steps).zip(at.iter().skip(lead));
        axes.map(|((size, step), at)| if *size == 1 { 0 } else { at * step }).sum()
    };
    (0..to.iter().product()).map(place).collect()
}

fn strides(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect()
}

fn position(shape: &[usize], index: usize) -> Vec<usize> {
    shape.iter().zip(strides(shape)).map(|(size, step)| index / step % size).collect()
}
