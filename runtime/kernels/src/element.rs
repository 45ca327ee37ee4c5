//! Element types, said by a program or known where code is built, and what both give: typed views of bytes.

use core::marker::PhantomData;

use exactum_num::codes::{Code, Codes, CodesMut, Element};
use exactum_num::with_codes;
use zerocopy::FromBytes;

use crate::isa::Isa;

/// The element type of a tensor.
pub trait ElementType: Copy + 'static {
    /// Codes of this type.
    type Codes<'a>: Read;
    /// Codes of this type, to be written.
    type CodesMut<'a>: Write;

    /// Bytes of one element.
    fn size_bytes(self) -> usize;

    /// `bytes` as codes; `None` if they are misaligned or end inside an element.
    fn codes(self, bytes: &[u8]) -> Option<Self::Codes<'_>>;

    /// `bytes` as codes to be written; `None` as above.
    fn codes_mut(self, bytes: &mut [u8]) -> Option<Self::CodesMut<'_>>;
}

/// Codes that are read from front to back.
pub trait Read: Copy {
    /// Number of codes.
    fn len(self) -> usize;

    /// Whether there is no code.
    fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Takes the first `elems` codes off the front; fewer if there are fewer.
    #[must_use]
    fn take_front(&mut self, elems: usize) -> Self;

    /// The first code; 0 if there is none.
    fn first(self) -> i32;

    /// Widens the codes to accumulators.
    fn load<K: Isa>(self, isa: K, accs: &mut [i32]);
}

/// Codes that are written from front to back.
pub trait Write: Sized {
    /// Takes the first `elems` codes off the front; fewer if there are fewer.
    #[must_use]
    fn take_front(&mut self, elems: usize) -> Self;
}

/// A type that a program says.
impl ElementType for Element {
    type Codes<'a> = Codes<'a>;
    type CodesMut<'a> = CodesMut<'a>;

    fn size_bytes(self) -> usize {
        Self::size_bytes(self) as usize
    }

    fn codes(self, bytes: &[u8]) -> Option<Codes<'_>> {
        Codes::from_bytes(self, bytes)
    }

    fn codes_mut(self, bytes: &mut [u8]) -> Option<CodesMut<'_>> {
        CodesMut::from_bytes(self, bytes)
    }
}

impl Read for Codes<'_> {
    fn len(self) -> usize {
        Self::len(self)
    }

    fn take_front(&mut self, elems: usize) -> Self {
        Self::take_front(self, elems)
    }

    fn first(self) -> i32 {
        self.get(0).unwrap_or_default()
    }

    fn load<K: Isa>(self, isa: K, accs: &mut [i32]) {
        with_codes!(Codes, self, slice => isa.widen(slice, accs));
    }
}

impl Write for CodesMut<'_> {
    fn take_front(&mut self, elems: usize) -> Self {
        Self::take_front(self, elems)
    }
}

/// The type `T`, known where code is built.
#[derive(Debug)]
pub struct Of<T>(PhantomData<T>);

impl<T> Of<T> {
    /// The type.
    pub const TYPE: Self = Self(PhantomData);
}

impl<T> Clone for Of<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Of<T> {}

impl<T: Code + 'static> ElementType for Of<T> {
    type Codes<'a> = &'a [T];
    type CodesMut<'a> = &'a mut [T];

    fn size_bytes(self) -> usize {
        size_of::<T>()
    }

    fn codes(self, bytes: &[u8]) -> Option<&[T]> {
        <[T]>::ref_from_bytes(bytes).ok()
    }

    fn codes_mut(self, bytes: &mut [u8]) -> Option<&mut [T]> {
        <[T]>::mut_from_bytes(bytes).ok()
    }
}

impl<T: Code> Read for &[T] {
    fn len(self) -> usize {
        <[T]>::len(self)
    }

    fn take_front(&mut self, elems: usize) -> Self {
        let (front, rest) = self.split_at_checked(elems).unwrap_or((self, &[]));
        *self = rest;
        front
    }

    fn first(self) -> i32 {
        <[T]>::first(self).map(|code| (*code).into()).unwrap_or_default()
    }

    fn load<K: Isa>(self, isa: K, accs: &mut [i32]) {
        isa.widen(self, accs);
    }
}

impl<T: Code> Write for &mut [T] {
    fn take_front(&mut self, elems: usize) -> Self {
        let all = core::mem::take(self);
        let elems = elems.min(all.len());
        let Some((front, rest)) = all.split_at_mut_checked(elems) else { return &mut [] };
        *self = rest;
        front
    }
}
