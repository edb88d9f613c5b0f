//! The only place that prints.
#![expect(clippy::print_stderr, reason = "a command speaks on its terminal")]

use chiliad::run::Events;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;
use std::sync::OnceLock;

/// What kept an answer from standard output, the first time.
static LOST: OnceLock<String> = OnceLock::new();

/// A line on standard output.
pub(crate) fn say(text: &str) {
    keep(writeln!(std::io::stdout().lock(), "{text}"));
}

fn keep(written: std::io::Result<()>) {
    match written {
        // A reader that has gone (`| head`) wants no more: not an error.
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            let _ = LOST.set(e.to_string());
        }
        _ => {}
    }
}

/// What kept an answer from standard output, if anything did.
pub(crate) fn lost() -> Option<&'static str> {
    keep(std::io::stdout().lock().flush());
    LOST.get().map(String::as_str)
}

/// A line on standard error.
pub(crate) fn complain(text: &str) {
    eprintln!("{text}");
}

/// Bars with ETA on a terminal, one line per stage otherwise; quiet for machines.
pub(crate) struct Progress {
    bar: ProgressBar,
    quiet: bool,
    what: String,
    started: std::time::Instant,
}

/// Resolution of a bar.
const LENGTH: f64 = 1000.0;

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        Self {
            bar: ProgressBar::hidden(),
            quiet,
            what: String::new(),
            started: std::time::Instant::now(),
        }
    }
}

impl Events for Progress {
    fn note(&mut self, text: &str) {
        if !self.quiet {
            self.bar.suspend(|| say(text));
        }
    }

    fn begin(&mut self, stage: &str, population: &str) {
        self.what = format!("{stage} {population}").trim_end().to_owned();
        self.started = std::time::Instant::now();
        if self.quiet {
            return;
        }
        let style =
            ProgressStyle::with_template("{prefix:32} {bar:30} {percent:>3}% eta {eta:>4}  {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
        // Draws on standard error, and only where that is a terminal.
        self.bar = ProgressBar::new(LENGTH as u64)
            .with_style(style)
            .with_prefix(self.what.clone());
    }

    fn progress(&mut self, share: f64, words: &str) {
        self.bar.set_message(words.to_owned());
        self.bar
            .set_position((share.clamp(0.0, 1.0) * LENGTH) as u64);
    }

    fn end(&mut self) {
        self.bar.finish_and_clear();
        if !self.quiet {
            say(&format!(
                "{:32} {:.1} s",
                self.what,
                self.started.elapsed().as_secs_f64()
            ));
        }
    }
}
