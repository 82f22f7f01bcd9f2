//! The spellings of the auth setting, and the routes by which a key can reach it.

use crate::gateways::{merged, valid_container, workload};
use serde_json::{Value, json};

/// A key in the form that the Azure portal shows.
pub const KEY: &str = "GatewayKey orders&202601010000&bm90IGEga2V5";

/// Every spelling of `config.service.auth` and `config.service.auth.key` that .NET accepts.
pub fn spellings() -> Vec<String> {
    let separators = [".", ":", "__"];
    let cases: [fn(&str) -> String; 4] = [str::to_owned, str::to_uppercase, capitalized, alternating_case];
    let mut spellings = Vec::new();
    for (first, second) in separators.iter().flat_map(|first| separators.map(|second| (first, second))) {
        for case in cases {
            spellings.push(case(&format!("config{first}service{second}auth")));
            spellings.push(case(&format!("config{first}service{second}auth{first}key")));
        }
    }
    spellings
}

fn capitalized(name: &str) -> String {
    let letter = |(index, letter): (usize, char)| {
        let is_first = index == 0 || name.get(..index).is_some_and(|before| !before.ends_with(char::is_alphabetic));
        if is_first { letter.to_ascii_uppercase() } else { letter }
    };
    name.char_indices().map(letter).collect()
}

fn alternating_case(name: &str) -> String {
    let letter = |(index, letter): (usize, char)| if index % 2 == 1 { letter.to_ascii_uppercase() } else { letter };
    name.char_indices().map(letter).collect()
}

/// A route by which a key, or a value that may be one, reaches the auth setting.
pub struct Route {
    /// The rule that denies it.
    pub rule: &'static str,
    /// The workload that uses it.
    pub workload: Value,
}

fn route(rule: &'static str, container: Value, spec: Value) -> Route {
    let container = merged(valid_container(), container);
    let spec = merged(json!({"serviceAccountName": "apim-gateway-workload-identity", "containers": [container]}), spec);
    Route { rule, workload: workload("Deployment", spec) }
}

fn from_env(rule: &'static str, env: &Value) -> Route {
    route(rule, json!({"env": env}), json!({}))
}

fn auth(value: &str) -> Value {
    json!({"name": "config.service.auth", "value": value})
}

