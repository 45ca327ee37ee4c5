//! Files that subcommands read and write, with problems named after them.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::container::Container;
use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use crate::float_network::explained;
use crate::target::Target;
use crate::{Compiled, Keeping, Request, compile_as};
use exactum_host::files::write_all;
use exactum_host::npy::{self, Array};
use exactum_qonnx::{FileKind, Folder, Model, ReadError};
use sha2::{Digest, Sha256};

use super::identity::IdentityArgs;
use super::inputs::Inputs;
use super::shell::{Shell, plain};

/// The bytes of the file at `path`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| cannot_read(path, &error))
}

/// What a model was read from.
pub(super) struct Source {
    bytes: Vec<u8>,
    folder: Folder,
    /// What the program keeps from run to run.
    pub(super) keeping: Keeping,
}

impl Source {
    /// SHA-256 of the model's file, followed by the side files that its tensors are kept in.
    fn digest(&self) -> Result<[u8; 32]> {
        let mut digest = Sha256::new_with_prefix(&self.bytes);
        let mut part = vec![0; 1 << 16];
        for path in self.folder.files() {
            let failed = |error: io::Error| cannot_read(path, &error);
            let mut file = fs::File::open(path).map_err(failed)?;
            loop {
                let length = file.read(&mut part).map_err(failed)?;
                if length == 0 {
                    break;
                }
                digest.update(&part[..length]);
            }
        }
        Ok(digest.finalize().into())
    }
}

/// The model in the ONNX file at `path`, with what `inputs` say of it, and what it was read from.
pub(super) fn model(path: &Path, inputs: &Inputs, shell: &Shell) -> Result<(Model, Source)> {
    let bytes = read(path)?;
    let mut folder = Folder::of(path);
    let mut model = exactum_qonnx::read_beside(&bytes, &mut folder)
        .map_err(|error| Report::from(unreadable(&error)).in_file(&name(path)))?;
    let keeping = inputs.keeping(&model).map_err(|report| report.in_file(&name(path)))?;
    inputs.apply(&mut model, shell).map_err(|report| report.in_file(&name(path)))?;
    Ok((model, Source { bytes, folder, keeping }))
}

/// A compiled ONNX file.
pub(super) struct Built {
    pub(super) model: Model,
    pub(super) compiled: Compiled,
    pub(super) container: Container,
    /// The side files that the model's tensors are kept in.
    pub(super) side_files: Vec<PathBuf>,
}

/// Compiles the ONNX file at `path` for `target`.
pub(super) fn compiled(path: &Path, inputs: &Inputs, target: &Target, shell: &Shell) -> Result<Built> {
    identified(path, inputs, &IdentityArgs::default(), target, shell)
}

/// The same, to a program that says of the model what `identity` does.
pub(super) fn identified(
    path: &Path,
    inputs: &Inputs,
    identity: &IdentityArgs,
    target: &Target,
    shell: &Shell,
) -> Result<Built> {
    let (model, source) = model(path, inputs, shell)?;
    let outputs: Vec<String> = model.graph.outputs.iter().map(|output| output.name.clone()).collect();
    let told = identity;
    let identity = told.read(&outputs, source.digest()?)?;
    let request = Request {
        identity: identity.clone(),
        keeping: source.keeping.clone(),
        outside: inputs.outside(),
        order: inputs.order(),
        ..Request::new(target)
    };
    let compiled = compile_as(&model, &request).map_err(|report| explained(report, &name(path), &model))?;
    told.check(&identity, &compiled.interface)?;
    let container = Container::of_source(&compiled, &model, identity.digest);
    let side_files = source.folder.files().map(Path::to_owned).collect();
    Ok(Built { model, compiled, container, side_files })
}

/// The program at `path`: a container, or an ONNX model, which is compiled.
pub(super) fn program(path: &Path, inputs: &Inputs, target: &Target, shell: &Shell) -> Result<Container> {
    match container(path)? {
        Some(container) => Ok(container),
        None => compiled(path, inputs, target, shell).map(|built| built.container),
    }
}

/// The container at `path`, or `None` if the file is of another kind.
pub(super) fn container(path: &Path) -> Result<Option<Container>> {
    let bytes = read(path)?;
    if !looks_like_container(path, &bytes) {
        return Ok(None);
    }
    Container::read(&bytes).map(Some).map_err(|report| report.in_file(&name(path)))
}

