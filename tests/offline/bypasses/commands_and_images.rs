//! Keys that a command passes or a settings file contains, and gateways that an image volume, a label or the ingress mode
//! hides.

use super::attempt::Attempt;
use serde_json::{Value, json};
use test_support::gateways::{
    IMAGE, KINDS, LISTS, OLD_IMAGE, merged, template, valid, valid_container, with_container,
};

const NONE: [&str; 0] = [];
const KEY: &str = "GatewayKey orders&202601010000&bm90IGEga2V5";

fn deployment(members: Value) -> Value {
    with_container("Deployment", "containers", merged(valid_container(), members))
}

/// Every field of a container that holds a command, with this command.
fn fields(command: &Value) -> Vec<Value> {
    let exec = json!({"exec": {"command": command}});
    let mut fields = vec![json!({"command": command}), json!({"args": command})];
    fields.extend(["postStart", "preStop"].map(|hook| json!({"lifecycle": {hook: exec}})));
    fields.extend(["livenessProbe", "readinessProbe", "startupProbe"].map(|probe| json!({probe: exec})));
    fields
}

#[test]
fn b5_denies_a_key_in_every_field_with_a_command() {
    let key = json!([format!("--config.service.auth={KEY}")]);
    for (kind, list) in KINDS.iter().flat_map(|kind| LISTS.map(|list| (kind, list))) {
        for field in fields(&key) {
            let object = with_container(kind, list, merged(valid_container(), field));
            assert_eq!(Attempt::new(&object).denied_by(), ["auth-setting-in-command"], "{object}");
        }
    }
    for field in fields(&json!(["--config.service.auth=workloadIdentity", null])) {
        assert_eq!(Attempt::new(&deployment(field.clone())).denied_by(), NONE, "{field}");
    }
}

#[test]
fn b5_denies_a_key_in_every_form_of_a_command() {
    let env = json!([
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "orders-token", "key": "value"}}},
        {"name": "OPTION", "value": format!("--config.service.auth={KEY}")},
    ]);
    for command in [
        json!({"command": ["env", "config.service.auth=$(KEY)", "dotnet", "gateway.dll"]}),
        json!({"command": ["sh", "-c", "export config__service__auth=$KEY; exec dotnet gateway.dll"]}),
        json!({"command": ["sh", "-c", "read config__service__auth < /run/key; export config__service__auth"]}),
        json!({"command": ["sh", "-c", format!("echo '{{\"config.service.auth\": \"{KEY}\"}}' > appsettings.json")]}),
        json!({"command": ["dotnet", "gateway.dll", "--config.service.auth"], "args": [KEY]}),
        json!({"args": ["--CONFIG__SERVICE__AUTH__KEY", "$(KEY)"]}),
        json!({"args": ["$(KEY)"]}),
        json!({"args": ["$(OPTION)"]}),
        json!({"args": ["--config.service.$(KEY)", "x"]}),
    ] {
        let object = deployment(merged(command, json!({"env": env})));
        assert_eq!(Attempt::new(&object).denied_by(), ["auth-setting-in-command"], "{object}");
    }
}

#[test]
fn b5_arguments_make_no_gateway_and_an_ingress_gateway_is_evaluated_too() {
    let args = json!(["--config.service.auth=x"]);
    let other = json!({"name": "a", "image": "registry.example/other:1", "args": args});
    assert_eq!(Attempt::new(&with_container("Pod", "containers", other)).denied_by(), NONE);
    let ingress = json!({
        "name": "a", "image": IMAGE, "args": args, "env": [{"name": "k8s.ingress.enabled", "value": "true"}],
    });
    let denied_by = Attempt::new(&with_container("Pod", "containers", ingress)).denied_by();
    assert!(denied_by.contains(&"auth-setting-in-command"), "{denied_by:?}");
}

#[test]
fn b8_a_debug_container_with_a_command_is_evaluated() {
    let old = valid("Pod");
    let mut new = old.clone();
    let args = json!([format!("--config.service.auth={KEY}")]);
    template(&mut new)["spec"]["ephemeralContainers"] =
        json!([merged(valid_container(), json!({"name": "debugger", "args": args}))]);
    let attempt = Attempt::new(&new).updating(&old).through_subresource("ephemeralcontainers");
    assert_eq!(attempt.denied_by(), ["auth-setting-in-command"]);
}

