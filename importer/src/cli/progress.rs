//! Progress on standard error, for work that takes longer than a second; nothing where nobody watches.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that is done sooner needs no progress.
const PATIENCE: Duration = Duration::from_secs(1);
/// Time between two looks of a line without steps.
const TICK: Duration = Duration::from_millis(100);

/// A line that appears after a second and goes when it is dropped.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    /// Shows the bar once patience is over; ends when the sender is dropped.
    curtain: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Of `what`, in `steps` steps or of unknown length. Never shows unless `watched`.
    pub(super) fn new(what: &'static str, steps: Option<usize>, watched: bool) -> Self {
        let length = steps.map(|steps| steps as u64);
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::hidden()).with_message(what);
        let template = match steps {
            Some(_) => "{spinner} {msg} {wide_bar} {pos}/{len} {eta}",
            None => "{spinner} {msg}, {elapsed}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let curtain = watched.then(|| {
            let (sender, receiver) = mpsc::channel::<()>();
            let bar = bar.clone();
            let raise = move || {
                if receiver.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                    bar.set_draw_target(ProgressDrawTarget::stderr());
                    bar.enable_steady_tick(TICK);
                }
            };
            (sender, thread::spawn(raise))
        });
        Self { bar, curtain }
    }

    /// One step is done.
    pub(super) fn step(&self) {
        self.bar.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.curtain.take() {
            drop(sender);
            // A thread that failed has shown nothing that has to go.
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_work_and_unwatched_work_show_nothing() {
        for watched in [false, true] {
            let progress = Progress::new("testing", Some(2), watched);
            progress.step();
            assert!(progress.bar.is_hidden());
            assert_eq!(progress.bar.position(), 1);
        }
    }

    #[test]
    fn long_work_shows_after_a_second() {
        let progress = Progress::new("testing", None, true);
        let target = progress.bar.clone();
        thread::sleep(PATIENCE + TICK);
        // Hidden still where standard error is no terminal, as in most test runs; then the ticker tells.
        assert!(progress.curtain.as_ref().is_some_and(|(_, thread)| thread.is_finished()));
        drop(progress);
        assert!(target.is_finished());
    }
}
