//! The machines that programs are built for: what the command line calls `--target`.
//!
//! A target is a file of facts, TOML; those in `targets` are part of the binary, and users write their own. What a target
//! decides (the form of a requantization, the packing of weights) is written on the graph, never looked up again.

mod board;

use exactum_runtime::Program;
use serde::{Deserialize, Serialize};

use crate::cost::CostTable;
use crate::diagnostic::{Code, Diagnostic, Location};

pub use board::{CodeBytes, Form, OnBoard};

/// A machine that runs programs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    /// Facts.
    #[serde(flatten)]
    pub facts: Facts,
    /// What things cost there, where that was measured.
    #[serde(skip)]
    pub costs: Option<CostTable>,
    /// The board that it is, where it is one.
    #[serde(skip)]
    pub board: Option<OnBoard>,
    /// What weights are packed for, where there is room for either.
    #[serde(skip)]
    pub prefer: Prefer,
}

/// What weights are packed for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Prefer {
    /// The fewest instructions.
    #[default]
    Speed,
    /// The fewest bytes of flash, and among these the fewest instructions.
    Flash,
}

/// What a target's file says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Facts {
    /// Name, as on the command line.
    pub name: String,
    /// What it is, in one line.
    pub about: String,
    /// Instructions that kernels may use.
    pub instruction_set: InstructionSet,
    /// Bits of a register.
    pub word_bits: u32,
    /// Whether one instruction multiplies two 32-bit integers to 64 bits.
    pub long_multiply: bool,
    /// Flash for the program's image, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flash_bytes: Option<u64>,
    /// RAM, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ram_bytes: Option<u64>,
    /// RAM that is not the program's: what the application and its interrupts take.
    #[serde(default)]
    pub reserved_bytes: u64,
    /// Name of the table of costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub costs: Option<String>,
}

/// Instructions that kernels may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstructionSet {
    /// What every machine has.
    Portable,
    /// Armv6-M: eight registers that all instructions reach, and products of 32 bits.
    CortexM0,
    /// Armv7E-M: products of pairs of 16-bit integers.
    CortexMDsp,
}

/// The targets of this repository: each a file of `targets`.
const TARGETS: [&str; 2] =
    [include_str!("../targets/portable.toml"), include_str!("../targets/mps2-an386.toml")];

/// The measured tables by name: each a file of `targets/costs`.
const COSTS: [(&str, &str); 4] = [
    ("cortex-m0", include_str!("../targets/costs/cortex-m0.toml")),
    ("cortex-m3", include_str!("../targets/costs/cortex-m3.toml")),
    ("cortex-m4", include_str!("../targets/costs/cortex-m4.toml")),
    ("riscv32", include_str!("../targets/costs/riscv32.toml")),
];

impl Target {
    /// All targets that are part of this program.
    ///
    /// # Panics
    /// Never: a test reads them all.
    pub fn all() -> Vec<Self> {
        TARGETS.iter().map(|text| Self::own(text)).collect()
    }

    /// The target of one of this repository's files.
    fn own(text: &str) -> Self {
        Self::parse(text).unwrap_or_else(|problem| panic!("{problem}\n{text}"))
    }

    /// The target of a program that may run anywhere.
    ///
    /// # Panics
    /// Never, as [`all`](Self::all).
    pub fn portable() -> Self {
        Self::own(TARGETS[0])
    }

