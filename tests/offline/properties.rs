//! Properties of the evaluation, tested over generated objects, policies and reviews.
//!
//! Fixes are idempotent · no unknown field is lost · the patch applies to the body as sent · audit neither changes nor
//! denies · an absent field equals its default · validate accepts what mutate fixed · edits never overlap and set only
//! listed pointers · an update that leaves the evaluated part alone is left alone · a non-gateway object gets no
//! finding · every review is answered · messages keep their limits. `canaries.rs` tests that no value leaks.

use apim_keyless::admission::{Decision, Endpoint, MessageOptions, Request, Webhook, answer};
use apim_keyless_core::gateway::KubernetesObject;
use apim_keyless_core::policy::{Edit, Finding, Level, Mode, Policy};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use test_support::TODAY;
use test_support::generate::evaluate::{evaluate, fixable, fixed, levels};
use test_support::generate::objects::{any_object, config_map, service_account, workload};
use test_support::generate::places::{differences, is_listed, named_places, overlap};
use test_support::generate::review::{damage, endpoint, harmless_update, review, sent_patch, unreadable_json};
use test_support::generate::vary::{bare, defaulted, with_long_names};
use test_support::generate::world::{DOCUMENTS, EXPECTATIONS, World, parsed, world};
use test_support::generate::{GATEWAYS, NON_GATEWAYS, UNKNOWN};

const MUTATE: Endpoint = Endpoint { webhook: Webhook::Mutating, mode: Mode::Enforce };
const VALIDATE: Endpoint = Endpoint { webhook: Webhook::Validating, mode: Mode::Enforce };
const AUDIT: Endpoint = Endpoint { webhook: Webhook::Validating, mode: Mode::Audit };

