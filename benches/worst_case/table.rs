//! Prints the costs as a Markdown table.

use crate::cost::{Cost, as_float};
use std::fmt::Write;
use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- worst case -->\n";
const END: &str = "<!-- /worst case -->\n";

const HEAD: &str = "\
| body, kB | parse, ms | response, ms | ratio | of its limit | memory, MiB | bytes per byte | of its limit | endpoint: CPU, memory | shape |
|---|---|---|---|---|---|---|---|---|---|
";

/// The costs, in this order.
pub(crate) fn table(costs: &[Cost]) -> String {
    let mut table = HEAD.to_owned();
    for cost in costs {
        let (kilobytes, shape) = (as_float(cost.body as u64) / 1e3, &cost.shape);
        let Some(figures) = &cost.figures else {
            writeln!(table, "| {kilobytes:.0} | | more than a trial may take | | | | | | | {shape} |").unwrap();
            continue;
        };
        let (parse, (cpu, at)) = (figures.parse.as_secs_f64(), (figures.cpu.0.as_secs_f64(), figures.cpu.1.path()));
        let (memory, memory_at) = (figures.memory.0, figures.memory.1.path());
        writeln!(
            table,
            "| {kilobytes:.0} | {:.2} | {:.2} | {:.1} | {:.2} | {:.1} | {:.1} | {:.2} | `{at}`, `{memory_at}` | {shape} |",
            parse * 1e3,
            cpu * 1e3,
            cpu / parse,
            cost.cpu(),
            memory / 1024.0 / 1024.0,
            memory / as_float(cost.body as u64),
            cost.memory(),
        )
        .unwrap();
    }
    table
}

/// Replaces the text between the two markers in `docs/performance.md`.
pub(crate) fn write(text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    fs::write(path, format!("{before}{BEGIN}\n{text}\n{END}{after}")).unwrap();
}
