//! `--target`: the machine that a model is compiled for.

use std::path::{Path, PathBuf};

use crate::container::Container;
use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use crate::target::{Prefer, Target};

use super::files;

/// The machine to compile for.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Goal {
    /// Machine to compile for: a name that `exactum targets` lists, or a file of facts that ends in .toml.
    #[arg(long, value_name = "TARGET")]
    target: Option<PathBuf>,
    /// What weights are packed for, where the flash has room for either: the fewest instructions, or the fewest bytes.
    #[arg(long, value_enum, value_name = "WHAT", default_value = "speed")]
    prefer: Prefer,
}

impl Goal {
    /// The target; any machine if none is given.
    pub(super) fn target(&self) -> Result<Target> {
        let target = self.given()?.unwrap_or_else(Target::portable);
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

    /// The target that is given.
    pub(super) fn given(&self) -> Result<Option<Target>> {
        let target = self.target.as_deref().map(read).transpose()?;
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

/// Refuses a program that `target` has no room for.
pub(super) fn fits(target: &Target, container: &Container) -> Result<()> {
    let program = container.program();
    let stack = target.stack_bytes(&program).unwrap_or(0);
    let ram_bytes = u64::from(program.arena_bytes()) + program.outside_bytes();
    Report::check(target.holds(container.image().len() as u64, ram_bytes, stack), ())
}
