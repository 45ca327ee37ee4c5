//! Files that appear whole or not at all, so that what is interrupted leaves the last one usable. Called by checkpoints,
//! saved states and the commands of this crate.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Writes `bytes` beside `path` and then takes the name, which replaces a file that had it in one step.
///
/// # Errors
///
/// If the file cannot be written, or `path` is there and is no regular file. What was called `path` is as it was then.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Renaming would replace a device such as /dev/null by a file.
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("not a regular file"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::metadata(folder)?;
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    // The error would name the temporary file, of which nobody knows.
    let hidden = |error: io::Error| io::Error::from(error.kind());
    let mut file = builder.prefix(".exactum-").tempfile_in(folder).map_err(hidden)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}
