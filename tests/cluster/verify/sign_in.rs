//! `--sign-in` against a stand-in of Entra that checks the tokens of the real API server.

use super::planted::{PLANTED, app, credential};
use super::scene::{CLIENT, Objects, Scene, TENANT, register_node, register_workload_identity};
use crate::doctor::ApiServerProxy;
use serde_json::{Value, json};
use std::sync::{Arc, MutexGuard};
use std::time::Duration;
use test_support::azure::{ACCESS_TOKEN, App, Azure, AzureState, Credential, ENDPOINT, ENTRA, ISSUER, Kubelet};
use test_support::control_plane::ControlPlane;
use test_support::webhook::User;

const SUBJECT: &str = "system:serviceaccount:apim:orders";
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// A control plane with a gateway that authenticates, and everything outside of the cluster.
struct SignInScene {
    scene: Scene,
    azure: Azure,
    keys: Value,
}

/// What the control plane of the tests cannot change.
const PERMANENT: [(&str, &str); 2] = [
    ("issuer-not-public", "issued by https://kubernetes.default.svc, which Entra cannot reach"),
    ("token-algorithm-unsupported", "signed with ES256, and Entra needs RS256"),
];
/// The same for a flag.
const IGNORED: [&str; 2] = ["--ignore", "issuer-not-public,token-algorithm-unsupported"];

impl SignInScene {
    async fn start(control_plane: &Arc<ControlPlane>) -> Self {
        let user = User::administrator(control_plane, &json!({"name": "apim-keyless"})).await;
        register_workload_identity(&user).await;
        register_node(&user, &Kubelet::start()).await;
        let keys = user.get("/openid/v1/jwks").await.stored();
        let azure = Azure::start(keys.clone());
        let scene = Scene::write(control_plane, "apim", &Objects::correct()).await;
        scene.folder.write("ca.pem", azure.ca_pem.as_bytes());
        let this = Self { scene, azure, keys };
        *this.state() = this.correct();
        this
    }

