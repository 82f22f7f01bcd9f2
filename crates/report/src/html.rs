//! The report as one HTML page, for people who have no terminal: managers, auditors, a page of a pipeline.
//!
//! The page needs nothing else: no script, no font, no request. Colors follow the reader's light or dark mode. It contains
//! no value of a setting, because a report contains none.

use super::gateway_row::{ObjectKey, by_object, object_of};
use super::location_text::{counted, describe, name, place};
use super::{Changes, Check, Diagnostic, GatewayRow, Level, Report, Skipped};
use apim_keyless_core::gateway::Authentication;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::collections::{BTreeMap, HashSet};

/// The style of the page. Every pair of colors has a contrast of at least 4.5 to 1 (WCAG 2.2, level AA).
const STYLE: &str = include_str!("html.css");

/// Cluster and namespace.
type ClusterNamespace<'r> = (&'r str, &'r str);

/// Renders a report as one page. `title` is its heading.
pub fn render(report: &Report, title: &str) -> String {
    let gateways = report.gateways.as_deref().unwrap_or_default();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { h1 { (title) } p { (super::text::summary(report).trim_end()) } }
                main {
                    @if report.gateways.is_some() { (numbers(gateways)) }
                    @if let Some(checks) = &report.checks { (of_checks(checks)) }
                    @if let Some(changes) = &report.changes { (since(changes)) }
                    @if !gateways.is_empty() { (namespaces(gateways)) }
                    @if !gateways.is_empty() { (of_gateways(report, gateways)) }
                    (of_other_objects(report, gateways))
                    @if !report.failures.is_empty() { (failures(report)) }
                    @if !report.leftovers.is_empty() { (leftovers(report)) }
                    @if !report.skipped.is_empty() { (skipped(&report.skipped)) }
                }
                footer { p { "Written by apim-keyless. The page holds no value of a setting." } }
            }
        }
    };
    page.into_string()
}

/// The large numbers at the top.
fn numbers(gateways: &[GatewayRow]) -> Markup {
    let count = |is_counted: &dyn Fn(&GatewayRow) -> bool| gateways.iter().filter(|row| is_counted(row)).count();
    let numbers = [
        ("keyless", "keyless", "workload identity, no error", count(&is_keyless)),
        (
            "fixable",
            "fixable",
            "an enforced namespace sets what is missing",
            count(&|row| row.level == Some(Level::Fixable)),
        ),
        ("error", "denied", "an enforced namespace denies them", count(&|row| row.level == Some(Level::Error))),
        (
            "unknown",
            "unknown",
            "the auth method cannot be read",
            count(&|row| row.summary.authentication == Authentication::Unknown),
        ),
    ];
    html! {
        section aria-labelledby="numbers" {
            h2 id="numbers" { (counted(gateways.len(), "gateway")) }
            dl.numbers {
                @for (class, label, meaning, count) in numbers {
                    div class=(class) { dt { (label) } dd data-count=(label) { (count) } dd.meaning { (meaning) } }
                }
            }
        }
    }
}

/// The checks of `doctor` and `verify`, with what came out of each.
fn of_checks(checks: &[Check]) -> Markup {
    html! {
        section aria-labelledby="checks" {
            h2 id="checks" { "Checks" }
            ul { @for check in checks { li { strong { (check.status.name()) } ": " (check.title) } } }
        }
    }
}

/// Whether a gateway authenticates with workload identity, and nothing denies it.
fn is_keyless(row: &GatewayRow) -> bool {
    row.summary.authentication == Authentication::WorkloadIdentity && row.level != Some(Level::Error)
}

/// What has changed since an earlier report, as a bar: fixed, unchanged and new findings.
fn since(changes: &Changes) -> Markup {
    let parts = [("fixed", changes.fixed.len()), ("unchanged", changes.unchanged), ("new", changes.new.len())];
    let total = parts.iter().map(|(_, count)| count).sum::<usize>().max(1);
    let mut start = 0;
    let bars = parts.map(|(class, count)| {
        let bar = (class, count, start * 1000 / total, count * 1000 / total);
        start += count;
        bar
    });
    let label = parts.map(|(class, count)| format!("{count} {class}")).join(", ");
    html! {
        section aria-labelledby="since" {
            h2 id="since" { "Since the earlier report" }
            svg viewBox="0 0 1000 40" preserveAspectRatio="none" role="img" aria-label=(format!("Findings: {label}")) {
                @for (class, _, from, width) in bars {
                    rect class=(class) x=(from) y="0" width=(width) height="40" {}
                }
            }
            ul.legend {
                @for (class, count, ..) in bars { li class=(class) { (count) " " (class) } }
            }
            @if !changes.lines().is_empty() {
                details { summary { "All changes" } ul { @for line in changes.lines() { li { (line) } } } }
            }
        }
    }
}

