//! NumPy arrays in `.npy` files: the data that commands take and give.
//!
//! Numbers are accepted in any type whose values 64-bit floats hold exactly, in both orders of bytes and of axes, sizes
//! are checked before anything is allocated, and written bytes depend on nothing but the array.

mod numbers;

use exactum_qonnx::{ElemType, FileKind};
use npyz::{
    AutoSerialize, DType, Endianness, NpyHeader, Order, TypeChar, TypeStr, WriteOptions, WriterBuilder,
};
pub use numbers::write_numbers;

use crate::elements::position;
use crate::{ArrayError, ArrayFault};

type Result<T> = std::result::Result<T, ArrayError>;

/// Bytes that hold the header of any array of numbers; NumPy writes 128.
const MAX_HEADER_BYTES: usize = 4096;

/// Types that [`read`] takes.
const NUMBERS: &str = "numbers: floats of 16 to 64 bits, integers of 8 to 64 bits, or booleans";

/// An array of real numbers, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Elements along each axis.
    pub shape: Vec<usize>,
    /// The elements, none of them NaN.
    pub values: Vec<f64>,
}

impl Array {
    /// The elements as the nearest single precision numbers.
    pub fn to_f32(&self) -> Vec<f32> {
        self.values.iter().map(|value| *value as f32).collect()
    }
}

/// Reads the array in `bytes`.
///
/// # Errors
/// [`ArrayFault::NotNpy`] if the bytes are no complete array, [`ArrayFault::Elements`] if its elements are not numbers,
/// are NaN, or are integers that a 64-bit float does not hold.
pub fn read(bytes: &[u8]) -> Result<Array> {
    check_header(bytes)?;
    let mut data = bytes;
    let header = NpyHeader::from_reader(&mut data)
        .map_err(|error| malformed(error.to_string(), "the header of an array of numbers"))?;
    let DType::Plain(ty) = header.dtype() else {
        return Err(unusable("a structured array", NUMBERS));
    };
    let number = number(&ty)?;
    let size_bytes = ty.size_field();
    let elems = header.shape().iter().try_fold(1u64, |elems, dim| elems.checked_mul(*dim));
    let shape: Option<Vec<usize>> = header.shape().iter().map(|dim| usize::try_from(*dim).ok()).collect();
    let fits = elems.and_then(|elems| elems.checked_mul(size_bytes)) == Some(data.len() as u64);
    let (Some(shape), true) = (shape, fits) else {
        let needed = format!("elements of {size_bytes} bytes in shape {:?}", header.shape());
        return Err(malformed(format!("{} bytes of data", data.len()), needed));
    };
    let elements = || data.chunks(size_bytes.max(1) as usize).map(number);
    if elements().all(|value| value.is_some_and(|value| !value.is_nan())) {
        let mut values = Vec::with_capacity(data.len() / size_bytes.max(1) as usize);
        values.extend(elements().flatten());
        let values = if header.order() == Order::C { values } else { row_major(&shape, &values) };
        return Ok(Array { shape, values });
    }
    let values: Vec<Option<f64>> = elements().collect();
    let values = if header.order() == Order::C { values } else { row_major(&shape, &values) };
    if let Some(index) = values.iter().position(Option::is_none) {
        let needed = "integers that a float64 holds, below 2^53 in magnitude";
        return Err(unusable("a larger integer", needed).in_part(&element(&shape, index)));
    }
    let values: Vec<f64> = values.into_iter().flatten().collect();
    match values.iter().position(|value| value.is_nan()) {
        Some(index) => Err(unusable("NaN", "a number").in_part(&element(&shape, index))),
        None => Ok(Array { shape, values }),
    }
}

/// About how many bytes [`read`] takes for the array in `bytes`, that of the elements twice where they are turned.
pub(crate) fn read_bytes(bytes: &[u8]) -> u64 {
    let header = check_header(bytes).ok().and_then(|()| NpyHeader::from_reader(bytes).ok());
    let elems =
        header.map(|header| header.shape().iter().fold(1u64, |elems, dim| elems.saturating_mul(*dim)));
    // A header that says more than there is gets refused.
    elems.unwrap_or(0).min(bytes.len() as u64) * 16
}

/// What the bytes of an element stand for; `None` for integers that a 64-bit float does not hold.
type Number = fn(&[u8]) -> Option<f64>;