    fn state(&self) -> MutexGuard<'_, AzureState> {
        self.azure.state.lock().unwrap()
    }

    /// Entra knows the app, and its credential fits.
    fn correct(&self) -> AzureState {
        let credential =
            Credential { issuer: ISSUER.to_owned(), subject: SUBJECT.to_owned(), audience: AUDIENCE.to_owned() };
        let app = App { credentials: vec![credential], ..App::default() };
        let mut state = AzureState {
            entra: test_support::azure::Entra::default(),
            published_issuer: Some(ISSUER.to_owned()),
            published_keys: self.keys.clone(),
        };
        state.entra.host = ENTRA.into();
        state.entra.tenants.entry(TENANT.to_owned()).or_default().insert(CLIENT.to_owned(), app);
        state
    }

    fn run(&self, arguments: &[&str]) -> test_support::run::RunOutput {
        let environment = [("HTTPS_PROXY", self.azure.proxy())];
        let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let ran = self.scene.run_with(&environment, &[&["--sign-in", "--ca", "ca.pem"], arguments].concat());
        self.assert_no_token(&ran.everything());
        ran
    }

    /// Neither the token of the `ServiceAccount` nor that of Entra is anywhere in the output.
    fn assert_no_token(&self, text: &str) {
        for secret in self.state().entra.assertions.iter().map(String::as_str).chain([ACCESS_TOKEN, "canary"]) {
            let signature = secret.rsplit('.').next().unwrap_or(secret);
            assert!(!text.contains(secret) && !text.contains(signature), "a token is printed: {text}");
        }
    }

    /// The findings that depend on what is planted: the issuer of the tests is never public, and signs with ES256.
    fn findings(&self, arguments: &[&str]) -> Vec<Value> {
        let report = self.run(&[&["--output", "json"], arguments].concat()).json();
        test_support::report_schema::assert_valid(&report);
        let findings = report["findings"].as_array().unwrap().iter();
        let is_planted = |finding: &&Value| PERMANENT.iter().all(|(id, _)| finding["rule"] != *id);
        for (id, part) in PERMANENT.iter().filter(|_| !arguments.contains(&"--select")) {
            let of_id = |finding: &&Value| finding["rule"] == *id;
            let found = findings.clone().find(of_id).expect("it is always there");
            assert!(found["message"].as_str().unwrap().contains(part), "{found:#}");
        }
        findings.filter(is_planted).cloned().collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_exchanged_and_each_failure_is_explained() {
    let Some(control_plane) = ControlPlane::own_without_controllers() else { return };
    let _logs = control_plane.show_logs_on_panic();
    let scene = SignInScene::start(&control_plane).await;
    let before = writes(&control_plane).len();
    for (change, expected, fix) in PLANTED {
        let mut state = scene.correct();
        change(&mut state);
        *scene.state() = state;
        let found = scene.findings(&[]);
        let message = |finding: &Value| finding["message"].as_str().unwrap().to_owned();
        assert_eq!(found.len(), expected.len(), "{expected:?}: {found:#?}");
        for (finding, (id, part)) in found.iter().zip(*expected) {
            assert!(finding["rule"] == *id && message(finding).contains(part), "{part}\n{finding:#}");
        }
        if let Some(first) = found.first() {
            assert!(first["fixes"][0]["title"].as_str().unwrap().contains(fix), "{fix}: {first:#}");
        }
        let number = scene.state().entra.assertions.len();
        assert_eq!(number, 1, "one exchange for each run");
    }
    let by_verify = writes(&control_plane).split_off(before);
    assert_eq!(by_verify.len(), PLANTED.len(), "{by_verify:#?}");
    assert!(by_verify.iter().all(|event| event["objectRef"]["subresource"] == "token"), "only tokens are asked for");
    *scene.state() = scene.correct();
    hosts_that_cannot_be_reached(&scene);
    another_issuer_in_the_discovery_document(&scene, &control_plane);
    other_audiences_and_clouds(&scene).await;
    the_credentials_of_a_list_are_compared(&scene);
    a_wait_ends_when_the_credential_is_there(&scene);
    the_text_and_what_is_missing(&scene).await;
    what_the_user_may_not_do_is_named(&scene, &control_plane).await;
}

fn hosts_that_cannot_be_reached(scene: &SignInScene) {
    for (host, id, part) in [
        (ENTRA, "entra-unreachable", "oauth2/v2.0/token: the proxy http://127.0.0.1:"),
        (ENDPOINT, "endpoint-unreachable", "contoso.configuration.azure-api.net: the proxy http://127.0.0.1:"),
        ("kubernetes.default.svc", "issuer-unreachable", "openid-configuration: the proxy http://127.0.0.1:"),
    ] {
        scene.azure.set_reachable(host, false);
        let found = scene.findings(&[]);
        assert_eq!(found.len(), 1, "{host}: {found:#?}");
        assert!(found[0]["rule"] == id && found[0]["message"].as_str().unwrap().contains(part), "{:#}", found[0]);
        scene.azure.set_reachable(host, true);
    }
    // without --ca the machine does not trust the servers
    let environment = scene.azure.proxy();
    let ran = scene.scene.run_with(&[("HTTPS_PROXY", &environment)], &["--sign-in"]);
    let untrusted = "https://login.microsoftonline.com/0f8fad5b-d9cb-469f-a165-70867728950e/oauth2/v2.0/token: its \
                     certificate is issued by a CA that is not trusted (TLS); if a proxy inspects TLS";
    assert!(ran.stdout.contains(untrusted), "{}", ran.everything());
    // the authority of the flag, whose certificate has its name
    let authority = format!("https://{}", scene.azure.address);
    let found = scene.findings(&["--authority", &authority]);
    let message = found[0]["message"].as_str().unwrap();
    let expected = "AADSTS900382: The request belongs to another cloud. Configured: tenant";
    assert!(message.contains(expected) && message.contains("(another server)"), "{message}");
}

/// The API server's discovery document, changed on its way: it names a public issuer.
fn another_issuer_in_the_discovery_document(scene: &SignInScene, control_plane: &Arc<ControlPlane>) {
    let proxy = ApiServerProxy::start(control_plane.kube_config());
    scene.scene.folder.write("proxied", proxy.kubeconfig().to_string().as_bytes());
    let environment = [("HTTPS_PROXY", scene.azure.proxy()), ("NO_PROXY", "127.0.0.1".to_owned())];
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let command =
        ["verify", "--kubeconfig", "proxied", "-n", "apim", "--sign-in", "--ca", "ca.pem", "--output", "json"];
    let report = scene.scene.folder.run_with(&environment, &command).json();
    let message = "the token has issuer https://kubernetes.default.svc, and the discovery document \
                   https://issuer.example/tests/";
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.iter().any(|it| it["rule"] == "token-issuer-differs" && it["message"] == message), "{report:#}");
}

