//! Opens a page in Chromium without a window, and runs axe-core in it.

use crate::npm::{NpmFile, not_run};
use crate::run::Folder;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// axe-core, which checks landmarks, names and contrast.
const AXE: NpmFile =
    NpmFile { package: "axe-core", version: "4.14.1", path: "axe.min.js", tests: "the page in a browser" };

/// Names under which distributions install Chromium.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Writes the violations into the page, where `--dump-dom` finds them.
const RUN: &str = r#"<pre id="axe-result"></pre><script>
axe.run().then(result => {
  document.getElementById("axe-result").textContent = JSON.stringify(
    result.violations.map(one => ({id: one.id, targets: one.nodes.map(node => node.target.join(" "))})));
});
</script>"#;

/// What a reader prefers.
#[derive(Clone, Copy, Debug)]
pub enum ColorScheme {
    /// Dark text on a light page.
    Light,
    /// Light text on a dark page.
    Dark,
}

/// Chromium, and axe-core beside it.
pub struct Browser {
    command: &'static str,
    axe: PathBuf,
}

/// A page as Chromium shows it.
#[derive(Debug)]
pub struct OpenedPage {
    /// The document after it was loaded.
    pub document: String,
    /// What the page wrote to the console, such as a blocked request.
    pub console: Vec<String>,
}

impl Browser {
    /// The browser of this machine; `None` if there is none, which a message on stderr says. With `CI=true` it panics
    /// instead.
    pub fn find() -> Option<Self> {
        let starts = |name: &&&str| Command::new(name).arg("--version").output().is_ok_and(|ran| ran.status.success());
        let Some(command) = NAMES.iter().find(starts) else {
            not_run(AXE.tests, "there is no chromium; install it");
            return None;
        };
        Some(Self { command, axe: AXE.get()? })
    }

    /// Opens a page.
    pub fn open(&self, page: &str, colors: ColorScheme) -> OpenedPage {
        let folder = Folder::with(&[("page.html", page)]);
        // the number of the setting in Chromium's `blink::mojom::PreferredColorScheme`
        let scheme = match colors {
            ColorScheme::Dark => 0,
            ColorScheme::Light => 1,
        };
        let mut command = Command::new(self.command);
        // tests run as root in containers, where Chromium's sandbox cannot start
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"]);
        command.args(["--no-first-run", "--disable-background-networking", "--virtual-time-budget=60000"]);
        command.arg(format!("--blink-settings=preferredColorScheme={scheme}"));
        command.arg(format!("--user-data-dir={}", folder.path("profile").display()));
        let output = command.arg(folder.path("page.html")).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{stderr}");
        let console = stderr.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned);
        OpenedPage { document: String::from_utf8_lossy(&output.stdout).into_owned(), console: console.collect() }
    }

    /// The rules of axe-core that the page violates, with the elements. Everything that can be opened is open.
    pub fn accessibility_violations(&self, page: &str, colors: ColorScheme) -> Vec<Value> {
        let axe = std::fs::read_to_string(&self.axe).unwrap();
        let (head, rest) = page.split_once("<meta http-equiv=\"Content-Security-Policy\"").unwrap();
        let (_, body) = rest.split_once('>').unwrap();
        let page = format!("{head}<script>{axe}</script>{body}");
        let page = page.replace("<details", "<details open").replace("</main>", &format!("</main>{RUN}"));
        let opened = self.open(&page, colors).document;
        let (_, result) = opened.split_once("<pre id=\"axe-result\">").unwrap();
        let result = result.split("</pre>").next().unwrap().replace("&quot;", "\"").replace("&gt;", ">");
        let violations: Vec<Value> =
            serde_json::from_str(&result).unwrap_or_else(|_| panic!("axe-core did not end: {result}"));
        // the element that holds the result is in no landmark
        let is_own = |one: &Value| one["id"] == "region" && one["targets"] == serde_json::json!(["#axe-result"]);
        violations.into_iter().filter(|one| !is_own(one)).collect()
    }
}
