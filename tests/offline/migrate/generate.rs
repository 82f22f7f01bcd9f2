//! `generate gateway`: what it writes has no finding.

use super::CLIENT;
use test_support::run::Folder;

const ENDPOINT: &str = "contoso.configuration.azure-api.net";

fn arguments<'a>(name: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let facts =
        ["generate", "gateway", "--name", name, "--namespace", "on", "--client-id", CLIENT, "--endpoint", ENDPOINT];
    [&facts[..], more].concat()
}

#[test]
fn the_objects_of_a_first_gateway_have_no_finding() {
    for name in ["orders", "Orders of the shop", "no", "1st"] {
        let folder = Folder::with(&[]);
        let ran = folder.run(&arguments(name, &[]));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{name}");
        folder.write("a.yaml", ran.stdout.as_bytes());
        let checked = folder.run(&["check", "a.yaml", "--complete", "--fail-on", "warning"]);
        assert_eq!(checked.code, 0, "{name}: {}\n{}", checked.everything(), ran.stdout);
        assert!(!ran.stdout.contains(['{', '}']), "{}", ran.stdout);
        assert_eq!(folder.run(&["migrate", "a.yaml", "--check"]).code, 0, "{name}");
    }
}

#[test]
fn a_sovereign_cloud_and_a_tenant_are_written() {
    let tenant = "2f4a6b8c-1111-2222-3333-444455556666";
    for (output, lines) in [
        (
            "manifests",
            [
                format!("azure.workload.identity/tenant-id: {tenant}"),
                "tokenAudience: https://azure-api.us/c".to_owned(),
            ],
        ),
        ("helm-values", [format!("azure.workload.identity/tenant-id: {tenant}"), "type: WorkloadIdentity".to_owned()]),
    ] {
        let more = ["--endpoint", "contoso.configuration.azure-api.us", "--tenant-id", tenant, "--output", output];
        let mut arguments = arguments("orders", &more);
        arguments.retain(|argument| *argument != ENDPOINT);
        arguments.remove(arguments.iter().position(|argument| *argument == "--endpoint").unwrap());
        let ran = Folder::with(&[]).run(&arguments);
        assert_eq!(ran.code, 0, "{}", ran.everything());
        for line in lines {
            assert!(ran.stdout.contains(&line), "{line}\n{}", ran.stdout);
        }
    }
}

#[test]
fn a_name_that_names_no_object_is_an_error() {
    let ran = Folder::with(&[]).run(&arguments("é", &[]));
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--name"), "{}", ran.stderr);
}

#[test]
fn the_name_of_the_instance_is_not_its_address() {
    let mut arguments = arguments("orders", &[]);
    arguments.iter_mut().filter(|argument| **argument == ENDPOINT).for_each(|argument| *argument = "contoso");
    let ran = Folder::with(&[]).run(&arguments);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("write the host of the configuration API, such as NAME"), "{}", ran.stderr);
}

#[test]
fn the_values_say_how_they_are_installed() {
    let ran = Folder::with(&[]).run(&arguments("orders", &["--output", "helm-values"]));
    let line = "# helm upgrade --install orders azure-api-management-gateway --repo https://azure.github.io/";
    assert!(ran.stdout.starts_with(line) && ran.stdout.contains(" --version 1."), "{}", ran.stdout);
}
