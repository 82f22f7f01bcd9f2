//! docs/verify.md lists exactly the codes of `verify` and of Entra.

use apim_keyless::doctor::CodeEntry;
use apim_keyless::verify::VerifyCode;
use apim_keyless_core::azure::sign_in_error::ERRORS;

fn rows(page: &str, columns: usize) -> Vec<&str> {
    let is_row = |line: &&str| line.starts_with("| `") && line.matches(" | ").count() == columns - 1;
    page.lines().filter(is_row).collect()
}

#[test]
fn the_page_lists_every_code_with_level_summary_and_fix() {
    let page = std::fs::read_to_string("docs/verify.md").unwrap();
    let row = |code: &VerifyCode| {
        let CodeEntry { level, summary, fix } = code.entry();
        format!("| `{}` | {} | {summary} | {fix} |", code.id(), level.name())
    };
    let expected: Vec<String> = VerifyCode::all().iter().map(row).collect();
    assert_eq!(rows(&page, 4), expected, "the table must be:\n{}", expected.join("\n"));
    assert!(VerifyCode::all().iter().map(|code| code.id()).is_sorted());
}

#[test]
fn the_page_lists_every_error_of_entra() {
    let page = std::fs::read_to_string("docs/verify.md").unwrap();
    let expected: Vec<String> =
        ERRORS.iter().map(|error| format!("| `{}` | {} | {} |", error.code, error.summary, error.fix)).collect();
    assert_eq!(rows(&page, 3), expected, "the table must be:\n{}", expected.join("\n"));
}
