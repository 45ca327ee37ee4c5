//! `--target` and `--board`: the machine that a model is compiled for.

use std::path::{Path, PathBuf};

use crate::container::Container;
use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use crate::target::{Form, Prefer, Target};
use exactum_boards::Board;

use super::files;
use super::limits::Limits;

/// The machine to compile for.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Goal {
    /// Machine to compile for: a name that `exactum targets` lists, or a file of facts that ends in .toml.
    #[arg(long, value_name = "TARGET")]
    target: Option<PathBuf>,
    /// Board to compile for, with its processor and its memory: a name that `exactum boards` lists.
    #[arg(long, value_name = "BOARD", conflicts_with = "target")]
    board: Option<String>,
    /// What weights are packed for, where the flash has room for either: the fewest instructions, or the fewest bytes.
    #[arg(long, value_enum, value_name = "WHAT", default_value = "speed")]
    prefer: Prefer,
}

impl Goal {
    /// The target; any machine if none is given.
    pub(super) fn target(&self) -> Result<Target> {
        self.target_for(Form::Image)
    }

    /// The same for a program of `form`.
    pub(super) fn target_for(&self, form: Form) -> Result<Target> {
        let target = self.given(form)?.unwrap_or_else(Target::portable);
        Ok(Target { prefer: self.prefer, ..target })
    }

    /// The same with a path that is relative to `folder`.
    pub(super) fn within(self, folder: &Path) -> Self {
        let target = self.target.map(|target| if is_file(&target) { folder.join(target) } else { target });
        Self { target, ..self }
    }

    /// The file of facts that is given.
    pub(super) fn path(&self) -> Option<&PathBuf> {
        self.target.as_ref().filter(|target| is_file(target))
    }

    /// The target that is given, for a program of `form`.
    pub(super) fn given(&self, form: Form) -> Result<Option<Target>> {
        let target = match &self.board {
            Some(name) => Some(Target::of_board(&board(name)?, form)?),
            None => self.target.as_deref().map(read).transpose()?,
        };
        Ok(target.map(|target| Target { prefer: self.prefer, ..target }))
    }
}

/// Whether it is a file of facts instead of a name.
fn is_file(target: &Path) -> bool {
    target.extension().is_some_and(|extension| extension == "toml")
}

/// The target called `path`, or in the file there.
fn read(path: &Path) -> Result<Target> {
    if is_file(path) {
        let text = String::from_utf8(files::read(path)?).map_err(|_| "bytes that are no UTF-8".to_owned());
        let target = text
            .map_err(|found| Diagnostic::new(Code::BadTarget, Location::default(), found, "a text in TOML"));
        let target = target.and_then(|text| Target::parse(&text));
        return target.map_err(|problem| Report::from(problem).in_file(&files::name(path)));
    }
    let name = path.to_string_lossy();
    Target::named(&name).ok_or_else(|| {
        let names: Vec<String> = Target::all().into_iter().map(|target| target.facts.name).collect();
        let needed = format!("one of {}, or a file that ends in .toml", names.join(", "));
        Diagnostic::new(Code::BadTarget, Location::part("--target"), name, needed).into()
    })
}

/// The board called `name`.
pub(super) fn board(name: &str) -> Result<Board> {
    let boards = Board::all().expect("a test reads every board");
    boards.into_iter().find(|board| board.name == name).ok_or_else(|| {
        let needed = "a board that `exactum boards` lists";
        Diagnostic::new(Code::UnknownBoard, Location::part("--board"), name, needed).into()
    })
}

/// The target or the board that a program names which was built before, for a program of `form`.
pub(super) fn of_program(container: &Container, form: Form) -> Target {
    let name = &container.contents().target;
    let of_board = || board(name).ok().and_then(|board| Target::of_board(&board, form).ok());
    Target::named(name).or_else(of_board).unwrap_or_else(Target::portable)
}

/// Refuses a program that `target` has no room for.
pub(super) fn fits(target: &Target, limits: &Limits, container: &Container) -> Result<()> {
    let program = container.program();
    let stack = target.stack_bytes(&program);
    let ram_bytes = u64::from(program.arena_bytes()) + program.outside_bytes();
    let image_bytes = container.image().len() as u64;
    let mut problems = target.holds(image_bytes, ram_bytes, stack.unwrap_or(0));
    problems.extend(limits.exceeded(target, image_bytes, ram_bytes, stack)?);
    Report::check(problems, ())
}
