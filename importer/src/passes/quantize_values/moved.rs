//! Carries out moves of elements that waited, and keeps track of channels meanwhile.
//!
//! Functions of channels follow their elements: to another axis, to a part of the channels, to several elements in a row.
//! Kernels know channels along axis 1 alone, so where a function ends in codes its channels are brought there first.

use num_traits::Zero;

use super::Quantizer;
use super::known::{Known, Move, Source, before_move};
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::exact::{Curve, Rational};
use crate::graph::{ChannelMap, Codes, Meaning, Node, Op, Type, Value, ValueId};
use exactum_host::elements::{combined, strides};

impl Quantizer<'_> {
    /// The integers of `known` with its moves carried out, and what they stand for; channels may be anywhere.
    pub(super) fn moved(&mut self, at: &Location, known: Known) -> Result<Known, Diagnostic> {
        let Known { source, curve, channels, moves, origin, softmax, name, of } = known;
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
                let name = &self.to.value(id).name;
                let found = format!("`{name}`, which is float");
                let needed = "a quantizer before this node";
                let problem = Diagnostic::new(Code::MissingScale, at.clone(), found, needed);
                return Err(problem.with_hint(format!(
                    "where its numbers come as integers, say what one stands for: `--input-type \
                     {name}=uint8*0.00392157` for bytes from 0 to 1, `--input-type {name}=int8*0.0078125` for signed ones \
                     from -1 to 1"
                )));
            }
            Source::Sum(terms) => {
                let (id, unit) = self.exact_sum(at, &terms)?;
                (id, curve.after(&Curve::affine(unit, vec![Rational::zero()])))
            }
        };
        let exact = self.stands_for(id, &curve, channels.as_ref());
        let shape = self.to.value(id).shape.clone();
        let (channels, chosen) = carried(channels.as_ref(), curve.channels(), &shape, &moves);
        let curve = if chosen.is_empty() { curve } else { curve.select(&chosen) };
        let first = self.to.values.len();
        let source = Source::Integer(self.replay(id, &moves));
        if exact {
            self.note_moved(id, first, &moves);
        }
        Ok(Known { source, curve, channels, moves: vec![], origin, softmax, name, of })
    }

    /// As [`moved`](Self::moved), with channels along axis 1.
    pub(super) fn integers(&mut self, at: &Location, known: Known) -> Result<Known, Diagnostic> {
        let known = self.moved(at, known)?;
        let Some(channels) = &known.channels else { return Ok(known) };
        let Some(chosen) = channels.indices(&self.source_shape(&known), 1) else {
            // With the quantizer that is missing there would be one scale.
            let is_sum = matches!(&known.source, Source::Integer(id)
                if matches!(self.to.value(*id).ty, Type::Accumulators { .. }));
            return Err(if is_sum { self.unquantized(at, &known) } else { scattered(at, &known) });
        };
        Ok(Known { curve: known.curve.select(&chosen), channels: None, ..known })
    }

    /// As [`moved`](Self::moved), with channels along axis 1 of a source that one transpose may be waiting for.
    pub(super) fn settled(&mut self, at: &Location, known: Known) -> Result<Known, Diagnostic> {
        let known = self.moved(at, known)?;
        let Some(channels) = &known.channels else { return Ok(known) };
        let shape = self.source_shape(&known);
        let found = (0..shape.len()).find_map(|axis| Some((axis, channels.indices(&shape, axis)?)));
        let Some((axis, chosen)) = found else { return Err(scattered(at, &known)) };
        let known = Known { curve: known.curve.clone().select(&chosen), channels: None, ..known };
        Ok(self.turned(&known, axis).unwrap_or(known))
    }

    /// `known` with the indices along `axis` of its value as the channels of its source, `count` of them.
    pub(super) fn along(
        &mut self,
        at: &Location,
        known: Known,
        axis: usize,
        count: usize,
    ) -> Result<Known, Diagnostic> {
        if let Some(found) = self.directly_along(&known, axis, count) {
            return Ok(found);
        }
        // Elements that were moved across channels have to be there before each gets its function.
        let settled = self.settled(at, known)?;
        self.directly_along(&settled, axis, count).ok_or_else(|| {
            let found = format!("{count} constants along axis {axis} of `{}`", settled.name);
            let needed = "one constant, or one for each channel, where others have been before";
            Diagnostic::new(Code::BadChannels, at.clone(), found, needed)
        })
    }

    fn directly_along(&mut self, known: &Known, axis: usize, count: usize) -> Option<Known> {
        let axis = self.source_axis(known, axis)?;
        let shape = self.source_shape(known);
        if shape[axis] != count {
            return None;
        }
        let one = known.curve.channels() == 1;
        match (&known.source, &known.channels) {
            (Source::Float(_), channels) => {
                let along = (axis != 1).then(|| ChannelMap::along(&shape, axis));
                (one || *channels == along).then(|| Known { channels: along, ..known.clone() })
            }
            (_, None) if axis == 1 => Some(known.clone()),
            _ if one => self.turned(known, axis),
            _ => None,
        }
    }

    /// `known`, whose curve has no channels or those along `axis` of the source, with that axis as axis 1 of another
    /// source and the way back waiting; `None` if the source is no single value that can be turned.
    fn turned(&mut self, known: &Known, axis: usize) -> Option<Known> {
        let shape = self.source_shape(known);
        let step = |op: Op, shape: Vec<usize>| Move::of(op, shape, &known.name);
        let (forth, back) = if shape.len() == 1 {
            (step(Op::Reshape, vec![1, shape[0]]), step(Op::Reshape, shape.clone()))
        } else {
            let mut perm: Vec<usize> = (0..shape.len()).filter(|other| *other != axis).collect();
            perm.insert(1, axis);
            let mut inverse = vec![0; perm.len()];
            perm.iter().enumerate().for_each(|(to, from)| inverse[*from] = to);
            let turned = perm.iter().map(|axis| shape[*axis]).collect();
            (step(Op::Transpose { perm }, turned), step(Op::Transpose { perm: inverse }, shape.clone()))
        };
        let source = match &known.source {
            Source::Float(_) => return None,
            Source::Integer(id) => {
                let place = (*id, axis);
                let turned = match self.turns.get(&place) {
                    Some(turned) => *turned,
                    None => self.replay(*id, std::slice::from_ref(&forth)),
                };
                self.turns.insert(place, turned);
                Source::Integer(turned)
            }
            Source::Sum(terms) => {
                let whole = terms.values.iter().all(|id| self.to.value(*id).shape == shape);
                if !whole || terms.gains.iter().any(|gains| gains.len() > 1) {
                    return None;
                }
                let mut terms = terms.clone();
                for id in &mut terms.values {
                    *id = self.replay(*id, std::slice::from_ref(&forth));
                }
                terms.shape.clone_from(&forth.shape);
                Source::Sum(terms)
            }
        };
        let moves = std::iter::once(back).chain(known.moves.iter().cloned()).collect();
        Some(Known { source, channels: None, moves, ..known.clone() })
    }

    /// `known` with one source for functions of the same integers, some of which had an axis turned for their channels.
    pub(super) fn aligned(&mut self, known: Vec<Known>) -> Vec<Known> {
        let turn = known.iter().find_map(|known| match known.source {
            Source::Integer(id) => {
                self.turns.iter().find(|(_, turned)| **turned == id).map(|(place, _)| *place)
            }
            _ => None,
        });
        let Some((from, axis)) = turn else { return known };
        let align = |known: Known| match known.source {
            Source::Integer(id) if id == from && known.channels.is_none() && known.curve.channels() == 1 => {
                self.turned(&known, axis).unwrap_or(known)
            }
            _ => known,
        };
        known.into_iter().map(align).collect()
    }

    /// Emits `moves` of the integers `id`.
    pub(super) fn replay(&mut self, mut id: ValueId, moves: &[Move]) -> ValueId {
        for step in moves {
            let Move { op, shape, name, result, origin, .. } = step;
            let before = self.to.value(id).shape.clone();
            let ty = moved_type(&self.to.value(id).ty, step, &before);
            let output = self.to.add(Value::new(result.clone(), shape.clone(), ty));
            let name = name.clone();
            let origin = if origin.is_empty() { self.origin.clone() } else { origin.clone() };
            self.to.nodes.push(Node::new(name, origin, op.clone(), vec![id], output));
            id = output;
        }
        id
    }
}

