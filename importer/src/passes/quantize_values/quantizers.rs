//! Where the real function of a value ends in codes: `Quant`, `BipolarQuant`, `Trunc`, `MultiThreshold`.

use exactum_runtime::codes::Element;
use exactum_runtime::num::{IntRange, IntType, Rounding};

use num_traits::{One, ToPrimitive, Zero};

use super::known::{Known, Source, native};
use super::{Quantizer, parameters};
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::exact::{self, Curve, Interval, Piece, Quantizer as Rule, Rational};
use crate::graph::{
    ChannelMap, Codes, MultiThreshold, Node, Op, QuantAttributes, Quantize, Requantize, RequantizePair,
    Softmax, Storage, Tail, Type, Value, ValueId, exact_scale, joined,
};

/// Codes -1 and 1.
const BIPOLAR: IntType = IntType::new(2, true, true).unwrap();

impl Quantizer<'_> {
    pub(super) fn quant(
        &mut self,
        at: &Location,
        index: usize,
        node: &Node,
        attributes: &QuantAttributes,
    ) -> Result<(), Diagnostic> {
        let codes = parameters::of_node(self.from, index, node)?;
        let known = self.known(at, node.inputs[0])?;
        let bits = parameters::floats(self.from, node, at, 3, "bit width")?;
        if attributes.signed && bits[0] == 1.0 {
            // One signed bit is a sign, as QONNX defines it: x / scale + zero point >= 0.
            let scale = exact_scale(codes.scale[0]);
            let shift = scale * exact::from_integer(codes.zero_point);
            let shifted = Piece::Affine { gain: vec![Rational::one()], offset: vec![shift] };
            let codes = Codes { zero_point: 0, ..codes };
            return self.sign(at, node, Known { curve: known.curve.clone().then(shifted), ..known }, codes);
        }
        let codes = one_scale(codes);
        if self.repeats(&known, &codes) {
            self.known.insert(node.output, known);
            return Ok(());
        }
        if let Some(id) = self.same_codes(&known, &codes) {
            let curve = native(&codes);
            let moved = Known { source: Source::Integer(id), curve, channels: None, ..known };
            self.known.insert(node.output, moved);
            return Ok(());
        }
        let (scale, zero_point) = (exact_scale(codes.scale[0]), codes.zero_point);
        let (inside, after) = if attributes.zero_point_outside { (0, zero_point) } else { (zero_point, 0) };
        let rule = |scale| Rule::Uniform {
            scale,
            zero_point: inside,
            after,
            range: codes.range,
            rounding: attributes.rounding,
        };
        if codes.axis.is_none() {
            return self.end(at, node, known, rule(scale), codes);
        }
        let known = self.before_softmax(at, node)?;
        let axis = codes.axis.unwrap_or(1);
        let known = self.along(&at.clone().at_part("scale"), known, axis, codes.scale.len())?;
        // Each channel in units of its own scale.
        let gain = codes.scale.iter().map(|scale| exact_scale(*scale).recip()).collect();
        let piece = Piece::Affine { gain, offset: vec![Rational::zero()] };
        let shape = self.source_shape(&known);
        let axis = known.channels.as_ref().map_or(Some(1), |channels| channels.axis(&shape));
        let codes = Codes { axis, ..codes };
        self.end(
            at,
            node,
            Known { curve: known.curve.clone().then(piece), ..known },
            rule(Rational::one()),
            codes,
        )
    }

    /// The operand of a quantizer that a caller, who computes a softmax, is not told of.
    fn before_softmax(&self, at: &Location, node: &Node) -> Result<Known, Diagnostic> {
        let known = self.known(at, node.inputs[0])?;
        match known.softmax {
            None => Ok(known),
            Some(_) => Err(softmax_inside(at)),
        }
    }

    /// Whether codes that `known` has already are those of a quantizer with `codes`.
    fn repeats(&self, known: &Known, codes: &Codes) -> bool {
        let Source::Integer(id) = known.source else { return false };
        let Type::Codes(before) = &self.to.value(id).ty else { return false };
        known.softmax.is_none()
            && known.curve == native(before)
            && codes.axis.is_none()
            && before.axis.is_none()
            && (&before.scale, before.zero_point) == (&codes.scale, codes.zero_point)
            && codes.range.contains_range(before.range)
    }

    /// The integers of `known` under the name of `codes`, if each of them is the code that a quantizer would give it.
    fn same_codes(&mut self, known: &Known, codes: &Codes) -> Option<ValueId> {
        let Source::Integer(id) = known.source else { return None };
        let before = self.to.value(id).codes()?.clone();
        let (gain, offset) = known.curve.as_affine()?;
        let ([gain], [offset], None, None) = (&gain[..], &offset[..], &known.softmax, codes.axis) else {
            return None;
        };
        let same = *gain == exact_scale(codes.scale[0])
            && *offset == -gain * exact::from_integer(codes.zero_point)
            && codes.range.contains_range(before.range)
            && before.int.range().contains(codes.zero_point);
        same.then(|| self.renamed(id, before, gain, codes.zero_point))
    }

    pub(super) fn bipolar_quant(&mut self, at: &Location, node: &Node) -> Result<(), Diagnostic> {
        let scale = parameters::floats(self.from, node, at, 1, "scale")?;
        let [scale] = scale[..] else {
            let found = format!("{} scales", scale.len());
            return Err(Diagnostic::new(Code::BadChannels, at.clone().at_part("scale"), found, "one scale"));
        };
        if !scale.is_finite() || scale <= 0.0 {
            let found = format!("{scale:?}");
            return Err(Diagnostic::new(
                Code::BadScale,
                at.clone().at_part("scale"),
                found,
                "a positive finite number",
            ));
        }
        let known = self.known(at, node.inputs[0])?;
        let codes =
            Codes { int: BIPOLAR, range: BIPOLAR.range(), zero_point: 0, scale: vec![scale], axis: None };
        self.sign(at, node, known, codes)
    }

    fn sign(&mut self, at: &Location, node: &Node, known: Known, codes: Codes) -> Result<(), Diagnostic> {
        self.end(at, node, known, Rule::Sign, codes)
    }

    /// `Trunc` rounds to codes, divides them by a power of two, and rounds again.
    pub(super) fn trunc(
        &mut self,
        at: &Location,
        node: &Node,
        attributes: &QuantAttributes,
    ) -> Result<(), Diagnostic> {
        let one = |index: usize, part: &'static str| -> Result<f32, Diagnostic> {
            let values = parameters::floats(self.from, node, at, index, part)?;
            match values[..] {
                [value] if value.is_finite() => Ok(value),
                _ => {
                    let found = format!("{values:?}");
                    Err(Diagnostic::new(Code::BadScale, at.clone().at_part(part), found, "one finite number"))
                }
            }
        };
        let (scale, zero_point, in_bits) =
            (one(1, "scale")?, one(2, "zero point")?, one(3, "input bit width")?);
        let version_2 = node.inputs.len() == 6;
        let (out_scale, out_bits) = match version_2 {
            true => (one(4, "output scale")?, one(5, "output bit width")?),
            false => (scale, one(4, "output bit width")?),
        };
        for (scale, part) in [(scale, "scale"), (out_scale, "output scale")] {
            if scale <= 0.0 {
                let found = format!("{scale:?}");
                return Err(Diagnostic::new(
                    Code::BadScale,
                    at.clone().at_part(part),
                    found,
                    "a positive number",
                ));
            }
        }
        let bits = |bits: f32, part: &'static str| match bits.to_u8().filter(|_| bits.fract() == 0.0) {
            Some(bits @ 1..=32) => Ok(bits),
            _ => {
                let found = format!("{bits:?}");
                Err(Diagnostic::new(
                    Code::BadBitWidth,
                    at.clone().at_part(part),
                    found,
                    "an integer from 1 to 32",
                ))
            }
        };
        let (in_bits, out_bits) = (bits(in_bits, "input bit width")?, bits(out_bits, "output bit width")?);
        let power = match version_2 {
            true => (f64::from(out_scale) / f64::from(scale)).log2().round_ties_even() as i32,
            false => i32::from(in_bits) - i32::from(out_bits),
        };
        let two = exact::from_integer(2);
        let divisor: Rational = num_traits::Pow::pow(two, power);
        let (scale, zero) = (exact_scale(scale), exact_scale(zero_point));
        let known = self.before_softmax(at, node)?;
        let curve = known
            .curve
            .clone()
            .then(Piece::Affine { gain: vec![scale.recip()], offset: vec![zero.clone()] })
            .then(Piece::Round { rounding: Rounding::HalfEven })
            .then(Piece::Affine { gain: vec![divisor.recip()], offset: vec![Rational::zero()] });
        let known = Known { curve, ..known };
        let int = match version_2 {
            true => IntType::new(out_bits, attributes.signed, attributes.narrow),
            false => None,
        };
        let range = match int {
            Some(int) => int.range(),
            // Version 1 does not clamp: the codes are those that the input reaches.
            None => self.reached(at, &known, attributes.rounding)?,
        };
        let int = int.or_else(|| smallest_type(range)).ok_or_else(|| {
            let found = format!("codes {range}");
            Diagnostic::new(Code::BadBitWidth, at.clone(), found, "codes that fit 32 bits")
        })?;
        let rule = Rule::Uniform {
            scale: Rational::one(),
            zero_point: 0,
            after: 0,
            range,
            rounding: attributes.rounding,
        };
        // Version 1 subtracts the zero point itself, version 2 what became of it.
        let zero = if version_2 { zero / divisor } else { zero };
        let codes = Codes { int, range, zero_point: 0, scale: vec![out_scale], axis: None };
        let out = exact_scale(out_scale);
        let integral =
            zero.is_integer().then(|| zero.to_i64()).flatten().filter(|z| int.range().contains(*z));
        let codes = Codes { zero_point: integral.unwrap_or(0), ..codes };
        self.end(at, node, known, rule, codes)?;
        if integral.is_none()
            && let Some(known) = self.known.get_mut(&node.output)
        {
            known.curve = Curve::affine(vec![out.clone()], vec![-zero * out]);
        }
        Ok(())
    }

    /// The codes that `known` gives when it is rounded and not clamped.
    fn reached(&mut self, at: &Location, known: &Known, rounding: Rounding) -> Result<IntRange, Diagnostic> {
        let Source::Integer(id) = known.source else {
            let found = "an input that is no integer";
            return Err(Diagnostic::new(Code::MissingScale, at.clone(), found, "a quantized value before"));
        };
        let ranges = self.ranges(id).ok_or_else(|| {
            Diagnostic::new(
                Code::AccumulatorTooWide,
                at.clone(),
                "an unbounded input",
                "bounds within 64 bits",
            )
        })?;
        let channels = ranges.len().max(known.curve.channels());
        let mut reached: Option<IntRange> = None;
        for channel in 0..channels {
            let range = ranges[if ranges.len() == 1 { 0 } else { channel }];
            for end in [range.lo, range.hi] {
                let real = known.curve.eval(channel, &exact::from_integer(end));
                let code = exact::round(&real, rounding).to_i64().ok_or_else(|| {
                    Diagnostic::new(
                        Code::BadBitWidth,
                        at.clone(),
                        "codes past 64 bits",
                        "codes that fit 32 bits",
                    )
                })?;
                reached =
                    Some(reached.map_or(IntRange::point(code), |range| range.union(IntRange::point(code))));
            }
        }
        Ok(reached.unwrap_or(IntRange::point(0)))
    }

    pub(super) fn multi_threshold(
        &mut self,
        at: &Location,
        node: &Node,
        attributes: &MultiThreshold,
    ) -> Result<(), Diagnostic> {
        let known = self.before_softmax(at, node)?;
        let values = parameters::floats(self.from, node, at, 1, "thresholds")?;
        let shape = self.from.value(node.inputs[1]).shape.clone();
        let &[channels, steps] = shape.as_slice() else {
            let found = format!("thresholds of shape {shape:?}");
            return Err(Diagnostic::new(Code::ShapeMismatch, at.clone(), found, "channels and steps"));
        };
        if channels == 0 || steps == 0 || steps > 1 << 16 {
            let found = format!("thresholds of shape {shape:?} along axis {}", attributes.axis);
            return Err(Diagnostic::new(
                Code::BadChannels,
                at.clone(),
                found,
                "thresholds for all channels or for each",
            ));
        }
        if values.iter().any(|value| value.is_nan()) {
            return Err(Diagnostic::new(Code::BadTensor, at.clone().at_part("thresholds"), "NaN", "numbers"));
        }
        let (scale, bias) = (attributes.out_scale, attributes.out_bias);
        if !scale.is_finite() || scale <= 0.0 || !bias.is_finite() {
            let found = format!("out_scale {scale:?}, out_bias {bias:?}");
            return Err(Diagnostic::new(
                Code::BadScale,
                at.clone(),
                found,
                "a positive scale and a finite bias",
            ));
        }
        // An infinite threshold is passed by everything or by nothing that the model computes.
        let far = || exact_scale(f32::MAX) * exact_scale(f32::MAX);
        let exactly = |value: f32| match value {
            f32::INFINITY => far(),
            f32::NEG_INFINITY => -far(),
            value => exact_scale(value),
        };
        let mut thresholds: Vec<Vec<Rational>> =
            values.chunks(steps).map(|row| row.iter().copied().map(exactly).collect()).collect();
        thresholds.iter_mut().for_each(|row| row.sort());
        if thresholds.iter().all(|row| *row == thresholds[0]) {
            thresholds.truncate(1);
        }
        let known = match thresholds.len() {
            1 => known,
            rows => self.along(&at.clone().at_part("thresholds"), known, attributes.axis, rows)?,
        };
        let (gain, offset) = (exact_scale(scale), exact_scale(bias));
        if steps == 1 && offset == -&gain / exact::from_integer(2) {
            // Two values around zero are signs.
            let shift = thresholds.iter().map(|row| -&row[0]).collect();
            let curve =
                known.curve.clone().then(Piece::Affine { gain: vec![Rational::one()], offset: shift });
            let codes = Codes {
                int: BIPOLAR,
                range: BIPOLAR.range(),
                zero_point: 0,
                scale: vec![scale / 2.0],
                axis: None,
            };
            return self.sign(at, node, Known { curve, ..known }, codes);
        }
        let range = IntRange { lo: 0, hi: steps as i64 };
        // Counts are stored as they are, so where 16 bits with a sign do not hold them the next type with a sign does.
        let signed = IntRange { lo: if steps >= 1 << 15 { -1 } else { 0 }, hi: range.hi };
        let Some(int) = smallest_type(signed) else {
            return Err(Diagnostic::new(
                Code::BadBitWidth,
                at.clone(),
                format!("{steps} steps"),
                "at most 65536",
            ));
        };
        let zero = -&offset / &gain;
        let integral =
            zero.is_integer().then(|| zero.to_i64()).flatten().filter(|z| int.range().contains(*z));
        let codes = Codes { int, range, zero_point: integral.unwrap_or(0), scale: vec![scale], axis: None };
        self.end(at, node, known, Rule::Thresholds { thresholds }, codes)?;
        if integral.is_none()
            && let Some(known) = self.known.get_mut(&node.output)
        {
            known.curve = Curve::affine(vec![gain], vec![offset]);
        }
        Ok(())
    }

    /// Ends the function of `known` in `rule`, whose codes are `codes`: emits a requantization and the moves that waited.
    fn end(
        &mut self,
        at: &Location,
        node: &Node,
        known: Known,
        rule: Rule,
        codes: Codes,
    ) -> Result<(), Diagnostic> {
        if let Some(Softmax { axis, then }) = &known.softmax {
            let Some(then) = quantized(then.clone(), &rule) else {
                return Err(softmax_inside(at));
            };
            // Left to the caller with the softmax.
            let softmax = Some(Softmax { axis: *axis, then });
            let origin = joined(&known.origin, &node.origin);
            self.known.insert(node.output, Known { softmax, origin, ..known });
            return Ok(());
        }
        let known = match (&known.source, &known.channels) {
            (Source::Integer(_), Some(_)) => self.settled(at, known)?,
            _ => known,
        };
        let (rule, range) = narrowed(rule, &known.curve, codes.range);
        let codes = stored_narrow(Codes { range, ..codes });
        let tail = Tail { curve: known.curve.clone(), quantizer: rule, int: codes.int };
        let axis = codes.axis;
        let value = self.emit(at, node, &known, tail, codes)?;
        let Some(axis) = axis else {
            // The name belongs to the codes in their last place.
            let name = self.from.value(node.output).name.clone();
            let mut moves = known.moves.clone();
            let mut before = name.clone();
            for step in moves.iter_mut().rev() {
                step.result = std::mem::replace(&mut before, format!("{name} before {}", step.name));
            }
            // Codes of an equal quantizer before have a name.
            if self.to.value(value).name == name {
                self.to.value_mut(value).name = before;
            }
            let moved = self.replay(value, &moves);
            let curve = self.native(moved);
            self.known.insert(node.output, Known::integer(moved, curve));
            return Ok(());
        };
        // Each channel has a scale, so moves wait on.
        let Value { name, .. } = self.from.value(node.output);
        let shape = self.to.value(value).shape.clone();
        let channels = (axis != 1).then(|| ChannelMap::along(&shape, axis));
        let ended = Known { channels, name: name.clone(), ..Known::integer(value, self.native(value)) };
        let mut ended = self.settled(at, ended)?;
        ended.moves.extend(known.moves);
        self.known.insert(node.output, ended);
        Ok(())
    }

    /// The codes that `tail` makes of the source of `known`.
    pub(super) fn emit(
        &mut self,
        at: &Location,
        node: &Node,
        known: &Known,
        tail: Tail,
        codes: Codes,
    ) -> Result<ValueId, Diagnostic> {
        self.check_domain(at, known, &tail.curve)?;
        let shape = self.source_shape(known);
        let name = self.from.value(node.output).name.clone();
        let (op, inputs) = match &known.source {
            Source::Integer(id) => (Op::Requantize(Requantize::Exact(tail)), vec![*id]),
            Source::Sum(terms) if terms.values.len() > 2 => match self.exact_sum(at, terms) {
                Ok((id, unit)) => {
                    let line = Curve::affine(unit, vec![Rational::zero()]);
                    let tail = Tail { curve: tail.curve.after(&line), ..tail };
                    (Op::Requantize(Requantize::Exact(tail)), vec![id])
                }
                Err(_) => self.codes_of_many(at, node, (**terms).clone(), tail)?,
            },
            Source::Sum(terms) => {
                let op = RequantizePair::Exact { gains: terms.gains.clone(), tail };
                (Op::RequantizePair(op), terms.values.clone())
            }
            Source::Float(id) => {
                let channels = known.channels.clone().filter(|_| tail.channels() > 1);
                let op = Op::Quantize(Quantize { tail, channels });
                let ty = Type::Codes(codes.clone());
                let equal = |node: &&Node| node.op == op && self.to.value(node.output).ty == ty;
                if let Some(equal) = self.quantizers_of(*id).find(equal) {
                    return Ok(equal.output);
                }
                let unread = self.quantizers_of(*id).next().is_none();
                let input = if unread { *id } else { self.twin(*id) };
                (op, vec![input])
            }
        };
        let output = self.to.add(Value::new(name, shape, Type::Codes(codes)));
        self.push(node, &known.origin, op, inputs, output);
        Ok(output)
    }

    /// What quantizes the float input `id` so far: each has an input of the program for itself.
    fn quantizers_of(&self, id: ValueId) -> impl Iterator<Item = &Node> {
        let own = move |node: &&Node| matches!(node.op, Op::Quantize(_)) && self.is_given(node.inputs[0], id);
        self.to.nodes.iter().filter(own)
    }

    /// Whether `input` of the program is given what the input `id` is given.
    fn is_given(&self, input: ValueId, id: ValueId) -> bool {
        self.twins.get(&input).copied().unwrap_or(input) == id
    }

    /// One more input of the program that is given what the input `id` is given, behind those there are.
    fn twin(&mut self, id: ValueId) -> ValueId {
        let twin = self.to.add(self.to.value(id).clone());
        let last = self.to.inputs.iter().rposition(|input| self.is_given(*input, id));
        self.twins.insert(twin, id);
        self.to.inputs.insert(last.map_or(0, |last| last + 1), twin);
        twin
    }
}

