//! The processes of a control plane, behind a supervising shell that outlives the test binary by the
//! moment it takes to clean up.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Lines, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Context as _;

use super::say;

pub(super) const CONTROLLERS: &str = "kube-controller-manager";

/// In the order they start.
const NAMES: [&str; 3] = ["etcd", "kube-apiserver", CONTROLLERS];

const LINES_SHOWN: usize = 40;

/// The supervising shell and the servers it runs.
pub(super) struct Servers {
    supervisor: Child,
    /// The servers live for as long as this is open.
    orders: Mutex<Option<ChildStdin>>,
    folder: PathBuf,
    ended: Arc<Mutex<Vec<String>>>,
}

impl Servers {
    /// Starts the shell alone, which makes the folder: so there is never a folder without somebody to
    /// remove it.
    pub(super) fn start_supervisor() -> anyhow::Result<Self> {
        let mut supervisor = Command::new("sh")
            .args(["-c", include_str!("supervise.sh")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C goes to the group of the test binary, and must leave this one to clean up.
            .process_group(0)
            .spawn()
            .context("cannot start sh")?;
        let orders = Mutex::new(supervisor.stdin.take());
        let reports = supervisor.stdout.take().context("the supervising shell has no output")?;
        let mut reports = BufReader::new(reports).lines();
        let folder = reports.next().context("the supervising shell could not make its folder")??;
        let servers = Self { supervisor, orders, folder: folder.into(), ended: Arc::default() };
        servers.watch(reports);
        Ok(servers)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts a server, given the path of its binary and then its arguments.
    pub(super) fn start(&self, name: &str, command: &[String]) -> io::Result<()> {
        fs::write(self.folder.join(format!("{name}.arguments")), command.join("\n") + "\n")?;
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        orders.as_mut().map_or(Ok(()), |orders| writeln!(orders, "{name}"))
    }

    /// The servers that ended by themselves.
    pub(super) fn ended(&self) -> Vec<String> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number of a server's process.
    pub(super) fn pid(&self, name: &str) -> anyhow::Result<i32> {
        let file = self.folder.join(format!("{name}.pid"));
        let number = fs::read_to_string(&file).with_context(|| format!("{name} was not started"))?;
        Ok(number.trim().parse()?)
    }

    pub(super) fn port_is_taken(&self) -> bool {
        self.ended().iter().any(|name| says_port_is_taken(&read_log(&self.folder, name)))
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
                say_ended(&folder, name, code);
            }
        });
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.orders.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // It ends once all is gone. That it cannot be waited for concerns nobody.
        let _ = self.supervisor.wait();
    }
}

/// Silent about a port that is taken, as the next try gets another.
fn say_ended(folder: &Path, name: &str, code: &str) {
    if !says_port_is_taken(&read_log(folder, name)) {
        say(&format!("{name} of the control plane ended by itself, with exit code {code}."));
        show_log(folder, name);
    }
}

fn says_port_is_taken(log: &str) -> bool {
    log.contains("address already in use")
}

fn show_log(folder: &Path, name: &str) {
    let log = read_log(folder, name);
    let lines = log.lines().collect::<Vec<_>>();
    let shown = lines.get(lines.len().saturating_sub(LINES_SHOWN)..).unwrap_or_default();
    say(&format!("--- the last lines of {name}'s log ---\n{}\n--- end ---", shown.join("\n")));
}

/// Empty when the server never started.
fn read_log(folder: &Path, name: &str) -> String {
    let bytes = fs::read(folder.join(format!("{name}.log"))).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
