//! The largest and smallest of windows, and of several values, and choices between values.
//!
//! The device knows maxima of windows of integers. Where reals fall with their integers, and for minima, the integers are
//! turned around before and back after it. Several values are one, joined along the rows, with a window that takes one
//! row of each.

use exactum_runtime::num::IntRange;
use num_traits::{Signed, ToPrimitive, Zero};

use super::Quantizer;
use super::known::{Known, Move, Source};
use super::quantizers::smallest_type;
use super::regrid::{common, shown};
use super::sums::of_one_source;
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::exact::{self, Curve, Piece, Quantizer as Rule, Rational};
use crate::graph::{Codes, Layout, Node, Op, Pool, Requantize, Tail, Type, Value, ValueId, Window};

impl Quantizer<'_> {
    /// `MaxPool`, or with `smallest` the same of the smallest elements.
    pub(super) fn extreme_pool(
        &mut self,
        at: &Location,
        node: &Node,
        pool: &Pool,
        smallest: bool,
    ) -> Result<(), Diagnostic> {
        let known = self.known(at, node.inputs[0])?;
        let known = self.integers(at, known)?;
        let Source::Integer(x) = known.source else { return Err(no_order(at, &known)) };
        let turns = turns(&known.curve, smallest).ok_or_else(|| no_order(at, &known))?;
        let x = self.reversed(node, x, &turns, None);
        let ty = self.to.value(x).ty.clone();
        let output = self.result(node.output, ty);
        self.push(node, &[], Op::MaxPool(*pool), vec![x], output);
        let name = self.to.value(output).name.clone();
        if turns.contains(&true) {
            self.to.value_mut(output).name = format!("{name}.turned");
        }
        let back = self.reversed(node, output, &turns, Some(name));
        self.known.insert(node.output, Known { source: Source::Integer(back), ..known });
        Ok(())
    }

    /// `Max` or `Min` of several values.
    pub(super) fn extreme(&mut self, at: &Location, node: &Node, smallest: bool) -> Result<(), Diagnostic> {
        let mut known = vec![];
        for (index, id) in node.inputs.iter().enumerate() {
            known.push(self.known(&at.clone().at_part(format!("input {index}")), *id)?);
        }
        let known = self.aligned(known);
        // The larger of two is the first, and what the second has more.
        let larger = |a: Curve, b: Curve| {
            let more = b.plus(a.clone().negated());
            let (lo, hi) =
                if smallest { (None, Some(Rational::zero())) } else { (Some(Rational::zero()), None) };
            a.plus(more.then(Piece::Clip { lo, hi }))
        };
        if let Some(known) = of_one_source(node, &known, larger) {
            self.known.insert(node.output, known);
            return Ok(());
        }
        let mut parts = vec![];
        for (index, known) in known.into_iter().enumerate() {
            let part = self.integers(&at.clone().at_part(format!("input {index}")), known)?;
            parts.push(part);
        }
        let codes = |known: &Known| match known.source {
            Source::Integer(id) => self.to.value(id).codes().cloned(),
            _ => None,
        };
        let alike = parts.iter().all(|part| part.curve == parts[0].curve && codes(part).is_some());
        let turns = turns(&parts[0].curve, smallest).filter(|_| alike);
        let (ids, turns, curve) = match turns {
            Some(turns) => (parts.iter().filter_map(integer).collect(), turns, parts[0].curve.clone()),
            None => {
                let (ids, unit) = self.one_grid(at, node, &parts)?;
                (ids, vec![smallest], Curve::affine(vec![unit], vec![Rational::zero()]))
            }
        };
        let origin = parts.iter().flat_map(|part| part.origin.clone()).collect();
        let id = self.largest_of(at, node, &ids, &turns)?;
        self.known.insert(node.output, Known { origin, ..Known::integer(id, curve) });
        Ok(())
    }

    /// `Where`: a choice between two values by a third.
    pub(super) fn choose(&mut self, at: &Location, node: &Node) -> Result<(), Diagnostic> {
        let mut known = vec![];
        for (index, id) in node.inputs.iter().enumerate() {
            known.push(self.known(&at.clone().at_part(format!("input {index}")), *id)?);
        }
        let [condition, yes, no]: [Known; 3] =
            self.aligned(known).try_into().map_err(|_| no_order(at, &Known::float(node.output)))?;
        if condition.shares_source(&yes) && condition.shares_source(&no) {
            let parts = Box::new([condition.curve.clone(), yes.curve.clone(), no.curve.clone()]);
            let curve = Curve::identity().then(Piece::Select { parts });
            let all = [condition, yes, no];
            let chosen = of_one_source(node, &all, |a, _| a).map(|known| Known { curve, ..known });
            self.known.extend(chosen.map(|chosen| (node.output, chosen)));
            return Ok(());
        }
        // 1 where it holds, else 0; and the other way round.
        let holds = condition.curve.clone().then(Piece::Sign).then(Piece::Abs);
        let fails = holds.clone().negated().plus(Curve::constant(vec![exact::from_integer(1)]));
        let mask = |curve: Curve| Known { curve, ..condition.clone() };
        let of = |known: &Known, less: &[Rational]| {
            let less = Curve::constant(less.iter().map(|value| -value).collect());
            Known { curve: known.curve.clone().plus(less), ..known.clone() }
        };
        let chosen = match (constant(&yes.curve), constant(&no.curve)) {
            (_, Some(other)) => {
                let chosen = self.product_of(at, node, [mask(holds), of(&yes, &other)])?;
                Known { curve: chosen.curve.plus(Curve::constant(other)), ..chosen }
            }
            (Some(other), _) => {
                let chosen = self.product_of(at, node, [mask(fails), of(&no, &other)])?;
                Known { curve: chosen.curve.plus(Curve::constant(other)), ..chosen }
            }
            _ => {
                let both = vec![
                    self.product_of(at, node, [mask(holds), yes])?,
                    self.product_of(at, node, [mask(fails), no])?,
                ];
                self.sum_of(at, node, both)?
            }
        };
        self.known.insert(node.output, chosen);
        Ok(())
    }

    /// The integers `id`, turned around in the channels where `turns` says so; doing it again undoes it. Codes stay
    /// within their range. `name` is that of the result.
    fn reversed(&mut self, node: &Node, id: ValueId, turns: &[bool], name: Option<String>) -> ValueId {
        if !turns.contains(&true) {
            return id;
        }
        let Value { name: before, shape, ty, .. } = self.to.value(id).clone();
        let (op, inputs, ty) = match ty {
            Type::Codes(codes) => {
                let IntRange { lo, hi } = codes.range;
                let gain = turns.iter().map(|turn| exact::from_integer(if *turn { -1 } else { 1 })).collect();
                let offset = turns.iter().map(|turn| exact::from_integer(if *turn { lo + hi } else { 0 }));
                let tail = Tail {
                    curve: Curve::affine(gain, offset.collect()),
                    quantizer: plain(codes.range),
                    int: codes.int,
                };
                (Op::Requantize(Requantize::Exact(tail)), vec![id], Type::Codes(codes))
            }
            ty => {
                let multipliers = turns.iter().map(|turn| [if *turn { -1 } else { 1 }, 0]).collect();
                (Op::Sum { multipliers }, vec![id, id], ty)
            }
        };
        let name = name.unwrap_or_else(|| format!("{before}.turned"));
        let output = self.to.add(Value::new(name, shape, ty));
        self.push(node, &[], op, inputs, output);
        output
    }

    /// The largest of the codes `ids`, element by element, or in channels that `turns` names the smallest.
    fn largest_of(
        &mut self,
        at: &Location,
        node: &Node,
        ids: &[ValueId],
        turns: &[bool],
    ) -> Result<ValueId, Diagnostic> {
        let shape = self.to.value(ids[0]).shape.clone();
        let codes: Vec<Codes> = ids.iter().filter_map(|id| self.to.value(*id).codes().cloned()).collect();
        let range = codes.iter().map(|codes| codes.range).reduce(IntRange::union);
        let zero = codes.first().map(|codes| IntRange::point(codes.zero_point));
        let int = range.zip(zero).and_then(|(range, zero)| smallest_type(range.union(zero)));
        let (Some(range), Some(int), Some(first)) = (range, int, codes.first()) else {
            let found = "codes past 32 bits".to_owned();
            return Err(Diagnostic::new(Code::BadBitWidth, at.clone(), found, "codes that fit 32 bits"));
        };
        let codes = Codes { int, range, axis: None, ..first.clone() };
        // One batch, channels, rows, columns.
        let image = match shape.as_slice() {
            [1, channels, height, width] => vec![1, *channels, *height, *width],
            [1, channels, rest @ ..] => vec![1, *channels, rest.iter().product(), 1],
            all => vec![1, 1, all.iter().product(), 1],
        };
        let height = image[2];
        let mut rows = vec![];
        for id in ids {
            let same = self.retyped(node, *id, &codes);
            let turned = self.reversed(node, same, turns, None);
            rows.push(self.in_shape(turned, &image));
        }
        let joined = vec![1, image[1], height * ids.len(), image[3]];
        let ty = Type::Codes(codes);
        let name = self.from.value(node.output).name.clone();
        let value = |part: &str, shape: Vec<usize>| Value::new(format!("{name}.{part}"), shape, ty.clone());
        let (joined, largest) = (value("operands", joined), value("largest", image));
        let (joined, largest) = (self.to.add(joined), self.to.add(largest));
        self.push(node, &[], Op::Concat { axis: 2 }, rows, joined);
        let window = Window { size: [ids.len(), 1], stride: [1, 1], pads: [0; 4], dilation: [height, 1] };
        let pool = Pool { window, layout: Layout::ChannelsFirst };
        self.push(node, &[], Op::MaxPool(pool), vec![joined], largest);
        let back = self.reversed(node, largest, turns, None);
        Ok(self.in_shape(back, &shape))
    }

    /// The codes `id` as codes of the type and range of `codes`.
    fn retyped(&mut self, node: &Node, id: ValueId, codes: &Codes) -> ValueId {
        let Value { name, shape, ty, .. } = self.to.value(id).clone();
        let same = Type::Codes(codes.clone());
        if ty == same {
            return id;
        }
        let tail = Tail { curve: Curve::identity(), quantizer: plain(codes.range), int: codes.int };
        let output = self.to.add(Value::new(format!("{name}.codes"), shape, same));
        let op = Op::Requantize(Requantize::Exact(tail));
        self.push(node, &[], op, vec![id], output);
        output
    }

    fn in_shape(&mut self, id: ValueId, shape: &[usize]) -> ValueId {
        let Value { name, shape: from, .. } = self.to.value(id);
        if from == shape {
            return id;
        }
        let step = Move::of(Op::Reshape, shape.to_vec(), name);
        self.replay(id, &[step])
    }

    /// `parts` as codes with one gain and zero point 0: the largest unit of which all their values are whole multiples.
    fn one_grid(
        &mut self,
        at: &Location,
        node: &Node,
        parts: &[Known],
    ) -> Result<(Vec<ValueId>, Rational), Diagnostic> {
        let units =
            parts.iter().map(|part| self.unit(integer(part)?, &part.curve)).collect::<Option<Vec<_>>>();
        let unit = units.iter().flatten().fold(Rational::zero(), |unit, (own, _)| common(&unit, own));
        let scaled = |(own, range): &(Rational, IntRange)| {
            let end = |end: i64| (own / &unit * exact::from_integer(end)).to_integer().to_i64();
            IntRange::new(end(range.lo)?, end(range.hi)?)
        };
        let ranges = units.as_ref().and_then(|units| units.iter().map(scaled).collect::<Option<Vec<_>>>());
        let int = ranges.as_ref().and_then(|ranges| {
            smallest_type(ranges.iter().copied().reduce(IntRange::union)?.union(IntRange::point(0)))
        });
        let (Some(ranges), Some(int)) = (ranges, int) else {
            let found = "values whose scales have no common unit that 32 bits hold";
            let needed = "a quantizer after the comparison, or one scale for all operands";
            return Err(Diagnostic::new(Code::MissingScale, at.clone(), found, needed));
        };
        let mut ids = vec![];
        for (part, range) in parts.iter().zip(ranges) {
            let quantizer = Rule::multiples(unit.clone(), range);
            let tail = Tail { curve: part.curve.clone(), quantizer, int };
            let codes = Codes { int, range, zero_point: 0, scale: vec![shown(&unit)], axis: None };
            let id = self.emit(at, node, &Known { origin: vec![], ..part.clone() }, tail, codes)?;
            self.to.value_mut(id).name = format!("{}.codes", part.name);
            ids.push(id);
        }
        Ok((ids, unit))
    }
}

