//! The start of an image, and its cut into sections.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{Limits, Program};
use crate::constants::{ALIGN_BYTES, ConstRef, Constants};
use crate::error::LoadError;
use crate::id::{MAGIC, VERSION};
use crate::record::record;
use crate::{port, state, tensor};

record! {
    /// The first bytes of an image.
    pub(crate) struct Header {
        pub(crate) magic: [u8; 8] = "`EXACTUM` and a zero byte.",
        pub(crate) version: u32 = "Version of the format.",
        pub(crate) length_bytes: u32 = "Length of the whole image, header included.",
        pub(crate) checksum: u32 = "CRC-32 of every byte after this field.",
        pub(crate) arena_bytes: u32 = "Working memory an engine needs, at most 2^31 - 1.",
        pub(crate) tensor_count: u16 = "Records in the tensor table.",
        pub(crate) input_count: u16 = "Records in the input table.",
        pub(crate) output_count: u16 = "Records in the output table.",
        pub(crate) op_count: u16 = "Records in the op table.",
        pub(crate) op_bytes: u32 = "Length of the op table, a multiple of 8.",
        pub(crate) constant_bytes: u32 = "Length of the constant section.",
        pub(crate) state_count: u16 = "Records in the state table.",
        pub(crate) reserved: [u16; 3] = "Zeros.",
        pub(crate) model_name: ConstRef = "Name of the model, UTF-8; empty if it has none.",
        pub(crate) model_version: i64 = "Version of the model, as its file states it; 0 if it does not.",
        pub(crate) model_digest: [u8; 32] = "SHA-256 of the model's file; zeros if it is not known.",
    }
}

/// First byte that the checksum covers.
pub(crate) const CHECKED_FROM: usize = core::mem::offset_of!(Header, arena_bytes);

/// The checksum: CRC-32 as in Ethernet and zip (ISO-HDLC).
pub(crate) const CHECKSUM: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

/// Bytes of the image that `bytes` starts with, as its header states them.
pub(crate) fn length_bytes(bytes: &[u8]) -> Result<usize, LoadError> {
    let header = header(bytes)?;
    usize::try_from(header.length_bytes)
        .ok()
        .filter(|length| *length <= bytes.len())
        .ok_or(LoadError::Length { stated_bytes: header.length_bytes, have_bytes: bytes.len() })
}

/// The header of `image`, of this version.
fn header(image: &[u8]) -> Result<&Header, LoadError> {
    if image.is_empty() {
        return Err(LoadError::Truncated { need_bytes: size_of::<Header>(), have_bytes: 0 });
    }
    if !image.as_ptr().addr().is_multiple_of(ALIGN_BYTES as usize) {
        return Err(LoadError::Misaligned);
    }
    let Ok((header, _)) = Header::ref_from_prefix(image) else {
        return Err(LoadError::Truncated { need_bytes: size_of::<Header>(), have_bytes: image.len() });
    };
    if header.magic != MAGIC {
        return Err(LoadError::Magic);
    }
    if header.version != VERSION {
        return Err(LoadError::Version { found: header.version });
    }
    Ok(header)
}

/// Checks the header, with limits that a caller sets, and the checksum, and cuts `image` into its sections; their content is
/// not yet checked.
pub(crate) fn sections<'p>(image: &'p [u8], limits: &Limits) -> Result<Program<'p>, LoadError> {
    let header = header(image)?;
    if usize::try_from(header.length_bytes) != Ok(image.len()) {
        return Err(LoadError::Length { stated_bytes: header.length_bytes, have_bytes: image.len() });
    }
    if header.length_bytes > limits.image_bytes {
        return Err(LoadError::ImageLimit {
            need_bytes: header.length_bytes,
            limit_bytes: limits.image_bytes,
        });
    }
    if i32::try_from(header.arena_bytes).is_err() || header.arena_bytes > limits.arena_bytes {
        return Err(LoadError::Arena { need_bytes: header.arena_bytes });
    }
    let computed = CHECKSUM.checksum(image.get(CHECKED_FROM..).unwrap_or_default());
    if header.checksum != computed {
        return Err(LoadError::Checksum { stated: header.checksum, computed });
    }
    cut(image, header).ok_or(LoadError::Sections)
}

fn cut<'p>(image: &'p [u8], header: &'p Header) -> Option<Program<'p>> {
    let mut rest = image.get(size_of::<Header>()..)?;
    let tensors = table::<tensor::TensorRecord>(&mut rest, header.tensor_count)?;
    let inputs = table::<port::InputRecord>(&mut rest, header.input_count)?;
    let states = table::<state::StateRecord>(&mut rest, header.state_count)?;
    let outputs = table::<port::OutputRecord>(&mut rest, header.output_count)?;
    let (ops, constants) = rest.split_at_checked(usize::try_from(header.op_bytes).ok()?)?;
    if header.reserved != [0; 3]
        || header.op_bytes & (ALIGN_BYTES - 1) != 0
        || usize::try_from(header.constant_bytes) != Ok(constants.len())
    {
        return None;
    }
    Some(Program {
        image,
        header,
        tensors: tensor::Tensors(tensors),
        inputs,
        states,
        outputs,
        ops,
        constants: Constants(constants),
    })
}

fn table<'p, T: FromBytes + IntoBytes + Immutable + KnownLayout>(
    rest: &mut &'p [u8],
    count: u16,
) -> Option<&'p [T]> {
    let (table, after) = <[T]>::ref_from_prefix_with_elems(rest, usize::from(count)).ok()?;
    *rest = after;
    Some(table)
}
