//! The help of the binary names every command and flag.

use test_support::run::Folder;

/// The long flags of a help text, in order.
fn flags(help: &str) -> Vec<&str> {
    let words = help.lines().filter_map(|line| {
        let line = line.trim_start();
        line.strip_prefix("-h, ").or_else(|| line.strip_prefix("-V, ")).unwrap_or(line).split([' ', '=']).next()
    });
    words.filter(|word| word.starts_with("--")).collect()
}

/// The flags of `doctor`.
const DOCTOR: &[&str] = &[
    "--kubeconfig",
    "--namespace",
    "--webhook-configurations",
    "--ca-secret",
    "--probe-namespace",
    "--output",
    "--strict",
    "--help",
];

/// The flags of `serve`, by heading.
const SERVE: &[&str] = &[
    // options
    "--listen",
    "--health-listen",
    "--policy",
    "--examples",
    "--drain-seconds",
    "--log-format",
    "--client-ca",
    "--client-name",
    "--help",
    // certificate
    "--certificate-source",
    "--certificates",
    "--name",
    "--ca-secret",
    "--webhook-configurations",
    "--ca-validity",
    "--certificate-validity",
    "--propagation-delay",
    "--ca-overlap",
    "--check-interval",
    // limits
    "--connections",
    "--handshakes",
    "--handshake-timeout",
    "--keep-alive-idle",
    "--header-timeout",
    "--header-bytes",
    "--headers",
    "--body-timeout",
    "--body-bytes",
    "--bodies-bytes",
    "--reviews",
    "--response-timeout",
    // cache
    "--cluster",
    "--kubeconfig",
    "--scope",
    "--cache-mib",
    // messages
    "--docs-url",
    "--quiet-mutations",
];

#[test]
fn the_help_of_each_command_lists_its_flags() {
    let folder = Folder::with(&[]);
    for (command, expected) in [
        ("certs", &["--certificates", "--help"][..]),
        ("check", &["--output", "--mode", "--policy", "--namespace", "--strict", "--help"]),
        ("doctor", DOCTOR),
        ("explain", &["--help"]),
        ("review", &["--mode", "--webhook", "--policy", "--help", "--docs-url", "--quiet-mutations"]),
        ("serve", SERVE),
    ] {
        let ran = folder.run(&[command, "--help"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{command}");
        assert_eq!(flags(&ran.stdout), expected, "{command}: {}", ran.stdout);
    }
}

#[test]
fn the_help_lists_the_commands() {
    let ran = Folder::with(&[]).run(&["--help"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let (_, commands) = ran.stdout.split_once("Commands:\n").unwrap();
    let names: Vec<&str> = commands
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|word| !word.is_empty()))
        .collect();
    assert_eq!(names, ["certs", "check", "doctor", "explain", "review", "serve", "help"]);
}

#[test]
fn the_help_lists_possible_values() {
    let folder = Folder::with(&[]);
    let check = folder.run(&["check", "--help"]).stdout;
    assert!(["- json:", "- text:", "- audit:", "- enforce:", "[default: default]"].iter().all(|it| check.contains(it)));
    let review = folder.run(&["review", "--help"]).stdout;
    assert!(["- mutating:", "- validating:"].iter().all(|it| review.contains(it)));
}

#[test]
fn without_a_command_the_commands_are_listed() {
    let ran = Folder::with(&[]).run(&[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("\nCommands:\n"), "{}", ran.stderr);
}

#[test]
fn the_version_is_that_of_the_package() {
    let ran = Folder::with(&[]).run(&["--version"]);
    assert_eq!((ran.code, ran.stdout), (0, format!("apim-keyless {}\n", env!("CARGO_PKG_VERSION"))));
}