async fn other_audiences_and_clouds(scene: &SignInScene) {
    let user = &scene.scene.user;
    let config_map = Objects::correct().config_map;
    let set = |data: Value| {
        let config_map = &config_map;
        async move { user.patch(config_map, "", &json!({"data": data})).await.stored() }
    };
    set(json!({"config.service.auth.tokenAudience": "https://orders.example"})).await;
    let found = scene.findings(&["--select", "entra-rejects-token"]);
    let expected = "AADSTS500011: The tenant does not know the resource that the gateway asks for. Configured: scope \
                    https://orders.example/.default; expected in the public cloud: \
                    https://azure-api.net/configuration/.default";
    assert!(found[0]["message"].as_str().unwrap().contains(expected), "{found:#?}");
    // the token goes to the Entra of the endpoint's cloud
    let endpoint = "contoso.configuration.azure-api.us";
    set(json!({"config.service.auth.tokenAudience": "https://azure-api.us/configuration", "config.service.endpoint": endpoint}))
        .await;
    let found = scene.findings(&["--select", "entra-rejects-token"]);
    let expected = "AADSTS900382: The request belongs to another cloud. Configured: tenant \
                    0f8fad5b-d9cb-469f-a165-70867728950e (from AZURE_TENANT_ID of its Pods) at \
                    https://login.microsoftonline.us (Azure Government)";
    assert!(found[0]["message"].as_str().unwrap().contains(expected), "{found:#?}");
    let public = json!({"config.service.auth.tokenAudience": null, "config.service.endpoint": ENDPOINT});
    set(public).await;
}

fn the_credentials_of_a_list_are_compared(scene: &SignInScene) {
    let list = |issuer: &str, subject: &str| {
        let credential = json!({"name": "orders", "issuer": issuer, "subject": subject, "audiences": [AUDIENCE]});
        scene.scene.folder.write("credentials.json", json!([credential]).to_string().as_bytes());
        scene.findings(&["--credentials", "credentials.json", "--select", "federated-credential-differs"])
    };
    assert_eq!(list(ISSUER, SUBJECT), Vec::<Value>::new());
    let found = list(&format!("{ISSUER}/"), SUBJECT);
    let expected = "credential orders: the issuer has a final slash too many: expected issuer \
                    \"https://kubernetes.default.svc\"; configured \"https://kubernetes.default.svc/\"";
    assert_eq!(found[0]["message"], expected, "{found:#?}");
}

/// The credential appears while `verify` waits.
fn a_wait_ends_when_the_credential_is_there(scene: &SignInScene) {
    app(&mut scene.state()).credentials.clear();
    let azure = Arc::clone(&scene.azure.state);
    let correct = scene.correct();
    let before = azure.lock().unwrap().entra.assertions.len();
    let later = std::thread::spawn(move || {
        // the first round was denied
        while azure.lock().unwrap().entra.assertions.len() == before {
            std::thread::sleep(Duration::from_millis(50));
        }
        *azure.lock().unwrap() = correct;
    });
    let ran = scene.run(&["--wait", "1m", IGNORED[0], IGNORED[1]]);
    later.join().unwrap();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, "waiting up to 1m: entra-rejects-token\n"), "{}", ran.stdout);
}

