//! Recognizes a gateway in a pod template whose lists are longer than what is read.
//!
//! The JSON is read again, and of each element only what can show a gateway is kept, so that the memory is bounded by
//! the bytes of the JSON.

use super::json::go_json::Text;
use super::recognition::sign_of_source;
use super::setting::prefix_can_make_setting;
use super::{EnvValue, ExceededLimit, GatewaySign, Images, KubernetesObject, RelatedObjects, Setting};
use jsonptr::{Pointer, PointerBuf};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

/// Returns true if some container of the workload is a gateway's. An image volume counts whether it is mounted or not.
///
/// The result is true if the JSON cannot be read: nobody knows what it is.
pub(super) fn is_oversized_gateway(object: &KubernetesObject<'_>, images: &Images, related: &RelatedObjects) -> bool {
    let Some(template) = object.kind.template().and_then(|template| Pointer::parse(template).ok()) else {
        return false;
    };
    let spec: PointerBuf = template.with_trailing_token("spec");
    let Some(json) = object.json.text_at(&spec) else { return false };
    let Ok(PodSpecSigns { containers, init_containers, ephemeral_containers, volumes }) = serde_json::from_str(json)
    else {
        return true;
    };
    let lists = [containers.0, init_containers.0, ephemeral_containers.0, volumes.0];
    lists.iter().any(|signs| {
        signs.has_setting
            || signs.has_too_many_prefixes()
            || signs.images.iter().any(|image| images.is_gateway(image))
            || signs
                .sources
                .iter()
                .any(|(prefix, name)| sign_of_source(prefix, name.as_deref(), related) != GatewaySign::None)
    })
}

/// What can show that a container is a gateway's, of all elements of a list. Nothing is sorted: a list of a million elements
/// would cost far more than parsing it.
#[derive(Default)]
struct Signs<'a> {
    images: Vec<Cow<'a, str>>,
    /// Whether an element of `env` is a sign of a gateway.
    has_setting: bool,
    /// The prefixes and the `ConfigMap`s of `envFrom`.
    sources: Vec<(Cow<'a, str>, Option<Cow<'a, str>>)>,
}

impl Signs<'_> {
    fn merge(&mut self, other: Self) {
        append(&mut self.images, other.images);
        self.has_setting |= other.has_setting;
        append(&mut self.sources, other.sources);
    }

    /// Whether more different prefixes than are evaluated can make a setting.
    fn has_too_many_prefixes(&self) -> bool {
        let mut different = BTreeSet::new();
        let mut prefixed = self.sources.iter().filter(|(prefix, _)| !prefix.is_empty());
        prefixed.any(|source| different.insert(source) && different.len() > ExceededLimit::PREFIXES.limit)
    }
}

/// Appends a list, without moving its elements if it is the first one.
fn append<T>(list: &mut Vec<T>, other: Vec<T>) {
    if list.is_empty() {
        *list = other;
    } else {
        list.extend(other);
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodSpecSigns<'a> {
    #[serde(borrow)]
    containers: Merged<'a, ContainerSigns<'a>>,
    #[serde(borrow)]
    init_containers: Merged<'a, ContainerSigns<'a>>,
    #[serde(borrow)]
    ephemeral_containers: Merged<'a, ContainerSigns<'a>>,
    #[serde(borrow)]
    volumes: Merged<'a, VolumeSigns<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ContainerSigns<'a> {
    #[serde(borrow)]
    image: Option<Text<'a>>,
    #[serde(borrow)]
    env: Merged<'a, VariableSigns<'a>>,
    #[serde(borrow)]
    env_from: Merged<'a, SourceSigns<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct VariableSigns<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    value: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SourceSigns<'a> {
    #[serde(borrow)]
    prefix: Option<Text<'a>>,
    #[serde(borrow)]
    config_map_ref: Option<NameSigns<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NameSigns<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct VolumeSigns<'a> {
    #[serde(borrow)]
    image: Option<ImageSigns<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ImageSigns<'a> {
    #[serde(borrow)]
    reference: Option<Text<'a>>,
}

impl<'a> From<ContainerSigns<'a>> for Signs<'a> {
    fn from(container: ContainerSigns<'a>) -> Self {
        let mut signs = container.env.0;
        signs.merge(container.env_from.0);
        signs.images.extend(container.image.map(|Text(image)| image));
        signs
    }
}

impl<'a> From<VariableSigns<'a>> for Signs<'a> {
    fn from(variable: VariableSigns<'a>) -> Self {
        let setting = variable.name.and_then(|Text(name)| Setting::of(&name));
        let is_sign = |setting| {
            // a value with a reference is a placeholder, and counts as unknown like one from elsewhere
            let text = variable.value.as_ref().map(|Text(text)| text.as_ref()).filter(|text| !text.is_empty());
            GatewaySign::of(setting, &text.map_or(EnvValue::UNKNOWN, EnvValue::bounded)) != GatewaySign::None
        };
        let has_setting = setting.is_some_and(is_sign);
        Self { has_setting, ..Self::default() }
    }
}

impl<'a> From<SourceSigns<'a>> for Signs<'a> {
    fn from(source: SourceSigns<'a>) -> Self {
        let prefix = source.prefix.map(|Text(prefix)| prefix).unwrap_or_default();
        let name = source.config_map_ref.and_then(|reference| reference.name).map(|Text(name)| name);
        // without both it is no sign, and there can be very many
        let is_empty = prefix.is_empty() && name.is_none();
        let can_be_setting = !is_empty && prefix_can_make_setting(&prefix);
        Self { sources: can_be_setting.then_some((prefix, name)).into_iter().collect(), ..Self::default() }
    }
}

