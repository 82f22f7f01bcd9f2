//! The chart renders the intended objects for many combinations of values, and a real API server accepts them.

pub(crate) mod definitions;
mod values;

use apim_keyless::cli::{Cli, Command};
use apim_keyless::server::Drain;
use apim_keyless_core::policy::{NamespaceSetting, Policy, rules::RULES};
use clap::Parser;
use serde_json::{Value, json};
use test_support::helm::{CHART, Helm};
use test_support::webhook::{Webhook, documents};
use values::{HOST_NETWORK, INVALID, MATRIX};

/// The only object of this kind.
fn one<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let mut found = objects.iter().filter(|object| object["kind"] == kind);
    let one = found.next().unwrap_or_else(|| panic!("no {kind} is rendered"));
    assert!(found.next().is_none(), "more than one {kind} is rendered");
    one
}

#[test]
fn the_plain_manifests_are_what_the_chart_renders() {
    let Some(helm) = Helm::shared() else { return };
    let namespace = "createNamespace=true";
    for (file, values) in
        [("deploy/install.yaml", &[namespace][..]), ("deploy/audit-only.yaml", &[namespace, "enforcement=false"])]
    {
        let rendered = helm.template(values).success();
        assert!(std::fs::read_to_string(file).unwrap() == rendered, "{file} is not what make render writes");
    }
}

#[test]
fn lint_has_no_complaint_about_any_values() {
    let Some(helm) = Helm::shared() else { return };
    for (name, values) in MATRIX {
        let mut arguments = vec!["lint", CHART, "--strict", "--quiet"];
        arguments.extend(values.iter().flat_map(|value| ["--set-json", value]));
        let output = helm.call(&arguments);
        assert!(output.is_success && output.stdout.is_empty(), "{name}: {}{}", output.stdout, output.stderr);
    }
}

#[test]
fn invalid_values_are_rejected_with_their_place_and_the_valid_values() {
    let Some(helm) = Helm::shared() else { return };
    for (value, message) in INVALID {
        let output = helm.template(&[value]);
        assert!(!output.is_success && output.stderr.contains(message), "{value}: {}", output.stderr);
    }
}

#[test]
fn the_schema_contains_every_rule() {
    let schema = std::fs::read_to_string("deploy/chart/values.schema.json").unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let known = schema.pointer("/$defs/policy/properties/rules/properties").unwrap().as_object().unwrap();
    assert!(known.keys().eq(RULES.iter().map(|rule| rule.id)), "{known:?}");
}

#[test]
fn the_schema_has_the_keys_and_forms_of_the_policy() {
    let schema = std::fs::read_to_string("deploy/chart/values.schema.json").unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let definition = |reference: &Value| {
        let pointer = reference["$ref"].as_str().unwrap().trim_start_matches('#').to_owned();
        schema.pointer(&pointer).unwrap().clone()
    };
    for (name, is_default) in [("expectations", false), ("defaults", true)] {
        let properties = schema["$defs"][name]["properties"].as_object().unwrap();
        let known = NamespaceSetting::all().iter().filter(|setting| !is_default || setting.can_be_default());
        let known: Vec<_> = known.collect();
        assert!(properties.keys().eq(known.iter().map(|setting| setting.field())), "{properties:?}");
        for setting in known {
            let mut value = definition(&properties[setting.field()]);
            if setting.can_be_list() {
                let (one, list) = (&value["anyOf"][0], &value["anyOf"][1]);
                assert_eq!((&list["items"], &list["minItems"]), (one, &json!(1)), "{setting:?}");
                value = definition(one);
            }
            let form = setting.form();
            assert_eq!(value["pattern"], form.pattern, "{setting:?}");
            assert_eq!(value["maxLength"].as_u64(), form.max_length.map(|length| length as u64), "{setting:?}");
        }
    }
}

