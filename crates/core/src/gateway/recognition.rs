//! Recognizes gateways among workloads. No name or label hides that a workload is a gateway.

use super::oversized::is_oversized_gateway;
use super::setting::{prefix_can_make_setting, prefix_makes_config_service};
use super::{
    AuthAssignment, Container, ContainerList, EnvValue, Environment, ExceededLimit, GatewaySign, Images,
    KubernetesObject, Lookup, RelatedObjects, Setting, Variable, Workload, well_known,
};
use std::collections::{BTreeMap, BTreeSet};

/// A workload with at least one gateway container.
pub struct Gateway<'a> {
    /// The workload.
    pub workload: &'a Workload,
    /// Its gateway containers only; other containers of the workload are left out.
    pub containers: Vec<GatewayContainer<'a>>,
}

/// A container that runs the gateway.
pub struct GatewayContainer<'a> {
    /// The container.
    pub container: Container<'a>,
    /// Its environment as far as it is known.
    pub environment: Environment<'a>,
    /// The fields whose command sets the auth setting, or can set it: the tokens of a JSON pointer in the container, and
    /// what the command does. Those that set it to `workloadIdentity` are included.
    pub auth_assignments: Vec<(&'static [&'static str], AuthAssignment)>,
    /// Whether it only serves as an ingress (`k8s.ingress.enabled`, experimental) and does not authenticate to the
    /// configuration API.
    ///
    /// This is an exemption, so it applies only with proof: the whole environment is known, no `config.service.*` is
    /// set or can be made by a prefix, no command sets the auth setting, and `k8s.ingress.enabled` is `true` where it is
    /// set last, in each of its spellings.
    pub is_ingress_only: bool,
    /// Whether it is only possibly a gateway's: nothing but an endpoint of an unknown value shows it, or nothing but an
    /// endpoint beside a container of the gateway's image.
    pub is_possible: bool,
    /// Whether its image is not known to be the gateway's, and that of another container of the Pod is.
    pub is_beside_gateway: bool,
    /// The images of the gateway that it runs: its own, and those of image volumes that it mounts. Empty if none is
    /// known to be the gateway's; the tag of its image then does not show the gateway's version.
    pub images: Vec<GatewayImage<'a>>,
}

/// An image of the gateway that a container runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayImage<'a> {
    /// The name of the image, as written.
    pub name: &'a str,
    /// The index of the image volume; `None` for the image of the container.
    pub volume: Option<usize>,
}

/// What a workload of a gateway is.
pub enum Recognized<'a> {
    /// A gateway that can be evaluated.
    Gateway(Gateway<'a>),
    /// A gateway that is too large to be evaluated.
    TooLarge(ExceededLimit),
}

impl<'a> Recognized<'a> {
    /// The gateway, if it can be evaluated.
    pub fn gateway(self) -> Option<Gateway<'a>> {
        match self {
            Self::Gateway(gateway) => Some(gateway),
            Self::TooLarge(_) => None,
        }
    }
}

