//! The time of a migration grows with its input, and not with the square of it.

use super::CLIENT;
use super::several::{ENDPOINT, config_map, gateway};
use std::time::{Duration, Instant};
use test_support::run::Folder;

/// The time of a migration of these files.
fn time(files: &[(String, String)], expected: &str) -> Duration {
    let files: Vec<(&str, &str)> = files.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    let folder = Folder::with(&files);
    let start = Instant::now();
    let ran = folder.run(&["migrate", "in", "--client-id", CLIENT]);
    let time = start.elapsed();
    assert!(ran.code == 0 && ran.stderr.ends_with(expected), "{}", ran.stderr);
    time
}

/// Asserts that four times as much takes less than ten times as long: the square would be sixteen times.
fn assert_linear(case: &str, files: impl Fn(usize) -> (Vec<(String, String)>, String)) {
    const SIZE: usize = 400;
    let time = |size| {
        let (files, expected) = files(size);
        time(&files, &expected)
    };
    // other tests run beside it: the fastest of a few runs counts, and they run in turns
    let mut fastest = [Duration::MAX; 2];
    for _ in 0..3 {
        fastest = [fastest[0].min(time(SIZE)), fastest[1].min(time(4 * SIZE))];
    }
    let [small, large] = fastest;
    assert!(large < 10 * small, "{case}: {SIZE} take {small:?}, and four times as many take {large:?}");
}

#[test]
fn one_gateway_among_many_secrets() {
    let secret = |number: usize| {
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s{number}, namespace: shop}}\nstringData: {{a: b}}\n")
    };
    assert_linear("Secrets", |size| {
        let lines = "        envFrom: [{configMapRef: {name: a-env}}]\n";
        let secrets = (0..size).map(secret);
        let objects = [config_map("a-env", ENDPOINT), gateway("a", lines)].into_iter().chain(secrets);
        let text = objects.collect::<Vec<_>>().join("---\n");
        (vec![("in/a.yaml".to_owned(), text)], "1 gateway migrated in 1 file\n".to_owned())
    });
}

#[test]
fn many_gateways_of_one_config_map() {
    let lines = "        envFrom: [{configMapRef: {name: shared}}]\n";
    let gateways = |size: usize| (0..size).map(move |number| (number, gateway(&format!("g{number}"), lines)));
    assert_linear("gateways in one file", |size| {
        let objects = [config_map("shared", ENDPOINT)].into_iter().chain(gateways(size).map(|(_, text)| text));
        let text = objects.collect::<Vec<_>>().join("---\n");
        (vec![("in/a.yaml".to_owned(), text)], format!("{size} gateways migrated in 1 file\n"))
    });
    assert_linear("gateways in a file each", |size| {
        let settings = [("in/z.yaml".to_owned(), config_map("shared", ENDPOINT))];
        let files = gateways(size).map(|(number, text)| (format!("in/{number}.yaml"), text));
        (settings.into_iter().chain(files).collect(), format!("{size} gateways migrated in {} files\n", size + 1))
    });
}

#[test]
fn many_gateways_with_a_secret_each() {
    assert_linear("gateways and Secrets", |size| {
        let objects = (0..size).map(|number| {
            let name = format!("g{number}");
            let lines = "        - {name: config.service.endpoint, value: contoso.configuration.azure-api.net}\n";
            let secret = format!(
                "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}-token, namespace: shop}}\nstringData: {{value: \
                 \"GatewayKey {name}&202601010000&c2ln\"}}\n"
            );
            [secret, gateway(&name, lines)].join("---\n")
        });
        let text = objects.collect::<Vec<_>>().join("---\n");
        (vec![("in/a.yaml".to_owned(), text)], format!("{size} gateways migrated in 1 file\n"))
    });
}
