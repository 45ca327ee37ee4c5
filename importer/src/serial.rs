//! Programs on a device behind a serial port: the host's side of the protocol of the firmware `serve`, whose documentation in
//! `boards/common/src/serve.rs` has the frames. Used by `exactum validate`.

mod frame;
mod port;

use std::io;
use std::time::{Duration, Instant};

pub use frame::{MOST_BYTES, Reader, encode};
pub use port::Port;

/// The version of the protocol.
const VERSION: u8 = 1;
/// How often a request is sent before the device counts as gone.
const ATTEMPTS: u32 = 6;
/// What is added to the kind of a request by its reply.
const REPLY: u8 = 0x80;
const REFUSED: u8 = 0xff;
/// The reason of a refusal that is worth asking again: the frame came damaged.
const DAMAGED: u8 = 1;
/// The device was serving another program, or another order.
const ORDER: u8 = 6;

/// Kinds of requests.
mod kind {
    pub(super) const ABOUT: u8 = 1;
    pub(super) const PROGRAM: u8 = 2;
    pub(super) const LOAD: u8 = 3;
    pub(super) const INPUT: u8 = 4;
    pub(super) const RUN: u8 = 5;
    pub(super) const OUTPUT: u8 = 6;
}

/// Bytes to and from a device.
pub trait Link {
    /// Sends all of `bytes`.
    ///
    /// # Errors
    /// What the system says.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Receives some bytes; none if there are none for a moment, a tenth of a second or so.
    ///
    /// # Errors
    /// What the system says.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
}

/// Why a device did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum SerialError {
    /// The port failed.
    #[error("{0}")]
    Port(#[from] io::Error),
    /// No reply came, however often it was asked.
    #[error("no reply, asked {ATTEMPTS} times")]
    Silent,
    /// The firmware speaks another version.
    #[error("a firmware that speaks version {0} of the protocol, this is version {VERSION}")]
    Version(u8),
    /// The device refused.
    #[error("a refusal: {}{}", reason(*.refusal), if *.code == 0 { String::new() } else { format!(" (code {code})") })]
    Refused {
        /// The reason, as the firmware numbers them.
        refusal: u8,
        /// The runtime's code, where loading was refused.
        code: u32,
    },
}

fn reason(refusal: u8) -> &'static str {
    match refusal {
        1 => "frames that come damaged",
        2 => "an unknown request",
        3 => "more than the firmware has room for",
        4 => "a program that does not load",
        5 => "an input code outside its range",
        6 => "nothing loaded, or a run out of order",
        _ => "a reason this version does not know",
    }
}

/// What a firmware has room for, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// A program.
    pub program: u32,
    /// Working memory.
    pub arena: u32,
    /// The inputs of a sample.
    pub sample: u32,
}

/// A device.
#[derive(Debug)]
pub struct Device<L> {
    link: L,
    reader: Reader,
    number: u8,
    /// How long one reply is waited for.
    patience: Duration,
    runs: u32,
    output_bytes: u32,
    /// Requests that were sent again.
    repeated: u32,
}

impl<L: Link> Device<L> {
    /// A device behind `link`, of which every reply is waited for as long as `patience`.
    pub const fn new(link: L, patience: Duration) -> Self {
        Self { link, reader: Reader::new(), number: 0, patience, runs: 0, output_bytes: 0, repeated: 0 }
    }

    /// How many requests were sent again, because they or their replies were lost or damaged.
    pub const fn repeated(&self) -> u32 {
        self.repeated
    }

    /// What the firmware has room for.
    ///
    /// # Errors
    /// [`SerialError`] if no such firmware answers.
    pub fn room(&mut self) -> Result<Room, SerialError> {
        let reply = self.request(kind::ABOUT, &[])?;
        let word = |at: usize| {
            reply.get(at..).and_then(|rest| rest.first_chunk()).map(|word| u32::from_le_bytes(*word))
        };
        match (reply.first(), word(1), word(5), word(9)) {
            (Some(&VERSION), Some(program), Some(arena), Some(sample)) => Ok(Room { program, arena, sample }),
            (version, ..) => Err(SerialError::Version(version.copied().unwrap_or(0))),
        }
    }

