//! Constant tensors from either of their two encodings: raw little-endian bytes, or typed repeated fields.

use crate::ReadError;
use crate::model::{ElemType, Tensor, TensorData, element_count, packed_size_bytes};
use crate::wire::{DataLocation, TensorProto};

/// Reads the tensor at `place`, which goes into errors.
pub(super) fn read(proto: TensorProto, place: &str) -> Result<Tensor, ReadError> {
    let external = proto.data_location.enum_value() == Ok(DataLocation::EXTERNAL);
    if external || !proto.external_data.is_empty() {
        let entry = proto.external_data.iter().find(|entry| entry.key == "location");
        let location = entry.map_or("no location given", |entry| &entry.value).to_owned();
        return Err(ReadError::ExternalData { place: place.to_owned(), location });
    }
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
    let data = if proto.raw_data.is_empty() { source.typed(proto)? } else { source.raw(proto.raw_data)? };
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
        let needed = packed_size_bytes(self.elem, self.elems).unwrap_or(usize::MAX);
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