impl<'a> Gateway<'a> {
    /// Recognizes a gateway by its image, an image volume or `config.service.*` in its environment. If no container
    /// certainly matches, a label on the object or on the pod template counts. `None` if the object is not a gateway
    /// workload, not even possibly.
    ///
    /// The cost is linear in the length of the object's JSON.
    pub fn recognize(
        object: &'a KubernetesObject<'_>,
        images: &Images,
        related: &'a RelatedObjects,
    ) -> Option<Recognized<'a>> {
        let workload = object.workload()?;
        let volumes = image_volumes(workload, images);
        let sign = |container: &Container<'a>| {
            if has_gateway_image(container, images, &volumes) {
                GatewaySign::Certain
            } else {
                sign_of_settings(container, related)
            }
        };
        let all = workload.containers();
        if has_too_many_prefixes(&all) {
            return Some(Recognized::TooLarge(ExceededLimit::PREFIXES));
        }
        let mut containers: Vec<_> = all.into_iter().map(|container| (sign(&container), container)).collect();
        let is_certain = containers.iter().any(|(sign, _)| *sign == GatewaySign::Certain);
        if !is_certain
            && [&workload.metadata.labels, workload.template_labels()].into_iter().any(well_known::marks_gateway)
        {
            mark_labeled_containers(&mut containers, workload.metadata.name.as_deref());
        }
        containers.retain(|(sign, _)| *sign != GatewaySign::None);
        if containers.is_empty() {
            return workload
                .exceeded_list()
                .filter(|_| is_oversized_gateway(object, images, related))
                .map(Recognized::TooLarge);
        }
        let evaluated: Vec<Container<'a>> = containers.iter().map(|(_, container)| *container).collect();
        if let Some(limit) = ExceededLimit::of(workload, &evaluated, related) {
            return Some(Recognized::TooLarge(limit));
        }
        let has_image = evaluated.iter().any(|container| has_gateway_image(container, images, &volumes));
        let gateway_container = |(sign, container): (GatewaySign, Container<'a>)| {
            let images = images_of(&container, images, &volumes);
            let is_beside_gateway = has_image && images.is_empty();
            let environment = Environment::of(&container, workload, related);
            GatewayContainer::of(container, sign, environment, is_beside_gateway)
                .map(|gateway_container| GatewayContainer { images, ..gateway_container })
        };
        let containers: Vec<_> = containers.into_iter().filter_map(gateway_container).collect();
        (!containers.is_empty()).then_some(Recognized::Gateway(Self { workload, containers }))
    }

    /// Returns true if it is only possibly a gateway: every container is.
    pub fn is_possible(&self) -> bool {
        self.containers.iter().all(|container| container.is_possible)
    }

    /// All its gateway containers, ingress-only ones included.
    pub fn all_containers(&self) -> impl Iterator<Item = &Container<'a>> {
        self.containers.iter().map(|gateway_container| &gateway_container.container)
    }

    /// The containers that authenticate to the configuration API: all except ingress-only ones.
    pub fn authenticating(&self) -> impl Iterator<Item = &GatewayContainer<'a>> {
        self.containers.iter().filter(|container| !container.is_ingress_only)
    }
}

impl<'a> GatewayContainer<'a> {
    /// Returns true if it is beside a container of the gateway's image and nothing shows that it is a gateway's, too, except
    /// perhaps an endpoint. Only findings about the auth setting concern it.
    pub fn takes_only_address(&self) -> bool {
        self.is_beside_gateway && self.is_possible
    }

    /// A container with this sign, before its environment was known; its images are yet to be added. `None` if it is not a
    /// gateway's.
    fn of(
        container: Container<'a>,
        sign: GatewaySign,
        environment: Environment<'a>,
        is_beside_gateway: bool,
    ) -> Option<Self> {
        let sign = if sign == GatewaySign::Certain { sign } else { environment.sign() };
        let auth_assignments = container.auth_assignments();
        let is_ingress_only = auth_assignments.is_empty() && is_ingress_only(&container, &environment);
        // a probe or an exporter may take only the address of the gateway beside it
        let is_possible = sign == GatewaySign::Possible || (is_beside_gateway && environment.has_only_endpoint());
        (sign != GatewaySign::None).then_some(Self {
            container,
            environment,
            auth_assignments,
            is_ingress_only,
            is_possible,
            is_beside_gateway,
            images: Vec::new(),
        })
    }
}

/// Returns true if this environment proves that the container does not authenticate.
fn is_ingress_only<'a>(container: &Container<'a>, environment: &Environment<'a>) -> bool {
    let mut last_of_each_spelling: BTreeMap<&str, &Variable<'a>> = BTreeMap::new();
    for (setting, variable) in environment.settings() {
        if setting.is_config_service() {
            return false;
        }
        if setting == Setting::IngressEnabled {
            last_of_each_spelling.insert(&variable.name, variable);
        }
    }
    let prefixes = || container.env_from.iter().filter_map(|from| from.prefix.as_deref());
    !last_of_each_spelling.is_empty()
        && last_of_each_spelling.into_values().all(is_certainly_true)
        && environment.is_fully_known()
        && !prefixes().any(|prefix| !prefix.is_empty() && prefix_can_make_setting(prefix))
}

/// How certainly the settings of a container, in `env` or from a `ConfigMap` that was found, show a gateway. A value
/// that is not plain text counts as unknown: [`Environment::sign`] knows more, once the limits hold.
fn sign_of_settings(container: &Container<'_>, related: &RelatedObjects) -> GatewaySign {
    let sources = container.env_from.iter().map(|from| {
        let config_map = from.config_map_ref.as_ref().map(|reference| reference.name.as_str());
        sign_of_source(from.prefix.as_deref().unwrap_or_default(), config_map, related)
    });
    let variables = container.env.iter().filter_map(|variable| {
        let setting = Setting::of(&variable.name)?;
        let written = match (variable.value.as_deref().unwrap_or_default(), &variable.value_from) {
            ("", Some(_)) => EnvValue::UNKNOWN,
            // a text with a reference is a placeholder, and counts as unknown
            (text, _) => EnvValue::bounded(text),
        };
        Some(GatewaySign::of(setting, &written))
    });
    sources.chain(variables).max().unwrap_or_default()
}

