//! What a plan contains for each input, and what it reports.

use super::{CLIENT_ID, ISSUER, gateway, plan, with};
use serde_json::Value;
use test_support::run::Folder;

fn json(manifests: &str, arguments: &[&str]) -> Value {
    let ran = plan(manifests, &[&["--output", "json"], arguments].concat());
    let json = ran.json();
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string("docs/schemas/plan-v1.schema.json").unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new(), "{json:#}");
    json
}

fn messages(json: &Value) -> Vec<&str> {
    json["problems"].as_array().unwrap().iter().map(|problem| problem["message"].as_str().unwrap()).collect()
}

#[test]
fn gateways_that_share_an_identity_are_grouped() {
    let other = "{azure.workload.identity/client-id: 00000000-0000-0000-0000-00000000000A}";
    let manifests = gateway("shop", "orders")
        + &gateway("shop", "invoices")
        + &with("b", "b", "b", "contoso.configuration.azure-api.net", other)
        // a second gateway with the same ServiceAccount
        + "---\n"
        + &gateway("shop", "orders").split("---\n").last().unwrap().replace("{name: orders,", "{name: orders-2,");
    let json = json(&manifests, &["--issuer", ISSUER]);
    let identities = json["identities"].as_array().unwrap();
    assert_eq!(identities.len(), 2);
    assert_eq!(identities[0]["clientId"], CLIENT_ID);
    assert_eq!(identities[1]["clientId"], "00000000-0000-0000-0000-00000000000a");
    let subjects: Vec<&Value> =
        identities[0]["credentials"].as_array().unwrap().iter().map(|one| &one["subject"]).collect();
    assert_eq!(subjects, ["system:serviceaccount:shop:invoices", "system:serviceaccount:shop:orders"]);
    assert_eq!(json["gateways"].as_array().unwrap().len(), 4);
    assert_eq!(messages(&json), Vec::<&str>::new());
}

