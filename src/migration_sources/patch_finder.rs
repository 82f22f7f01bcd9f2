//! Finds what a patch says about how a gateway authenticates: strategic merge patches, operations of JSON patches, paths of
//! replacements, and patches in texts.
// longer than the guide: each form of a patch is found in one walk, beside what to do about it

use super::chart_values::newer_tag;
use super::helm_values::IMAGE;
use super::patch::Patch;
use super::{SourceContext, value_path};
use apim_keyless_core::gateway::well_known::USE;
use apim_keyless_core::gateway::{EndpointForm, ImageVersion, Setting, WORKLOAD_IDENTITY};
use apim_keyless_core::migration::{BuiltProblem, IMAGE_VERSION, endpoint_of_version_2};
use apim_keyless_core::policy::FIRST_VERSION;
use jsonptr::PointerBuf;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The setting that decides how a gateway authenticates, and the beginning of the others, in the form that is compared.
const AUTH: &str = "config.service.auth";
/// Longest end of a name that is looked at. No setting is longer.
const MAX_NAME: usize = 64;
const CHART_VALUES: &str = "Remove gateway.auth.key here, or set gateway.auth.type to WorkloadIdentity: this is applied to the \
                            migrated values, and the gateway would authenticate in another way";

/// Kinds of transformers that change names, namespaces or images.
const TRANSFORMERS: [&str; 6] = [
    "ImageTagTransformer",
    "NamespaceTransformer",
    "PrefixSuffixTransformer",
    "PrefixTransformer",
    "ReplacementTransformer",
    "SuffixTransformer",
];
const IMAGE_TO_CHECK: &str = "Check that this image has version 2.11.0 or newer: older versions do not support workload identity, \
                              and this wins over the image of the manifest";
const TRANSFORMER: &str =
    "Check what this transformer changes: the names, the namespaces and the image in these steps are without it";
/// The rules about how a gateway authenticates.
const SETTING_RULES: [&str; 9] = [
    "auth-key-literal",
    "auth-key-reference",
    "client-secret-reference",
    "entra-app-auth-method",
    "indirect-auth-method",
    "misspelled-auth-method",
    "missing-auth-method",
    "missing-configuration-reference",
    "other-auth-method",
];

