//! Gateways in each state, without `--sign-in`.

use super::logs::each_known_line_is_found;
use super::scene::{CLIENT, Objects, Scene, inject, register_node, register_workload_identity};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use test_support::azure::Kubelet;
use test_support::control_plane::ControlPlane;
use test_support::gateways::OLD_IMAGE;
use test_support::run::Folder;
use test_support::webhook::User;

/// A planted cause: its name, the change, and the findings as id and a part of the message.
type Planted = (&'static str, fn(&mut Objects), &'static [(&'static str, &'static str)]);

const POD: [&str; 2] = ["metadata", "labels"];

fn waiting(objects: &mut Objects, reason: &str, message: &str) {
    objects.container_status()["state"] = json!({"waiting": {"reason": reason, "message": message}});
    objects.pod()["status"]["conditions"] = json!([{"type": "Ready", "status": "False"}]);
}

/// The volume and the variables of 1.5.1 and older.
fn inject_old(pod: &mut Value) {
    inject(pod, "azure-identity-token", "/var/run/secrets/azure/tokens", "azure-identity-token");
}

fn variable<'o>(objects: &'o mut Objects, name: &str) -> &'o mut Value {
    let variables = objects.pod()["spec"]["containers"][0]["env"].as_array_mut().unwrap();
    variables.iter_mut().find(|variable| variable["name"] == name).unwrap()
}

fn token(objects: &mut Objects) -> &mut Value {
    &mut objects.pod()["spec"]["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"]
}

fn without_identity(objects: &mut Objects) {
    let pod = objects.pod();
    pod["spec"].as_object_mut().unwrap().remove("volumes");
    let container = pod["spec"]["containers"][0].as_object_mut().unwrap();
    container.remove("env");
    container.remove("volumeMounts");
}

/// Objects and Pods.
const OF_PODS: &[Planted] = &[
    ("correct", |_| {}, &[]),
    ("old-injection", |objects| inject_old(objects.pod()), &[]),
    (
        "objects",
        |objects| objects.config_map["data"]["config.service.auth"] = json!("WorkloadIdentity"),
        &[("misspelled-auth-method", "config.service.auth")],
    ),
    ("no-pods", |objects| objects.pods.clear(), &[("gateway-without-pods", "no Pod exists")]),
    (
        "denied",
        |objects| {
            objects.pods.clear();
            let message = "admission webhook \"mutation.azure-workload-identity.io\" denied the request";
            let condition =
                json!({"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message});
            objects.deployment["status"] = json!({"conditions": [condition]});
        },
        &[("gateway-without-pods", "no Pod exists: admission webhook \"mutation.azure-workload-identity.io\" denied")],
    ),
    (
        "scaled-to-zero",
        |objects| {
            objects.pods.clear();
            objects.deployment["spec"]["replicas"] = json!(0);
        },
        &[("gateway-scaled-to-zero", "replicas is 0")],
    ),
    (
        "unscheduled",
        |objects| {
            let message = "0/3 nodes are available: 3 Insufficient cpu.";
            let condition =
                json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message});
            objects.pod()["status"] = json!({"phase": "Pending", "conditions": [condition]});
        },
        &[("pod-unscheduled", "Pod orders-1: 0/3 nodes are available: 3 Insufficient cpu.")],
    ),
    (
        "image-pull",
        |objects| waiting(objects, "ImagePullBackOff", "Back-off pulling image \"a\""),
        &[("container-waiting", "container gateway is in ImagePullBackOff after 0 restarts: Back-off pulling")],
    ),
    (
        "config-error",
        |objects| waiting(objects, "CreateContainerConfigError", "configmap \"orders\" not found"),
        &[("container-waiting", "CreateContainerConfigError after 0 restarts: configmap \"orders\" not found")],
    ),
    (
        "crash-loop",
        |objects| {
            waiting(objects, "CrashLoopBackOff", "canary");
            let status = objects.container_status();
            status["restartCount"] = json!(7);
            status["lastState"] = json!({"terminated": {"exitCode": 139, "reason": "Error", "message": "canary"}});
        },
        &[("container-waiting", "is in CrashLoopBackOff after 7 restarts: it ended with exit code 139 (Error)")],
    ),
    (
        "restarted",
        |objects| {
            let status = objects.container_status();
            status["restartCount"] = json!(2);
            status["lastState"] = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled", "message": "canary"}});
        },
        &[("container-restarted", "was restarted 2 times; last it ended with exit code 137 (OOMKilled)")],
    ),
    (
        "not-ready",
        |objects| objects.pod()["status"]["conditions"] = json!([{"type": "Ready", "status": "False"}]),
        &[("pod-not-ready", "its phase is Running, and it is not ready")],
    ),
    (
        "older-template",
        |objects| {
            objects.deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!("2");
        },
        &[("template-outdated", "Pod orders-1: of an older template of this Deployment")],
    ),
    (
        "older-configuration",
        |objects| objects.container_status()["state"]["running"]["startedAt"] = json!("2020-01-01T00:00:00Z"),
        &[("configuration-outdated", "started before the data of ConfigMap orders changed")],
    ),
    (
        "old-image",
        |objects| objects.container_status()["image"] = json!(OLD_IMAGE),
        &[
            ("running-image-unsupported", "container gateway runs 2.9.2, and 2.11.0 is needed"),
            ("running-image-differs", "container gateway runs 2.9.2, and the Pod names 2.11.1"),
        ],
    ),
    (
        "mixed-images",
        |objects| {
            let mut other = objects.pod().clone();
            other["metadata"]["name"] = json!("orders-2");
            other["status"]["containerStatuses"][0]["imageID"] = json!(format!("sha256:{}", "b".repeat(64)));
            objects.pods.push(other);
        },
        &[("running-image-differs", "is not the same image everywhere: sha256:aaaa")],
    ),
];

