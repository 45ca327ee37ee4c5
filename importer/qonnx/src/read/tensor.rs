//! Constant tensors from either of their two encodings: raw little-endian bytes, or typed repeated fields.

use crate::ReadError;
use crate::model::{ElemType, Tensor, TensorData, element_count, packed_size_bytes};
use crate::side_files::{self, Folder};
use crate::wire::{DataLocation, TensorProto};

/// Reads the tensor at `place`, which goes into errors.
pub(super) fn read(
    proto: TensorProto,
    place: &str,
    folder: Option<&mut Folder>,
) -> Result<Tensor, ReadError> {
    if proto.segment.is_some() {
        return Err(ReadError::Segmented { place: place.to_owned() });
    }
    let dims: Result<Vec<usize>, _> = proto.dims.iter().map(|&dim| usize::try_from(dim)).collect();
    let shape = dims.ok().and_then(|shape| element_count(&shape).map(|elems| (shape, elems)));
    let (shape, elems) =
        shape.ok_or_else(|| ReadError::Shape { place: place.to_owned(), dims: proto.dims.clone() })?;
    let elem = ElemType::from_code(proto.data_type)
        .filter(|&elem| elem != ElemType::Undefined)
        .ok_or_else(|| ReadError::ElemType { place: place.to_owned(), code: proto.data_type })?;
    let source = Source { place, shape: &shape, elems, elem };
    let name = proto.name.clone();
    let data = if proto.data_location.enum_value() == Ok(DataLocation::EXTERNAL) {
        let Some(folder) = folder else {
            return Err(ReadError::ExternalData {
                place: place.to_owned(),
                location: side_files::location(&proto),
            });
        };
        source.raw(folder.bytes(&proto, place, source.size_bytes())?)?
    } else if proto.raw_data.is_empty() {
        source.typed(proto)?
    } else {
        source.raw(proto.raw_data)?
    };
    Ok(Tensor { name, shape, data })
}

/// What is known about a tensor before its data is looked at.
struct Source<'a> {
    place: &'a str,
    shape: &'a [usize],
    elems: usize,
    elem: ElemType,
}

impl Source<'_> {
    /// Bytes that the elements take.
    fn size_bytes(&self) -> usize {
        packed_size_bytes(self.elem, self.elems).unwrap_or(usize::MAX)
    }

    fn wrong_length(&self, needed: usize, found: usize, unit: &'static str) -> ReadError {
        ReadError::DataLength {
            place: self.place.to_owned(),
            shape: self.shape.to_vec(),
            needed,
            found,
            unit,
        }
    }

    fn raw(&self, bytes: Vec<u8>) -> Result<TensorData, ReadError> {
        if self.elem == ElemType::String {
            return Err(self.wrong_length(self.elems, 0, "strings"));
        }
        let needed = self.size_bytes();
        if bytes.len() != needed {
            return Err(self.wrong_length(needed, bytes.len(), "bytes"));
        }
        Ok(from_le_bytes(self.elem, bytes))
    }

    fn typed(&self, proto: TensorProto) -> Result<TensorData, ReadError> {
        let words = proto.int32_data;
        Ok(match self.elem {
            ElemType::F32 => TensorData::F32(self.counted(proto.float_data)?),
            ElemType::F64 => TensorData::F64(self.counted(proto.double_data)?),
            ElemType::I64 => TensorData::I64(self.counted(proto.int64_data)?),
            ElemType::U64 => TensorData::U64(self.counted(proto.uint64_data)?),
            ElemType::U32 => TensorData::U32(self.narrowed(proto.uint64_data)?),
            ElemType::I32 => TensorData::I32(self.counted(words)?),
            ElemType::I16 => TensorData::I16(self.narrowed(words)?),
            ElemType::U16 => TensorData::U16(self.narrowed(words)?),
            ElemType::I8 => TensorData::I8(self.narrowed(words)?),
            ElemType::U8 => TensorData::U8(self.narrowed(words)?),
            ElemType::Bool => {
                TensorData::Bool(self.counted(words)?.into_iter().map(|word| word != 0).collect())
            }
            ElemType::String => TensorData::Strings(self.counted(proto.string_data)?),
            ElemType::Undefined => unreachable!("refused before"),
            _ => {
                let bytes: Vec<u8> = match self.elem {
                    ElemType::Complex64 => {
                        proto.float_data.iter().flat_map(|part| part.to_le_bytes()).collect()
                    }
                    ElemType::Complex128 => {
                        proto.double_data.iter().flat_map(|part| part.to_le_bytes()).collect()
                    }
                    ElemType::F16 | ElemType::Bf16 => {
                        self.fitted::<u16, _>(words)?.into_iter().flat_map(u16::to_le_bytes).collect()
                    }
                    _ => self.fitted(words)?,
                };
                self.raw(bytes)?
            }
        })
    }

    /// `values` if there are as many as the shape says.
    fn counted<T>(&self, values: Vec<T>) -> Result<Vec<T>, ReadError> {
        if values.len() == self.elems {
            Ok(values)
        } else {
            Err(self.wrong_length(self.elems, values.len(), "elements"))
        }
    }

    /// `values` in the narrower element type, if there are as many as the shape says.
    fn narrowed<T: TryFrom<W>, W: Copy + ToString>(&self, values: Vec<W>) -> Result<Vec<T>, ReadError> {
        self.fitted(self.counted(values)?)
    }

    /// `values` in the narrower element type.
    fn fitted<T: TryFrom<W>, W: Copy + ToString>(&self, values: Vec<W>) -> Result<Vec<T>, ReadError> {
        let fit = |(index, value): (usize, W)| {
            T::try_from(value).map_err(|_| ReadError::ElementRange {
                place: self.place.to_owned(),
                index,
                value: value.to_string(),
                elem: self.elem.name(),
            })
        };
        values.into_iter().enumerate().map(fit).collect()
    }
}