/// Something that a patch still says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Leftover {
    /// It sets or removes a setting of another method of authentication.
    Setting,
    /// It sets the key or another method in the values of Microsoft's chart.
    ChartValues,
    /// It removes the label for workload identity, or sets it to another value.
    Label,
    /// It sets an image that is too old.
    Image,
    /// It removes this setting, without which a gateway does not start.
    Removed(&'static str),
    /// It sets an address that does not support workload identity; with the one that does, if it is known.
    Endpoint(Option<String>),
    /// An operation with this path does not change any more what it changed before the migration.
    Moved(String),
    /// It changes the object of this kind and name, if it says it.
    Patch { object: Option<Value>, patch: Patch },
    /// It writes another value to these paths of the objects that it selects.
    /// `creates`: it adds what is absent.
    Replacement { select: Option<Value>, paths: Vec<String>, creates: bool },
    /// What it makes of a gateway is to be checked.
    Check(&'static str),
    /// After it, an object of a migrated gateway has this problem.
    Problem(BuiltProblem),
    /// It refers to this Secret, which held the key.
    Secret(String),
    /// It cannot be read.
    Unread,
}

impl Leftover {
    /// Whether only the gateways of the input show that it is one.
    pub(super) fn depends_on_gateways(&self) -> bool {
        matches!(
            self,
            Self::Moved(_)
                | Self::Replacement { .. }
                | Self::Check(_)
                | Self::Patch { .. }
                | Self::Problem(_)
                | Self::Secret(_)
                | Self::Unread
        )
    }

    /// Says which objects a patch changes.
    pub(super) fn set_target(&mut self, target: &Value) {
        if let Self::Patch { object, .. } = self {
            *object = Some(target.clone());
        }
    }

    /// The rules that report the same about a built object.
    pub(super) fn rules(&self) -> &'static [&'static str] {
        match self {
            Self::Setting => &SETTING_RULES,
            Self::Label => &["missing-identity-label", "unlabeled-service-account"],
            Self::Image => &["unsupported-version"],
            Self::Removed(_) => &["missing-gateway-name", "missing-endpoint", "missing-configuration-reference"],
            Self::Endpoint(_) => &["retired-endpoint"],
            Self::Secret(_) => &["auth-key-reference"],
            Self::ChartValues
            | Self::Moved(_)
            | Self::Replacement { .. }
            | Self::Check(_)
            | Self::Patch { .. }
            | Self::Problem(_)
            | Self::Unread => &[],
        }
    }

    /// What to do about it.
    pub(super) fn message(&self) -> String {
        match self {
            Self::Setting => format!(
                "Remove {AUTH} and the settings below it here, or set {AUTH} to {WORKLOAD_IDENTITY}: this is applied to the \
                 migrated objects, and the gateway would authenticate in another way"
            ),
            Self::ChartValues => CHART_VALUES.to_owned(),
            Self::Label => format!(
                "Set {USE} to \"true\" here, or leave it out: without the label a Pod gets no token of workload identity"
            ),
            Self::Image => format!(
                "Set this image to version {IMAGE_VERSION} or another one that is 2.11.0 or newer: this is applied to the \
                 migrated objects, and older versions do not support workload identity"
            ),
            Self::Removed(name) => format!("Leave out what removes {name} here: without it a gateway does not start"),
            Self::Endpoint(new) => format!(
                "Set config.service.endpoint to {} here: version 1 of the configuration API does not support workload \
                 identity",
                new.as_deref().unwrap_or("NAME.configuration.azure-api.net")
            ),
            Self::Moved(path) => format!(
                "Remove the operation on {path}, or name what it changes in a strategic merge patch: the migration changes \
                 what is at this path"
            ),
            Self::Unread => format!(
                "Check that this file sets no {AUTH} and names no Secret of a key, and make it readable: it could not be read"
            ),
            // what it does to an object says it
            Self::Patch { .. } | Self::Replacement { .. } => String::new(),
            Self::Check(what) => (*what).to_owned(),
            Self::Problem(BuiltProblem { object, sentence, .. }) => {
                format!("Change this: it is applied to the migrated {object}, which then has {sentence}")
            }
            Self::Secret(name) => {
                format!("Remove Secret \"{name}\" here: with workload identity the gateway needs no Secret with a key")
            }
        }
    }
}

/// What a value still says, with the places. `secrets` are names of Secrets of keys.
pub(super) fn find(
    value: &Value,
    context: SourceContext<'_>,
    secrets: &BTreeSet<String>,
) -> Vec<(PointerBuf, Leftover)> {
    let mut finder = Finder { context, secrets, at: PointerBuf::root(), found: Vec::new() };
    finder.value(value, false);
    // a patch without a target names its object itself
    if value.get("kind").is_some_and(Value::is_string) && !is_plugin(value) {
        let object = json!({"kind": value.get("kind"), "name": value.pointer("/metadata/name")});
        finder.add(Leftover::Patch { object: Some(object), patch: Patch::Merge(value.clone()) });
    }
    finder.found
}

/// Whether an object is the configuration of a generator or a transformer of Kustomize: it changes others.
pub(super) fn is_plugin(object: &Value) -> bool {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    text("apiVersion") == "builtin" || ["Transformer", "Generator"].iter().any(|end| text("kind").ends_with(end))
}

/// What a text still says: the documents of a file with patches.
pub(super) fn of_text(text: &str, context: SourceContext<'_>, secrets: &BTreeSet<String>) -> Vec<Leftover> {
    let mut found = Vec::new();
    for document in documents(text) {
        match apim_keyless_manifest::value(document) {
            Some(value) if !value.is_string() => {
                found.extend(find(&value, context, secrets).into_iter().map(|(_, leftover)| leftover));
            }
            _ if mentions_other_method(document) => found.push(Leftover::Setting),
            _ if ["GatewayToken", "gateway.auth.key"].iter().any(|mark| document.contains(mark)) => {
                found.push(Leftover::ChartValues);
            }
            _ => {}
        }
    }
    found
}

