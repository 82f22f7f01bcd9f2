//! Laws of the judgement, held over generated objects, policies and reviews.
//!
//! Mending twice is mending once · nothing unknown is lost · the patch fits the body as sent · audit neither changes nor
//! refuses · absent is as its default · what mutate mended, validate accepts · edits never meet and touch listed places
//! alone · what leaves the judged part alone is left alone · nobody's object is none of ours · every review gets its answer ·
//! what is said keeps its bounds. That no value is ever told is `canaries.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a law that panics is a law that fails, and the macros hide that these are tests"
)]

mod generate;

use apim_keyless::admission::{Decision, Endpoint, Request, Webhook, answer};
use apim_keyless::gateway::KubernetesObject;
use apim_keyless::policy::{Edit, Finding, Level, Mode, Policy};
use generate::evaluate::{carried_out, evaluate, mended, outcomes};
use generate::objects::{any_object, config_map, service_account, workload};
use generate::places::{differences, is_listed, meet, named_places};
use generate::review::{damage, endpoint, kept, review, sent_patch, shape_error};
use generate::vary::{bare, defaulted, with_long_names};
use generate::world::{EXPECTING, World, parsed, world};
use generate::{GATEWAYS, STRANGERS, UNKNOWN};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

const MUTATE: Endpoint = Endpoint { webhook: Webhook::Mutating, mode: Mode::Enforce };
const VALIDATE: Endpoint = Endpoint { webhook: Webhook::Validating, mode: Mode::Enforce };
const AUDIT: Endpoint = Endpoint { webhook: Webhook::Validating, mode: Mode::Audit };

