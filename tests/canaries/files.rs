//! The same objects in files, as `check` reports on them.

use super::damage::{of_another_syntax, of_another_type};
use super::run::{Folder, Ran};
use super::secret::Canaries;
use super::world::{OBJECTS, Tainted};
use super::yaml::Writer;
use apim_keyless::manifest::Manifests;
use serde_json::Value;

/// Files of one call of `check`, and what must not be told of them.
pub(crate) struct Files {
    folder: Folder,
    /// The document of their policy.
    pub(crate) policy: &'static str,
    /// How many objects there are.
    pub(crate) objects: usize,
    canaries: Vec<Canaries>,
}

impl Files {
    /// None yet; they are judged by the policy of this document.
    pub(crate) fn under(policy: &'static str) -> Self {
        let folder = Folder::with(&[("policy", policy)]);
        for name in ["whole", "damaged"] {
            std::fs::create_dir(folder.path(name)).unwrap();
        }
        Self { folder, policy, canaries: Vec::new(), objects: 0 }
    }

    /// Adds objects, in a namespace and a file of their own; and one of them once more, damaged.
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

    /// Reports on them all in this format, and looks at every sign of it.
    pub(crate) fn tell_no_value(&self, format: &str) {
        let objects = self.objects;
        let count = if format == "json" { format!("\"objects\": {objects},") } else { format!("{objects} objects: ") };
        let ran = self.told_of("whole", format);
        // the files are as they should be: each is read, and nothing is hidden by an error
        assert!(ran.stdout.contains(&count) && ran.code < 2, "{}", ran.stderr);
        self.told_of("damaged", format);
    }

    fn told_of(&self, folder: &str, format: &str) -> Ran {
        let ran = self.folder.run(&["check", "--policy", "policy", "--output", format, folder]);
        let told = ran.everything();
        if Canaries::may_be_in(&told) {
            let found = self.canaries.iter().find_map(|canaries| canaries.found_in(&told));
            assert_eq!(found, None, "is told in:\n{}", around(&told, found.unwrap_or_default()));
        }
        ran
    }
}

/// Can't it be read? If it still can, a secret may have become a part of a key, and keys are told.
fn is_broken(text: &str) -> bool {
    let mut manifests = Manifests::default();
    manifests.parse("-", text);
    manifests.objects.is_empty() && !manifests.errors.is_empty()
}

/// The lines of a report around what was found.
fn around(told: &str, found: &str) -> String {
    let lines: Vec<&str> = told.lines().collect();
    let is_it = |line: &&str| line.to_ascii_lowercase().contains(&found.to_ascii_lowercase());
    let at = lines.iter().position(is_it).unwrap_or_default();
    lines[at.saturating_sub(5)..(at + 3).min(lines.len())].join("\n")
}