/// The arguments of the container, parsed as the binary parses them.
fn arguments(deployment: &Value) -> apim_keyless::cli::ServeArguments {
    let arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"].as_array().unwrap();
    let arguments = ["apim-keyless"].into_iter().chain(arguments.iter().map(|argument| argument.as_str().unwrap()));
    match Cli::try_parse_from(arguments).unwrap().command {
        Command::Serve(serve) => *serve,
        _ => panic!("the container doesn't serve"),
    }
}

#[test]
fn every_rendering_has_a_valid_policy_a_sufficient_grace_period_no_secret_and_no_ca_bundle() {
    let Some(helm) = Helm::shared() else { return };
    for (name, values) in MATRIX {
        let text = helm.template(values).success();
        assert!(!text.contains("caBundle:"), "{name}");
        let objects = documents(&text);
        assert!(objects.iter().all(|object| object["kind"] != "Secret"), "{name}");
        let policy = objects.iter().find_map(|object| object["data"]["policy.yaml"].as_str()).unwrap();
        Policy::parse(policy).unwrap_or_else(|error| panic!("{name}: {error}"));
        let deployment = one(&objects, "Deployment");
        let drain = Drain::default();
        let longest = arguments(deployment).drain_seconds + (drain.idle_wait + drain.timeout).as_secs();
        let grace = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap();
        assert!((longest + 10..longest + 60).contains(&grace), "{name}: {longest} s, {grace} s");
    }
}

/// The ports on which the webhook of a rendering listens, which must be those that its container, its probes and its
/// Services name.
fn ports(objects: &[Value]) -> [u16; 2] {
    let deployment = one(objects, "Deployment");
    let serve = arguments(deployment);
    let listening = [serve.listen.port(), serve.health_listen.port()];
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let named = [("https", listening[0]), ("health", listening[1])];
    let declared = named.map(|(name, port)| json!({"name": name, "containerPort": port}));
    assert_eq!(container["ports"], json!(declared));
    for probe in ["livenessProbe", "readinessProbe"] {
        assert_eq!(container[probe]["httpGet"]["port"], "health");
    }
    for service in objects.iter().filter(|object| object["kind"] == "Service") {
        // a headless Service does not translate its port
        let is_headless = service["spec"]["clusterIP"] == "None";
        let expected = if is_headless {
            json!({"name": "health", "port": listening[1], "targetPort": "health"})
        } else {
            json!({"name": "https", "port": 443, "targetPort": "https"})
        };
        assert_eq!(service["spec"]["ports"], json!([expected]));
    }
    listening
}

#[test]
fn every_rendering_listens_where_it_is_called() {
    let Some(helm) = Helm::shared() else { return };
    for (name, values) in MATRIX {
        let objects = documents(&helm.template(values).success());
        let expected = match *name {
            "other ports" | "the network of the nodes" => [9443, 9080],
            "a port" => [10443, 8080],
            _ => [8443, 8080],
        };
        assert_eq!(ports(&objects), expected, "{name}");
    }
}

#[test]
fn on_the_network_of_the_nodes_pods_are_admitted_and_a_rollout_needs_no_further_node() {
    let Some(helm) = Helm::shared() else { return };
    let rendered = |values: &[&str]| documents(&helm.template(values).success());
    let (usual, host) = (rendered(&[]), rendered(HOST_NETWORK));
    let strategy = |objects: &[Value]| one(objects, "Deployment")["spec"]["strategy"]["rollingUpdate"].clone();
    assert_eq!(strategy(&usual), json!({"maxSurge": 1, "maxUnavailable": 0}));
    assert_eq!(strategy(&host), json!({"maxSurge": 0, "maxUnavailable": 1}));
    let pod = |objects: &[Value], field: &str| one(objects, "Deployment")["spec"]["template"]["spec"][field].clone();
    assert_eq!([pod(&usual, "hostNetwork"), pod(&usual, "dnsPolicy")], [Value::Null, Value::Null]);
    assert_eq!([pod(&host, "hostNetwork"), pod(&host, "dnsPolicy")], [json!(true), json!("ClusterFirstWithHostNet")]);
    assert!(host.iter().all(|object| object["kind"] != "NetworkPolicy"), "it would protect nothing");
    // else the API server would deny the Pods
    let level = |values: &[&str]| {
        let objects = rendered(&[&["createNamespace=true"], values].concat());
        one(&objects, "Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"].clone()
    };
    assert_eq!([level(&[]), level(HOST_NETWORK)], [json!("restricted"), json!("privileged")]);
}

