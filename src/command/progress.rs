//! Shows on a terminal what a command reads, if it takes longer than a second.

use std::io::{IsTerminal, Write, stderr};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long to wait for the end before the first line, and between two lines.
const INTERVAL: Duration = Duration::from_secs(1);
/// Back to the start of the line, and erase it.
const ERASE_LINE: &str = "\r\u{1b}[K";

/// The progress on stderr. It is removed when this is dropped.
pub(super) struct Progress {
    ticker: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Shows `line` again and again. Nothing is shown if stderr is not a terminal.
    pub(super) fn start(line: impl Fn() -> String + Send + 'static) -> Self {
        let ticker = stderr().is_terminal().then(|| {
            let (sender, end) = mpsc::channel::<()>();
            (sender, thread::spawn(move || show(line, &end)))
        });
        Self { ticker }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((sender, ticker)) = self.ticker.take() {
            // the end of the channel ends the thread
            drop(sender);
            _ = ticker.join();
        }
    }
}

fn show(line: impl Fn() -> String, end: &mpsc::Receiver<()>) {
    let mut is_shown = false;
    while end.recv_timeout(INTERVAL) == Err(mpsc::RecvTimeoutError::Timeout) {
        is_shown = true;
        // without a terminal to write to, there is nobody to show it to
        _ = write!(stderr().lock(), "{ERASE_LINE}{}", line());
    }
    if is_shown {
        _ = write!(stderr().lock(), "{ERASE_LINE}");
    }
}
