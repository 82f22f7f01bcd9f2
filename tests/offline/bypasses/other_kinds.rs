//! Kinds of other API groups: every object with a pod template is a workload.

use super::attempt::{Attempt, ENFORCE};
use apim_keyless::admission::{Decision, Endpoint, Webhook};
use apim_keyless_core::policy::{Mode, Policy};
use serde_json::{Value, json};
use test_support::gateways::{
    LISTS, OTHER_KINDS, POLICY, auth_key_env, invalid_containers, template, valid, valid_container, with_container,
};
use test_support::run::Folder;

const MUTATE: Endpoint = Endpoint { webhook: Webhook::Mutating, mode: Mode::Enforce };

#[test]
fn b4_another_kind_is_evaluated_like_a_deployment() {
    for ((version, kind), list) in OTHER_KINDS.iter().flat_map(|kind| LISTS.map(|list| (kind, list))) {
        let valid = with_container(kind, list, valid_container());
        assert_eq!(valid["apiVersion"], *version);
        assert_eq!(Attempt::new(&valid).denied_by(), Vec::<&str>::new(), "{kind} {list}");
        for (rule, container) in invalid_containers() {
            let wrong = with_container(kind, list, container);
            assert_eq!(Attempt::new(&wrong).denied_by(), [rule], "{kind} {list}");
            let mut scaled = wrong.clone();
            scaled["spec"]["replicas"] = json!(3);
            assert_eq!(Attempt::new(&scaled).updating(&wrong).denied_by(), Vec::<&str>::new(), "{kind} {list}");
            assert_eq!(Attempt::new(&wrong).updating(&valid).denied_by(), [rule], "{kind} {list}");
        }
    }
}

#[test]
fn another_kind_is_fixed_like_a_deployment() {
    let policy = Policy::parse(POLICY).unwrap();
    for (_, kind) in OTHER_KINDS {
        let mut bare = valid(kind);
        template(&mut bare)["metadata"]["labels"] = json!({"app": "gateway"});
        template(&mut bare)["spec"]["serviceAccountName"] = json!(null);
        let patch = Attempt::new(&bare).answer(&policy, MUTATE).patch.unwrap();
        json_patch::patch(&mut bare, &patch).unwrap();
        assert_eq!(bare, valid(kind), "{kind}");
    }
}

/// A Rollout with a pod template that holds a key.
fn rollout() -> Value {
    let mut rollout = valid("Rollout");
    template(&mut rollout)["spec"]["containers"][0]["env"] = json!([auth_key_env()]);
    rollout
}

#[test]
fn an_object_without_a_pod_template_is_not_evaluated() {
    let policy = Policy::parse(POLICY).unwrap();
    let template_of = |change: fn(&mut Value)| {
        let mut object = rollout();
        change(&mut object["spec"]["template"]);
        object
    };
    let mut elsewhere = rollout();
    elsewhere["spec"]["canary"] = json!({"template": elsewhere["spec"]["template"].take()});
    let workload_ref = json!({"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "gateway"}});
    for object in [
        json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {}, "spec": workload_ref}),
        json!({"apiVersion": "example.com/v1", "kind": "Page", "metadata": {}, "spec": {"template": "text"}}),
        json!({"apiVersion": "example.com/v1", "kind": "Page", "metadata": {}, "template": [{"spec": {}}], "spec": []}),
        json!({"apiVersion": "example.com/v1", "kind": "Page"}),
        template_of(|template| *template = json!(null)),
        template_of(|template| template["spec"] = json!(7)),
        template_of(|template| template["spec"]["containers"] = json!(null)),
        template_of(|template| template["spec"]["containers"] = json!({"a": {"image": "a"}})),
        elsewhere,
    ] {
        for endpoint in Endpoint::ALL {
            let answer = Attempt::new(&object).answer(&policy, endpoint);
            assert_eq!((answer.decision, answer.response.allowed), (Decision::UnknownKind, true), "{object}");
            assert!(answer.response.warnings.is_empty() && answer.patch.is_none(), "{object}");
        }
    }
}

#[test]
fn a_metric_has_one_label_for_all_other_kinds() {
    let policy = Policy::parse(POLICY).unwrap();
    for (_, kind) in OTHER_KINDS {
        let evaluated = Attempt::new(&valid(kind)).answer(&policy, ENFORCE).kind.unwrap();
        assert_eq!(evaluated.to_string(), "other", "{kind}");
    }
}

#[test]
fn a_pod_template_that_cannot_be_read_fails_the_call() {
    let mut object = rollout();
    object["spec"]["template"]["spec"]["containers"] = json!(["gateway"]);
    let body = Attempt::new(&object).review().to_string();
    let error = apim_keyless::admission::Request::read(body.as_bytes()).err().unwrap();
    assert_eq!(error.location, "request.object", "{}", error.message);
    let checked = check(&object);
    assert_eq!(checked.code, 2, "{}", checked.stderr);
    assert!(checked.stderr.contains("spec.template.spec.containers[0] must be a mapping"), "{}", checked.stderr);
}

fn check(object: &Value) -> test_support::run::RunOutput {
    let folder = Folder::with(&[("object.json", &object.to_string()), ("policy.yaml", POLICY)]);
    folder.run(&["check", "object.json", "--policy", "policy.yaml"])
}

#[test]
fn check_finds_the_key_of_another_kind_and_names_its_place() {
    for (version, kind) in OTHER_KINDS {
        assert_eq!(check(&valid(kind)).code, 0, "{kind}");
        let mut with_key = valid(kind);
        template(&mut with_key)["spec"]["containers"][0]["env"] = json!([auth_key_env()]);
        let checked = check(&with_key);
        let place = match kind {
            "ScheduledTask" => "spec.jobTemplate.spec.template.spec.containers[0].env[0]",
            "GatewayTemplate" => "^ template.spec.containers[0].env[0]",
            _ => "spec.template.spec.containers[0].env[0]",
        };
        assert_eq!(checked.code, 1, "{kind} {}", checked.stdout);
        for text in ["error[auth-key-reference]", place, &format!("in {kind} ")] {
            assert!(checked.stdout.contains(text), "{kind}: {text}\n{}", checked.stdout);
        }
        // without apiVersion or kind it may be a part of anything
        for field in ["apiVersion", "kind"] {
            let mut part = with_key.clone();
            part.as_object_mut().unwrap().remove(field);
            assert!(!check(&part).stdout.contains("auth-key-reference"), "{version} {kind} without {field}");
        }
    }
}

#[test]
fn check_warns_about_what_a_workload_among_the_files_has_made() {
    let owner = rollout();
    let mut made = with_container("ReplicaSet", "containers", invalid_containers()[0].1.clone());
    made["metadata"]["name"] = json!("gateway-1");
    let reference = |name: &str, kind: &str| json!([{"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "name": name, "controller": true}]);
    for (name, kind, errors) in [("gateway", "Rollout", 1), ("other", "Rollout", 2), ("gateway", "Experiment", 2)] {
        made["metadata"]["ownerReferences"] = reference(name, kind);
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [owner, made]});
        let checked = check(&list);
        assert_eq!(checked.stdout.matches("error[auth-key-reference]").count(), errors, "{}", checked.stdout);
    }
}
