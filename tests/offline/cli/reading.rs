//! What people have is read: lists of the API server, streams of JSON, other encodings, folders of a repository.

use std::process::Command;
use test_support::run::Folder;
use test_support::run::manifests::{KEYLESS, OUTDATED};

const POD: &str = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"NAME"},"spec":{"containers":[{"name":"g","image":"mcr.microsoft.com/azure-api-management/gateway:2.9.0"}]}}"#;

/// A Pod with an image that is too old.
fn pod(name: &str) -> String {
    POD.replace("NAME", name)
}

/// The file, line and column of each finding about the version, and the number of objects.
fn versions(folder: &Folder, arguments: &[&str]) -> (Vec<String>, u64) {
    let report = folder.report(arguments);
    let findings = report["findings"].as_array().unwrap().iter();
    let versions = findings.filter(|finding| finding["rule"] == "unsupported-version").map(|finding| {
        let at = &finding["location"];
        format!("{} {}:{}", finding["object"]["name"].as_str().unwrap(), at["line"], at["column"])
    });
    (versions.collect(), report["summary"]["objects"].as_u64().unwrap())
}

fn of_text(text: &str) -> (Vec<String>, u64) {
    versions(&Folder::with(&[("a.json", text)]), &["a.json"])
}

#[test]
fn a_file_with_several_names_is_evaluated_once() {
    let folder = Folder::with(&[("a/a.yaml", OUTDATED), ("b/c.yaml", OUTDATED)]);
    std::os::unix::fs::symlink("a.yaml", folder.path("a/link.yaml")).unwrap();
    std::fs::hard_link(folder.path("a/a.yaml"), folder.path("a/hard.yaml")).unwrap();
    std::os::unix::fs::symlink("../a", folder.path("b/folder")).unwrap();
    for (arguments, findings) in [
        (&["a/a.yaml", "./a/a.yaml"][..], 1),
        (&["a/a.yaml", "a/link.yaml", "a/hard.yaml", "a"], 1),
        (&["a", "a/link.yaml"], 1),
        (&["a", "a/", "."], 2),
        // a copy is another file
        (&["a/a.yaml", "b/c.yaml"], 2),
        (&["b", "a"], 2),
    ] {
        let (versions, objects) = versions(&folder, arguments);
        assert_eq!((versions.len(), objects), (findings, findings as u64), "{arguments:?}");
    }
    // under any name that is given, it must hold something
    let folder = Folder::with(&[("a/a.yaml", KEYLESS), ("a/b.yaml", "a: 1\n")]);
    assert_eq!(folder.check("a").code, 0);
    assert_eq!(folder.run(&["check", "a", "a/b.yaml"]).code, 2);
}

#[test]
fn a_raw_list_of_the_api_server_is_read() {
    let items = ["a", "b"].map(|name| pod(name).replace(r#""apiVersion":"v1","kind":"Pod","#, "")).join(",");
    let list =
        format!(r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{"resourceVersion":"1"}},"items":[{items}]}}"#);
    let (findings, objects) = of_text(&list);
    assert_eq!(objects, 2);
    let names: Vec<_> = findings.iter().filter_map(|finding| finding.split(' ').next()).collect();
    assert_eq!(names, ["a", "b"], "{findings:?}");
    // as YAML, and as a stream of two lists
    let yaml = "kind: PodList\napiVersion: v1\nitems:\n- metadata: {name: a}\n  spec:\n    containers:\n    - {name: g, image: \"mcr.microsoft.com/azure-api-management/gateway:2.9.0\"}\n";
    assert_eq!(of_text(yaml), (vec!["a 7:17".to_owned()], 1));
    assert_eq!(of_text(&format!("{list}\n{list}")).1, 4);
}

#[test]
fn a_stream_of_json_is_read_with_the_place_of_each_object() {
    let column = POD.find("\"image\"").unwrap() + 1;
    let shorter = "NAME".len() - "a".len();
    let lines = format!("{}\n{}\n", pod("a"), pod("b"));
    let expected = |place: (usize, usize)| format!("a {}:{}", place.0, place.1);
    let (findings, objects) = of_text(&lines);
    assert_eq!((objects, findings.len()), (2, 2));
    assert_eq!(findings[0], expected((1, column - shorter)));
    assert_eq!(findings[1], format!("b 2:{}", column - shorter));
    // without line breaks, and as one array
    let length = pod("a").chars().count();
    for (text, before) in [(format!("{}{}", pod("a"), pod("b")), 0), (format!("[{},{}]", pod("a"), pod("b")), 1)] {
        let (findings, _) = of_text(&text);
        assert_eq!(findings[0], expected((1, before + column - shorter)), "{text}");
        assert_eq!(findings[1], format!("b 1:{}", before + before + length + column - shorter), "{text}");
    }
}

#[test]
fn a_malformed_value_of_a_stream_does_not_hide_the_others() {
    let text = format!("{}\n{{\"apiVersion\": \"v1\", \"kind\n{}\n", pod("a"), pod("b"));
    let ran = Folder::with(&[("a.json", &text)]).run(&["check", "a.json"]);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert!(ran.stderr.starts_with("error: a.json:2:"), "{}", ran.stderr);
    assert_eq!(ran.stdout.matches("error[unsupported-version]").count(), 2, "{}", ran.stdout);
}

