//! What carries a float value of the file: an integer value, the real function of its integers, and moves of elements
//! that wait until the function has ended in a quantizer.

use num_traits::One;

use super::Quantizer;
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::exact::{Curve, Rational};
use crate::graph::{ChannelMap, Codes, FileNodeId, Meaning, Node, Op, Softmax, Value, ValueId};

/// How a float value of the file is represented.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// What is computed.
    pub(super) source: Source,
    /// The real value of one element of the source.
    pub(super) curve: Curve,
    /// Where the channels of the curve are in the source, if not along axis 1.
    pub(super) channels: Option<ChannelMap>,
    /// Moves of elements between the source and the value, in order.
    pub(super) moves: Vec<Move>,
    /// Nodes of the file that the curve holds.
    pub(super) origin: Vec<FileNodeId>,
    /// A softmax that only the caller can compute, and what follows it.
    pub(super) softmax: Option<Softmax>,
    /// Name of the value in the file, for problems.
    pub(super) name: String,
    /// The value in the old graph, where it is one.
    pub(super) of: Option<ValueId>,
}

/// Where elements come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A float input of the graph.
    Float(ValueId),
    /// Codes or accumulators.
    Integer(ValueId),
    /// The real sum of two integers or more, each in its unit.
    Sum(Box<Terms>),
}

/// The real sum of `gains * values`, with gains for all channels or for each.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// Two or more; the first has all elements.
    pub(super) values: Vec<ValueId>,
    pub(super) gains: Vec<Vec<Rational>>,
    /// Name of the sum in the file.
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    /// Name of its node.
    pub(super) node: String,
    /// Origin of its node.
    pub(super) origin: Vec<FileNodeId>,
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
    /// Its result in the old graph, if it is there.
    pub(super) value: Option<ValueId>,
    pub(super) origin: Vec<FileNodeId>,
}

impl Move {
    /// A move of the value `name` that is none of the file's.
    pub(super) fn of(op: Op, shape: Vec<usize>, name: &str) -> Self {
        let name = name.to_owned();
        Self { op, shape, result: name.clone(), name, value: None, origin: vec![] }
    }
}

impl Known {
    fn new(source: Source, curve: Curve) -> Self {
        Self {
            source,
            curve,
            channels: None,
            moves: vec![],
            origin: vec![],
            softmax: None,
            name: String::new(),
            of: None,
        }
    }

    /// The float input `id`.
    pub(super) fn float(id: ValueId) -> Self {
        Self::new(Source::Float(id), Curve::identity())
    }

    /// The integers `id`, which stand for `curve`.
    pub(super) fn integer(id: ValueId, curve: Curve) -> Self {
        Self::new(Source::Integer(id), curve)
    }

    /// The sum of `terms` plus `offset` of all channels or of each.
    pub(super) fn sum(terms: Terms, offset: Vec<Rational>) -> Self {
        Self::new(Source::Sum(Box::new(terms)), Curve::affine(vec![Rational::one()], offset))
    }

    /// Whether both are functions of the same integers or floats, element by element.
    pub(super) fn shares_source(&self, other: &Self) -> bool {
        let same = match (&self.source, &other.source) {
            (Source::Integer(a), Source::Integer(b)) | (Source::Float(a), Source::Float(b)) => a == b,
            _ => false,
        };
        let moves = |known: &Self| -> Vec<(Op, Vec<usize>)> {
            known.moves.iter().map(|step| (step.op.clone(), step.shape.clone())).collect()
        };
        let alike = self.channels == other.channels && moves(self) == moves(other);
        same && alike && self.softmax.is_none() && other.softmax.is_none()
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
            Source::Sum(terms) => terms.shape.clone(),
        }
    }

    /// The axis of the source that axis `axis` of the moved value is, if each of its indices is one of the source's.
    pub(super) fn source_axis(&self, known: &Known, axis: usize) -> Option<usize> {
        let mut shapes = vec![self.source_shape(known)];
        shapes.extend(known.moves.iter().map(|step| step.shape.clone()));
        let mut axis = axis;
        for (step, before) in known.moves.iter().zip(&shapes).rev() {
            axis = before_move(&step.op, &step.shape, before, axis)?;
        }
        Some(axis)
    }

    /// The problem that nothing quantizes the value that `known` carries.
    pub(super) fn unquantized(&self, at: &Location, known: &Known) -> Diagnostic {
        let moves = |op: &Op| {
            matches!(
                op,
                Op::Identity | Op::Reshape | Op::Transpose { .. } | Op::Repeat { .. } | Op::Slice { .. }
            )
        };
        let made = |id: ValueId| self.from.producer(id).map(|index| &self.from.nodes[index]);
        let mut producer = known.of.and_then(made);
        while let Some(node) = producer.filter(|node| moves(&node.op)) {
            producer = made(node.inputs[0]);
        }
        let found = match producer {
            Some(node) if self.from.value(node.output).name == node.name => {
                format!("`{}`, which is not quantized", node.name)
            }
            Some(node) => {
                format!("`{}`, the unquantized result of `{}`", self.from.value(node.output).name, node.name)
            }
            None => format!("`{}`, the unquantized result of a layer or activation", known.name),
        };
        Diagnostic::new(Code::MissingScale, at.clone(), found, "an activation quantizer between the two")
    }

    /// Whether the channels of the source, along axis 1, are those of the moved value.
    pub(super) fn keeps_channels(&self, known: &Known) -> bool {
        let rank = known.moves.last().map_or(0, |step| step.shape.len());
        let first = (0..rank).find(|axis| self.source_axis(known, *axis) == Some(1));
        known.channels.is_none() && first == Some(1)
    }

    /// Keeps `node`, which moves elements, until the function of its operand has ended.
    pub(super) fn move_elements(&mut self, at: &Location, node: &Node) -> Result<(), Diagnostic> {
        let mut known = self.known(at, node.inputs[0])?;
        let Value { name, shape, .. } = self.from.value(node.output);
        if let Some(softmax) = &mut known.softmax {
            // A line of a softmax stays one, or there is no axis to name.
            let before = self.from.value(node.inputs[0]).shape.clone();
            let moved = Some(softmax.axis).filter(|axis| before[*axis] > 1).and_then(|axis| {
                (0..shape.len()).find(|after| before_move(&node.op, shape, &before, *after) == Some(axis))
            });
            softmax.axis = moved.ok_or_else(|| {
                let found = "elements of a softmax that are moved apart";
                let needed = "softmax as the last operator, or moves that keep its axis";
                Diagnostic::new(Code::UnsupportedForm, at.clone(), found, needed)
            })?;
        }
        known.moves.push(Move {
            op: node.op.clone(),
            shape: shape.clone(),
            name: node.name.clone(),
            result: name.clone(),
            value: Some(node.output),
            origin: node.origin.clone(),
        });
        self.known.insert(node.output, known);
        Ok(())
    }
}

/// The axis of shape `before` that axis `axis` of shape `after` is, between which `op` moves elements.
pub(super) fn before_move(op: &Op, after: &[usize], before: &[usize], axis: usize) -> Option<usize> {
    match op {
        Op::Transpose { perm } => perm.get(axis).copied(),
        Op::Reshape => {
            let ahead: usize = after[..axis].iter().product();
            let size = *after.get(axis)?;
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
