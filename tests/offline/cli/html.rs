//! `--output html`: one page that needs nothing else, with the counts of the JSON report.

use serde_json::Value;
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
