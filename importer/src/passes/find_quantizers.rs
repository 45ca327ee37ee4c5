//! Writes rounding between bounds as a quantizer: the chains of `Div`, `Round`, `Add`, `Clip`, `Cast`, `Sub` and `Mul` that
//! tools leave of fake quantization.
//!
//! Where rounded numbers are limited to integers, before or after the rounding, what is left are codes of scale 1. A
//! division right before becomes the scale. Everything else of the chain stays the exact function that it is.

use exactum_runtime::num::{IntRange, IntType, Rounding};
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::{Pass, Run};
use crate::diagnostic::Result;
use crate::exact::{self, Rational};
use crate::graph::{
    Activation, Affine, Constant, FileNodeId, Graph, Level, Node, Op, QuantAttributes, Type, Value, ValueId,
    joined,
};

pub(super) const PASS: Pass = Pass {
    name: "find-quantizers",
    about: "turn rounding between bounds into quantizers",
    from: Level::Imported,
    to: Level::Imported,
    run: Run::Always(run),
};

/// Most nodes that are looked through.
const DEPTH: usize = 32;

fn run(graph: &mut Graph) -> Result<()> {
    let mut index = 0;
    while index < graph.nodes.len() {
        let found = match &graph.nodes[index].op {
            Op::Activation(Activation::Round { .. }) => before(graph, index),
            Op::Activation(Activation::Clip { .. } | Activation::Relu) => after(graph, index),
            _ => None,
        };
        match found {
            Some(codes) => index += write(graph, index, &codes),
            None => index += 1,
        }
    }
    Ok(())
}

/// Rounded numbers between two integers, and what the node at hand makes of them.
struct Rounded {
    /// What is rounded.
    x: ValueId,
    rounding: Rounding,
    /// Least and greatest.
    range: IntRange,
    line: Line,
    /// What a code is more than the rounded number, if codes of that have a type.
    zero: i64,
    origin: Vec<FileNodeId>,
}

/// `x * gain + offset`.
#[derive(Clone)]
struct Line {
    gain: Rational,
    offset: Rational,
}

impl Line {
    fn identity() -> Self {
        Self { gain: Rational::one(), offset: Rational::zero() }
    }

    /// The line of an affine function that is one for all channels.
    fn of(affine: &Affine) -> Option<Self> {
        let (mut gain, mut offset) = affine.line().ok().filter(|(gain, _)| gain.len() == 1)?;
        Some(Self { gain: gain.remove(0), offset: offset.remove(0) })
    }

    fn then(&self, next: &Self) -> Self {
        Self { gain: &self.gain * &next.gain, offset: &self.offset * &next.gain + &next.offset }
    }

    fn at(&self, x: &Rational) -> Rational {
        x * &self.gain + &self.offset
    }

    /// The offset, if the line does nothing but add an integer.
    fn shift(&self) -> Option<i64> {
        (self.gain.is_one() && self.offset.is_integer()).then(|| self.offset.to_i64()).flatten()
    }

    /// The line as nodes have it.
    fn affine(&self) -> Option<Affine> {
        let whole = |value: &num_bigint::BigInt| {
            let double = value.to_f64()?;
            (exact::from_f64(double)? == Rational::from_integer(value.clone())).then_some(double)
        };
        let add = self.offset.to_f64()?;
        (exact::from_f64(add).as_ref() == Some(&self.offset)).then_some(())?;
        let (multiply, divide) = (whole(self.gain.numer())?, whole(self.gain.denom())?);
        Some(Affine { multiply: vec![multiply], divide: vec![divide], add: vec![add], axis: 1 })
    }

    /// The integer that becomes `y`.
    fn integer(&self, y: &Rational) -> Option<i64> {
        if self.gain.is_zero() {
            return None;
        }
        let x = (y - &self.offset) / &self.gain;
        x.is_integer().then(|| x.to_i64()).flatten()
    }
}

