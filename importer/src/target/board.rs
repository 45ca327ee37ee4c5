//! Boards as targets: what `--board` compiles for.
//!
//! A board's processor gives the instructions and, where it was measured, what things cost; its memory map says what a program
//! has to fit into, together with the code beside it.

use std::collections::BTreeMap;

use exactum_boards::{Board, Memory};
use serde::{Deserialize, Serialize};

use super::{COSTS, Facts, InstructionSet, Prefer, Target};
use crate::cost::CostTable;
use crate::diagnostic::{Code, Diagnostic, Location};

/// The measured code of firmware that does nothing but run a model, by Rust's name of the processor.
const CODE: &str = include_str!("../../targets/code/firmware.toml");

/// In which form a firmware holds a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// An image, beside loader, engine and all kernels.
    Image,
    /// Generated code, with the kernels of the model alone.
    Module,
}

/// Bytes beside a program.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CodeBytes {
    /// Code and constants of loader, engine and kernels.
    pub engine_bytes: u64,
    /// Code and constants of a generated module: the most of what was measured.
    pub module_bytes: u64,
    /// The deepest stack of the models that were run, where the processor has a board that runs them.
    pub stack_bytes: Option<u64>,
}

impl CodeBytes {
    /// Those of `form`.
    pub const fn of(&self, form: Form) -> u64 {
        match form {
            Form::Image => self.engine_bytes,
            Form::Module => self.module_bytes,
        }
    }
}

/// What of a board a program has to fit.
#[derive(Clone, Debug, PartialEq)]
pub struct OnBoard {
    /// How it holds the program.
    pub form: Form,
    /// Its memory.
    pub memory: Memory,
    /// What was measured for its processor.
    pub code: Option<CodeBytes>,
}

impl OnBoard {
    /// Bytes of code beside the program; 0 if they were not measured.
    pub fn code_bytes(&self) -> u64 {
        self.code.as_ref().map_or(0, |code| code.of(self.form))
    }

    /// What of a program's needs the board `name` does not have.
    pub(super) fn holds(&self, name: &str, flash: u64, ram: u64, stack: u64) -> Vec<Diagnostic> {
        let code = self.code_bytes();
        let lack = |what: &str, parts: &[(&str, u64)], has: u64| {
            let needs = parts.iter().fold(0_u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
            let found: Vec<String> =
                parts.iter().map(|(part, bytes)| format!("{part} of {bytes} bytes")).collect();
            let found = format!("{needs} bytes: {}", found.join(", "));
            let needed = format!("at most {has} bytes, what board `{name}` has");
            (needs > has).then(|| Diagnostic::new(Code::DoesNotFit, Location::part(what), found, needed))
        };
        let stored = [("a program", flash), ("code", code)];
        let working = [("working memory", ram), ("a stack", stack)];
        let Memory { flash_bytes, ram_bytes } = self.memory;
        let lacking = match flash_bytes {
            Some(has) => [lack("flash", &stored, has), lack("RAM", &working, ram_bytes)],
            None => [lack("RAM", &[stored, working].concat(), ram_bytes), None],
        };
        lacking.into_iter().flatten().collect()
    }
}

impl Target {
    /// `board`, for a program that its firmware holds in `form`.
    ///
    /// # Errors
    /// [`Code::UnknownBoard`] if its memory is not known.
    ///
    /// # Panics
    /// Never, as [`all`](Self::all).
    pub fn of_board(board: &Board, form: Form) -> Result<Self, Diagnostic> {
        let memory = board.memory().map_err(|error| {
            let at = Location::part(format!("board `{}`", board.name));
            Diagnostic::new(Code::UnknownBoard, at, error.problem, "a board whose memory is known")
        })?;
        let triple = board.facts.target.as_str();
        let mut measured: BTreeMap<String, CodeBytes> =
            toml::from_str(CODE).unwrap_or_else(|error| panic!("{error}\n{CODE}"));
        let on_board = OnBoard { form, memory, code: measured.remove(triple) };
        let (instruction_set, costs) = processor(triple, board.facts.cpu.is_some());
        let table = costs.and_then(|name| COSTS.iter().find(|(known, _)| *known == name));
        let table =
            table.map(|(_, text)| CostTable::parse(text).unwrap_or_else(|problem| panic!("{problem}")));
        let facts = Facts {
            name: board.name.clone(),
            about: board.facts.about.clone(),
            instruction_set,
            word_bits: 32,
            // Armv6-M has no such instruction.
            long_multiply: !triple.starts_with("thumbv6m"),
            flash_bytes: memory.flash_bytes.map(|has| has.saturating_sub(on_board.code_bytes())),
            ram_bytes: Some(memory.ram_bytes),
            reserved_bytes: 0,
            costs: costs.map(str::to_owned),
        };
        Ok(Self { facts, costs: table, board: Some(on_board), prefer: Prefer::default() })
    }

