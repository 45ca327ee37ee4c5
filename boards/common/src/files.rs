//! The files of the host, reached through semihosting: paths from the command line, whole reads and writes.
//!
//! Firmware that runs programs under a debugger or an emulator needs no other link to the host.

use core::ffi::CStr;

use semihosting::{
    experimental::env::args,
    fs::File,
    io::{Read as _, Write as _},
};

use crate::failure::Failure;

/// Longest command line, and longest path, in bytes.
const COMMAND_LINE_BYTES: usize = 256;

/// A path from the command line, ended by a zero as semihosting wants it.
#[derive(Clone, Copy)]
pub struct Path {
    bytes: [u8; COMMAND_LINE_BYTES],
}

impl Path {
    /// The argument `index` of the command line, the first after the name of the image being 1. `None` if
    /// there is no such argument.
    ///
    /// # Errors
    /// [`Failure::CommandLine`] if the host gives no command line, or the argument is too long or no UTF-8.
    pub fn from_command_line(index: usize) -> Result<Option<Self>, Failure> {
        let args = args::<COMMAND_LINE_BYTES>().map_err(|_| Failure::CommandLine)?;
        let Some(argument) = (&args).nth(index) else { return Ok(None) };
        let argument = argument.map_err(|_| Failure::CommandLine)?;
        let mut bytes = [0; COMMAND_LINE_BYTES];
        // One byte stays zero: the end of the string.
        let place = bytes.get_mut(..argument.len()).filter(|p| p.len() < COMMAND_LINE_BYTES);
        place.ok_or(Failure::CommandLine)?.copy_from_slice(argument.as_bytes());
        Ok(Some(Self { bytes }))
    }

    fn as_c_str(&self) -> Result<&CStr, Failure> {
        CStr::from_bytes_until_nul(&self.bytes).map_err(|_| Failure::CommandLine)
    }

    /// Whether the argument is `word`.
    pub fn is(&self, word: &str) -> bool {
        self.as_c_str().is_ok_and(|path| path.to_bytes() == word.as_bytes())
    }

    /// Opens the file for reading.
    ///
    /// # Errors
    /// [`Failure::File`] if the host refuses.
    pub fn open(&self) -> Result<File, Failure> {
        File::open(self.as_c_str()?).map_err(|_| Failure::File)
    }

    /// Creates the file, or empties it.
    ///
    /// # Errors
    /// [`Failure::File`] if the host refuses.
    pub fn create(&self) -> Result<File, Failure> {
        File::create(self.as_c_str()?).map_err(|_| Failure::File)
    }
}

/// Reads until `buffer` is full or the file ends; the number of bytes read.
///
/// # Errors
/// [`Failure::File`] if the host reports an error.
pub fn read_up_to(file: &mut File, buffer: &mut [u8]) -> Result<usize, Failure> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest).map_err(|_| Failure::File)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

/// Writes all of `bytes`.
///
/// # Errors
/// [`Failure::File`] if the host reports an error.
pub fn write(file: &mut File, bytes: &[u8]) -> Result<(), Failure> {
    file.write_all(bytes).map_err(|_| Failure::File)
}
