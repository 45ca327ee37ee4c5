//! NumPy archives in `.npz` files: named arrays. `exactum run --dump` writes them, `exactum verify` compares them.
//!
//! An archive is a ZIP file with one `.npy` file for each array. What is read is bounded before it is unpacked, and
//! written bytes depend on nothing but the arrays.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::npy::{self, Array};
use crate::{ArrayError, ArrayFault};

type Result<T> = std::result::Result<T, ArrayError>;

/// Most bytes that the arrays of one archive may have when unpacked.
const MAX_BYTES: u64 = 1 << 31;

/// One array of an archive.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its elements.
    pub array: Array,
    /// Whether the file stores integers, not floats.
    pub integers: bool,
}

/// The arrays of the archive in `bytes` whose names `wanted` accepts; others are not looked at.
///
/// # Errors
/// [`ArrayFault::NotNpz`] if the bytes are no complete archive or too large, those of [`npy::read`] if a wanted array is
/// not readable.
pub fn read(bytes: &[u8], wanted: impl Fn(&str) -> bool) -> Result<BTreeMap<String, Entry>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| malformed(error.to_string()))?;
    let mut entries = BTreeMap::new();
    let mut left_bytes = MAX_BYTES;
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|error| malformed(error.to_string()))?;
        let name = file.name().map_err(|error| malformed(error.to_string()))?.into_owned();
        let Some(name) = name.strip_suffix(".npy").filter(|name| wanted(name)).map(str::to_owned) else {
            continue;
        };
        let mut npy = vec![];
        file.take(left_bytes + 1)
            .read_to_end(&mut npy)
            .map_err(|error| malformed(format!("array `{name}`: {error}")))?;
        left_bytes = left_bytes
            .checked_sub(npy.len() as u64)
            .ok_or_else(|| malformed(format!("more than {MAX_BYTES} bytes of arrays")))?;
        let array = npy::read(&npy).map_err(|error| error.in_part(&format!("array `{name}`")))?;
        entries.insert(name, Entry { array, integers: npy::holds_integers(&npy) });
    }
    Ok(entries)
}

/// The names of all arrays in the archive, ascending.
///
/// # Errors
/// [`ArrayFault::NotNpz`] if the bytes are no complete archive.
pub fn names(bytes: &[u8]) -> Result<Vec<String>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| malformed(error.to_string()))?;
    let mut names = vec![];
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).map_err(|error| malformed(error.to_string()))?;
        let name = file.name().map_err(|error| malformed(error.to_string()))?;
        names.extend(name.strip_suffix(".npy").map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// The bytes of an archive that holds `arrays`: names, and the bytes of `.npy` files.
///
/// # Errors
/// [`ArrayFault::Unwritable`] if an array has no place in a ZIP file.
pub fn write(arrays: &[(String, Vec<u8>)]) -> Result<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(vec![]));
    for (name, npy) in arrays {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .large_file(npy.len() as u64 > u64::from(u32::MAX));
        writer
            .start_file(format!("{name}.npy"), options)
            .map_err(|error| unwritable(name, &error.to_string()))?;
        writer.write_all(npy).map_err(|error| unwritable(name, &error.to_string()))?;
    }
    let bytes = writer.finish().map_err(|error| unwritable("", &error.to_string()))?;
    Ok(bytes.into_inner())
}

fn malformed(found: impl Into<String>) -> ArrayError {
    ArrayError::new(ArrayFault::NotNpz, found, "a ZIP archive of .npy arrays")
}

fn unwritable(name: &str, found: &str) -> ArrayError {
    ArrayError::new(ArrayFault::Unwritable, found, "names and sizes that a ZIP archive holds")
        .in_part(&format!("array `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive() -> Vec<u8> {
        let codes = npy::write(&[2, 3], &[1i32, -2, 3, 4, 5, 6]);
        let reals = npy::write(&[2], &[0.5f32, -1.25]);
        write(&[("/layer/out".to_owned(), codes), ("b.real".to_owned(), reals)]).unwrap()
    }

    #[test]
    fn arrays_come_back_under_their_names() {
        let bytes = archive();
        assert_eq!(names(&bytes).unwrap(), ["/layer/out", "b.real"]);
        let entries = read(&bytes, |_| true).unwrap();
        assert_eq!(entries["/layer/out"].array.values, [1.0, -2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!((entries["/layer/out"].integers, entries["b.real"].integers), (true, false));
        assert_eq!(read(&bytes, |name| name == "b.real").unwrap().len(), 1);
        assert_eq!(bytes, archive(), "bytes are reproducible");
    }

    #[test]
    fn every_truncation_is_refused() {
        let bytes = archive();
        for length in 0..bytes.len() {
            let error = read(&bytes[..length], |_| true).unwrap_err();
            assert_eq!(error.fault, ArrayFault::NotNpz, "{length} bytes");
        }
    }

    #[test]
    fn a_changed_byte_never_panics_and_never_changes_a_value_unnoticed() {
        let bytes = archive();
        let whole = read(&bytes, |_| true).unwrap();
        for position in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 0x10;
            if let Ok(entries) = read(&changed, |name| whole.contains_key(name)) {
                assert!(entries.iter().all(|(name, entry)| whole[name] == *entry), "byte {position}");
            }
        }
    }
}
