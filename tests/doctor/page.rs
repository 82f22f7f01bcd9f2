//! docs/doctor.md lists every fault as it is, and no other.

use apim_keyless::doctor::Fault;

#[test]
fn the_page_lists_every_fault_with_its_severity_its_sentence_and_its_cure() {
    let page = std::fs::read_to_string("docs/doctor.md").unwrap();
    let told: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let row = |fault: &Fault| {
        format!("| `{fault}` | {} | {} | {} |", fault.severity().name(), fault.sentence(), fault.cure())
    };
    let expected: Vec<String> = Fault::all().iter().map(row).collect();
    assert_eq!(told, expected, "the table must be:\n{}", expected.join("\n"));
    assert!(Fault::all().iter().map(ToString::to_string).is_sorted());
}
