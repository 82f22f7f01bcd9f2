//! A running `serve` process that ends with its test, in whatever way the test ends.

use super::Folder;
use crate::project;
use crate::webhook::image::environment;
use serde_json::Value;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Time limit for every wait.
const TIME_LIMIT: Duration = Duration::from_mins(2);

/// A server with the environment that the image sets. It uses free ports unless its arguments choose others.
pub struct Serving {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Serving {
    /// Starts `serve` in a folder with further arguments.
    pub fn start(folder: &Folder, arguments: &[&str]) -> Self {
        Self::start_as(Command::new(project::binary()), folder, arguments)
    }

    /// Starts `serve` with a limit of open files (`ulimit -n`).
    pub fn start_with_files(folder: &Folder, files: u32) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!(r#"ulimit -n {files} && exec "$@""#), "sh"]).arg(project::binary());
        Self::start_as(shell, folder, &[])
    }

    fn start_as(mut command: Command, folder: &Folder, arguments: &[&str]) -> Self {
        let (stdout, stderr) = (folder.path("stdout"), folder.path("stderr"));
        let is_given = |flag: &str| arguments.contains(&flag);
        let free_ports = ["--listen", "--health-listen"].into_iter().filter(|flag| !is_given(flag));
        let child = command
            .envs(environment())
            .current_dir(folder.path(""))
            .arg("serve")
            .args(free_ports.flat_map(|flag| [flag, "127.0.0.1:0"]))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(File::create(&stdout).unwrap())
            .stderr(File::create(&stderr).unwrap())
            .spawn()
            .unwrap();
        Self { child, stdout, stderr }
    }

    /// Waits for the log event `listening`, which has the addresses.
    pub fn listening(&self) -> Value {
        self.wait_for("that it listens", || {
            let stderr = self.stderr();
            let mut events = stderr.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            events.find(|event| event.get("message").is_some_and(|message| message == "listening"))
        })
    }

    /// The address of its port for reviews.
    pub fn reviews(&self) -> SocketAddr {
        self.address("reviews")
    }

    /// The address of its health port.
    pub fn health(&self) -> SocketAddr {
        self.address("health")
    }

    fn address(&self, port: &str) -> SocketAddr {
        self.listening().get(port).and_then(Value::as_str).unwrap().parse().unwrap()
    }

    /// Waits until stdout ends with `end`, and returns it.
    pub fn wait_for_stdout(&self, end: &str) -> String {
        self.wait_for(end, || Some(fs::read_to_string(&self.stdout).unwrap()).filter(|text| text.ends_with(end)))
    }

    /// The text on stderr so far.
    pub fn stderr(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap()
    }

    /// The most memory that it has used so far, in bytes.
    pub fn most_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        let status = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits until it ends, and returns its exit code.
    pub fn code(&mut self) -> Option<i32> {
        let start = Instant::now();
        while start.elapsed() < TIME_LIMIT {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not end within 30 s: {}", self.stderr())
    }

    fn wait_for<T>(&self, what: &str, poll: impl Fn() -> Option<T>) -> T {
        let start = Instant::now();
        while start.elapsed() < TIME_LIMIT {
            if let Some(value) = poll() {
                return value;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not print {what} within 30 s: {}", self.stderr())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // it may have ended already
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The whole response to a GET over plain HTTP, with its head.
pub fn http_get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(TIME_LIMIT)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}
