//! Dense and convolution layers: integer weights, integer biases where they are in units of the accumulator, and the
//! exact meaning of the sums.

use exactum_runtime::Element;
use exactum_runtime::num::{IntRange, IntType};
use num_traits::{One, ToPrimitive, Zero};

use super::Quantizer;
use super::known::{Known, Source, of_meaning};
use super::regrid::Grid;
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::exact::{self, Rational};
use crate::graph::{Codes, Constant, Meaning, Node, Op, Storage, Type, Value, ValueId, exact_scale};
use exactum_host::elements::permuted;

/// Kernels multiply codes minus the zero point as integers of this many bits.
const CENTERED_BITS: u8 = 16;

/// A layer's weights in the order outputs first, and their codes' type.
struct Weights {
    value: ValueId,
    scale: Vec<Rational>,
    outputs: usize,
}

/// How the weights of an operator are stored.
#[derive(Clone, Copy)]
enum Stored {
    OutputsFirst,
    /// A matrix with the outputs in columns.
    Columns,
    /// A transposed convolution: inputs, outputs of a group, height, width.
    InputsFirst {
        groups: usize,
    },
}

/// What a bias adds: an integer to the accumulator, and a real to its meaning.
struct Bias {
    integer: Option<Vec<i32>>,
    offset: Vec<Rational>,
    int: IntType,
}

/// What a layer multiplies: codes, the real value of each, and what is added to it in each.
struct Operand {
    id: ValueId,
    gain: Vec<Rational>,
    rest: Rational,
}

