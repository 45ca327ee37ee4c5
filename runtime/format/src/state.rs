//! States: tensors that live from one run to the next.
//!
//! State `i` is the tensor after those of the inputs, at position `i`. States lie behind all other tensors, one behind the
//! other, so nothing but an op that names one can change it.

use crate::record::record;

/// A tensor that keeps its content between runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct State {
    /// What its elements hold before the first run, and after a reset; in the tensor's range.
    pub fill: i32,
}

record! {
    /// One state in the image.
    pub(crate) struct StateRecord {
        pub(crate) fill: i32 = "What its elements hold before the first run.",
        pub(crate) reserved: u32 = "Zero.",
    }
}

impl StateRecord {
    /// The record's meaning.
    pub(crate) const fn decode(&self) -> State {
        State { fill: self.fill }
    }

    /// The record of `state`.
    #[cfg(feature = "encode")]
    pub(crate) const fn encode(state: &State) -> Self {
        Self { fill: state.fill, reserved: 0 }
    }
}
