//! `add`: the weighted sum of two tensors, elementwise, then requantization. Works in place where element sizes agree.

use core::fmt;

use exactum_num::requant::at;
use exactum_num::{IntRange, Requant};

use super::declare::{Checks, op};
use crate::bounds::{self, may_share, verify_shapes};
use crate::constants::{ConstRef, Constants};
use crate::error::OpFault;
use crate::layer::list_requant;
use crate::record::record;
use crate::requant::RequantRecord;
use crate::stored::Stored;
use crate::tensor::{Tensor, Tensors};
use crate::work::Work;
#[cfg(feature = "encode")]
use crate::writer::ConstantWriter;

op! {
    /// `output[i] = requant(c, m[0] * input[i] + m[1] * second[j])` with the multipliers `m` of channel `c = i % channels`.
    ///
    /// `j` is `i` if `second` has as many elements as `input`, else `i` modulo its number of elements: it is repeated along
    /// the outer axes.
    Add<'p> as AddRecord {
        operands {
            input = "Integers of any element type.",
            second = "As many integers of any element type, or fewer whose number divides that of the output.",
        }
        results {
            output = "As many elements as `input`.",
        }
        channels: u32 as u32 = "Elements of one row; divides the number of elements.",
        multipliers: Multipliers<'p> as MultipliersRecord = "Factors of the first and the second tensor.",
        requant: Option<Requant<'p>> as RequantRecord = "From accumulators to codes.",
    }
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
    /// Factors of two operands in the image.
    pub(crate) struct MultipliersRecord {
        pub(crate) wide: u8 = "1 if factors and sums have 64 bits, else 0.",
        pub(crate) reserved: [u8; 3] = "Zeros.",
        pub(crate) pairs: ConstRef = "`[i32; 2]`, or `[i64; 2]` if wide: one pair for each channel or one for all.",
    }
}

impl<'p> Stored<'p, MultipliersRecord> for Multipliers<'p> {
    fn decode(record: &MultipliersRecord, constants: Constants<'p>) -> Result<Self, OpFault> {
        if record.reserved != [0; 3] {
            return Err(OpFault::Reserved);
        }
        Ok(if bool::decode(&record.wide, constants)? {
            Self::I64(constants.slice(record.pairs)?)
        } else {
            Self::I32(constants.slice(record.pairs)?)
        })
    }

    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, constants: &mut ConstantWriter<'_, S>) -> MultipliersRecord {
        let pairs = match self {
            Self::I32(pairs) => constants.put(pairs),
            Self::I64(pairs) => constants.put(pairs),
        };
        MultipliersRecord { wide: self.is_wide().into(), reserved: [0; 3], pairs }
    }
}

impl Checks<'_> for Add<'_> {
    fn may_share(&self, input: &Tensor, output: &Tensor) -> bool {
        may_share(input, output)
    }

    fn verify(
        &self,
        tensors: Tensors<'_>,
        input: &Tensor,
        output: &Tensor,
        work: &mut Work,
    ) -> Result<(), OpFault> {
        let second = tensors.get(self.second).ok_or(OpFault::NoTensor { tensor: self.second })?;
        verify_shapes(input, &second, output, self.channels)?;
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
        bounds::elementwise(self.requant.as_ref(), self.channels, pairs, acc, output, work)
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