/// Returns true if so many prefixes in `envFrom` can make a setting that to try each would take long.
fn has_too_many_prefixes(containers: &[Container<'_>]) -> bool {
    let prefixes = containers.iter().flat_map(|container| container.env_from).filter_map(|from| from.prefix.as_deref());
    let number = prefixes.filter(|prefix| !prefix.is_empty() && prefix_can_make_setting(prefix)).count();
    number > ExceededLimit::PREFIXES.limit
}

/// How certainly an element of `envFrom` with this prefix and `ConfigMap` shows a gateway. A prefix that alone makes
/// every key a `config.service.*` name is a possible sign: the keys are not known.
pub(super) fn sign_of_source(prefix: &str, config_map: Option<&str>, related: &RelatedObjects) -> GatewaySign {
    if !prefix_can_make_setting(prefix) {
        return GatewaySign::None;
    }
    match config_map.map(|name| related.config_map(name)) {
        Some(Lookup::Found(config_map)) => config_map.sign_with(prefix),
        _ if prefix_makes_config_service(prefix) => GatewaySign::Possible,
        _ => GatewaySign::None,
    }
}

/// Returns true if the variable is known to be `true` in the container.
fn is_certainly_true(variable: &Variable<'_>) -> bool {
    let is_true = matches!(&variable.value, EnvValue::Text(text) if text.trim().eq_ignore_ascii_case("true"));
    is_true && !variable.may_be_overridden
}

/// The image volumes of the gateway, by name: index and image.
fn image_volumes<'a>(workload: &'a Workload, images: &Images) -> BTreeMap<&'a str, (usize, &'a str)> {
    let volumes = workload.volumes().iter().enumerate();
    let of_gateway = volumes.filter_map(|(index, volume)| {
        let reference = volume.image.as_ref()?.reference.as_str();
        images.is_gateway(reference).then_some((volume.name.as_str(), (index, reference)))
    });
    of_gateway.collect()
}

/// Returns true if a container's image, or that of a volume that it mounts, is the gateway's.
fn has_gateway_image(container: &Container<'_>, images: &Images, volumes: &BTreeMap<&str, (usize, &str)>) -> bool {
    images.is_gateway(container.image)
        || container.volume_mounts.iter().any(|mount| volumes.contains_key(mount.name.as_str()))
}

/// The images of the gateway that a container runs; `volumes` are the gateway's image volumes.
fn images_of<'a>(
    container: &Container<'a>,
    images: &Images,
    volumes: &BTreeMap<&str, (usize, &'a str)>,
) -> Vec<GatewayImage<'a>> {
    let own = images.is_gateway(container.image).then_some(GatewayImage { name: container.image, volume: None });
    // a container can mount a volume several times
    let mounts = container.volume_mounts.iter().filter(|_| !volumes.is_empty());
    let mounted: BTreeSet<_> = mounts.filter_map(|mount| volumes.get(mount.name.as_str()).copied()).collect();
    let of_volumes = mounted.into_iter().map(|(index, name)| GatewayImage { name, volume: Some(index) });
    own.into_iter().chain(of_volumes).collect()
}

