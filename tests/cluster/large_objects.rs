//! The `matchConditions` hold for objects of any size. The API server limits the cost of a CEL expression: beyond the
//! limit it denies the write under `failurePolicy: Fail` and skips the webhook under `Ignore`. The chart's bounds keep
//! the cost below half of the limits.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use test_support::gateways::{merged, template, workload};
use test_support::helm::{CHART, Helm};
use test_support::webhook::objects::{BARE, one};
use test_support::webhook::{User, Webhook, documents, eventually};

const IMAGES: &str = "policy.images=[\"registry.example/apim/gateway\"]";
/// One kind of each shape.
const SHAPES: [&str; 4] = ["Pod", "Deployment", "CronJob", "PodTemplate"];

/// The longest name that the conditions compare with the settings. It is no setting.
const NAME: &str = "ASPNETCORE_config__service__auth__azuread__certificatepatz";

#[tokio::test(flavor = "multi_thread")]
async fn the_conditions_hold_for_objects_of_any_size() {
    let Some(helm) = Helm::shared() else { return };
    let Some(mut webhook) = Webhook::of_test("large-objects", |_| Vec::new()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let rendering = helm.template(&[IMAGES]).success();
    webhook.register_instead(&rendering).await;
    let user = webhook.user("large-objects", Some("enforce")).await;
    let bounds = Bounds { has_image_volumes: webhook.has_image_volumes().await, ..Bounds::of_chart() };
    // Pods need it, and its controller may be late
    let account = format!("/api/v1/namespaces/{}/serviceaccounts/default", user.namespace);
    eventually("the ServiceAccount of new Pods", || async { (user.get(&account).await.status == 200).then_some(()) })
        .await;

    for object in bounds.costliest().into_iter().chain(bounds.exceeding()) {
        user.apply_with(&object, "?dryRun=All").await.stored();
    }
    a_gateway_by_its_config_map_is_evaluated(&user, &bounds).await;
    // of the limit, an object within the bounds may use half
    webhook.register_instead(&repeated(&rendering, 2)).await;
    for object in bounds.costliest() {
        user.apply_with(&object, "?dryRun=All").await.stored();
    }
    // and the costliest ones use so much that this test would notice a higher cost; without image volumes they cost less
    webhook.register_instead(&repeated(&rendering, 4)).await;
    let is_costly = |object: &&Value| bounds.has_image_volumes && object["kind"] != "ServiceAccount";
    for object in bounds.costliest().iter().filter(is_costly) {
        let response = user.apply_with(object, "?dryRun=All").await;
        let message = response.body["message"].as_str().unwrap_or_default();
        assert!(message.contains("cost"), "{} {}: {message}", object["kind"], response.status);
    }
    webhook.register_instead(&rendering).await;
    webhook.stop();
    an_outage_stops_objects_beyond_the_bounds(&user, &bounds).await;
}

/// A gateway that only its `ConfigMap` shows is evaluated, however costly the conditions are for it.
async fn a_gateway_by_its_config_map_is_evaluated(user: &User, bounds: &Bounds) {
    for kind in ["ServiceAccount", "ConfigMap"] {
        user.apply(&one(BARE, kind)).await.stored();
    }
    let mut spec = bounds.spec();
    spec["containers"][0]["envFrom"][0] = json!({"configMapRef": {"name": "apim-gateway-env"}});
    for kind in SHAPES {
        let mut object = workload(kind, spec.clone());
        template(&mut object)["metadata"]["labels"]["azure.workload.identity/use"] = json!("false");
        eventually("a denial after the cache has the ConfigMap", || async {
            let response = user.apply(&object).await;
            let message = response.body["message"].as_str().unwrap_or_default();
            if response.status == 201 {
                user.delete(&object).await.stored();
                return None;
            }
            assert!(response.status == 403 && message.contains("missing-identity-label"), "{}", response.body);
            Some(())
        })
        .await;
    }
}

/// While the webhook is unavailable, an object beyond a bound is denied, and any other is not.
async fn an_outage_stops_objects_beyond_the_bounds(user: &User, bounds: &Bounds) {
    for object in bounds.costliest() {
        user.apply_with(&object, "?dryRun=All").await.stored();
    }
    for object in bounds.exceeding() {
        let response = user.apply_with(&object, "?dryRun=All").await;
        let message = response.body["message"].as_str().unwrap_or_default();
        let is_stopped = response.status == 500 && message.contains("enforce.apim-keyless.dev");
        assert!(is_stopped, "{} {:.300}", object["metadata"], response.body.to_string());
    }
    // a Pod of a controller that has a key is not sent, unless it has too many owners
    let controller = user.impersonating("system:serviceaccount:kube-system:replicaset-controller");
    let key =
        json!({"containers": [{"name": "a", "image": "a", "env": [{"name": "config.service.auth", "value": "a"}]}]});
    let mut pod = workload("Pod", key);
    for (owners, status) in [(bounds.by_name["ownerReferences"], 201), (bounds.by_name["ownerReferences"] + 1, 500)] {
        pod["metadata"]["ownerReferences"] = (0..owners).map(|index| owner(index, index + 1 == owners)).collect();
        assert_eq!(controller.apply_with(&pod, "?dryRun=All").await.status, status, "{owners}");
    }
}

fn owner(index: usize, is_controller: bool) -> Value {
    let uid = format!("00000000-0000-0000-0000-{index:012}");
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "a", "uid": uid, "controller": is_controller})
}