/// A workload whose container runs the files of an image volume.
fn with_image_volume(kind: &str, list: &str, reference: &str, mounted: &str) -> Value {
    let container = merged(
        valid_container(),
        json!({
            "image": "mcr.microsoft.com/dotnet/aspnet:8.0", "command": ["dotnet", "/gateway/gateway.dll"],
            "volumeMounts": [{"name": mounted, "mountPath": "/gateway"}],
        }),
    );
    let mut object = with_container(kind, list, container);
    template(&mut object)["spec"]["volumes"] = json!([
        {"name": "data", "emptyDir": {}}, {"name": "gateway", "image": {"reference": reference}},
    ]);
    object
}

#[test]
fn b17_the_image_of_a_volume_is_evaluated() {
    for (kind, list) in KINDS.iter().flat_map(|kind| LISTS.map(|list| (kind, list))) {
        let old = with_image_volume(kind, list, OLD_IMAGE, "gateway");
        assert_eq!(Attempt::new(&old).denied_by(), ["unsupported-version"], "{old}");
        let supported = with_image_volume(kind, list, IMAGE, "gateway");
        assert_eq!(Attempt::new(&supported).denied_by(), NONE, "{supported}");
        let not_mounted = with_image_volume(kind, list, OLD_IMAGE, "data");
        assert_eq!(Attempt::new(&not_mounted).denied_by(), NONE, "{not_mounted}");
        assert_eq!(Attempt::new(&old).updating(&supported).denied_by(), ["unsupported-version"], "{old}");
    }
    let other = with_image_volume("Pod", "containers", "registry.example/other:2.9.2", "gateway");
    assert_eq!(Attempt::new(&other).denied_by(), NONE);
}

#[test]
fn b8_a_debug_container_that_mounts_an_old_image_volume_is_evaluated() {
    let old = with_image_volume("Pod", "containers", OLD_IMAGE, "data");
    let with = |volume: &str| {
        let mounts = json!([{"name": volume, "mountPath": "/a"}]);
        let mut new = old.clone();
        template(&mut new)["spec"]["ephemeralContainers"] =
            json!([{"name": "debugger", "image": "busybox:1.37", "volumeMounts": mounts}]);
        Attempt::new(&new).updating(&old).through_subresource("ephemeralcontainers").denied_by()
    };
    assert_eq!(with("gateway"), ["unsupported-version"]);
    assert_eq!(with("data"), NONE);
}

#[test]
fn b17_a_label_alone_marks_a_gateway_beside_a_sidecar() {
    let labels = [("apim-keyless.dev/gateway", "true"), ("app.kubernetes.io/component", "self-hosted-gateway")];
    for ((label, value), secret_at) in labels.into_iter().flat_map(|label| [(label, 0), (label, 1)]) {
        let mut containers = json!([
            {"name": "server", "image": "registry.example/renamed:1"},
            {"name": "proxy", "image": "registry.example/proxy:1"},
        ]);
        containers[secret_at]["envFrom"] = json!([{"secretRef": {"name": "all"}}]);
        let mut object = valid("Deployment");
        template(&mut object)["spec"]["containers"] = containers;
        assert_eq!(Attempt::new(&object).denied_by(), NONE, "not a gateway: {object}");
        let (mut marked, mut marked_template) = (object.clone(), object);
        marked["metadata"]["labels"][label] = json!(value);
        template(&mut marked_template)["metadata"]["labels"][label] = json!(value);
        for object in [marked, marked_template] {
            let denied_by = Attempt::new(&object).denied_by();
            assert!(denied_by.contains(&"auth-key-reference"), "{object} {denied_by:?}");
        }
    }
}

#[test]
fn b12_the_ingress_exemption_needs_the_effective_value() {
    let (on, off) = (json!("true"), json!("false"));
    let container = |names: [(&str, &Value); 2]| {
        let env: Vec<Value> = names.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        let spec = json!({"name": "a", "image": OLD_IMAGE, "env": env});
        let mut object = with_container("Deployment", "containers", spec);
        template(&mut object)["metadata"]["labels"] = json!({"app": "gateway"});
        object
    };
    let name = "k8s.ingress.enabled";
    let exempt = container([(name, &off), (name, &on)]);
    assert_eq!(Attempt::new(&exempt).denied_by(), NONE, "only its image is warned about");
    for names in [
        [(name, &on), (name, &off)],
        [(name, &on), ("K8S__INGRESS__ENABLED", &off)],
        [("K8S:Ingress:Enabled", &off), (name, &on)],
    ] {
        let denied_by = Attempt::new(&container(names)).denied_by();
        assert!(denied_by.contains(&"unsupported-version"), "{names:?} {denied_by:?}");
    }
}

