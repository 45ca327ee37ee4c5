//! Writes images. The layout of constants follows from the order of inputs and ops, so equal sources give equal bytes.

use zerocopy::IntoBytes;

use crate::constants::ConstRef;
use crate::id::{MAGIC, VERSION};
use crate::op::Op;
use crate::port::{Input, InputRecord, Output, OutputRecord};
use crate::program::{CHECKED_FROM, CHECKSUM, Header};
use crate::state::{State, StateRecord};
use crate::tensor::{Tensor, TensorRecord};
use crate::writer::ConstantWriter;

/// What a program consists of.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Working memory, at least the end of the last tensor in it.
    pub arena_bytes: u32,
    /// The tensor table; ops and ports refer to positions in it. Inputs come first, then states, then what each op writes
    /// and works in, in the order in which they run.
    pub tensors: &'a [Tensor],
    /// The model's inputs.
    pub inputs: &'a [Input<'a>],
    /// What lives from run to run.
    pub states: &'a [State],
    /// The model's outputs.
    pub outputs: &'a [Output<'a>],
    /// The ops in the order they run.
    pub ops: &'a [Op<'a>],
    /// What it is a program of.
    pub model: Model<'a>,
}

/// What a program was made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Model<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its version, as its file states it.
    pub version: i64,
    /// SHA-256 of its file.
    pub digest: [u8; 32],
}

/// A source that the format cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// More tensors, inputs, outputs or ops than 16 bits count.
    TooMany,
    /// An image of more than 4 GiB.
    TooLarge,
}

impl core::fmt::Display for EncodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::TooMany => "more than 65535 tensors, inputs, outputs or ops",
            Self::TooLarge => "an image of more than 4 GiB",
        })
    }
}

impl core::error::Error for EncodeError {}

/// Appends the image of `source` to `sink`.
///
/// Only what the format can express is checked here; [`Program::load`](crate::Program::load) checks the rest.
///
/// # Errors
///
/// The source has too many parts, or the image would be too large. Then nothing is written.
pub fn encode(source: &Source<'_>, sink: &mut impl Extend<u8>) -> Result<(), EncodeError> {
    let mut header = Header {
        magic: MAGIC,
        version: VERSION,
        length_bytes: 0,
        checksum: 0,
        arena_bytes: source.arena_bytes,
        tensor_count: count(source.tensors)?,
        input_count: count(source.inputs)?,
        output_count: count(source.outputs)?,
        op_count: count(source.ops)?,
        op_bytes: 0,
        constant_bytes: 0,
        state_count: count(source.states)?,
        reserved: [0; 3],
        model_name: ConstRef::default(),
        model_version: source.model.version,
        model_digest: source.model.digest,
    };
    let (mut records, mut constant_bytes) = (Length::default(), Length::default());
    let mut constants = ConstantWriter::new(&mut constant_bytes);
    header.model_name = write_ports(source, &mut Nothing, &mut constants);
    source.ops.iter().for_each(|op| op.encode(&mut records, &mut constants));
    header.op_bytes = records.in_32_bits()?;
    header.constant_bytes = constant_bytes.in_32_bits()?;
    let mut tables = Length::default();
    write_tables(source, &mut tables);
    let parts = [size_of::<Header>() as u32, tables.in_32_bits()?, header.constant_bytes];
    let length = parts.into_iter().try_fold(0u32, u32::checked_add);
    header.length_bytes = length.ok_or(EncodeError::TooLarge)?;
    let mut digest = Checksum(CHECKSUM.digest());
    digest.extend(header.as_bytes().iter().copied().skip(CHECKED_FROM));
    write_body(source, &mut digest);
    header.checksum = digest.0.finalize();
    sink.extend(header.as_bytes().iter().copied());
    write_body(source, sink);
    Ok(())
}

fn count<T>(table: &[T]) -> Result<u16, EncodeError> {
    table.len().try_into().map_err(|_| EncodeError::TooMany)
}

fn write_body(source: &Source<'_>, sink: &mut impl Extend<u8>) {
    write_tables(source, sink);
    let mut constants = ConstantWriter::new(sink);
    write_ports(source, &mut Nothing, &mut constants);
    source.ops.iter().for_each(|op| op.encode(&mut Nothing, &mut constants));
}

fn write_tables(source: &Source<'_>, sink: &mut impl Extend<u8>) {
    let mut nothing = Nothing;
    let mut constants = ConstantWriter::new(&mut nothing);
    source.tensors.iter().for_each(|tensor| put(sink, TensorRecord::encode(tensor).as_bytes()));
    write_ports(source, sink, &mut constants);
    source.ops.iter().for_each(|op| op.encode(sink, &mut constants));
}

/// Writes the tables of inputs, states and outputs; the place of the model's name, which is written first of all constants.
fn write_ports<S: Extend<u8>>(
    source: &Source<'_>,
    records: &mut impl Extend<u8>,
    constants: &mut ConstantWriter<'_, S>,
) -> ConstRef {
    let name = constants.put(source.model.name.as_bytes());
    source.inputs.iter().for_each(|input| put(records, InputRecord::encode(input, constants).as_bytes()));
    source.states.iter().for_each(|state| put(records, StateRecord::encode(state).as_bytes()));
    source.outputs.iter().for_each(|output| put(records, OutputRecord::encode(output, constants).as_bytes()));
    name
}

fn put(sink: &mut impl Extend<u8>, bytes: &[u8]) {
    sink.extend(bytes.iter().copied());
}

/// Drops what it is given.
struct Nothing;

impl Extend<u8> for Nothing {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, _: I) {}
}

/// Counts what it is given.
#[derive(Default)]
struct Length(u64);

impl Length {
    fn in_32_bits(&self) -> Result<u32, EncodeError> {
        self.0.try_into().map_err(|_| EncodeError::TooLarge)
    }
}

impl Extend<u8> for Length {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        self.0 = self.0.saturating_add(bytes.into_iter().count() as u64);
    }
}

/// Checksums what it is given.
struct Checksum<'a>(crc::Digest<'a, u32>);

impl Extend<u8> for Checksum<'_> {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        bytes.into_iter().for_each(|byte| self.0.update(&[byte]));
    }
}
