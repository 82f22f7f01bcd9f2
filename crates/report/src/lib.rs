//! The report model of apim-keyless, and one renderer a file.
//!
//! `check` and `doctor` fill a [`Report`] of [`Diagnostic`]s; the renderers know nothing else.
//!
//! ```
//! use apim_keyless_core::gateway::ObjectReference;
//! use apim_keyless_report::{Diagnostic, Level, Report, json, text};
//!
//! let object = ObjectReference {
//!     api_version: "apps/v1".into(), kind: "Deployment".into(), namespace: "apim".into(), name: "orders".into(),
//! };
//! let mut report = Report { objects: 1, gateways: Some(Vec::new()), ..Report::default() };
//! report.findings.push(Diagnostic {
//!     object: Some(object),
//!     ..Diagnostic::new("unsupported-version", Level::Error, "Use image 2.11.0 or newer: 2.9.0 is older")
//! });
//! report.number_fingerprints();
//! assert_eq!(report.exit_code(Level::Error), 1);
//! assert!(text::render(&report).ends_with("1 finding (1 error) in 1 of 1 object, 0 gateways\n"));
//! assert!(json::render(&report).contains("\"rule\": \"unsupported-version\""));
//! ```

mod changes;
mod check;
mod fingerprint;
mod gateway_row;
pub mod github;
pub mod html;
pub mod inventory;
pub mod json;
pub mod junit;
mod leftover;
mod location_text;
pub mod policy_report;
pub mod sarif;
pub mod text;

pub use apim_keyless_core::policy::{Edit, Finding, Level, Mode};
pub use changes::{Changes, GatewayChange};
pub use check::{Check, CheckStatus};
pub use gateway_row::{FindingsByGateway, GatewayRow};
pub use leftover::Leftover;
pub use location_text::{counted, file_name};

use apim_keyless_core::gateway::ObjectReference;
use std::collections::HashSet;
use std::ops::Range;

/// The result of evaluating some objects or an installation.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The findings, in the order in which a person reads them.
    pub findings: Vec<Diagnostic>,
    /// The gateways among the objects; `None` for a command that lists none.
    pub gateways: Option<Vec<GatewayRow>>,
    /// The checks that were made, in the order in which a person reads them; `None` for a command that has none.
    pub checks: Option<Vec<Check>>,
    /// What was read and deliberately not evaluated.
    pub skipped: Vec<Skipped>,
    /// What could not be read or evaluated.
    pub failures: Vec<Failure>,
    /// Number of objects that were read, of any kind.
    pub objects: usize,
    /// What is known of the rules and codes that the findings can have.
    pub rules: Vec<RuleDescription>,
    /// Number of findings of a baseline that no longer occur; `None` without a baseline.
    pub gone_from_baseline: Option<usize>,
    /// What migrations left; only `audit` looks for it.
    pub leftovers: Vec<Leftover>,
    /// What has changed since an earlier report; `None` if none was given.
    pub changes: Option<Changes>,
}

/// What is known of a rule, or of a code of `doctor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleDescription {
    /// Its id.
    pub id: &'static str,
    /// One sentence that says what it finds.
    pub summary: &'static str,
    /// How to fix it, and why, as Markdown.
    pub help: &'static str,
}

/// A finding, with everything that a renderer needs.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Id of the rule, or code of `doctor`.
    pub rule: &'static str,
    /// What an enforced namespace's webhook does about it; of `doctor`, error or warning.
    pub level: Level,
    /// The mode of the object's namespace. In [`Mode::Audit`] nothing is set or denied, whatever the level.
    pub mode: Mode,
    /// Identifies the finding across runs, whatever its line. [`Report::number_fingerprints`] fills it in.
    pub fingerprint: String,
    /// The cluster, if the object is in one.
    pub cluster: Option<String>,
    /// The object; `None` if the finding is about the API server itself.
    pub object: Option<ObjectReference>,
    /// `metadata.uid` of the object, if it is in a cluster.
    pub uid: Option<String>,
    /// Where it is.
    pub location: Location,
    /// Further locations that belong to it.
    pub related: Vec<Location>,
    /// What to do, then why. It contains no value of a setting.
    pub message: String,
    /// What puts it right, if that is known.
    pub fixes: Vec<Fix>,
    /// The safe fixes of the object, at the first of its findings that has one; `None` if they are not known or cannot be
    /// written faithfully.
    pub text_fix: Option<TextFix>,
    /// URL of the page about the rule.
    pub help_uri: Option<String>,
    /// Why the finding does not count, if it does not.
    pub suppressed: Option<Suppression>,
    /// The source line, for text.
    pub snippet: Option<Snippet>,
}

