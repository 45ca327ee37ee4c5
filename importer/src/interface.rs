//! What a caller has to know about a program's inputs and outputs: names, shapes, what the integers stand for, and what
//! the file holds in their place.

mod text;

use std::collections::BTreeSet;

use exactum_host::functions::softmax;
use exactum_qonnx::ElemType;
use exactum_runtime::num::{IntRange, IntType};
use num_traits::{One, ToPrimitive, Zero};

use crate::exact::{Curve, Piece};
use crate::graph::{
    ChannelMap, Dequantize, FileOutput, Graph, Meaning, Op, Storage, TensorType, Type, Value, ValueId,
    exact_scale,
};

/// Inputs and outputs of a program, in the file's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Interface {
    /// What the caller provides: one for each input of the program. Several can be one input of the file, each
    /// quantized in its own way.
    pub inputs: Vec<Port>,
    /// Which of [`input_names`](Self::input_names) each of them is given.
    pub given: Vec<usize>,
    /// Names of all inputs of the file, in its order, with those that nothing reads.
    pub input_names: Vec<String>,
    /// What the caller gets.
    pub outputs: Vec<Port>,
}

/// One input or output. A real value is `(integer - zero_point) * scale + offset`.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// Name in the file.
    pub name: String,
    /// Shape of one sample, the batch axis as 1, in the file's order of axes.
    pub shape: Vec<usize>,
    /// Type of the integers; `int32` for accumulators.
    pub int: IntType,
    /// Integers that can occur.
    pub range: IntRange,
    /// What a program's memory holds is each integer less this: 2^15 where unsigned codes of 16 bits are stored as
    /// `i16`, else 0.
    pub stored_less: i64,
    /// Integer of the real value 0.
    pub zero_point: i64,
    /// Real value of one unit: one for all, or one for each channel. The product of two `f32` scales is exact in `f64`.
    pub scale: Vec<f64>,
    /// Real value added, nearest `f64`: empty, one for all, or one for each channel.
    pub offset: Vec<f64>,
    /// Axis of the channels, where they are the indices along one.
    pub axis: usize,
    /// Where the channels are, if not along an axis.
    pub channels: Option<ChannelMap>,
    /// What the model does with the real values, in order, and a program leaves to its caller.
    pub functions: Vec<Function>,
    /// Whether the codes of an input are a function of floats with operators of the model before the quantizer: scale
    /// and zero point are then not those of the floats that the caller gives.
    pub preprocessed: bool,
    /// What the file holds here.
    pub tensor: TensorType,
}

/// A function of the real values of an output.
#[derive(Clone, Debug, PartialEq)]
pub enum Function {
    /// Of each element.
    Curve(Box<Curve>),
    /// Of all elements along an axis.
    Softmax {
        /// The axis, the batch counted.
        axis: usize,
    },
}

impl Function {
    /// Scale and offset of the codes in which the function ends, if it does: what follows its last rounding but for a
    /// clip.
    fn codes(&self) -> Option<(f64, f64)> {
        let Self::Curve(curve) = self else { return None };
        let (pieces, real) = match curve.pieces() {
            [pieces @ .., Piece::Affine { gain, offset }] => {
                let [gain, offset] = [gain, offset].map(|values| match values.as_slice() {
                    [value] => value.to_f64(),
                    _ => None,
                });
                (pieces, (gain?, offset?))
            }
            pieces => (pieces, (1.0, 0.0)),
        };
        let rounds = matches!(
            pieces,
            [.., Piece::Round { .. }, Piece::Affine { .. }, Piece::Clip { .. }]
                | [.., Piece::Round { .. }, Piece::Clip { .. }]
                | [.., Piece::Round { .. }]
        );
        rounds.then_some(real)
    }
}

/// Whether operators of the model stand before the quantizer that makes `codes` of an input.
fn preprocessed(graph: &Graph, codes: ValueId) -> bool {
    let Some(Op::Quantize(quantize)) = graph.producer(codes).map(|index| &graph.nodes[index].op) else {
        return false;
    };
    let curve = &quantize.tail.curve;
    let (Type::Codes(codes), Some((gain, offset))) = (&graph.value(codes).ty, curve.as_affine()) else {
        return true;
    };
    // Scales of channels are written as gains.
    let scaled = codes.axis.is_some()
        && gain.len() == codes.scale.len()
        && gain.iter().zip(&codes.scale).all(|(gain, scale)| (gain * exact_scale(*scale)).is_one());
    !(curve.is_identity() || scaled && offset.iter().all(Zero::is_zero))
}

