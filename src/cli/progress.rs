//! A progress bar on the terminal of whoever waits; nothing where nobody watches.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far long work has come.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// A bar on stderr, if that is a terminal.
    pub(super) fn new(length: u64) -> Self {
        let target = if super::output::people_watch() {
            ProgressDrawTarget::stderr_with_hz(10)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(length), target);
        let template = "{bar:40} {human_pos}/{human_len} {per_sec} {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }

    /// A bar for work that writes its lines on stdout: none if they would meet on one terminal.
    pub(super) fn beside_output(length: usize) -> Self {
        if std::io::stdout().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        Self::new(length as u64)
    }

    pub(super) fn set(&self, done: usize) {
        self.0.set_position(done as u64);
    }

    /// Follows `done` until dropped: the counting side pays for an atomic addition and no more.
    pub(super) async fn follow(&self, done: &AtomicU64) {
        loop {
            self.0.set_position(done.load(Ordering::Relaxed));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