#[test]
fn a_release_that_does_not_manage_the_ca_may_not_write() {
    let Some(helm) = Helm::shared() else { return };
    let resources = ["namespaces", "serviceaccounts", "configmaps"];
    let reading = json!({"apiGroups": [""], "resources": resources, "verbs": ["list", "watch"]});
    for source in ["files", "cert-manager"] {
        let objects = documents(&helm.template(&[&format!("certificates.source=\"{source}\"")]).success());
        assert_eq!(one(&objects, "ClusterRole")["rules"], json!([reading]));
        assert!(objects.iter().all(|object| object["kind"] != "Role"), "{source}");
    }
    let objects = documents(&helm.template(&[]).success());
    assert_eq!(one(&objects, "ClusterRole")["rules"].as_array().map(Vec::len), Some(2));
    assert_eq!(one(&objects, "Role")["rules"][0]["resourceNames"], json!(["apim-keyless-ca"]));
}

#[test]
fn the_audit_has_its_arguments_and_rights_only_if_its_interval_is_set() {
    let Some(helm) = Helm::shared() else { return };
    let rules = |values: &[&str]| {
        let objects = documents(&helm.template(values).success());
        let roles = objects.iter().filter(|object| object["kind"].as_str().is_some_and(|kind| kind.ends_with("Role")));
        roles.flat_map(|role| role["rules"].as_array().unwrap().clone()).collect::<Vec<Value>>()
    };
    let (without, with) = (rules(&[]), rules(&["audit.interval=\"90m\""]));
    for value in ["audit.interval=\"\"", "audit.interval=0", "audit.interval=\"0\""] {
        assert_eq!(rules(&[value]), without, "{value}");
    }
    assert!(without.iter().all(|rule| with.contains(rule)) && with.len() > without.len());
    let added: Vec<&Value> = with.iter().filter(|rule| !without.contains(rule)).collect();
    assert!(added.iter().all(|rule| !rule["resources"].as_array().unwrap().contains(&json!("secrets"))), "{added:?}");
    for (values, interval) in [(&[][..], 0), (&["audit.interval=\"90m\"", "excludedNamespaces=[\"a\"]"], 90 * 60)] {
        let objects = documents(&helm.template(values).success());
        let audit = arguments(one(&objects, "Deployment")).audit;
        assert_eq!(audit.audit_interval.as_secs(), interval);
        let excluded: &[&str] =
            if interval == 0 { &[] } else { &["kube-system", "kube-public", "kube-node-lease", "apim-keyless", "a"] };
        assert_eq!(audit.audit_excluded_namespaces, excluded);
    }
}

/// The paths that the API server calls for a namespace with this mode label.
fn paths(objects: &[Value], mode: Option<&str>) -> Vec<String> {
    let webhooks = objects.iter().filter(|object| object["kind"].as_str().unwrap().ends_with("WebhookConfiguration"));
    let mut paths: Vec<String> = webhooks
        .flat_map(|configuration| configuration["webhooks"].as_array().unwrap())
        // this entry gets Namespaces of every mode
        .filter(|webhook| webhook["name"] != "namespaces.apim-keyless.dev")
        .filter(|webhook| {
            let by_mode = &webhook["namespaceSelector"]["matchExpressions"][0];
            assert_eq!(by_mode["key"], "apim-keyless.dev/mode");
            let is_listed = by_mode["values"].as_array().unwrap().iter().any(|value| value.as_str() == mode);
            is_listed == (by_mode["operator"] == "In")
        })
        .map(|webhook| webhook["clientConfig"]["service"]["path"].as_str().unwrap().to_owned())
        .collect();
    paths.dedup();
    paths
}

