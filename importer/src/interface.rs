//! What a caller has to know about a program's inputs and outputs: names, shapes, and what the integers stand for.

use exactum_runtime::num::{IntRange, IntType};
use num_traits::{ToPrimitive, Zero};
use serde::{Deserialize, Serialize};

use crate::exact::{Curve, Piece};
use crate::graph::{Dequantize, Graph, Meaning, Op, Type, Value, ValueId};
use crate::lower;

/// Inputs and outputs of a program, in the file's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Interface {
    /// What the caller provides.
    pub inputs: Vec<Port>,
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
    /// Integer of the real value 0.
    pub zero_point: i64,
    /// Real value of one unit: one for all, or one for each channel. The product of two `f32` scales is exact in `f64`.
    pub scale: Vec<f64>,
    /// Real value added, nearest `f64`: empty, one for all, or one for each channel.
    pub offset: Vec<f64>,
    /// Axis of the channels.
    pub axis: usize,
    /// What the model does with the real values, in order, and a program leaves to its caller.
    pub functions: Vec<Function>,
}

/// A function of the real values of an output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Function {
    /// Of each element.
    Curve(Box<Curve>),
    /// Of all elements along an axis.
    Softmax {
        /// The axis, the batch counted.
        axis: usize,
    },
}

/// The position along each axis of `shape` of element `index` in row-major order.
pub fn position(shape: &[usize], index: usize) -> Vec<usize> {
    let mut rest = index;
    let mut position = vec![0; shape.len()];
    for (at, dim) in position.iter_mut().zip(shape).rev() {
        *at = rest % dim.max(&1);
        rest /= dim.max(&1);
    }
    position
}

impl Interface {
    /// The interface of a graph on the integer level.
    pub fn of(graph: &Graph) -> Self {
        let inputs = graph.inputs.iter().zip(lower::input_codes(graph));
        Self {
            inputs: inputs
                .map(|(input, codes)| Port::of(&graph.value(*input).name, graph.value(codes)))
                .collect(),
            outputs: graph.outputs.iter().map(|id| Port::of_output(graph, *id)).collect(),
        }
    }
}

impl Port {
    fn of_output(graph: &Graph, id: ValueId) -> Self {
        let value = graph.value(id);
        let port = Self::of(&value.name, graph.value(graph.integers(id)));
        let producer = graph.producer(id).map(|index| &graph.nodes[index].op);
        let Some(Op::Dequantize(Dequantize { curve, softmax })) = producer else { return port };
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
        let functions = named.chain(softmax.map(|axis| Function::Softmax { axis })).collect();
        Self { shape: value.shape.clone(), zero_point: 0, scale, offset, functions, ..port }
    }

    /// What the integers of `value` are and stand for, under the name `name`.
    pub(crate) fn of(name: &str, value: &Value) -> Self {
        let port = Self {
            name: name.to_owned(),
            shape: value.shape.clone(),
            int: IntType::INT32,
            range: IntType::INT32.range(),
            zero_point: 0,
            scale: vec![],
            offset: vec![],
            axis: 1,
            functions: vec![],
        };
        match &value.ty {
            Type::Codes(codes) => Self {
                int: codes.int,
                range: codes.range,
                zero_point: codes.zero_point,
                scale: codes.scale.iter().map(|scale| f64::from(*scale)).collect(),
                ..port
            },
            Type::Accumulators { meaning: Some(Meaning { gain, offset }), bounds } => {
                let nearest = |values: &[num_rational::BigRational]| {
                    values.iter().map(|value| value.to_f64().unwrap_or(f64::NAN)).collect()
                };
                let range = bounds.iter().copied().reduce(IntRange::union).unwrap_or(port.range);
                let offset = if offset.iter().all(Zero::is_zero) { vec![] } else { nearest(offset) };
                Self { range, scale: nearest(gain), offset, ..port }
            }
            _ => port,
        }
    }

    /// Elements of one sample.
    pub fn elems(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the integers are exact sums of a layer, not codes of a quantizer.
    pub fn holds_accumulators(&self) -> bool {
        self.int == IntType::INT32
    }

    /// Channel of element `index` of a sample.
    fn channel(&self, index: usize) -> usize {
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

    /// The real value of `integer` at element `index` of a sample, to a few units in the last place of `f64`.
    pub fn real(&self, index: usize, integer: i64) -> f64 {
        let (scale, offset) = self.affine(index);
        (integer - self.zero_point) as f64 * scale + offset
    }

    /// The real value of `integer` at element `index` of a sample, nearest `f32`.
    pub fn dequantize(&self, index: usize, integer: i64) -> f32 {
        self.real(index, integer) as f32
    }

    /// The integer whose real value is nearest to `real` at element `index` of a sample.
    pub fn nearest(&self, index: usize, real: f64) -> i64 {
        let (scale, offset) = self.affine(index);
        (((real - offset) / scale).round_ties_even() as i64).saturating_add(self.zero_point)
    }
}
