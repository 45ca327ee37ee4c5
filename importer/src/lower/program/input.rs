//! How a program quantizes its float inputs: by a scale where that is exact, else by thresholds on floats.
//!
//! Preprocessing before the first quantizer, such as `2 x - 1` or a mean for each channel, is part of the function from
//! floats to codes. Floats are ordered as the integers [`float_key`] makes of them, and a search over these finds the
//! first float of each code.

use exactum_runtime::num::{IntRange, float_key};
use exactum_runtime::program::InputRule;
use rayon::prelude::*;

use crate::diagnostic::{Code, Diagnostic};
use crate::exact::{InputFunction, Piece, Uniform};
use crate::graph::{Graph, Op, Tail, ValueId};

/// Most codes of an input that is quantized by thresholds.
const MOST_CODES: i64 = 1 << 12;

/// The quantizer of an input, with arrays of its own.
pub(super) enum Rule {
    Uniform { scale: f32, zero_point: i32, ties_to_odd: bool },
    Thresholds { thresholds: Vec<i32>, channels: u32, inner: u32, falling: bool, nan: i32 },
}

impl Rule {
    pub(super) fn view(&self) -> InputRule<'_> {
        match self {
            Self::Uniform { scale, zero_point, ties_to_odd } => {
                InputRule::Uniform { scale: *scale, zero_point: *zero_point, ties_to_odd: *ties_to_odd }
            }
            Self::Thresholds { thresholds, channels, inner, falling, nan } => InputRule::Thresholds {
                thresholds,
                channels: *channels,
                inner: *inner,
                falling: *falling,
                nan: *nan,
            },
        }
    }
}

/// The quantizer of input `id`; `None` if it is given as integers.
pub(super) fn rule(graph: &Graph, id: ValueId) -> Result<Option<Rule>, Diagnostic> {
    let quantize = graph.nodes.iter().enumerate().find_map(|(index, node)| match &node.op {
        Op::Quantize(edge) if node.inputs[0] == id => Some((index, edge)),
        _ => None,
    });
    let Some((index, edge)) = quantize else { return Ok(None) };
    let tail = &edge.tail;
    let function = InputFunction { curve: &tail.curve, quantizer: &tail.quantizer };
    if let Some(Uniform { scale, zero_point, ties_to_odd }) = function.uniform() {
        return Ok(Some(Rule::Uniform { scale, zero_point, ties_to_odd }));
    }
    let shape = &graph.value(id).shape;
    let range = tail.quantizer.codes();
    let refuse = |found: String, needed: &str| {
        Diagnostic::new(Code::UnsupportedForm, graph.location(index), found, needed)
    };
    if range.hi - range.lo >= MOST_CODES {
        let found = format!("an input with preprocessing, or not rounded half to even, and codes {range}");
        return Err(refuse(found, "at most 12 bits, or nothing but a quantizer that rounds half to even"));
    }
    let channels = tail.channels();
    let inner = edge.inner(shape);
    let end = |channel| [f32::NEG_INFINITY, f32::INFINITY].map(|x| function.code(channel, x));
    let ends: Vec<[i64; 2]> = (0..channels).map(end).collect();
    let falling = ends.iter().any(|[least, most]| least > most);
    let monotone = rises_or_falls(tail)
        && ends.iter().all(|[least, most]| if falling { least >= most } else { least <= most });
    if !monotone {
        return Err(refuse(
            "preprocessing that neither rises nor falls".to_owned(),
            "a quantizer right after the input",
        ));
    }
    let thresholds = (0..channels)
        .into_par_iter()
        .flat_map_iter(|channel| thresholds(function, channel, ends[channel], falling, range))
        .collect();
    let nan = function.code(0, f32::NAN) as i32;
    let count = |value: usize| u32::try_from(value.max(1)).map_err(|_| refuse(value.to_string(), "32 bits"));
    Ok(Some(Rule::Thresholds { thresholds, channels: count(channels)?, inner: count(inner)?, falling, nan }))
}

/// Whether every piece before the quantizer keeps or reverses the order of reals, in each channel.
fn rises_or_falls(tail: &Tail) -> bool {
    tail.curve.pieces().iter().all(|piece| matches!(piece, Piece::Affine { .. }) || piece.rises().is_some())
}

/// For each code after the first, the key of the first float that reaches it (or, falling, the key of the first that
/// no longer does). `ends` are the codes of the infinities.
fn thresholds(
    function: InputFunction<'_>,
    channel: usize,
    ends: [i64; 2],
    falling: bool,
    range: IntRange,
) -> Vec<i32> {
    let [least, most] = [f32::NEG_INFINITY, f32::INFINITY].map(|x| i64::from(float_key(x)));
    let code = |key: i64| match key {
        key if key == least => ends[0],
        key if key == most => ends[1],
        key => function.code(channel, from_key(key as i32)),
    };
    // `passed` counts thresholds at or below a key: code - lo, or hi - code.
    let passed = |key: i64| if falling { range.hi - code(key) } else { code(key) - range.lo };
    let mut found = vec![];
    let mut from = least;
    for step in 1..=range.hi - range.lo {
        let (mut below, mut reached) = (from - 1, most + 1);
        while reached - below > 1 {
            let middle = below.midpoint(reached);
            if passed(middle) >= step { reached = middle } else { below = middle }
        }
        from = reached.min(most);
        // A step that not even infinity takes is behind it.
        found.push(if reached > most { i32::MAX } else { reached as i32 });
    }
    found
}

/// The float whose key is `key`.
fn from_key(key: i32) -> f32 {
    f32::from_bits(if key < 0 { key.unsigned_abs() | 1 << 31 } else { key as u32 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_turn_back_into_floats() {
        for x in [0.0, 1.0, -1.0, f32::MIN, f32::MAX, f32::MIN_POSITIVE, -1e-45, 3.5e-20] {
            assert_eq!(from_key(float_key(x)), x);
        }
    }
}