/// What azure-workload-identity adds.
const OF_IDENTITY: &[Planted] = &[
    (
        "not-injected",
        without_identity,
        &[("identity-not-injected", "added nothing: its webhook was not called when the Pod was created")],
    ),
    (
        "no-label",
        |objects| {
            without_identity(objects);
            objects.pod()[POD[0]][POD[1]] = json!({"app": "orders"});
        },
        &[("identity-not-injected", "added nothing: the Pod has no label azure.workload.identity/use: \"true\"")],
    ),
    (
        "skipped",
        |objects| {
            without_identity(objects);
            let annotations = json!({"azure.workload.identity/skip-containers": "other; gateway"});
            objects.pod()["metadata"]["annotations"] = annotations;
        },
        &[("identity-not-injected", "annotation azure.workload.identity/skip-containers names the container")],
    ),
    (
        "no-client-id",
        |objects| {
            *variable(objects, "AZURE_CLIENT_ID") = json!({"name": "OTHER", "value": "canary"});
        },
        &[("identity-variable-missing", "AZURE_CLIENT_ID is missing: the ServiceAccount got its client id after")],
    ),
    (
        "no-tenant-id",
        |objects| {
            variable(objects, "AZURE_TENANT_ID")["value"] = json!("");
        },
        &[(
            "identity-variable-missing",
            "AZURE_TENANT_ID is missing: set annotation azure.workload.identity/tenant-id",
        )],
    ),
    (
        "other-client-id",
        |objects| variable(objects, "AZURE_CLIENT_ID")["value"] = json!("canary"),
        &[("identity-outdated", "AZURE_CLIENT_ID differs from annotation azure.workload.identity/client-id of")],
    ),
    (
        "other-file",
        |objects| {
            let file = "/var/run/secrets/azure/tokens/azure-identity-token";
            variable(objects, "AZURE_FEDERATED_TOKEN_FILE")["value"] = json!(file);
        },
        &[(
            "token-not-mounted",
            "mounted it at /var/run/secrets/azure/wi/token/azure-identity-token (1.6.0 and newer)",
        )],
    ),
    (
        "not-mounted",
        |objects| objects.pod()["spec"]["containers"][0]["volumeMounts"] = json!([]),
        &[("token-not-mounted", "no volume of azure-workload-identity is mounted")],
    ),
    (
        "other-audience",
        |objects| token(objects)["audience"] = json!("api://AKSIdentityBinding"),
        &[("token-audience-differs", "is api://AKSIdentityBinding, and Entra expects api://AzureADTokenExchange")],
    ),
    (
        "short-lifetime",
        |objects| token(objects)["expirationSeconds"] = json!(600),
        &[("token-expiration-unusual", "its token has a lifetime of 600 s")],
    ),
];

