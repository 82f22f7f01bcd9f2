//! The policies for workloads: what the pod template alone shows.

use super::manifest::{AdmissionPolicy, Content, Validation};
use super::{Source, cel};
use apim_keyless_core::gateway::well_known::{DEFAULT_SERVICE_ACCOUNT, USE};
use apim_keyless_core::policy::{ControlledPods, Mode};
use serde_json::{Value, json};

/// Bounds, far above real gateways. A workload beyond one is not evaluated: an expression that costs more than the API
/// server allows would deny other applications.
const CONTAINERS: usize = 50;
const ENV: usize = 500;
const ENV_FROM: usize = 64;
/// Longest image name whose version is compared. A registry's path has at most 255 characters.
const VERSIONED_IMAGE: usize = 255;

/// The kinds with a pod template. A Pod is evaluated when it is created: later only its images can change.
pub(super) const CHANGEABLE: [&str; 3] = [
    "{apiGroups: [apps], apiVersions: [v1], resources: [daemonsets, deployments, replicasets, statefulsets], operations: [CREATE, UPDATE], scope: Namespaced}",
    "{apiGroups: [batch], apiVersions: [v1], resources: [cronjobs], operations: [CREATE, UPDATE], scope: Namespaced}",
    "{apiGroups: [\"\"], apiVersions: [v1], resources: [podtemplates, replicationcontrollers], operations: [CREATE, UPDATE], scope: Namespaced}",
];
/// The kinds whose pod template cannot change.
pub(super) const IMMUTABLE: [&str; 2] = [
    "{apiGroups: [batch], apiVersions: [v1], resources: [jobs], operations: [CREATE], scope: Namespaced}",
    "{apiGroups: [\"\"], apiVersions: [v1], resources: [pods], operations: [CREATE], scope: Namespaced}",
];

