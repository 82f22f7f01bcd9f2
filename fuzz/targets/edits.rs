//! JSON as a new object, on the road from its faults to what is mended.

use apim_keyless::gateway::{Change, KubernetesObject, RelatedObjects};
use apim_keyless::policy::{Context, Edit, Finding, Level, Mode, Policy, Requester};
use serde_json::Value;
use std::collections::BTreeMap;

/// What every remedy needs to be known.
const POLICY: &str = "
apiVersion: apim-keyless.dev/v1alpha1
kind: GatewayPolicy
spec:
  defaults:
    clientId: 00000000-0000-0000-0000-00000000000a
    tenantId: 00000000-0000-0000-0000-00000000000b
    serviceAccount: apim-gateway
    configMap: apim-gateway-env
    gatewayName: orders
";

/// The patch makes of the object what is mended, nothing else is another, and there is nothing left to mend.
pub(crate) fn hold(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let policy = Policy::parse(POLICY).expect("it is a policy");
    let Ok(Some(object)) = KubernetesObject::recognize(text, "team-a") else { return };
    let findings = mended(&policy, &object);
    let Some(after) = Policy::fixed(&object, &findings) else { return };
    let before = object.value().expect("what is mended can be read");

    let mut patched = before.clone();
    json_patch::patch(&mut patched, &json_patch::diff(&before, &after)).expect("the patch fits");
    assert_eq!(patched, after);

    let edits: Vec<&Edit> = findings.iter().flat_map(|finding| &finding.problem.fix).collect();
    is_kept(&before, &after, "", &edits);

    let again =
        KubernetesObject::recognize(after.to_string(), "team-a").expect("it is of its shape").expect("and of its kind");
    assert_eq!(Policy::fixed(&again, &mended(&policy, &again)), None, "there is more to mend in {after}");
}

fn mended(policy: &Policy, object: &KubernetesObject<'_>) -> Vec<Finding> {
    let related = RelatedObjects::default();
    let context = Context {
        mode: Mode::Enforce,
        expectations: policy.expectations(&object.identity.namespace, &BTreeMap::new()),
        related: &related,
        change: &|| Change::Everything,
        requester: Requester::Other,
        is_fixable: true,
    };
    let mut findings = policy.evaluate(object, &context);
    findings.retain(|finding| finding.level() == Level::Fixable);
    findings
}

/// Holds that all in `before` is in `after` too, but for what an edit sets; what is absent or `null` may become anything.
fn is_kept(before: &Value, after: &Value, at: &str, edits: &[&Edit]) {
    let is_set = edits.iter().any(|edit| matches!(edit, Edit::Set { .. }) && edit.at().as_str() == at);
    match (before, after) {
        _ if is_set => {}
        (Value::Null, _) => assert!(after.is_null() || edits.iter().any(|edit| edit.at().as_str().starts_with(at))),
        (Value::Object(before), Value::Object(after)) => {
            for (key, member) in before {
                let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                is_kept(member, after.get(key).unwrap_or_else(|| panic!("{at} is lost")), &at, edits);
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            let appended = edits.iter().filter(|edit| matches!(edit, Edit::Append { .. }) && edit.at().as_str() == at);
            assert_eq!(before.len() + appended.count(), after.len(), "at {at}");
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                is_kept(before, after, &format!("{at}/{index}"), edits);
            }
        }
        _ => assert_eq!(before, after, "at {at}"),
    }
}
