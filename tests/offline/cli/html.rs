//! `--output html`: one page that needs nothing else, with the counts of the JSON report.

use apim_keyless_core::gateway::{Authentication, GatewaySummary, ObjectReference};
use apim_keyless_report::{
    Changes, Diagnostic, Failure, GatewayChange, GatewayRow, Leftover, Level, Location, Mode, Report, Skipped, html,
};
use serde_json::Value;
use test_support::browser::{Browser, ColorScheme};
use test_support::run::Folder;
use test_support::webhook::objects::{ARTICLE, CHART_TOKEN, OLD_IMAGE, PORTAL};

/// A key that must not be in the page.
const CANARY: &str = "GatewayKey canary&202701010000&c2VjcmV0";

fn folder() -> Folder {
    let data = "data:\n  config.service.endpoint";
    let literal = PORTAL.replace(data, &data.replace("data:\n", &format!("data:\n  config.service.auth: {CANARY}\n")));
    assert!(literal.contains(CANARY));
    Folder::with(&[
        ("article.yaml", ARTICLE),
        ("portal.yaml", &literal),
        ("chart.yaml", CHART_TOKEN),
        ("old.yaml", OLD_IMAGE),
    ])
}

/// The number that the page shows under this label.
fn number(page: &str, label: &str) -> usize {
    let start = format!("data-count=\"{label}\">");
    let (_, rest) = page.split_once(&start).unwrap_or_else(|| panic!("no {label} in {page}"));
    rest.split('<').next().unwrap().parse().unwrap()
}

#[test]
fn the_counts_are_those_of_the_json_report() {
    let folder = folder();
    let page = folder.run(&["check", ".", "--output", "html"]);
    let report = folder.run(&["check", ".", "--output", "json"]).json();
    assert_eq!(page.code, 1, "{}", page.stderr);
    let gateways = report["gateways"].as_array().unwrap();
    let count = |is_counted: &dyn Fn(&Value) -> bool| gateways.iter().filter(|row| is_counted(row)).count();
    let page = page.stdout;
    assert_eq!(number(&page, "denied"), count(&|row| row["level"] == "error"));
    assert_eq!(number(&page, "fixable"), count(&|row| row["level"] == "fixable"));
    assert_eq!(number(&page, "unknown"), count(&|row| row["authentication"] == "unknown"));
    let is_keyless = |row: &Value| row["authentication"] == "workloadIdentity" && row["level"] != "error";
    assert_eq!(number(&page, "keyless"), count(&is_keyless));
    assert!(number(&page, "keyless") > 0 && number(&page, "denied") > 0, "{page}");
    for finding in report["findings"].as_array().unwrap() {
        let message = finding["message"].as_str().unwrap().replace('"', "&quot;");
        assert!(page.contains(&message), "{message}\n{page}");
    }
}

#[test]
fn the_page_holds_no_value_and_requests_nothing() {
    let page = folder().run(&["check", ".", "--output", "html"]).stdout;
    assert!(!page.contains("canary") && !page.contains("c2VjcmV0"), "{page}");
    for loads in ["<script", "<link", "<img", "url(", "@import", "src="] {
        assert!(!page.contains(loads), "{loads}");
    }
    assert!(page.contains("default-src 'none'"));
}

/// A name is text, whatever it holds.
#[test]
fn names_are_escaped() {
    let gateway = OLD_IMAGE.replace("invoices", "\"<script>alert(1)</script>\"");
    let folder = Folder::with(&[("gateway.yaml", &gateway)]);
    let page = folder.run(&["check", ".", "--output", "html"]).stdout;
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
}

fn object(kind: &str, name: &str) -> ObjectReference {
    ObjectReference {
        api_version: "apps/v1".to_owned(),
        kind: kind.to_owned(),
        namespace: "apim".to_owned(),
        name: name.to_owned(),
    }
}

fn row(name: &str, authentication: Authentication, level: Option<Level>) -> GatewayRow {
    let summary = GatewaySummary {
        authentication,
        image: "mcr.microsoft.com/azure-api-management/gateway:2.11.2".to_owned(),
        version: Some("2.11.2".to_owned()),
        service_account: None,
        is_arc_extension: false,
    };
    GatewayRow { level, ..GatewayRow::new(object("Deployment", name), summary, Mode::Audit) }
}

/// A page with every part: findings, gateways in each state, changes since an earlier report, failures, what is skipped.
fn whole_page() -> String {
    let changes = Changes {
        fixed: vec!["auth-key-reference in Deployment apim/orders".to_owned()],
        new: vec!["rolling-version in Deployment apim/invoices".to_owned()],
        unchanged: 3,
        gateways: vec![GatewayChange {
            gateway: "Deployment apim/orders".to_owned(),
            from: Some("key".to_owned()),
            to: Some("workloadIdentity".to_owned()),
        }],
    };
    let levels = [Level::Error, Level::Fixable, Level::Warning];
    let findings = levels.map(|level| Diagnostic {
        object: Some(object("Deployment", level.name())),
        help_uri: Some("https://example.com/rule".to_owned()),
        ..Diagnostic::new("rolling-version", level, "Use a tag of one version")
    });
    let mut rows = levels.map(|level| row(level.name(), Authentication::Key, Some(level))).to_vec();
    rows.push(row("unknown", Authentication::Unknown, None));
    rows.push(row("keyless", Authentication::WorkloadIdentity, None));
    let leftover =
        |kind: &str| Leftover { cluster: None, object: object(kind, "old"), message: "delete it".to_owned() };
    let report = Report {
        findings: findings.to_vec(),
        gateways: Some(rows),
        changes: Some(changes),
        failures: vec![Failure { location: Location::default(), message: "cannot list pods".to_owned() }],
        skipped: vec![Skipped {
            location: Location::default(),
            object: Some(object("Namespace", "off")),
            reason: "it is off".to_owned(),
        }],
        leftovers: vec![leftover("Secret"), leftover("ReplicaSet")],
        ..Report::default()
    };
    html::render(&report, "Gateways")
}

#[test]
fn a_browser_shows_the_page_without_an_error_or_a_barrier() {
    let Some(browser) = Browser::find() else { return };
    let pages = [folder().run(&["check", ".", "--output", "html"]).stdout, whole_page()];
    for (page, colors) in pages.iter().flat_map(|page| [(page, ColorScheme::Light), (page, ColorScheme::Dark)]) {
        let opened = browser.open(page, colors);
        assert_eq!(opened.console, [] as [&str; 0], "{colors:?}");
        assert!(opened.document.contains("<main>"), "{}", opened.document);
        let violations = browser.accessibility_violations(page, colors);
        assert_eq!(violations, [] as [Value; 0], "{colors:?}");
    }
}

/// The browser test can fail: a request is blocked, and pale text is a barrier.
#[test]
fn a_browser_reports_a_request_and_pale_text() {
    let Some(browser) = Browser::find() else { return };
    let page = whole_page();
    let with_image = page.replace("<main>", "<main><img src=\"https://example.com/a.png\" alt=\"a\">");
    assert_ne!(browser.open(&with_image, ColorScheme::Light).console, [] as [&str; 0]);
    let faded = page.replace("--text: #1b1f24", "--text: #aaaaaa");
    let violations = browser.accessibility_violations(&faded, ColorScheme::Light);
    assert!(violations.iter().any(|one| one["id"] == "color-contrast"), "{violations:?}");
}