/// Splits `bytes`, whose length is a whole number of elements, into elements.
fn from_le_bytes(elem: ElemType, bytes: Vec<u8>) -> TensorData {
    macro_rules! words {
        ($native:ty) => {
            bytes
                .as_chunks()
                .0
                .iter()
                .map(|&word| <$native>::from_le_bytes(word))
                .collect::<Vec<$native>>()
                .into()
        };
    }
    match elem {
        ElemType::F32 => words!(f32),
        ElemType::F64 => words!(f64),
        ElemType::I8 => words!(i8),
        ElemType::U8 => TensorData::U8(bytes),
        ElemType::I16 => words!(i16),
        ElemType::U16 => words!(u16),
        ElemType::I32 => words!(i32),
        ElemType::U32 => words!(u32),
        ElemType::I64 => words!(i64),
        ElemType::U64 => words!(u64),
        ElemType::Bool => TensorData::Bool(bytes.iter().map(|&byte| byte != 0).collect()),
        _ => TensorData::Opaque { elem, bytes },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::StringStringEntryProto;

    fn proto(elem: ElemType, dims: &[i64]) -> TensorProto {
        TensorProto { name: "t".into(), dims: dims.to_vec(), data_type: elem.code(), ..Default::default() }
    }

    fn message(proto: TensorProto) -> String {
        read(proto, "initializer \"t\"", None).unwrap_err().to_string()
    }

    fn data(proto: TensorProto) -> TensorData {
        read(proto, "initializer \"t\"", None).unwrap().data
    }

    #[test]
    fn typed_fields_give_the_same_data_as_raw_bytes() {
        let words = |elem, values: &[i32]| TensorProto { int32_data: values.to_vec(), ..proto(elem, &[2]) };
        let raw = |elem, bytes: &[u8]| TensorProto { raw_data: bytes.to_vec(), ..proto(elem, &[2]) };
        let cases = [
            (words(ElemType::I8, &[-128, 127]), raw(ElemType::I8, &[0x80, 0x7f])),
            (words(ElemType::U8, &[0, 255]), raw(ElemType::U8, &[0, 0xff])),
            (words(ElemType::I16, &[-2, 0x1234]), raw(ElemType::I16, &[0xfe, 0xff, 0x34, 0x12])),
            (words(ElemType::U16, &[65535, 1]), raw(ElemType::U16, &[0xff, 0xff, 1, 0])),
            (words(ElemType::I32, &[-1, 2]), raw(ElemType::I32, &[0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0])),
            (words(ElemType::Bool, &[0, 1]), raw(ElemType::Bool, &[0, 1])),
            (words(ElemType::F16, &[0x3c00, 0xc000]), raw(ElemType::F16, &[0x00, 0x3c, 0x00, 0xc0])),
            (words(ElemType::F8E5M2, &[1, 200]), raw(ElemType::F8E5M2, &[1, 200])),
            // Two nibbles to an entry.
            (words(ElemType::I4, &[0x1f]), raw(ElemType::I4, &[0x1f])),
            (
                TensorProto { float_data: vec![1.0, -2.0], ..proto(ElemType::F32, &[2]) },
                raw(ElemType::F32, &[0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]),
            ),
            (
                TensorProto { uint64_data: vec![1, 0xffff_ffff], ..proto(ElemType::U32, &[2]) },
                raw(ElemType::U32, &[1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
            ),
            (
                TensorProto { int64_data: vec![-1, 1], ..proto(ElemType::I64, &[2]) },
                raw(ElemType::I64, &[255, 255, 255, 255, 255, 255, 255, 255, 1, 0, 0, 0, 0, 0, 0, 0]),
            ),
        ];
        for (typed, raw) in cases {
            assert_eq!(data(typed), data(raw));
        }
    }

    #[test]
    fn lengths_must_match_the_shape() {
        let short = TensorProto { raw_data: vec![0; 23], ..proto(ElemType::F32, &[2, 3]) };
        assert_eq!(message(short), "initializer \"t\": shape [2, 3] needs 24 bytes, found 23");
        let long = TensorProto { float_data: vec![0.0; 7], ..proto(ElemType::F32, &[2, 3]) };
        assert_eq!(message(long), "initializer \"t\": shape [2, 3] needs 6 elements, found 7");
        // A scalar has one element, and huge shapes are compared before anything is allocated.
        assert_eq!(
            message(proto(ElemType::I64, &[])),
            "initializer \"t\": shape [] needs 1 elements, found 0"
        );
        let huge = message(proto(ElemType::U8, &[1 << 40]));
        assert!(huge.contains("found 0"), "{huge}");
        assert_eq!(data(proto(ElemType::F32, &[0, 5])), TensorData::F32(Vec::new()));
    }

    #[test]
    fn shapes_and_types_must_exist() {
        let negative = message(proto(ElemType::F32, &[2, -1]));
        assert_eq!(negative, "initializer \"t\": [2, -1] is not a shape");
        let endless = message(proto(ElemType::F32, &[i64::MAX, 3]));
        assert!(endless.ends_with("is not a shape"), "{endless}");
        assert_eq!(message(proto(ElemType::Undefined, &[])), "initializer \"t\": unknown element type 0");
        let unknown = TensorProto { data_type: 99, ..proto(ElemType::F32, &[]) };
        assert_eq!(message(unknown), "initializer \"t\": unknown element type 99");
    }

    #[test]
    fn numbers_must_fit_the_element_type() {
        let wide = TensorProto { int32_data: vec![0, 128], ..proto(ElemType::I8, &[2]) };
        assert_eq!(message(wide), "initializer \"t\": element 1 is 128, which does not fit int8");
        let negative = TensorProto { int32_data: vec![-1, 0], ..proto(ElemType::F16, &[2]) };
        assert_eq!(message(negative), "initializer \"t\": element 0 is -1, which does not fit float16");
    }

    #[test]
    fn data_elsewhere_needs_the_folder() {
        let location =
            StringStringEntryProto { key: "location".into(), value: "w.bin".into(), ..Default::default() };
        let external = TensorProto {
            data_location: DataLocation::EXTERNAL.into(),
            external_data: vec![location],
            ..proto(ElemType::F32, &[2])
        };
        let found = message(external);
        assert!(found.contains("\"t\": the data is in the side file \"w.bin\""), "{found}");
        let mut segmented = proto(ElemType::F32, &[0]);
        segmented.segment = Some(Default::default()).into();
        assert!(message(segmented).contains("segments"));
    }
}
