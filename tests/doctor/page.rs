//! docs/doctor.md lists every fault as it is, and no other.

use apim_keyless::doctor::Code;

#[test]
fn the_page_lists_every_fault_with_its_severity_its_sentence_and_its_cure() {
    let page = std::fs::read_to_string("docs/doctor.md").unwrap();
    let told: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let row = |code: &Code| format!("| `{code}` | {} | {} | {} |", code.severity().name(), code.sentence(), code.fix());
    let expected: Vec<String> = Code::all().iter().map(row).collect();
    assert_eq!(told, expected, "the table must be:\n{}", expected.join("\n"));
    assert!(Code::all().iter().map(ToString::to_string).is_sorted());
}
