//! Aligned images: programs are read in place, so their first byte must sit at a multiple of 8.

use core::ops::{Deref, DerefMut};

use zerocopy::IntoBytes;

/// Bytes aligned to 8, as [`Program::load`](crate::Program::load) needs them.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(8))]
pub struct Aligned<B: ?Sized>(pub B);

impl<B: AsRef<[u8]> + ?Sized> Deref for Aligned<B> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_ref()
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]> + ?Sized> DerefMut for Aligned<B> {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.0.as_mut()
    }
}

/// The bytes of `words`: aligned to 8, so that hosts can hold images and arenas in a `Vec<u64>`.
pub fn words_as_bytes(words: &[u64]) -> &[u8] {
    words.as_bytes()
}

/// The bytes of `words`, to be written.
pub fn words_as_bytes_mut(words: &mut [u64]) -> &mut [u8] {
    words.as_mut_bytes()
}

/// A program file as `&'static [u8]` in flash, aligned for [`Program::load`](crate::Program::load).
///
/// The path is relative to the file that calls the macro, as for `include_bytes!`.
#[macro_export]
macro_rules! include_program {
    ($path:expr $(,)?) => {{
        static IMAGE: &$crate::Aligned<[u8]> = &$crate::Aligned(*include_bytes!($path));
        &IMAGE.0
    }};
}
