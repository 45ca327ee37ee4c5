//! Files that appear whole or not at all, so that what is interrupted leaves the last one usable.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Writes `bytes` beside `path` and then takes the name, which replaces a file that had it in one step.
///
/// # Errors
///
/// If the file cannot be written. A file called `path` is as it was then.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = OsString::from(path);
    beside.push(format!(".{}.tmp", std::process::id()));
    let written = File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| fs::rename(&beside, path));
    if renamed.is_err() {
        // Nothing to keep, and the first error is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    renamed
}
