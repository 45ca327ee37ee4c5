//! Static libraries: a crate made of texts, compiled for a processor beside the runtime's sources.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{BuildError, Workspace, WorkspaceError};

impl Workspace {
    /// Compiles the crate `name`, a name of Rust, for Rust's processor `target`: `files` are those of its folder `src`, by name,
    /// `lib.rs` among them, and it depends on `exactum-runtime` alone, without features. The bytes of the static library.
    ///
    /// # Errors
    /// [`WorkspaceError`] if it does not build or a file cannot be written.
    pub fn static_library(
        &self,
        name: &str,
        files: &[(&str, String)],
        target: &str,
    ) -> Result<Vec<u8>, WorkspaceError> {
        // One at a time: Cargo leaves what it compiled under the crate's name, where another one of that name would replace it
        // before it is read. The same folder each time, because its path is part of what Cargo makes names from.
        let path = self.root().join("library.lock");
        let lock = fs::File::create(&path).and_then(|file| file.lock().map(|()| file));
        let lock = lock.map_err(|source| WorkspaceError::File { path, source })?;
        let folder = self.root().join("library");
        let _ = fs::remove_dir_all(&folder);
        let built = self.compile(name, files, target, &folder);
        let _ = fs::remove_dir_all(&folder);
        drop(lock);
        built
    }

    fn compile(
        &self,
        name: &str,
        files: &[(&str, String)],
        target: &str,
        folder: &Path,
    ) -> Result<Vec<u8>, WorkspaceError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            |source| WorkspaceError::File { path, source }
        };
        let source = folder.join("src");
        fs::create_dir_all(&source).map_err(failed(&source))?;
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"staticlib\"]\n\n\
             [dependencies]\nexactum-runtime = {{ path = \"../runtime\", default-features = false }}\n\n[workspace]\n\n\
             [profile.release]\nopt-level = \"s\"\nlto = \"fat\"\ncodegen-units = 1\npanic = \"abort\"\ndebug = false\n"
        );
        // The versions that firmware was tested with.
        let lock = self.root().join("boards/Cargo.lock");
        fs::copy(&lock, folder.join("Cargo.lock")).map_err(failed(&lock))?;
        let manifest = [("Cargo.toml", &manifest)].into_iter();
        let sources = files.iter().map(|(name, text)| (*name, text));
        let places = manifest
            .map(|(name, text)| (folder.join(name), text))
            .chain(sources.map(|(name, text)| (source.join(name), text)));
        for (path, text) in places {
            fs::write(&path, text).map_err(failed(&path))?;
        }
        let output = self
            .command()
            .args(["build", "--release", "--message-format=json-render-diagnostics", "--manifest-path"])
            .arg(folder.join("Cargo.toml"))
            .env("EXACTUM_FIRMWARE_TARGET", target)
            .output()
            .map_err(failed(folder))?;
        let binary = name.to_owned();
        if !output.status.success() {
            let messages = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(BuildError::Refused { binary, messages }.into());
        }
        let path = archive(&String::from_utf8_lossy(&output.stdout), name)
            .ok_or(BuildError::NoExecutable { binary })?;
        fs::read(&path).map_err(failed(&path))
    }
}

/// The path of the static library `name` among Cargo's messages.
fn archive(messages: &str, name: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut own = messages.filter(|message| message["target"]["name"] == name);
    own.find_map(|message| {
        let files = message["filenames"].as_array()?.iter().filter_map(|file| file.as_str());
        files.map(PathBuf::from).find(|file| file.extension().is_some_and(|kind| kind == "a"))
    })
}