impl Interface {
    /// The interface of a model: what its `quantized` graph says, with the bounds of the `integer` graph, and the inputs
    /// of the file as they are in the `imported` one.
    ///
    /// # Panics
    /// If the graphs are not of one model.
    pub fn of(imported: &Graph, quantized: &Graph, integer: &Graph) -> Self {
        let given = |input: &ValueId| {
            let mut sources = quantized.value(*input).sources.iter();
            sources.find_map(|source| imported.inputs.iter().position(|known| *known == source.value))
        };
        let given = quantized.inputs.iter().map(|input| given(input).expect("an input is one of the file"));
        let codes = quantized.input_codes().into_iter().zip(integer.input_codes());
        let inputs = integer.inputs.iter().zip(codes);
        Self {
            inputs: inputs
                .map(|(input, (codes, stored))| {
                    let input = integer.value(*input);
                    let tensor = input.tensor.clone().unwrap_or_default();
                    let port = Port::of(&input.name, quantized.value(codes)).bounded(integer.value(stored));
                    Port { preprocessed: preprocessed(quantized, codes), tensor, ..port }
                })
                .collect(),
            given: given.collect(),
            input_names: imported.inputs.iter().map(|id| imported.value(*id).name.clone()).collect(),
            outputs: (0..quantized.outputs.len())
                .map(|position| {
                    let stored = integer.value(integer.integers(integer.outputs[position]));
                    Port::of_output(quantized, position).bounded(stored)
                })
                .collect(),
        }
    }

    /// One port for each input of the file that something reads, in the file's order.
    pub fn read_inputs(&self) -> Vec<&Port> {
        (0..self.input_names.len()).filter_map(|input| Some(&self.inputs[self.first_given(input)?])).collect()
    }

    /// Names of the file's inputs that nothing reads.
    pub fn unread_inputs(&self) -> Vec<&str> {
        let names = self.input_names.iter().enumerate();
        names.filter(|(input, _)| !self.given.contains(input)).map(|(_, name)| name.as_str()).collect()
    }

    /// The first of the program's inputs that is given `input` of the file.
    pub fn first_given(&self, input: usize) -> Option<usize> {
        self.given.iter().position(|given| *given == input)
    }

    /// For each input of the program the position among the [inputs that are read](Self::read_inputs) of what it is
    /// given.
    pub fn read_positions(&self) -> Vec<usize> {
        let read: BTreeSet<usize> = self.given.iter().copied().collect();
        self.given.iter().map(|input| read.range(..input).count()).collect()
    }
}

impl Port {
    fn of_output(graph: &Graph, position: usize) -> Self {
        let id = graph.outputs[position];
        let value = graph.value(id);
        let FileOutput { name, tensor } = graph.result(position);
        let port = Self { tensor, ..Self::of(&name, graph.value(graph.integers(id))) };
        let producer = graph.producer(id).map(|index| &graph.nodes[index].op);
        let Some(Op::Dequantize(Dequantize { curve, channels, softmax })) = producer else { return port };
        // The first affine piece is scale and offset, the rest is named.
        let mut pieces = curve.pieces().iter();
        let nearest = |values: &[num_rational::BigRational]| -> Vec<f64> {
            values.iter().map(|value| value.to_f64().unwrap_or(f64::NAN)).collect()
        };
        let (scale, offset) = match pieces.clone().next() {
            Some(Piece::Affine { gain, offset }) => {
                pieces.next();
                (nearest(gain), if offset.iter().all(Zero::is_zero) { vec![] } else { nearest(offset) })
            }
            _ => (vec![1.0], vec![]),
        };
        let named = pieces.map(|piece| Function::Curve(Box::new(Curve::identity().then(piece.clone()))));
        let mut functions: Vec<Function> = named.collect();
        if let Some(softmax) = softmax {
            functions.push(Function::Softmax { axis: softmax.axis });
            if !softmax.then.is_identity() {
                functions.push(Function::Curve(Box::new(softmax.then.clone())));
            }
        }
        let port = Self { shape: value.shape.clone(), zero_point: 0, scale, offset, functions, ..port };
        port.with_channels(channels.as_ref())
    }

