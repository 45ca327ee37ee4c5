//! The independent check of a plan: pairs of buffers and their bytes, nothing of the planner's own view.

use super::{Buffer, Plan};

/// What is wrong with a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The plan is for another list of buffers.
    #[error("the plan has {offsets} offsets for {buffers} buffers")]
    Count {
        /// Offsets in the plan.
        offsets: usize,
        /// Buffers to place.
        buffers: usize,
    },
    /// An offset is not aligned.
    #[error("buffer {buffer} starts at byte {offset}, not a multiple of the alignment")]
    Unaligned {
        /// Index of the buffer.
        buffer: usize,
        /// Its offset.
        offset: usize,
    },
    /// A buffer ends behind the arena.
    #[error("buffer {buffer} ends behind the arena")]
    Outside {
        /// Index of the buffer.
        buffer: usize,
    },
    /// Two buffers that are in use during one operation share bytes, and may not.
    #[error("buffers {first} and {second} share bytes while both are in use")]
    Overlap {
        /// Index of one buffer.
        first: usize,
        /// Index of the other.
        second: usize,
    },
    /// The arena is smaller than the plan's own lower bound.
    #[error("the arena is smaller than its lower bound")]
    BelowBound,
}

/// Checks that `plan` stores `buffers` without conflict. It says nothing about the size of the arena, except that it
/// is not below the claimed lower bound.
///
/// # Errors
/// The first problem met.
pub fn check(buffers: &[Buffer], alignment_bytes: usize, plan: &Plan) -> Result<(), PlanError> {
    if plan.offsets.len() != buffers.len() {
        return Err(PlanError::Count { offsets: plan.offsets.len(), buffers: buffers.len() });
    }
    if plan.arena_bytes < plan.lower_bound_bytes {
        return Err(PlanError::BelowBound);
    }
    for (index, (buffer, &offset)) in buffers.iter().zip(&plan.offsets).enumerate() {
        if !offset.is_multiple_of(alignment_bytes) {
            return Err(PlanError::Unaligned { buffer: index, offset });
        }
        if offset.checked_add(buffer.size_bytes).is_none_or(|end| end > plan.arena_bytes) {
            return Err(PlanError::Outside { buffer: index });
        }
        for (earlier, (other, &other_offset)) in buffers[..index].iter().zip(&plan.offsets).enumerate() {
            let same_time = buffer.first <= other.last && other.first <= buffer.last;
            let same_bytes =
                offset < other_offset + other.size_bytes && other_offset < offset + buffer.size_bytes;
            let sharing = buffer.may_replace(earlier, buffers) || other.may_replace(index, buffers);
            if same_time && same_bytes && !(sharing && offset == other_offset) {
                return Err(PlanError::Overlap { first: earlier, second: index });
            }
        }
    }
    Ok(())
}
