//! The `.exa` container: a compiled program with its interface, origins, certificates and memory plan.
//!
//! `proto/exa.proto` is its schema and says how versions are told apart. `exactum build` writes it; `run`, `inspect`
//! and `size` read it and believe nothing in it that can be checked.

mod check;
mod curve;
mod describe;
mod steps;
#[rustfmt::skip]
pub mod wire;

use exactum_runtime::Program;
use exactum_runtime::program::words_as_bytes;
use prost::Message;
use sha2::{Digest, Sha256};

use crate::Compiled;
use crate::diagnostic::{Code, Diagnostic, Location, Result};
use crate::interface::Interface;
use crate::lower::aligned;
use crate::passes::Steps;

/// First field of every container: its bytes are `EXACTUM\n`.
const MAGIC: u64 = u64::from_le_bytes(*b"EXACTUM\n");

/// Protobuf's key of field 1 as eight fixed bytes, which comes before the magic.
const MAGIC_KEY: u8 = 0x09;

/// Version of the schema that is written and read.
pub const VERSION: u32 = 3;

/// A compiled program and what is known about it, all of it checked against the program.
#[derive(Clone, Debug, PartialEq)]
pub struct Container {
    contents: wire::Contents,
    /// The image's bytes, aligned as the runtime needs them.
    image: Vec<u64>,
    interface: Interface,
    steps: Option<Steps>,
}

impl Container {
    /// The container of `compiled`, which was made from `model`, which was read from `file`.
    ///
    /// # Panics
    /// If the program is refused or contradicts the description: faults of the compiler.
    pub fn new(compiled: &Compiled, model: &exactum_qonnx::Model, file: &[u8]) -> Self {
        Self::of_source(compiled, model, Sha256::digest(file).into())
    }

    /// The container of `compiled`, which was made from `model`, whose files have the SHA-256 `sha256`.
    ///
    /// # Panics
    /// If the program is refused or contradicts the description: faults of the compiler.
    pub fn of_source(compiled: &Compiled, model: &exactum_qonnx::Model, sha256: [u8; 32]) -> Self {
        Self::checked(describe::contents(compiled, model, &sha256))
            .unwrap_or_else(|report| panic!("please report this with the model:\n{report}"))
    }

    /// Whether `bytes` start as a container does. Says nothing about the rest.
    pub fn is_container(bytes: &[u8]) -> bool {
        matches!(bytes, [MAGIC_KEY, rest @ ..] if rest.starts_with(&MAGIC.to_le_bytes()))
    }

    /// Reads and checks the container in `bytes`.
    ///
    /// # Errors
    /// [`Code::BadContainer`] if the bytes are not a complete, unchanged container that fits its program,
    /// [`Code::BadProgram`] if the program is refused by the runtime.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        if !Self::is_container(bytes) {
            return Err(
                malformed(Location::default(), "other bytes", "a file that exactum build wrote").into()
            );
        }
        let frame = wire::Exa::decode(bytes).map_err(|error| truncated(&error))?;
        if frame.version != VERSION {
            let found = format!("version {}", frame.version);
            let needed = format!("version {VERSION}: build the model again");
            return Err(malformed(Location::default(), found, needed).into());
        }
        let unchanged = Sha256::digest(&frame.contents).as_slice() == frame.contents_sha256;
        if !unchanged || frame.encoded_len() != bytes.len() {
            let found = "contents that differ from their digest";
            return Err(malformed(Location::default(), found, "an unchanged file").into());
        }
        let contents =
            wire::Contents::decode(frame.contents.as_slice()).map_err(|error| truncated(&error))?;
        Self::checked(contents)
    }

    /// The bytes of the file. Equal containers give equal bytes.
    pub fn write(&self) -> Vec<u8> {
        let contents = self.contents.encode_to_vec();
        let contents_sha256 = Sha256::digest(&contents).to_vec();
        wire::Exa { magic: MAGIC, version: VERSION, contents_sha256, contents }.encode_to_vec()
    }

    /// The program.
    ///
    /// # Panics
    /// Never: the image was loaded when the container was made.
    pub fn program(&self) -> Program<'_> {
        load(&self.image, self.contents.image.len()).expect("the image was loaded before")
    }

    /// The flash image.
    pub fn image(&self) -> &[u8] {
        &self.contents.image
    }

    /// Names, shapes and meaning of inputs and outputs.
    pub const fn interface(&self) -> &Interface {
        &self.interface
    }

    /// How runs follow each other, if the program is that of a step of a signal.
    pub const fn steps(&self) -> Option<&Steps> {
        self.steps.as_ref()
    }

    /// Everything as it is in the file.
    pub const fn contents(&self) -> &wire::Contents {
        &self.contents
    }

    fn checked(contents: wire::Contents) -> Result<Self> {
        let image = aligned(&contents.image);
        let program = load(&image, contents.image.len()).map_err(|error| {
            Diagnostic::new(
                Code::BadProgram,
                Location::part("image"),
                error.to_string(),
                "a program as it was built",
            )
        })?;
        let interface = check::interface(&contents, &program)?;
        let steps = contents.steps.as_ref().map(|message| steps::checked(message, &interface)).transpose()?;
        Ok(Self { interface, steps, contents, image })
    }
}

/// Loads the first `length` bytes of `image`.
fn load(image: &[u64], length: usize) -> Result<Program<'_>, exactum_runtime::LoadError> {
    Program::load(&words_as_bytes(image)[..length])
}

fn truncated(error: &prost::DecodeError) -> Diagnostic {
    malformed(Location::default(), error.to_string(), "a complete file")
}

fn malformed(at: Location, found: impl Into<String>, needed: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::BadContainer, at, found, needed)
}
