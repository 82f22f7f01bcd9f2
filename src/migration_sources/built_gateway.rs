//! The objects of a gateway after the patches of a source, evaluated like any other objects.

use super::chart_version::{CHART, full_name, is_chart};
use super::field_path::{is_in, pointer};
use super::leftovers::Found;
use super::patch_finder::Leftover;
use super::patch_target::{BuiltNames, selects};
use apim_keyless_core::gateway::WORKLOAD_IDENTITY;
use apim_keyless_core::gateway::well_known::{CLIENT_ID, USE};
use apim_keyless_core::migration::{BuiltProblem, IMAGE_VERSION};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The most problems of one patch that are named.
const MAX_PROBLEMS: usize = 3;
/// The lists of which the migration changes elements.
const POSITIONAL: [&str; 4] = ["env", "envFrom", "volumes", "volumeMounts"];
/// The paths to the pod template of a workload; a Pod is one itself.
const TEMPLATES: [&str; 3] = ["/spec/jobTemplate/spec/template", "/spec/template", ""];
/// Ends of paths whose new value decides how a gateway authenticates.
const CHECKED: [&str; 4] = [".image", ".serviceAccountName", "/client-id", ".gateway.name"];
const REPLACEMENT: &str = "Check what this replacement writes: the gateway needs an image of version 2.11.0 or newer, and the credential \
                           has the ServiceAccount, the client id and the name of the gateway without it";
/// The rule that a `ConfigMap` is absent: it can be in another place, so it counts only instead of the gateway's own.
const ABSENT_CONFIG_MAP: &str = "absent-config-map";
/// Nothing expects another `ServiceAccount`, but the identity trusts that of the migrated workload.
const OTHER_ACCOUNT: &str = "unexpected-service-account";

/// The objects of a gateway that a source changes when it builds them.
#[derive(Clone, Debug)]
pub struct BuiltGateway<'g> {
    /// Its workload before the migration.
    pub old: Cow<'g, Value>,
    /// Its workload after the migration, then its `ServiceAccount` and its `ConfigMap`s, as far as the input has them.
    pub objects: Vec<Cow<'g, Value>>,
    /// The namespace of those objects that name none.
    pub namespace: &'g str,
    /// What kustomizations add to its objects.
    pub names: BuiltNames<'g>,
}

/// What evaluates a gateway's objects, and what finds others in its namespace.
#[derive(Clone, Copy)]
pub struct Evaluation<'e> {
    /// What the webhook would deny or set in these objects, in a namespace.
    pub problems: &'e dyn Fn(&[&Value], &str) -> Vec<BuiltProblem>,
    /// The migrated object of a kind and a name in a namespace.
    pub object: &'e dyn Fn(&str, &str, &str) -> Option<Value>,
}

/// The gateways that Microsoft's chart renders in a source, before the source's own changes.
pub fn gateways_of_charts(source: &Value) -> Vec<BuiltGateway<'static>> {
    let text = |value: &Value, at: &str| value.pointer(at).and_then(Value::as_str).map(str::to_owned);
    if text(source, "/kind").as_deref() == Some("HelmRelease") {
        let values = source.pointer("/spec/values").unwrap_or(&Value::Null);
        let of_sub_chart = || values.as_object().into_iter().flatten().any(|(_, member)| has_values(member));
        let is_gateway = match text(source, "/spec/chart/spec/chart") {
            Some(chart) => is_chart(&chart) || of_sub_chart(),
            None => has_values(values) || of_sub_chart(),
        };
        return if is_gateway { vec![of_chart(&Value::Null, None)] } else { Vec::new() };
    }
    let charts = source.get("helmCharts").and_then(Value::as_array).into_iter().flatten();
    let charts = charts.filter(|chart| text(chart, "/name").is_some_and(|name| is_chart(&name)));
    let of_chart = |chart: &Value| {
        let values = chart.get("valuesInline").unwrap_or(&Value::Null);
        of_chart(values, text(chart, "/releaseName").as_deref())
    };
    charts.map(of_chart).collect()
}

/// Whether these are values of Microsoft's chart.
fn has_values(values: &Value) -> bool {
    let gateway = values.get("gateway");
    gateway.is_some_and(|gateway| ["auth", "configuration"].iter().any(|key| gateway.get(*key).is_some()))
}

