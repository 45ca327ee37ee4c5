//! Products of two computed values.

use num_traits::Zero;

use super::Quantizer;
use super::known::{Known, Move, Source, of_meaning};
use super::pool::whole_zero;
use super::sums::of_one_source;
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::exact::{self, Curve, Piece, Rational, zip};
use crate::graph::{FileNodeId, Meaning, Node, Op, Type, ValueId};
use crate::passes::bound_accumulators;

/// One operand of a product: integers, and gain and offset of each channel.
struct Operand {
    id: ValueId,
    gain: Vec<Rational>,
    offset: Vec<Rational>,
}

impl Quantizer<'_> {
    pub(super) fn multiply(&mut self, at: &Location, node: &Node) -> Result<(), Diagnostic> {
        let both = [self.known(at, node.inputs[0])?, self.known(at, node.inputs[1])?];
        let product = self.product_of(at, node, both)?;
        self.known.insert(node.output, product);
        Ok(())
    }

    /// The product of `both`, the value that `node` computes.
    pub(super) fn product_of(
        &mut self,
        at: &Location,
        node: &Node,
        both: [Known; 2],
    ) -> Result<Known, Diagnostic> {
        // A product of integers is one as it is.
        let affine = both.iter().all(|known| known.curve.as_affine().is_some());
        if !affine && let Some(known) = of_one_source(node, &both, product) {
            return Ok(known);
        }
        let (known, mut operands) = self.operands(at, node, both)?;
        self.wider_first(&mut operands);
        let zeros = operands.each_ref().map(|operand| whole_zero(&operand.gain, &operand.offset));
        let zero_points = zeros.map(|zero| zero.unwrap_or(0));
        let [a, b] = &operands;
        let meaning = Meaning {
            gain: zip(&a.gain, &b.gain, |a, b| a * b),
            offset: vec![Rational::zero()],
            channels: None,
        };
        let ty = Type::Accumulators { meaning: Some(meaning.clone()), bounds: vec![] };
        let inputs = vec![a.id, b.id];
        let whole = zeros.iter().all(Option::is_some);
        let output = self.result(node.output, ty);
        if !whole {
            self.to.value_mut(output).name.push_str(".codes");
        }
        let origin: Vec<FileNodeId> = known.iter().flat_map(|known| known.origin.clone()).collect();
        self.push(node, &origin, Op::Product { zero_points }, inputs, output);
        if bound_accumulators::of_value(&self.to, output).is_none() {
            let found = "products past 62 bits";
            let needed = "an activation quantizer of fewer bits on each operand";
            return Err(Diagnostic::new(Code::AccumulatorTooWide, at.clone(), found, needed));
        }
        let product = Known::integer(output, of_meaning(&meaning));
        if whole { Ok(product) } else { self.product_beside(at, node, product, operands, zero_points) }
    }

    /// The product of two operands of which no integer is zero in at least one, as in `(1 - gate) * value`: `product`, of what they
    /// are apart from `zero_points`, and each operand times what is left of the other at its zero point.
    fn product_beside(
        &mut self,
        at: &Location,
        node: &Node,
        product: Known,
        operands: [Operand; 2],
        zero_points: [i64; 2],
    ) -> Result<Known, Diagnostic> {
        let left = |index: usize| {
            let zero = exact::from_integer(zero_points[index]);
            zip(&operands[index].gain, &operands[index].offset, |gain, offset| gain * &zero + offset)
        };
        let mut parts = vec![product];
        for (index, other) in [left(1), left(0)].into_iter().enumerate() {
            if other.iter().all(Zero::is_zero) {
                continue;
            }
            let zero = exact::from_integer(zero_points[index]);
            let gain = zip(&operands[index].gain, &other, |gain, other| gain * other);
            let mut offset: Vec<Rational> = gain.iter().map(|gain| -gain * &zero).collect();
            if index == 0 {
                let both = zip(&left(0), &other, |own, other| own * other);
                offset = zip(&offset, &both, |offset, both| offset + both);
            }
            parts.push(Known::integer(operands[index].id, Curve::affine(gain, offset)));
        }
        self.sum_of(at, node, parts)
    }

    /// Both operands as integers with an affine meaning.
    fn operands(
        &mut self,
        at: &Location,
        node: &Node,
        operands: [Known; 2],
    ) -> Result<([Known; 2], [Operand; 2]), Diagnostic> {
        let mut both = vec![];
        for (index, known) in operands.into_iter().enumerate() {
            let at = at.clone().at_part(format!("input {index}"));
            let known = self.integers(&at, known)?;
            let (id, gain, offset, known) = match (&known.source, known.curve.as_affine()) {
                (Source::Integer(id), Some((gain, offset))) => (*id, gain, offset, known),
                _ => {
                    let grid = self.grid(&at, node, known.clone(), 32)?;
                    let gain = vec![grid.gain.clone()];
                    let offset = vec![-grid.gain * exact::from_integer(grid.zero_point)];
                    (grid.id, gain, offset, known)
                }
            };
            let id = self.broadcast(node, id);
            both.push((known, Operand { id, gain, offset }));
        }
        let (second, first) = (both.pop().expect("two operands"), both.pop().expect("two operands"));
        Ok(([first.0, second.0], [first.1, second.1]))
    }

    /// Operand `id` of `node` with as many axes as the result: whole, one element for each channel, or one for all.
    /// Other operands are repeated.
    pub(super) fn broadcast(&mut self, node: &Node, id: ValueId) -> ValueId {
        let target = self.from.value(node.output).shape.clone();
        let name = self.to.value(id).name.clone();
        let mut shape = self.to.value(id).shape.clone();
        let step = |op: Op, shape: &[usize]| Move::of(op, shape.to_vec(), &name);
        let mut moves = vec![];
        if shape.len() < target.len() {
            shape = [vec![1; target.len() - shape.len()], shape].concat();
            moves.push(step(Op::Reshape, &shape));
        }
        let one_each = target.len() > 2 && (0..shape.len()).all(|axis| axis == 1 || shape[axis] == 1);
        let for_channels = one_each && shape[1] == target[1];
        if shape != target && shape.iter().any(|size| *size != 1) && !for_channels {
            let factors = shape.iter().zip(&target).map(|(from, to)| to / (*from).max(1)).collect();
            moves.push(step(Op::Repeat { factors }, &target));
        }
        self.replay(id, &moves)
    }

    /// Puts the operand that has all elements first.
    fn wider_first(&self, operands: &mut [Operand; 2]) {
        let elems = |operand: &Operand| self.to.value(operand.id).elems();
        let swap = elems(&operands[0]) < elems(&operands[1]);
        if swap {
            operands.swap(0, 1);
        }
    }
}

fn product(a: Curve, b: Curve) -> Curve {
    Curve::identity().then(Piece::Product { factors: Box::new([a, b]) })
}
