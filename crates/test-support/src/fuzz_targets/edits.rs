//! Reads JSON as a new object and applies all fixes to it.

use crate::TODAY;
use apim_keyless_core::gateway::{Change, KubernetesObject, RelatedObjects};
use apim_keyless_core::policy::{Context, Edit, Finding, Level, Mode, Policy, Requester};
use serde_json::Value;
use std::collections::BTreeMap;

/// A policy document with the expectations that every fix needs.
const POLICY: &str = "
apiVersion: apim-keyless.dev/v1alpha1
kind: GatewayPolicy
spec:
  defaults:
    clientId: 00000000-0000-0000-0000-00000000000a
    tenantId: 00000000-0000-0000-0000-00000000000b
    serviceAccount: apim-gateway
    configMap: apim-gateway-env
  namespaces: {team-a: {gatewayName: orders}}
";

/// The patch produces the fixed object, nothing else changes, and nothing is left to fix.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let policy = Policy::parse(POLICY).expect("the policy document is valid");
    let Ok(Some(object)) = KubernetesObject::recognize(text, "team-a") else { return };
    let findings = fixable(&policy, &object);
    let Some(after) = Policy::fixed(&object, &findings) else { return };
    let before = object.value().expect("a fixed object is readable");

    let mut patched = before.clone();
    json_patch::patch(&mut patched, &json_patch::diff(&before, &after)).expect("the patch fits");
    assert_eq!(patched, after);

    let edits: Vec<&Edit> = findings.iter().flat_map(|finding| &finding.problem.fix).collect();
    assert_kept(&before, &after, "", &edits);

    let again = KubernetesObject::recognize(after.to_string(), "team-a")
        .expect("the shape is valid")
        .expect("the kind is known");
    assert_eq!(Policy::fixed(&again, &fixable(&policy, &again)), None, "a second pass fixes more in {after}");
}

fn fixable(policy: &Policy, object: &KubernetesObject<'_>) -> Vec<Finding> {
    let related = RelatedObjects::default();
    let context = Context {
        mode: Mode::Enforce,
        expectations: policy.expectations(&object.reference.namespace, &BTreeMap::new()),
        related: &related,
        change: &|| Change::Everything,
        requester: Requester::User,
        is_fixable: true,
        is_dry_run: false,
        today: TODAY,
    };
    let mut findings = policy.evaluate(object, &context);
    findings.retain(|finding| finding.level() == Level::Fixable);
    findings
}

/// Asserts that `after` contains everything of `before`, except values that an edit sets. A `null` may become anything.
fn assert_kept(before: &Value, after: &Value, at: &str, edits: &[&Edit]) {
    let is_set = edits.iter().any(|edit| matches!(edit, Edit::Set { .. }) && edit.at().as_str() == at);
    match (before, after) {
        _ if is_set => {}
        (Value::Null, _) => assert!(after.is_null() || edits.iter().any(|edit| edit.at().as_str().starts_with(at))),
        (Value::Object(before), Value::Object(after)) => {
            for (key, member) in before {
                let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                assert_kept(member, after.get(key).unwrap_or_else(|| panic!("{at} is lost")), &at, edits);
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            let appended = edits.iter().filter(|edit| matches!(edit, Edit::Append { .. }) && edit.at().as_str() == at);
            assert_eq!(before.len() + appended.count(), after.len(), "at {at}");
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                assert_kept(before, after, &format!("{at}/{index}"), edits);
            }
        }
        _ => assert_eq!(before, after, "at {at}"),
    }
}
