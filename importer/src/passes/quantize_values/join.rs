//! Concatenation and padding.

use exactum_runtime::num::{IntRange, IntType};
use num_traits::{ToPrimitive, Zero};

use super::Quantizer;
use super::known::{Known, Source};
use super::moved::described;
use super::quantizers::smallest_type;
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::exact::{self, Curve, Quantizer as Rule, Rational};
use crate::graph::{
    ChannelMap, Codes, FileNodeId, Node, Op, Requantize, Storage, Tail, Type, Value, ValueId,
};

/// One operand of a concatenation: integers, and gain and offset of each channel.
struct Part {
    id: ValueId,
    gain: Vec<Rational>,
    offset: Vec<Rational>,
}

impl Quantizer<'_> {
    pub(super) fn concat(&mut self, at: &Location, node: &Node, axis: usize) -> Result<(), Diagnostic> {
        let before = self.mark();
        let Err(problem) = self.concat_codes(at, node, axis) else { return Ok(()) };
        self.rewind(before);
        // As they are, sums of layers still make an output.
        self.concat_integers(at, node, axis).ok_or(problem)
    }

    /// Joins the integers of the operands, each with the function that it has.
    fn concat_integers(&mut self, at: &Location, node: &Node, axis: usize) -> Option<()> {
        let mut parts = vec![];
        for id in &node.inputs {
            let known = self.known(at, *id).ok()?;
            let known = self.moved(at, known).ok()?;
            let Source::Integer(id) = known.source else { return None };
            parts.push((id, known));
        }
        let ranges: Vec<Vec<IntRange>> =
            parts.iter().map(|(id, _)| self.ranges(*id)).collect::<Option<_>>()?;
        let range = ranges.into_iter().flatten().reduce(IntRange::union)?;
        let int = Some(IntType::INT32).filter(|int| int.range().contains_range(range))?;
        let curves: Vec<Curve> = parts.iter().map(|(_, known)| known.curve.clone()).collect();
        let curve = Curve::joined(&curves)?;
        let mut first = 0;
        let channels: Vec<(Vec<u32>, Vec<usize>)> = parts
            .iter()
            .map(|(id, known)| {
                let shape = self.to.value(*id).shape.clone();
                let count = known.curve.channels();
                let along = || ChannelMap::along(&shape, 1);
                let elems = shape.iter().product();
                let own = match count {
                    1 => vec![0; elems],
                    _ => known.channels.clone().unwrap_or_else(along).elements(elems),
                };
                let shifted = own.into_iter().map(|channel| channel + first).collect();
                first += count as u32;
                (shifted, shape)
            })
            .collect();
        let rows: usize = channels.first().map_or(1, |(_, shape)| shape[..axis].iter().product());
        let row = |row: usize| {
            channels
                .iter()
                .flat_map(move |(own, _)| own.chunks((own.len() / rows).max(1)).nth(row).unwrap_or_default())
        };
        let elements: Vec<u32> = (0..rows).flat_map(row).copied().collect();
        let ids: Vec<ValueId> = parts.iter().map(|(id, _)| self.stored_as(node, *id, int)).collect();
        let ty = Type::Codes(Codes { int, range, zero_point: 0, scale: vec![1.0], axis: None });
        let output = self.result(node.output, ty);
        let shape = self.to.value(output).shape.clone();
        let (channels, chosen) = described(&elements, curve.channels(), &shape, &[]);
        let curve = if chosen.is_empty() { curve } else { curve.select(&chosen) };
        let origin: Vec<FileNodeId> = parts.iter().flat_map(|(_, known)| known.origin.clone()).collect();
        self.push(node, &origin, Op::Concat { axis }, ids, output);
        self.known.insert(node.output, Known { channels, ..Known::integer(output, curve) });
        Some(())
    }

    fn concat_codes(&mut self, at: &Location, node: &Node, axis: usize) -> Result<(), Diagnostic> {
        let mut parts = vec![];
        let mut origin = vec![];
        for index in 0..node.inputs.len() {
            let at = at.clone().at_part(format!("input {index}"));
            let known = self.known(&at, node.inputs[index])?;
            let known = self.integers(&at, known)?;
            origin.extend(known.origin.clone());
            let part = match (&known.source, known.curve.as_affine()) {
                (Source::Integer(id), Some((gain, offset))) if self.to.value(*id).codes().is_some() => {
                    Part { id: *id, gain, offset }
                }
                _ => {
                    let grid = self.grid(&at, node, known, 32)?;
                    let offset = vec![-&grid.gain * exact::from_integer(grid.zero_point)];
                    Part { id: grid.id, gain: vec![grid.gain], offset }
                }
            };
            parts.push(part);
        }
        let alike = parts.iter().all(|part| {
            part.gain.len() == 1
                && part.offset.len() == 1
                && part.gain == parts[0].gain
                && part.offset == parts[0].offset
        });
        if !alike && axis != 1 {
            let found = "operands with different scales";
            let needed = "one scale for all operands, or a concatenation of channels";
            return Err(Diagnostic::new(Code::BadChannels, at.clone(), found, needed));
        }
        let codes: Vec<Codes> =
            parts.iter().filter_map(|part| self.to.value(part.id).codes().cloned()).collect();
        let range =
            codes.iter().map(|codes| codes.range).reduce(IntRange::union).unwrap_or(IntRange::point(0));
        let stored = codes.iter().map(|codes| codes.int.range()).reduce(IntRange::union).unwrap_or(range);
        let Some(int) = codes
            .first()
            .map(|codes| codes.int)
            .filter(|int| codes.iter().all(|codes| codes.int == *int))
            .or_else(|| smallest_type(stored))
        else {
            return Err(Diagnostic::new(
                Code::BadBitWidth,
                at.clone(),
                stored.to_string(),
                "codes that fit 32 bits",
            ));
        };
        let curve = if alike {
            Curve::affine(parts[0].gain.clone(), parts[0].offset.clone())
        } else {
            // Every channel keeps the function of its operand.
            let spread = |of: &dyn Fn(&Part) -> &Vec<Rational>| -> Vec<Rational> {
                parts
                    .iter()
                    .flat_map(|part| {
                        let channels = self.to.value(part.id).shape[1];
                        let values = of(part);
                        if values.len() == 1 { vec![values[0].clone(); channels] } else { values.clone() }
                    })
                    .collect()
            };
            Curve::affine(spread(&|part| &part.gain), spread(&|part| &part.offset))
        };
        // One concatenation copies elements of one size.
        let ids: Vec<ValueId> = parts.iter().map(|part| self.stored_as(node, part.id, int)).collect();
        let first = codes.first().cloned();
        let zero_point = first.as_ref().map_or(0, |codes| codes.zero_point);
        let scale = first.as_ref().map_or(1.0, |codes| codes.scale[0]);
        let ty = Type::Codes(Codes { int, range, zero_point, scale: vec![scale], axis: None });
        let output = self.result(node.output, ty);
        self.push(node, &origin, Op::Concat { axis }, ids, output);
        self.known.insert(node.output, Known::integer(output, curve));
        Ok(())
    }

    pub(super) fn pad(
        &mut self,
        at: &Location,
        node: &Node,
        (before, after): (&[usize], &[usize]),
        value: f32,
    ) -> Result<(), Diagnostic> {
        let known = self.known(at, node.inputs[0])?;
        let known = self.integers(at, known)?;
        let affine = match (&known.source, known.curve.as_affine()) {
            (Source::Integer(id), Some((gain, offset))) if gain.len() == 1 && offset.len() == 1 => {
                Some((*id, gain[0].clone(), offset[0].clone()))
            }
            _ => None,
        };
        let codes = affine.filter(|(id, ..)| self.to.value(*id).codes().is_some());
        let (id, gain, offset) = match codes {
            Some(found) => found,
            None => {
                let grid = self.grid(at, node, known.clone(), 32)?;
                let offset = -&grid.gain * exact::from_integer(grid.zero_point);
                (grid.id, grid.gain, offset)
            }
        };
        let code = exact::from_f32(value)
            .filter(|_| !gain.is_zero())
            .map(|value| (value - &offset) / &gain)
            .filter(Rational::is_integer)
            .and_then(|code| code.to_i64());
        let value_codes = self.to.value(id).codes().cloned();
        let (Some(code), Some(codes)) = (code, value_codes) else {
            let found = format!("padding with {value}");
            return Err(Diagnostic::new(
                Code::BadZeroPoint,
                at.clone(),
                found,
                "a value that is a code of the input",
            ));
        };
        let range = codes.range.union(IntRange::point(code));
        let Some(int) =
            Some(codes.int).filter(|int| int.range().contains_range(range)).or_else(|| smallest_type(range))
        else {
            let found = format!("padding with code {code}");
            return Err(Diagnostic::new(Code::BadBitWidth, at.clone(), found, "codes that fit 32 bits"));
        };
        let id = self.stored_as(node, id, int);
        let Value { name, shape, .. } = self.from.value(node.output).clone();
        let ty = Type::Codes(Codes { int, range, ..codes });
        let output = self.to.add(Value::new(name, shape, ty));
        let op = Op::Border { before: before.to_vec(), after: after.to_vec(), code };
        self.push(node, &known.origin, op, vec![id], output);
        let curve = Curve::affine(vec![gain], vec![offset]);
        self.known.insert(node.output, Known::integer(output, curve));
        Ok(())
    }

    /// The codes `id` as codes of `int` are stored.
    fn stored_as(&mut self, node: &Node, id: ValueId, int: IntType) -> ValueId {
        let Value { name, shape, ty, .. } = self.to.value(id).clone();
        let Type::Codes(codes) = ty else { return id };
        if Storage::of(codes.int) == Storage::of(int) {
            return id;
        }
        let quantizer = Rule::multiples(exact::from_integer(1), codes.range);
        let tail = Tail { curve: Curve::identity(), quantizer, int };
        let output = self.to.add(Value::new(name, shape, Type::Codes(Codes { int, ..codes })));
        let op = Op::Requantize(Requantize::Exact(tail));
        self.push(node, &[], op, vec![id], output);
        output
    }
}