#[test]
fn each_mode_of_a_namespace_has_its_paths() {
    const ENFORCE: &[&str] = &["/enforce/mutate", "/enforce/validate"];
    const AUDIT: &[&str] = &["/audit/validate"];
    let Some(helm) = Helm::shared() else { return };
    // values, and the paths for namespaces without the label, with audit, enforce, off and a misspelled mode
    for (values, expected) in [
        (&[][..], [&[][..], AUDIT, ENFORCE, &[], &[]]),
        (&["enforcement=false"], [&[], AUDIT, AUDIT, &[], &[]]),
        (&["scope=\"cluster\""], [AUDIT, AUDIT, ENFORCE, &[], AUDIT]),
        (&["scope=\"cluster\"", "defaultMode=\"enforce\""], [ENFORCE, AUDIT, ENFORCE, &[], ENFORCE]),
        (&["scope=\"cluster\"", "enforcement=false"], [AUDIT, AUDIT, AUDIT, &[], AUDIT]),
        (&["scope=\"cluster\"", "enforcement=false", "defaultMode=\"enforce\""], [AUDIT, AUDIT, AUDIT, &[], AUDIT]),
    ] {
        let objects = documents(&helm.template(values).success());
        for (mode, expected) in
            [None, Some("audit"), Some("enforce"), Some("off"), Some("enforced")].iter().zip(expected)
        {
            assert_eq!(paths(&objects, *mode), expected, "{values:?} {mode:?}");
        }
    }
}

#[test]
fn the_document_and_the_webhooks_agree_on_pods_of_controllers() {
    let Some(helm) = Helm::shared() else { return };
    for (values, is_sent) in [(&[][..], false), (&["policy.controlledPods=\"enforce\""], true)] {
        let text = helm.template(values).success();
        assert_eq!(!text.contains("not-made-by-its-controller"), is_sent);
        assert_eq!(text.contains("controlledPods: enforce"), is_sent);
    }
}

#[test]
fn further_resources_are_in_every_rule_list_and_their_controllers_in_the_document() {
    let Some(helm) = Helm::shared() else { return };
    let (_, values) = MATRIX.iter().find(|(name, _)| *name == "further kinds").unwrap();
    let objects = documents(&helm.template(values).success());
    let configurations = objects.iter().filter(|object| object["webhooks"].is_array());
    let webhooks = configurations.flat_map(|object| object["webhooks"].as_array().unwrap());
    let webhooks: Vec<&Value> = webhooks.filter(|webhook| webhook["name"] != "namespaces.apim-keyless.dev").collect();
    assert_eq!(webhooks.len(), 4);
    for webhook in webhooks {
        let rules = webhook["rules"].as_array().unwrap();
        for (group, resource) in
            [("argoproj.io", "rollouts"), ("argoproj.io", "clonesets"), ("serving.knative.dev", "services")]
        {
            let has = |list: &Value, text: &str| list.as_array().unwrap().iter().any(|one| one == text);
            let is_sent = |rule: &Value| has(&rule["apiGroups"], group) && has(&rule["resources"], resource);
            assert!(rules.iter().any(is_sent), "{} {resource}", webhook["name"]);
        }
    }
    let policy = one(&objects, "ConfigMap")["data"]["policy.yaml"].as_str().unwrap();
    let controllers = &documents(policy)[0]["spec"]["controllers"];
    let kruise = json!(["kruise", "system:serviceaccount:kruise-system:kruise"]);
    assert_eq!(controllers["apps.kruise.io"], kruise);
    assert_eq!(controllers["argoproj.io"], json!(["rollouts", "kruise", "system:serviceaccount:kruise-system:kruise"]));
    assert_eq!(controllers["serving.knative.dev"], json!(null));
}

