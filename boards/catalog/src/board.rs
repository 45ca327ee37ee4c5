//! Boards: every folder of `boards` whose manifest has a table `[package.metadata.board]`. Adding one touches its folder alone.

use serde::Deserialize;

use crate::{CountError, Memory, MemoryError, Sources, instructions};

/// Written by the build script: for each board its name, its manifest and its `memory.x`.
const BOARDS: &[(&str, &str, Option<&str>)] = include!(concat!(env!("OUT_DIR"), "/boards.rs"));

/// A board, as the manifest of its folder describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// Name of the folder and of the package.
    pub name: String,
    /// The facts.
    pub facts: Facts,
    /// The linker script with its memory, if its folder has one.
    pub memory_script: Option<&'static str>,
}

/// The table `[package.metadata.board]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Facts {
    /// What it is, for people.
    pub about: String,
    /// Rust's name of the processor.
    pub target: String,
    /// The core, as the compiler's `target-cpu`, where it has instructions that not every processor of that name has.
    #[serde(default)]
    pub cpu: Option<String>,
    /// QEMU's program and the options that make it this board; empty for a board that no emulator has.
    #[serde(default)]
    pub emulator: Vec<String>,
    /// Ticks a second of the timer that its firmware counts with, where it is emulated.
    #[serde(default)]
    pub timer_hz: u32,
    /// Bytes of flash and RAM, where no `memory.x` says so: a crate of others has the memory map then.
    #[serde(default)]
    pub memory_bytes: Option<[u64; 2]>,
    /// The chip, as `probe-rs` calls it, where that is what writes its flash.
    #[serde(default)]
    pub chip: Option<String>,
    /// Bytes that the firmware `generic` has for a program, an arena and the inputs of one sample; zeros without it.
    #[serde(default)]
    pub generic_bytes: [u64; 3],
}

/// What of a manifest is read here.
#[derive(Deserialize)]
struct Manifest {
    package: Option<Package>,
}

#[derive(Deserialize)]
struct Package {
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    board: Option<Facts>,
}

/// Why a board is not known.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// Its manifest's table is not one.
    #[error("boards/{name}/Cargo.toml: {problem}")]
    Manifest {
        /// The board.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// There is no such board.
    #[error("no board is called {name}; there are {}", known.join(", "))]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The names of all boards.
        known: Vec<String>,
    },
}

impl Board {
    /// All boards, in the order of their names.
    ///
    /// # Errors
    /// [`BoardError::Manifest`] names the board whose manifest is wrong.
    pub fn all() -> Result<Vec<Self>, BoardError> {
        let board = |(name, manifest, memory): &(&str, &str, Option<&'static str>)| {
            let wrong = |problem: String| BoardError::Manifest { name: (*name).to_owned(), problem };
            let manifest: Manifest = toml::from_str(manifest).map_err(|error| wrong(error.to_string()))?;
            let facts =
                manifest.package.and_then(|package| package.metadata).and_then(|metadata| metadata.board);
            let facts = facts.ok_or_else(|| wrong("no table [package.metadata.board]".to_owned()))?;
            Ok(Self { name: (*name).to_owned(), facts, memory_script: *memory })
        };
        let mut boards = BOARDS.iter().map(board).collect::<Result<Vec<_>, _>>()?;
        boards.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(boards)
    }

    /// The board called `name`.
    ///
    /// # Errors
    /// [`BoardError`] if there is none, or a manifest is wrong.
    pub fn named(name: &str) -> Result<Self, BoardError> {
        let mut boards = Self::all()?;
        match boards.iter().position(|board| board.name == name) {
            Some(index) => Ok(boards.swap_remove(index)),
            None => Err(BoardError::Unknown {
                name: name.to_owned(),
                known: boards.into_iter().map(|board| board.name).collect(),
            }),
        }
    }

    /// Bytes of its memory.
    ///
    /// # Errors
    /// [`MemoryError`] if its folder has no linker script that says so.
    pub fn memory(&self) -> Result<Memory, MemoryError> {
        match self.memory_script {
            Some(text) => Memory::parse(text),
            None => match self.facts.memory_bytes {
                Some([flash, ram_bytes]) => Ok(Memory { flash_bytes: Some(flash), ram_bytes }),
                None => Err(MemoryError { problem: "no memory.x".to_owned() }),
            },
        }
    }

    /// Whether the sources have a binary of this name for it.
    pub fn has_binary(&self, binary: &str) -> bool {
        Sources::embedded().text(&format!("boards/{}/src/bin/{binary}.rs", self.name)).is_some()
    }

    /// Whether an emulator has it.
    pub fn is_emulated(&self) -> bool {
        !self.facts.emulator.is_empty()
    }

    /// The instructions executed from one read of the board's timer to the next, the later read included, given the
    /// difference of the two.
    ///
    /// # Errors
    /// [`CountError`] if no number of instructions gives this difference: the timer follows another clock.
    pub fn instructions_between(&self, ticks: u32) -> Result<u64, CountError> {
        instructions::between(ticks, self.facts.timer_hz)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boards_are_found_by_name() {
        let board = Board::named("mps2-an386").unwrap();
        assert_eq!((board.facts.target.as_str(), board.is_emulated()), ("thumbv7em-none-eabihf", true));
        let error = Board::named("abacus").unwrap_err().to_string();
        assert!(error.contains("abacus") && error.contains("mps2-an386"), "{error}");
    }

    #[test]
    fn the_memory_of_boards_is_known() {
        // Of boards that are not emulated crates of others may have it.
        for board in
            Board::all().unwrap().iter().filter(|board| board.is_emulated() || board.memory_script.is_some())
        {
            let memory = board.memory().unwrap();
            assert!(memory.ram_bytes >= 4 << 10, "{}: {memory:?}", board.name);
        }
        let memory = Board::named("microbit").unwrap().memory().unwrap();
        assert_eq!(memory, Memory { flash_bytes: Some(256 << 10), ram_bytes: 16 << 10 });
    }

    #[test]
    fn counts_of_every_emulated_board_are_exact() {
        for board in Board::all().unwrap().into_iter().filter(Board::is_emulated) {
            assert!(instructions::is_exact(board.facts.timer_hz), "{}", board.name);
        }
    }
}
