//! The planner's view of the buffers: places, whose height changes over time, on a compressed time axis.
//!
//! A place is one buffer, or a chain of buffers that take over each other's start. A slot stands for an operation in
//! which some buffer begins; two buffers meet if and only if they share a slot.

use super::Buffer;

/// A chain of buffers at one offset.
#[derive(Debug)]
pub(super) struct Place {
    /// First slot in which it exists.
    pub(super) first: usize,
    /// Units used in each slot from `first` on.
    pub(super) heights: Vec<usize>,
    /// Largest of `heights`.
    pub(super) tallest: usize,
    /// The buffers, in order of time.
    members: Vec<usize>,
}

/// All places of one choice of sharing.
#[derive(Debug)]
pub(super) struct Places {
    /// The places, ordered by first member.
    pub(super) list: Vec<Place>,
    /// Number of slots.
    pub(super) slots: usize,
    buffer_count: usize,
}

impl Place {
    /// Slots in which it exists.
    pub(super) fn life(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.heights.len()
    }

    /// Slots and heights in them.
    pub(super) fn profile(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.life().zip(self.heights.iter().copied())
    }

    /// Whether both exist in some slot.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let (a, b) = (self.life(), other.life());
        a.start < b.end && b.start < a.end
    }
}

impl Places {
    /// Merges `buffers` along `replaced_by`, in units of `alignment_bytes`.
    pub(super) fn new(buffers: &[Buffer], replaced_by: &[Option<usize>], alignment_bytes: usize) -> Self {
        let mut starts: Vec<usize> = buffers.iter().map(|buffer| buffer.first).collect();
        starts.sort_unstable();
        starts.dedup();
        let mut begins_chain = vec![true; buffers.len()];
        for new in replaced_by.iter().flatten() {
            begins_chain[*new] = false;
        }
        let mut list = vec![];
        for head in (0..buffers.len()).filter(|&head| begins_chain[head] && buffers[head].size_bytes > 0) {
            let members: Vec<usize> =
                std::iter::successors(Some(head), |&member| replaced_by[member]).collect();
            let first = starts.partition_point(|&start| start < buffers[head].first);
            let mut heights = vec![];
            for &member in &members {
                let buffer = &buffers[member];
                let units = buffer.size_bytes.div_ceil(alignment_bytes);
                let begin = starts.partition_point(|&start| start < buffer.first) - first;
                let end = starts.partition_point(|&start| start <= buffer.last).saturating_sub(first);
                heights.resize(heights.len().max(end), 0);
                for height in heights.iter_mut().take(end).skip(begin) {
                    *height = units.max(*height);
                }
            }
            let tallest = heights.iter().copied().max().unwrap_or(0);
            list.push(Place { first, heights, tallest, members });
        }
        Self { list, slots: starts.len(), buffer_count: buffers.len() }
    }

    /// Most units in use in one slot.
    pub(super) fn most_live_units(&self) -> usize {
        let mut live = vec![0; self.slots];
        for (slot, height) in self.list.iter().flat_map(Place::profile) {
            live[slot] += height;
        }
        live.into_iter().max().unwrap_or(0)
    }

    /// The offset of each buffer from `offsets` of the places. Empty buffers lie at 0.
    pub(super) fn of_buffers(&self, offsets: &[usize]) -> Vec<usize> {
        let mut of_buffers = vec![0; self.buffer_count];
        for (place, offset) in self.list.iter().zip(offsets) {
            for &member in &place.members {
                of_buffers[member] = *offset;
            }
        }
        of_buffers
    }
}