proptest! {
    #![proptest_config(config())]

    #[test]
    fn mending_twice_is_mending_once(world in world(&GATEWAYS), object in prop_oneof![2 => workload(&GATEWAYS), 1 => any_object(&GATEWAYS)]) {
        let Some(mended) = mended(&world, &object) else { return Ok(()) };
        let left = carried_out(evaluate(&world, &mended));
        prop_assert!(left.is_empty(), "{left:?} of {mended}");
        prop_assert_eq!(Policy::fixed(&parsed(&mended), &left), None);
    }

    #[test]
    fn nothing_is_changed_but_what_the_edits_name(world in world(&GATEWAYS)) {
        let judged = world.policy().evaluate_all(&world.parsed_objects(), Mode::Enforce);
        for (before, findings) in world.objects.iter().zip(judged) {
            let findings = carried_out(findings);
            let after = Policy::fixed(&parsed(before), &findings).unwrap_or_else(|| before.clone());
            let named = named_places(before, findings.iter().flat_map(|finding| &finding.problem.fix));
            prop_assert_eq!(differences(before, &after, &named), named.keys().cloned().collect(), "{}", before);
            for (at, value) in &named {
                prop_assert_eq!(at.resolve(&after), Ok(value), "{}", at);
            }
        }
    }

    #[test]
    fn the_patch_fits_the_body_as_sent(review in review(&GATEWAYS)) {
        let sent: Value = serde_json::from_str(&review.body()).unwrap();
        let answer = review.answer(MUTATE);
        let mended = Policy::fixed(&parsed(&review.object), &answer.findings);
        let patch = sent_patch(&answer.response.to_review());
        prop_assert_eq!(patch.is_some(), mended.is_some());
        prop_assert_eq!(answer.decision, if mended.is_some() { Decision::Fixable } else { Decision::Allowed });
        let mut patched = sent["request"]["object"].clone();
        json_patch::patch(&mut patched, &patch.unwrap_or_default()).unwrap();
        prop_assert_eq!(patched, mended.unwrap_or(review.object));
    }

    #[test]
    fn audit_neither_changes_nor_refuses(review in review(&GATEWAYS)) {
        let (audited, enforced) = (review.answer(AUDIT), review.answer(VALIDATE));
        prop_assert!(audited.response.allowed && audited.response.patch.is_none() && audited.response.status.is_none());
        prop_assert!(audited.findings.iter().all(|finding| finding.level() == Level::Warning));
        let said = |findings: &[Finding]| findings.iter().map(|finding| (finding.rule.id, finding.problem.clone(), finding.mode_if_enforced)).collect::<Vec<_>>();
        prop_assert_eq!(said(&audited.findings), said(&enforced.findings));
    }

    #[test]
    fn absent_is_as_its_default(world in world(&GATEWAYS)) {
        let findings = |of: fn(&Value) -> Value| outcomes(&World { objects: world.objects.iter().map(of).collect(), ..world.clone() });
        let as_written = findings(Value::clone);
        prop_assert_eq!(&findings(defaulted), &as_written, "with defaults");
        prop_assert_eq!(&findings(bare), &as_written, "without defaults");
    }

    #[test]
    fn null_metadata_is_as_absent_metadata(object in prop_oneof![config_map(&GATEWAYS), service_account(&GATEWAYS)]) {
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
    fn what_mutate_mended_validate_accepts(review in review(&GATEWAYS)) {
        let mutated = review.answer(MUTATE);
        let Some(patch) = &mutated.patch else { return Ok(()) };
        let patched = review.patched(patch);
        prop_assert!(patched.answer(MUTATE).patch.is_none(), "a second call finds nothing more");
        for refused in patched.answer(VALIDATE).findings.iter().filter(|finding| finding.mode == Mode::Enforce) {
            let places = mutated.findings.iter().filter(|finding| finding.rule.id == refused.rule.id).flat_map(|finding| &finding.problem.fix);
            let again = places.map(Edit::at).find(|at| meet(at, &refused.problem.at));
            prop_assert_eq!(again, None, "{}", refused.sentence());
        }
    }

    #[test]
    fn edits_never_meet_and_touch_listed_places_alone(world in world(&GATEWAYS)) {
        for (parsed, findings) in world.parsed_objects().iter().zip(world.policy().evaluate_all(&world.parsed_objects(), Mode::Enforce)) {
            let edits: Vec<&Edit> = findings.iter().flat_map(|finding| &finding.problem.fix).collect();
            for (index, edit) in edits.iter().enumerate() {
                prop_assert!(is_listed(parsed, edit), "{:?}", edit);
                let meets = |other: &&Edit| matches!((edit, other), (Edit::Set { .. }, _) | (_, Edit::Set { .. })) && meet(edit.at(), other.at());
                prop_assert!(!edits[index + 1..].iter().copied().any(|other| meets(&other)), "{:?}", edits);
            }
        }
    }

    #[test]
    fn no_key_of_a_config_map_is_set_twice(world in world(&GATEWAYS), object in config_map(&GATEWAYS)) {
        let keys = |object: &Value, member: &str| object[member].as_object().into_iter().flat_map(Map::keys).cloned().collect::<BTreeSet<_>>();
        let Some(mended) = mended(&world, &object) else { return Ok(()) };
        // Kubernetes refuses a key that stands in both; a text that was there twice is its owner's affair
        let twice = |object: &Value| &keys(object, "data") & &keys(object, "binaryData");
        prop_assert_eq!(twice(&mended), twice(&object), "{}", mended);
    }

    #[test]
    fn what_leaves_the_judged_part_alone_is_left_alone(review in kept(&GATEWAYS)) {
        for endpoint in Endpoint::ALL {
            let answer = review.answer(endpoint);
            prop_assert!(answer.response.allowed && answer.response.patch.is_none(), "{:?}", answer.response);
        }
    }

    #[test]
    fn nobodys_object_is_none_of_ours(world in world(&STRANGERS)) {
        let findings = world.policy().evaluate_all(&world.parsed_objects(), Mode::Enforce);
        prop_assert!(findings.iter().all(Vec::is_empty), "{findings:?}");
    }

    #[test]
    fn every_review_gets_its_answer(review in review(&GATEWAYS), endpoint in endpoint(), damage in damage()) {
        prop_assert_eq!(&review.answer(endpoint).response.uid, &review.uid);
        let mut body = review.body().into_bytes();
        for (index, byte) in &damage {
            *index.get_mut(&mut body) = *byte;
        }
        let policy = review.world.policy();
        let Ok(request) = Request::read(&body) else { return Ok(()) };
        let answer = answer(&policy, &review.world.related(&policy), endpoint, &request);
        prop_assert_eq!(&answer.response.uid, &request.uid);
    }

    #[test]
    fn what_is_none_of_ours_is_allowed(
        mut review in review(&GATEWAYS),
        endpoint in endpoint(),
        operation in select(&["CREATE", "DELETE", "CONNECT"][..]),
    ) {
        review.operation = operation;
        if operation == "CREATE" {
            review.object["kind"] = "Secret".into();
        }
        let answer = review.answer(endpoint);
        prop_assert!(answer.response.allowed && answer.response.patch.is_none() && answer.response.uid == review.uid);
        prop_assert_eq!(answer.decision, if operation == "CREATE" { Decision::UnknownKind } else { Decision::Allowed });
    }

    #[test]
    fn any_bytes_are_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        text in "\\{\"(apiVersion|kind|request)\":[\\{\\}\\[\\]\"a-z:,]{0,60}",
    ) {
        prop_assert!(Request::read(&bytes).is_err());
        prop_assert!(Request::read(text.as_bytes()).is_err());
    }

    #[test]
    fn what_is_said_keeps_its_bounds(
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
            prop_assert!(warning.len() <= 120 && warning.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{:?}", warning);
        }
        for (key, text) in &response.audit_annotations {
            prop_assert!(["decision", "mode", "policy", "rules", "would-patch"].contains(key) && text.len() <= 256, "{key}: {text}");
        }
    }

    #[test]
    fn what_can_not_be_read_whole_is_left_whole(object in any_object(&GATEWAYS), damaged in shape_error()) {
        let text = object.to_string().replacen('{', &format!("{{\"{UNKNOWN}\":{damaged},"), 1);
        let Ok(Some(parsed)) = KubernetesObject::recognize(text, "team-a") else { return Ok(()) };
        let world = World { document: EXPECTING, annotations: &[], is_whole: false, objects: Vec::new() };
        let mended = Policy::fixed(&parsed, &world.policy().evaluate_all(std::slice::from_ref(&parsed), Mode::Enforce)[0]);
        prop_assert!(mended.is_none_or(|mended| mended["kind"] == object["kind"]), "the object is replaced by its edits");
    }
}

/// As many cases as take a minute in all; `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.max(512), failure_persistence: None, ..default }
}
