//! QONNX datatype names, such as `INT4`, as integer types.
//!
//! They appear in annotations of values (`finn_datatype`) and in the `out_dtype` of `MultiThreshold`; the dataflow
//! description writes them for FINN.

use std::fmt;
use std::str::FromStr;

use exactum_runtime::num::{BitWidth, IntType};

/// The datatype of a value in QONNX.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// `FLOAT32`.
    Float32,
    /// `BIPOLAR`: -1 and 1. Not an [`IntType`], since 0 is missing.
    Bipolar,
    /// `INT<bits>`, `UINT<bits>`, `BINARY` (0 and 1) or `TERNARY` (-1, 0, 1).
    Int(IntType),
    /// `SCALEDINT<bits>`: integers times a scale.
    ScaledInt(BitWidth),
}

const BINARY: IntType = IntType { width: BitWidth::new(1).unwrap(), signed: false, narrow: false };
const TERNARY: IntType = IntType { width: BitWidth::new(2).unwrap(), signed: true, narrow: true };

impl DataType {
    /// The integer type, if the values are plain integers without gaps.
    pub fn int_type(self) -> Option<IntType> {
        match self {
            Self::Int(ty) => Some(ty),
            Self::Float32 | Self::Bipolar | Self::ScaledInt(_) => None,
        }
    }
}

/// QONNX has no names for narrow ranges but `TERNARY`: the others get the name of the full range around them when
/// printed.
impl From<IntType> for DataType {
    fn from(ty: IntType) -> Self {
        Self::Int(ty)
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Float32 => f.write_str("FLOAT32"),
            Self::Bipolar => f.write_str("BIPOLAR"),
            Self::Int(TERNARY) => f.write_str("TERNARY"),
            Self::Int(ty) if (ty.signed, ty.width) == (BINARY.signed, BINARY.width) => f.write_str("BINARY"),
            Self::Int(ty) => write!(f, "{}INT{}", if ty.signed { "" } else { "U" }, ty.width.bits()),
            Self::ScaledInt(width) => write!(f, "SCALEDINT<{}>", width.bits()),
        }
    }
}

/// Not the name of a supported QONNX datatype.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown datatype \"{name}\": known are FLOAT32, BINARY, BIPOLAR, TERNARY, and INT<n>, UINT<n>, SCALEDINT<n> \
     of 1 to 32 bits"
)]
pub struct UnknownDataType {
    /// The text found.
    pub name: String,
}

impl FromStr for DataType {
    type Err = UnknownDataType;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let width = |digits: &str| {
            // `u8::from_str` takes a plus sign, which is no part of a name.
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|_| plain).and_then(BitWidth::new)
        };
        let int =
            |digits, signed| width(digits).map(|width| Self::Int(IntType { width, signed, narrow: false }));
        let found = match name {
            "FLOAT32" => Some(Self::Float32),
            "BIPOLAR" => Some(Self::Bipolar),
            "BINARY" => Some(Self::Int(BINARY)),
            "TERNARY" => Some(Self::Int(TERNARY)),
            _ => {
                if let Some(digits) = name.strip_prefix("INT") {
                    int(digits, true)
                } else if let Some(digits) = name.strip_prefix("UINT") {
                    int(digits, false)
                } else {
                    let digits = name.strip_prefix("SCALEDINT<").and_then(|rest| rest.strip_suffix('>'));
                    digits.and_then(width).map(Self::ScaledInt)
                }
            }
        };
        found.ok_or_else(|| UnknownDataType { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_these_ranges() {
        let bounds = |name: &str| name.parse::<DataType>().unwrap().int_type().map(|ty| (ty.min(), ty.max()));
        assert_eq!(bounds("INT4"), Some((-8, 7)));
        assert_eq!(bounds("UINT8"), Some((0, 255)));
        assert_eq!(bounds("BINARY"), Some((0, 1)));
        assert_eq!(bounds("TERNARY"), Some((-1, 1)));
        assert_eq!(bounds("BIPOLAR"), None);
        assert_eq!(bounds("SCALEDINT<8>"), None);
    }

    #[test]
    fn names_round_trip() {
        for bits in 1..=32 {
            for name in [format!("INT{bits}"), format!("UINT{bits}"), format!("SCALEDINT<{bits}>")] {
                let canonical = if name == "UINT1" { "BINARY" } else { &name };
                assert_eq!(name.parse::<DataType>().unwrap().to_string(), canonical);
            }
        }
        for name in ["FLOAT32", "BIPOLAR", "BINARY", "TERNARY"] {
            assert_eq!(name.parse::<DataType>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn narrow_types_print_as_the_range_around_them() {
        assert_eq!(DataType::from(IntType::new(4, true, true).unwrap()).to_string(), "INT4");
        assert_eq!(DataType::from(IntType::new(8, false, true).unwrap()).to_string(), "UINT8");
    }

    #[test]
    fn other_names_are_refused() {
        for name in
            ["", "INT", "INT0", "INT33", "INT+4", "int4", "FLOAT16", "FIXED<8,4>", "SCALEDINT<8", "UINT-1"]
        {
            assert_eq!(name.parse::<DataType>(), Err(UnknownDataType { name: name.to_owned() }));
        }
    }
}