/// A gateway as Microsoft's chart renders it for a release, with `gateway.auth.type: WorkloadIdentity`. All its objects have
/// the name of its workload.
fn of_chart(values: &Value, release: Option<&str>) -> BuiltGateway<'static> {
    let name = full_name(values, release.unwrap_or("RELEASE"), CHART);
    let metadata = json!({"name": name});
    let container = json!({
        "name": CHART,
        "image": format!("mcr.microsoft.com/azure-api-management/gateway:{IMAGE_VERSION}"),
        "envFrom": [{"configMapRef": metadata}],
    });
    let template = json!({
        "metadata": {"labels": {USE: "true"}},
        "spec": {"serviceAccountName": name, "containers": [container]},
    });
    let identity = json!({
        "name": name,
        "labels": {USE: "true"},
        "annotations": {CLIENT_ID: "00000000-0000-0000-0000-000000000001"},
    });
    let data = json!({
        "gateway.name": "orders",
        "config.service.auth": WORKLOAD_IDENTITY,
        "config.service.endpoint": "contoso.configuration.azure-api.net",
    });
    let workload =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": template}});
    let beside = [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": identity}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}),
    ];
    BuiltGateway {
        old: Cow::Owned(workload.clone()),
        objects: [workload].into_iter().chain(beside).map(Cow::Owned).collect(),
        namespace: "default",
        // the chart labels its objects
        names: BuiltNames { is_any_name: release.is_none(), is_labeled: true, ..BuiltNames::default() },
    }
}

/// What patches make of a gateway.
#[derive(Debug, Default)]
pub(super) struct PatchedGateway {
    /// The problems that its objects have after all patches, and not before, with the indices of the patches.
    pub(super) problems: Vec<(usize, Leftover)>,
    /// The client id that they give to its `ServiceAccount`, if it is another one.
    pub(super) client_id: Option<String>,
}

impl BuiltGateway<'_> {
    /// What these patches make of it.
    pub(super) fn after(&self, found: &[Found<'_>], evaluation: Evaluation<'_>) -> PatchedGateway {
        let (mut old, mut objects) = (Cow::Borrowed(self.old.as_ref()), self.objects.clone());
        let mut moved: Vec<(usize, Leftover)> = Vec::new();
        let (mut first, mut last) = (None, Vec::new());
        let mut added: Vec<(usize, BuiltProblem)> = Vec::new();
        for (index, found) in found.iter().enumerate() {
            moved.extend(self.moved_path(found, (&old, &objects)).map(|path| (index, Leftover::Moved(path))));
            found.patch(&mut old, self.names);
            let changed = objects.iter_mut().filter_map(|object| found.patch(object, self.names).then_some(())).count();
            if changed == 0 {
                continue;
            }
            let known = first.get_or_insert_with(|| self.problems(&self.objects, evaluation));
            last = self.problems(&objects, evaluation);
            let is_known = |problem: &&BuiltProblem| {
                let mut known = known.iter().chain(added.iter().map(|(_, problem)| problem));
                known.any(|known| known.is_same(problem))
            };
            let new: Vec<BuiltProblem> = last.iter().filter(|problem| !is_known(problem)).cloned().collect();
            added.extend(new.into_iter().map(|problem| (index, problem)));
        }
        // a later patch can put it right
        let lasting = added.into_iter().filter(|(_, problem)| last.iter().any(|last| last.is_same(problem)));
        let mut problems = moved;
        for (index, problem) in lasting {
            let is_same = |(other, _): &&(usize, Leftover)| *other == index;
            let is_named =
                found.iter().any(|other| found.get(index).is_some_and(|own| own.is_named_by(other, &problem)));
            if !is_named && problems.iter().filter(is_same).count() < MAX_PROBLEMS {
                problems.push((index, Leftover::Problem(problem)));
            }
        }
        let id = client_id(&objects).filter(|id| Some(*id) != client_id(&self.objects));
        PatchedGateway { problems, client_id: id.map(str::to_owned) }
    }

    /// The problems of these objects, with those in the input that the workload names now.
    fn problems(&self, objects: &[Cow<'_, Value>], evaluation: Evaluation<'_>) -> Vec<BuiltProblem> {
        let (Some(old), Some(workload)) = (self.objects.first(), objects.first()) else { return Vec::new() };
        let (own, taken) = (config_maps(old), config_maps(workload));
        // a patch can have deleted it
        let is_there = |kind: &str, name: &str| {
            self.objects.iter().any(|object| text(object, "/kind") == kind && text(object, "/metadata/name") == name)
        };
        let account = spec(workload).map(|spec| text(spec, "/serviceAccountName")).unwrap_or_default();
        let objects_beside = taken.iter().map(|name| ("ConfigMap", *name)).chain([("ServiceAccount", account)]);
        let others = objects_beside.filter(|(kind, name)| !is_there(kind, name));
        let others: Vec<Value> =
            others.filter_map(|(kind, name)| (evaluation.object)(kind, self.namespace, name)).collect();
        let whole: Vec<&Value> = objects.iter().map(AsRef::as_ref).chain(&others).collect();
        let mut problems = (evaluation.problems)(&whole, self.namespace);
        let loses_own = !own.is_subset(&taken) || objects.iter().any(|object| object.is_null());
        problems.retain(|problem| problem.rule != ABSENT_CONFIG_MAP || loses_own);
        // a tool replaces it
        let has_placeholder = client_id(objects).is_some_and(|id| id.contains(['$', '{']));
        problems.retain(|problem| problem.rule != "malformed-client-id" || !has_placeholder);
        let old_account = spec(old).map(|spec| text(spec, "/serviceAccountName")).unwrap_or_default();
        if !workload.is_null() && !account.is_empty() && account != old_account {
            problems.retain(|problem| problem.rule != "absent-service-account");
            problems.push(BuiltProblem {
                rule: OTHER_ACCOUNT,
                object: format!("{} \"{}\"", text(workload, "/kind"), text(workload, "/metadata/name")),
                sentence: format!(
                    "{OTHER_ACCOUNT}: Leave out serviceAccountName, or pass it with --service-account: the identity trusts \
                     the ServiceAccount of the migrated workload"
                ),
            });
        }
        problems
    }

    /// What a replacement does to it: a path that is not there any more, or a value that is to be checked.
    pub(super) fn replaced(&self, found: &Found<'_>) -> Option<Leftover> {
        let Leftover::Replacement { select, paths, creates } = &found.leftover else { return None };
        let workload = self.objects.first().map_or(&Value::Null, AsRef::as_ref);
        let is_workload = selects(select.as_ref(), workload, self.names);
        let is_lost = |path: &&String| {
            if !is_in(workload, path) {
                // no tool builds a replacement in a list that lacks its place
                let is_in_list = POSITIONAL.iter().any(|list| path.contains(&format!(".{list}.")));
                return !creates && (is_in_list || is_in(&self.old, path));
            }
            is_in(&self.old, path) && self.is_moved(&pointer(path))
        };
        let lost = paths.iter().filter(|path| is_workload && is_lost(path));
        let lost = lost.map(|path| Leftover::Moved(path.clone())).next();
        let selected: Vec<&Value> = self
            .objects
            .iter()
            .map(AsRef::as_ref)
            .filter(|object| selects(select.as_ref(), object, self.names))
            .collect();
        let is_checked = |path: &&String| {
            CHECKED.iter().any(|end| path.replace(['\\', '[', ']'], "").ends_with(end))
                && selected.iter().any(|object| is_in(object, path))
        };
        lost.or_else(|| paths.iter().find(is_checked).map(|_| Leftover::Check(REPLACEMENT)))
    }

    /// Whether a patch selects one of its objects.
    pub(super) fn is_selected_by(&self, found: &Found<'_>) -> bool {
        self.objects.iter().any(|object| found.selects(object, self.names))
    }

    /// The path of an operation for the workload that does not do now what it did before: another element of a list, or
    /// none, is at it.
    fn moved_path(&self, found: &Found<'_>, (old, objects): (&Value, &[Cow<'_, Value>])) -> Option<String> {
        let Leftover::Patch { patch, .. } = &found.leftover else { return None };
        let new = objects.first().filter(|new| found.selects(new, self.names))?;
        let mut positions = patch.paths();
        let moved = positions.find(|path| self.is_moved(path));
        moved.or_else(|| patch.failing_path(old, new))
    }

    /// Whether another element, or none, is now at a position in a path.
    fn is_moved(&self, path: &str) -> bool {
        let (old, Some(new)) = (self.old.as_ref(), self.objects.first()) else { return false };
        let tokens: Vec<&str> = path.split('/').collect();
        let is_index = |token: &str| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
        let is_position = |pair: &[&str]| matches!(pair, [list, index] if POSITIONAL.contains(list) && is_index(index));
        let Some(list) = tokens.windows(2).rposition(is_position) else { return false };
        let element = tokens.get(..list + 2).unwrap_or_default().join("/");
        new.pointer(&element).is_none() || new.pointer(&element) != old.pointer(&element)
    }
}

