//! A progress bar for training on a terminal; silent elsewhere.

use indicatif::{ProgressBar, ProgressStyle};

use crate::train::Progress;

/// A bar on standard error, called `label`, that `train` can report to.
pub fn progress_bar(label: &str) -> impl FnMut(Progress) {
    let bar = ProgressBar::no_length().with_prefix(label.to_owned());
    let style =
        ProgressStyle::with_template("{prefix:<16} {bar:40} {pos}/{len} steps  loss {msg}  {elapsed}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    move |progress| {
        bar.set_length(progress.steps as u64);
        bar.set_message(format!("{:.4}", progress.loss));
        bar.set_position(progress.step as u64);
        if progress.step == progress.steps {
            bar.finish();
        }
    }
}
