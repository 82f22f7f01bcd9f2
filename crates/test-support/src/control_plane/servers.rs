//! The processes of a control plane. A supervising shell starts them, and cleans up after the test binary has ended.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Lines, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Context as _;

use crate::go_tools::print_to_stderr;

pub(super) const CONTROLLERS: &str = "kube-controller-manager";

/// The servers in the order of their start.
const NAMES: [&str; 3] = ["etcd", "kube-apiserver", CONTROLLERS];

const LINES_SHOWN: usize = 40;

/// The supervising shell and the servers it runs.
pub(super) struct Servers {
    supervisor: Child,
    /// The shell's stdin. The servers run as long as it is open.
    commands: Mutex<Option<ChildStdin>>,
    folder: PathBuf,
    ended: Arc<Mutex<Vec<String>>>,
}

impl Servers {
    /// Starts the shell only. The shell creates the folder, so that there is never a folder that no process removes.
    pub(super) fn start_supervisor() -> anyhow::Result<Self> {
        let mut supervisor = Command::new("sh")
            .args(["-c", include_str!("supervise.sh")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // a separate process group, so that Ctrl-C does not end the shell before it has cleaned up
            .process_group(0)
            .spawn()
            .context("cannot start sh")?;
        let commands = Mutex::new(supervisor.stdin.take());
        let reports = supervisor.stdout.take().context("the supervising shell has no output")?;
        let mut reports = BufReader::new(reports).lines();
        let folder = reports.next().context("the supervising shell could not create its folder")??;
        let servers = Self { supervisor, commands, folder: folder.into(), ended: Arc::default() };
        servers.watch(reports);
        Ok(servers)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts a server. `command` is the path of its binary and its arguments.
    pub(super) fn start(&self, name: &str, command: &[String]) -> io::Result<()> {
        fs::write(self.folder.join(format!("{name}.arguments")), command.join("\n") + "\n")?;
        let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        commands.as_mut().map_or(Ok(()), |commands| writeln!(commands, "{name}"))
    }

    /// The servers that ended on their own.
    pub(super) fn ended(&self) -> Vec<String> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The process id of a server.
    pub(super) fn pid(&self, name: &str) -> anyhow::Result<i32> {
        let file = self.folder.join(format!("{name}.pid"));
        let number = fs::read_to_string(&file).with_context(|| format!("{name} was not started"))?;
        Ok(number.trim().parse()?)
    }

    pub(super) fn port_is_taken(&self) -> bool {
        self.ended().iter().any(|name| log_shows_taken_port(&read_log(&self.folder, name)))
    }

    pub(super) fn show_logs(&self) {
        for name in NAMES {
            show_log(&self.folder, name);
        }
    }

    fn watch(&self, reports: Lines<BufReader<ChildStdout>>) {
        let folder = self.folder.clone();
        let ended = Arc::clone(&self.ended);
        thread::spawn(move || {
            for report in reports.map_while(Result::ok) {
                let (name, code) = report.split_once(' ').unwrap_or((&report, "?"));
                ended.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_owned());
                report_end(&folder, name, code);
            }
        });
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.commands.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // the shell ends after it has cleaned up; an error of `wait` has no consequence
        let _ = self.supervisor.wait();
    }
}

/// Prints that a server ended, and its log. It prints nothing if the port was taken, because the next attempt uses
/// another port.
fn report_end(folder: &Path, name: &str, code: &str) {
    if !log_shows_taken_port(&read_log(folder, name)) {
        print_to_stderr(&format!("{name} of the control plane ended unexpectedly with exit code {code}."));
        show_log(folder, name);
    }
}

fn log_shows_taken_port(log: &str) -> bool {
    log.contains("address already in use")
}

fn show_log(folder: &Path, name: &str) {
    let log = read_log(folder, name);
    let lines = log.lines().collect::<Vec<_>>();
    let shown = lines.get(lines.len().saturating_sub(LINES_SHOWN)..).unwrap_or_default();
    print_to_stderr(&format!("--- the last lines of {name}'s log ---\n{}\n--- end ---", shown.join("\n")));
}

/// The log of a server; empty if the server did not start.
fn read_log(folder: &Path, name: &str) -> String {
    let bytes = fs::read(folder.join(format!("{name}.log"))).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