/// Bounds of an activation that limits; an infinite one is none.
fn bounds(op: &Op) -> Option<[Option<Rational>; 2]> {
    match op {
        Op::Activation(Activation::Relu) => Some([Some(Rational::zero()), None]),
        Op::Activation(Activation::Clip { lo, hi }) => Some([*lo, *hi].map(|end| exact::from_f64(end?))),
        _ => None,
    }
}

/// The rounding of numbers that are limited already.
fn before(graph: &Graph, index: usize) -> Option<Rounded> {
    let node = &graph.nodes[index];
    let Op::Activation(Activation::Round { rounding }) = node.op else { return None };
    let [Some(lo), Some(hi)] = limits(graph, node.inputs[0], DEPTH) else { return None };
    let end = |value: &Rational| exact::round(value, rounding).to_i64();
    let range = IntRange::new(end(&lo)?, end(&hi)?)?;
    let mut readers = graph.consumers(node.output);
    let added = readers.next().and_then(|reader| match &graph.nodes[reader].op {
        Op::Affine(affine) => Line::of(affine)?.shift(),
        _ => None,
    });
    let zero = added.unwrap_or(0);
    let origin = node.origin.clone();
    Some(Rounded { x: node.inputs[0], rounding, range, line: Line::identity(), zero, origin })
}

/// The bounds that clips and lines before it leave of the real value `id`.
fn limits(graph: &Graph, id: ValueId, depth: usize) -> [Option<Rational>; 2] {
    let (Some(index), true) = (graph.producer(id), depth > 0) else { return [None, None] };
    let node = &graph.nodes[index];
    match &node.op {
        Op::Affine(affine) => match Line::of(affine) {
            Some(line) => {
                let [lo, hi] =
                    limits(graph, node.inputs[0], depth - 1).map(|end| end.map(|end| line.at(&end)));
                if line.gain.is_negative() { [hi, lo] } else { [lo, hi] }
            }
            None => [None, None],
        },
        op => match bounds(op) {
            Some([lo, hi]) => {
                let inside = |end: Rational| {
                    let raised = lo.as_ref().map_or(end.clone(), |lo| end.max(lo.clone()));
                    hi.as_ref().map_or(raised.clone(), |hi| raised.min(hi.clone()))
                };
                let [least, most] = limits(graph, node.inputs[0], depth - 1).map(|end| end.map(&inside));
                [least.or(lo.clone()), most.or(hi.clone())]
            }
            None => [None, None],
        },
    }
}

/// The rounding whose results the clip `index` limits, directly or after lines and other clips.
fn after(graph: &Graph, index: usize) -> Option<Rounded> {
    // From the rounding on.
    let mut chain = vec![];
    let mut at = index;
    let (x, rounding) = loop {
        let node = &graph.nodes[at];
        chain.insert(0, at);
        match &node.op {
            Op::Activation(Activation::Round { rounding }) => break (node.inputs[0], *rounding),
            Op::Affine(_) | Op::Activation(Activation::Clip { .. } | Activation::Relu) => {}
            _ => return None,
        }
        if chain.len() > DEPTH {
            return None;
        }
        at = graph.producer(node.inputs[0])?;
    };
    let mut line = Line::identity();
    let mut ends: [Option<i64>; 2] = [None, None];
    for place in &chain[1..] {
        match &graph.nodes[*place].op {
            Op::Affine(affine) => line = line.then(&Line::of(affine)?),
            op => {
                if !line.gain.is_positive() {
                    return None;
                }
                let [lo, hi] = bounds(op)?;
                // A bound between two integers would be a value of its own.
                let lo = lo.map(|lo| line.integer(&lo).ok_or(())).transpose().ok()?;
                let hi = hi.map(|hi| line.integer(&hi).ok_or(())).transpose().ok()?;
                let inside = |end: i64| {
                    let raised = lo.map_or(end, |lo| end.max(lo));
                    hi.map_or(raised, |hi| raised.min(hi))
                };
                let [least, most] = ends.map(|end| end.map(inside));
                ends = [least.or(lo), most.or(hi)];
            }
        }
    }
    let [Some(lo), Some(hi)] = ends else { return None };
    let origin = chain.iter().flat_map(|place| graph.nodes[*place].origin.clone()).collect();
    let zero = line.shift().unwrap_or(0);
    Some(Rounded { x, rounding, range: IntRange::new(lo, hi)?, line, zero, origin })
}