    /// The target called `name` among [`all`](Self::all).
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|target| target.facts.name == name)
    }

    /// Reads a target's file.
    ///
    /// # Errors
    /// [`Code::BadTarget`] with the place and what is wrong there.
    pub fn parse(text: &str) -> Result<Self, Diagnostic> {
        let bad = |part: &str, found: String, needed: &str| {
            Diagnostic::new(Code::BadTarget, Location::part(part), found, needed)
        };
        let facts: Facts = toml::from_str(text).map_err(|error| {
            let line =
                error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            bad(
                &format!("line {line}"),
                error.message().to_owned(),
                "a target, as docs/targets.md describes it",
            )
        })?;
        if facts.name.is_empty() || facts.name.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(bad("name", format!("{:?}", facts.name), "a name without blanks"));
        }
        if ![8, 16, 32, 64].contains(&facts.word_bits) {
            return Err(bad("word-bits", facts.word_bits.to_string(), "8, 16, 32 or 64"));
        }
        let costs = facts.costs.as_ref().map(|wanted| {
            let Some((_, table)) = COSTS.iter().find(|(name, _)| name == wanted) else {
                let names: Vec<&str> = COSTS.iter().map(|(name, _)| *name).collect();
                return Err(bad("costs", wanted.clone(), &format!("one of {}", names.join(", "))));
            };
            CostTable::parse(table).map_err(|error| bad("costs", error, "a table that was measured"))
        });
        Ok(Self { costs: costs.transpose()?, facts, board: None, prefer: Prefer::default() })
    }

    /// Bytes of stack that a run of `program` takes here, if that was measured: of its kernels, or, on a board whose kernels were
    /// not, the most of the models that were run there.
    pub fn stack_bytes(&self, program: &Program<'_>) -> Option<u64> {
        let of_kernels = self.costs.as_ref().and_then(|costs| costs.stack_bytes(program));
        of_kernels.or_else(|| self.board.as_ref()?.code.as_ref()?.stack_bytes)
    }

    /// The target with `bytes` of its flash taken by something else.
    #[must_use]
    pub fn with_less_flash(&self, bytes: usize) -> Self {
        let mut target = self.clone();
        target.facts.flash_bytes = self.facts.flash_bytes.map(|has| has.saturating_sub(bytes as u64));
        target
    }

    /// What of a program's needs this target does not have, each as [`Code::DoesNotFit`]: `flash_bytes` for its image,
    /// `ram_bytes` for its arena, `stack_bytes` for its run.
    pub fn holds(&self, flash_bytes: u64, ram_bytes: u64, stack_bytes: u64) -> Vec<Diagnostic> {
        let Facts { name, reserved_bytes, .. } = &self.facts;
        if let Some(board) = &self.board {
            return board.holds(name, flash_bytes, ram_bytes, stack_bytes);
        }
        let lack = |what: &str, needs: String, too_much: bool, has: u64| {
            let needed = format!("at most {has} bytes, what target `{name}` has");
            too_much.then(|| Diagnostic::new(Code::DoesNotFit, Location::part(what), needs, needed))
        };
        let flash = self.facts.flash_bytes.and_then(|has| {
            lack("flash", format!("an image of {flash_bytes} bytes"), flash_bytes > has, has)
        });
        let ram = self.facts.ram_bytes.and_then(|has| {
            let found = format!(
                "an arena of {ram_bytes}, a stack of {stack_bytes} and {reserved_bytes} reserved bytes"
            );
            let needs = [ram_bytes, stack_bytes, *reserved_bytes].into_iter().fold(0, u64::saturating_add);
            lack("RAM", found, needs > has, has)
        });
        flash.into_iter().chain(ram).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_of_the_repository_can_be_read() {
        let targets = Target::all();
        assert_eq!(targets[0].facts.name, "portable");
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("targets");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<String> = files
            .filter(|path| path.is_file())
            .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        let mut names: Vec<String> = targets.iter().map(|target| target.facts.name.clone()).collect();
        files.sort();
        names.sort();
        assert_eq!(names, files, "each file is one of the targets, and called after it");
    }

    #[test]
    fn the_page_tells_every_key() {
        let page = include_str!("../../docs/targets.md");
        let unknown = Target::parse("no-key = 1").unwrap_err().to_string();
        let keys: Vec<&str> = unknown.split('`').skip(1).step_by(2).filter(|key| *key != "no-key").collect();
        assert!(keys.len() >= 9, "{unknown}");
        for key in keys {
            assert!(page.contains(&format!("| `{key}` |")), "{key}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_target_is_told() {
        let whole = TARGETS[1];
        let wrong = |from: &str, to: &str| Target::parse(&whole.replace(from, to)).unwrap_err().to_string();
        for (from, to, told) in [
            ("word-bits = 32", "word-bits = 12", "word-bits"),
            ("word-bits = 32", "word-bits = \"32\"", "line 5"),
            ("word-bits = 32", "", "word-bits"),
            ("\"cortex-m-dsp\"", "\"avx9\"", "avx9"),
            ("\"cortex-m4\"", "\"z80\"", "z80"),
            ("\"mps2-an386\"", "\"my board\"", "my board"),
            ("ram-bytes = 4194304", "ram-bytes = -1", "line 8"),
            ("ram-bytes", "rom-bytes", "rom-bytes"),
        ] {
            let message = wrong(from, to);
            assert!(message.contains(told), "{from} -> {to}: {message}");
        }
    }

    #[test]
    fn programs_that_are_too_large_are_refused() {
        let target = Target::named("mps2-an386").unwrap();
        let facts = &target.facts;
        let (flash, ram) = (facts.flash_bytes.unwrap(), facts.ram_bytes.unwrap() - facts.reserved_bytes);
        assert!(target.holds(flash, ram, 0).is_empty());
        assert_eq!(target.holds(flash + 1, ram, 0).len(), 1);
        assert_eq!(target.holds(flash, ram + 1, 0).len(), 1);
        assert_eq!(target.holds(flash, ram, 1).len(), 1);
        assert_eq!(target.holds(u64::MAX, u64::MAX, u64::MAX).len(), 2);
        assert!(Target::portable().holds(u64::MAX, u64::MAX, u64::MAX).is_empty());
    }
}
