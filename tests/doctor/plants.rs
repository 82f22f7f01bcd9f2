//! Faults that are planted: how, where they must be found, and how everything is put right again.

use crate::front::{Alteration, issues_publicly};
use crate::installed::{Installed, PODS};
use apim_keyless::doctor::Code;
use serde_json::{Value, json};

/// A fault, how it is planted, and every place that it must be found at.
pub(crate) struct Plant {
    pub(crate) code: Code,
    places: Vec<String>,
    how: How,
}

/// How a fault is planted.
pub(crate) enum How {
    /// What stands at a path is changed.
    Change(&'static str, Box<dyn Fn(&mut Value)>),
    /// The status of so many Pods.
    Pods(usize, fn(&mut Value)),
    /// The image of a Pod.
    PodImage(&'static str),
    /// An object is taken away.
    Remove(&'static str),
    /// An object is added to a collection.
    Add(&'static str, Value),
    /// What the API server says is altered on its way.
    Alter(Alteration),
}

impl Plant {
    pub(crate) fn new(code: Code, places: &[&str], how: How) -> Self {
        Self { code, places: places.iter().map(ToString::to_string).collect(), how }
    }
}

/// A change of what stands at a path.
pub(crate) fn change(path: &'static str, how: impl Fn(&mut Value) + 'static) -> How {
    How::Change(path, Box::new(how))
}

/// Plants a fault, which must be found beside those that are there `always` and no other, and takes it away again.
pub(crate) async fn found_alone(installed: &Installed<'_>, plant: &Plant, always: &[Code]) {
    let id = plant.code.to_string();
    let before = installed.found();
    assert_eq!(before.len(), always.len(), "{before:?}");
    let mut expected: Vec<(&str, &str)> = before.iter().map(|(id, place)| (id.as_str(), place.as_str())).collect();
    expected.extend(plant.places.iter().map(|place| (id.as_str(), place.as_str())));
    expected.sort_unstable();
    let undo = plant.how.carry_out(installed).await;
    installed.until_found(&format!("{id} is planted"), &expected).await;
    put_all_back(installed, undo).await;
    let before: Vec<(&str, &str)> = before.iter().map(|(id, place)| (id.as_str(), place.as_str())).collect();
    installed.until_found(&format!("{id} is mended"), &before).await;
}

/// What stood at a path; nothing, if it is to go.
pub(crate) type Undo = Vec<(String, Option<Value>)>;

/// Puts everything back as it was.
pub(crate) async fn put_all_back(installed: &Installed<'_>, undo: Undo) {
    for (path, object) in undo {
        put_back(installed, &path, object).await;
    }
    installed.front.alter(issues_publicly);
}

impl How {
    /// Does it; what comes back puts it right.
    pub(crate) async fn carry_out(&self, installed: &Installed<'_>) -> Undo {
        let user = &installed.user;
        match self {
            Self::Change(path, how) => vec![changed(installed, path, how).await],
            Self::Pods(count, how) => {
                let mut undo = Vec::new();
                for pod in user.list(PODS).await.iter().take(*count) {
                    undo.push(
                        changed(installed, &format!("{}/status", pod_path(pod)), &|pod| how(&mut pod["status"])).await,
                    );
                }
                undo
            }
            Self::PodImage(image) => {
                let path = pod_path(&user.list(PODS).await.remove(0));
                vec![changed(installed, &path, &|pod| pod["spec"]["containers"][0]["image"] = json!(image)).await]
            }
            Self::Remove(path) => {
                let object = user.get(path).await.stored();
                // what it owns stays
                user.remove(&format!("{path}?propagationPolicy=Orphan")).await.stored();
                vec![((*path).to_owned(), Some(object))]
            }
            Self::Add(collection, object) => {
                user.post(collection, object).await.stored();
                vec![(format!("{collection}/{}", object["metadata"]["name"].as_str().unwrap()), None)]
            }
            Self::Alter(alteration) => {
                installed.front.alter(*alteration);
                Vec::new()
            }
        }
    }
}

fn pod_path(pod: &Value) -> String {
    format!("/api/v1/namespaces/apim-keyless/pods/{}", pod["metadata"]["name"].as_str().unwrap())
}

/// Changes what stands at a path; what comes back puts it right.
async fn changed(installed: &Installed<'_>, path: &str, how: &dyn Fn(&mut Value)) -> (String, Option<Value>) {
    let object = installed.user.get(path).await.stored();
    change_to(installed, path, how).await;
    (path.to_owned(), Some(object))
}

/// Changes what stands at a path, again if somebody else has written in between.
async fn change_to(installed: &Installed<'_>, path: &str, how: &dyn Fn(&mut Value)) {
    for _ in 0..10 {
        let mut object = installed.user.get(path).await.stored();
        how(&mut object);
        let answer = installed.user.put(path, &object).await;
        if answer.status != 409 {
            _ = answer.stored();
            return;
        }
    }
    panic!("{path} is written by somebody else all the time");
}

/// Puts back what stood at a path, whether something is there now or not.
async fn put_back(installed: &Installed<'_>, path: &str, object: Option<Value>) {
    let user = &installed.user;
    let Some(mut object) = object else {
        user.remove(path).await.stored();
        return;
    };
    let there = || async { Some(user.get(path).await).filter(|answer| answer.status != 404) };
    // an object whose dependents are to be orphaned goes once they are
    let gone = object["kind"] == "Deployment"
        && there().await.is_none_or(|now| !now.body["metadata"]["deletionTimestamp"].is_null());
    if gone {
        crate::webhook::eventually("it is gone", || async { there().await.is_none().then_some(()) }).await;
    }
    if there().await.is_some() {
        change_to(installed, path, &|now| {
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