/// The division that makes `x`, by a scale that a quantizer can have: what it divides, and the scale.
fn divided(graph: &Graph, x: ValueId) -> Option<(ValueId, f32)> {
    let node = &graph.nodes[graph.producer(x)?];
    let Op::Affine(affine) = &node.op else { return None };
    let (&[1.0], &[0.0], &[divide]) =
        (affine.multiply.as_slice(), affine.add.as_slice(), affine.divide.as_slice())
    else {
        return None;
    };
    let scale = divide as f32;
    (f64::from(scale) == divide && scale > 0.0 && scale.is_finite()).then(|| (node.inputs[0], scale))
}

/// Puts a quantizer before node `index`, which becomes what is left of the chain. How many nodes are there now; none are
/// added, and one is passed over, if codes of the range have no type.
fn write(graph: &mut Graph, index: usize, rounded: &Rounded) -> usize {
    let Rounded { x, rounding, range, line, zero, origin } = rounded;
    let Some(rest) = line.affine() else { return 1 };
    // Codes keep the zero point that is added to them, as the file stores them, unless they are narrower without.
    let typed = [*zero, 0].into_iter().filter_map(|zero| typed(*range, zero));
    let Some((int, codes, zero)) = typed.min_by_key(|(int, ..)| int.width.bits()) else { return 1 };
    let (source, scale) = divided(graph, *x).unwrap_or((*x, 1.0));
    let node = graph.nodes[index].clone();
    let name = |part: &str| format!("{}:{part}", node.name);
    let mut constant = |part: &str, value: f32| {
        let constant = Some(Constant::Float(vec![value]));
        graph.add(Value { constant, ..Value::new(name(part), vec![], Type::Float) })
    };
    let parameters = [
        constant("scale", scale),
        constant("zero_point", zero as f32),
        constant("bits", f32::from(int.width.bits())),
    ];
    let shape = graph.value(source).shape.clone();
    let quantized = graph.add(Value::new(name("codes"), shape, Type::Float));
    let attributes = QuantAttributes {
        signed: int.signed,
        narrow: false,
        rounding: *rounding,
        zero_point_outside: true,
        clip: Some([codes.lo, codes.hi]),
    };
    let quantizer = Node::new(
        name("codes"),
        joined(&node.origin, origin),
        Op::Quant(attributes),
        [source].into_iter().chain(parameters).collect(),
        quantized,
    );
    // The real value of the codes is in units of the scale.
    let units = graph.add(Value::new(name("units"), graph.value(quantized).shape.clone(), Type::Float));
    let in_units = Node::new(
        name("units"),
        node.origin.clone(),
        Op::Affine(Affine { multiply: vec![1.0], divide: vec![f64::from(scale)], add: vec![0.0], axis: 1 }),
        vec![quantized],
        units,
    );
    graph.nodes[index] = Node { op: Op::Affine(rest), inputs: vec![units], ..node };
    graph.nodes.splice(index..index, [quantizer, in_units]);
    3
}

/// The type of rounded numbers in `range` with `zero` added, their codes, and the zero point, which has to be one of them.
fn typed(range: IntRange, zero: i64) -> Option<(IntType, IntRange, i64)> {
    let codes = IntRange::new(range.lo.checked_add(zero)?, range.hi.checked_add(zero)?)?;
    let types = (1..=16).flat_map(|bits| [false, true].map(|signed| IntType::new(bits, signed, false)));
    // One signed bit is a sign.
    let holds = |int: &IntType| int.range().contains_range(codes) && (!int.signed || int.width.bits() > 1);
    let int = types.flatten().find(holds)?;
    codes.contains(zero).then_some((int, codes, zero))
}