fn text<'v>(value: &'v Value, at: &str) -> &'v str {
    value.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

/// The client id of the `ServiceAccount` among these objects.
fn client_id<'o>(objects: &'o [Cow<'_, Value>]) -> Option<&'o str> {
    let account = objects.iter().find(|object| text(object, "/kind") == "ServiceAccount")?;
    account.get("metadata")?.get("annotations")?.get(CLIENT_ID)?.as_str().filter(|id| !id.is_empty())
}

/// The specification of the Pods of a workload.
fn spec(workload: &Value) -> Option<&Value> {
    TEMPLATES
        .iter()
        .find_map(|path| workload.pointer(path)?.pointer("/spec/containers").and(workload.pointer(path)?.get("spec")))
}

/// The names of the `ConfigMap`s that the containers of a workload take.
fn config_maps(workload: &Value) -> BTreeSet<&str> {
    let containers = spec(workload).and_then(|spec| spec.get("containers")?.as_array()).into_iter().flatten();
    let names = |container| {
        let list = |key: &str| Value::get(container, key).and_then(Value::as_array).into_iter().flatten();
        let whole = list("envFrom").filter_map(|source| source.pointer("/configMapRef/name")?.as_str());
        let keys = list("env").filter_map(|variable| variable.pointer("/valueFrom/configMapKeyRef/name")?.as_str());
        whole.chain(keys).collect::<Vec<_>>()
    };
    containers.flat_map(names).collect()
}
