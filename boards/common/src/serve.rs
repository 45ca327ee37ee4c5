//! Serves any program over a serial port: what `exactum validate` speaks with. One image for every model, as `generic` is
//! through semihosting.
//!
//! ```text
//! bytes   field
//! 2       0xec 0xa5
//! 1       kind: of a request, or of a reply, which has the request's with 0x80 added; 0xff if it is refused
//! 1       number, which a reply repeats
//! 2       length of the payload in bytes, at most 512
//! length  payload
//! 4       CRC-32 (ISO-HDLC) of everything from the kind to the end of the payload
//! ```
//!
//! Numbers are little endian. Every request can be sent again: a run that has been done is not done twice. A host that gets no
//! reply sends as many zeros as a frame has at most, which end any frame that was begun, and asks again.

use crc::{CRC_32_ISO_HDLC, Crc, NoTable};
use embedded_io::{Read, Write};
use exactum_runtime::{Engine, Program};

use crate::generic::{Memory, input_bytes};

/// Longest payload.
pub const MOST_BYTES: usize = 512;
/// Bytes of a frame before its payload.
const HEADER_BYTES: usize = 6;
const SYNC: [u8; 2] = [0xec, 0xa5];
const REFUSED: u8 = 0xff;
/// The version of this protocol.
const VERSION: u8 = 1;
/// Serial ports are slow: a table would cost more flash than it saves time.
const CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

/// Requests.
mod kind {
    /// Nothing; gives the version, and bytes for a program, an arena and a sample.
    pub(super) const ABOUT: u8 = 1;
    /// An offset and bytes of the program; ends the program that was loaded.
    pub(super) const PROGRAM: u8 = 2;
    /// The length of the program, to be loaded; gives bytes of the outputs.
    pub(super) const LOAD: u8 = 3;
    /// An offset and bytes of the sample.
    pub(super) const INPUT: u8 = 4;
    /// The number of the run, from 1 since loading.
    pub(super) const RUN: u8 = 5;
    /// An offset and a length; gives bytes of the outputs.
    pub(super) const OUTPUT: u8 = 6;
}

/// Why a request is refused, the first byte of the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Refusal {
    /// The frame was damaged.
    Damaged = 1,
    /// There is no such request, or its payload is no such one.
    Request = 2,
    /// More than there is room for.
    Capacity = 3,
    /// `Program::load` refused; its code follows.
    Load = 4,
    /// An input code is outside its range.
    Code = 5,
    /// Nothing is loaded, or the number is not that of the next run.
    Order = 6,
}

/// A frame that came whole.
struct Frame<'b> {
    kind: u8,
    number: u8,
    payload: &'b [u8],
}

/// Serves requests for ever.
pub fn serve(serial: &mut (impl Read + Write), memory: Memory<'_>) -> ! {
    let Memory { program, arena, sample } = memory;
    let mut buffer = [0; MOST_BYTES];
    let room = [program.len(), arena.len(), sample.len()].map(|bytes| bytes as u32);
    loop {
        let Some(Frame { kind, number, payload }) = receive(serial, &mut buffer) else { continue };
        match kind {
            kind::PROGRAM => match place(program, payload) {
                Some(()) => reply(serial, kind, number, &[]),
                None => refuse(serial, number, Refusal::Capacity, 0),
            },
            kind::LOAD => {
                let image = word(payload, 0).and_then(|length| program.get(..length as usize));
                let Some(image) = image else {
                    refuse(serial, number, Refusal::Capacity, 0);
                    continue;
                };
                let loaded = Program::load(image).map_err(|error| error.code());
                let engine = loaded
                    .as_ref()
                    .map_err(|code| *code)
                    .and_then(|program| Engine::new(program, arena).map_err(|error| error.code()));
                match engine {
                    Ok(mut engine) => run(serial, &mut engine, sample, number, &mut buffer, room),
                    Err(code) => refuse(serial, number, Refusal::Load, code.into()),
                }
            }
            kind::ABOUT => about(serial, number, room),
            kind::INPUT | kind::RUN | kind::OUTPUT => refuse(serial, number, Refusal::Order, 0),
            _ => refuse(serial, number, Refusal::Request, 0),
        }
    }
}

/// Serves requests to the loaded program, until another one is sent. `loading` is the number of the request that loaded it.
fn run(
    serial: &mut (impl Read + Write),
    engine: &mut Engine<'_, '_>,
    sample: &mut [u8],
    loading: u8,
    buffer: &mut [u8; MOST_BYTES],
    room: [u32; 3],
) {
    let output_bytes: usize = (0..engine.program().outputs().len())
        .filter_map(|index| engine.output(index))
        .map(|codes| codes.as_bytes().len())
        .sum();
    let Ok(sample_bytes) = input_bytes(engine) else { return refuse(serial, loading, Refusal::Request, 0) };
    let Some(sample) = sample.get_mut(..sample_bytes) else {
        return refuse(serial, loading, Refusal::Capacity, 0);
    };
    reply(serial, kind::LOAD, loading, &(output_bytes as u32).to_le_bytes());
    let mut runs: u32 = 0;
    loop {
        let Some(Frame { kind, number, payload }) = receive(serial, buffer) else { continue };
        match kind {
            kind::ABOUT => about(serial, number, room),
            kind::LOAD => reply(serial, kind, number, &(output_bytes as u32).to_le_bytes()),
            // Acknowledged without its bytes: the host begins a program by asking twice for its first ones.
            kind::PROGRAM => return refuse(serial, number, Refusal::Order, 0),
            kind::INPUT => match place(sample, payload) {
                Some(()) => reply(serial, kind, number, &[]),
                None => refuse(serial, number, Refusal::Capacity, 0),
            },
            kind::RUN => match word(payload, 0) {
                Some(wanted) if wanted == runs && runs > 0 => reply(serial, kind, number, &[]),
                Some(wanted) if wanted == runs.wrapping_add(1) => {
                    if crate::generic::fill_inputs(engine, sample).is_err() {
                        refuse(serial, number, Refusal::Code, 0);
                        continue;
                    }
                    engine.run();
                    runs = wanted;
                    reply(serial, kind, number, &[]);
                }
                _ => refuse(serial, number, Refusal::Order, 0),
            },
            kind::OUTPUT => match (word(payload, 0), word(payload, 4)) {
                (Some(offset), Some(length)) if length as usize <= MOST_BYTES => {
                    let mut bytes = [0; MOST_BYTES];
                    let Some(part) = bytes.get_mut(..length as usize) else { continue };
                    match outputs(engine, offset as usize, part) {
                        Some(()) => reply(serial, kind, number, part),
                        None => refuse(serial, number, Refusal::Capacity, 0),
                    }
                }
                _ => refuse(serial, number, Refusal::Request, 0),
            },
            _ => refuse(serial, number, Refusal::Request, 0),
        }
    }
}

