//! Compares the rights that the chart grants for the audit with the requests that were made.

use super::scene::{AUDITED, Scene};
use serde_json::Value;
use std::collections::BTreeSet;
use test_support::helm::Helm;
use test_support::webhook::documents;

/// Verb, API group and resource of each request that the webhook's account made, and of each that its rules allow, except
/// those about its certificates and its cache.
pub(super) fn the_rights_are_those_that_are_used(scene: &Scene) {
    let mut used = BTreeSet::new();
    for event in scene.requests().into_iter().filter(|event| event["objectRef"]["resource"].is_string()) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let object = &event["objectRef"];
        let right = [text(&event["verb"]), text(&object["apiGroup"]), text(&object["resource"])];
        if right[2] == "secrets" && right[0] == "list" {
            let uri = text(&event["requestURI"]);
            assert!(uri.contains("fieldSelector=metadata.name%3Dapim-keyless-ca"), "{uri}");
        }
        used.insert(right);
    }
    let mut allowed = BTreeSet::new();
    for object in documents(&Helm::shared().unwrap().template(&[AUDITED]).success()) {
        for rule in object["rules"].as_array().into_iter().flatten() {
            let texts = |key: &str| -> Vec<String> {
                rule[key].as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
            };
            let (groups, resources, verbs) = (texts("apiGroups"), texts("resources"), texts("verbs"));
            let pairs = resources.iter().flat_map(|resource| verbs.iter().map(move |verb| (verb, resource)));
            allowed.extend(pairs.map(|(verb, resource)| [verb.clone(), groups[0].clone(), resource.clone()]));
        }
    }
    let is_of_audit = |right: &&[String; 3]| {
        let [verb, group, resource] = right.each_ref().map(String::as_str);
        // watched for certificates and the cache, and kinds of other projects, which this cluster does not have
        verb != "watch"
            && group != "admissionregistration.k8s.io"
            && resource != "secrets"
            && !["argoproj.io", "apps.kruise.io", "apps.openshift.io", "serving.knative.dev"].contains(&group)
    };
    let unused: Vec<_> = allowed.iter().filter(is_of_audit).filter(|right| !used.contains(*right)).collect();
    assert_eq!(unused, Vec::<&[String; 3]>::new(), "rights that no request needed");
    let lacking: Vec<_> = used.iter().filter(|right| !allowed.contains(*right)).collect();
    assert_eq!(lacking, Vec::<&[String; 3]>::new(), "requests without a right");
}
