//! Arrays in the element types of ONNX: what outputs and dumps are written as.

use exactum_qonnx::ElemType;

use super::write;

/// The bytes of a `.npy` file that holds `values` in `shape`, in the type that NumPy has for `elem`: float32 where it has
/// none, a byte for each integer of fewer bits. Values beyond an integer type's ends become these.
///
/// # Panics
/// If the shape has another number of elements.
pub fn write_numbers(elem: ElemType, shape: &[usize], values: &[f64]) -> Vec<u8> {
    macro_rules! numbers {
        ($ty:ty) => {
            write(shape, &values.iter().map(|value| *value as $ty).collect::<Vec<$ty>>())
        };
    }
    match elem {
        ElemType::Bool => write(shape, &values.iter().map(|value| *value != 0.0).collect::<Vec<bool>>()),
        ElemType::U2 | ElemType::U4 | ElemType::U8 => numbers!(u8),
        ElemType::I2 | ElemType::I4 | ElemType::I8 => numbers!(i8),
        ElemType::U16 => numbers!(u16),
        ElemType::I16 => numbers!(i16),
        ElemType::U32 => numbers!(u32),
        ElemType::I32 => numbers!(i32),
        ElemType::U64 => numbers!(u64),
        ElemType::I64 => numbers!(i64),
        ElemType::F64 => numbers!(f64),
        ElemType::F16 => halves(shape, values),
        _ => numbers!(f32),
    }
}

/// Half floats: their bits as integers of 16, from which the header differs in one letter.
fn halves(shape: &[usize], values: &[f64]) -> Vec<u8> {
    const INTEGERS: &[u8] = b"'<u2'";
    let mut bytes = write(shape, &values.iter().map(|value| half_bits(*value)).collect::<Vec<u16>>());
    if let Some(at) = bytes.windows(INTEGERS.len()).position(|window| window == INTEGERS) {
        bytes[at + 2] = b'f';
    }
    bytes
}

/// The bits of the half float nearest to `value`, of two the even one.
fn half_bits(value: f64) -> u16 {
    let sign = u16::from(value.is_sign_negative()) << 15;
    let size = ElemType::F16.nearest(value).abs();
    if size.is_nan() {
        return sign | 0x7e00;
    }
    if size.is_infinite() {
        return sign | 0x7c00;
    }
    let exponent = ((size.to_bits() >> 52) as i32 - 1023).max(-14);
    // Steps of the binade.
    let steps = (size * 2f64.powi(10 - exponent)) as u16;
    let binade = if steps < 1024 { 0 } else { ((exponent + 15) as u16) << 10 };
    sign | (binade + if steps < 1024 { steps } else { steps - 1024 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npy::read;

    /// The type in the header of an array that holds a number of `elem`.
    fn descr(elem: ElemType) -> String {
        let bytes = write_numbers(elem, &[1], &[1.0]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        text.split('\'').nth(3).unwrap_or_default().to_owned()
    }

    #[test]
    fn types_are_those_of_numpy() {
        let found = [
            ElemType::Bool,
            ElemType::U8,
            ElemType::I4,
            ElemType::I16,
            ElemType::U32,
            ElemType::I64,
            ElemType::F16,
            ElemType::F64,
            ElemType::Bf16,
        ]
        .map(descr);
        assert_eq!(found, ["|b1", "|u1", "|i1", "<i2", "<u4", "<i8", "<f2", "<f8", "<f4"]);
    }

    #[test]
    fn halves_are_the_nearest() {
        let known = [
            (0.0, 0x0000),
            (-0.0, 0x8000),
            (1.0, 0x3c00),
            (-2.0, 0xc000),
            (1.0 / 3.0, 0x3555),
            (65504.0, 0x7bff),
            (65519.0, 0x7bff),
            (65520.0, 0x7c00),
            (2048.0, 0x6800),
            (2049.0, 0x6800),
            (2051.0, 0x6802),
            (0.999_99, 0x3c00),
            (2f64.powi(-24), 0x0001),
            (2f64.powi(-25), 0x0000),
            (2f64.powi(-14), 0x0400),
            (f64::NEG_INFINITY, 0xfc00),
        ];
        for (value, bits) in known {
            assert_eq!(half_bits(value), bits, "{value}");
        }
    }

    #[test]
    fn integers_end_at_their_type() {
        let array = read(&write_numbers(ElemType::I8, &[3], &[-128.0, 127.0, 400.0])).unwrap();
        assert_eq!(array.values, [-128.0, 127.0, 127.0]);
    }
}
