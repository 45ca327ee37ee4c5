//! Working memory of an engine: an aligned buffer, and its disjoint views.
//!
//! Tensors live at the offsets the program states; an op reads one view and writes another.

use core::ops::Range;

/// `N` zeroed bytes aligned to 8, the alignment every engine needs.
///
/// The program states how many bytes it needs: [`Program::arena_bytes`](crate::Program::arena_bytes).
#[derive(Clone, Debug)]
#[repr(C, align(8))]
pub struct Arena<const N: usize>(pub(crate) [u8; N]);

impl<const N: usize> Arena<N> {
    /// A zeroed arena, also for statics.
    pub const fn new() -> Self {
        Self([0; N])
    }

    /// Its bytes, to be read.
    pub const fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// Its bytes.
    pub const fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl<const N: usize> Default for Arena<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// The bytes of `read` and, to be written, of `write`; `None` if they overlap or lie outside.
pub(crate) fn disjoint(
    arena: &mut [u8],
    read: Range<usize>,
    write: Range<usize>,
) -> Option<(&[u8], &mut [u8])> {
    if read.end <= write.start {
        let (low, high) = arena.split_at_mut_checked(write.start)?;
        Some((low.get(read)?, high.get_mut(..write.end.checked_sub(write.start)?)?))
    } else if write.end <= read.start {
        let (low, high) = arena.split_at_mut_checked(read.start)?;
        Some((high.get(..read.end.checked_sub(read.start)?)?, low.get_mut(write)?))
    } else {
        None
    }
}

/// The bytes of `read` and, to be written, of `write` and of `scratch`; `None` if any of them overlap or lie outside.
pub(crate) fn disjoint_with_scratch(
    arena: &mut [u8],
    read: Range<usize>,
    write: Range<usize>,
    scratch: Range<usize>,
) -> Option<(&[u8], &mut [u8], &mut [u8])> {
    // What lies below the scratch and what lies above it are apart.
    let (below, rest) = arena.split_at_mut_checked(scratch.start)?;
    let (scratch_bytes, above) = rest.split_at_mut_checked(scratch.len())?;
    let shifted = |range: &Range<usize>| {
        Some(range.start.checked_sub(scratch.end)?..range.end.checked_sub(scratch.end)?)
    };
    let views = match (shifted(&read), shifted(&write)) {
        (None, None) => disjoint(below, read, write)?,
        (Some(read), None) => (above.get(read)? as &[u8], below.get_mut(write)?),
        (None, Some(write)) => (below.get(read)? as &[u8], above.get_mut(write)?),
        (Some(read), Some(write)) => disjoint(above, read, write)?,
    };
    Some((views.0, views.1, scratch_bytes))
}

/// Parts of an arena, each with the place of its first byte: what is left of it where up to two others were taken.
#[derive(Debug)]
pub(crate) struct Pieces<B>([(usize, B); 3]);

impl<'a> Pieces<&'a mut [u8]> {
    /// The whole of `arena`.
    pub(crate) const fn new(arena: &'a mut [u8]) -> Self {
        Self([(0, arena), (0, &mut []), (0, &mut [])])
    }

    /// Takes the bytes at `place`; `None` if they are not all there.
    pub(crate) fn take(&mut self, place: Range<usize>) -> Option<&'a mut [u8]> {
        let (end, length) = (place.end, place.len());
        let holds = |(start, bytes): &&mut (usize, &'a mut [u8])| {
            place.start.checked_sub(*start).is_some_and(|before| before <= bytes.len())
                && end.checked_sub(*start).is_some_and(|until| until <= bytes.len())
        };
        let (start, bytes) = self.0.iter_mut().find(holds)?;
        let before = place.start.checked_sub(*start)?;
        let (low, rest) = core::mem::take(bytes).split_at_mut_checked(before)?;
        *bytes = low;
        let (taken, high) = rest.split_at_mut_checked(length)?;
        if !high.is_empty() {
            *self.0.iter_mut().find(|(_, bytes)| bytes.is_empty())? = (end, high);
        }
        Some(taken)
    }