/// The arrays in the `.npy` files at `paths`.
pub(super) fn arrays(paths: &[PathBuf]) -> Result<Vec<Array>> {
    let array = |path: &PathBuf| {
        let array = npy::read(&read(path)?);
        array.map_err(|error| Report::from(error).in_file(&name(path)))
    };
    paths.iter().map(array).collect()
}

/// What is wrong with writing to `outputs`, if one of them is an input or another one of them.
pub(super) fn overwritten<'p>(
    inputs: impl IntoIterator<Item = &'p PathBuf>,
    outputs: impl IntoIterator<Item = &'p PathBuf>,
) -> Option<String> {
    let mut taken: Vec<(PathBuf, bool)> = inputs.into_iter().map(|path| (place(path), false)).collect();
    for path in outputs {
        let own = place(path);
        match taken.iter().find(|(other, _)| *other == own) {
            Some((_, false)) => return Some(format!("the output {} is an input as well", name(path))),
            Some((_, true)) => return Some(format!("two outputs have the path {}", name(path))),
            None => taken.push((own, true)),
        }
    }
    None
}

/// The path by which the file is known, whether it is there yet or not.
fn place(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::canonicalize(path)
        .or_else(|_| Ok::<_, io::Error>(fs::canonicalize(folder)?.join(path.file_name().unwrap_or_default())))
        .unwrap_or_else(|_| path.to_owned())
}

/// Writes all `files` or none.
pub(super) fn write(files: &[(PathBuf, Vec<u8>)]) -> Result<()> {
    write_all(files).map_err(|(path, error)| cannot_write(path, &error))
}

/// Creates the folder at `path`, if it is not there.
pub(super) fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| cannot_write(path, &error))
}

/// A path as the user gave it.
pub(super) fn name(path: &Path) -> String {
    plain(&path.display().to_string()).into_owned()
}

/// Paths as the user gave them.
pub(super) fn names(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| name(path)).collect::<Vec<_>>().join(", ")
}

/// A container too short for its magic is told by its name.
fn looks_like_container(path: &Path, bytes: &[u8]) -> bool {
    Container::is_container(bytes)
        || path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("exa"))
}

fn cannot_read(path: &Path, error: &io::Error) -> Report {
    let problem =
        Diagnostic::new(Code::Unreadable, Location::default(), error.to_string(), "a readable file");
    Report::from(problem).in_file(&name(path))
}

fn cannot_write(path: &Path, error: &io::Error) -> Report {
    let needed = "a path in a folder that can be written";
    let problem = Diagnostic::new(Code::CannotWrite, Location::default(), error.to_string(), needed);
    Report::from(problem).in_file(&name(path))
}

/// A file of another kind in place of a model.
fn other_kind(kind: FileKind) -> Diagnostic {
    let needed = "an ONNX model (.onnx)";
    Diagnostic::new(Code::NotOnnx, Location::default(), kind.name(), needed).with_hint(kind.to_onnx())
}

fn unreadable(error: &ReadError) -> Diagnostic {
    let (code, needed) = match error {
        ReadError::SparseInitializer { .. }
        | ReadError::Segmented { .. }
        | ReadError::Shape { .. }
        | ReadError::DataLength { .. }
        | ReadError::ElementRange { .. }
        | ReadError::ElemType { .. } => {
            (Code::BadTensor, "a dense tensor with as many elements as its shape says")
        }
        ReadError::AttributeKind { .. } | ReadError::AttributeText { .. } => {
            (Code::BadSchema, "attributes as the operators define them")
        }
        ReadError::LocalFunction { .. } => (Code::BadGraph, "functions that their nodes can stand for"),
        ReadError::NotTensor { .. } => (Code::UnsupportedForm, "values that are tensors"),
        ReadError::ExternalData { .. } | ReadError::SideFile { .. } => {
            (Code::NotOnnx, "the files that tensors are kept in, complete and in the folder of the model")
        }
        ReadError::OtherKind { kind } => return other_kind(*kind),
        ReadError::NoOperatorSets => (Code::NotOnnx, "a complete ONNX model, which names its operator sets"),
        _ => (Code::NotOnnx, "a complete ONNX model"),
    };
    let found = match error {
        ReadError::Protobuf { reason } => format!("bytes that are no model message: {reason}"),
        ReadError::NoGraph => "no graph".to_owned(),
        ReadError::NoOperatorSets => "no operator sets".to_owned(),
        error => error.to_string(),
    };
    Diagnostic::new(code, Location::default(), found, needed)
}
