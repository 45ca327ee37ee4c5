//! Programs in two slots of flash: the newer one that is whole runs, the other one stands by.
//!
//! ```text
//! bytes   field
//! 8       "EXSLOT01"
//! 4       generation: the slot with the larger one is tried first
//! 4       bytes of the image
//! 8       version of the model
//! 32      digest of the model's file
//! 32      SHA-256 of the image
//! 4       zero
//! 4       CRC-32/ISO-HDLC of everything before
//! ...     the image, at a multiple of 8
//! ```
//!
//! Numbers are little endian. An [`Update`] writes the image first and the header last, so a slot whose update was cut off has none.
//! Whatever a header says, the image passes [`Program::load_within`] before it runs, and is the model that the header names.

mod update;

pub use update::{Update, UpdateError};

use crc::{CRC_32_ISO_HDLC, Crc, NoTable};
use exactum_runtime::program::Limits;
use exactum_runtime::{LoadError, Program};
use sha2::{Digest, Sha256};

/// What a slot begins with.
pub const MAGIC: [u8; 8] = *b"EXSLOT01";
/// Bytes of a header, a multiple of 8.
pub const HEADER_BYTES: usize = 96;

const CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

/// What is known of the image of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Header {
    /// One more than that of the image before.
    pub generation: u32,
    /// Bytes of the image.
    pub length_bytes: u32,
    /// Version of the model.
    pub version: i64,
    /// Digest of the model's file.
    pub digest: [u8; 32],
    /// SHA-256 of the image.
    pub hash: [u8; 32],
}

/// Why a slot does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SlotError {
    /// There is no header: nothing was written, or an update was cut off.
    Empty,
    /// The header is damaged.
    Header,
    /// The image would be longer than the slot.
    Length,
    /// The image is another one than was written.
    Hash,
    /// The image is no program, or more of one than there is room for.
    Load(LoadError),
    /// The image is the program of another version than the header says.
    Version,
    /// The image is the program of another model than the header says.
    Digest,
}

/// The program to run.
#[derive(Clone, Debug)]
pub struct Chosen<'s> {
    /// The program.
    pub program: Program<'s>,
    /// Its slot, 0 or 1.
    pub slot: usize,
    /// Its header.
    pub header: Header,
    /// Why the other slot does not run: of an older one only whether it has no header, or a damaged one.
    pub other: Option<SlotError>,
}

impl Header {
    /// The header of `image`, which is `program`'s.
    pub fn of(program: &Program<'_>, image: &[u8], generation: u32) -> Self {
        Self {
            generation,
            length_bytes: image.len() as u32,
            version: program.model_version(),
            digest: *program.model_digest(),
            hash: Sha256::digest(image).into(),
        }
    }

    /// Its bytes.
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let mut rest = bytes.as_mut_slice();
        let mut put = |field: &[u8]| {
            if let Some((to, behind)) = core::mem::take(&mut rest).split_at_mut_checked(field.len()) {
                to.copy_from_slice(field);
                rest = behind;
            }
        };
        put(&MAGIC);
        put(&self.generation.to_le_bytes());
        put(&self.length_bytes.to_le_bytes());
        put(&self.version.to_le_bytes());
        put(&self.digest);
        put(&self.hash);
        let crc = CRC.checksum(bytes.get(..HEADER_BYTES - 4).unwrap_or_default());
        if let Some(last) = bytes.last_chunk_mut() {
            *last = crc.to_le_bytes();
        }
        bytes
    }

    /// The header that `slot` begins with.
    ///
    /// # Errors
    /// [`SlotError::Empty`], [`SlotError::Header`].
    pub fn read(slot: &[u8]) -> Result<Self, SlotError> {
        let bytes: &[u8; HEADER_BYTES] = slot.first_chunk().ok_or(SlotError::Empty)?;
        if !bytes.starts_with(&MAGIC) {
            return Err(SlotError::Empty);
        }
        let mut rest = bytes.get(MAGIC.len()..).unwrap_or_default();
        let header = Self {
            generation: u32::from_le_bytes(take(&mut rest)?),
            length_bytes: u32::from_le_bytes(take(&mut rest)?),
            version: i64::from_le_bytes(take(&mut rest)?),
            digest: take(&mut rest)?,
            hash: take(&mut rest)?,
        };
        if header.to_bytes() == *bytes { Ok(header) } else { Err(SlotError::Header) }
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], SlotError> {
    let (field, rest) = bytes.split_first_chunk().ok_or(SlotError::Header)?;
    *bytes = rest;
    Ok(*field)
}

/// The program of `slot`, which lies at a multiple of 8, after everything about it was checked.
///
/// # Errors
/// [`SlotError`] says what is wrong first.
pub fn load<'s>(slot: &'s [u8], limits: &Limits) -> Result<(Header, Program<'s>), SlotError> {
    let header = Header::read(slot)?;
    let image = slot.get(HEADER_BYTES..).and_then(|rest| rest.get(..header.length_bytes as usize));
    let image = image.ok_or(SlotError::Length)?;
    if Sha256::digest(image)[..] != header.hash {
        return Err(SlotError::Hash);
    }
    let program = Program::load_within(image, limits).map_err(SlotError::Load)?;
    if program.model_version() != header.version {
        return Err(SlotError::Version);
    }
    if *program.model_digest() != header.digest {
        return Err(SlotError::Digest);
    }
    Ok((header, program))
}

/// The program of the slot with the larger generation, or of the other one if that does not run.
///
/// # Errors
/// What is wrong with both, if neither runs.
pub fn choose<'s>(slots: [&'s [u8]; 2], limits: &Limits) -> Result<Chosen<'s>, [SlotError; 2]> {
    let generation = |slot: &[u8]| Header::read(slot).map_or(0, |header| u64::from(header.generation) + 1);
    let newer = usize::from(generation(slots[1]) > generation(slots[0]));
    let older = 1 - newer;
    match load(slots[newer], limits) {
        Ok((header, program)) => {
            Ok(Chosen { program, slot: newer, header, other: Header::read(slots[older]).err() })
        }
        Err(broken) => match load(slots[older], limits) {
            Ok((header, program)) => Ok(Chosen { program, slot: older, header, other: Some(broken) }),
            Err(other) => Err(if newer == 0 { [broken, other] } else { [other, broken] }),
        },
    }
}
