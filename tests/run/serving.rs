//! A running `serve`, which ends with its test however that ends.

use super::Folder;
use serde_json::Value;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server on free ports, unless its arguments say otherwise.
pub(crate) struct Serving {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Serving {
    /// Starts `serve` in a folder, with these further arguments.
    pub(crate) fn start(folder: &Folder, arguments: &[&str]) -> Self {
        Self::start_as(Command::new(env!("CARGO_BIN_EXE_apim-keyless")), folder, arguments)
    }

    /// Starts `serve` where it may have no more than so many files open.
    pub(crate) fn start_with_files(folder: &Folder, files: u32) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!(r#"ulimit -n {files} && exec "$@""#), "sh", env!("CARGO_BIN_EXE_apim-keyless")]);
        Self::start_as(shell, folder, &[])
    }

    fn start_as(mut command: Command, folder: &Folder, arguments: &[&str]) -> Self {
        let (stdout, stderr) = (folder.path("stdout"), folder.path("stderr"));
        let is_told = |flag: &str| arguments.contains(&flag);
        let free = ["--listen", "--health-listen"].into_iter().filter(|flag| !is_told(flag));
        let child = command
            .current_dir(folder.path(""))
            .arg("serve")
            .args(free.flat_map(|flag| [flag, "127.0.0.1:0"]))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(File::create(&stdout).unwrap())
            .stderr(File::create(&stderr).unwrap())
            .spawn()
            .unwrap();
        Self { child, stdout, stderr }
    }

    /// The event that tells where it listens.
    pub(crate) fn listening(&self) -> Value {
        self.awaited("that it listens", || {
            let stderr = self.stderr();
            let mut events = stderr.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            events.find(|event| event.get("message").is_some_and(|message| message == "listening"))
        })
    }

    /// The address of its port for reviews.
    pub(crate) fn reviews(&self) -> SocketAddr {
        self.address("reviews")
    }

    /// The address of its health port.
    pub(crate) fn health(&self) -> SocketAddr {
        self.address("health")
    }

    fn address(&self, port: &str) -> SocketAddr {
        self.listening().get(port).and_then(Value::as_str).unwrap().parse().unwrap()
    }

    /// What is on stdout, once it ends with `end`.
    pub(crate) fn shown(&self, end: &str) -> String {
        self.awaited(end, || Some(fs::read_to_string(&self.stdout).unwrap()).filter(|text| text.ends_with(end)))
    }

    /// What is on stderr.
    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap()
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        let status = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Its exit code, once it has ended.
    pub(crate) fn code(&mut self) -> Option<i32> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not end: {}", self.stderr())
    }

    fn awaited<T>(&self, what: &str, ask: impl Fn() -> Option<T>) -> T {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(it) = ask() {
                return it;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("it never says {what}: {}", self.stderr())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // it may have ended by itself
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Everything that plain HTTP answers to a GET of a path.
pub(crate) fn answer_of(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