/// The documents of a YAML text.
pub(super) fn documents(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let whole = rest?;
        let mark = whole.match_indices("\n---").find(|(at, mark)| {
            let after = whole.get(at + mark.len()..).unwrap_or_default();
            after.is_empty() || after.starts_with(char::is_whitespace)
        });
        rest = mark.and_then(|(at, _)| whole.get(at + 1..)).map(|after| after.strip_prefix("---").unwrap_or(after));
        let document = mark.and_then(|(at, _)| whole.get(..=at)).unwrap_or(whole);
        Some(document.strip_prefix("---").unwrap_or(document))
    })
}

/// Whether an image is the gateway's, and is older than the first version with workload identity or moves.
pub(super) fn is_old_image(name: &str, context: SourceContext<'_>) -> bool {
    let version = context.images.version(name, &FIRST_VERSION);
    context.images.is_gateway(name)
        && matches!(version, ImageVersion::Older | ImageVersion::Preview | ImageVersion::Rolling)
}

/// What is wrong with the tag or the digest of a gateway's image, if something is or can be.
pub(super) fn of_version(version: &str, context: SourceContext<'_>) -> Option<Leftover> {
    let known = context.images.version(&format!("{IMAGE}{version}"), &FIRST_VERSION);
    match known {
        ImageVersion::Supported => None,
        ImageVersion::Older | ImageVersion::Preview | ImageVersion::Rolling => Some(Leftover::Image),
        // the default of a variable
        _ if version.strip_prefix(':').is_some_and(|tag| newer_tag(tag, context).is_some()) => Some(Leftover::Image),
        ImageVersion::PinnedToUnknownDigest | ImageVersion::Unverifiable => Some(Leftover::Check(IMAGE_TO_CHECK)),
    }
}

/// Whether a setting belongs to another method of authentication, or is the method itself.
pub(super) fn is_of_method(setting: Setting) -> bool {
    setting.is_config_service() && !matches!(setting, Setting::Endpoint | Setting::TokenAudience)
}

/// Whether a name is that of a setting of another method, in any spelling.
fn sets_method(name: &str) -> Option<Setting> {
    Setting::of(name.trim()).filter(|setting| is_of_method(*setting))
}

/// The name of a setting that every gateway needs, beside the method of authentication.
fn needed(name: &str) -> Option<&'static str> {
    let setting = Setting::of(name.trim())?;
    matches!(setting, Setting::Endpoint | Setting::GatewayName).then(|| setting.name())
}

/// An address that does not support workload identity, if this is the setting with it.
fn retired_endpoint(name: &str, value: Option<&Value>) -> Option<Leftover> {
    let address = value.and_then(Value::as_str).filter(|_| Setting::of(name.trim()) == Some(Setting::Endpoint))?;
    (EndpointForm::of(address) == EndpointForm::Retired).then(|| Leftover::Endpoint(endpoint_of_version_2(address)))
}

/// Whether a setting has the value that the migration gives it.
fn is_migrated(setting: Setting, value: Option<&Value>) -> bool {
    setting == Setting::Auth && value.and_then(Value::as_str) == Some(WORKLOAD_IDENTITY)
}

/// Whether a text names a setting of another method, in any spelling: also within a path, such as
/// `data.config\.service\.auth` or `env.[name=config.service.auth].value`.
pub(super) fn mentions_other_method(text: &str) -> bool {
    names_other_method(text, |_| true)
}

/// Whether a text names a setting of another method, in any spelling, of which this holds for what is behind the name, in the
/// form that is compared.
pub(super) fn names_other_method(text: &str, is_it: impl Fn(&str) -> bool) -> bool {
    let compared = text.to_ascii_lowercase().replace("\\.", ".").replace("__", ".").replace(':', ".");
    let mut ends = compared.match_indices(AUTH).map(|(at, name)| compared.get(at + name.len()..).unwrap_or_default());
    let is_name = |after: &&str| match after
        .strip_prefix('.')
        .filter(|rest| rest.starts_with(|first: char| first.is_ascii_alphanumeric()))
    {
        Some(rest) => {
            let near = rest.get(..rest.floor_char_boundary(MAX_NAME)).unwrap_or_default();
            let end = near.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.');
            let name = near.get(..end.unwrap_or(near.len())).unwrap_or_default();
            sets_method(&format!("{AUTH}.{}", name.trim_end_matches('.'))).is_some()
        }
        None => !after.starts_with(|next: char| next.is_ascii_alphanumeric()),
    };
    ends.any(|after| is_name(&after) && is_it(after))
}