    /// What the integers of `value` are and stand for, under the name `name`.
    pub(crate) fn of(name: &str, value: &Value) -> Self {
        let port = Self {
            name: name.to_owned(),
            shape: value.shape.clone(),
            int: IntType::INT32,
            range: IntType::INT32.range(),
            stored_less: 0,
            zero_point: 0,
            scale: vec![],
            offset: vec![],
            axis: 1,
            channels: None,
            functions: vec![],
            preprocessed: false,
            tensor: TensorType::default(),
        };
        match &value.ty {
            Type::Codes(codes) => Self {
                int: codes.int,
                range: codes.range,
                stored_less: Storage::of(codes.int).less,
                zero_point: codes.zero_point,
                scale: codes.scale.iter().map(|scale| f64::from(*scale)).collect(),
                axis: codes.axis.unwrap_or(1),
                ..port
            },
            Type::Accumulators { meaning: Some(Meaning { gain, offset, channels }), bounds } => {
                let nearest = |values: &[num_rational::BigRational]| {
                    values.iter().map(|value| value.to_f64().unwrap_or(f64::NAN)).collect()
                };
                let range = bounds.iter().copied().reduce(IntRange::union).unwrap_or(port.range);
                let offset = if offset.iter().all(Zero::is_zero) { vec![] } else { nearest(offset) };
                Self { range, scale: nearest(gain), offset, ..port }.with_channels(channels.as_ref())
            }
            _ => port,
        }
    }

    /// The port with the integers that `stored`, the value that a program stores for it, can hold.
    fn bounded(self, stored: &Value) -> Self {
        let IntRange { lo, hi } = Self::of("", stored).range;
        let range = IntRange { lo: lo + self.stored_less, hi: hi + self.stored_less };
        Self { range, ..self }
    }

    /// The model's integers of those that a program stores.
    pub fn of_stored(&self, stored: &[i32]) -> Vec<i32> {
        stored.iter().map(|integer| integer.wrapping_add(self.stored_less as i32)).collect()
    }

    /// The port with channels as `channels` says.
    fn with_channels(self, channels: Option<&ChannelMap>) -> Self {
        let axis = channels.map_or(Some(1), |channels| channels.axis(&self.shape));
        Self { axis: axis.unwrap_or(1), channels: channels.filter(|_| axis.is_none()).cloned(), ..self }
    }

    /// What a caller must not take scale and zero point of an input for, if its floats are [preprocessed](Self::preprocessed).
    pub fn preprocessing(&self) -> Option<String> {
        self.preprocessed.then(|| {
            format!(
                "the program computes these codes from floats by thresholds, for the operators before the quantizer; the scale \
                 is not that of `{0}`: give floats, or build with `--input-type {0}=uint8*1` for a program that takes bytes, \
                 each of which stands for its number",
                self.name
            )
        })
    }