fn softmax_inside(at: &Location) -> Diagnostic {
    let found = "a quantizer of a softmax with thresholds or scales of channels";
    let needed = "a uniform quantizer, or softmax as the last operator";
    Diagnostic::new(Code::UnsupportedForm, at.clone(), found, needed)
}

/// `curve` and the real value of the code that `rule` gives; `None` for thresholds.
fn quantized(curve: Curve, rule: &Rule) -> Option<Curve> {
    let Rule::Uniform { scale, zero_point, after, range, rounding } = rule else { return None };
    let [inside, behind] = [*zero_point, *after].map(exact::from_integer);
    let zero = &inside + &behind;
    let affine = |gain: Rational, offset: Rational| Piece::Affine { gain: vec![gain], offset: vec![offset] };
    let ends = [range.lo, range.hi].map(|code| Some(exact::from_integer(code)));
    let [lo, hi] = ends;
    let pieces = [
        affine(scale.recip(), inside),
        Piece::Round { rounding: *rounding },
        affine(Rational::one(), behind),
        Piece::Clip { lo, hi },
        affine(scale.clone(), -scale * zero),
    ];
    Some(pieces.into_iter().fold(curve, Curve::then))
}

/// Equal scales of channels as one.
fn one_scale(codes: Codes) -> Codes {
    match codes.scale.windows(2).all(|pair| pair[0] == pair[1]) {
        true => Codes { scale: vec![codes.scale[0]], axis: None, ..codes },
        false => codes,
    }
}

