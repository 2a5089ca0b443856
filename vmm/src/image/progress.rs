//! Says what takes the time, while it does.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Told about each step that takes long enough to be noticed. Never called when an image is ready.
pub trait Progress: Sync {
    /// `what` starts; it ends with the next step or with [`Progress::finish`].
    fn step(&self, what: &str);
    /// Nothing more is going on.
    fn finish(&self);
}

/// A moving line on a terminal, otherwise one plain line a step; both on standard error.
#[must_use]
pub fn to_stderr() -> Box<dyn Progress> {
    if io::stderr().is_terminal() {
        Box::new(Spinner::new())
    } else {
        Box::new(Lines)
    }
}

/// Says nothing.
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _what: &str) {}
    fn finish(&self) {}
}

struct Lines;

impl Progress for Lines {
    fn step(&self, what: &str) {
        eprintln!("guest image: {what}");
    }
    fn finish(&self) {}
}

struct Spinner(ProgressBar);

impl Spinner {
    fn new() -> Self {
        let style = ProgressStyle::with_template("{spinner} guest image: {msg} ({elapsed})")
            .expect("the template is constant and names known fields");
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        Self(bar.with_style(style))
    }
}

impl Progress for Spinner {
    fn step(&self, what: &str) {
        self.0.reset();
        self.0.set_message(what.to_owned());
        self.0.enable_steady_tick(Duration::from_millis(100));
    }
    fn finish(&self) {
        self.0.finish_and_clear();
    }
}
