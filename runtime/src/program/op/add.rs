//! `add`: the weighted sum of two tensors, elementwise, then requantization. Works in place where element sizes agree.

use core::fmt;

use super::OpBody;
use super::layer::list_requant;
use crate::error::OpFault;
use crate::kernels::elementwise::{self, Operands};
use crate::num::{IntRange, Requant};
use crate::program::bounds;
use crate::program::constants::Constants;
#[cfg(feature = "encode")]
use crate::program::encode::ConstantWriter;
use crate::program::record::record;
use crate::program::tail::RequantRecord;
use crate::program::tensor::{Tensor, TensorId, Tensors};

/// `output[i] = requant(i % channels, multipliers[0] * input[i] + multipliers[1] * second[j])`.
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
    pub multipliers: [i32; 2],
    /// Channels: the elements of one row; divides the number of elements.
    pub channels: u32,
    /// `None` stores the accumulators as `i32`.
    pub requant: Option<Requant<'p>>,
}

record! {
    /// The fields of `add`.
    pub(crate) struct AddRecord {
        pub(crate) second: u16 = "The second tensor it reads.",
        pub(crate) reserved: u16 = "Zero.",
        pub(crate) channels: u32 = "Elements of one row; divides the number of elements.",
        pub(crate) multipliers: [i32; 2] = "Factors of the first and the second tensor.",
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
            multipliers: record.multipliers,
            channels: record.channels,
            requant: record.requant.decode(constants)?,
        })
    }

    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, constants: &mut ConstantWriter<'_, S>) -> AddRecord {
        AddRecord {
            second: self.second.0,
            reserved: 0,
            channels: self.channels,
            multipliers: self.multipliers,
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
        let acc = range(input.range, second.range, self.multipliers);
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
        let [first, second] = self.multipliers;
        elementwise::run(&operands, arena, |a, b| first.wrapping_mul(a).wrapping_add(second.wrapping_mul(b)));
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.multipliers;
        write!(f, "multipliers {first} and {second}, {} channels, ", self.channels)?;
        list_requant(f, self.requant.as_ref())
    }
}

/// The sums for elements of `first` and `second`, or `None` past 64 bits.
fn range(first: IntRange, second: IntRange, [a, b]: [i32; 2]) -> Option<IntRange> {
    first.checked_scale(a.into())?.checked_add(second.checked_scale(b.into())?)
}
