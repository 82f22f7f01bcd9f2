//! docs/doctor.md lists exactly the codes of `doctor`.

use apim_keyless::doctor::{CodeEntry, DoctorCode};

#[test]
fn the_page_lists_every_code_with_level_summary_and_fix() {
    let page = std::fs::read_to_string("docs/doctor.md").unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let row = |code: &DoctorCode| {
        let CodeEntry { level, summary, fix } = code.entry();
        format!("| `{}` | {} | {summary} | {fix} |", code.id(), level.name())
    };
    let expected: Vec<String> = DoctorCode::all().iter().map(row).collect();
    assert_eq!(rows, expected, "the table must be:\n{}", expected.join("\n"));
    assert!(DoctorCode::all().iter().map(|code| code.id()).is_sorted());
}
