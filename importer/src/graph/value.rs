//! Values of the graph: shape, type, exact meaning, and the data of constants.

use exactum_runtime::num::{IntRange, IntType};
use num_rational::BigRational;
use num_traits::Zero;
use serde::{Deserialize, Serialize};

use super::{ChannelMap, Source, TensorType};
use crate::exact;

/// Names a value of one graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ValueId(u32);

impl ValueId {
    /// The value at `index`.
    ///
    /// # Panics
    /// Past 2^32 values.
    pub fn new(index: usize) -> Self {
        Self(u32::try_from(index).expect("a graph holds fewer than 2^32 values"))
    }

    /// Position in [`Graph::values`](super::Graph::values).
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A tensor of the graph. The batch axis, where the file has one, is 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Name, from the file where it has one.
    pub name: String,
    /// Elements along each axis.
    pub shape: Vec<usize>,
    /// What an element is.
    pub ty: Type,
    /// The elements, if the model fixes them.
    pub constant: Option<Constant>,
    /// What the file holds in this place, if that is not float32.
    pub tensor: Option<TensorType>,
    /// Values of an earlier graph that this one holds.
    pub sources: Vec<Source>,
    /// Place in the arena, on the scheduled level; none of a port outside.
    pub placement: Option<Placement>,
}

/// What an element of a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// A real number, in `f32`.
    Float,
    /// A shape or an axis list, in `i64`.
    Shape,
    /// An integer code of a quantizer.
    Codes(Codes),
    /// The exact sum of a layer.
    Accumulators {
        /// What the integers stand for; dropped inside the graph on the integer level.
        meaning: Option<Meaning>,
        /// Proven bounds for each output channel; empty before they are computed.
        bounds: Vec<IntRange>,
    },
}

/// Integer codes and what they stand for: `(code - zero_point) * scale`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Codes {
    /// Type of the code.
    #[serde(with = "crate::exact::text::display")]
    pub int: IntType,
    /// Codes that can occur; never more than `int` holds.
    #[serde(with = "crate::exact::text::range")]
    pub range: IntRange,
    /// Code of the real number zero.
    pub zero_point: i64,
    /// Scale of all channels, or of each channel along `axis`; dropped inside the graph on the integer level.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "crate::exact::text::floats")]
    pub scale: Vec<f32>,
    /// Axis of the channels, if there is a scale for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub axis: Option<usize>,
}

/// What an integer stands for, exactly: `integer * gain + offset`, for all channels (one element) or for each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meaning {
    /// Real value of one unit.
    #[serde(with = "crate::exact::text::rationals")]
    pub gain: Vec<BigRational>,
    /// Real value of the integer 0.
    #[serde(with = "crate::exact::text::rationals")]
    pub offset: Vec<BigRational>,
    /// Where the channels are, if not along axis 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<ChannelMap>,
}

/// Elements of a constant, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// Real numbers as the file stores them.
    Float(Vec<f32>),
    /// Codes.
    Codes(Vec<i32>),
    /// A shape or axes.
    Shape(Vec<i64>),
}

/// The arena of a scheduled graph, as `plan-memory` planned it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryPlan {
    /// Size of the arena.
    pub arena_bytes: usize,
    /// No arena is smaller.
    pub lower_bound_bytes: usize,
    /// Whether it is proven that no smaller arena exists.
    pub optimal: bool,
}

/// Sides of a program whose ports lie outside the arena, in buffers that the caller gives for each run, where they can: not
/// an input that is an output as well, nor integers that are two outputs or a state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outside {
    /// What the caller gives.
    pub inputs: bool,
    /// What the caller gets.
    pub outputs: bool,
}

/// A place in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// From the start of the arena.
    pub offset_bytes: usize,
    /// Space taken.
    pub size_bytes: usize,
}

impl Value {
    /// A value that some node or the caller will provide.
    pub fn new(name: impl Into<String>, shape: Vec<usize>, ty: Type) -> Self {
        Self { name: name.into(), shape, ty, constant: None, tensor: None, sources: vec![], placement: None }
    }

    /// Number of elements.
    pub fn elems(&self) -> usize {
        self.shape.iter().product()
    }

    /// Proven bounds of each output channel of accumulators; none of other integers.
    pub fn bounds(&self) -> &[IntRange] {
        match &self.ty {
            Type::Accumulators { bounds, .. } => bounds,
            _ => &[],
        }
    }

    /// The codes' type, if the value holds codes.
    pub fn codes(&self) -> Option<&Codes> {
        match &self.ty {
            Type::Codes(codes) => Some(codes),
            _ => None,
        }
    }
}

impl Type {
    /// The same type without scales and meanings, as values inside an integer graph have it.
    #[must_use]
    pub fn without_meaning(&self) -> Self {
        match self {
            Self::Codes(codes) => Self::Codes(Codes { scale: vec![], axis: None, ..codes.clone() }),
            Self::Accumulators { bounds, .. } => Self::Accumulators { meaning: None, bounds: bounds.clone() },
            other => other.clone(),
        }
    }
}

impl Meaning {
    /// The meaning of codes with a scale.
    pub fn of_codes(codes: &Codes) -> Self {
        let zero_point = BigRational::from_integer(codes.zero_point.into());
        let gain: Vec<BigRational> = codes.scale.iter().map(|scale| exact_scale(*scale)).collect();
        let offset = gain.iter().map(|gain| -gain * &zero_point).collect();
        Self { gain, offset, channels: None }
    }

    /// How many channels it tells apart, 1 if none.
    pub fn count(&self) -> usize {
        self.gain.len().max(self.offset.len())
    }

    /// Gain and offset of `channel`.
    ///
    /// # Panics
    /// If the meaning has neither one channel nor more than `channel`.
    pub fn channel(&self, channel: usize) -> (&BigRational, &BigRational) {
        (shared(&self.gain, channel), shared(&self.offset, channel))
    }
}

/// Element `channel`, or the only one.
pub(super) fn shared<T>(values: &[T], channel: usize) -> &T {
    if values.len() == 1 { &values[0] } else { &values[channel] }
}

impl Codes {
    /// The type of the constant `codes`, without a zero point: the narrowest that holds them and zero.
    pub(crate) fn of_constant(codes: &[i32], scale: Vec<f32>, axis: Option<usize>) -> Self {
        let (lo, hi) = (codes.iter().copied().fold(0, i32::min), codes.iter().copied().fold(0, i32::max));
        let range = IntRange { lo: lo.into(), hi: hi.into() };
        Self { int: narrowest(range), range, zero_point: 0, scale, axis }
    }
}

/// The narrowest type of signed codes that holds `range`, of 2 bits at least.
pub(crate) fn narrowest(range: IntRange) -> IntType {
    let types = (2..=32).flat_map(|bits| [true, false].map(|narrow| IntType::new(bits, true, narrow)));
    types.flatten().find(|int| int.range().contains_range(range)).unwrap_or(IntType::INT32)
}

/// A scale as a rational; zero for what is not finite, which readers refuse.
pub(crate) fn exact_scale(scale: f32) -> BigRational {
    exact::from_f32(scale).unwrap_or_else(BigRational::zero)
}
