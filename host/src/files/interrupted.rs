//! Files that are not complete yet, removed when the process is interrupted or asked to end. Called by `files`, and by the
//! programs when they start.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;

/// Where they are.
static STAGED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Takes a file off the list when it is dropped.
pub(super) struct Listed(PathBuf);

fn staged_files() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    STAGED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The file that `create` makes, on the list from the start.
pub(super) fn staged(
    create: impl FnOnce() -> io::Result<NamedTempFile>,
) -> io::Result<(NamedTempFile, Listed)> {
    let mut staged = staged_files();
    let file = create()?;
    staged.insert(file.path().to_owned());
    let listed = Listed(file.path().to_owned());
    Ok((file, listed))
}

impl Drop for Listed {
    fn drop(&mut self) {
        staged_files().remove(&self.0);
    }
}

/// From now on a signal to end removes what is not complete, and then ends the process as it always does.
#[cfg(unix)]
pub fn leave_nothing() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    // Where signals cannot be watched they end the process as ever.
    let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM]) else { return };
    std::thread::spawn(move || {
        for signal in signals.forever() {
            // The lock is kept: nothing is staged any more.
            let staged = staged_files();
            for path in staged.iter() {
                let _ = fs::remove_file(path);
            }
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    });
}

/// Elsewhere the system removes temporary files.
#[cfg(not(unix))]
pub const fn leave_nothing() {}