/// Marks the gateway containers of a workload that only a label marks: the regular container that is named like the
/// chart's or like the workload, else all regular containers.
fn mark_labeled_containers(containers: &mut [(GatewaySign, Container<'_>)], workload: Option<&str>) {
    let is_named =
        |container: &Container<'_>| container.name == well_known::CHART_CONTAINER || Some(container.name) == workload;
    let is_regular = |container: &Container<'_>| container.list == ContainerList::Containers;
    let has_named = containers.iter().any(|(_, container)| is_regular(container) && is_named(container));
    for (sign, container) in containers {
        if is_regular(container) && (!has_named || is_named(container)) {
            *sign = GatewaySign::Certain;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::KubernetesObject;

    fn object(json: &str) -> KubernetesObject<'_> {
        KubernetesObject::recognize(json, "default").unwrap().unwrap()
    }

    /// The names of the gateway containers of a Deployment with this label and these containers.
    fn gateway_containers(label: &str, spec: &str) -> Vec<String> {
        let json = format!(
            r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"orders"}},"spec":{{"template":{{"metadata":{{"labels":{{{label}}}}},"spec":{spec}}}}}}}"#
        );
        let (object, related) = (object(&json), RelatedObjects::default());
        let gateway = Gateway::recognize(&object, &Images::default(), &related).and_then(Recognized::gateway);
        let containers = gateway.iter().flat_map(Gateway::all_containers);
        containers.map(|container| container.name.to_owned()).collect()
    }

    #[test]
    fn a_label_marks_all_regular_containers_unless_one_has_the_name() {
        let label = r#""apim-keyless.dev/gateway":"true""#;
        let containers = |names: [&str; 2]| {
            let [one, other] = names;
            format!(
                r#"{{"initContainers":[{{"name":"init"}}],"containers":[{{"name":"{one}"}},{{"name":"{other}"}}]}}"#
            )
        };
        assert_eq!(gateway_containers(label, &containers(["a", "b"])), ["a", "b"]);
        assert_eq!(gateway_containers(label, &containers(["orders", "b"])), ["orders"]);
        let chart = well_known::CHART_CONTAINER;
        assert_eq!(gateway_containers(label, &containers(["a", chart])), [chart]);
        assert_eq!(gateway_containers("", &containers(["orders", chart])), Vec::<String>::new());
    }

    #[test]
    fn a_container_that_mounts_an_image_volume_of_the_gateway_is_a_gateway() {
        let with = |mounted: &str, reference: &str| {
            format!(
                r#"{{"containers":[{{"name":"a","image":"dotnet:8","volumeMounts":[{{"name":"{mounted}"}},{{"name":"{mounted}"}}]}},{{"name":"b"}}],"volumes":[{{"name":"data"}},{{"name":"files","image":{{"reference":"{reference}"}}}}]}}"#
            )
        };
        let gateway = "registry.example/azure-api-management/gateway:2.9.2";
        assert_eq!(gateway_containers("", &with("files", gateway)), ["a"]);
        assert_eq!(gateway_containers("", &with("data", gateway)), Vec::<String>::new());
        assert_eq!(gateway_containers("", &with("files", "registry.example/other:1")), Vec::<String>::new());
    }

    #[test]
    fn ingress_only_is_proved_by_effective_values() {
        let is_ingress_only = |fields: &str| {
            let json = format!(
                r#"{{"apiVersion":"v1","kind":"Pod","spec":{{"containers":[{{"name":"a","image":"azure-api-management/gateway:2.11.1",{fields}}}]}}}}"#
            );
            let empty = object(r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"empty"}}"#);
            let related = RelatedObjects::of([&empty], &Images::default());
            let object = object(&json);
            let gateway =
                Gateway::recognize(&object, &Images::default(), &related).and_then(Recognized::gateway).unwrap();
            gateway.authenticating().next().is_none()
        };
        let entry = |name: &str, value: &str| format!(r#"{{"name":"{name}","value":"{value}"}}"#);
        let (on, off) = (entry("k8s.ingress.enabled", "true"), entry("k8s.ingress.enabled", "false"));
        let other_spelling = entry("K8S__INGRESS__ENABLED", "false");
        for (fields, expected) in [
            (format!(r#""env":[{on}]"#), true),
            (format!(r#""env":[{off},{on}]"#), true),
            (format!(r#""env":[{on},{off}]"#), false),
            (format!(r#""env":[{on},{other_spelling}]"#), false),
            (format!(r#""env":[{other_spelling},{on}]"#), false),
            (format!(r#""env":[{on}],"envFrom":[{{"configMapRef":{{"name":"empty"}}}}]"#), true),
            (format!(r#""env":[{on}],"envFrom":[{{"configMapRef":{{"name":"unknown"}}}}]"#), false),
            (format!(r#""env":[{on}],"envFrom":[{{"secretRef":{{"name":"a"}}}}]"#), false),
            (
                format!(r#""env":[{on}],"envFrom":[{{"prefix":"config.service.","configMapRef":{{"name":"empty"}}}}]"#),
                false,
            ),
            (format!(r#""env":[{on}],"envFrom":[{{"prefix":"a.","configMapRef":{{"name":"empty"}}}}]"#), true),
            (format!(r#""env":[{on}],"envFrom":[{{"prefix":"","configMapRef":{{"name":"empty"}}}}]"#), true),
            (format!(r#""env":[{on}],"args":["--config.service.auth=x"]"#), false),
            (format!(r#""env":[{on},{}]"#, entry("config.service.auth", "")), false),
            (String::from(r#""env":[]"#), false),
        ] {
            assert_eq!(is_ingress_only(&fields), expected, "{fields}");
        }
    }
}
