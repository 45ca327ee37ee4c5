//! Which real values are known to be integers within bounds: what can become an integer type by a `Cast`, which the
//! operators that round and limit do before.

use exactum_runtime::num::IntType;

use super::Lifter;
use crate::graph::{Activation, Constant, Op, ValueId};

/// Most operators that are looked through.
const DEPTH: usize = 32;

/// What is known of all elements of a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// No element is less.
    pub(super) lo: f64,
    /// No element is more.
    pub(super) hi: f64,
    /// All elements are integers.
    pub(super) whole: bool,
}

impl Bounds {
    const NONE: Self = Self { lo: f64::NEG_INFINITY, hi: f64::INFINITY, whole: false };

    /// The bounds of elements of one or of the other.
    fn or(self, other: Self) -> Self {
        Self { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi), whole: self.whole && other.whole }
    }

    /// The bounds of a monotone function, which keeps integers if `keeps`.
    fn map(self, f: impl Fn(f64) -> f64, keeps: bool) -> Self {
        let (a, b) = (f(self.lo), f(self.hi));
        Self { lo: a.min(b), hi: a.max(b), whole: self.whole && keeps }
    }
}

impl Lifter<'_> {
    /// What the operators that make `id` say of its elements.
    pub(super) fn bounds(&self, id: ValueId) -> Bounds {
        self.bounds_within(id, DEPTH)
    }

    fn bounds_within(&self, id: ValueId, depth: usize) -> Bounds {
        let (Some(index), true) = (self.graph.producer(id), depth > 0) else { return Bounds::NONE };
        let node = &self.graph.nodes[index];
        let operand = |operand: usize| self.bounds_within(node.inputs[operand], depth - 1);
        let number = |operand: usize| match &self.graph.value(*node.inputs.get(operand)?).constant {
            Some(Constant::Float(values)) if values.len() == 1 => Some(f64::from(values[0])),
            Some(Constant::Shape(values)) if values.len() == 1 => Some(values[0] as f64),
            _ => None,
        };
        let integer = |value: &f64| value.fract() == 0.0;
        match &node.op {
            Op::Identity | Op::Reshape | Op::Transpose { .. } | Op::Slice { .. } | Op::Repeat { .. } => {
                operand(0)
            }
            Op::Activation(Activation::Round { .. }) => {
                let x = operand(0);
                Bounds { lo: x.lo.floor(), hi: x.hi.ceil(), whole: true }
            }
            Op::Activation(Activation::Sign) => {
                let sign = |end: f64| if end == 0.0 { 0.0 } else { end.signum() };
                Bounds { whole: true, ..operand(0).map(sign, true) }
            }
            Op::Activation(Activation::Abs) => {
                let Bounds { lo, hi, whole } = operand(0);
                Bounds { lo: lo.max(-hi).max(0.0), hi: hi.max(-lo), whole }
            }
            Op::TopK { values: false, .. } => {
                let length = self.graph.value(node.inputs[0]).shape.last().copied().unwrap_or(1);
                Bounds { lo: 0.0, hi: length.saturating_sub(1) as f64, whole: true }
            }
            Op::Where => operand(1).or(operand(2)),
            Op::Max | Op::Min => {
                (1..node.inputs.len()).fold(operand(0), |bounds, index| bounds.or(operand(index)))
            }
            Op::Activation(Activation::Relu) => operand(0).map(|end| end.max(0.0), true),
            Op::Activation(Activation::Clip { lo, hi }) => {
                let limit = |end: f64| lo.map_or(end, |lo| end.max(lo)).min(hi.unwrap_or(f64::INFINITY));
                operand(0).map(limit, [lo, hi].into_iter().flatten().all(integer))
            }
            Op::Affine(affine) => match (&affine.multiply[..], &affine.divide[..], &affine.add[..]) {
                ([multiply], [1.0], [add]) => {
                    operand(0).map(|x| x * multiply + add, integer(multiply) && integer(add))
                }
                ([multiply], [divide], [add]) => operand(0).map(|x| x * multiply / divide + add, false),
                _ => Bounds::NONE,
            },
            Op::Add | Op::Sub | Op::Mul => {
                let of = |x: f64, y: f64| match node.op {
                    Op::Add => x + y,
                    Op::Sub => x - y,
                    _ => x * y,
                };
                match (number(0), number(1)) {
                    (None, Some(b)) => operand(0).map(|a| of(a, b), integer(&b)),
                    (Some(a), None) => operand(1).map(|b| of(a, b), integer(&a)),
                    _ => Bounds::NONE,
                }
            }
            Op::Quant(attributes) => match (number(1), number(2), number(3)) {
                (Some(scale), Some(zero), Some(bits)) => {
                    let int = IntType::new(bits as u8, attributes.signed, attributes.narrow);
                    let Some(int) = int else { return Bounds::NONE };
                    let codes = Bounds { lo: int.min() as f64, hi: int.max() as f64, whole: true };
                    codes.map(|code| (code - zero) * scale, integer(&scale) && integer(&zero))
                }
                _ => Bounds::NONE,
            },
            _ => Bounds::NONE,
        }
    }
}
