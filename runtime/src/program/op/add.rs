//! `add`: the weighted sum of two tensors, elementwise, then requantization. Works in place where element sizes agree.

use core::fmt;

use super::OpBody;
use super::layer::{flag, list_requant};
use crate::error::OpFault;
use crate::kernels::add::add;
use crate::kernels::elementwise::{self, Operands};
use crate::num::requant::at;
use crate::num::{IntRange, Requant};
use crate::program::bounds;
use crate::program::constants::{ConstRef, Constants};
#[cfg(feature = "encode")]
use crate::program::encode::ConstantWriter;
use crate::program::record::record;
use crate::program::tail::RequantRecord;
use crate::program::tensor::{Tensor, TensorId, Tensors};

/// `output[i] = requant(c, m[0] * input[i] + m[1] * second[j])` with the multipliers `m` of channel `c = i % channels`.
///
/// `j` is `i` if `second` has as many elements as `input`, else `i` modulo its number of elements: it is repeated along
/// the outer axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Add<'p> {
    /// Integers of any element type.
    pub input: TensorId,
    /// As many integers of any element type, or fewer whose number divides that of the output.
    pub second: TensorId,
    /// As many elements as `input`.
    pub output: TensorId,
    /// Factors of `input` and `second`.
    pub multipliers: Multipliers<'p>,
    /// Channels: the elements of one row; divides the number of elements.
    pub channels: u32,
    /// `None` stores the accumulators as `i32`.
    pub requant: Option<Requant<'p>>,
}

/// Factors of two operands: one pair for each channel, or one for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multipliers<'p> {
    /// 32-bit factors and sums.
    I32(&'p [[i32; 2]]),
    /// 64-bit factors and sums, which a form of 64-bit accumulators requantizes.
    I64(&'p [[i64; 2]]),
}

impl Multipliers<'_> {
    const fn len(self) -> usize {
        match self {
            Self::I32(pairs) => pairs.len(),
            Self::I64(pairs) => pairs.len(),
        }
    }

    const fn is_wide(self) -> bool {
        matches!(self, Self::I64(_))
    }

    fn at(self, channel: usize) -> [i64; 2] {
        match self {
            Self::I32(pairs) => at(pairs, channel).map(i64::from),
            Self::I64(pairs) => at(pairs, channel),
        }
    }
}

record! {
    /// The fields of `add`.
    pub(crate) struct AddRecord {
        pub(crate) second: u16 = "The second tensor it reads.",
        pub(crate) wide: u8 = "1 if factors and sums have 64 bits, else 0.",
        pub(crate) reserved: u8 = "Zero.",
        pub(crate) channels: u32 = "Elements of one row; divides the number of elements.",
        pub(crate) multipliers: ConstRef = "`[i32; 2]`, or `[i64; 2]` if wide: factors of the first and the second tensor, one pair for each channel or one for all.",
        pub(crate) requant: RequantRecord = "From accumulators to codes.",
    }
}

impl<'p> OpBody<'p> for Add<'p> {
    type Record = AddRecord;

    fn decode(
        input: TensorId,
        output: TensorId,
        record: &AddRecord,
        constants: Constants<'p>,
    ) -> Result<Self, OpFault> {
        if record.reserved != 0 {
            return Err(OpFault::Reserved);
        }
        Ok(Self {
            input,
            second: TensorId(record.second),
            output,
            multipliers: if flag(record.wide)? {
                Multipliers::I64(constants.slice(record.multipliers)?)
            } else {
                Multipliers::I32(constants.slice(record.multipliers)?)
            },
            channels: record.channels,
            requant: record.requant.decode(constants)?,
        })
    }

    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, constants: &mut ConstantWriter<'_, S>) -> AddRecord {
        AddRecord {
            second: self.second.0,
            wide: self.multipliers.is_wide().into(),
            reserved: 0,
            channels: self.channels,
            multipliers: match self.multipliers {
                Multipliers::I32(pairs) => constants.put(pairs),
                Multipliers::I64(pairs) => constants.put(pairs),
            },
            requant: RequantRecord::encode(self.requant.as_ref(), constants),
        }
    }

    fn second(&self) -> Option<TensorId> {
        Some(self.second)
    }

    fn may_share(&self, input: &Tensor, output: &Tensor) -> bool {
        elementwise::may_share(input, output)
    }

    fn verify(&self, tensors: Tensors<'_>, input: &Tensor, output: &Tensor) -> Result<(), OpFault> {
        let second = tensors.get(self.second).ok_or(OpFault::NoTensor { tensor: self.second })?;
        elementwise::verify_shapes(input, &second, output, self.channels)?;
        let (pairs, channels) = (self.multipliers.len(), self.channels as usize);
        if pairs != 1 && pairs != channels {
            return Err(OpFault::RequantParameters);
        }
        if self.multipliers.is_wide() && self.requant.is_none() {
            return Err(OpFault::Form);
        }
        let acc = |channel| {
            range(input.range, second.range, self.multipliers.at(channel))
                .filter(|acc| self.multipliers.is_wide() || acc.signed_bits() <= i32::BITS)
        };
        bounds::elementwise(self.requant.as_ref(), self.channels, acc, output)
    }

    fn run(&self, tensors: Tensors<'_>, input: &Tensor, output: &Tensor, arena: &mut [u8]) {
        let Some(second) = tensors.get(self.second) else { return };
        let operands = Operands {
            first: input,
            second: &second,
            output,
            channels: self.channels,
            requant: self.requant.as_ref(),
        };
        add(&operands, self.multipliers, arena);
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.multipliers.len() {
            0 | 1 => {
                let [first, second] = self.multipliers.at(0);
                write!(f, "multipliers {first} and {second}, ")?;
            }
            pairs => write!(f, "{pairs} pairs of multipliers, ")?,
        }
        let sums = if self.multipliers.is_wide() { "64-bit sums, " } else { "" };
        write!(f, "{} channels, {sums}", self.channels)?;
        list_requant(f, self.requant.as_ref())
    }
}

/// The sums for elements of `first` and `second`, or `None` past 64 bits.
fn range(first: IntRange, second: IntRange, [a, b]: [i64; 2]) -> Option<IntRange> {
    first.checked_scale(a)?.checked_add(second.checked_scale(b)?)
}
