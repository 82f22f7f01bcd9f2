//! An object, its related objects, and the review in which an API server sends it.

pub(crate) mod case;
pub(crate) mod series;

use apim_keyless::admission::{Endpoint, MessageOptions, Request, answer};
use apim_keyless_core::gateway::{Change, KubernetesObject, RelatedObjects};
use apim_keyless_core::policy::{Context, Finding, Mode, Policy, Requester};
use apim_keyless_manifest::Manifests;
use serde_json::{Value, json};
use test_support::TODAY;

const NAMESPACE: &str = "apim";

/// The input of an evaluation.
pub(crate) struct Scene {
    policy: Policy,
    related: RelatedObjects,
    object: String,
    review: Vec<u8>,
}

impl Scene {
    /// The creation of the first object of `kind` in a file. All objects of the file are its related objects.
    pub(crate) fn of_file(text: &str, kind: &str) -> Self {
        let mut manifests = Manifests::default();
        manifests.parse("manifest", text);
        let objects: Vec<Value> = manifests.objects.into_iter().map(|object| object.value).collect();
        let object = objects.iter().find(|object| object["kind"] == kind).unwrap();
        Self::of(object, &objects)
    }

    /// A recorded review of an API server, without related objects.
    pub(crate) fn of_review(text: &str) -> Self {
        let review: Value = serde_json::from_str(text).unwrap();
        Self { review: review.to_string().into_bytes(), ..Self::of(&review["request"]["object"], &[]) }
    }

    /// The creation of `object` with the related objects `objects`.
    pub(crate) fn of(object: &Value, objects: &[Value]) -> Self {
        let policy = Policy::parse(include_str!("../../deploy/policy.yaml")).unwrap();
        let json: Vec<String> = objects.iter().map(Value::to_string).collect();
        let objects: Vec<KubernetesObject<'_>> =
            json.iter().filter_map(|json| KubernetesObject::recognize(json.as_str(), NAMESPACE).unwrap()).collect();
        let related = RelatedObjects::of(&objects, &policy.images);
        let (group, version) =
            object["apiVersion"].as_str().and_then(|text| text.split_once('/')).unwrap_or(("", "v1"));
        let review = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {
                "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "operation": "CREATE", "dryRun": false,
                "kind": {"group": group, "version": version, "kind": object["kind"]},
                "name": object["metadata"]["name"], "namespace": NAMESPACE,
                "userInfo": {"username": "jane", "groups": ["system:authenticated"]},
                "object": object, "oldObject": null,
            },
        });
        Self { related, policy, object: object.to_string(), review: review.to_string().into_bytes() }
    }

    /// The body of the review.
    pub(crate) fn review(&self) -> &[u8] {
        &self.review
    }

    /// The object, recognized.
    pub(crate) fn object(&self) -> KubernetesObject<'_> {
        KubernetesObject::recognize(self.object.as_str(), NAMESPACE).unwrap().unwrap()
    }

    /// Runs the rules on the object.
    pub(crate) fn evaluate(&self, object: &KubernetesObject<'_>) -> Vec<Finding> {
        let context = Context {
            mode: Mode::Enforce,
            expectations: self.policy.expectations(NAMESPACE, &self.related.namespace_annotations),
            related: &self.related,
            change: &|| Change::Everything,
            requester: Requester::User,
            is_fixable: true,
            is_dry_run: false,
            today: TODAY,
        };
        self.policy.evaluate(object, &context)
    }

    /// The response to the review: from the bytes of the review to the bytes of the response.
    pub(crate) fn response(&self, endpoint: Endpoint) -> Vec<u8> {
        let request = Request::read(&self.review).unwrap();
        answer(&self.policy, &self.related, &MessageOptions::default(), endpoint, &request, TODAY).response.to_review()
    }
}