impl Quantizer<'_> {
    pub(super) fn layer(&mut self, at: &Location, node: &Node) -> Result<(), Diagnostic> {
        let (mut op, stored, alpha, beta) = match &node.op {
            Op::Conv(conv) => (Op::Conv2d(*conv), Stored::OutputsFirst, 1.0, 1.0),
            Op::ConvTranspose(conv) => {
                (Op::ConvTranspose2d(*conv), Stored::InputsFirst { groups: conv.groups }, 1.0, 1.0)
            }
            Op::Gemm { alpha, beta, trans_a: false, trans_b } => {
                (Op::Dense, if *trans_b { Stored::OutputsFirst } else { Stored::Columns }, *alpha, *beta)
            }
            _ => {
                let at = at.clone().at_part("attribute \"transA\"");
                return Err(Diagnostic::new(Code::UnsupportedForm, at, "1", "0"));
            }
        };
        let (Some(alpha), Some(beta)) = (exact::from_f32(alpha), exact::from_f32(beta)) else {
            return Err(Diagnostic::new(
                Code::UnsupportedForm,
                at.clone(),
                "alpha or beta not finite",
                "numbers",
            ));
        };
        let of_input = at.clone().at_part("input 0");
        let (input, halves) = match self.operand(&of_input, node, &mut op) {
            Ok(input) => (input, None),
            Err(problem) => {
                let halves = self.halves(&of_input, node).ok_or(problem)?;
                let (id, gain) = (halves.low, vec![halves.gain.clone()]);
                (Operand { id, gain, rest: Rational::zero() }, Some(halves))
            }
        };
        let shape = &self.to.value(input.id).shape;
        if shape.first() != Some(&1) {
            let found = format!("shape {shape:?}");
            let at = at.clone().at_part("input 0");
            return Err(Diagnostic::new(Code::UnsupportedForm, at, found, "one sample, its batch axis 1"));
        }
        let weights = self.weights(at, node.inputs[1], stored)?;
        let pick =
            |values: &[Rational], channel: usize| values[if values.len() == 1 { 0 } else { channel }].clone();
        let channels = weights.scale.len().max(input.gain.len());
        let gain: Vec<Rational> = (0..channels)
            .map(|channel| pick(&input.gain, channel) * pick(&weights.scale, channel) * &alpha)
            .collect();
        let mut offset = self.offset_of_rest(&input, &weights, &gain);
        let unit: Option<Vec<f32>> =
            (alpha == beta && alpha.is_one()).then(|| gain.iter().map(nearest).collect());
        let mut inputs = vec![input.id, weights.value];
        if let Some(id) = node.inputs.get(2) {
            let bias = self.bias(at, *id, weights.outputs, unit.as_deref(), &gain, &beta)?;
            offset = (0..offset.len().max(bias.offset.len()))
                .map(|channel| pick(&offset, channel) + pick(&bias.offset, channel))
                .collect();
            if let Some(codes) = bias.integer {
                inputs.push(self.constant(*id, vec![weights.outputs], bias.int, codes));
            }
        }
        if let Some(halves) = halves {
            self.both_halves(node, op, inputs, &halves, gain, offset);
            return Ok(());
        }
        let meaning = Meaning { gain, offset, channels: None };
        let ty = Type::Accumulators { meaning: Some(meaning.clone()), bounds: vec![] };
        let output = self.result(node.output, ty);
        self.push(node, &[], op, inputs, output);
        self.known.insert(node.output, Known::integer(output, of_meaning(&meaning)));
        Ok(())
    }

    /// The codes that a layer reads.
    fn operand(&mut self, at: &Location, node: &Node, op: &mut Op) -> Result<Operand, Diagnostic> {
        let known = self.known(at, node.inputs[0])?;
        let (padded, depthwise) = match &*op {
            Op::Conv2d(conv) => {
                let channels = self.from.value(node.inputs[0]).shape.get(1).copied().unwrap_or(1);
                (conv.window.is_padded(), conv.groups > 1 && conv.groups == channels)
            }
            Op::ConvTranspose2d(_) => (true, false),
            _ => (false, false),
        };
        let as_stored = self.integers(at, known.clone())?;
        let operand = match (&as_stored.source, as_stored.curve.as_affine()) {
            (Source::Integer(id), Some((gain, offset))) => self.to.value(*id).codes().and_then(|codes| {
                let zero = exact::from_integer(codes.zero_point);
                let rest: Vec<Rational> = (0..gain.len().max(offset.len()))
                    .map(|c| &offset[c.min(offset.len() - 1)] + &gain[c.min(gain.len() - 1)] * &zero)
                    .collect();
                let even = rest.iter().all(|other| *other == rest[0]);
                let one_gain = gain.len() == 1;
                // Codes with a scale for each channel suit a layer whose outputs see one channel each.
                let gains = one_gain || depthwise && rest[0].is_zero() && self.one_output_each(node);
                let usable =
                    even && gains && (rest[0].is_zero() || !padded) && !gain.iter().any(Zero::is_zero);
                (usable && fits_centered(codes.range, codes.zero_point, padded)).then(|| Operand {
                    id: *id,
                    gain,
                    rest: rest[0].clone(),
                })
            }),
            _ => None,
        };
        match operand {
            Some(operand) => Ok(operand),
            None => {
                if let Some(operand) = self.uncentered(op, &as_stored) {
                    return Ok(operand);
                }
                let wide = self.too_wide(at, &as_stored, padded);
                let before = self.mark();
                let Grid { id, gain, zero_point: _ } = match self.grid(at, node, known, CENTERED_BITS) {
                    Ok(grid) => grid,
                    Err(problem) => {
                        self.rewind(before);
                        return Err(wide.unwrap_or(problem));
                    }
                };
                let fits = self
                    .to
                    .value(id)
                    .codes()
                    .is_some_and(|codes| fits_centered(codes.range, codes.zero_point, padded));
                if fits {
                    Ok(Operand { id, gain: vec![gain], rest: Rational::zero() })
                } else {
                    Err(wide.unwrap_or_else(|| off_grid(at)))
                }
            }
        }
    }

    /// Codes of 16 bits that leave them when their zero point is subtracted, as codes from which the middle of their
    /// type is. Windows over them must not be padded; `op` gives its padding to the codes.
    fn uncentered(&mut self, op: &mut Op, known: &Known) -> Option<Operand> {
        let Source::Integer(id) = known.source else { return None };
        let codes = self.to.value(id).codes()?.clone();
        let (gain, offset) = known.curve.as_affine()?;
        let ([gain], [offset]) = (&gain[..], &offset[..]) else { return None };
        let range = codes.range.union(IntRange::point(codes.zero_point));
        let middle = Storage::of(codes.int).less;
        let zero = exact::from_integer(codes.zero_point);
        if gain.is_zero() || !fits_centered(range, middle, false) || -offset / gain != zero {
            return None;
        }
        let Value { name, mut shape, .. } = self.to.value(id).clone();
        let moved = match op {
            Op::Conv2d(conv) if conv.window.is_padded() => {
                let [top, left, bottom, right] = std::mem::take(&mut conv.window.pads);
                let (before, after) = (vec![0, 0, top, left], vec![0, 0, bottom, right]);
                for (size, axis) in shape.iter_mut().zip(0..) {
                    *size += before[axis] + after[axis];
                }
                Op::Border { before, after, code: codes.zero_point }
            }
            Op::ConvTranspose2d(_) => return None,
            _ => Op::Reshape,
        };
        let ty = Type::Codes(Codes { range, zero_point: middle, ..codes });
        let output = self.to.add(Value::new(name.clone(), shape, ty));
        self.push_helper(name, moved, vec![id], output);
        let rest = offset + gain * exact::from_integer(middle);
        Some(Operand { id: output, gain: vec![gain.clone()], rest })
    }

    /// The problem of codes that leave 16 bits when their zero point is subtracted.
    fn too_wide(&self, at: &Location, known: &Known, padded: bool) -> Option<Diagnostic> {
        let Source::Integer(id) = known.source else { return None };
        let codes = self.to.value(id).codes()?;
        (!fits_centered(codes.range, codes.zero_point, padded)).then(|| {
            let found = format!("{} with zero point {} for an activation", codes.int, codes.zero_point);
            let needed = "codes that fit 24 bits after the zero point is subtracted";
            Diagnostic::new(Code::BadBitWidth, at.clone(), found, needed)
        })
    }

    /// Whether a depthwise layer has as many outputs as inputs.
    fn one_output_each(&self, node: &Node) -> bool {
        self.from.value(node.inputs[0]).shape.get(1) == self.from.value(node.output).shape.get(1)
    }

    /// What the constant part of an unpadded operand adds to each output: `rest * scale * sum of weights`.
    fn offset_of_rest(&self, input: &Operand, weights: &Weights, gain: &[Rational]) -> Vec<Rational> {
        if input.rest.is_zero() {
            return vec![Rational::zero()];
        }
        let Some(Constant::Codes(codes)) = &self.to.value(weights.value).constant else {
            return vec![Rational::zero()];
        };
        let filter = codes.len() / weights.outputs.max(1);
        codes
            .chunks(filter.max(1))
            .enumerate()
            .map(|(output, filter)| {
                let sum: i64 = filter.iter().map(|code| i64::from(*code)).sum();
                let per_code = &gain[if gain.len() == 1 { 0 } else { output }];
                let input_gain = &input.gain[if input.gain.len() == 1 { 0 } else { output }];
                per_code / input_gain * &input.rest * exact::from_integer(sum)
            })
            .collect()
    }

    /// A constant of the new graph that only counts: its meaning is in the accumulator it enters.
    fn constant(&mut self, from: ValueId, shape: Vec<usize>, int: IntType, codes: Vec<i32>) -> ValueId {
        let lo = codes.iter().copied().min().unwrap_or(0).into();
        let hi = codes.iter().copied().max().unwrap_or(0).into();
        let ty = Codes { int, range: IntRange { lo, hi }, zero_point: 0, scale: vec![1.0], axis: None };
        let mut value = Value::new(self.from.value(from).name.clone(), shape, Type::Codes(ty));
        value.constant = Some(Constant::Codes(codes));
        self.to.add(value)
    }

    fn weights(&mut self, at: &Location, id: ValueId, stored: Stored) -> Result<Weights, Diagnostic> {
        let at = at.clone().at_part("weight");
        let value = self.from.value(id);
        let (Type::Codes(codes), Some(Constant::Codes(elements))) = (&value.ty, &value.constant) else {
            let (code, found) = match value.constant {
                Some(_) => (Code::MissingScale, "which is float"),
                None => (Code::NotConstant, "which is computed"),
            };
            let found = format!("`{}`, {found}", value.name);
            return Err(Diagnostic::new(code, at, found, "an initializer with a weight quantizer"));
        };
        if !Element::I16.range().contains_range(codes.range) {
            return Err(Diagnostic::new(
                Code::BadBitWidth,
                at,
                codes.int.to_string(),
                "weight codes that fit 16 bits with a sign",
            ));
        }
        if codes.zero_point != 0 {
            return Err(Diagnostic::new(
                Code::BadZeroPoint,
                at,
                codes.zero_point.to_string(),
                "0 for weights",
            ));
        }
        let output_axis = match stored {
            Stored::OutputsFirst => 0,
            Stored::Columns | Stored::InputsFirst { .. } => 1,
        };
        if codes.axis.is_some_and(|axis| axis != output_axis) {
            let found = format!("{} scales along axis {:?}", codes.scale.len(), codes.axis.unwrap_or(0));
            return Err(Diagnostic::new(Code::BadChannels, at, found, "scales for the output channels"));
        }
        let mut value = value.clone();
        let mut scale: Vec<f32> = if codes.scale.is_empty() { vec![1.0] } else { codes.scale.clone() };
        match stored {
            Stored::OutputsFirst => {}
            Stored::Columns => {
                let perm = [1, 0];
                value.constant = Some(Constant::Codes(permuted(elements, &value.shape, &perm)));
                value.shape.swap(0, 1);
            }
            Stored::InputsFirst { groups } => {
                let &[inputs, per_group, height, width] = value.shape.as_slice() else {
                    let found = format!("shape {:?}", value.shape);
                    return Err(Diagnostic::new(Code::ShapeMismatch, at, found, "rank 4"));
                };
                // Groups, inputs of a group, outputs of a group, taps: inputs and outputs change places.
                let taps = height * width;
                let split = [groups, inputs / groups.max(1), per_group, taps];
                value.constant = Some(Constant::Codes(permuted(elements, &split, &[0, 2, 1, 3])));
                value.shape = vec![groups * per_group, inputs / groups.max(1), height, width];
                if scale.len() > 1 {
                    scale = scale.repeat(groups);
                }
            }
        }
        let axis = (scale.len() > 1).then_some(0);
        value.ty = Type::Codes(Codes { axis, scale: scale.clone(), ..codes.clone() });
        let outputs = value.shape[0];
        let scale = scale.iter().map(|scale| exact_scale(*scale)).collect();
        Ok(Weights { value: self.to.add(value), scale, outputs })
    }

    /// Reads the bias. `unit` is the scale, as `f32`, that marks codes in units of the accumulator, whose exact value is
    /// `gain`.
    fn bias(
        &self,
        at: &Location,
        id: ValueId,
        outputs: usize,
        unit: Option<&[f32]>,
        gain: &[Rational],
        beta: &Rational,
    ) -> Result<Bias, Diagnostic> {
        let at = at.clone().at_part("bias");
        let value = self.from.value(id);
        let count = value.elems();
        if count != 1 && (count != outputs || value.shape.last() != Some(&outputs)) {
            let found = format!("shape {:?}", value.shape);
            return Err(Diagnostic::new(Code::ShapeMismatch, at, found, format!("{outputs} elements")));
        }
        let int = IntType::INT32;
        match (&value.constant, &value.ty) {
            (Some(Constant::Float(reals)), _) => {
                let offset: Option<Vec<_>> =
                    reals.iter().map(|real| Some(exact::from_f32(*real)? * beta)).collect();
                let Some(offset) = offset else {
                    return Err(Diagnostic::new(Code::BadTensor, at, "NaN or infinity", "finite numbers"));
                };
                Ok(Bias { integer: None, offset, int })
            }
            (Some(Constant::Codes(elements)), Type::Codes(codes)) => {
                let element = |channel: usize| elements[if count == 1 { 0 } else { channel }];
                let at_channel = |len: usize, channel: usize| if len == 1 { 0 } else { channel };
                let pick = |channel: usize| &gain[at_channel(gain.len(), channel)];
                if codes.scale.is_empty() {
                    // Standard operators count biases in exact units of the accumulator.
                    let integer = (0..outputs).map(element).collect();
                    return Ok(Bias {
                        integer: Some(integer),
                        offset: vec![Rational::zero()],
                        int: codes.int,
                    });
                }
                let scale = |channel: usize| codes.scale[at_channel(codes.scale.len(), channel)];
                let in_units = codes.zero_point == 0
                    && unit.is_some_and(|unit| {
                        (0..outputs).all(|channel| scale(channel) == unit[at_channel(unit.len(), channel)])
                    });
                let real = |channel: usize| {
                    let count = exact::from_integer(i64::from(element(channel)) - codes.zero_point);
                    let step = exact_scale(scale(channel));
                    let gain = if in_units { pick(channel).clone() } else { Rational::zero() };
                    // The file names the unit rounded to f32; what that adds to whole units stays in the meaning.
                    count * (step * beta - gain)
                };
                let offset = (0..outputs).map(real).collect();
                let integer = in_units.then(|| (0..outputs).map(element).collect());
                Ok(Bias { integer, offset, int: codes.int })
            }
            _ => Err(Diagnostic::new(Code::NotConstant, at, format!("`{}`", value.name), "an initializer")),
        }
    }
}

/// Whether codes minus their zero point fit the kernels, with 0 beside them where padding can be.
fn fits_centered(range: IntRange, zero_point: i64, padded: bool) -> bool {
    exact::accumulator::input_range(range, zero_point, padded)
        .is_some_and(|range| Element::I16.range().contains_range(range))
}

fn off_grid(at: &Location) -> Diagnostic {
    let (found, needed) = ("codes wider than 16 bits", "an activation quantizer between the two");
    Diagnostic::new(Code::MissingScale, at.clone(), found, needed)
}

/// The `f32` nearest to a positive rational.
fn nearest(value: &Rational) -> f32 {
    value.to_f64().map_or(f32::NAN, |value| value as f32)
}
