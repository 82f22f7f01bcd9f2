//! Injects problems, asserts that `doctor` finds them, and restores everything.

use super::api_server_proxy::{Alteration, public_issuer};
use super::installation::{Installation, PODS};
use apim_keyless::doctor::DoctorCode;
use serde_json::{Value, json};

/// A problem, how it is injected, and every location at which it must be found.
pub(crate) struct InjectedProblem {
    pub(crate) code: DoctorCode,
    locations: Vec<String>,
    injection: Injection,
}

/// How a problem is injected.
pub(crate) enum Injection {
    /// Changes the object at a path.
    Change(&'static str, Box<dyn Fn(&mut Value)>),
    /// Changes the status of this many Pods.
    Pods(usize, fn(&mut Value)),
    /// Changes the image of a Pod.
    PodImage(&'static str),
    /// Deletes an object.
    Remove(&'static str),
    /// Creates an object in a collection.
    Add(&'static str, Value),
    /// Changes responses of the API server in the proxy.
    Alter(Alteration),
}

impl InjectedProblem {
    pub(crate) fn new(code: DoctorCode, locations: &[&str], injection: Injection) -> Self {
        Self { code, locations: locations.iter().map(ToString::to_string).collect(), injection }
    }
}

/// A change of the object at a path.
pub(crate) fn change(path: &'static str, edit: impl Fn(&mut Value) + 'static) -> Injection {
    Injection::Change(path, Box::new(edit))
}

/// Injects a problem, asserts that it is found in addition to the `permanent` ones and no other is, and restores
/// everything.
pub(crate) async fn assert_found_alone(
    installation: &Installation<'_>,
    problem: &InjectedProblem,
    permanent: &[DoctorCode],
) {
    let id = problem.code.id();
    let before = installation.found();
    assert_eq!(before.len(), permanent.len(), "{before:?}");
    let mut expected: Vec<(&str, &str)> =
        before.iter().map(|(id, location)| (id.as_str(), location.as_str())).collect();
    expected.extend(problem.locations.iter().map(|location| (id, location.as_str())));
    expected.sort_unstable();
    let undo = problem.injection.inject(installation).await;
    installation.wait_until_found(&format!("{id} is injected"), &expected).await;
    restore(installation, undo).await;
    let before: Vec<(&str, &str)> = before.iter().map(|(id, location)| (id.as_str(), location.as_str())).collect();
    installation.wait_until_found(&format!("{id} is fixed"), &before).await;
}

/// What to restore: a path and the object that was there, or `None` to delete what is there now.
pub(crate) type Undo = Vec<(String, Option<Value>)>;

/// Restores everything.
pub(crate) async fn restore(installation: &Installation<'_>, undo: Undo) {
    for (path, object) in undo {
        restore_object(installation, &path, object).await;
    }
    installation.proxy.alter(public_issuer);
}

impl Injection {
    /// Injects the problem; returns what [`restore`] needs.
    pub(crate) async fn inject(&self, installation: &Installation<'_>) -> Undo {
        let user = &installation.user;
        match self {
            Self::Change(path, edit) => vec![changed(installation, path, edit).await],
            Self::Pods(count, edit) => {
                let mut undo = Vec::new();
                for pod in user.list(PODS).await.iter().take(*count) {
                    undo.push(
                        changed(installation, &format!("{}/status", pod_path(pod)), &|pod| edit(&mut pod["status"]))
                            .await,
                    );
                }
                undo
            }
            Self::PodImage(image) => {
                let path = pod_path(&user.list(PODS).await.remove(0));
                vec![changed(installation, &path, &|pod| pod["spec"]["containers"][0]["image"] = json!(image)).await]
            }
            Self::Remove(path) => {
                let object = user.get(path).await.stored();
                // keeps the objects that it owns
                user.remove(&format!("{path}?propagationPolicy=Orphan")).await.stored();
                vec![((*path).to_owned(), Some(object))]
            }
            Self::Add(collection, object) => {
                user.post(collection, object).await.stored();
                vec![(format!("{collection}/{}", object["metadata"]["name"].as_str().unwrap()), None)]
            }
            Self::Alter(alteration) => {
                installation.proxy.alter(*alteration);
                Vec::new()
            }
        }
    }
}

fn pod_path(pod: &Value) -> String {
    format!("/api/v1/namespaces/apim-keyless/pods/{}", pod["metadata"]["name"].as_str().unwrap())
}

/// Changes the object at a path; returns what [`restore`] needs.
async fn changed(installation: &Installation<'_>, path: &str, edit: &dyn Fn(&mut Value)) -> (String, Option<Value>) {
    let object = installation.user.get(path).await.stored();
    update(installation, path, edit).await;
    (path.to_owned(), Some(object))
}

/// Changes the object at a path, and tries again after a conflict.
async fn update(installation: &Installation<'_>, path: &str, edit: &dyn Fn(&mut Value)) {
    for _ in 0..10 {
        let mut object = installation.user.get(path).await.stored();
        edit(&mut object);
        let response = installation.user.put(path, &object).await;
        if response.status != 409 {
            _ = response.stored();
            return;
        }
    }
    panic!("{path} is changed by others all the time");
}

/// Restores the object at a path, whether one exists there now or not.
async fn restore_object(installation: &Installation<'_>, path: &str, object: Option<Value>) {
    let user = &installation.user;
    let Some(mut object) = object else {
        user.remove(path).await.stored();
        return;
    };
    let current = || async { Some(user.get(path).await).filter(|response| response.status != 404) };
    // the API server deletes the object only after its dependents are orphaned
    let is_deleted = object["kind"] == "Deployment"
        && current().await.is_none_or(|now| !now.body["metadata"]["deletionTimestamp"].is_null());
    if is_deleted {
        test_support::webhook::eventually("it is deleted", || async { current().await.is_none().then_some(()) }).await;
    }
    if current().await.is_some() {
        update(installation, path, &|now| {
            let version = now["metadata"]["resourceVersion"].clone();
            *now = object.clone();
            now["metadata"]["resourceVersion"] = version;
        })
        .await;
        return;
    }
    for field in ["resourceVersion", "uid", "managedFields", "creationTimestamp", "generation"] {
        object["metadata"].as_object_mut().unwrap().remove(field);
    }
    let (collection, _) = path.rsplit_once('/').unwrap();
    user.post(collection, &object).await.stored();
}