    /// The same processor with memory for anything.
    #[must_use]
    pub fn without_limits(mut self) -> Self {
        (self.facts.flash_bytes, self.facts.ram_bytes, self.board) = (None, None, None);
        self
    }
}

/// What kernels use on processors of `triple`, whose core is `named` where it has more than all of them, and the table of costs:
/// instructions are counted, and every core of an architecture executes the same ones.
fn processor(triple: &str, named: bool) -> (InstructionSet, Option<&'static str>) {
    let is = |prefix: &str| triple.starts_with(prefix);
    // Some cores of Armv8-M have the instructions of Armv7E-M.
    if is("thumbv7em") || named && is("thumbv8m.main") {
        (InstructionSet::CortexMDsp, Some("cortex-m4"))
    } else if is("thumbv6m") || is("thumbv8m.base") {
        (InstructionSet::CortexM0, Some("cortex-m0"))
    } else if is("thumbv7m") {
        (InstructionSet::Portable, Some("cortex-m3"))
    } else if is("riscv32im") {
        (InstructionSet::Portable, Some("riscv32"))
    } else {
        (InstructionSet::Portable, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first byte too many is told, of flash and of RAM, with the code that was measured; where RAM holds everything, of
    /// their sum.
    #[test]
    fn memory_is_used_to_the_last_byte() {
        let mut code_is_known = 0;
        for board in Board::all().unwrap() {
            for form in [Form::Image, Form::Module] {
                let Ok(target) = Target::of_board(&board, form) else {
                    assert!(board.memory().is_err(), "{}", board.name);
                    continue;
                };
                let own = target.board.as_ref().unwrap();
                let code = own.code_bytes();
                code_is_known += u32::from(code > 0);
                let ram = own.memory.ram_bytes;
                let Some(flash) = own.memory.flash_bytes else {
                    let program = ram - code - 30;
                    assert!(target.holds(program, 10, 20).is_empty());
                    for (program, ram, stack) in [(program + 1, 10, 20), (program, 11, 20), (program, 10, 21)]
                    {
                        assert_eq!(target.holds(program, ram, stack).len(), 1, "{}", board.name);
                    }
                    continue;
                };
                let flash = flash - code;
                assert!(target.holds(flash, ram - 20, 20).is_empty());
                assert_eq!(target.holds(flash + 1, ram - 20, 20).len(), 1, "{}", board.name);
                assert_eq!(target.holds(flash, ram - 20, 21).len(), 1, "{}", board.name);
                assert_eq!(target.holds(flash, ram - 19, 20).len(), 1, "{}", board.name);
                assert_eq!(target.holds(u64::MAX, u64::MAX, u64::MAX).len(), 2, "{}", board.name);
            }
        }
        assert!(code_is_known >= 18, "{code_is_known}");
    }

    /// Where a target of the repository is a board as well, both say the same of the processor.
    #[test]
    fn boards_and_targets_agree() {
        let board = Target::of_board(&Board::named("mps2-an386").unwrap(), Form::Image).unwrap();
        let target = Target::named("mps2-an386").unwrap();
        assert_eq!(board.costs, target.costs);
        let core = |target: &Target| {
            let Facts { instruction_set, word_bits, long_multiply, .. } = target.facts;
            (instruction_set, word_bits, long_multiply)
        };
        assert_eq!(core(&board), core(&target));
    }
}
