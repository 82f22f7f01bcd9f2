//! docs/doctor.md lists exactly the codes of `doctor`.

use apim_keyless::doctor::{Code, CodeEntry};

#[test]
fn the_page_lists_every_code_with_level_summary_and_fix() {
    let page = std::fs::read_to_string("docs/doctor.md").unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let row = |code: &Code| {
        let CodeEntry { level, summary, fix } = code.entry();
        format!("| `{}` | {} | {summary} | {fix} |", code.id(), level.name())
    };
    let expected: Vec<String> = Code::all().iter().map(row).collect();
    assert_eq!(rows, expected, "the table must be:\n{}", expected.join("\n"));
    assert!(Code::all().iter().map(|code| code.id()).is_sorted());
}
