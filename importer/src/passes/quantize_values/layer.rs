//! Dense and convolution layers: integer weights, integer biases where they are in units of the accumulator, and the
//! exact meaning of the sums.

use exactum_runtime::num::{IntRange, IntType};
use num_rational::BigRational;
use num_traits::Zero;

use super::super::fold_constants::permuted;
use super::{Known, Quantizer};
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::exact;
use crate::graph::{Codes, Constant, Meaning, Node, Op, Type, Value, ValueId, exact_scale};

/// A layer's weights in the order outputs first, and their codes' type.
struct Weights {
    value: ValueId,
    scale: Vec<f32>,
    outputs: usize,
}

/// What a bias adds: an integer to the accumulator, and a real to its meaning.
struct Bias {
    integer: Option<Vec<i32>>,
    offset: Vec<BigRational>,
    int: IntType,
}

impl Quantizer<'_> {
    pub(super) fn layer(&mut self, at: &Location, node: &Node) -> Result<(), Diagnostic> {
        let (x, input) = self.known_codes(&at.clone().at_part("input 0"), node.inputs[0])?;
        let shape = &self.to.value(x).shape;
        if shape.first() != Some(&1) {
            let found = format!("shape {shape:?}");
            let at = at.clone().at_part("input 0");
            return Err(Diagnostic::new(Code::UnsupportedForm, at, found, "one sample, its batch axis 1"));
        }
        let (op, turned, alpha, beta) = match node.op {
            Op::Conv(conv) => (Op::Conv2d(conv), false, 1.0, 1.0),
            Op::Gemm { alpha, beta, trans_a: false, trans_b } => (Op::Dense, !trans_b, alpha, beta),
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
        let weights = self.weights(at, node.inputs[1], turned)?;
        let gain = weights
            .scale
            .iter()
            .map(|scale| exact_scale(input.scale[0]) * exact_scale(*scale) * &alpha)
            .collect();
        let meaning = Meaning { gain, offset: vec![BigRational::zero()] };
        let unit: Option<Vec<f32>> = (alpha == beta && alpha == exact::from_integer(1))
            .then(|| weights.scale.iter().map(|s| input.scale[0] * s).collect());
        let mut inputs = vec![x, weights.value];
        let mut offset = meaning.offset.clone();
        if let Some(id) = node.inputs.get(2) {
            let bias = self.bias(at, *id, weights.outputs, unit.as_deref(), &meaning, &beta)?;
            offset = bias.offset;
            if let Some(codes) = bias.integer {
                inputs.push(self.constant(*id, vec![weights.outputs], bias.int, codes));
            }
        }
        let meaning = Meaning { offset, ..meaning };
        let ty = Type::Accumulators { meaning: Some(meaning.clone()), bounds: vec![] };
        let output = self.result(node.output, ty);
        self.push(node, op, inputs, output);
        self.known.insert(node.output, Known { value: output, meaning, relu: None });
        Ok(())
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

    fn weights(&mut self, at: &Location, id: ValueId, turned: bool) -> Result<Weights, Diagnostic> {
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
        if codes.int.width.bits() > 8 || codes.range.hi > 127 {
            return Err(Diagnostic::new(
                Code::BadBitWidth,
                at,
                codes.int.to_string(),
                "weight codes within int8",
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
        let output_axis = usize::from(turned);
        if codes.axis.is_some_and(|axis| axis != output_axis) {
            let found = format!("{} scales along axis {:?}", codes.scale.len(), codes.axis.unwrap_or(0));
            return Err(Diagnostic::new(Code::BadChannels, at, found, "scales for the output channels"));
        }
        let mut value = value.clone();
        let scale = codes.scale.clone();
        if turned {
            let perm = [1, 0];
            value.constant = Some(Constant::Codes(permuted(elements, &value.shape, &perm)));
            value.shape.swap(0, 1);
            value.ty = Type::Codes(Codes { axis: codes.axis.map(|_| 0), ..codes.clone() });
        }
        let outputs = value.shape[0];
        Ok(Weights { value: self.to.add(value), scale, outputs })
    }

    /// Reads the bias. `unit` is the scale, as `f32`, that marks codes in units of the accumulator.
    fn bias(
        &self,
        at: &Location,
        id: ValueId,
        outputs: usize,
        unit: Option<&[f32]>,
        meaning: &Meaning,
        beta: &BigRational,
    ) -> Result<Bias, Diagnostic> {
        let at = at.clone().at_part("bias");
        let value = self.from.value(id);
        if value.elems() != outputs || value.shape.last() != Some(&outputs) && outputs != 1 {
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
                let scale = |channel: usize| codes.scale[if codes.scale.len() == 1 { 0 } else { channel }];
                let in_units = codes.zero_point == 0
                    && unit.is_some_and(|unit| {
                        (0..outputs)
                            .all(|channel| scale(channel) == unit[if unit.len() == 1 { 0 } else { channel }])
                    });
                let real = |channel: usize| {
                    let count = exact::from_integer(i64::from(elements[channel]) - codes.zero_point);
                    let step = exact_scale(scale(channel));
                    let gain =
                        if in_units { meaning.channel(channel).0.clone() } else { BigRational::zero() };
                    // The file names the unit rounded to f32; what that adds to whole units stays in the meaning.
                    count * (step * beta - gain)
                };
                let offset = (0..outputs).map(real).collect();
                Ok(Bias { integer: in_units.then(|| elements.clone()), offset, int: codes.int })
            }
            _ => Err(Diagnostic::new(Code::NotConstant, at, format!("`{}`", value.name), "an initializer")),
        }
    }
}