/// How elements of type `ty` are read.
fn number(ty: &TypeStr) -> Result<Number> {
    macro_rules! of {
        ($ty:ident, $real:path) => {
            match ty.endianness() {
                Endianness::Big => |bytes| $real($ty::from_be_bytes(bytes.try_into().ok()?)),
                _ => |bytes| $real($ty::from_le_bytes(bytes.try_into().ok()?)),
            }
        };
    }
    Ok(match (ty.type_char(), ty.size_field()) {
        (TypeChar::Float, 2) => of!(u16, half),
        (TypeChar::Float, 4) => of!(f32, wide),
        (TypeChar::Float, 8) => of!(f64, wide),
        (TypeChar::Int, 1) => of!(i8, wide),
        (TypeChar::Int, 2) => of!(i16, wide),
        (TypeChar::Int, 4) => of!(i32, wide),
        (TypeChar::Int, 8) => of!(i64, exactly),
        (TypeChar::Bool, 1) => of!(u8, truth),
        (TypeChar::Uint, 1) => of!(u8, wide),
        (TypeChar::Uint, 2) => of!(u16, wide),
        (TypeChar::Uint, 4) => of!(u32, wide),
        (TypeChar::Uint, 8) => of!(u64, exactly),
        (class, _) => {
            let found = match class {
                TypeChar::UnicodeStr | TypeChar::ByteStr => format!("text, elements of type {ty}"),
                TypeChar::Complex => format!("complex numbers, elements of type {ty}"),
                TypeChar::DateTime | TypeChar::TimeDelta => format!("times, elements of type {ty}"),
                _ => format!("elements of type {ty}"),
            };
            return Err(unusable(found, NUMBERS));
        }
    })
}

fn wide(value: impl Into<f64>) -> Option<f64> {
    Some(value.into())
}

fn truth(value: u8) -> Option<f64> {
    Some(f64::from(value != 0))
}

fn exactly(integer: impl Into<i128>) -> Option<f64> {
    let integer = integer.into();
    Some(integer as f64).filter(|real| *real as i128 == integer)
}

fn half(bits: u16) -> Option<f64> {
    ElemType::F16.stored(bits)
}

/// The elements of an array of `shape` whose first axis runs fastest, in the order in which the last one does.
fn row_major<T: Copy>(shape: &[usize], values: &[T]) -> Vec<T> {
    let steps: Vec<usize> = shape
        .iter()
        .scan(1, |step, dim| {
            let own = *step;
            *step *= dim;
            Some(own)
        })
        .collect();
    let at = |index| position(shape, index).iter().zip(&steps).map(|(at, step)| at * step).sum::<usize>();
    (0..values.len()).map(|index| values[at(index)]).collect()
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
    matches!(header, Ok(DType::Plain(ty)) if matches!(ty.type_char(), TypeChar::Int | TypeChar::Uint | TypeChar::Bool))
}

/// Where element `index` of an array of `shape` is, for people.
pub fn element(shape: &[usize], index: usize) -> String {
    format!("element {:?}", position(shape, index))
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
        _ => {
            let found = FileKind::of(bytes).map_or("other bytes", FileKind::name);
            return Err(malformed(found, "a .npy file, as numpy.save writes it"));
        }
    };
    let Some(text) = text else {
        return Err(malformed("the end of the file", "the rest of the header"));
    };
    // Objects are pickles, which run code.
    if text.windows(4).any(|part| part == b"'|O'") {
        let needed = "numbers; array.astype(numpy.float32) makes them of objects that are numbers";
        return Err(unusable("an array of Python objects", needed));
    }
    // `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }` opens two brackets.
    let nesting = text.iter().filter(|byte| b"([{".contains(byte)).count();
    if text.len() > MAX_HEADER_BYTES || nesting > 2 {
        let found = format!("a header of {} bytes with {nesting} brackets", text.len());
        return Err(malformed(found, "the header of an array of numbers"));
    }
    Ok(())
}

fn malformed(found: impl Into<String>, needed: impl Into<String>) -> ArrayError {
    ArrayError::new(ArrayFault::NotNpy, found, needed)
}