async fn plant(control_plane: &Arc<ControlPlane>, planted: &[Planted]) {
    for (name, change, expected) in planted {
        let mut objects = Objects::correct();
        change(&mut objects);
        let scene = Scene::write(control_plane, name, &objects).await;
        let found = scene.found(&[], &[]);
        assert_eq!(found.len(), expected.len(), "{name}: {found:#?}");
        for ((id, message), (expected_id, part)) in found.iter().zip(*expected) {
            assert!(id == expected_id && message.contains(part), "{name}: {id}: {message}, expected {part}");
        }
        let text = scene.run(&[]).everything();
        assert!(!text.contains("canary") && !text.contains(CLIENT), "{name}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_planted_cause_is_found_alone() {
    let Some(control_plane) = ControlPlane::own_without_controllers() else { return };
    let _logs = control_plane.show_logs_on_panic();
    let user = User::administrator(&control_plane, &json!({"name": "apim-keyless"})).await;

    let kubelet = Kubelet::start();
    register_node(&user, &kubelet).await;

    let scene = Scene::write(&control_plane, "no-webhook", &Objects::correct()).await;
    let found = scene.found(&[], &[]);
    assert_eq!(found.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["workload-identity-missing"]);

    register_workload_identity(&user).await;
    // what is created in the same second counts as older
    tokio::time::sleep(Duration::from_millis(1100)).await;
    plant(&control_plane, OF_PODS).await;
    plant(&control_plane, OF_IDENTITY).await;
    each_known_line_is_found(&control_plane, &kubelet).await;
    an_account_that_changed_later_is_found(&control_plane).await;
    names_and_targets(&control_plane).await;
    the_installed_policy_counts(&user, &control_plane).await;
    missing_permissions_are_named(&control_plane).await;
}

async fn an_account_that_changed_later_is_found(control_plane: &Arc<ControlPlane>) {
    let scene = Scene::write(control_plane, "changed-later", &Objects::correct()).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let objects = Objects::correct();
    let annotations = json!({"azure.workload.identity/client-id": "9b2e6ae4-3b52-4f0e-9a64-0c5f6e2b8d10"});
    let patch = json!({"metadata": {"annotations": annotations}});
    scene.user.patch(&objects.account, "", &patch).await.stored();
    let found = scene.found(&[], &[]);
    let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["service-account-outdated", "identity-outdated"], "{found:#?}");
    assert!(found[0].1.contains("created before labels or annotations of ServiceAccount orders changed (20"));
}

/// `NAME`, `KIND/NAME`, and what there is no gateway for.
async fn names_and_targets(control_plane: &Arc<ControlPlane>) {
    let scene = Scene::write(control_plane, "targets", &Objects::correct()).await;
    let mut other = Objects::correct().deployment;
    other["metadata"]["name"] = json!("payments");
    scene.user.apply(&other).await.stored();
    let other = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}, "data": {"a": "b"}});
    scene.user.apply(&other).await.stored();
    for name in ["orders", "deployment/orders", "Deployment/orders", "deployments.apps/orders", "deploy/orders"] {
        let ran = scene.run(&[name]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{name}: {}", ran.stdout);
        assert!(ran.stdout.contains("no findings in ") && ran.stdout.contains("1 gateway"), "{}", ran.stdout);
    }
    let ran = scene.run(&[]);
    assert!(ran.code == 1 && ran.stdout.contains("--> Deployment targets/payments\n"), "{}", ran.stdout);
    for name in ["other", "statefulset/orders"] {
        let expected = format!(
            "error: there is no gateway {name} in namespace targets; its gateways are: deployment/orders, \
             deployment/payments\n"
        );
        let ran = scene.run(&[name]);
        assert_eq!((ran.code, ran.stderr), (2, expected));
    }
    let ran = scene.folder.run(&["verify", "--kubeconfig", "kubeconfig", "-n", "nowhere"]);
    let expected = "error: namespace nowhere does not exist; name another with --namespace\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (2, expected));
    let ran = scene.folder.run(&["verify", "--kubeconfig", "kubeconfig"]);
    let expected = "error: there is no gateway in namespace default; name another with --namespace\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (2, expected), "the namespace of the context");
}

