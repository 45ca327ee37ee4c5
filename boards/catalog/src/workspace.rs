//! Where firmware is built: the repository, or sources unpacked from the program into a folder of the user's.

use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::{env, fs, io};

use crate::{BuildError, Sources};

/// A tree with `boards`, what these are built from, and `.ci/firmware-cargo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    root: PathBuf,
    /// Whether build results stay in the tree, whatever the environment says.
    own: bool,
}

/// Why there is no workspace, or no image of it.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// Neither variable that names a folder for caches is set, nor one for the user's home.
    #[error("no folder for built firmware: none of EXACTUM_CACHE, XDG_CACHE_HOME and HOME is set")]
    NoCache,
    /// A file cannot be written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The image does not build.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// The folder that built firmware is kept in: `$EXACTUM_CACHE`, else `exactum` in `$XDG_CACHE_HOME` or in `~/.cache`.
///
/// # Errors
/// [`WorkspaceError::NoCache`] if the environment names none.
pub fn cache_folder() -> Result<PathBuf, WorkspaceError> {
    let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
    folder("EXACTUM_CACHE").or_else(|| Some(cache()?.join("exactum"))).ok_or(WorkspaceError::NoCache)
}

impl Workspace {
    /// The repository that this program was built in.
    pub fn repository() -> Self {
        Self { root: Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."), own: false }
    }

    /// The sources inside this program, unpacked into `cache` unless they are there already.
    ///
    /// # Errors
    /// [`WorkspaceError::File`] names what cannot be written.
    pub fn unpacked(cache: &Path) -> Result<Self, WorkspaceError> {
        let cache = std::path::absolute(cache)
            .map_err(|source| WorkspaceError::File { path: cache.to_owned(), source })?;
        let root = cache.join(format!("firmware-{}", Sources::digest()));
        if !root.is_dir() {
            // Whole or not at all: others may be looking for it.
            let part = cache.join(format!("firmware-{}.{}", Sources::digest(), process::id()));
            let written = write_sources(&part).and_then(|()| {
                let path = root.clone();
                fs::rename(&part, &root).or_else(|source| match root.is_dir() {
                    true => Ok(()),
                    false => Err(WorkspaceError::File { path, source }),
                })
            });
            if part.exists() {
                let _ = fs::remove_dir_all(&part);
            }
            written?;
        }
        Ok(Self { root, own: true })
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The script that is Cargo for firmware.
    pub(crate) fn firmware_cargo(&self) -> PathBuf {
        self.root.join(".ci/firmware-cargo")
    }

    /// Cargo for firmware, without arguments.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new("bash");
        command.arg(self.firmware_cargo());
        if self.own {
            command.env_remove("CARGO_TARGET_DIR");
        }
        command
    }
}

/// Writes all sources below `folder`.
fn write_sources(folder: &Path) -> Result<(), WorkspaceError> {
    for file in Sources::embedded().files() {
        let path = folder.join(&file.path);
        let failed = |source| WorkspaceError::File { path: path.clone(), source };
        fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(failed)?;
        fs::write(&path, &file.bytes).map_err(failed)?;
        #[cfg(unix)]
        if file.bytes.starts_with(b"#!") {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).map_err(failed)?;
        }
    }
    Ok(())
}