#[test]
fn b5_denies_a_secret_as_a_settings_file() {
    let sources = [
        json!({"secret": {"secretName": "all"}}),
        json!({"projected": {"sources": [{"configMap": {"name": "a"}}, {"secret": {"name": "all"}}]}}),
        json!({"csi": {"driver": "secrets-store.csi.k8s.io"}}),
    ];
    let with = |source: &Value, mount: &Value, index: usize| {
        let mut mounts = vec![json!({"name": "certificates", "mountPath": "/certificates"})];
        mounts.insert(index, merged(mount.clone(), json!({"name": "settings"})));
        let mut object = deployment(json!({"volumeMounts": mounts}));
        let settings = merged(source.clone(), json!({"name": "settings"}));
        template(&mut object)["spec"]["volumes"] =
            json!([{"name": "certificates", "secret": {"secretName": "tls"}}, settings]);
        Attempt::new(&object).denied_by()
    };
    for source in &sources {
        for path in [
            "/app/appsettings.json",
            "/app/appsettings.Production.json",
            "/app/AppSettings.json/",
            "/app/./appsettings.json/.",
            "/app/appsettings.json/x/..",
        ] {
            let mount = json!({"mountPath": path, "subPath": "x"});
            assert_eq!(with(source, &mount, 1), ["auth-key-reference"], "{source} {path}");
        }
        for sub_path in ["subPath", "subPathExpr"] {
            let mount = json!({"mountPath": "/app/x", sub_path: "appsettings.json"});
            assert_eq!(with(source, &mount, 0), ["auth-key-reference"], "{source} {sub_path}");
        }
        for path in ["/app/settings.json", "/app/appsettings.json/certificates", "/app/appsettings.crt"] {
            assert_eq!(with(source, &json!({"mountPath": path}), 1), NONE, "{source} {path}");
        }
    }
    let items = json!({"secret": {"secretName": "all", "items": [{"key": "x", "path": "appsettings.json"}]}});
    assert_eq!(with(&items, &json!({"mountPath": "/app"}), 1), ["auth-key-reference"]);
    let no_secret = json!({"configMap": {"name": "settings"}});
    assert_eq!(with(&no_secret, &json!({"mountPath": "/app/appsettings.json"}), 1), NONE);
}

#[test]
fn a_gateway_without_an_auth_method_is_denied_at_the_workload() {
    let endpoint = json!({"name": "config.service.endpoint", "value": "orders.configuration.azure-api.net"});
    let auth = |value: &str| json!({"name": "config.service.auth", "value": value});
    let with = |env: Value, env_from: Value| {
        let object = deployment(json!({"env": env, "envFrom": env_from}));
        let config_map = |name: &str, data: Value| {
            let metadata = json!({"name": name});
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
        };
        let good = config_map("apim-gateway-env", json!({"config.service.auth": "workloadIdentity"}));
        let telemetry = config_map("telemetry", json!({"telemetry.logs.std": "text"}));
        let related = [good, telemetry, config_map("more", json!({}))];
        let denied_by = Attempt::new(&object).with_related(&related).denied_by();
        denied_by.into_iter().filter(|rule| *rule != "missing-gateway-name").collect::<Vec<_>>()
    };
    let source = |name: &str| json!({"configMapRef": {"name": name}});
    assert_eq!(with(json!([endpoint]), json!([])), ["missing-auth-method"]);
    assert_eq!(with(json!([endpoint, auth("")]), json!([])), ["missing-auth-method"]);
    assert_eq!(with(json!([endpoint]), json!([source("telemetry"), source("more")])), ["missing-auth-method"]);
    assert_eq!(with(json!([endpoint, auth("workloadIdentity")]), json!([])), NONE);
    assert_eq!(with(json!([endpoint]), json!([source("apim-gateway-env")])), NONE);
    // at the webhook each object answers for itself, and nobody knows whose ConfigMap this is
    assert_eq!(with(json!([endpoint]), json!([source("telemetry")])), ["missing-auth-method"]);
    assert_eq!(with(json!([endpoint]), json!([source("absent")])), NONE, "the environment is not known");
    assert_eq!(with(json!([endpoint, auth("")]), json!([source("apim-gateway-env")])), ["other-auth-method"]);
}
