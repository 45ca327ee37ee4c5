//! What carries a float value of the file: an integer value, the real function of its integers, and moves of elements
//! that wait until the function has ended in a quantizer.

use num_traits::{One, Zero};

use super::Quantizer;
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::exact::{Curve, Rational};
use crate::graph::{Codes, Meaning, Node, Op, Softmax, Type, Value, ValueId};

/// How a float value of the file is represented.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// What is computed.
    pub(super) source: Source,
    /// The real value of one element of the source. Its channels are the indices along axis 1.
    pub(super) curve: Curve,
    /// Moves of elements between the source and the value, in order.
    pub(super) moves: Vec<Move>,
    /// Names of the file's nodes that the curve holds.
    pub(super) origin: Vec<String>,
    /// A softmax that only the caller can compute, and what follows it.
    pub(super) softmax: Option<Softmax>,
    /// Name of the value in the file, for problems.
    pub(super) name: String,
}

/// Where elements come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A float input of the graph.
    Float(ValueId),
    /// Codes or accumulators.
    Integer(ValueId),
    /// The real sum of two integers, each in its unit.
    Pair(Box<Pair>),
}

/// The real sum `gains[0] * a + gains[1] * b`, with gains for all channels or for each.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) values: [ValueId; 2],
    pub(super) gains: [Vec<Rational>; 2],
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
}

/// A reordering of elements.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Move {
    pub(super) op: Op,
    pub(super) shape: Vec<usize>,
    /// Name of the node.
    pub(super) name: String,
    /// Name of its result.
    pub(super) result: String,
    pub(super) origin: Vec<String>,
}

impl Known {
    fn new(source: Source, curve: Curve) -> Self {
        Self { source, curve, moves: vec![], origin: vec![], softmax: None, name: String::new() }
    }

    /// The float input `id`.
    pub(super) fn float(id: ValueId) -> Self {
        Self::new(Source::Float(id), Curve::identity())
    }

    /// The integers `id`, which stand for `curve`.
    pub(super) fn integer(id: ValueId, curve: Curve) -> Self {
        Self::new(Source::Integer(id), curve)
    }

    /// The sum `pair` plus `offset` of all channels or of each.
    pub(super) fn pair(pair: Pair, offset: Vec<Rational>) -> Self {
        Self::new(Source::Pair(Box::new(pair)), Curve::affine(vec![Rational::one()], offset))
    }
}

/// The real function of codes with their own scale and zero point.
pub(super) fn native(codes: &Codes) -> Curve {
    of_meaning(&Meaning::of_codes(codes))
}

/// The real function that `meaning` states.
pub(super) fn of_meaning(meaning: &Meaning) -> Curve {
    Curve::affine(meaning.gain.clone(), meaning.offset.clone())
}