fn token() -> Value {
    json!({"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "orders-token", "key": "value"}}})
}

/// Every route that is visible in the workload alone.
pub fn routes() -> Vec<Route> {
    let mut routes = by_reference();
    routes.extend(by_whole_secret());
    routes.extend(by_volume());
    routes.extend(by_text());
    routes
}

fn by_reference() -> Vec<Route> {
    let direct = |members: Value| {
        let reference = merged(json!({"name": "orders-token", "key": "value"}), members);
        json!([{"name": "config.service.auth", "valueFrom": {"secretKeyRef": reference}}])
    };
    let chain = |middle: &str| json!([token(), {"name": "MIDDLE", "value": middle}, auth("$(MIDDLE)")]);
    let of = |env: Value| from_env("auth-key-reference", &env);
    let good = auth("workloadIdentity");
    let (before, after) = (json!([direct(json!({}))[0], good]), json!([good, direct(json!({}))[0]]));
    vec![
        of(direct(json!({}))),
        of(direct(json!({"optional": true}))),
        of(direct(json!({"key": "harmless"}))),
        of(json!([token(), auth("$(TOKEN)")])),
        of(json!([token(), auth("GatewayKey $(TOKEN)")])),
        of(json!([token(), auth("workloadIdentity$(TOKEN)")])),
        of(chain("$(TOKEN)")),
        of(chain("$$$(TOKEN)")),
        // an overridden reference is still a reference
        of(before),
        of(after),
    ]
}

fn by_whole_secret() -> Vec<Route> {
    let prefixes = [
        "",
        "c",
        "config",
        "config.",
        "config.service.",
        "CONFIG__SERVICE__",
        "Config:Service:",
        "config_",
        "config.service.auth",
    ];
    let whole = |prefix: &str| {
        let configuration = json!({"configMapRef": {"name": "apim-gateway-env"}});
        let sources = json!([configuration, {"prefix": prefix, "secretRef": {"name": "all"}}]);
        route("auth-key-reference", json!({"envFrom": sources}), json!({}))
    };
    let mut routes: Vec<Route> = prefixes.into_iter().map(whole).collect();
    let hidden = json!([{"prefix": "HIDDEN_", "secretRef": {"name": "all"}}]);
    let endpoint = json!({"name": "config.service.endpoint", "value": "https://contoso.configuration.azure-api.net"});
    let container = json!({"envFrom": hidden, "env": [auth("$(HIDDEN_value)"), endpoint]});
    routes.push(route("auth-key-reference", container, json!({})));
    routes
}

fn by_volume() -> Vec<Route> {
    let volumes = [
        json!({"name": "mounted", "secret": {"secretName": "orders-token"}}),
        json!({"name": "mounted", "csi": {"driver": "secrets-store.csi.k8s.io", "readOnly": true}}),
        json!({"name": "mounted", "projected": {"sources": [{"downwardAPI": {}}, {"secret": {"name": "orders-token"}}]}}),
    ];
    let paths = ["/mounted/value", "file:///mounted/value", " /mounted/value", "/mounted", "/mounted/../mounted/value"];
    let all = volumes.iter().flat_map(|volume| paths.map(|path| (volume, path)));
    let mounted = |(volume, path): (&Value, &str)| {
        let container = json!({"env": [auth(path)], "volumeMounts": [{"name": "mounted", "mountPath": "/mounted/"}]});
        route("auth-key-reference", container, json!({"volumes": [volume]}))
    };
    let mut routes: Vec<Route> = all.map(mounted).collect();
    let file = json!({"fileKeyRef": {"volumeName": "work", "path": "a", "key": "value"}});
    let env = json!({"env": [{"name": "config.service.auth", "valueFrom": file}]});
    routes.push(route("auth-key-reference", env, json!({"volumes": [{"name": "work", "emptyDir": {}}]})));
    routes
}

fn by_text() -> Vec<Route> {
    // nobody looks at the whole of a long text
    let (whitespace, long) = (" ".repeat(1025), "x".repeat(1025));
    let long_texts = [
        whitespace.clone(),
        format!("{whitespace}{KEY}"),
        format!("workloadIdentity{whitespace}"),
        format!("vault:secret/data/{long}"),
        format!("{long}@azurekeyvault"),
        format!("${{{long}}}"),
        format!("/mounted/{long}"),
        "\u{200b}".repeat(342),
    ];
    let literal =
        [KEY, "gatewaykey x", "\nGatewayKey x", "SharedAccessSignature uid=x", &"k".repeat(40), "\u{a0}GatewayKey x"];
    let literal = literal.into_iter().chain(long_texts.iter().map(String::as_str));
    let placeholder = ["$$(TOKEN)", "${TOKEN}", "vault:secret/data/gateways/orders#token", "orders@azurekeyvault"];
    let other = ["key", "k", "workloadIdentity2", "\u{200b}GatewayKey x", "/mounted/value"];
    let texts = literal
        .map(|text| ("auth-key-literal", text))
        .chain(other.map(|text| ("other-auth-method", text)))
        .chain(placeholder.map(|text| ("auth-key-reference", text)))
        .chain([("entra-app-auth-method", "azureAdApp")]);
    let mut routes: Vec<Route> = texts.map(|(rule, text)| from_env(rule, &json!([auth(text)]))).collect();
    for long in long_texts {
        let of_long = |value: &str| json!([{"name": "LONG", "value": long}, auth(value)]);
        routes.extend(
            ["$(LONG)", "w$(LONG)", "$(LONG)workloadIdentity"]
                .map(|value| from_env("auth-key-literal", &of_long(value))),
        );
    }
    routes.push(from_env(
        "auth-key-literal",
        &json!([{"name": "A", "value": "Gateway"}, {"name": "B", "value": "Key x"}, auth("$(A)$(B)")]),
    ));
    let field = json!({"fieldRef": {"fieldPath": "metadata.annotations['note']"}});
    let mut noted = from_env("auth-key-literal", &json!([{"name": "config.service.auth", "valueFrom": field}]));
    noted.workload["spec"]["template"]["metadata"]["annotations"] = json!({"note": KEY});
    routes.push(noted);
    routes
}