    /// What is left, to be read.
    pub(crate) fn shared(self) -> Pieces<&'a [u8]> {
        Pieces(self.0.map(|(start, bytes)| (start, &*bytes)))
    }
}

impl<'a> Pieces<&'a [u8]> {
    /// The bytes at `place`; `None` if they are not all left.
    pub(crate) fn get(&self, place: Range<usize>) -> Option<&'a [u8]> {
        let within = |(start, bytes): &(usize, &'a [u8])| {
            bytes.get(place.start.checked_sub(*start)?..place.end.checked_sub(*start)?)
        };
        self.0.iter().find_map(within)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    #[test]
    fn views_are_disjoint() {
        let mut arena = [0u8, 1, 2, 3, 4, 5, 6, 7];
        let (read, write) = disjoint(&mut arena, 1..3, 3..6).unwrap();
        assert_eq!((read, &*write), (&[1u8, 2][..], &[3u8, 4, 5][..]));
        let (read, write) = disjoint(&mut arena, 6..8, 0..6).unwrap();
        assert_eq!((read, &*write), (&[6u8, 7][..], &[0u8, 1, 2, 3, 4, 5][..]));
        assert!(disjoint(&mut arena, 1..4, 3..6).is_none());
        assert!(disjoint(&mut arena, 3..6, 3..6).is_none());
        assert!(disjoint(&mut arena, 0..1, 7..9).is_none());
    }

    #[test]
    fn scratch_is_disjoint_too() {
        let mut arena = [0u8, 1, 2, 3, 4, 5, 6, 7];
        let places = [0..2, 2..3, 3..5, 5..8];
        for (a, read) in places.iter().enumerate() {
            for (b, write) in places.iter().enumerate() {
                for (c, scratch) in places.iter().enumerate() {
                    let views =
                        disjoint_with_scratch(&mut arena, read.clone(), write.clone(), scratch.clone());
                    let bytes =
                        |range: &Range<usize>| range.clone().map(|byte| byte as u8).collect::<Vec<_>>();
                    match views {
                        None => assert!(a == b || b == c || a == c, "{read:?} {write:?} {scratch:?}"),
                        Some((r, w, s)) => {
                            assert_eq!((r, &*w, &*s), (&*bytes(read), &*bytes(write), &*bytes(scratch)));
                            assert!(a != b && b != c && a != c);
                        }
                    }
                }
            }
        }
        assert!(disjoint_with_scratch(&mut arena, 0..2, 2..4, 1..3).is_none());
        assert!(disjoint_with_scratch(&mut arena, 0..2, 2..4, 4..9).is_none());
    }

    #[test]
    fn pieces_are_what_was_not_taken() {
        let whole = [0u8, 1, 2, 3, 4, 5, 6, 7];
        let places = || (0..=8usize).flat_map(|from| (from..=8).map(move |to| from..to));
        for (a, b) in places().flat_map(|a| places().map(move |b| (a.clone(), b))) {
            let mut arena = whole;
            let mut pieces = Pieces::new(&mut arena);
            let bytes = |range: &Range<usize>| range.clone().map(|byte| byte as u8).collect::<Vec<_>>();
            let apart = |a: &Range<usize>, b: &Range<usize>| a.end <= b.start || b.end <= a.start;
            assert_eq!(&*pieces.take(a.clone()).unwrap(), bytes(&a));
            let taken = pieces.take(b.clone());
            if a.is_empty() || b.is_empty() {
                continue;
            }
            assert_eq!(taken.map(|taken| taken.to_vec()), apart(&a, &b).then(|| bytes(&b)), "{a:?} {b:?}");
            if !apart(&a, &b) {
                continue;
            }
            let left = pieces.shared();
            for place in places().filter(|place| !place.is_empty()) {
                let found = left.get(place.clone());
                let free = apart(&place, &a) && apart(&place, &b);
                assert_eq!(found, free.then(|| bytes(&place)).as_deref(), "{a:?} {b:?} {place:?}");
            }
        }
    }

    #[test]
    fn arenas_are_aligned() {
        let mut arena = Arena::<3>::new();
        assert_eq!(arena.as_mut_slice().as_ptr().align_offset(8), 0);
    }
}
