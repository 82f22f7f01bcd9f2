//! The inventory of a fleet as text: one row a gateway, then totals.

use super::text::{columns, summary};
use super::{Changes, GatewayRow, Level, Report, counted};
use apim_keyless_core::gateway::Authentication;
use apim_keyless_core::policy::printable;
use std::fmt::Write;

/// Renders the gateways as a table, one a line, then the totals, what has changed since an earlier report, and the last
/// line of the report.
pub fn render(report: &Report) -> String {
    let gateways = report.gateways.as_deref().unwrap_or_default();
    let mut text = String::new();
    if !gateways.is_empty() {
        text += &(table(gateways, report.has_clusters()) + "\n" + &totals(gateways) + "\n");
    }
    if !report.leftovers.is_empty() {
        let lines =
            report.leftovers.iter().map(|leftover| format!("  {}\n", printable(&leftover.line(report.has_clusters()))));
        text += &format!("What no gateway uses any more:\n{}\n", lines.collect::<String>());
    }
    // Writing to a String cannot fail.
    if let Some(changes) = &report.changes {
        for line in changes.lines() {
            _ = writeln!(text, "{}", printable(&line));
        }
        text += &since(changes);
    }
    text + &summary(report)
}

fn table(gateways: &[GatewayRow], has_clusters: bool) -> String {
    let heading = [
        "CLUSTER",
        "NAMESPACE",
        "NAME",
        "KIND",
        "MODE",
        "AUTHENTICATION",
        "VERSION",
        "SERVICEACCOUNT",
        "LEVEL",
        "BLOCKED BY",
    ];
    let rows = gateways.iter().map(|row| {
        let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { printable(text).into_owned() };
        [
            or_dash(row.cluster.as_deref().unwrap_or_default()),
            or_dash(&row.object.namespace),
            or_dash(&row.object.name),
            or_dash(&kind(row)),
            row.mode.name().to_owned(),
            row.summary.authentication.name().to_owned(),
            or_dash(version(row)),
            or_dash(row.summary.service_account.as_deref().unwrap_or_default()),
            or_dash(row.level.map(Level::name).unwrap_or_default()),
            or_dash(&row.blocked_by.join(",")),
        ]
    });
    let rows: Vec<[String; 10]> = std::iter::once(heading.map(str::to_owned)).chain(rows).collect();
    if !has_clusters {
        let without_cluster = |[_, rest @ ..]: [String; 10]| rest;
        return columns(&rows.into_iter().map(without_cluster).collect::<Vec<_>>());
    }
    columns(&rows)
}

/// The kind of a gateway, with a mark if Azure Arc installed it.
fn kind(row: &GatewayRow) -> String {
    format!("{}{}", row.object.kind, if row.summary.is_arc_extension { " (Arc)" } else { "" })
}

/// The version of a gateway, else the last part of its image.
fn version(row: &GatewayRow) -> &str {
    let image = row.summary.image.as_str();
    row.summary.version.as_deref().unwrap_or_else(|| image.rsplit_once('/').map_or(image, |(_, last)| last))
}

/// `30 gateways: 12 workloadIdentity, 18 key; 18 with an error, 4 fixable, 8 without a finding`
fn totals(gateways: &[GatewayRow]) -> String {
    let of_method = |method: Authentication| {
        (gateways.iter().filter(|row| row.summary.authentication == method).count(), method.name())
    };
    let methods = [
        Authentication::WorkloadIdentity,
        Authentication::Key,
        Authentication::EntraApp,
        Authentication::None,
        Authentication::Unknown,
    ];
    let methods: Vec<String> = methods
        .into_iter()
        .map(of_method)
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    let of_level = |level: Option<Level>| gateways.iter().filter(|row| row.level == level).count();
    format!(
        "{}: {}; {} with an error, {} fixable, {} with a warning, {} without a finding\n",
        counted(gateways.len(), "gateway"),
        methods.join(", "),
        of_level(Some(Level::Error)),
        of_level(Some(Level::Fixable)),
        of_level(Some(Level::Warning)),
        of_level(None),
    )
}

fn since(changes: &Changes) -> String {
    let Changes { fixed, new, unchanged, gateways } = changes;
    format!(
        "since the earlier report: {} fixed, {} new, {} unchanged; {}\n",
        counted(fixed.len(), "finding"),
        new.len(),
        unchanged,
        counted(gateways.len(), "changed gateway")
    )
}