#[test]
fn more_than_twenty_credentials_are_an_error_with_the_ways_out() {
    let manifests = |count: usize| (0..count).map(|number| gateway("shop", &format!("g{number}"))).collect::<String>();
    assert_eq!(plan(&manifests(20), &["--output", "sh"]).code, 0);
    let ran = plan(&manifests(21), &["--output", "sh"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert_eq!(
        ran.stderr,
        format!(
            "error: Use a second Entra app for some of the gateways, or one ServiceAccount for the gateways of a namespace: \
             the Entra app {CLIENT_ID} needs 21 federated credentials, and can have 20\nnothing was printed: correct the \
             errors first\n"
        )
    );
    let text = plan(&manifests(21), &[]);
    assert!(text.code == 1 && text.stdout.contains("error: Use a second Entra app") && text.stdout.contains("g20"));
}

#[test]
fn the_endpoint_decides_the_cloud() {
    let of = |endpoint: &str| with("shop", "orders", "orders", endpoint, "{}");
    for (endpoint, cloud, terraform) in [
        ("contoso.configuration.azure-api.net", "AzureCloud", "\"public\""),
        ("contoso.configuration.azure-api.us", "AzureUSGovernment", "\"usgovernment\""),
        ("contoso.configuration.azure-api.cn", "AzureChinaCloud", "\"china\""),
        ("gateway.contoso.example", "AzureCloud", "\"public\""),
    ] {
        let json = json(&of(endpoint), &[]);
        assert_eq!(json["cloud"], cloud, "{endpoint}");
        let name = json["gateways"][0]["apiManagement"].as_str();
        assert_eq!(name, endpoint.contains("azure-api").then_some("contoso"));
        let is_china = cloud == "AzureChinaCloud";
        assert_eq!(messages(&json).iter().any(|message| message.contains("Azure in China")), is_china);
        let file = plan(&of(endpoint), &["--output", "terraform"]).stdout;
        assert!(file.contains(&format!("environment     = {terraform}")), "{file}");
    }
    let mixed =
        of("contoso.configuration.azure-api.us") + &of("contoso.configuration.azure-api.net").replace("shop", "b");
    let ran = plan(&mixed, &["--output", "sh"]);
    assert!(ran.code == 1 && ran.stderr.contains("Plan the gateways of each cloud by themselves"), "{}", ran.stderr);
}

#[test]
fn what_cannot_work_is_an_error_and_the_rest_is_planned() {
    let annotations = format!("{{azure.workload.identity/client-id: {CLIENT_ID}}}");
    let endpoint = "contoso.configuration.azure-api.net";
    for (manifests, message) in [
        (
            gateway("shop", "a").replace("serviceAccountName: a", "serviceAccountName: default"),
            "Set serviceAccountName of",
        ),
        (
            gateway("shop", "a").replace("serviceAccountName: a", "serviceAccountName: ${ACCOUNT}"),
            "it is a placeholder",
        ),
        (with("shop", "a", "a/../b", endpoint, &annotations), "Correct gateway.name of Deployment shop/a"),
        (with("shop", "a", "a", endpoint, "{azure.workload.identity/client-id: x}"), "it is not a GUID"),
        (
            with("shop", "a", "a", endpoint, &format!("{{azure.workload.identity/client-id: ' {CLIENT_ID}'}}")),
            "it is not a GUID; it has U+0020 (space) at character 1",
        ),
        (
            with(
                "shop",
                "a",
                "a",
                endpoint,
                "{azure.workload.identity/client-id: 00000000-0000-0000-0000-000000000000}",
            ),
            "the GUID of zeros is a placeholder",
        ),
    ] {
        let json = json(&(manifests + &gateway("shop", "orders")), &["--issuer", ISSUER]);
        let found = messages(&json);
        assert!(found.len() == 1 && found[0].contains(message), "{found:?}");
        assert!(json.to_string().contains("system:serviceaccount:shop:orders"));
    }
    let ran = plan(&gateway("shop", "a"), &["--issuer", "https://kubernetes.default.svc"]);
    assert!(ran.code == 1 && ran.stdout.contains("Give the cluster an issuer with a public https address"));
    let ran = plan(&gateway("shop", "a"), &["--issuer", "https://issuer.example/ "]);
    assert!(ran.code == 2 && ran.stderr.contains("remove the whitespace around it"), "{}", ran.stderr);
}

#[test]
fn files_that_cannot_be_read_do_not_hide_the_others_and_no_gateway_is_an_error() {
    let folder = Folder::with(&[("a.yaml", &gateway("shop", "orders")), ("b.yaml", "a: ]\n"), ("c.yaml", "kind: X\n")]);
    let ran = folder.run(&["plan", "a.yaml", "b.yaml"]);
    assert!(
        ran.code == 2 && ran.stderr.starts_with("error: b.yaml:1") && ran.stdout.contains("Deployment shop/orders")
    );
    let ran = folder.run(&["plan", "c.yaml"]);
    let start = "error: no gateway in c.yaml; pass the files with the gateway's Deployment, ServiceAccount and ConfigMap, or what a tool renders";
    assert!(ran.code == 2 && ran.stderr.starts_with(start), "{}", ran.stderr);
    assert!(ran.stderr.ends_with("\nskipped c.yaml: without apiVersion or kind\n"), "{}", ran.stderr);
    let stdin = folder.feed(&["plan", "-", "--output", "json"], &gateway("shop", "orders"));
    assert_eq!(stdin.json()["gateways"][0]["gatewayName"], "orders");
}

#[test]
fn variables_come_first_and_known_values_are_filled_in() {
    let tenant = "00000000-0000-0000-0000-000000000002";
    let annotations =
        format!("{{azure.workload.identity/client-id: {CLIENT_ID}, azure.workload.identity/tenant-id: {tenant}}}");
    let manifests = with("shop", "orders", "orders", "gateway.contoso.example", &annotations);
    let json = json(&manifests, &["--api-management", "fabrikam"]);
    let value = |name: &str| {
        let all = json["variables"].as_array().unwrap();
        all.iter().find(|variable| variable["name"] == name).unwrap()["value"].clone()
    };
    assert_eq!(
        [value("TENANT"), value("API_MANAGEMENT"), value("SUBSCRIPTION")],
        [tenant.into(), "fabrikam".into(), Value::Null]
    );
    for (output, first) in
        [("sh", "SUBSCRIPTION:?set it"), ("bicep", "param apiManagement"), ("terraform", "variable \"subscription\"")]
    {
        let text = plan(&manifests, &["--output", output]).stdout;
        let resource =
            text.find("az apim show").unwrap_or(usize::MAX).min(text.find("\nresource ").unwrap_or(usize::MAX));
        assert!(text.find(first).unwrap() < resource, "{output}");
    }
}

#[test]
fn what_a_kustomization_changes_is_not_planned_from_its_files() {
    let folder = |kustomization: &str| {
        let text = format!("resources: [../base]\n{kustomization}");
        let files = [
            ("k/base/a.yaml", &*gateway("shop", "orders")),
            ("k/base/kustomization.yaml", "resources: [a.yaml]\n"),
            ("k/prod/kustomization.yaml", &*text),
            ("k/other/kustomization.yaml", "namespace: other\n"),
        ];
        Folder::with(&files)
    };
    for field in ["namespace: other", "namePrefix: a-", "nameSuffix: -a"] {
        let expected = "error: Deployment shop/orders: the kustomization in k/prod changes its namespace or its name; plan what it builds: kubectl kustomize k/prod | apim-keyless plan -\n";
        folder(field).run(&["plan", "k"]).failed_with(expected);
    }
    for field in ["labels: [{pairs: {a: b}}]", "namespace: shop"] {
        assert!(folder(field).run(&["plan", "k"]).stdout.contains("Deployment shop/orders"), "{field}");
    }
}