/// The policy document of the installation, and one in its place.
async fn the_installed_policy_counts(user: &User, control_plane: &Arc<ControlPlane>) {
    let document = |version: &str| {
        format!(
            "{{apiVersion: apim-keyless.dev/v1alpha1, kind: GatewayPolicy, spec: {{defaults: {{minimumVersion: {version}}}}}}}"
        )
    };
    let config_map = |text: &str| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "apim-keyless-policy"},
            "data": {"policy.yaml": text},
        })
    };
    user.apply(&config_map(&document("2.12.0"))).await.stored();
    let scene = Scene::write(control_plane, "policy", &Objects::correct()).await;
    let found = scene.found(&[], &[]);
    let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["unsupported-version", "running-image-unsupported"], "{found:#?}");
    scene.folder.write("own.yaml", document("2.11.0").as_bytes());
    assert_eq!(scene.found(&[], &["--policy", "own.yaml"]), []);

    user.replace(&config_map("spec: canary")).await.stored();
    let ran = scene.run(&[]);
    assert!(ran.code == 2 && ran.stderr.contains("cannot use the policy document of the installed webhook"), "{ran:?}");
    assert!(!ran.everything().contains("canary"), "{ran:?}");
    user.delete(&config_map("")).await.stored();
}

/// A user who may read nothing gets every missing permission, and one who may read Pods all that they show.
async fn missing_permissions_are_named(control_plane: &Arc<ControlPlane>) {
    use base64::Engine;
    let scene = Scene::write(control_plane, "limited", &Objects::correct()).await;
    let (address, ca) = (format!("https://{}", control_plane.address()), control_plane.ca_pem());
    let ca = base64::engine::general_purpose::STANDARD.encode(ca);
    let kubeconfig = test_support::webhook::account::kubeconfig(&scene.user, "orders", &address, &ca).await;
    let folder = Folder::with(&[("kubeconfig", &kubeconfig.to_string())]);
    let ran = folder.run(&["verify", "--kubeconfig", "kubeconfig", "-n", "limited"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    for part in [
        "cannot read Namespace limited: needs get on namespaces\n",
        "cannot list pods in namespace limited: needs list on pods in namespace limited\n",
        "cannot list configmaps in namespace limited: needs list on configmaps in namespace limited\n",
        "cannot list deployments.apps in namespace limited: needs list on deployments.apps in namespace limited\n",
        "cannot read the mutating webhooks: needs list on mutatingwebhookconfigurations\n",
        "cannot read the policy document: needs get on configmaps apim-keyless-policy in namespace apim-keyless\n",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    let rules =
        json!([{"apiGroups": ["", "apps"], "resources": ["deployments", "replicasets", "pods"], "verbs": ["list"]}]);
    let (group, name) = ("rbac.authorization.k8s.io", json!({"name": "limited"}));
    let role = json!({"apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": name, "rules": rules});
    scene.user.apply(&role).await.stored();
    let binding = json!({
        "apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": name,
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "limited"},
        "subjects": [{"kind": "ServiceAccount", "name": "orders", "namespace": "limited"}],
    });
    scene.user.apply(&binding).await.stored();
    let text = test_support::webhook::eventually("the permission", || async {
        let ran = folder.run(&["verify", "--kubeconfig", "kubeconfig", "-n", "limited"]);
        (ran.code == 2 && !ran.stderr.contains("list pods")).then_some(ran.stdout)
    })
    .await;
    assert!(text.contains("\u{221a} every gateway has Pods, and they run and are ready\n"), "{text}");
    assert!(text.contains("? the rules find nothing in the objects of the gateway (unknown)\n"), "{text}");
}