proptest! {
    #![proptest_config(config())]

    #[test]
    fn fixes_are_idempotent(world in world(&GATEWAYS), object in prop_oneof![2 => workload(&GATEWAYS), 1 => any_object(&GATEWAYS)]) {
        let Some(fixed) = fixed(&world, &object) else { return Ok(()) };
        let left = fixable(evaluate(&world, &fixed));
        prop_assert!(left.is_empty(), "{left:?} of {fixed}");
        prop_assert_eq!(Policy::fixed(&parsed(&fixed), &left), None);
    }

    #[test]
    fn only_pointers_of_edits_change(world in world(&GATEWAYS)) {
        let evaluated = world.policy().evaluate_all(&world.parsed_objects(), Mode::Enforce, TODAY).into_iter().map(|evaluated| evaluated.findings);
        for (before, findings) in world.objects.iter().zip(evaluated) {
            let findings = fixable(findings);
            let after = Policy::fixed(&parsed(before), &findings).unwrap_or_else(|| before.clone());
            let named = named_places(before, findings.iter().flat_map(|finding| &finding.problem.fix));
            prop_assert_eq!(differences(before, &after, &named), named.keys().cloned().collect(), "{}", before);
            for (at, value) in &named {
                prop_assert_eq!(at.resolve(&after), Ok(value), "{}", at);
            }
        }
    }

    #[test]
    fn the_patch_applies_to_the_body_as_sent(review in review(&GATEWAYS)) {
        let sent: Value = serde_json::from_str(&review.body()).unwrap();
        let answer = review.answer(MUTATE);
        let fixed = Policy::fixed(&parsed(&review.object), &answer.findings);
        let patch = sent_patch(&answer.response.to_review());
        prop_assert_eq!(patch.is_some(), fixed.is_some());
        prop_assert_eq!(answer.decision, if fixed.is_some() { Decision::Mutated } else { Decision::Allowed });
        let mut patched = sent["request"]["object"].clone();
        json_patch::patch(&mut patched, &patch.unwrap_or_default()).unwrap();
        prop_assert_eq!(patched, fixed.unwrap_or(review.object));
    }

    #[test]
    fn audit_neither_changes_nor_denies(review in review(&GATEWAYS)) {
        let (audited, enforced) = (review.answer(AUDIT), review.answer(VALIDATE));
        prop_assert!(audited.response.allowed && audited.response.patch.is_none() && audited.response.status.is_none());
        prop_assert!(audited.findings.iter().all(|finding| finding.level() == Level::Warning));
        let found = |findings: &[Finding]| findings.iter().map(|finding| (finding.rule.id, finding.problem.clone(), finding.mode_if_enforced)).collect::<Vec<_>>();
        prop_assert_eq!(found(&audited.findings), found(&enforced.findings));
    }

    #[test]
    fn an_absent_field_equals_its_default(world in world(&GATEWAYS)) {
        let findings = |of: fn(&Value) -> Value| levels(&World { objects: world.objects.iter().map(of).collect(), ..world.clone() });
        let as_written = findings(Value::clone);
        prop_assert_eq!(&findings(defaulted), &as_written, "with defaults");
        prop_assert_eq!(&findings(bare), &as_written, "without defaults");
    }

    #[test]
    fn null_metadata_equals_absent_metadata(object in prop_oneof![config_map(&GATEWAYS), service_account(&GATEWAYS)]) {
        let [absent, null] = [None, Some(Value::Null)].map(|metadata| {
            let mut object = object.clone();
            object.as_object_mut().unwrap().remove("metadata");
            if let Some(metadata) = metadata {
                object["metadata"] = metadata;
            }
            KubernetesObject::recognize(object.to_string(), "team-a").map(|parsed| parsed.is_some())
        });
        prop_assert_eq!(absent, null);
    }

    #[test]
    fn validate_accepts_what_mutate_fixed(review in review(&GATEWAYS)) {
        let mutated = review.answer(MUTATE);
        let Some(patch) = &mutated.patch else { return Ok(()) };
        let patched = review.patched(patch);
        prop_assert!(patched.answer(MUTATE).patch.is_none(), "a second call changes nothing more");
        for denied in patched.answer(VALIDATE).findings.iter().filter(|finding| finding.mode == Mode::Enforce) {
            let places = mutated.findings.iter().filter(|finding| finding.rule.id == denied.rule.id).flat_map(|finding| &finding.problem.fix);
            let again = places.map(Edit::at).find(|at| overlap(at, &denied.problem.at));
            prop_assert_eq!(again, None, "{}", denied.sentence());
        }
    }

    #[test]
    fn edits_never_overlap_and_set_only_listed_pointers(world in world(&GATEWAYS)) {
        for (parsed, findings) in world.parsed_objects().iter().zip(world.policy().evaluate_all(&world.parsed_objects(), Mode::Enforce, TODAY).into_iter().map(|evaluated| evaluated.findings)) {
            let edits: Vec<&Edit> = findings.iter().flat_map(|finding| &finding.problem.fix).collect();
            for (index, edit) in edits.iter().enumerate() {
                prop_assert!(is_listed(parsed, edit), "{:?}", edit);
                let overlaps = |other: &&Edit| matches!((edit, other), (Edit::Set { .. }, _) | (_, Edit::Set { .. })) && overlap(edit.at(), other.at());
                prop_assert!(!edits[index + 1..].iter().copied().any(|other| overlaps(&other)), "{:?}", edits);
            }
        }
    }

    #[test]
    fn no_key_of_a_config_map_is_set_twice(world in world(&GATEWAYS), object in config_map(&GATEWAYS)) {
        let keys = |object: &Value, member: &str| object[member].as_object().into_iter().flat_map(Map::keys).cloned().collect::<BTreeSet<_>>();
        let Some(fixed) = fixed(&world, &object) else { return Ok(()) };
        // Kubernetes rejects a key that occurs in both; a key that already occurred in both is its owner's error
        let in_both = |object: &Value| &keys(object, "data") & &keys(object, "binaryData");
        prop_assert_eq!(in_both(&fixed), in_both(&object), "{}", fixed);
    }

    #[test]
    fn an_update_that_leaves_the_evaluated_part_alone_is_left_alone(review in harmless_update(&GATEWAYS)) {
        for endpoint in Endpoint::ALL {
            let answer = review.answer(endpoint);
            prop_assert!(answer.response.allowed && answer.response.patch.is_none(), "{:?}", answer.response);
        }
    }

    #[test]
    fn a_non_gateway_object_gets_no_finding(world in world(&NON_GATEWAYS)) {
        let findings: Vec<Vec<Finding>> = world.policy().evaluate_all(&world.parsed_objects(), Mode::Enforce, TODAY).into_iter().map(|evaluated| evaluated.findings).collect();
        prop_assert!(findings.iter().all(Vec::is_empty), "{findings:?}");
    }

    #[test]
    fn every_review_is_answered(review in review(&GATEWAYS), endpoint in endpoint(), damage in damage()) {
        prop_assert_eq!(&review.answer(endpoint).response.uid, &review.uid);
        let mut body = review.body().into_bytes();
        for (index, byte) in &damage {
            *index.get_mut(&mut body) = *byte;
        }
        let policy = review.world.policy();
        let Ok(request) = Request::read(&body) else { return Ok(()) };
        let answer = answer(&policy, &review.world.related(&policy), &MessageOptions::default(), endpoint, &request, TODAY);
        prop_assert_eq!(&answer.response.uid, &request.uid);
    }

    #[test]
    fn other_kinds_and_operations_are_allowed(
        mut review in review(&GATEWAYS),
        endpoint in endpoint(),
        operation in select(&["CREATE", "DELETE", "CONNECT"][..]),
    ) {
        review.operation = operation;
        if operation == "CREATE" {
            review.object["kind"] = "Secret".into();
            // an object of any kind with a pod template is evaluated
            for field in ["spec", "template"] {
                review.object.as_object_mut().map(|object| object.remove(field));
            }
        }
        let answer = review.answer(endpoint);
        prop_assert!(answer.response.allowed && answer.response.patch.is_none() && answer.response.uid == review.uid);
        prop_assert_eq!(answer.decision, if operation == "CREATE" { Decision::UnknownKind } else { Decision::Allowed });
    }

    #[test]
    fn random_bytes_are_rejected(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        text in "\\{\"(apiVersion|kind|request)\":[\\{\\}\\[\\]\"a-z:,]{0,60}",
    ) {
        prop_assert!(Request::read(&bytes).is_err());
        prop_assert!(Request::read(text.as_bytes()).is_err());
    }

    #[test]
    fn messages_keep_their_limits(
        mut review in review(&GATEWAYS),
        length in select(&[0, 63, 253][..]),
        endpoint in endpoint(),
    ) {
        review.object = with_long_names(&review.object, length);
        let response = review.answer(endpoint).response;
        let message = response.status.map(|status| status.message).unwrap_or_default();
        prop_assert!(message.len() <= 1331, "{} bytes: {}", message.len(), message);
        prop_assert!(response.warnings.len() <= 5);
        for warning in &response.warnings {
            prop_assert!(warning.len() <= 256 && warning.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{:?}", warning);
        }
        for (key, text) in &response.audit_annotations {
            prop_assert!(["decision", "mode", "policy", "rules", "would-patch"].contains(key) && text.len() <= 256, "{key}: {text}");
        }
    }

    #[test]
    fn an_object_with_unreadable_json_is_not_replaced(object in any_object(&GATEWAYS), damaged in unreadable_json()) {
        let text = object.to_string().replacen('{', &format!("{{\"{UNKNOWN}\":{damaged},"), 1);
        let Ok(Some(parsed)) = KubernetesObject::recognize(text, "team-a") else { return Ok(()) };
        let world = World { document: EXPECTATIONS, annotations: &[], is_complete: false, objects: Vec::new() };
        let fixed = Policy::fixed(&parsed, &world.policy().evaluate_all(std::slice::from_ref(&parsed), Mode::Enforce, TODAY)[0].findings);
        prop_assert!(fixed.is_none_or(|fixed| fixed["kind"] == object["kind"]), "the edits replace the object");
    }
}

#[test]
fn a_config_map_that_was_added_is_not_reported_at_the_workload() {
    let container = |config_maps: &[&str]| {
        let sources: Vec<Value> = config_maps.iter().map(|name| json!({"configMapRef": {"name": name}})).collect();
        json!({"name": "a", "image": "mcr.microsoft.com/azure-api-management/gateway:2.11.1", "envFrom": sources})
    };
    let pod = |name: &str, config_maps: &[&str]| {
        let spec = json!({"serviceAccountName": "a", "containers": [container(config_maps)]});
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
    };
    let config_map =
        |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}});
    // another gateway takes the ConfigMap that the fix adds, too, and not alone
    let objects = vec![config_map("apim-gateway-env"), config_map("b"), pod("other", &["apim-gateway-env", "b"])];
    let world = World { document: DOCUMENTS[0], annotations: &[], is_complete: false, objects };
    let after = fixed(&world, &pod("new", &[])).expect("a reference is added");
    assert_eq!(after.pointer("/spec/containers/0/envFrom/0/configMapRef/name"), Some(&json!("apim-gateway-env")));
    let rules: Vec<&str> = evaluate(&world, &after).iter().map(|finding| finding.rule.id).collect();
    assert!(!rules.contains(&"missing-configuration-reference"), "{rules:?}");
}

/// All properties together take a minute. `PROPTEST_CASES` sets a higher number of cases.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.max(512), failure_persistence: None, ..default }
}