/// The rendering with each expression evaluated `times` times, and every validating entry with `failurePolicy: Fail`,
/// so that the API server reports the error of each.
pub(crate) fn repeated(rendering: &str, times: usize) -> String {
    let mut objects = documents(rendering);
    for object in objects.iter_mut().filter(|object| object["kind"] == "ValidatingWebhookConfiguration") {
        for entry in object["webhooks"].as_array_mut().unwrap() {
            entry["failurePolicy"] = json!("Fail");
            for condition in entry["matchConditions"].as_array_mut().unwrap() {
                let expression = format!("({})", condition["expression"].as_str().unwrap());
                condition["expression"] = json!(format!("[{}][0]", vec![expression; times].join(",")));
            }
        }
    }
    let documents: Vec<String> = objects.iter().map(Value::to_string).collect();
    documents.join("\n---\n")
}

/// The bounds of the chart.
struct Bounds {
    by_name: BTreeMap<String, usize>,
    /// Can a volume have an image? If not, the API server warns about each, in more headers than the client reads.
    has_image_volumes: bool,
}

impl Bounds {
    fn of_chart() -> Self {
        let templates = std::fs::read_to_string(format!("{CHART}/templates/_conditions.tpl")).unwrap();
        let (_, rest) = templates.split_once("\"apim-keyless.condition.bounds\" -}}").unwrap();
        let (yaml, _) = rest.split_once("{{-").unwrap();
        Self { by_name: serde_saphyr::from_str(yaml).unwrap(), has_image_volumes: true }
    }

    /// The costliest pod spec within the bounds. Each text is chosen so that as much as possible of it is compared.
    fn spec(&self) -> Value {
        let containers = self.by_name["containers"];
        let share = |bound: &str, index: usize| {
            let all = self.by_name[bound];
            all / containers + usize::from(index < all % containers)
        };
        let container = |index: usize| {
            json!({
                "name": format!("c{index}"),
                "image": self.image(0),
                "env": vec![json!({"name": NAME, "value": "a"}); share("env", index)],
                "envFrom": vec![self.source(0); share("envFrom", index)],
            })
        };
        let all: Vec<Value> = (0..containers).map(container).collect();
        let (regular, init) = all.split_at(containers / 2);
        let volumes: Vec<Value> = (0..self.by_name["volumes"]).map(|index| self.volume(index, 0)).collect();
        // the API server would add a volume to a Pod before it calls webhooks
        json!({
            "containers": regular, "initContainers": init, "volumes": volumes, "automountServiceAccountToken": false,
        })
    }