/// A location in a file, in an object or in the API server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// The file as it was given; `-` for standard input.
    pub file: Option<String>,
    /// The range in the file.
    pub span: Option<Span>,
    /// The field in the object, as an RFC 6901 pointer; empty for the object itself.
    pub path: Option<String>,
    /// The URL path in the API server.
    pub api_path: Option<String>,
}

/// A range of characters in a file. Lines and columns are from 1, columns in code points; the end is exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First line.
    pub line: usize,
    /// First column.
    pub column: usize,
    /// Last line.
    pub end_line: usize,
    /// Column after the last character.
    pub end_column: usize,
}

/// A way to put a finding right.
#[derive(Clone, Debug, PartialEq)]
pub struct Fix {
    /// What to do, as an imperative.
    pub title: String,
    /// Whether it can be applied without looking at it.
    pub safety: Safety,
    /// The edits of the object; empty if the fix is not an edit of the object.
    pub edits: Vec<Edit>,
}

/// All safe fixes of an object, as replaced ranges of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFix {
    /// What to do, as an imperative.
    pub title: String,
    /// The replaced ranges, in order.
    pub replacements: Vec<Replacement>,
}

/// A replaced range of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The replaced characters; an empty range for an insertion.
    pub span: Span,
    /// The new text.
    pub text: String,
}

/// Whether a fix can be applied without looking at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// The webhook applies it.
    Safe,
    /// A person must decide.
    Unsafe,
}

/// Why a finding does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// What suppresses it.
    pub by: SuppressedBy,
    /// The reason that was given.
    pub reason: String,
    /// Last day on which it is suppressed, `YYYY-MM-DD` in UTC; `None` if it does not expire.
    pub expires: Option<String>,
}

/// What can suppress a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuppressedBy {
    /// A baseline: the finding is not new.
    Baseline,
    /// A comment in the file. The webhook does not read comments.
    Comment,
}

/// How much a finding matters where it was found, for formats that know three levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It is only reported.
    Note,
    /// Of an enforced namespace: the webhook sets it. Of an audited one: the webhook would deny it.
    Warning,
    /// The webhook denies the object.
    Error,
}

/// A source line with every secret-bearing value masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// The text of the line.
    pub line: String,
    /// The underlined characters, from 0.
    pub underline: Range<usize>,
}

/// Something that was read and deliberately not evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Where it is.
    pub location: Location,
    /// The object, if it is one.
    pub object: Option<ObjectReference>,
    /// Why it was not evaluated.
    pub reason: String,
}

/// Something that could not be read or evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where it is.
    pub location: Location,
    /// Cause and fix.
    pub message: String,
}

impl SuppressedBy {
    /// Its name as reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Comment => "comment",
        }
    }
}

impl Fix {
    /// What it is: a person must decide about an unsafe fix.
    pub fn noun(&self) -> &'static str {
        match self.safety {
            Safety::Safe => "fix",
            Safety::Unsafe => "possible fix",
        }
    }
}

impl Diagnostic {
    /// A finding without location, in an enforced namespace.
    pub fn new(rule: &'static str, level: Level, message: impl Into<String>) -> Self {
        Self {
            rule,
            level,
            mode: Mode::Enforce,
            fingerprint: String::new(),
            cluster: None,
            object: None,
            uid: None,
            location: Location::default(),
            related: Vec::new(),
            message: message.into(),
            fixes: Vec::new(),
            text_fix: None,
            help_uri: None,
            suppressed: None,
            snippet: None,
        }
    }