fn unusable(found: impl Into<String>, needed: impl Into<String>) -> ArrayError {
    ArrayError::new(ArrayFault::Elements, found, needed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fault(result: &Result<Array>) -> Option<ArrayFault> {
        result.as_ref().err().map(|error| error.fault)
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
            assert_eq!(fault(&read(&file[..length])), Some(ArrayFault::NotNpy), "{length} bytes");
        }
    }

    /// The same six numbers in every type, order of bytes and order of axes.
    #[test]
    fn every_way_to_store_numbers_gives_them() {
        let rows = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        let columns = [0.0, 3.0, 1.0, 4.0, 2.0, 5.0];
        let halves = [0u16, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500];
        let half = |value: f64| halves[value as usize];
        for (order, values) in [("False", rows), ("True", columns)] {
            let file = |descr: &str, big: bool, bytes: &dyn Fn(f64) -> Vec<u8>| {
                let mut data = vec![];
                for value in values {
                    let mut little = bytes(value);
                    if big {
                        little.reverse();
                    }
                    data.extend(little);
                }
                let text = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': (2, 3), }}\n");
                with_header(&text, &data)
            };
            for (big, mark) in [(false, '<'), (true, '>')] {
                type Bytes<'f> = &'f dyn Fn(f64) -> Vec<u8>;
                let types: [(&str, Bytes<'_>); 9] = [
                    ("f2", &|value| half(value).to_le_bytes().to_vec()),
                    ("f4", &|value| (value as f32).to_le_bytes().to_vec()),
                    ("f8", &|value| value.to_le_bytes().to_vec()),
                    ("i2", &|value| (value as i16).to_le_bytes().to_vec()),
                    ("i4", &|value| (value as i32).to_le_bytes().to_vec()),
                    ("i8", &|value| (value as i64).to_le_bytes().to_vec()),
                    ("u2", &|value| (value as u16).to_le_bytes().to_vec()),
                    ("u4", &|value| (value as u32).to_le_bytes().to_vec()),
                    ("u8", &|value| (value as u64).to_le_bytes().to_vec()),
                ];
                for (name, bytes) in types {
                    let array = read(&file(&format!("{mark}{name}"), big, bytes)).unwrap();
                    assert_eq!(array.to_f32(), rows.map(|value| value as f32));
                    assert_eq!((array.shape.as_slice(), array.values.as_slice()), (&[2, 3][..], &rows[..]));
                }
            }
            for name in ["|i1", "|u1"] {
                assert_eq!(read(&file(name, false, &|value| vec![value as u8])).unwrap().values, rows);
            }
            let truths = read(&file("|b1", false, &|value| vec![u8::from(value > 0.0)])).unwrap();
            assert_eq!(truths.values, [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
        }
    }

    #[test]
    fn integers_have_to_be_exact() {
        let edge = 1i64 << 53;
        assert_eq!(read(&write(&[1], &[edge])).unwrap().values, [edge as f64]);
        assert_eq!(fault(&read(&write(&[1], &[edge + 1]))), Some(ArrayFault::Elements));
        assert_eq!(fault(&read(&write(&[1], &[i64::MAX]))), Some(ArrayFault::Elements));
        assert_eq!(fault(&read(&write(&[1], &[u64::MAX]))), Some(ArrayFault::Elements));
    }

    #[test]
    fn the_place_of_a_nan_is_named() {
        let error = read(&write(&[2, 2], &[0.0f32, 1.0, f32::NAN, 2.0])).unwrap_err();
        assert_eq!(error.to_string(), "element [1, 0]: found NaN, needed a number");
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
        assert_eq!(fault(&read(&header("'<c8'", "False", "(2,)"))), Some(ArrayFault::Elements));
        for text in ["'|O'", "'<U2'", "'|S8'", "'<M8[s]'", "[('a', '<f4')]"] {
            assert!(read(&header(text, "False", "(2,)")).is_err(), "{text}");
        }
        assert_eq!(fault(&read(&header("'|O'", "False", "(2,)"))), Some(ArrayFault::Elements));
        assert_eq!(fault(&read(&header("'<U2'", "False", "(2,)"))), Some(ArrayFault::Elements));
        assert_eq!(
            fault(&read(&header("'<f4'", "False", "(4294967296, 4294967296)"))),
            Some(ArrayFault::NotNpy)
        );
        assert_eq!(fault(&read(&header("'<f4'", "False", "(-4,)"))), Some(ArrayFault::NotNpy));
        assert_eq!(fault(&read(&with_header(&"(".repeat(60_000), &[]))), Some(ArrayFault::NotNpy));
        assert_eq!(fault(&read(b"\x93NUMPY\x02\x00\xff\xff\xff\xff")), Some(ArrayFault::NotNpy));
    }
}
