//! Files that appear whole or not at all, so that what is interrupted leaves the last one usable. Called by checkpoints,
//! saved states and the commands.

mod interrupted;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub use interrupted::leave_nothing;
use tempfile::NamedTempFile;

/// How names of files start that are not complete yet.
const PREFIX: &str = ".exactum-";

/// Writes `bytes` beside `path` and then takes the name, which replaces a file that had it in one step.
///
/// # Errors
///
/// If the file cannot be written, or `path` is there and is no regular file. What was called `path` is as it was then.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    Staged::new(path, bytes)?.take_name()
}

/// Writes all `files` or none: each beside its place first, then all take their names.
///
/// # Errors
///
/// As [`write_whole`], with the path that cannot be written.
pub fn write_all(files: &[(PathBuf, Vec<u8>)]) -> Result<(), (&Path, io::Error)> {
    let at = |path| move |error| (path, error);
    let staged: Vec<(&Path, Staged)> = files
        .iter()
        .map(|(path, bytes)| Ok((path.as_path(), Staged::new(path, bytes).map_err(at(path.as_path()))?)))
        .collect::<Result<_, _>>()?;
    staged.into_iter().try_for_each(|(path, file)| file.take_name().map_err(at(path)))
}

/// A complete file beside the place that it is for.
struct Staged {
    /// Where a link leads, if the path that was given is one.
    place: PathBuf,
    file: NamedTempFile,
    _listed: interrupted::Listed,
}

impl Staged {
    fn new(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        // Renaming would replace a device such as /dev/null by a file.
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(io::Error::other("not a regular file"));
        }
        let place = followed(path)?;
        let folder = folder_of(&place);
        fs::metadata(folder)?;
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        // The error would name the temporary file, of which nobody knows.
        let hidden = |error: io::Error| io::Error::from(error.kind());
        let create = || builder.prefix(PREFIX).tempfile_in(folder);
        let (file, listed) = interrupted::staged(create).map_err(hidden)?;
        file.as_file().write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok(Self { place, file, _listed: listed })
    }

    fn take_name(self) -> io::Result<()> {
        self.file.persist(&self.place).map(drop).map_err(|error| error.error)?;
        // The name is on the disk when its folder is.
        #[cfg(unix)]
        fs::File::open(folder_of(&self.place))?.sync_all()?;
        Ok(())
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Where writing to `path` writes: links are followed, also those to files that are not there yet.
fn followed(path: &Path) -> io::Result<PathBuf> {
    const MOST_LINKS: usize = 40;
    let mut place = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&place) {
            Ok(to) => place = folder_of(&place).join(to),
            Err(_) => return Ok(place),
        }
    }
    Err(io::Error::other("too many links"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_appear_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("old"), "old").unwrap();
        let files = [(at("old"), b"new".to_vec()), (at("missing/new"), b"new".to_vec())];
        let (path, _) = write_all(&files).unwrap_err();
        assert_eq!((path, fs::read(at("old")).unwrap()), (at("missing/new").as_path(), b"old".to_vec()));
        write_all(&files[..1]).unwrap();
        assert_eq!(fs::read(at("old")).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("far")).unwrap();
        fs::write(at("far/old"), "old").unwrap();
        for (link, to) in [("a", "far/old"), ("b", "a"), ("c", "far/none"), ("loop", "loop")] {
            std::os::unix::fs::symlink(to, at(link)).unwrap();
        }
        write_whole(&at("b"), b"new").unwrap();
        write_whole(&at("c"), b"made").unwrap();
        assert!(write_whole(&at("loop"), b"x").is_err());
        let read = |name: &str| fs::read(at(name)).unwrap();
        assert_eq!((read("far/old"), read("far/none")), (b"new".to_vec(), b"made".to_vec()));
        assert!(["a", "b", "c"].iter().all(|link| fs::read_link(at(link)).is_ok()), "links stay links");
    }

    #[test]
    fn only_regular_files_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write_whole(folder.path(), b"new").is_err());
        write_whole(&folder.path().join("new"), b"new").unwrap();
        assert_eq!(fs::read(folder.path().join("new")).unwrap(), b"new");
    }
}