/// The table of the namespaces.
fn namespaces(gateways: &[GatewayRow]) -> Markup {
    let mut places: BTreeMap<ClusterNamespace<'_>, Vec<&GatewayRow>> = BTreeMap::new();
    for row in gateways {
        places.entry(place_of(row)).or_default().push(row);
    }
    let has_clusters = gateways.iter().any(|row| row.cluster.is_some());
    html! {
        section aria-labelledby="namespaces" {
            h2 id="namespaces" { "Namespaces" }
            div.wide tabindex="0" role="group" aria-label="Table of the namespaces" {
                table {
                    thead { tr {
                        @if has_clusters { th scope="col" { "Cluster" } }
                        @for heading in ["Namespace", "Mode", "Gateways", "Keyless", "Fixable", "Denied"] {
                            th scope="col" { (heading) }
                        }
                    } }
                    tbody { @for ((cluster, namespace), rows) in &places { tr {
                        @if has_clusters { td { (cluster) } }
                        th scope="row" { (or_dash(namespace)) }
                        td { (rows.first().map_or("", |row| row.mode.name())) }
                        td { (rows.len()) }
                        td { (rows.iter().filter(|row| is_keyless(row)).count()) }
                        td { (rows.iter().filter(|row| row.level == Some(Level::Fixable)).count()) }
                        td { (rows.iter().filter(|row| row.level == Some(Level::Error)).count()) }
                    } } }
                }
            }
        }
    }
}

/// Each gateway, which opens to its findings.
fn of_gateways(report: &Report, gateways: &[GatewayRow]) -> Markup {
    let findings = by_object(&report.findings);
    let of_row = |row: &GatewayRow| -> Vec<&Diagnostic> {
        let all = row.objects().filter_map(|object| findings.get(&object)).flatten().copied();
        all.filter(|finding| finding.suppressed.is_none()).collect()
    };
    html! {
        section aria-labelledby="gateways" {
            h2 id="gateways" { "Gateways" }
            @for row in gateways { (gateway(row, &of_row(row))) }
        }
    }
}

fn gateway(row: &GatewayRow, findings: &[&Diagnostic]) -> Markup {
    html! {
        details.gateway {
            summary {
                span class=(format!("level {}", row.level.map_or("keyless", Level::name))) {
                    (row.level.map_or("no finding", Level::name))
                }
                " " strong { (name(&row.object)) }
                " " span.facts {
                    @if let Some(cluster) = &row.cluster { (cluster) ", " }
                    (row.summary.authentication.name()) ", "
                    (row.summary.version.as_deref().unwrap_or(&row.summary.image)) ", "
                    "ServiceAccount " (or_dash(row.summary.service_account.as_deref().unwrap_or_default()))
                }
            }
            @if findings.is_empty() { p { "No findings." } }
            @for finding in findings { (self::finding(finding)) }
        }
    }
}

/// The findings that are of no gateway in the report.
fn of_other_objects(report: &Report, gateways: &[GatewayRow]) -> Markup {
    let of_gateways: HashSet<ObjectKey<'_>> = gateways.iter().flat_map(GatewayRow::objects).collect();
    let others: Vec<&Diagnostic> =
        report.counted().filter(|finding| !of_gateways.contains(&object_of(finding))).collect();
    html! {
        @if !others.is_empty() {
            section aria-labelledby="others" {
                h2 id="others" { "Other findings" }
                @for finding in others { (self::finding(finding)) }
            }
        }
    }
}

fn finding(finding: &Diagnostic) -> Markup {
    let written_at = place(&finding.location);
    html! {
        article.finding {
            h3 {
                span class=(format!("level {}", finding.level.name())) { (finding.level.name()) } " "
                @match &finding.help_uri {
                    Some(uri) => a href=(uri) { (finding.rule) },
                    None => (finding.rule),
                }
            }
            p { (finding.message) }
            p.place { (describe(finding)) @if finding.location.file.is_some() { ", " (written_at) } }
            @for fix in &finding.fixes { p.fix { (fix.noun()) ": " (fix.title) } }
        }
    }
}

fn failures(report: &Report) -> Markup {
    html! {
        section aria-labelledby="failures" {
            h2 id="failures" { "What could not be read" }
            ul { @for failure in &report.failures { li { (super::location_text::failure(failure)) } } }
        }
    }
}

fn leftovers(report: &Report) -> Markup {
    html! {
        section aria-labelledby="leftovers" {
            h2 id="leftovers" { "What no gateway uses any more" }
            ul { @for leftover in &report.leftovers { li { (leftover.line(report.has_clusters())) } } }
        }
    }
}

fn skipped(skipped: &[Skipped]) -> Markup {
    html! {
        section aria-labelledby="skipped" {
            h2 id="skipped" { "What was not evaluated" }
            ul { @for skipped in skipped {
                li {
                    @match &skipped.object {
                        Some(object) => (name(object)),
                        None => (place(&skipped.location)),
                    }
                    ": " (skipped.reason)
                }
            } }
        }
    }
}

fn place_of(row: &GatewayRow) -> ClusterNamespace<'_> {
    (row.cluster.as_deref().unwrap_or_default(), &row.object.namespace)
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}
