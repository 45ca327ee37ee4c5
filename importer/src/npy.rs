//! NumPy arrays in `.npy` files: the data that `run` and `verify` take and give.
//!
//! Numbers are accepted in any type whose values 64-bit floats hold exactly, sizes are checked before anything is
//! allocated, and written bytes depend on nothing but the array.

use npyz::{
    AutoSerialize, DType, Deserialize, NpyFile, NpyHeader, Order, TypeChar, WriteOptions, WriterBuilder,
};

use crate::diagnostic::{Code, Diagnostic, Location, Result};
use crate::interface::position;

/// Bytes that hold the header of any array of numbers; NumPy writes 128.
const MAX_HEADER_BYTES: usize = 4096;

/// Types that [`read`] takes.
const NUMBERS: &str = "float32, float64, or integers of 8 to 64 bits";

/// An array of real numbers, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Elements along each axis.
    pub shape: Vec<usize>,
    /// The elements, none of them NaN.
    pub values: Vec<f64>,
}

/// Reads the array in `bytes`.
///
/// # Errors
/// [`Code::NotNpy`] if the bytes are no complete array in C order, [`Code::BadInput`] if its elements are not
/// numbers, are NaN, or are integers that a 64-bit float does not hold.
pub fn read(bytes: &[u8]) -> Result<Array> {
    check_header(bytes)?;
    let mut data = bytes;
    let header = NpyHeader::from_reader(&mut data)
        .map_err(|error| malformed(error.to_string(), "the header of an array of numbers"))?;
    if header.order() != Order::C && header.shape().len() > 1 {
        return Err(
            malformed("an array in Fortran order", "C order, as numpy.ascontiguousarray gives it").into()
        );
    }
    let DType::Plain(ty) = header.dtype() else {
        return Err(unusable(Location::default(), "a structured array", NUMBERS).into());
    };
    let (class, size_bytes) = (ty.type_char(), ty.size_field());
    let elems = header.shape().iter().try_fold(1u64, |elems, dim| elems.checked_mul(*dim));
    let shape: Option<Vec<usize>> = header.shape().iter().map(|dim| usize::try_from(*dim).ok()).collect();
    let fits = elems.and_then(|elems| elems.checked_mul(size_bytes)) == Some(data.len() as u64);
    let (Some(shape), true) = (shape, fits) else {
        let needed = format!("elements of {size_bytes} bytes in shape {:?}", header.shape());
        return Err(malformed(format!("{} bytes of data", data.len()), needed).into());
    };
    let file = NpyFile::with_header(header, data);
    let values = match (class, size_bytes) {
        (TypeChar::Float, 4) => elements(file, |value: f32| f64::from(value)),
        (TypeChar::Float, 8) => elements(file, |value: f64| value),
        (TypeChar::Int, 1) => elements(file, |value: i8| f64::from(value)),
        (TypeChar::Int, 2) => elements(file, |value: i16| f64::from(value)),
        (TypeChar::Int, 4) => elements(file, |value: i32| f64::from(value)),
        (TypeChar::Int, 8) => integers(file, &shape, |value: i64| (value as f64, i128::from(value)))?,
        (TypeChar::Uint, 1) => elements(file, |value: u8| f64::from(value)),
        (TypeChar::Uint, 2) => elements(file, |value: u16| f64::from(value)),
        (TypeChar::Uint, 4) => elements(file, |value: u32| f64::from(value)),
        (TypeChar::Uint, 8) => integers(file, &shape, |value: u64| (value as f64, i128::from(value)))?,
        _ => return Err(unusable(Location::default(), format!("elements of type {ty}"), NUMBERS).into()),
    }
    .map_err(|error| malformed(error.to_string(), "an array of numbers"))?;
    match values.iter().position(|value| value.is_nan()) {
        Some(index) => Err(unusable(element(&shape, index), "NaN", "a number").into()),
        None => Ok(Array { shape, values }),
    }
}

/// The bytes of a `.npy` file that holds `values` in `shape`.
///
/// # Panics
/// If the shape has another number of elements.
pub fn write<T: AutoSerialize + Copy>(shape: &[usize], values: &[T]) -> Vec<u8> {
    assert_eq!(shape.iter().product::<usize>(), values.len(), "a shape of as many elements");
    let shape: Vec<u64> = shape.iter().map(|dim| *dim as u64).collect();
    let mut bytes = vec![];
    let options = WriteOptions::new().default_dtype().shape(&shape).writer(&mut bytes);
    let written = options.begin_nd().and_then(|mut writer| {
        writer.extend(values.iter().copied())?;
        writer.finish()
    });
    written.expect("memory takes every byte");
    bytes
}

/// Whether the `.npy` file in `bytes`, which [`read`] accepts, stores integers.
pub fn holds_integers(bytes: &[u8]) -> bool {
    let header = NpyHeader::from_reader(bytes).map(|header| header.dtype());
    matches!(header, Ok(DType::Plain(ty)) if matches!(ty.type_char(), TypeChar::Int | TypeChar::Uint))
}

/// Where element `index` of an array of `shape` is.
pub fn element(shape: &[usize], index: usize) -> Location {
    Location::part(format!("element {:?}", position(shape, index)))
}