/// The type of the result of `step`, whose operand has type `ty` and the shape `before`.
fn moved_type(ty: &Type, step: &Move, before: &[usize]) -> Type {
    match ty {
        Type::Codes(codes) if codes.scale.len() > 1 => {
            let is_axis = |after: &usize| before_move(&step.op, &step.shape, before, *after) == codes.axis;
            let axis = (0..step.shape.len()).find(is_axis);
            // Scales that no axis has any more are in the function that is kept beside the integers.
            let scale = if axis.is_some() { codes.scale.clone() } else { codes.scale[..1].to_vec() };
            Type::Codes(Codes { axis, scale, ..codes.clone() })
        }
        Type::Accumulators { meaning: Some(meaning), bounds } if meaning.count() > 1 => {
            let (channels, chosen) =
                carried(meaning.channels.as_ref(), meaning.count(), before, std::slice::from_ref(step));
            let of = |values: &[Rational]| match (values.len(), chosen.len()) {
                (1, _) | (_, 0) => values.to_vec(),
                _ => chosen.iter().map(|channel| values[*channel as usize].clone()).collect(),
            };
            let (gain, offset) = (of(&meaning.gain), of(&meaning.offset));
            let meaning = Some(Meaning { gain, offset, channels });
            Type::Accumulators { meaning, bounds: bounds.clone() }
        }
        other => other.clone(),
    }
}

