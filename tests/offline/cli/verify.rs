//! `verify` without a cluster: flags and files that cannot be used.

use test_support::run::Folder;

#[test]
fn flags_and_files_that_cannot_be_used_are_named() {
    let folder = Folder::with(&[("empty", ""), ("text", "canary"), ("policy", "a: canary")]);
    for (arguments, message) in [
        (&["--authority", "https://login.microsoftonline.com"][..], "--sign-in"),
        (&["--ca", "empty"], "--sign-in"),
        (
            &["--sign-in", "--authority", "http://login.microsoftonline.com"],
            "write an https:// URL, such as https://login",
        ),
        (&["--sign-in", "--authority", "https://login.microsoftonline.com/?a=b"], "write an https:// URL"),
        (&["--sign-in", "--ca", "nowhere"], "nowhere: the file does not exist; check the path\n"),
        (&["--sign-in", "--ca", "text"], "text: "),
        (&["--credentials", "text"], "text:1:1: the text is not JSON; write the output of `az"),
        (&["--policy", "policy"], "policy:"),
        (&["--namespace", "A"], "write the name of a namespace"),
        (&["--select", "deployment-missing"], "--select: this command has no rule or code \"deployment-missing\""),
    ] {
        let ran = folder.run(&[&["verify"], arguments].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.stderr.contains(message) && !ran.stderr.contains("canary"), "{arguments:?}: {}", ran.stderr);
    }
    let ran = folder.run(&["verify", "--kubeconfig", "nowhere", "--output", "json"]);
    let report = ran.json();
    test_support::report_schema::assert_valid(&report);
    assert_eq!((ran.code, report["summary"]["failures"].as_u64()), (2, Some(1)));
}
