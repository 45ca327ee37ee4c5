//! Writes the constant section.

use zerocopy::{Immutable, IntoBytes};

use crate::constants::{ALIGN_BYTES, ConstRef};

/// Places constant arrays one after the other and writes them to a sink.
#[derive(Debug)]
pub(crate) struct ConstantWriter<'s, S> {
    next_bytes: u32,
    sink: &'s mut S,
}

impl<'s, S: Extend<u8>> ConstantWriter<'s, S> {
    /// A writer whose first array comes first in the section.
    pub(crate) const fn new(sink: &'s mut S) -> Self {
        Self { next_bytes: 0, sink }
    }

    /// Writes `values` at the next multiple of 8. Past 4 GiB places saturate; the writer of lengths finds that.
    pub(crate) fn put<T: IntoBytes + Immutable>(&mut self, values: &[T]) -> ConstRef {
        if values.is_empty() {
            return ConstRef::default();
        }
        let bytes = values.as_bytes();
        let place = ConstRef {
            offset_bytes: self.next_bytes,
            elems: u32::try_from(values.len()).unwrap_or(u32::MAX),
        };
        let padding = bytes.len().wrapping_neg() & (ALIGN_BYTES as usize).wrapping_sub(1);
        self.sink.extend(bytes.iter().copied());
        self.sink.extend(core::iter::repeat_n(0, padding));
        let length = u32::try_from(bytes.len().saturating_add(padding)).unwrap_or(u32::MAX);
        self.next_bytes = self.next_bytes.saturating_add(length);
        place
    }
}
