//! `explain`: the list of rules, and the docs of each.

use test_support::run::Folder;

#[test]
fn every_listed_rule_has_docs() {
    let folder = Folder::with(&[]);
    let list = folder.run(&["explain"]);
    assert_eq!((list.code, list.stderr.as_str()), (0, ""));
    assert!(list.stdout.lines().count() >= 11, "{}", list.stdout);
    for line in list.stdout.lines() {
        let [rule, mode, _, ..] = line.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert!(["audit", "enforce"].contains(&mode), "{line}");
        let page = folder.run(&["explain", rule]);
        assert_eq!((page.code, page.stderr.as_str()), (0, ""), "{rule}");
        assert!(page.stdout.starts_with(&format!("# {rule}\n")), "{rule}: {}", page.stdout);
        assert!(page.stdout.contains("\n```yaml\n# "), "{rule} has no example");
    }
}

#[test]
fn the_list_is_in_alphabetical_order() {
    let list = Folder::with(&[]).run(&["explain"]).stdout;
    let rules: Vec<&str> = list.lines().collect();
    assert!(rules.is_sorted(), "{list}");
}

#[test]
fn a_misspelled_rule_is_reported_with_the_nearest_one() {
    Folder::with(&[])
        .run(&["explain", "auth-key-litteral"])
        .failed_with("error: there is no rule auth-key-litteral; did you mean auth-key-literal?\n");
}

#[test]
fn an_unknown_rule_is_reported_with_the_command_that_lists_all() {
    Folder::with(&[])
        .run(&["explain", "x"])
        .failed_with("error: there is no rule x; run `apim-keyless explain` to list all rules\n");
}