#[test]
fn a_line_of_many_objects_is_shown_in_part() {
    let items: Vec<String> = (0..200).map(|number| pod(&format!("pod-{number}"))).collect();
    let list = format!(r#"{{"apiVersion":"v1","kind":"List","items":[{}]}}"#, items.join(","));
    let ran = Folder::with(&[("a.json", &list)]).run(&["check", "a.json"]);
    assert_eq!(ran.stdout.matches("error[unsupported-version]").count(), 200);
    let longest = ran.stdout.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(longest < 500, "a line of {longest} characters");
    assert!(ran.stdout.contains("in Pod default/pod-199"), "{}", ran.stdout);
}

#[test]
fn other_encodings_and_line_breaks_are_read() {
    let folder = Folder::with(&[]);
    let text = OUTDATED.replace('\n', "\r\n");
    let encoded =
        |unit: fn(u16) -> [u8; 2]| format!("\u{feff}{text}").encode_utf16().flat_map(unit).collect::<Vec<_>>();
    folder.write("little.yaml", &encoded(u16::to_le_bytes));
    folder.write("big.yaml", &encoded(u16::to_be_bytes));
    folder.write("bom.yaml", format!("\u{feff}{text}").as_bytes());
    for file in ["little.yaml", "big.yaml", "bom.yaml"] {
        assert_eq!(versions(&folder, &[file]), (vec!["orders 12:9".to_owned()], 1), "{file}");
    }
}

#[test]
fn what_a_cluster_adds_does_not_matter() {
    let status = "status: {replicas: 1, conditions: [{type: Available, message: \"GatewayKeyless\"}]}\n";
    let metadata = "metadata: {name: orders, namespace: shop, managedFields: [{fieldsV1: {\"f:spec\": {}}}], \
                    annotations: {kubectl.kubernetes.io/last-applied-configuration: \"{}\"}}";
    let text = format!("{}{status}", KEYLESS.replace("metadata: {name: orders, namespace: shop}", metadata));
    let ran = Folder::with(&[("a.yaml", &text)]).check("a.yaml");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "no findings in 1 object, 1 gateway\n"));
}

#[test]
fn an_empty_list_is_no_error() {
    for text in ["{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[]}", "apiVersion: v1\nkind: List\nitems: []\n"] {
        let ran = Folder::with(&[]).feed(&["check", "-"], text);
        assert_eq!((ran.code, ran.stdout.as_str()), (0, "no findings in 0 objects, 0 gateways\n"), "{text}");
    }
}

#[test]
fn the_other_files_of_a_repository_are_skipped() {
    let folder = Folder::with(&[
        ("manifests/orders.yaml", KEYLESS),
        ("chart/Chart.yaml", "apiVersion: v2\nname: orders\nversion: 1.0.0\n"),
        ("chart/values.yaml", "image: {tag: \"1\"}\n"),
        (
            "chart/templates/deployment.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: {{ .Release.Name }}}\n",
        ),
        ("docker-compose.yaml", "services: {orders: {image: orders}}\n"),
        ("package.json", "{\"name\": \"orders\", \"version\": \"1.0.0\"}"),
        ("tsconfig.json", "// comments\n{\"compilerOptions\": {},}\n"),
        ("azure-pipelines.yml", "trigger: [main]\nsteps: []\n"),
        ("playbook.yaml", "- hosts: all\n"),
        ("datasources.yaml", "apiVersion: 1\ndatasources: []\n"),
        ("empty.yaml", "# nothing\n"),
    ]);
    folder.write("binary.json", b"\xff\xfe\xfd");
    let fifo = Command::new("mkfifo").arg(folder.path("pipe.yaml")).status().unwrap();
    assert!(fifo.success());
    std::os::unix::fs::symlink(folder.path("manifests/orders.yaml"), folder.path("link.json")).unwrap();
    let ran = folder.check(".");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
    assert!(ran.stdout.starts_with("no findings in 1 object, 1 gateway; skipped "), "{}", ran.stdout);
    for reason in ["not a regular file", "a template", "the metadata of a Helm chart", "without content", "not text"] {
        assert!(ran.stdout.contains(reason), "{reason}: {}", ran.stdout);
    }
}

#[test]
fn the_order_of_the_output_does_not_depend_on_threads() {
    let folder = Folder::with(&[]);
    for number in 0..60 {
        // files of very different lengths end at very different times
        let comment = "# comment\n".repeat(if number % 7 == 0 { 20_000 } else { 1 });
        let text = OUTDATED.replace("name: orders,", &format!("name: orders-{number},"));
        folder.write(&format!("{number:02}.yaml"), format!("{comment}{text}").as_bytes());
    }
    let first = folder.check(".").stdout;
    let places: Vec<&str> = first.lines().filter(|line| line.contains("--> ")).collect();
    let mut sorted = places.clone();
    sorted.sort_by_key(|line| line.trim_start().to_owned());
    assert_eq!((places.len(), &places), (60, &sorted));
    assert_eq!(folder.check(".").stdout, first);
}
