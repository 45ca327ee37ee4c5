//! Running a program on the firmware `generic`: program, input and output travel as files through
//! semihosting, so one image serves every program and one start of QEMU every sample.

use std::{fs, io};

use exactum_boards::{Board, CountError, Image};

use crate::{Emulator, EmulatorError, emulator::Lines};

/// Whether a run counts instructions. Counting runs each sample twice: once whole, once op by op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// Outputs only.
    Off,
    /// Outputs and instructions.
    On,
}

/// What a program gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The output elements of every sample, one sample after the other, little endian.
    pub output: Vec<u8>,
    /// What each sample took; empty if it was not counted.
    pub counts: Vec<Counts>,
}

/// What one inference took. Instructions are no cycles: docs/boards.md says what that means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Instructions of the whole of `Engine::run`, without an observer.
    pub inference: u64,
    /// Bytes of stack that `Engine::run` took.
    pub stack_bytes: u32,
    /// Instructions of each op of the program, in order, from the end of the observer's `before` to the start of its `after`.
    pub ops: Vec<u64>,
}

/// Why a program gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The firmware came to no end of its own.
    #[error(transparent)]
    Emulator(#[from] EmulatorError),
    /// The firmware refused the program or the input, or panicked.
    #[error("the firmware ended with code {code}{}", Lines(log))]
    Refused {
        /// Its exit code, listed in `boards/common/src/failure.rs`.
        code: i32,
        /// Its log, which gives the reason.
        log: Vec<String>,
    },
    /// Files could not be passed.
    #[error("passing files to the firmware: {0}")]
    Files(#[from] io::Error),
    /// The timer did not follow the instructions.
    #[error(transparent)]
    Count(#[from] CountError),
    /// The firmware wrote no whole table of counts.
    #[error("the firmware wrote {found_bytes} bytes of counts, no whole number of samples")]
    CountTable {
        /// Length of the table.
        found_bytes: usize,
    },
}

impl Emulator {
    /// Runs `program` on every sample of `input`, on `image`, which is the built firmware `generic`.
    ///
    /// `input` holds the codes of all inputs of a sample, in the order of the program's inputs and in their
    /// element types, little endian; sample follows sample.
    ///
    /// # Errors
    /// [`RunError::Refused`] with the firmware's log if the program or the length of the input is not valid.
    pub fn run_program(
        &self,
        image: &Image,
        program: &[u8],
        input: &[u8],
        counting: Counting,
    ) -> Result<Run, RunError> {
        let folder = tempfile::tempdir()?;
        let (output_path, counts_path) = (folder.path().join("output"), folder.path().join("counts"));
        fs::write(folder.path().join("program"), program)?;
        fs::write(folder.path().join("input"), input)?;
        let arguments: &[&str] = match counting {
            Counting::Off => &["program", "input", "output"],
            Counting::On => &["program", "input", "output", "counts"],
        };
        let finished = self.start(image, arguments, folder.path())?;
        if finished.code != 0 {
            return Err(RunError::Refused { code: finished.code, log: finished.log });
        }
        let counts = match counting {
            Counting::Off => Vec::new(),
            Counting::On => count_table(&fs::read(counts_path)?, self.board())?,
        };
        Ok(Run { output: fs::read(output_path)?, counts })
    }
}

/// Reads the table that the firmware writes: words of 32 bits, little endian. First the number of ops and the
/// ticks of a pair of observer calls around nothing; then for each sample the ticks of the inference, its bytes of
/// stack, and the ticks of each op.
fn count_table(bytes: &[u8], board: &Board) -> Result<Vec<Counts>, RunError> {
    let not_whole = || RunError::CountTable { found_bytes: bytes.len() };
    let (words, []) = bytes.as_chunks::<4>() else { return Err(not_whole()) };
    let words: Vec<u32> = words.iter().map(|word| u32::from_le_bytes(*word)).collect();
    let [ops, empty_pair, samples @ ..] = words.as_slice() else { return Err(not_whole()) };
    let sample_words = usize::try_from(*ops).ok().and_then(|ops| ops.checked_add(2)).ok_or_else(not_whole)?;
    if samples.len() % sample_words != 0 {
        return Err(not_whole());
    }
    let empty_pair = board.instructions_between(*empty_pair)?;
    samples
        .chunks_exact(sample_words)
        .map(|sample| {
            let [inference, stack_bytes, ops @ ..] = sample else { return Err(not_whole()) };
            // The later of two reads is an instruction, too.
            let inference = board.instructions_between(*inference)?.saturating_sub(1);
            let op = |ticks: &u32| Ok(board.instructions_between(*ticks)?.saturating_sub(empty_pair));
            let ops = ops.iter().map(op).collect::<Result<_, CountError>>()?;
            Ok(Counts { inference, stack_bytes: *stack_bytes, ops })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board() -> Board {
        Board::named("mps2-an386").unwrap()
    }

    /// 16 ticks are 5 instructions.
    fn table(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn counts_are_freed_of_what_measuring_adds() {
        let read = count_table(&table(&[2, 16, 160, 700, 32, 48, 320, 704, 64, 80]), &board()).unwrap();
        let first = Counts { inference: 49, stack_bytes: 700, ops: vec![5, 10] };
        let second = Counts { inference: 99, stack_bytes: 704, ops: vec![15, 20] };
        assert_eq!(read, [first, second]);
    }

    #[test]
    fn damaged_tables_are_refused() {
        for words in [&[][..], &[2], &[2, 16, 160], &[2, 16, 160, 32], &[u32::MAX, 16, 16]] {
            assert!(
                matches!(count_table(&table(words), &board()), Err(RunError::CountTable { .. })),
                "{words:?}"
            );
        }
        assert!(matches!(count_table(&[0; 7], &board()), Err(RunError::CountTable { found_bytes: 7 })));
        assert!(matches!(
            count_table(&table(&[1, 2, 16, 100, 16]), &board()),
            Err(RunError::Count(CountError { ticks: 2, .. }))
        ));
    }
}
