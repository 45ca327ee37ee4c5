//! Images that are built once and kept in the folder of their sources.

use std::path::{Path, PathBuf};
use std::{fs, process};

use crate::{Board, Image, Workspace, WorkspaceError};

impl Workspace {
    /// The binary `binary` of `board`, built once: a later call, also of another process, finds it.
    ///
    /// # Errors
    /// [`WorkspaceError`] if it does not build or cannot be kept.
    pub fn kept_image(&self, board: &Board, binary: &str) -> Result<Image, WorkspaceError> {
        let kept = self.kept_path(board, binary);
        if !kept.is_file() {
            let image = board.recipe(binary).build_in(self)?;
            let part = kept.with_extension(format!("{}", process::id()));
            let file = |path: &Path| {
                let path = path.to_owned();
                |source| WorkspaceError::File { path, source }
            };
            fs::create_dir_all(self.root().join("images")).map_err(file(&part))?;
            fs::write(&part, image.elf()).map_err(file(&part))?;
            fs::rename(&part, &kept).map_err(file(&kept))?;
        }
        Ok(Image::read(&kept)?)
    }

    /// Whether [`kept_image`](Self::kept_image) has nothing to build.
    pub fn has_image(&self, board: &Board, binary: &str) -> bool {
        self.kept_path(board, binary).is_file()
    }

    fn kept_path(&self, board: &Board, binary: &str) -> PathBuf {
        self.root().join("images").join(format!("{}-{binary}.elf", board.name))
    }
}
