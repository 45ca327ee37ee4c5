//! NumPy arrays in `.npy` files: the data that calibration takes.

use exactum_qonnx::FileKind;
use npyz::{DType, Endianness, NpyHeader, Order, TypeChar, TypeStr};
use thiserror::Error;

/// Bytes of the longest header that is read; NumPy writes 128.
const MAX_HEADER_BYTES: usize = 4096;

/// Types that [`read`] takes.
const NUMBERS: &str = "numbers: floats of 16 to 64 bits, integers or booleans";

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
/// If the bytes are no complete array, or its elements are no numbers.
pub fn read(bytes: &[u8]) -> Result<NpyArray, NpyError> {
    check_header(bytes)?;
    let mut data = bytes;
    let header = NpyHeader::from_reader(&mut data)
        .map_err(|error| fail(format!("a broken header ({error})"), "the header of an array of numbers"))?;
    let DType::Plain(kind) = header.dtype() else { return Err(fail("a structured array", NUMBERS)) };
    let shape: Option<Vec<usize>> =
        header.shape().iter().map(|extent| usize::try_from(*extent).ok()).collect();
    let elems = header.shape().iter().try_fold(kind.size_field(), |bytes, extent| bytes.checked_mul(*extent));
    let (Some(shape), true) = (shape, elems == Some(data.len() as u64)) else {
        let needed = format!("elements of {} bytes in shape {:?}", kind.size_field(), header.shape());
        return Err(fail(format!("{} bytes of data", data.len()), needed));
    };
    let number = number(&kind)?;
    let values: Vec<f64> = data.chunks(kind.size_field().max(1) as usize).map(number).collect();
    let values = if header.order() == Order::C { values } else { row_major(&shape, &values) };
    Ok(NpyArray { shape, values })
}

/// What the bytes of one element of type `kind` stand for.
fn number(kind: &TypeStr) -> Result<fn(&[u8]) -> f64, NpyError> {
    macro_rules! of {
        ($ty:ident, $real:path) => {
            match kind.endianness() {
                Endianness::Big => |bytes| $real($ty::from_be_bytes(bytes.try_into().unwrap_or_default())),
                _ => |bytes| $real($ty::from_le_bytes(bytes.try_into().unwrap_or_default())),
            }
        };
    }
    Ok(match (kind.type_char(), kind.size_field()) {
        (TypeChar::Float, 2) => of!(u16, half),
        (TypeChar::Float, 4) => of!(f32, f64::from),
        (TypeChar::Float, 8) => of!(f64, f64::from),
        (TypeChar::Int, 1) => of!(i8, f64::from),
        (TypeChar::Int, 2) => of!(i16, f64::from),
        (TypeChar::Int, 4) => of!(i32, f64::from),
        (TypeChar::Int, 8) => of!(i64, signed),
        (TypeChar::Bool, 1) => of!(u8, truth),
        (TypeChar::Uint, 1) => of!(u8, f64::from),
        (TypeChar::Uint, 2) => of!(u16, f64::from),
        (TypeChar::Uint, 4) => of!(u32, f64::from),
        (TypeChar::Uint, 8) => of!(u64, unsigned),
        _ => return Err(fail(format!("elements of type {kind}"), NUMBERS)),
    })
}

fn signed(value: i64) -> f64 {
    value as f64
}

fn unsigned(value: u64) -> f64 {
    value as f64
}

fn truth(value: u8) -> f64 {
    f64::from(value != 0)
}

/// The value of a half precision number.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let magnitude = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 0 { magnitude } else { -magnitude }
}

/// The elements of an array whose first dimension runs fastest, in the order in which the last one does.
fn row_major(shape: &[usize], values: &[f64]) -> Vec<f64> {
    let source = |index: usize| {
        let (mut rest, mut at, mut step) = (index, 0, values.len());
        for extent in shape.iter().rev() {
            step /= extent;
            at += rest % extent * step;
            rest /= extent;
        }
        at
    };
    (0..values.len()).map(|index| values[source(index)]).collect()
}

/// Refuses headers that the parser should not see: it trusts their length, and recurses into brackets.
fn check_header(bytes: &[u8]) -> Result<(), NpyError> {
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or_else(|| {
        let found = FileKind::of(bytes).map_or("other bytes", FileKind::name);
        fail(found, "a .npy file, as numpy.save writes it")
    })?;
    let text = match *rest {
        [1, _, a, b, ref text @ ..] => text.get(..usize::from(u16::from_le_bytes([a, b]))),
        [2 | 3, _, a, b, c, d, ref text @ ..] => {
            usize::try_from(u32::from_le_bytes([a, b, c, d])).ok().and_then(|len| text.get(..len))
        }
        _ => None,
    };
    let text = text.ok_or_else(|| fail("the end of the file", "the rest of its header"))?;
    // Objects are pickles, which run code.
    if text.windows(4).any(|part| part == b"'|O'") {
        return Err(fail("an array of Python objects", NUMBERS));
    }
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
        let columns = file(">i2", "True", "(2, 3)", &[0, 0, 0, 3, 0, 1, 0, 4, 0, 2, 0, 5]);
        assert_eq!(read(&columns).unwrap().values, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let halves = file("<f2", "False", "(3,)", &[0, 0x3c, 0, 0xc5, 1, 0]);
        assert_eq!(read(&halves).unwrap().values, [1.0, -5.0, 2f64.powi(-24)]);
        assert_eq!(read(&file("|b1", "True", "(2,)", &[0, 1])).unwrap().values, [0.0, 1.0]);
        for (bad, found) in [
            (file("<f4", "False", "(1, 3)", &floats), "8 bytes of data"),
            (file("<c8", "False", "(1,)", &floats), "elements of type"),
            (b"PK\x03\x04 x.npy".to_vec(), "an archive of NumPy arrays"),
            (file("|O", "False", "(2,)", &floats), "an array of Python objects"),
            (b"\x93NUMPY\x01\x00\xff\xff{".to_vec(), "the end of the file"),
        ] {
            let error = read(&bad).unwrap_err();
            assert!(error.found.starts_with(found), "{error}");
        }
    }
}