struct Finder<'f> {
    context: SourceContext<'f>,
    secrets: &'f BTreeSet<String>,
    at: PointerBuf,
    found: Vec<(PointerBuf, Leftover)>,
}

impl Finder<'_> {
    fn add(&mut self, leftover: Leftover) {
        self.found.push((self.at.clone(), leftover));
    }

    fn below(&mut self, token: &str, visit: impl FnOnce(&mut Self)) {
        self.at.push_back(token);
        visit(self);
        self.at.pop_back();
    }

    /// Visits a value. `is_secret`: it is below a key that names a Secret.
    fn value(&mut self, value: &Value, is_secret: bool) {
        match value {
            Value::Object(members) => self.object(members, is_secret),
            Value::Array(items) => {
                if let Some(patch) = Patch::of_operations(items) {
                    self.add(Leftover::Patch { object: None, patch });
                }
                for (index, item) in items.iter().enumerate() {
                    self.below(&index.to_string(), |finder| finder.value(item, is_secret));
                }
            }
            Value::String(text) => self.text(text, is_secret),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn object(&mut self, members: &Map<String, Value>, is_secret: bool) {
        let text = |key: &str| members.get(key).and_then(Value::as_str);
        if let (Some(operation), Some(path)) = (text("op"), text("path")) {
            if let Some(name) = path.rsplit('/').next().and_then(needed).filter(|_| operation == "remove") {
                return self.add(Leftover::Removed(name));
            }
            return self.operation(path, members.get("value"));
        }
        if let Some(endpoint) = text("name").and_then(|name| retired_endpoint(name, members.get("value"))) {
            return self.add(endpoint);
        }
        if let Some(setting) = text("name").and_then(sets_method) {
            // whether the gateway needs it shows after the patch
            if text("$patch") == Some("delete") {
                return;
            }
            let has_source = members.get("valueFrom").is_some_and(|source| !source.is_null());
            if has_source || !is_migrated(setting, members.get("value")) {
                self.add(Leftover::Setting);
            }
            return;
        }
        let known = self.found.len();
        for (key, member) in members {
            self.below(key, |finder| finder.member(key, member, is_secret));
        }
        if let Some(paths) = members.get("fieldPaths").and_then(Value::as_array) {
            let paths = paths.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            let creates =
                members.get("options").and_then(|options| options.get("create")?.as_bool()).unwrap_or_default();
            self.add(Leftover::Replacement { select: members.get("select").cloned(), paths, creates });
        }
        if text("kind").is_some_and(|kind| TRANSFORMERS.contains(&kind)) {
            self.add(Leftover::Check(TRANSFORMER));
        }
        // the configuration of a transformer has a patch and its target
        if let Some(target) = members.get("target").filter(|target| target.is_object()) {
            self.found.iter_mut().skip(known).for_each(|(_, leftover)| leftover.set_target(target));
        }
    }

    fn member(&mut self, key: &str, member: &Value, is_secret: bool) {
        if let Some(endpoint) = retired_endpoint(key, Some(member)) {
            return self.add(endpoint);
        }
        if let Some(name) = needed(key).filter(|_| member.is_null()) {
            return self.add(Leftover::Removed(name));
        }
        if let Some(setting) = sets_method(key).filter(|_| !member.is_object() && !member.is_array()) {
            if !is_migrated(setting, Some(member)) {
                self.add(Leftover::Setting);
            }
            return;
        }
        if key == "gateway" && has_other_method(member) {
            return self.add(Leftover::ChartValues);
        }
        if key == USE && member != "true" {
            return self.add(Leftover::Label);
        }
        let text = member.as_str().unwrap_or_default();
        if key == "image" && is_old_image(text, self.context) {
            return self.add(Leftover::Image);
        }
        let is_path = ["fieldPath", "fieldPaths", "fieldref"].contains(&key);
        let paths = member.as_array().map_or(std::slice::from_ref(member), Vec::as_slice);
        if is_path && paths.iter().filter_map(Value::as_str).any(mentions_other_method) {
            return self.add(Leftover::Setting);
        }
        if key == "patch" && !text.is_empty() {
            return self.inner(text);
        }
        // only the name of a reference is the name of a Secret
        let is_below = is_secret && (key == "name" || !member.is_string());
        self.value(member, is_below || key.to_ascii_lowercase().contains("secret"));
    }

    /// Visits an operation of a JSON patch.
    fn operation(&mut self, path: &str, value: Option<&Value>) {
        let names = || path.split('/').map(|token| token.replace("~1", "/").replace("~0", "~"));
        if let Some(endpoint) = names().next_back().and_then(|name| retired_endpoint(&name, value)) {
            return self.add(endpoint);
        }
        let setting = names().find_map(|token| sets_method(&token));
        if let Some(setting) = setting {
            let is_last = names().next_back().is_some_and(|last| sets_method(&last).is_some());
            if !is_last || !is_migrated(setting, value) {
                self.add(Leftover::Setting);
            }
            return;
        }
        if path.ends_with("/image")
            && value.and_then(Value::as_str).is_some_and(|text| is_old_image(text, self.context))
        {
            return self.add(Leftover::Image);
        }
        if sets_chart_value(path, value) {
            return self.add(Leftover::ChartValues);
        }
        if names().next_back().as_deref() == Some(USE) && value.is_none_or(|value| value != "true") {
            return self.add(Leftover::Label);
        }
        if let Some(value) = value {
            let is_secret = path.to_ascii_lowercase().contains("secret");
            self.below("value", |finder| finder.value(value, is_secret));
        }
    }

    fn text(&mut self, text: &str, is_secret: bool) {
        if is_secret && self.secrets.contains(text) {
            return self.add(Leftover::Secret(text.to_owned()));
        }
        if text.contains('\n') || text.trim_start().starts_with(['[', '{']) {
            self.inner(text);
        }
    }

    /// Visits a text that is YAML itself.
    fn inner(&mut self, text: &str) {
        let mut inner = of_text(text, self.context, self.secrets);
        inner.dedup();
        for leftover in inner {
            self.add(leftover);
        }
    }
}

/// Whether the member `gateway` of the chart's values sets a key, or another method than workload identity.
pub(super) fn has_other_method(gateway: &Value) -> bool {
    let is_set = |key: &Value| !key.is_null() && key != "";
    let Some(auth) = gateway.get("auth") else { return gateway.get("authKey").is_some_and(is_set) };
    auth.get("key").is_some_and(is_set) || auth.get("type").is_some_and(|name| name.as_str().is_none_or(is_other_type))
}

/// Whether a value of `gateway.auth.type` selects another method than workload identity.
pub(super) fn is_other_type(name: &str) -> bool {
    ["GatewayToken", "AzureAdApp"].iter().any(|other| other.eq_ignore_ascii_case(name))
}

/// Whether an operation of a JSON patch sets or removes how the chart's values authenticate.
fn sets_chart_value(path: &str, value: Option<&Value>) -> bool {
    let below = ["/values/", "/valuesObject/"].iter().find_map(|start| path.split_once(start));
    let Some((_, below)) = below.and_then(|(_, below)| below.rsplit_once("gateway")) else { return false };
    let tokens: Vec<&str> = below.split('/').filter(|token| !token.is_empty()).collect();
    let mut gateway = json!({});
    value_path::set(&mut gateway, &tokens, value.cloned().unwrap_or_default());
    has_other_method(&gateway)
}

#[cfg(test)]
mod tests {
    use super::*;
    use apim_keyless_core::policy::rules::RULES;

    #[test]
    fn the_rules_of_leftovers_exist() {
        for leftover in [
            Leftover::Setting,
            Leftover::Label,
            Leftover::Image,
            Leftover::Removed("gateway.name"),
            Leftover::Endpoint(None),
            Leftover::Secret(String::new()),
        ] {
            for id in leftover.rules() {
                assert!(RULES.iter().any(|rule| rule.id == *id), "{id}");
            }
        }
    }
}