/// The elements of a tensor of `shape` as the move `op` puts them.
fn rearranged(op: &Op, elements: &[u32], shape: &[usize]) -> Vec<u32> {
    let steps = strides(shape);
    let along = |axis: usize, count: usize, at: &dyn Fn(usize) -> usize| -> Vec<usize> {
        (0..count).map(|index| at(index) * steps[axis]).collect()
    };
    let axes: Vec<Vec<usize>> = match op {
        Op::Transpose { perm } => perm.iter().map(|axis| along(*axis, shape[*axis], &|i| i)).collect(),
        Op::Repeat { factors } => {
            factors.iter().enumerate().map(|(axis, by)| along(axis, shape[axis] * by, &|i| i / by)).collect()
        }
        Op::Slice { starts, steps, sizes } => (0..shape.len())
            .map(|axis| {
                along(axis, sizes[axis], &|i| (starts[axis] as isize + i as isize * steps[axis]) as usize)
            })
            .collect(),
        _ => return elements.to_vec(),
    };
    combined(axes.iter().map(|offsets| offsets.iter().copied())).into_iter().map(|at| elements[at]).collect()
}

/// Where `count` channels of a value of `shape` are after `moves`, and which of them are left, in which order; nothing if
/// all are as they were.
fn carried(
    channels: Option<&ChannelMap>,
    count: usize,
    shape: &[usize],
    moves: &[Move],
) -> (Option<ChannelMap>, Vec<u32>) {
    if count == 1 || moves.is_empty() {
        return (channels.filter(|_| count > 1).cloned(), vec![]);
    }
    let before = channels.cloned().unwrap_or_else(|| ChannelMap::along(shape, 1));
    let mut elements = before.elements(shape.iter().product());
    let mut shape = shape;
    let mut strides = suffixes(shape);
    for step in moves {
        elements = rearranged(&step.op, &elements, shape);
        shape = &step.shape;
        strides.extend(suffixes(shape));
    }
    described(&elements, count, shape, &strides)
}

/// Where the channels of `elements`, `count` of them, are in a value of `shape`, and which of them in which order; nothing
/// if they are those along axis 1.
pub(super) fn described(
    elements: &[u32],
    count: usize,
    shape: &[usize],
    strides: &[usize],
) -> (Option<ChannelMap>, Vec<u32>) {
    let mut strides = [strides, &suffixes(shape)].concat();
    strides.sort_unstable();
    strides.dedup();
    let mut map = ChannelMap::of_elements(elements, &strides);
    let mut chosen = vec![];
    if !map.order.is_empty() && map.order.len() <= count {
        chosen = std::mem::take(&mut map.order);
    } else if map.order.is_empty() && map.numbers() < count {
        chosen = (0..map.numbers() as u32).collect();
    }
    let natural = chosen.len() == 1 || map == ChannelMap::along(shape, 1);
    ((!natural).then_some(map), chosen)
}

fn suffixes(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect()
}

fn scattered(at: &Location, known: &Known) -> Diagnostic {
    let found = format!("`{}`, whose elements were moved while each channel has a scale or bias", known.name);
    let problem =
        Diagnostic::new(Code::BadChannels, at.clone(), found, "a quantizer with one scale before the move");
    problem.with_hint("quantize the result of the layer before its elements are moved")
}
