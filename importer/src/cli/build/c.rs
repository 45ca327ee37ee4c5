//! `--emit c`: a folder with a header, a static library and an example.

use std::path::{Path, PathBuf};

use crate::batch::Host;
use crate::c_library::{self, Library};
use crate::container::Container;
use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use crate::target::Target;
use exactum_boards::{Board, Workspace, cache_folder};

use super::super::{device, files, samples, shell::Shell};

/// The files of `container` for C in `folder`: the library compiled for `processor`, as Rust calls it, or for the one of `target`.
pub(super) fn files(
    container: &Container,
    model: &Path,
    folder: &Path,
    target: &Target,
    processor: Option<&str>,
    shell: &Shell,
) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let processor = match processor {
        Some(processor) => processor.to_owned(),
        None => of_target(target)?,
    };
    if container.program().outside_bytes() > 0 {
        let needed = "ports in the arena: a model built without --outside";
        let found = "inputs or outputs outside the arena";
        let problem = Diagnostic::new(Code::BoardRefuses, Location::part("--emit c"), found, needed);
        return Err(Report::from(problem).in_file(&files::name(model)));
    }
    let prefix = c_library::name(&model.file_stem().unwrap_or_default().to_string_lossy());
    let program = container.program();
    let library = Library::new(&prefix, &program, container.interface());
    let sample = samples::spread(container, 1)?;
    let mut host = Host::new(program);
    let inputs = host.input_places(&sample.sample(0));
    host.reset();
    let outputs = host.run(&sample.sample(0));

    let failed = |error| device::not_built(&error);
    let workspace = Workspace::unpacked(&cache_folder().map_err(failed)?).map_err(failed)?;
    device::toolchain(&workspace, &processor)?;
    let wait = shell.waiting("compiling for C");
    let crate_files = [("lib.rs", library.source()), ("model.rs", super::rust(container))];
    let archive = workspace.static_library(&prefix, &crate_files, &processor).map_err(failed)?;
    drop(wait);
    Ok(vec![
        (folder.join(format!("lib{prefix}.a")), archive),
        (folder.join(format!("{prefix}.h")), library.header().into_bytes()),
        (folder.join("main.c"), library.example(&inputs, &outputs).into_bytes()),
    ])
}

/// Rust's name of the processor of `target`, where it is a board.
fn of_target(target: &Target) -> Result<String> {
    let boards = Board::all().expect("a test reads every board");
    let own = boards.into_iter().find(|board| board.name == target.facts.name);
    own.map(|board| board.facts.target).ok_or_else(|| {
        let found = format!("target `{}`, which says nothing of the processor", target.facts.name);
        let needed = "--board, or --processor with Rust's name of the processor, such as thumbv6m-none-eabi";
        Diagnostic::new(Code::BadTarget, Location::part("--emit c"), found, needed).into()
    })
}
