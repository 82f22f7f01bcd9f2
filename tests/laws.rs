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

use apim_keyless::admission::{Door, Entry, Request, Verdict, answer};
use apim_keyless::gateway::Subject;
use apim_keyless::policy::{Edit, Mode, Outcome, Policy, Ruling};
use generate::judge::{carried_out, examine, mended, outcomes};
use generate::objects::{any_object, config_map, service_account, workload};
use generate::places::{differences, is_listed, meet, named_places};
use generate::review::{damage, entry, kept, review, sent_patch, unreadable};
use generate::vary::{bare, defaulted, with_long_names};
use generate::world::{EXPECTING, World, subject, world};
use generate::{GATEWAYS, STRANGERS, UNKNOWN};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

const MUTATE: Entry = Entry { door: Door::Mutate, mode: Mode::Enforce };
const VALIDATE: Entry = Entry { door: Door::Validate, mode: Mode::Enforce };
const AUDIT: Entry = Entry { door: Door::Validate, mode: Mode::Audit };

proptest! {
    #![proptest_config(config())]

    #[test]
    fn mending_twice_is_mending_once(world in world(&GATEWAYS), object in prop_oneof![2 => workload(&GATEWAYS), 1 => any_object(&GATEWAYS)]) {
        let Some(mended) = mended(&world, &object) else { return Ok(()) };
        let left = carried_out(examine(&world, &mended));
        prop_assert!(left.is_empty(), "{left:?} of {mended}");
        prop_assert_eq!(Policy::mend(&subject(&mended), &left), None);
    }

    #[test]
    fn nothing_is_changed_but_what_the_edits_name(world in world(&GATEWAYS)) {
        let judged = world.policy().examine_together(&world.subjects(), Mode::Enforce);
        for (before, rulings) in world.objects.iter().zip(judged) {
            let rulings = carried_out(rulings);
            let after = Policy::mend(&subject(before), &rulings).unwrap_or_else(|| before.clone());
            let named = named_places(before, rulings.iter().flat_map(|ruling| &ruling.finding.remedy));
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
        let mended = Policy::mend(&subject(&review.object), &answer.rulings);
        let patch = sent_patch(&answer.response.to_review());
        prop_assert_eq!(patch.is_some(), mended.is_some());
        prop_assert_eq!(answer.verdict, if mended.is_some() { Verdict::Mended } else { Verdict::Allowed });
        let mut patched = sent["request"]["object"].clone();
        json_patch::patch(&mut patched, &patch.unwrap_or_default()).unwrap();
        prop_assert_eq!(patched, mended.unwrap_or(review.object));
    }

    #[test]
    fn audit_neither_changes_nor_refuses(review in review(&GATEWAYS)) {
        let (audited, enforced) = (review.answer(AUDIT), review.answer(VALIDATE));
        prop_assert!(audited.response.allowed && audited.response.patch.is_none() && audited.response.status.is_none());
        prop_assert!(audited.rulings.iter().all(|ruling| ruling.outcome() == Outcome::Remarked));
        let said = |rulings: &[Ruling]| rulings.iter().map(|ruling| (ruling.rule.id, ruling.finding.clone(), ruling.if_enforced)).collect::<Vec<_>>();
        prop_assert_eq!(said(&audited.rulings), said(&enforced.rulings));
    }

    #[test]
    fn absent_is_as_its_default(world in world(&GATEWAYS)) {
        let rulings = |of: fn(&Value) -> Value| outcomes(&World { objects: world.objects.iter().map(of).collect(), ..world.clone() });
        let as_written = rulings(Value::clone);
        prop_assert_eq!(&rulings(defaulted), &as_written, "with defaults");
        prop_assert_eq!(&rulings(bare), &as_written, "without defaults");
    }

    #[test]
    fn null_metadata_is_as_absent_metadata(object in prop_oneof![config_map(&GATEWAYS), service_account(&GATEWAYS)]) {
        let [absent, null] = [None, Some(Value::Null)].map(|metadata| {
            let mut object = object.clone();
            object.as_object_mut().unwrap().remove("metadata");
            if let Some(metadata) = metadata {
                object["metadata"] = metadata;
            }
            Subject::recognise(object.to_string(), "team-a").map(|subject| subject.is_some())
        });
        prop_assert_eq!(absent, null);
    }

    #[test]
    fn what_mutate_mended_validate_accepts(review in review(&GATEWAYS)) {
        let mutated = review.answer(MUTATE);
        let Some(patch) = &mutated.patch else { return Ok(()) };
        let patched = review.patched(patch);
        prop_assert!(patched.answer(MUTATE).patch.is_none(), "a second call finds nothing more");
        for refused in patched.answer(VALIDATE).rulings.iter().filter(|ruling| ruling.mode == Mode::Enforce) {
            let places = mutated.rulings.iter().filter(|ruling| ruling.rule.id == refused.rule.id).flat_map(|ruling| &ruling.finding.remedy);
            let again = places.map(Edit::at).find(|at| meet(at, &refused.finding.at));
            prop_assert_eq!(again, None, "{}", refused.sentence());
        }
    }

    #[test]
    fn edits_never_meet_and_touch_listed_places_alone(world in world(&GATEWAYS)) {
        for (subject, rulings) in world.subjects().iter().zip(world.policy().examine_together(&world.subjects(), Mode::Enforce)) {
            let edits: Vec<&Edit> = rulings.iter().flat_map(|ruling| &ruling.finding.remedy).collect();
            for (index, edit) in edits.iter().enumerate() {
                prop_assert!(is_listed(subject, edit), "{:?}", edit);
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
        for entry in Entry::ALL {
            let answer = review.answer(entry);
            prop_assert!(answer.response.allowed && answer.response.patch.is_none(), "{:?}", answer.response);
        }
    }

    #[test]
    fn nobodys_object_is_none_of_ours(world in world(&STRANGERS)) {
        let rulings = world.policy().examine_together(&world.subjects(), Mode::Enforce);
        prop_assert!(rulings.iter().all(Vec::is_empty), "{rulings:?}");
    }

    #[test]
    fn every_review_gets_its_answer(review in review(&GATEWAYS), entry in entry(), damage in damage()) {
        prop_assert_eq!(&review.answer(entry).response.uid, &review.uid);
        let mut body = review.body().into_bytes();
        for (index, byte) in &damage {
            *index.get_mut(&mut body) = *byte;
        }
        let policy = review.world.policy();
        let Ok(request) = Request::read(&body) else { return Ok(()) };
        let answer = answer(&policy, &review.world.surroundings(&policy), entry, &request);
        prop_assert_eq!(&answer.response.uid, &request.uid);
    }

    #[test]
    fn what_is_none_of_ours_is_allowed(
        mut review in review(&GATEWAYS),
        entry in entry(),
        operation in select(&["CREATE", "DELETE", "CONNECT"][..]),
    ) {
        review.operation = operation;
        if operation == "CREATE" {
            review.object["kind"] = "Secret".into();
        }
        let answer = review.answer(entry);
        prop_assert!(answer.response.allowed && answer.response.patch.is_none() && answer.response.uid == review.uid);
        prop_assert_eq!(answer.verdict, if operation == "CREATE" { Verdict::UnknownKind } else { Verdict::Allowed });
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
        entry in entry(),
    ) {
        review.object = with_long_names(&review.object, length);
        let response = review.answer(entry).response;
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
    fn what_can_not_be_read_whole_is_left_whole(object in any_object(&GATEWAYS), unreadable in unreadable()) {
        let text = object.to_string().replacen('{', &format!("{{\"{UNKNOWN}\":{unreadable},"), 1);
        let Ok(Some(subject)) = Subject::recognise(text, "team-a") else { return Ok(()) };
        let world = World { document: EXPECTING, annotations: &[], is_whole: false, objects: Vec::new() };
        let mended = Policy::mend(&subject, &world.policy().examine_together(std::slice::from_ref(&subject), Mode::Enforce)[0]);
        prop_assert!(mended.is_none_or(|mended| mended["kind"] == object["kind"]), "the object is replaced by its edits");
    }
}

/// As many cases as take a minute in all; `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.max(512), failure_persistence: None, ..default }
}
