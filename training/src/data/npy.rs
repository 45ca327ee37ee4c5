//! NumPy arrays in `.npy` files: the data that calibration takes.

use npyz::{DType, Deserialize, NpyFile, NpyHeader, Order, TypeChar};
use thiserror::Error;

/// Bytes of the longest header that is read; NumPy writes 128.
const MAX_HEADER_BYTES: usize = 4096;

/// Types that [`read`] takes.
const NUMBERS: &str = "float32, float64 or integers";

/// An array of numbers, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct NpyArray {
    /// Extent of each dimension.
    pub shape: Vec<usize>,
    /// The elements, as the nearest doubles.
    pub values: Vec<f64>,
}

/// Bytes are no array of numbers.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("found {found}, needed {needed}")]
pub struct NpyError {
    /// What the bytes hold.
    pub found: String,
    /// What would be accepted.
    pub needed: String,
}

impl NpyArray {
    /// The elements as the nearest single precision numbers.
    pub fn to_f32(&self) -> Vec<f32> {
        self.values.iter().map(|value| *value as f32).collect()
    }
}

/// Reads the array in `bytes`.
///
/// # Errors
///
/// If the bytes are no complete array in C order, or its elements are no numbers.
pub fn read(bytes: &[u8]) -> Result<NpyArray, NpyError> {
    check_header(bytes)?;
    let mut data = bytes;
    let header = NpyHeader::from_reader(&mut data)
        .map_err(|error| fail(format!("a broken header ({error})"), "the header of an array of numbers"))?;
    if header.order() != Order::C && header.shape().len() > 1 {
        return Err(fail("an array in Fortran order", "C order, as numpy.ascontiguousarray gives it"));
    }
    let DType::Plain(kind) = header.dtype() else { return Err(fail("a structured array", NUMBERS)) };
    let shape: Option<Vec<usize>> =
        header.shape().iter().map(|extent| usize::try_from(*extent).ok()).collect();
    let elems = header.shape().iter().try_fold(kind.size_field(), |bytes, extent| bytes.checked_mul(*extent));
    let (Some(shape), true) = (shape, elems == Some(data.len() as u64)) else {
        let needed = format!("elements of {} bytes in shape {:?}", kind.size_field(), header.shape());
        return Err(fail(format!("{} bytes of data", data.len()), needed));
    };
    let file = NpyFile::with_header(header, data);
    let values = match (kind.type_char(), kind.size_field()) {
        (TypeChar::Float, 4) => elements(file, |value: f32| f64::from(value)),
        (TypeChar::Float, 8) => elements(file, |value: f64| value),
        (TypeChar::Int, 1) => elements(file, |value: i8| f64::from(value)),
        (TypeChar::Int, 2) => elements(file, |value: i16| f64::from(value)),
        (TypeChar::Int, 4) => elements(file, |value: i32| f64::from(value)),
        (TypeChar::Int, 8) => elements(file, |value: i64| value as f64),
        (TypeChar::Uint, 1) => elements(file, |value: u8| f64::from(value)),
        (TypeChar::Uint, 2) => elements(file, |value: u16| f64::from(value)),
        (TypeChar::Uint, 4) => elements(file, |value: u32| f64::from(value)),
        (TypeChar::Uint, 8) => elements(file, |value: u64| value as f64),
        _ => return Err(fail(format!("elements of type {kind}"), NUMBERS)),
    };
    let values = values.map_err(|error| fail(error.to_string(), "an array of numbers"))?;
    Ok(NpyArray { shape, values })
}

fn elements<T: Deserialize>(file: NpyFile<&[u8]>, real: impl Fn(T) -> f64) -> std::io::Result<Vec<f64>> {
    let data = file.data::<T>().map_err(std::io::Error::other)?;
    data.map(|value| value.map(&real)).collect()
}

/// Refuses headers that the parser should not see: it trusts their length, and recurses into brackets.
fn check_header(bytes: &[u8]) -> Result<(), NpyError> {
    let rest = bytes
        .strip_prefix(b"\x93NUMPY")
        .ok_or_else(|| fail("other bytes", "a .npy file, which starts with \\x93NUMPY"))?;
    let text = match *rest {
        [1, _, a, b, ref text @ ..] => text.get(..usize::from(u16::from_le_bytes([a, b]))),
        [2 | 3, _, a, b, c, d, ref text @ ..] => {
            usize::try_from(u32::from_le_bytes([a, b, c, d])).ok().and_then(|len| text.get(..len))
        }
        _ => None,
    };
    let text = text.ok_or_else(|| fail("the end of the file", "the rest of its header"))?;
    let brackets = text.iter().filter(|byte| b"([{".contains(byte)).count();
    if text.len() > MAX_HEADER_BYTES || brackets > 2 {
        return Err(fail(format!("a header of {} bytes", text.len()), "the header of an array of numbers"));
    }
    Ok(())
}

fn fail(found: impl Into<String>, needed: impl Into<String>) -> NpyError {
    NpyError { found: found.into(), needed: needed.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(descr: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let text = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
        let len = u16::try_from(text.len()).unwrap().to_le_bytes();
        [b"\x93NUMPY\x01\x00", &len[..], text.as_bytes(), data].concat()
    }

    #[test]
    fn numbers_are_read_and_everything_else_is_refused() {
        let floats: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let array = read(&file("<f4", "False", "(1, 2)", &floats)).unwrap();
        assert_eq!((array.shape.as_slice(), array.to_f32()), (&[1, 2][..], vec![1.5, -2.0]));
        assert_eq!(read(&file("|u1", "False", "(2,)", &[3, 255])).unwrap().values, [3.0, 255.0]);
        for (bad, found) in [
            (file("<f4", "False", "(1, 3)", &floats), "8 bytes of data"),
            (file("<f4", "True", "(1, 2)", &floats), "an array in Fortran order"),
            (file("<c8", "False", "(1,)", &floats), "elements of type"),
            (b"PK".to_vec(), "other bytes"),
            (b"\x93NUMPY\x01\x00\xff\xff{".to_vec(), "the end of the file"),
        ] {
            let error = read(&bad).unwrap_err();
            assert!(error.found.starts_with(found), "{error}");
        }
    }
}
