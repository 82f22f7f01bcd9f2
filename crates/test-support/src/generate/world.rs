//! Generates a policy document and related objects.

use super::Palette;
use super::objects::any_object;
use apim_keyless_core::gateway::{Coverage, KubernetesObject, RelatedObjects};
use apim_keyless_core::policy::Policy;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

/// Objects, and the expectations for them.
#[derive(Clone, Debug)]
pub struct World {
    /// A policy document.
    pub document: &'static str,
    /// Annotations of the Namespace.
    pub annotations: &'static [(&'static str, &'static str)],
    /// Are these all objects of the namespace?
    pub is_complete: bool,
    /// Objects of one or two namespaces.
    pub objects: Vec<Value>,
}

/// Up to five objects under a random policy.
pub fn world(palette: &'static Palette) -> impl Strategy<Value = World> {
    let objects = prop::collection::vec(any_object(palette), 1..5);
    (select(DOCUMENTS), select(ANNOTATIONS), any::<bool>(), objects)
        .prop_map(|(document, annotations, is_complete, objects)| World { document, annotations, is_complete, objects })
}

impl World {
    /// The policy.
    pub fn policy(&self) -> Policy {
        Policy::parse(self.document).expect("the documents are valid")
    }

    /// The objects, recognized.
    pub fn parsed_objects(&self) -> Vec<KubernetesObject<'static>> {
        self.objects.iter().map(parsed).collect()
    }

    /// The related objects of namespace `team-a`.
    pub fn related(&self, policy: &Policy) -> RelatedObjects {
        let parsed_objects = self.parsed_objects();
        let of_it: Vec<&KubernetesObject<'_>> =
            parsed_objects.iter().filter(|parsed| parsed.reference.namespace == "team-a").collect();
        let mut related = RelatedObjects::of(of_it, &policy.images);
        related.coverage = if self.is_complete { Coverage::Complete } else { Coverage::Given };
        related.namespace_annotations =
            self.annotations.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
        related
    }
}

/// An object, recognized in namespace `team-a` unless it names another one.
pub fn parsed(object: &Value) -> KubernetesObject<'static> {
    KubernetesObject::recognize(object.to_string(), "team-a")
        .expect("the object has the shape of its kind")
        .expect("rules evaluate this kind")
}

const NOTHING: &str = "{apiVersion: apim-keyless.dev/v1alpha1, kind: GatewayPolicy}";
/// A document with one expectation of every key.
pub const EXPECTATIONS: &str = "
apiVersion: apim-keyless.dev/v1alpha1
kind: GatewayPolicy
metadata: {name: default}
spec:
  defaults:
    clientId: 00000000-0000-0000-0000-00000000000a
    tenantId: 00000000-0000-0000-0000-00000000000b
    serviceAccount: apim-gateway
    configMap: apim-gateway-env
    allowedSecrets: [orders]
  namespaces: {team-a: {gatewayName: orders}}
";
const CHOOSING: &str = "
apiVersion: apim-keyless.dev/v1alpha1
kind: GatewayPolicy
metadata: {name: \"several, and a name of more than two hundred and fifty-six bytes: éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé\"}
spec:
  defaults: {configMap: [apim-gateway-env, orders], serviceAccount: [apim-gateway, default], minimumVersion: 2.12.0}
  namespaces:
    team-a: {clientId: [00000000-0000-0000-0000-000000000001, 00000000-0000-0000-0000-000000000002]}
    team-b: {clientId: 00000000-0000-0000-0000-000000000003}
  images: [registry.example/apim/gateway]
  digests: {\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\": 2.13.0}
  controlledPods: enforce
";
const MILD: &str = "
apiVersion: apim-keyless.dev/v1alpha1
kind: GatewayPolicy
metadata: {name: mild}
spec:
  defaults: {clientId: 00000000-0000-0000-0000-00000000000a, serviceAccount: orders}
  rules: {missing-identity-label: audit, missing-client-id: audit, auth-key-reference: off, rolling-version: enforce, missing-auth-method: audit}
";

/// Policy documents, from an empty one to one with every expectation.
pub static DOCUMENTS: &[&str] = &[NOTHING, NOTHING, EXPECTATIONS, EXPECTATIONS, CHOOSING, MILD];

/// Annotations of a Namespace with expectations.
pub static ANNOTATIONS: &[&[(&str, &str)]] = &[
    &[],
    &[
        ("apim-keyless.dev/client-id", "00000000-0000-0000-0000-00000000000c"),
        ("apim-keyless.dev/service-account", "orders"),
    ],
    &[("apim-keyless.dev/config-map", "orders, apim-gateway-env"), ("apim-keyless.dev/minimum-version", "2.13.0")],
];