/// Codes that 16 bits hold in a type of so many: the wide type of a quantizer that is clipped would fill memory, and no
/// layer takes it.
fn stored_narrow(codes: Codes) -> Codes {
    let held = codes.range.union(IntRange::point(codes.zero_point));
    let wide = Storage::of(codes.int).element == Element::I32;
    match smallest_type(held).filter(|_| wide && Element::I16.range().contains_range(held)) {
        Some(int) => Codes { int, ..codes },
        None => codes,
    }
}

/// `rule` with a clamp no wider than what `curve` reaches, and the codes that are left.
fn narrowed(rule: Rule, curve: &Curve, range: IntRange) -> (Rule, IntRange) {
    let images = (0..curve.channels()).map(|channel| Interval::all().after(&curve.channel(channel)));
    let ends = |image: Interval| {
        (
            image.lo.map_or(range.lo, |lo| rule.eval(0, &lo).max(range.lo)),
            image.hi.map_or(range.hi, |hi| rule.eval(0, &hi).min(range.hi)),
        )
    };
    let all = images.map(ends).reduce(|(a, b), (c, d)| (a.min(c), b.max(d)));
    let (lo, hi) = all.unwrap_or((range.lo, range.hi));
    match rule {
        Rule::Uniform { scale, zero_point, after, rounding, .. } => {
            let range = IntRange { lo: lo.min(range.hi), hi: hi.max(range.lo).max(lo.min(range.hi)) };
            (Rule::Uniform { scale, zero_point, after, range, rounding }, range)
        }
        rule => (rule, range),
    }
}

/// The smallest type that holds `range`.
pub(super) fn smallest_type(range: IntRange) -> Option<IntType> {
    (1..=32)
        .flat_map(|bits| [false, true].map(|signed| IntType::new(bits, signed, false)))
        .flatten()
        .filter(|int| int.width.bits() < 32 || int.signed)
        .find(|int| int.range().contains_range(range))
}