/// Refuses what the header's parser should not see: lengths beyond the file, and nesting, for it is recursive.
fn check_header(bytes: &[u8]) -> Result<()> {
    let text = match bytes {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _, a, b, text @ ..] => {
            text.get(..usize::from(u16::from_le_bytes([*a, *b])))
        }
        [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _, a, b, c, d, text @ ..] => {
            usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])).ok().and_then(|length| text.get(..length))
        }
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => None,
        _ => return Err(malformed("other bytes", "a .npy file, which starts with \\x93NUMPY").into()),
    };
    let Some(text) = text else {
        return Err(malformed("the end of the file", "the rest of the header").into());
    };
    // `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }` opens two brackets.
    let nesting = text.iter().filter(|byte| b"([{".contains(byte)).count();
    if text.len() > MAX_HEADER_BYTES || nesting > 2 {
        let found = format!("a header of {} bytes with {nesting} brackets", text.len());
        return Err(malformed(found, "the header of an array of numbers").into());
    }
    Ok(())
}

fn elements<T: Deserialize>(
    file: NpyFile<&[u8]>,
    mut real: impl FnMut(T) -> f64,
) -> std::io::Result<Vec<f64>> {
    let data = file.data::<T>().map_err(std::io::Error::other)?;
    data.map(|value| value.map(&mut real)).collect()
}

/// As [`elements`], for types with integers that `f64` does not hold.
fn integers<T: Deserialize>(
    file: NpyFile<&[u8]>,
    shape: &[usize],
    split: impl Fn(T) -> (f64, i128),
) -> Result<std::io::Result<Vec<f64>>> {
    let mut inexact = None;
    let mut index = 0;
    let values = elements(file, |value| {
        let (real, integer) = split(value);
        if real as i128 != integer {
            inexact.get_or_insert((index, integer));
        }
        index += 1;
        real
    });
    match inexact {
        Some((index, integer)) => {
            Err(unusable(element(shape, index), integer.to_string(), "an integer that a float64 holds")
                .into())
        }
        None => Ok(values),
    }
}

fn malformed(found: impl Into<String>, needed: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::NotNpy, Location::default(), found, needed)
}

fn unusable(at: Location, found: impl Into<String>, needed: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::BadInput, at, found, needed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(result: &Result<Array>) -> Option<Code> {
        result.as_ref().err().map(|report| report.diagnostics()[0].code)
    }

    /// A file whose header dictionary is `text`.
    fn with_header(text: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.extend(data);
        bytes
    }

    proptest! {
        #[test]
        fn floats_round_trip(rows in 0usize..5, values in prop::collection::vec(-1e30f32..1e30, 12)) {
            let shape = vec![rows, 3];
            let values: Vec<f32> = values.into_iter().cycle().take(rows * 3).collect();
            let array = read(&write(&shape, &values)).unwrap();
            prop_assert_eq!(array.shape, shape);
            prop_assert_eq!(array.values, values.into_iter().map(f64::from).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_after_the_magic_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut file = b"\x93NUMPY\x01\x00".to_vec();
            file.extend(bytes);
            let _ = read(&file);
        }
    }

    #[test]
    fn every_truncation_is_refused() {
        let file = write(&[2, 3], &[1i16, -2, 3, 4, 5, i16::MIN]);
        assert_eq!(read(&file).unwrap().values, [1.0, -2.0, 3.0, 4.0, 5.0, -32768.0]);
        for length in 0..file.len() {
            assert_eq!(code(&read(&file[..length])), Some(Code::NotNpy), "{length} bytes");
        }
    }

    #[test]
    fn integers_have_to_be_exact() {
        let edge = 1i64 << 53;
        assert_eq!(read(&write(&[1], &[edge])).unwrap().values, [edge as f64]);
        assert_eq!(code(&read(&write(&[1], &[edge + 1]))), Some(Code::BadInput));
        assert_eq!(code(&read(&write(&[1], &[i64::MAX]))), Some(Code::BadInput));
        assert_eq!(code(&read(&write(&[1], &[u64::MAX]))), Some(Code::BadInput));
    }

    #[test]
    fn the_place_of_a_nan_is_named() {
        let report = read(&write(&[2, 2], &[0.0f32, 1.0, f32::NAN, 2.0])).unwrap_err();
        assert_eq!(
            report.to_string(),
            "E0801 element [1, 0]: the input data does not fit the model: found NaN, needed a number"
        );
    }

    #[test]
    fn unsuitable_headers_are_refused() {
        let header = |descr: &str, order: &str, shape: &str| {
            with_header(
                &format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"),
                &[0; 16],
            )
        };
        assert_eq!(read(&header("'>f4'", "False", "(2, 2)")).unwrap().values, [0.0; 4]);
        assert_eq!(code(&read(&header("'<f4'", "True", "(2, 2)"))), Some(Code::NotNpy));
        assert_eq!(code(&read(&header("'<c8'", "False", "(2,)"))), Some(Code::BadInput));
        assert_eq!(code(&read(&header("'|O'", "False", "(2,)"))), Some(Code::NotNpy));
        assert_eq!(code(&read(&header("'<f4'", "False", "(4294967296, 4294967296)"))), Some(Code::NotNpy));
        assert_eq!(code(&read(&header("'<f4'", "False", "(-4,)"))), Some(Code::NotNpy));
        assert_eq!(code(&read(&with_header(&"(".repeat(60_000), &[]))), Some(Code::NotNpy));
        assert_eq!(code(&read(b"\x93NUMPY\x02\x00\xff\xff\xff\xff")), Some(Code::NotNpy));
    }
}