impl<'a> From<VolumeSigns<'a>> for Signs<'a> {
    fn from(volume: VolumeSigns<'a>) -> Self {
        let image = volume.image.and_then(|image| image.reference).map(|Text(reference)| reference);
        Self { images: image.into_iter().collect(), ..Self::default() }
    }
}

/// The signs of all elements of a list, which are not kept themselves.
struct Merged<'a, T>(Signs<'a>, PhantomData<T>);

impl<T> Default for Merged<'_, T> {
    fn default() -> Self {
        Self(Signs::default(), PhantomData)
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de> + Into<Signs<'a>>> Deserialize<'de> for Merged<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(MergedVisitor(PhantomData))
    }
}

struct MergedVisitor<'a, T>(PhantomData<(Signs<'a>, T)>);

impl<'de: 'a, 'a, T: Deserialize<'de> + Into<Signs<'a>>> Visitor<'de> for MergedVisitor<'a, T> {
    type Value = Merged<'a, T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Merged::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut merged = Merged::default();
        while let Some(element) = list.next_element::<T>()? {
            merged.0.merge(element.into());
        }
        Ok(merged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::{ConfigMap, Gateway};
    use serde_json::{Value, json};

    /// Whether a Pod is recognized as a gateway whose list at `list` has this element after more than are read.
    fn is_recognized(list: &str, element: &Value) -> bool {
        let mut spec = json!({"containers": [{"name": "a"}]});
        let mut elements = vec![json!({"name": "a"}); 300];
        elements.push(element.clone());
        spec[list] = elements.into();
        let json = json!({"apiVersion": "v1", "kind": "Pod", "spec": spec}).to_string();
        let settings = |key: &str| [(key.to_owned(), "a".to_owned())].into();
        let mut related = RelatedObjects::default();
        related.put_config_map(ConfigMap::for_cache("gateway".to_owned(), settings("config.service.auth"), []));
        related.put_config_map(ConfigMap::for_cache("other".to_owned(), settings("config.server"), []));
        let object = KubernetesObject::recognize(&json, "default").unwrap().unwrap();
        Gateway::recognize(&object, &Images::default(), &related).is_some()
    }

    fn with_env(name: &str, value: &Value) -> Value {
        json!({"name": "b", "env": [{"name": "a", "value": "b"}, {"name": name, "value": value}, {"name": "c"}]})
    }

    fn with_source(source: &Value) -> Value {
        json!({"name": "b", "env": null, "envFrom": [{"secretRef": {"name": "a"}}, source]})
    }

    /// A container that takes a Secret with this many different prefixes that can make a setting.
    fn with_prefixes(number: usize) -> Value {
        let capitals = |number: usize| -> String {
            let letters = "config".chars().enumerate();
            letters
                .map(|(at, letter)| if number >> at & 1 == 1 { letter.to_ascii_uppercase() } else { letter })
                .collect()
        };
        // `config` has 64 spellings
        let prefixes = (0..number).map(|index| if index < 64 { capitals(index) } else { "config.s".to_owned() });
        let sources: Value = prefixes.map(|prefix| json!({"prefix": prefix, "secretRef": {"name": "a"}})).collect();
        json!({"name": "b", "envFrom": sources})
    }

    #[test]
    fn a_sign_of_a_gateway_is_found_behind_what_is_read() {
        let image = "azure-api-management/gateway:2.11.1";
        for list in ["containers", "initContainers", "ephemeralContainers"] {
            assert!(is_recognized(list, &json!({"name": "b", "image": image})), "{list}");
        }
        assert!(is_recognized("volumes", &json!({"name": "b", "image": {"reference": image}})));
        for element in [
            with_env("config.service.auth", &json!("workloadIdentity")),
            with_env("config.service.endpoint", &json!("contoso.configuration.azure-api.net")),
            // a value with a reference and one from elsewhere can be an endpoint of a gateway
            with_env("config.service.endpoint", &json!("http://$(HOST)")),
            with_env("config.service.endpoint", &json!("")),
            with_env("config.service.endpoint", &Value::Null),
            with_source(&json!({"configMapRef": {"name": "gateway"}})),
            with_source(&json!({"prefix": "config.service.", "secretRef": {"name": "b"}})),
            with_source(&json!({"prefix": "DOTNET_", "configMapRef": {"name": "gateway"}})),
            with_prefixes(65),
        ] {
            assert!(is_recognized("containers", &element), "{element}");
        }
    }

    #[test]
    fn a_large_object_of_another_application_is_not_recognized() {
        assert!(!is_recognized("volumes", &json!({"name": "b", "image": {"reference": "registry.example/other:1"}})));
        for element in [
            json!({"name": "b", "image": "registry.example/other:1"}),
            with_env("gateway.name", &json!("orders")),
            with_env("config.service.endpoint", &json!("http://config-server:8888")),
            with_source(&json!({"configMapRef": {"name": "other"}})),
            with_source(&json!({"configMapRef": {"name": "unknown"}})),
            with_source(&json!({"prefix": "telemetry.", "configMapRef": {"name": "gateway"}})),
            with_prefixes(64),
        ] {
            assert!(!is_recognized("containers", &element), "{element}");
        }
    }
}