/// Writes the expressions of a rule, each with its message.
type Checks = fn(&Source<'_>) -> Vec<(String, String)>;

/// The policy for the rules in this mode; `None` if there is no such rule.
pub(super) fn validating(source: &Source<'_>, mode: Mode) -> Option<AdmissionPolicy> {
    let rules: [(&str, Checks); 5] = [
        ("auth-key-literal", |_| auth_key_literal()),
        ("auth-key-reference", |_| auth_key_reference()),
        ("missing-identity-label", |_| missing_identity_label()),
        ("missing-service-account", |_| missing_service_account()),
        ("unsupported-version", unsupported_version),
    ];
    let mut validations = Vec::new();
    for (id, checks) in rules.into_iter().filter(|(id, _)| source.mode(id) == mode) {
        let of_rule = checks(source).into_iter().map(|(holds, message)| Validation {
            expression: source.expression(id, &holds),
            message: super::coverage::message(id, &message),
        });
        validations.extend(of_rule);
    }
    if validations.is_empty() {
        return None;
    }
    Some(AdmissionPolicy {
        resources: CHANGEABLE.into_iter().chain(IMMUTABLE).map(str::to_owned).collect(),
        conditions: conditions(source),
        variables: variables(source),
        ..source.policy("workloads", mode, Content::Validations(validations))
    })
}

/// The conditions under which a workload is evaluated.
pub(super) fn conditions(source: &Source<'_>) -> Vec<(&'static str, String)> {
    let changes = format!(
        "request.operation == 'CREATE' ||\n\
         (!dyn(object).metadata.?deletionTimestamp.hasValue() &&\n  {} !=\n  {})",
        template("object"),
        template("oldObject")
    );
    let is_gateway = format!(
        "[{}].exists(t, [{}].exists(all,\n  \
         all.size() <= {CONTAINERS} &&\n  \
         all.map(c, c.?env.orValue([]).size()).sum() <= {ENV} &&\n  \
         all.map(c, c.?envFrom.orValue([]).size()).sum() <= {ENV_FROM} &&\n  \
         all.exists(c, {})))",
        template("object"),
        containers("t"),
        is_gateway(source)
    );
    let mut conditions = vec![
        ("changes-template", changes),
        ("is-gateway-within-bounds", is_gateway),
        ("is-not-mirror", cel::is_not_mirror()),
    ];
    if source.policy.controlled_pods == ControlledPods::Audit {
        conditions.push(("not-made-by-controller", cel::is_not_made_by_controller(source.policy)));
    }
    conditions
}

/// The variables of the expressions.
pub(super) fn variables(source: &Source<'_>) -> Vec<(&'static str, String)> {
    let gateways = format!("{}.filter(c, {})", containers("variables.template"), is_gateway(source));
    let allowed = cel::of_namespace(source.policy, |expected| Value::from(expected.allowed_secrets.clone()));
    let minimum = cel::of_namespace(source.policy, |expected| {
        let version = &expected.minimum_version;
        json!([version.major, version.minor, version.patch])
    });
    vec![
        ("template", template("object")),
        ("gateways", gateways),
        ("authenticating", authenticating(source)),
        ("allowedSecrets", allowed),
        ("minimumVersion", minimum),
        ("mayUseDefault", may_use_default(source)),
    ]
}

/// True if `default` may be an expected ServiceAccount.
fn may_use_default(source: &Source<'_>) -> String {
    let expected = cel::of_namespace(source.policy, |expected| {
        Value::from(expected.service_accounts.iter().any(|name| name == DEFAULT_SERVICE_ACCOUNT))
    });
    let annotation = cel::annotation("service-account");
    format!("{expected} || {annotation}.orValue('').contains('{DEFAULT_SERVICE_ACCOUNT}')")
}

/// The gateway containers that certainly authenticate. An ingress-only container needs no identity; whether it is one
/// can be in its ConfigMap, which a policy does not see.
fn authenticating(source: &Source<'_>) -> String {
    if source.options.no_ingress_only {
        return "variables.gateways".to_owned();
    }
    format!(
        "variables.gateways.filter(c,\n  \
         c.?env.orValue([]).exists(e, {}) ||\n  \
         c.?envFrom.orValue([]).exists(f, has(f.secretRef)) ||\n  \
         (!has(c.envFrom) && !c.?env.orValue([]).exists(e, e.name.lowerAscii().contains('ingress'))))",
        cel::is_config_service("e.name")
    )
}

/// The pod template of a workload; a Pod is its own. `dyn` keeps the API server from checking the expression against
/// the types of all kinds, of which each has only one of these fields.
pub(super) fn template(object: &str) -> String {
    format!(
        "(request.kind.kind == 'Pod' ? dyn({object}) : request.kind.kind == 'PodTemplate' ? dyn({object}).template :\n    \
         request.kind.kind == 'CronJob' ? dyn({object}).spec.jobTemplate.spec.template : dyn({object}).spec.template)"
    )
}

fn containers(template: &str) -> String {
    let list = |name: &str| format!("{template}.spec.?{name}.orValue([])");
    format!("({} + {} + {})", list("containers"), list("initContainers"), list("ephemeralContainers"))
}

/// True for a container that is certainly a gateway's by its image or by a setting that only a gateway has.
fn is_gateway(source: &Source<'_>) -> String {
    format!("({} ||\n  c.?env.orValue([]).exists(e, {}))", cel::is_image(source.policy), cel::is_certain("e.name"))
}

fn auth_key_literal() -> Vec<(String, String)> {
    let expression = format!(
        "!variables.gateways.exists(c, c.?env.orValue([]).exists(e,\n  {} &&\n  {}))",
        cel::is_auth("e.name"),
        cel::is_key("e.?value.orValue('')").replace('\n', "\n  ")
    );
    let message = "Remove config.service.auth from env, set config.service.auth: workloadIdentity in the gateway's \
                   ConfigMap and revoke the key: it is an auth key in plain text";
    vec![(expression, message.to_owned())]
}

fn auth_key_reference() -> Vec<(String, String)> {
    let in_env = format!(
        "!variables.gateways.exists(c, c.?env.orValue([]).exists(e,\n  {} &&\n  \
         (e.?valueFrom.?secretKeyRef.hasValue() || e.?valueFrom.?fileKeyRef.hasValue())))",
        cel::is_auth("e.name")
    );
    let whole = "!variables.gateways.exists(c, c.?envFrom.orValue([]).exists(f,\n  \
                 has(f.secretRef) && f.?prefix.orValue('') == '' &&\n  \
                 !(f.secretRef.?name.orValue('') in variables.allowedSecrets)))";
    vec![
        (
            in_env,
            "Remove config.service.auth from env and set config.service.auth: workloadIdentity in the gateway's \
             ConfigMap: it takes an auth key from a Secret or a file"
                .to_owned(),
        ),
        (
            whole.to_owned(),
            "Remove the Secret from envFrom of the gateway's container, or add it to allowedSecrets of the policy \
             document if it holds no auth key: any of its keys can set config.service.auth"
                .to_owned(),
        ),
    ]
}

fn missing_identity_label() -> Vec<(String, String)> {
    let expression = format!(
        "variables.authenticating.size() == 0 ||\n\
         variables.template.?metadata.?labels[?'{USE}'].orValue('') == 'true'"
    );
    vec![(expression, format!("Set label {USE}: \"true\" on the pod template: without it no identity is injected"))]
}

fn missing_service_account() -> Vec<(String, String)> {
    let expression = format!(
        "variables.authenticating.size() == 0 || variables.mayUseDefault ||\n\
         [variables.template.spec.?serviceAccountName.orValue(''), variables.template.spec.?serviceAccount.orValue('')]\n  \
         .exists(name, !(name in ['', '{DEFAULT_SERVICE_ACCOUNT}']))"
    );
    let message = "Set serviceAccountName to a ServiceAccount of the gateway: it runs under ServiceAccount default, which \
                   every Pod of the namespace can use";
    vec![(expression, message.to_owned())]
}

/// Compares the numbers of tags such as `2.9.2`, `v2.9` or `1`. `semver()` exists only since Kubernetes 1.34.
fn unsupported_version(source: &Source<'_>) -> Vec<(String, String)> {
    let number = "(0|[1-9][0-9]{0,8})";
    let tag = format!("(v?{number}([.]{number}){{0,2}}(-[0-9A-Za-z-]*)?|beta)");
    let further = cel::repositories(source.policy).map(|names| format!("|{names}")).unwrap_or_default();
    let repository =
        "([a-z0-9]+([.-][a-z0-9]+)*(:[0-9]+)?/)?([a-z0-9]+([._-][a-z0-9]+)*/)*azure-api-management/gateway";
    // a listed digest decides in place of the tag
    let digest = if source.policy.images.digests.is_empty() { "(@sha256:[0-9a-f]{64})?" } else { "" };
    let expression = format!(
        "!variables.authenticating\n  \
         .map(c, c.?image.orValue(''))\n  \
         .filter(i, i.size() <= {VERSIONED_IMAGE} && i.matches('^({repository}{further}):{tag}{digest}$'))\n  \
         .map(i, i.split('@')[0])\n  \
         .map(i, i.substring(i.lastIndexOf(':') + 1).split('-')[0])\n  \
         .exists(tag, tag == 'beta' || [tag.replace('v', '').split('.').map(n, int(n))].exists(n,\n    \
         n[0] < variables.minimumVersion[0] ||\n    \
         n.size() > 1 && n[0] == variables.minimumVersion[0] && (n[1] < variables.minimumVersion[1] ||\n      \
         n.size() > 2 && n[1] == variables.minimumVersion[1] && n[2] < variables.minimumVersion[2])))"
    );
    vec![(
        expression,
        "Use a newer image version of the gateway: the tag is older than the minimum version, from which on workload \
         identity is supported"
            .to_owned(),
    )]
}