    /// Elements of one sample.
    pub fn elems(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the file holds other integers here than the program: of another scale or zero point, or behind functions.
    pub fn differs_in_file(&self) -> bool {
        let TensorType { scale, zero_point, axis, .. } = &self.tensor;
        let same_scale = scale.iter().map(|scale| f64::from(*scale)).eq(self.scale.iter().copied());
        let same_axis = axis.is_none_or(|axis| axis == self.axis);
        let same_zero = zero_point.iter().all(|zero_point| *zero_point == self.zero_point);
        let same =
            same_scale && same_axis && same_zero && self.offset.is_empty() && self.functions.is_empty();
        self.tensor.holds_integers() && !same
    }

    /// Whether the integers of different channels count in different units, so that comparing them, as for the largest,
    /// says nothing of the real values.
    pub fn has_unequal_units(&self) -> bool {
        let differ = |values: &[f64]| values.iter().any(|value| *value != values[0]);
        differ(&self.scale) || differ(&self.offset)
    }

    /// Whether the integers are exact sums of a layer, not codes of a quantizer.
    pub fn holds_accumulators(&self) -> bool {
        self.int == IntType::INT32
    }

    /// Channel of element `index` of a sample.
    fn channel(&self, index: usize) -> usize {
        if let Some(channels) = &self.channels {
            return channels.channel(index);
        }
        let inner: usize = self.shape[(self.axis + 1).min(self.shape.len())..].iter().product();
        index / inner.max(1) % self.shape.get(self.axis).copied().unwrap_or(1).max(1)
    }

    /// Scale and offset of element `index` of a sample.
    pub fn affine(&self, index: usize) -> (f64, f64) {
        let channel = self.channel(index);
        let at = |values: &[f64], default: f64| *values.get(channel).or(values.first()).unwrap_or(&default);
        (at(&self.scale, 1.0), at(&self.offset, 0.0))
    }

    /// Shape of one sample without its batch axis.
    pub fn sample_shape(&self) -> &[usize] {
        self.shape.get(1..).unwrap_or_default()
    }

    /// The same in the order in which the program has its elements.
    pub fn program_shape(&self) -> Vec<usize> {
        let mut shape = self.sample_shape().to_vec();
        if self.tensor.channels_last && !shape.is_empty() {
            shape.rotate_left(1);
        }
        shape
    }

    /// Where the program has element `index` of the file's order.
    pub fn program_index(&self, index: usize) -> usize {
        let [channels, places @ ..] = self.sample_shape() else { return index };
        let places: usize = places.iter().product();
        if self.tensor.channels_last {
            index % places.max(1) * channels + index / places.max(1)
        } else {
            index
        }
    }

    /// The real value of `integer` at element `index` of a sample, to a few units in the last place of `f64`.
    pub fn real(&self, index: usize, integer: i64) -> f64 {
        let (scale, offset) = self.affine(index);
        (integer - self.zero_point) as f64 * scale + offset
    }

    /// What the model gives for the `integers` of one sample: their real values, and of these the
    /// [functions](Self::functions) that the program leaves to its caller. Exact to a few units in the last place of
    /// `f64`.
    pub fn results(&self, integers: impl IntoIterator<Item = i64>) -> Vec<f64> {
        let integers = integers.into_iter().enumerate();
        let reals = integers.map(|(index, integer)| self.real(index, integer)).collect();
        self.functions.iter().fold(reals, |reals, function| match function {
            Function::Curve(curve) => {
                let value = |(index, x): (usize, &f64)| curve.value(self.channel(index), *x);
                reals.iter().enumerate().map(value).collect()
            }
            Function::Softmax { axis } => softmax(&reals, &self.shape, *axis),
        })
    }

    /// What the file's output holds for the `integers` of one sample: the [results](Self::results), or the integers that
    /// these are in the file.
    pub fn numbers(&self, integers: impl IntoIterator<Item = i64>) -> Vec<f64> {
        let results = self.results(integers).into_iter().enumerate();
        results.map(|(index, real)| self.tensor.of_real(&self.shape, index, real)).collect()
    }

    /// The codes of an output for the `integers` of one sample, and their type: the file's integers if it has such, else
    /// those of the quantizer that ends the functions, else the program's.
    pub fn codes(&self, integers: impl IntoIterator<Item = i64>) -> (ElemType, Vec<f64>) {
        if self.tensor.holds_integers() {
            return (self.tensor.elem, self.numbers(integers));
        }
        let codes = match self.functions.last().and_then(Function::codes) {
            Some((scale, offset)) => {
                let code = |real: f64| ((real - offset) / scale).round_ties_even();
                self.results(integers).into_iter().map(code).collect()
            }
            None => integers.into_iter().map(|integer| integer as f64).collect(),
        };
        (ElemType::I32, codes)
    }

    /// The integer whose real value is nearest to `real` at element `index` of a sample.
    pub fn nearest(&self, index: usize, real: f64) -> i64 {
        let (scale, offset) = self.affine(index);
        (((real - offset) / scale).round_ties_even() as i64).saturating_add(self.zero_point)
    }
}
