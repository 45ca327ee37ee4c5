//! NumPy archives in `.npz` files: named arrays. `exactum run --dump` writes them, `exactum verify` compares them.
//!
//! An archive is a ZIP file with one `.npy` file for each array. What is read is bounded before it is unpacked, written bytes
//! depend on nothing but the arrays, and names of files do not leave the folder that they are unpacked to.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::npy::{self, Array};
use crate::text::{member, of_member};
use crate::{ArrayError, ArrayFault};

type Result<T> = std::result::Result<T, ArrayError>;

/// Bytes that reading may take for every archive, and how many more for each of its bytes: a few of ZIP stand for many.
const BYTES: (u64, u64) = (1 << 30, 10);

/// Most arrays.
const MAX_ARRAYS: usize = 1 << 16;

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
    let mut archive = open(bytes)?;
    let mut entries = BTreeMap::new();
    let most_bytes = BYTES.0.saturating_add((bytes.len() as u64).saturating_mul(BYTES.1));
    let too_large = || malformed(format!("arrays that take more than {most_bytes} bytes"));
    let mut left_bytes = most_bytes;
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|error| malformed(error.to_string()))?;
        let name = file.name().map_err(|error| malformed(error.to_string()))?.into_owned();
        let Some(name) = name.strip_suffix(".npy").map(of_member).filter(|name| wanted(name)) else {
            continue;
        };
        if file.size() > left_bytes {
            return Err(too_large());
        }
        let mut npy = vec![];
        file.take(left_bytes + 1)
            .read_to_end(&mut npy)
            .map_err(|error| malformed(format!("array `{name}`: {error}")))?;
        let takes = npy::read_bytes(&npy);
        left_bytes.checked_sub(takes + npy.len() as u64).ok_or_else(too_large)?;
        // The numbers stay, as doubles.
        left_bytes -= takes / 2;
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
    let mut archive = open(bytes)?;
    let mut names = vec![];
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).map_err(|error| malformed(error.to_string()))?;
        let name = file.name().map_err(|error| malformed(error.to_string()))?;
        names.extend(name.strip_suffix(".npy").map(of_member));
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
            .start_file(format!("{}.npy", member(name)), options)
            .map_err(|error| unwritable(name, &error.to_string()))?;
        writer.write_all(npy).map_err(|error| unwritable(name, &error.to_string()))?;
    }
    let bytes = writer.finish().map_err(|error| unwritable("", &error.to_string()))?;
    Ok(bytes.into_inner())
}

fn open(bytes: &[u8]) -> Result<ZipArchive<Cursor<&[u8]>>> {
    let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| malformed(error.to_string()))?;
    match archive.len() {
        ..=MAX_ARRAYS => Ok(archive),
        arrays => Err(malformed(format!("{arrays} arrays, more than {MAX_ARRAYS}"))),
    }
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
    fn archives_unpack_within_a_limit() {
        let zeros = npy::write(&[1 << 20, 1 << 6], &vec![0f32; 1 << 26]);
        let bytes = write(&[("a".to_owned(), zeros.clone()), ("b".to_owned(), zeros)]).unwrap();
        assert!(bytes.len() < 1 << 20);
        let error = read(&bytes, |_| true).unwrap_err();
        assert_eq!(error.fault, ArrayFault::NotNpz, "{error}");
        assert!(error.to_string().contains("bytes"), "{error}");
        assert_eq!(read(&bytes, |_| false).unwrap().len(), 0);
    }

    #[test]
    fn names_stay_in_the_folder() {
        let array = npy::write(&[1], &[1i32]);
        let names = ["../../x", "/abs", "a/../../b", "\u{1b}]0;title\u{7}"];
        let bytes = write(&names.map(|name| (name.to_owned(), array.clone()))).unwrap();
        let mut archive = ZipArchive::new(Cursor::new(bytes.as_slice())).unwrap();
        for index in 0..archive.len() {
            let file = archive.by_index(index).unwrap();
            let name = file.name().unwrap().into_owned();
            assert!(!name.contains("..") && !name.starts_with('/') && !name.contains('\u{1b}'), "{name}");
        }
        assert!(read(&bytes, |_| true).unwrap().keys().all(|name| names.contains(&name.as_str())));
        assert_eq!(super::names(&bytes).unwrap().len(), names.len());
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
