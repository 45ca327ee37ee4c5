//! What everything else in a program is told by: magic, version, numbers of tensors.

/// The first eight bytes of every program.
pub const MAGIC: [u8; 8] = *b"EXACTUM\0";

/// The version of the format this crate reads and writes. Any other is refused.
pub const VERSION: u32 = 5;

/// Position of a tensor in the tensor table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TensorId(pub u16);

impl core::fmt::Display for TensorId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "%{}", self.0)
    }
}