    /// An image with as many characters as the bound allows, and `more`.
    fn image(&self, more: usize) -> String {
        padded("azure-api-management/gateway-", "a", self.by_name["imageLength"] + more)
    }

    fn volume(&self, index: usize, more: usize) -> Value {
        let name = format!("v{index}");
        if self.has_image_volumes {
            return json!({"name": name, "image": {"reference": self.image(more)}});
        }
        json!({"name": name, "emptyDir": {}})
    }

    fn source(&self, more: usize) -> Value {
        json!({"prefix": padded("CONFIG_SERVICF", "_a", self.by_name["prefixLength"] + more), "secretRef": {"name": "a"}})
    }

    /// An object of each shape that is as costly as the bounds allow.
    fn costliest(&self) -> Vec<Value> {
        let workloads = SHAPES.map(|kind| workload(kind, self.spec()));
        let others = [config_map(self.by_name["configMapKeys"]), service_account(self.by_name["serviceAccountKeys"])];
        workloads.into_iter().chain(others).collect()
    }

    /// Objects that exceed one bound each, by one.
    fn exceeding(&self) -> Vec<Value> {
        let container = |members: Value| merged(json!({"name": "a", "image": "a"}), members);
        let named = |index: usize| json!({"name": format!("c{index}"), "image": "a"});
        let alone = |members: Value| json!({"containers": [container(members)]});
        let volumes: Vec<Value> =
            (0..=self.by_name["volumes"]).map(|index| json!({"name": format!("v{index}"), "emptyDir": {}})).collect();
        let source = json!({"secretRef": {"name": "a"}});
        let mut specs = vec![
            json!({"containers": (0..=self.by_name["containers"]).map(named).collect::<Vec<_>>()}),
            alone(json!({"env": vec![json!({"name": "a", "value": "a"}); self.by_name["env"] + 1]})),
            alone(json!({"envFrom": vec![source; self.by_name["envFrom"] + 1]})),
            alone(json!({"envFrom": [self.source(1)]})),
            alone(json!({"image": self.image(1)})),
            merged(alone(json!({})), json!({"volumes": volumes})),
        ];
        if self.has_image_volumes {
            specs.push(merged(alone(json!({})), json!({"volumes": [self.volume(0, 1)]})));
        }
        let workloads = specs.iter().flat_map(|spec| SHAPES.map(|kind| workload(kind, spec.clone())));
        let others =
            [config_map(self.by_name["configMapKeys"] + 1), service_account(self.by_name["serviceAccountKeys"] + 1)];
        workloads.chain(others).collect()
    }
}

/// The start of the text with `end` repeated, `length` characters long.
fn padded(start: &str, end: &str, length: usize) -> String {
    start.chars().chain(end.chars().cycle()).take(length).collect()
}

fn config_map(keys: usize) -> Value {
    let start = NAME.get(..NAME.len() - 6).unwrap();
    let data: serde_json::Map<String, Value> = (0..keys).map(|key| (format!("{start}{key:06}"), json!(""))).collect();
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data})
}

fn service_account(keys: usize) -> Value {
    let labels: serde_json::Map<String, Value> =
        (0..keys).map(|key| (format!("azure.workload.identitx/{key}"), json!(""))).collect();
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a", "labels": labels}})
}

#[test]
fn the_security_page_lists_the_bounds() {
    let page = include_str!("../../docs/security.md");
    let mut rows: Vec<usize> = page
        .lines()
        .skip_while(|line| *line != "| bound | of |")
        .skip(2)
        .map_while(|line| line.strip_prefix("| ")?.split_once(" |")?.0.parse().ok())
        .collect();
    let mut bounds = Bounds::of_chart().by_name;
    // an object beyond it is evaluated like one that a user wrote, and waits for no other reason
    bounds.remove("ownerReferences");
    let mut bounds: Vec<usize> = bounds.into_values().collect();
    rows.sort_unstable();
    bounds.sort_unstable();
    assert_eq!(rows, bounds);
}