async fn the_text_and_what_is_missing(scene: &SignInScene) {
    credential(&mut scene.state()).subject = "system:serviceaccount:orders:orders".into();
    let ran = scene.run(&["orders"]);
    assert_eq!(ran.code, 1, "{}", ran.everything());
    let page = std::fs::read_to_string("docs/verify.md").unwrap();
    let (_, shown) =
        page.split_once("$ apim-keyless verify orders --namespace apim --sign-in\n").expect("the page shows it");
    let (shown, _) = shown.split_once("```").unwrap();
    let mut printed = ran.stdout.as_str();
    // … stands for what only a cluster of the tests prints
    for part in shown.split("\n\u{2026}\n") {
        let found = printed.split_once(part);
        (_, printed) = found.unwrap_or_else(|| panic!("docs/verify.md:\n{part}\nis not in\n{printed}"));
    }
    *scene.state() = scene.correct();

    // nothing says which app it is
    let user = &scene.scene.user;
    let pods = format!("/api/v1/namespaces/{}/pods/orders-1?gracePeriodSeconds=0", user.namespace);
    user.remove(&pods).await.stored();
    let ran = scene.run(&[]);
    let expected = "error: cannot exchange the token of gateway orders: needs a tenant: set annotation \
                    azure.workload.identity/tenant-id on the ServiceAccount, or start a Pod\n";
    assert!(ran.code == 2 && ran.stderr == expected, "{}", ran.everything());
    let account = Objects::correct().account;
    let annotations = json!({"azure.workload.identity/tenant-id": "../common"});
    user.patch(&account, "", &json!({"metadata": {"annotations": annotations}})).await.stored();
    assert!(scene.run(&[]).stderr.contains("needs a tenant that is a GUID or a domain\n"));
    let annotations = json!({"azure.workload.identity/tenant-id": TENANT});
    user.patch(&account, "", &json!({"metadata": {"annotations": annotations}})).await.stored();
    assert_eq!(scene.findings(&["--select", "entra-rejects-token"]), Vec::<Value>::new());
    user.delete(&account).await.stored();
    let found = scene.findings(&["--select", "service-account-missing"]);
    assert_eq!(found[0]["message"], "ServiceAccount orders does not exist");
}

/// A user without the right to create tokens.
async fn what_the_user_may_not_do_is_named(scene: &SignInScene, control_plane: &Arc<ControlPlane>) {
    use base64::Engine;
    let user = &scene.scene.user;
    let mut account = Objects::correct().account;
    account["metadata"]["annotations"]["azure.workload.identity/tenant-id"] = json!(TENANT);
    user.apply(&account).await.stored();
    let (group, name) = ("rbac.authorization.k8s.io", json!({"name": "reader"}));
    let reading = json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]});
    let role =
        json!({"apiVersion": format!("{group}/v1"), "kind": "ClusterRole", "metadata": name, "rules": [reading]});
    user.post(&format!("/apis/{group}/v1/clusterroles"), &role).await.stored();
    let binding = json!({
        "apiVersion": format!("{group}/v1"), "kind": "ClusterRoleBinding", "metadata": name,
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "orders", "namespace": user.namespace}],
    });
    user.post(&format!("/apis/{group}/v1/clusterrolebindings"), &binding).await.stored();
    let ca = base64::engine::general_purpose::STANDARD.encode(control_plane.ca_pem());
    let address = format!("https://{}", control_plane.address());
    let kubeconfig = test_support::webhook::account::kubeconfig(user, "orders", &address, &ca).await;
    scene.scene.folder.write("kubeconfig", kubeconfig.to_string().as_bytes());
    let expected = "error: cannot ask for a token of ServiceAccount orders: needs create on serviceaccounts/token in \
                    namespace apim\n";
    let ran = test_support::webhook::eventually("the permission to read", || async {
        let ran = scene.run(&[]);
        (!ran.stderr.contains("needs list on pods")).then_some(ran)
    })
    .await;
    assert_eq!((ran.code, ran.stderr.as_str()), (2, expected), "{}", ran.stdout);
}

/// The audit log of the API server: one line for each write. Only a test and `verify` write.
fn writes(control_plane: &ControlPlane) -> Vec<Value> {
    let log = std::fs::read_to_string(control_plane.audit_log()).unwrap();
    let events = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["user"]["username"] != "system:apiserver").collect()
}