/// Copies the bytes of all outputs from `offset` on.
fn outputs(engine: &Engine<'_, '_>, offset: usize, part: &mut [u8]) -> Option<()> {
    let mut all = (0..engine.program().outputs().len())
        .filter_map(|index| engine.output(index))
        .flat_map(|codes| codes.as_bytes().iter().copied())
        .skip(offset);
    for byte in part {
        *byte = all.next()?;
    }
    Some(())
}

fn about(serial: &mut (impl Read + Write), number: u8, room: [u32; 3]) {
    let mut bytes = [VERSION; 13];
    for (to, from) in bytes.iter_mut().skip(1).zip(room.iter().flat_map(|bytes| bytes.to_le_bytes())) {
        *to = from;
    }
    reply(serial, kind::ABOUT, number, &bytes);
}

/// Puts the bytes behind an offset into `memory`.
fn place(memory: &mut [u8], payload: &[u8]) -> Option<()> {
    let offset = word(payload, 0)? as usize;
    let bytes = payload.get(4..)?;
    memory.get_mut(offset..)?.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(())
}

fn word(payload: &[u8], at: usize) -> Option<u32> {
    payload.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

/// The next frame; `None`, and the host is told, if it was damaged.
fn receive<'b>(serial: &mut (impl Read + Write), buffer: &'b mut [u8; MOST_BYTES]) -> Option<Frame<'b>> {
    let mut before = 0;
    loop {
        let byte = read(serial);
        if [before, byte] == SYNC {
            break;
        }
        before = byte;
    }
    let header: [u8; HEADER_BYTES - 2] = core::array::from_fn(|_| read(serial));
    let [kind, number, low, high] = header;
    let payload = buffer.get_mut(..usize::from(u16::from_le_bytes([low, high])));
    let Some(payload) = payload else {
        refuse(serial, number, Refusal::Damaged, 0);
        return None;
    };
    for byte in &mut *payload {
        *byte = read(serial);
    }
    let told: [u8; 4] = core::array::from_fn(|_| read(serial));
    if checksum(&header, payload) != u32::from_le_bytes(told) {
        refuse(serial, number, Refusal::Damaged, 0);
        return None;
    }
    Some(Frame { kind, number, payload })
}

fn refuse(serial: &mut (impl Read + Write), number: u8, refusal: Refusal, code: u32) {
    let [a, b, c, d] = code.to_le_bytes();
    send(serial, REFUSED, number, &[refusal as u8, a, b, c, d]);
}

fn reply(serial: &mut (impl Read + Write), kind: u8, number: u8, payload: &[u8]) {
    send(serial, kind | 0x80, number, payload);
}

fn send(serial: &mut (impl Read + Write), kind: u8, number: u8, payload: &[u8]) {
    let [low, high] = (payload.len() as u16).to_le_bytes();
    let header = [kind, number, low, high];
    let crc = checksum(&header, payload).to_le_bytes();
    // The host asks again for what does not arrive.
    for part in [&SYNC, &header[..], payload, &crc] {
        let _ = serial.write_all(part);
    }
    let _ = serial.flush();
}

/// The next byte, however long it takes.
fn read(serial: &mut impl Read) -> u8 {
    let mut byte = [0];
    while !matches!(serial.read(&mut byte), Ok(1)) {}
    byte[0]
}

fn checksum(header: &[u8], payload: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(header);
    digest.update(payload);
    digest.finalize()
}

/// The binary `serve` of a board: its memory as statics, of these sizes in bytes, and its serial port.
#[macro_export]
macro_rules! serve {
    (program: $program:expr, arena: $arena:expr, sample: $sample:expr, serial: $serial:expr $(,)?) => {{
        use $crate::failure::{Failure, exit};
        use $crate::generic::Memory;
        use $crate::{Arena, ConstStaticCell};

        static PROGRAM: ConstStaticCell<Arena<{ $program }>> = ConstStaticCell::new(Arena::new());
        static ARENA: ConstStaticCell<Arena<{ $arena }>> = ConstStaticCell::new(Arena::new());
        static SAMPLE: ConstStaticCell<Arena<{ $sample }>> = ConstStaticCell::new(Arena::new());
        match (PROGRAM.try_take(), ARENA.try_take(), SAMPLE.try_take()) {
            (Some(program), Some(arena), Some(sample)) => {
                let memory = Memory {
                    program: program.as_mut_slice(),
                    arena: arena.as_mut_slice(),
                    sample: sample.as_mut_slice(),
                };
                $crate::serve::serve(&mut $serial, memory)
            }
            _ => exit(Err(Failure::Capacity)),
        }
    }};
}
