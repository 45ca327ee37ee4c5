//! `--max-flash`, `--max-ram` and `--max-stack`: how much a program may take, for checks that run by themselves.

use crate::diagnostic::{Code, Diagnostic, Location, Result};
use crate::target::Target;

/// Bytes that a program may take.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Limits {
    /// Most bytes of flash: of the program, and of code where a board is given.
    #[arg(long, value_name = "BYTES")]
    max_flash: Option<u64>,
    /// Most bytes of working memory: arena, and buffers of inputs and outputs outside it.
    #[arg(long, value_name = "BYTES")]
    max_ram: Option<u64>,
    /// Most bytes of stack that a run takes; needs a board or a target whose stack was measured.
    #[arg(long, value_name = "BYTES")]
    max_stack: Option<u64>,
}

impl Limits {
    /// What of a program's needs is more than that.
    pub(super) fn exceeded(
        &self,
        target: &Target,
        image_bytes: u64,
        ram_bytes: u64,
        stack_bytes: Option<u64>,
    ) -> Result<Vec<Diagnostic>> {
        let code_bytes = target.board.as_ref().map_or(0, |board| board.code_bytes());
        let more = |part: &str, takes: u64, most: Option<u64>, found: String| {
            let most = most.filter(|most| takes > *most)?;
            let found = format!("{takes} bytes, {} too many{found}", takes - most);
            Some(Diagnostic::new(
                Code::DoesNotFit,
                Location::part(part),
                found,
                format!("at most {most} bytes"),
            ))
        };
        let code = match code_bytes {
            0 => String::new(),
            bytes => format!(": a program of {image_bytes} and code of {bytes}"),
        };
        let stack = match (self.max_stack, stack_bytes) {
            (Some(_), None) => {
                let found = format!("target `{}`, whose stack was not measured", target.facts.name);
                let needed = "a board, or a target with costs, to compare a stack with";
                return Err(
                    Diagnostic::new(Code::BadTarget, Location::part("--max-stack"), found, needed).into()
                );
            }
            (most, stack) => more("--max-stack", stack.unwrap_or(0), most, String::new()),
        };
        let flash = more("--max-flash", image_bytes.saturating_add(code_bytes), self.max_flash, code);
        let ram = more("--max-ram", ram_bytes, self.max_ram, String::new());
        Ok([flash, ram, stack].into_iter().flatten().collect())
    }
}