    /// Sends and loads a program.
    ///
    /// # Errors
    /// [`SerialError::Refused`] if the firmware does not take it.
    pub fn load(&mut self, program: &[u8]) -> Result<(), SerialError> {
        for (index, part) in program.chunks(MOST_BYTES - 4).enumerate() {
            let payload = [&offset(index)[..], part].concat();
            match self.request(kind::PROGRAM, &payload) {
                // The first part ends the program that was loaded before.
                Err(SerialError::Refused { refusal: ORDER, .. }) => self.request(kind::PROGRAM, &payload)?,
                reply => reply?,
            };
        }
        let length = u32::try_from(program.len()).unwrap_or(u32::MAX);
        let reply = self.request(kind::LOAD, &length.to_le_bytes())?;
        self.output_bytes = reply.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        self.runs = 0;
        Ok(())
    }

    /// Runs the program on the codes of a sample's inputs; the bytes of all outputs.
    ///
    /// # Errors
    /// [`SerialError::Refused`] if the codes are not inputs of the program.
    pub fn run(&mut self, sample: &[u8]) -> Result<Vec<u8>, SerialError> {
        for (index, part) in sample.chunks(MOST_BYTES - 4).enumerate() {
            self.request(kind::INPUT, &[&offset(index)[..], part].concat())?;
        }
        self.runs += 1;
        self.request(kind::RUN, &self.runs.to_le_bytes())?;
        let mut output: Vec<u8> = vec![];
        while output.len() < self.output_bytes as usize {
            let length = (self.output_bytes - output.len() as u32).min(MOST_BYTES as u32);
            let asked = [(output.len() as u32).to_le_bytes(), length.to_le_bytes()].concat();
            let part = self.request(kind::OUTPUT, &asked)?;
            if part.len() != length as usize {
                return Err(SerialError::Silent);
            }
            output.extend(part);
        }
        Ok(output)
    }

    /// Asks until there is a reply.
    fn request(&mut self, kind: u8, payload: &[u8]) -> Result<Vec<u8>, SerialError> {
        for attempt in 0..ATTEMPTS {
            self.number = self.number.wrapping_add(1);
            if attempt > 0 {
                self.repeated += 1;
                self.flush()?;
            }
            self.link.send(&encode(kind, self.number, payload))?;
            let end = Instant::now() + self.patience;
            while Instant::now() < end {
                let mut bytes = [0; 256];
                let count = self.link.receive(&mut bytes)?;
                self.reader.add(&bytes[..count]);
                let mut damaged = false;
                while let Some(frame) = self.reader.next() {
                    match frame {
                        Some(frame) if frame.number != self.number => {}
                        Some(frame) if frame.kind == kind | REPLY => return Ok(frame.payload),
                        Some(frame) if frame.kind == REFUSED => match frame.payload.split_first() {
                            Some((&DAMAGED, _)) => damaged = true,
                            Some((&refusal, code)) => {
                                let code = code.first_chunk().map_or(0, |code| u32::from_le_bytes(*code));
                                return Err(SerialError::Refused { refusal, code });
                            }
                            None => damaged = true,
                        },
                        _ => damaged = true,
                    }
                }
                if damaged {
                    break;
                }
            }
        }
        Err(SerialError::Silent)
    }

    /// Ends whatever frame the device has begun to read, and forgets what it sent.
    fn flush(&mut self) -> Result<(), SerialError> {
        self.link.send(&[0; MOST_BYTES + 12])?;
        let mut bytes = [0; 256];
        while self.link.receive(&mut bytes)? > 0 {}
        self.reader = Reader::new();
        Ok(())
    }
}

/// Where part `index` begins.
fn offset(index: usize) -> [u8; 4] {
    u32::try_from(index * (MOST_BYTES - 4)).unwrap_or(u32::MAX).to_le_bytes()
}