impl Quantizer<'_> {
    /// Shape of what `known` moves elements of.
    pub(super) fn source_shape(&self, known: &Known) -> Vec<usize> {
        match &known.source {
            Source::Float(id) | Source::Integer(id) => self.to.value(*id).shape.clone(),
            Source::Pair(pair) => pair.shape.clone(),
        }
    }

    /// The axis of the source that axis `axis` of the moved value is, if each of its indices is one of the source's.
    pub(super) fn source_axis(&self, known: &Known, axis: usize) -> Option<usize> {
        let mut shapes = vec![self.source_shape(known)];
        shapes.extend(known.moves.iter().map(|step| step.shape.clone()));
        let mut axis = axis;
        for (step, before) in known.moves.iter().zip(&shapes).rev() {
            axis = before_move(step, before, axis)?;
        }
        Some(axis)
    }

    /// The integers of `known` with its moves carried out, and what they stand for. Channels stay along axis 1.
    pub(super) fn integers(&mut self, at: &Location, known: Known) -> Result<Known, Diagnostic> {
        let Known { source, curve, moves, origin, softmax, name } = known;
        if softmax.is_some() {
            let needed = "softmax as the last operator, or only argmax after it";
            return Err(Diagnostic::new(
                Code::UnsupportedForm,
                at.clone(),
                "a softmax inside the model",
                needed,
            ));
        }
        let (id, curve) = match source {
            Source::Integer(id) => (id, curve),
            Source::Float(id) => {
                let found = format!("`{}`, which is float", self.to.value(id).name);
                return Err(Diagnostic::new(
                    Code::MissingScale,
                    at.clone(),
                    found,
                    "a quantizer before this node",
                ));
            }
            Source::Pair(pair) => {
                let (id, unit) = self.exact_sum(at, &pair)?;
                (id, curve.after(&Curve::affine(unit, vec![Rational::zero()])))
            }
        };
        let known = Known { source: Source::Integer(id), curve, moves, origin, softmax, name };
        if known.moves.is_empty() {
            return Ok(known);
        }
        let kept = known.curve.channels() == 1 || self.moved_channels(&known) == Some(1);
        if !kept {
            let found = "moved elements of a value with a function for each channel";
            return Err(Diagnostic::new(
                Code::BadChannels,
                at.clone(),
                found,
                "a quantizer with one scale before",
            ));
        }
        let moved = self.replay(id, &known.moves);
        Ok(Known { source: Source::Integer(moved), moves: vec![], ..known })
    }

    /// The axis of the moved value that axis 1 of the source became.
    fn moved_channels(&self, known: &Known) -> Option<usize> {
        let rank = known.moves.last().map_or(0, |step| step.shape.len());
        (0..rank).find(|axis| self.source_axis(known, *axis) == Some(1))
    }

    /// Emits `moves` of the integers `id`.
    pub(super) fn replay(&mut self, mut id: ValueId, moves: &[Move]) -> ValueId {
        for step in moves {
            let Move { op, shape, name, result, origin } = step;
            let before = self.to.value(id).shape.clone();
            let ty = match &self.to.value(id).ty {
                Type::Codes(codes) => {
                    let axis = codes.axis.and_then(|axis| {
                        (0..shape.len()).find(|after| before_move(step, &before, *after) == Some(axis))
                    });
                    Type::Codes(Codes { axis, ..codes.clone() })
                }
                other => other.clone(),
            };
            let output = self.to.add(Value::new(result.clone(), shape.clone(), ty));
            let (name, origin) = (name.clone(), origin.clone());
            self.to.nodes.push(Node { name, origin, op: op.clone(), inputs: vec![id], output });
            id = output;
        }
        id
    }

    /// Keeps `node`, which moves elements, until the function of its operand has ended.
    pub(super) fn move_elements(&mut self, at: &Location, node: &Node) -> Result<(), Diagnostic> {
        let mut known = self.known(at, node.inputs[0])?;
        let Value { name, shape, .. } = self.from.value(node.output);
        known.moves.push(Move {
            op: node.op.clone(),
            shape: shape.clone(),
            name: node.name.clone(),
            result: name.clone(),
            origin: node.origin.clone(),
        });
        self.known.insert(node.output, known);
        Ok(())
    }
}

/// The axis before `step` that its result's `axis` is; `before` is the shape there.
fn before_move(step: &Move, before: &[usize], axis: usize) -> Option<usize> {
    match &step.op {
        Op::Transpose { perm } => perm.get(axis).copied(),
        Op::Reshape => {
            let ahead: usize = step.shape[..axis].iter().product();
            let size = *step.shape.get(axis)?;
            (0..before.len()).find(|from| {
                before[*from] == size && before[..*from].iter().product::<usize>() == ahead && size > 1
            })
        }
        Op::Repeat { factors } => (factors.get(axis) == Some(&1)).then_some(axis),
        Op::Slice { starts, steps, sizes } => {
            (starts.get(axis) == Some(&0) && steps[axis] == 1 && sizes[axis] == before[axis]).then_some(axis)
        }
        _ => None,
    }
}
