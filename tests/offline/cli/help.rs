//! The help of the binary names every command and flag.

use test_support::run::Folder;

/// The long flags of a help text, in order.
fn flags(help: &str) -> Vec<&str> {
    let words = help.lines().filter_map(|line| {
        let line = line.trim_start();
        let has_short = line.starts_with('-') && line.get(2..4) == Some(", ");
        line.get(if has_short { 4 } else { 0 }..)?.split([' ', '=']).next()
    });
    words.filter(|word| word.starts_with("--")).collect()
}

/// The flags of `doctor`.
const DOCTOR: &[&str] = &[
    "--kubeconfig",
    "--context",
    "--namespace",
    "--webhook-configurations",
    "--ca-secret",
    "--probe-namespace",
    "--wait",
    "--strict",
    "--color",
    "--help",
    // report
    "--output",
    "--quiet",
    "--fail-on",
    "--select",
    "--ignore",
];

/// The flags of `audit`.
const AUDIT: &[&str] = &[
    "--kubeconfig",
    "--context",
    "--all-contexts",
    "--namespace",
    "--policy",
    "--installation-namespace",
    "--mode",
    "--default-mode",
    "--details",
    "--secrets",
    "--since",
    "--watch",
    "--strict",
    "--color",
    "--help",
    // report
    "--output",
    "--quiet",
    "--fail-on",
    "--select",
    "--ignore",
];

/// The flags of `verify`.
const VERIFY: &[&str] = &[
    "--kubeconfig",
    "--context",
    "--namespace",
    "--sign-in",
    "--authority",
    "--ca",
    "--credentials",
    "--policy",
    "--installation-namespace",
    "--wait",
    "--strict",
    "--color",
    "--help",
    // report
    "--output",
    "--quiet",
    "--fail-on",
    "--select",
    "--ignore",
];

/// The flags of `check`.
const CHECK: &[&str] = &[
    "--mode",
    "--complete",
    "--kustomize",
    "--policy",
    "--namespace",
    "--strict",
    "--color",
    "--help",
    // report
    "--output",
    "--quiet",
    "--fail-on",
    "--select",
    "--ignore",
    "--baseline",
    "--write-baseline",
];

/// The flags of `plan`.
const PLAN: &[&str] = &[
    "--cluster",
    "--kubeconfig",
    "--context",
    "--namespace",
    "--issuer",
    "--scope",
    "--identity",
    "--output",
    "--credentials",
    "--subscription",
    "--tenant",
    "--resource-group",
    "--api-management",
    "--location",
    "--policy",
    "--color",
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
    "--otlp-endpoint",
    "--client-ca",
    "--client-name",
    "--color",
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
    "--long-reviews",
    "--response-timeout",
    // cache
    "--cluster",
    "--kubeconfig",
    "--scope",
    "--cache-mib",
    "--cache-stale-after",
    // audit
    "--audit-interval",
    "--audit-excluded-namespaces",
    // messages
    "--docs-url",
    "--quiet-mutations",
];

const MIGRATE: &[&str] = &[
    "--client-id",
    "--tenant-id",
    "--gateway-name",
    "--endpoint",
    "--service-account",
    "--image-tag",
    "--interactive",
    "--output-dir",
    "--diff",
    "--check",
    "--checklist",
    "--write-policy",
    "--policy",
    "--namespace",
    "--color",
    "--help",
];

const GENERATE_GATEWAY: &[&str] = &[
    "--name",
    "--namespace",
    "--client-id",
    "--endpoint",
    "--tenant-id",
    "--service-account",
    "--image-tag",
    "--output",
    "--color",
    "--help",
];
const GENERATE_MAP: &[&str] = &[
    "--policy",
    "--name",
    "--namespace",
    "--exclude-namespace",
    "--no-ingress-only",
    "--api-version",
    "--color",
    "--help",
];
const GENERATE_VAP: &[&str] = &[
    "--policy",
    "--name",
    "--namespace",
    "--exclude-namespace",
    "--no-ingress-only",
    "--list-rules",
    "--guard",
    "--user",
    "--group",
    "--ca-bundle-user",
    "--configurations",
    "--color",
    "--help",
];

#[test]
fn the_help_of_each_command_lists_its_flags() {
    let folder = Folder::with(&[]);
    for (command, expected) in [
        ("audit", AUDIT),
        ("certs", &["--certificates", "--color", "--help"][..]),
        ("check", CHECK),
        ("completions", &["--color", "--help"]),
        ("doctor", DOCTOR),
        ("explain", &["--object", "--policy", "--namespace", "--color", "--help"]),
        (
            "fix",
            &[
                "--diff",
                "--check",
                "--select",
                "--unsafe",
                "--mode",
                "--policy",
                "--namespace",
                "--complete",
                "--color",
                "--help",
            ],
        ),
        ("generate gateway", GENERATE_GATEWAY),
        ("generate map", GENERATE_MAP),
        ("generate vap", GENERATE_VAP),
        ("man", &["--color", "--help"]),
        ("migrate", MIGRATE),
        ("plan", PLAN),
        ("verify", VERIFY),
        ("version", &["--color", "--help"]),
        ("review", &["--mode", "--webhook", "--policy", "--color", "--help", "--docs-url", "--quiet-mutations"]),
        ("schema", &["--color", "--help"]),
        ("serve", SERVE),
    ] {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let ran = folder.run(&words);
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
    assert_eq!(
        names,
        [
            "audit",
            "certs",
            "check",
            "completions",
            "doctor",
            "explain",
            "fix",
            "generate",
            "migrate",
            "plan",
            "review",
            "schema",
            "serve",
            "verify",
            "version",
            "help"
        ]
    );
}

#[test]
fn the_help_lists_possible_values() {
    let folder = Folder::with(&[]);
    let check = folder.run(&["check", "--help"]).stdout;
    assert!(
        [
            "- github:",
            "- html:",
            "- json:",
            "- junit:",
            "- sarif:",
            "- text:",
            "- audit:",
            "- enforce:",
            "[default: default]"
        ]
        .iter()
        .all(|it| check.contains(it))
    );
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