#[test]
fn alerts_use_existing_metrics() {
    let Some(helm) = Helm::shared() else { return };
    let values = ["monitoring.prometheusRule.enabled=true", "audit.interval=\"1h\""];
    let objects = documents(&helm.template(&values).success());
    // an offline test compares the page with the metrics
    let page = std::fs::read_to_string("docs/metrics.md").unwrap();
    let rules = one(&objects, "PrometheusRule")["spec"]["groups"][0]["rules"].as_array().unwrap().clone();
    assert_eq!(rules.len(), 11);
    for rule in rules {
        let expression = rule["expr"].as_str().unwrap();
        let start = expression.find("apim_keyless_").unwrap();
        let name = expression.split_at(start).1.split('{').next().unwrap();
        assert!([" ", "{", "`"].iter().any(|end| page.contains(&format!("| `{name}{end}"))), "{name}");
    }
}

#[test]
fn the_documented_sizes_are_the_defaults_of_the_chart() {
    let read = |file: &str| std::fs::read_to_string(file).unwrap();
    let (values, page) = (documents(&read("deploy/chart/values.yaml")).remove(0), read("docs/operate.md"));
    let size = |kind: &str, resource: &str| values["resources"][kind][resource].as_str().unwrap_or("no").to_owned();
    for row in [
        format!("| replicas | {} |", values["replicas"]),
        format!("| CPU | {} requested, {} limit |", size("requests", "cpu"), size("limits", "cpu")),
        format!("| memory | {} requested, {} limit |", size("requests", "memory"), size("limits", "memory")),
    ] {
        assert!(page.contains(&row), "docs/operate.md does not contain: {row}");
    }
}

#[test]
fn the_notes_name_the_next_step() {
    let Some(helm) = Helm::shared() else { return };
    for (values, expected) in [
        (&[][..], "apim-keyless.dev/mode=audit"),
        (&["scope=\"cluster\""], "apim-keyless.dev/mode=enforce"),
        (&["scope=\"cluster\"", "defaultMode=\"enforce\""], "except those whose gateways still need their auth key"),
        (&["enforcement=false"], "upgrade with --set enforcement=true"),
        (&["certificates.source=\"files\""], "Secret apim-keyless-tls with tls.crt and tls.key"),
        (&["audit.interval=\"2h\""], "audits all gateways of the cluster again 2h after the last audit"),
    ] {
        let mut arguments = vec!["install", "apim-keyless", CHART, "--namespace", "apim-keyless", "--dry-run=client"];
        arguments.extend(values.iter().flat_map(|value| ["--set-json", value]));
        let output = helm.call(&arguments).success();
        let (_, notes) = output.split_once("NOTES:").unwrap();
        assert!(notes.contains(expected), "{values:?}: {notes}");
    }
}

/// The warning about Pods on the network of their nodes. There is no other: the rest fits the level `restricted`.
const ON_NODES: &str = "would violate PodSecurity \"restricted:latest\": host namespaces (hostNetwork=true)";

/// What the API server warns of for an object of the chart.
fn expected_warnings(object: &Value) -> Vec<String> {
    let is_on_nodes = object["spec"]["template"]["spec"]["hostNetwork"] == true;
    is_on_nodes.then(|| ON_NODES.to_owned()).into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_api_server_accepts_every_rendering_without_a_warning() {
    let (Some(helm), Some(webhook)) = (Helm::shared(), Webhook::shared()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.in_namespace("apim-keyless");
    let labels = json!({"metadata": {"labels": {"pod-security.kubernetes.io/warn": "restricted"}}});
    user.patch_namespace(&labels).await.stored();
    definitions::install(&user).await;
    let mut kinds = std::collections::BTreeSet::new();
    for (name, values) in MATRIX {
        for object in documents(&helm.template(values).success()) {
            let response = user.apply_dry(&object).await;
            assert_eq!(response.warnings, expected_warnings(&object), "{name}: {}", response.body);
            response.stored();
            kinds.insert(object["kind"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(kinds.len(), 17, "{kinds:?}");
}
