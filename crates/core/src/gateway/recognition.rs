//! Recognizes gateways among workloads. No name or label hides that a workload is a gateway.

use super::setting::prefix_makes_config_service;
use super::{
    Container, ContainerList, EnvValue, Environment, Images, RelatedObjects, Setting, Variable, Workload, well_known,
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

impl<'a> Gateway<'a> {
    /// Recognizes a gateway by its image, an image volume or `config.service.*` in its environment. If no container
    /// matches, a label on the object or on the pod template counts. `None` if the workload is not a gateway.
    pub fn recognize(workload: &'a Workload, images: &Images, related: &'a RelatedObjects) -> Option<Self> {
        let volumes = image_volumes(workload, images);
        let gateway_container = |container: Container<'a>| {
            let environment = Environment::of(&container, workload, related);
            let images = images_of(&container, images, &volumes);
            GatewayContainer { container, environment, images }
        };
        let mut containers: Vec<GatewayContainer<'a>> =
            workload.containers().into_iter().map(gateway_container).collect();
        if containers.iter().any(GatewayContainer::is_recognized) {
            containers.retain(GatewayContainer::is_recognized);
        } else if [&workload.metadata.labels, workload.template_labels()].into_iter().any(well_known::marks_gateway) {
            keep_labeled_containers(&mut containers, workload.metadata.name.as_deref());
        } else {
            return None;
        }
        (!containers.is_empty()).then_some(Self { workload, containers })
    }

    /// All its gateway containers, ingress-only ones included.
    pub fn all_containers(&self) -> impl Iterator<Item = &Container<'a>> {
        self.containers.iter().map(|gateway_container| &gateway_container.container)
    }

    /// The containers that authenticate to the configuration API: all except ingress-only ones.
    pub fn authenticating(&self) -> impl Iterator<Item = &GatewayContainer<'a>> {
        self.containers.iter().filter(|container| !container.is_ingress_only())
    }
}

impl<'a> GatewayContainer<'a> {
    /// Returns true if the image or the environment alone shows that the container is the gateway's.
    fn is_recognized(&self) -> bool {
        !self.images.is_empty()
            || self.environment.settings().any(|(setting, _)| setting.is_config_service())
            || self.has_config_service_prefix()
    }

    /// Returns true if a prefix in `envFrom` alone makes every key a `config.service.*` name.
    fn has_config_service_prefix(&self) -> bool {
        let mut prefixes = self.container.env_from.iter().filter_map(|from| from.prefix.as_deref());
        prefixes.any(prefix_makes_config_service)
    }

    /// Returns true if the container only serves as an ingress (`k8s.ingress.enabled`, experimental) and does not
    /// authenticate to the configuration API.
    ///
    /// This is an exemption, so it applies only with proof: the whole environment is known, no `config.service.*` is
    /// set or can be made by a prefix, no command sets the auth setting, and `k8s.ingress.enabled` is `true` where it is
    /// set last, in each of its spellings.
    pub fn is_ingress_only(&self) -> bool {
        let mut last_of_each_spelling: BTreeMap<&str, &Variable<'a>> = BTreeMap::new();
        for (setting, variable) in self.environment.settings() {
            if setting.is_config_service() {
                return false;
            }
            if setting == Setting::IngressEnabled {
                last_of_each_spelling.insert(&variable.name, variable);
            }
        }
        !last_of_each_spelling.is_empty()
            && last_of_each_spelling.into_values().all(is_certainly_true)
            && self.environment.is_fully_known()
            && !self.has_config_service_prefix()
            && self.container.auth_assignments().next().is_none()
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

/// Leaves the gateway containers of a workload that only a label marks: the regular container that is named like the
/// chart's or like the workload, else all regular containers.
fn keep_labeled_containers(containers: &mut Vec<GatewayContainer<'_>>, workload: Option<&str>) {
    containers.retain(|gateway_container| gateway_container.container.list == ContainerList::Containers);
    let is_named = |gateway_container: &GatewayContainer<'_>| {
        let name = gateway_container.container.name;
        name == well_known::CHART_CONTAINER || Some(name) == workload
    };
    if containers.iter().any(is_named) {
        containers.retain(is_named);
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
        let gateway = Gateway::recognize(object.workload().unwrap(), &Images::default(), &related);
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
            let gateway = Gateway::recognize(object.workload().unwrap(), &Images::default(), &related).unwrap();
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
            (format!(r#""env":[{on}],"args":["--config.service.auth=x"]"#), false),
            (format!(r#""env":[{on},{}]"#, entry("config.service.auth", "")), false),
            (String::from(r#""env":[]"#), false),
        ] {
            assert_eq!(is_ingress_only(&fields), expected, "{fields}");
        }
    }
}