    /// A finding of a rule about an object in a namespace of this mode. Its location is the field of the object.
    pub fn of_finding(object: &ObjectReference, finding: Finding, mode: Mode) -> Self {
        let level = finding.enforced_level();
        let Finding { rule, problem, .. } = finding;
        let fixes = [(Safety::Safe, problem.fix), (Safety::Unsafe, problem.unsafe_fix)];
        let fixes = fixes.into_iter().filter(|(_, edits)| !edits.is_empty());
        let fixes = fixes.map(|(safety, edits)| Fix { title: Edit::described(&edits), safety, edits });
        Self {
            mode,
            object: Some(object.clone()),
            location: Location { path: Some(problem.at.to_string()), ..Location::default() },
            fixes: fixes.collect(),
            ..Self::new(rule.id, level, problem.message)
        }
    }

    /// How much it matters where it was found: in an audited namespace nothing is denied.
    pub fn severity(&self) -> Severity {
        match (self.mode, self.level) {
            (Mode::Enforce, Level::Error) => Severity::Error,
            (Mode::Enforce, Level::Fixable) | (_, Level::Error) => Severity::Warning,
            (_, Level::Fixable | Level::Warning) => Severity::Note,
        }
    }

    /// Whether it counts for an exit code that `fail_on` and everything worse makes 1.
    pub fn fails(&self, fail_on: Level) -> bool {
        self.suppressed.is_none() && self.mode == Mode::Enforce && self.level >= fail_on
    }
}

impl Report {
    /// Adds the content of another report, for example that of another cluster.
    pub fn append(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.gateways.get_or_insert_default().extend(other.gateways.unwrap_or_default());
        self.skipped.extend(other.skipped);
        self.leftovers.extend(other.leftovers);
        self.failures.extend(other.failures);
        self.objects += other.objects;
    }

    /// Whether its gateways and leftovers are those of several clusters.
    pub(crate) fn has_clusters(&self) -> bool {
        let rows = self.gateways.iter().flatten().map(|row| row.cluster.as_deref());
        rows.chain(self.leftovers.iter().map(|leftover| leftover.cluster.as_deref())).collect::<HashSet<_>>().len() > 1
    }

    /// Sorts findings and gateways by cluster, namespace, kind and name.
    pub fn sort_by_object(&mut self) {
        fn key<'r>(cluster: Option<&'r str>, object: Option<&'r ObjectReference>) -> [Option<&'r str>; 4] {
            let part = |part: fn(&ObjectReference) -> &str| object.map(part);
            [cluster, part(|object| &object.namespace), part(|object| &object.kind), part(|object| &object.name)]
        }
        self.findings.sort_by(|one, other| {
            key(one.cluster.as_deref(), one.object.as_ref()).cmp(&key(other.cluster.as_deref(), other.object.as_ref()))
        });
        if let Some(rows) = &mut self.gateways {
            rows.sort_by(|one, other| {
                key(one.cluster.as_deref(), Some(&one.object)).cmp(&key(other.cluster.as_deref(), Some(&other.object)))
            });
        }
    }

    /// Number of findings of a level, without suppressed ones.
    pub fn count(&self, level: Level) -> usize {
        self.counted().filter(|finding| finding.level == level).count()
    }

    /// Number of suppressed findings.
    pub fn suppressed(&self) -> usize {
        self.findings.len() - self.counted().count()
    }

    /// The suppressed findings of one kind of suppression.
    pub fn suppressed_by(&self, by: SuppressedBy) -> impl Iterator<Item = (&Diagnostic, &Suppression)> {
        let suppressed = self.findings.iter().filter_map(|finding| Some((finding, finding.suppressed.as_ref()?)));
        suppressed.filter(move |(_, suppression)| suppression.by == by)
    }

    /// Number of objects with a finding that is not suppressed.
    pub fn objects_with_findings(&self) -> usize {
        let of = |finding: &Diagnostic| {
            let object = finding.object.as_ref()?;
            Some((finding.cluster.clone(), object.clone(), finding.location.file.clone()))
        };
        self.counted().filter_map(of).collect::<HashSet<_>>().len()
    }

    /// The exit code: 2 if something could not be read or evaluated, else 1 if an enforced namespace has a finding of
    /// level `fail_on` or worse, else 0.
    pub fn exit_code(&self, fail_on: Level) -> u8 {
        match () {
            () if !self.failures.is_empty() => 2,
            () if self.findings.iter().any(|finding| finding.fails(fail_on)) => 1,
            () => 0,
        }
    }

    fn counted(&self) -> impl Iterator<Item = &Diagnostic> {
        self.findings.iter().filter(|finding| finding.suppressed.is_none())
    }
}