/// Whether integers have to be turned around so that the largest of them is the largest real, or with `smallest` the
/// smallest: for all channels, or for each. `None` where neither rises.
fn turns(curve: &Curve, smallest: bool) -> Option<Vec<bool>> {
    let mut turns = vec![smallest];
    for piece in curve.pieces() {
        turns = match piece {
            Piece::Affine { gain, .. } => (0..turns.len().max(gain.len()))
                .map(|channel| {
                    let gain = &gain[if gain.len() == 1 { 0 } else { channel }];
                    turns[if turns.len() == 1 { 0 } else { channel }] != gain.is_negative()
                })
                .collect(),
            piece => {
                let rises = piece.rises()?;
                turns.into_iter().map(|turn| turn == rises).collect()
            }
        };
    }
    if turns.windows(2).all(|pair| pair[0] == pair[1]) {
        turns.truncate(1);
    }
    Some(turns)
}

/// The one number that `curve` gives.
fn constant(curve: &Curve) -> Option<Vec<Rational>> {
    match curve.pieces().last()? {
        Piece::Affine { gain, offset } if gain.iter().all(Zero::is_zero) && offset.len() == 1 => {
            Some(offset.clone())
        }
        _ => None,
    }
}

fn integer(known: &Known) -> Option<ValueId> {
    match known.source {
        Source::Integer(id) => Some(id),
        _ => None,
    }
}

/// Codes from codes: nothing is rounded.
fn plain(range: IntRange) -> Rule {
    Rule::multiples(exact::from_integer(1), range)
}

fn no_order(at: &Location, known: &Known) -> Diagnostic {
    let found = format!("`{}`, which neither rises nor falls with its integers", known.name);
    let needed = "a quantizer between the function and the comparison";
    Diagnostic::new(Code::MissingScale, at.clone(), found, needed)
}
