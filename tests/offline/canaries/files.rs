//! The generated objects as files, and the reports of `check` on them.

use super::damage::{of_another_syntax, of_another_type};
use super::secret::Canaries;
use super::world::{OBJECTS, Tainted};
use super::yaml::Writer;
use apim_keyless_manifest::Manifests;
use serde_json::Value;
use test_support::run::{Folder, RunOutput};

/// The files of one run of `check`, and the secrets in them.
pub(crate) struct Files {
    folder: Folder,
    /// Their policy document.
    pub(crate) policy: &'static str,
    /// Number of objects.
    pub(crate) objects: usize,
    canaries: Vec<Canaries>,
}

impl Files {
    /// No files yet, with this policy document.
    pub(crate) fn under(policy: &'static str) -> Self {
        let folder = Folder::with(&[("policy", policy)]);
        for name in ["whole", "damaged"] {
            std::fs::create_dir(folder.path(name)).unwrap();
        }
        Self { folder, policy, canaries: Vec::new(), objects: 0 }
    }

    /// Adds objects in their own namespace and file, and one of them again in damaged form.
    pub(crate) fn add(&mut self, mut tainted: Tainted) {
        let (namespace, canaries) = (format!("n{}", self.canaries.len()), &mut tainted.canaries);
        let (mut whole, mut damaged) = (String::new(), String::new());
        for (index, mut object) in tainted.objects.into_iter().enumerate() {
            if let Some(metadata) = object["metadata"].as_object_mut() {
                metadata.insert("namespace".to_owned(), Value::from(namespace.as_str()));
            }
            let document = Writer { canaries }.document(&object);
            whole += &format!("---\n{document}");
            self.objects += 1;
            if index == self.canaries.len() % OBJECTS {
                let other = of_another_type(&object, canaries);
                let other = Writer { canaries }.document(&other);
                let broken = of_another_syntax(&document, canaries);
                damaged = format!(
                    "---\n{other}{}",
                    if is_broken(&broken) { format!("---\n{broken}\n") } else { String::new() }
                );
            }
        }
        self.folder.write(&format!("whole/{namespace}.yaml"), whole.as_bytes());
        self.folder.write(&format!("damaged/{namespace}.yaml"), damaged.as_bytes());
        self.canaries.push(tainted.canaries);
    }

    /// Runs `check` on all files in this format, and searches the whole output for secrets.
    pub(crate) fn no_value_leaks(&self, format: &str) {
        let objects = self.objects;
        let count = match format {
            "json" => format!("\"objects\": {objects},"),
            "github" | "text" => format!("{objects} objects, "),
            // these formats count no objects
            _ => String::new(),
        };
        let ran = self.check("whole", format);
        // every intact file is read, so no error hides a report; a canary in a label can look like a placeholder, and some
        // generated objects have a version that no API server serves, or lack an image
        let expected = [": a placeholder such as ", ": write apiVersion: ", ", which the API server requires; "];
        let mut errors = ran.stderr.lines().filter(|line| line.starts_with("error"));
        let is_read = errors.all(|error| expected.iter().any(|words| error.contains(words)));
        assert!(ran.stdout.contains(&count) && is_read, "{}", ran.stderr);
        self.check("damaged", format);
    }

    fn check(&self, folder: &str, format: &str) -> RunOutput {
        let ran = self.folder.run(&["check", "--policy", "policy", "--output", format, folder]);
        let text = ran.everything();
        if Canaries::may_be_in(&text) {
            let found = self.canaries.iter().find_map(|canaries| canaries.found_in(&text));
            assert_eq!(found, None, "leaks in:\n{}", around(&text, found.unwrap_or_default()));
        }
        ran
    }
}

/// Is it unreadable? If it is still readable, a secret may be a part of a key, and reports show keys.
fn is_broken(text: &str) -> bool {
    let mut manifests = Manifests::default();
    manifests.parse("-", text);
    manifests.objects.is_empty() && !manifests.errors.is_empty()
}

/// The lines of a report around a leaked secret.
fn around(text: &str, found: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let is_it = |line: &&str| line.to_ascii_lowercase().contains(&found.to_ascii_lowercase());
    let at = lines.iter().position(is_it).unwrap_or_default();
    lines[at.saturating_sub(5)..(at + 3).min(lines.len())].join("\n")
}
