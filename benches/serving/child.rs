//! A server as a child process: starts it, reads its port from its log, and its CPU and memory from `/proc`.

use crate::pinning::Pinning;
use serde_json::Value;
use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use test_support::project;
use test_support::webhook::image::environment;

/// The DNS name in the certificate of all servers.
pub(crate) const NAME: &str = "localhost";

/// The servers, in the order of their turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Floor A: a constant response.
    Constant,
    /// Floor B: parses the body into a `serde_json::Value`.
    Value,
    /// The webhook.
    Ours,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Constant, Self::Value, Self::Ours];

    /// Its name in a sentence.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Constant => "A",
            Self::Value => "B",
            Self::Ours => "Ours",
        }
    }

    fn command(self, pinning: &Pinning, certificates: &Path) -> Command {
        let floor = |name: &str| {
            let mut command = pinning.command(&env::current_exe().unwrap());
            command.arg(name).arg(certificates);
            command
        };
        match self {
            Self::Constant => floor("floor-constant"),
            Self::Value => floor("floor-value"),
            Self::Ours => {
                let mut command = pinning.command(&project::binary());
                command.args(["serve", "--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0", "--policy"]);
                command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/policy.yaml"));
                command.args(["--name", NAME, "--certificates"]).arg(certificates).envs(environment());
                command
            }
        }
    }
}

/// A running server. Dropping it kills the process.
pub(crate) struct Server {
    /// Which server it is.
    pub(crate) kind: Kind,
    /// The address that it listens on.
    pub(crate) address: SocketAddr,
    child: Child,
    log: PathBuf,
}

/// Resident memory of a process, in KiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    pub(crate) highest: u64,
}

impl Server {
    /// Starts the server and waits until it listens. Its log goes to a file, like that of a container.
    pub(crate) fn start(kind: Kind, pinning: &Pinning, certificates: &Path) -> Self {
        let log = certificates.join(format!("{kind:?}.log"));
        File::create(&log).unwrap();
        // in append mode, writing continues at the start after the file is truncated
        let stderr = File::options().append(true).open(&log).unwrap();
        let mut command = kind.command(pinning, certificates);
        let child = command.env_remove("RUST_LOG").stdin(Stdio::null()).stderr(stderr).spawn().unwrap();
        let mut server = Self { kind, address: SocketAddr::from(([127, 0, 0, 1], 0)), child, log };
        server.address = server.listening();
        server
    }

    fn listening(&self) -> SocketAddr {
        let start = Instant::now();
        loop {
            let log = fs::read_to_string(&self.log).unwrap();
            let mut events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            if let Some(event) = events.find(|event| event["message"] == "listening") {
                return event["reviews"].as_str().unwrap().parse().unwrap();
            }
            assert!(start.elapsed() < Duration::from_secs(30), "{:?} does not listen within 30 s: {log}", self.kind);
            sleep(Duration::from_millis(10));
        }
    }

    /// Truncates its log to zero length.
    pub(crate) fn truncate_log(&self) {
        File::options().write(true).open(&self.log).unwrap().set_len(0).unwrap();
    }

    /// The CPU time of each thread so far.
    pub(crate) fn usage(&self) -> Usage {
        Usage::of(&self.child.id().to_string())
    }

    /// Its resident memory.
    pub(crate) fn memory(&self) -> Memory {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let kibibytes = |field: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
            line.trim().trim_end_matches(" kB").parse().unwrap()
        };
        Memory { now: kibibytes("VmRSS:"), highest: kibibytes("VmHWM:") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // it may have ended already
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The CPU time of each thread of a process so far, in nanoseconds of `schedstat`: user and system time together.
pub(crate) struct Usage(BTreeMap<String, u64>);

impl Usage {
    /// The CPU time of this process.
    pub(crate) fn own() -> Self {
        Self::of("self")
    }

    fn of(process: &str) -> Self {
        let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
        let usage = threads.filter_map(|thread| {
            let thread = thread.unwrap();
            // the thread may have just ended
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            Some((thread.file_name().into_string().ok()?, text.split(' ').next()?.parse().ok()?))
        });
        Self(usage.collect())
    }

    /// The CPU time since `before`.
    pub(crate) fn since(&self, before: &Self) -> Duration {
        let nanoseconds = self.0.iter().map(|(thread, now)| now - before.0.get(thread).copied().unwrap_or_default());
        Duration::from_nanos(nanoseconds.sum())
    }
}
