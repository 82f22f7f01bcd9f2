//! Recognizes gateways among workloads. No name or label hides that a workload is a gateway.

use super::setting::prefix_makes_config_service;
use super::{Container, ContainerList, EnvValue, Environment, Images, RelatedObjects, Setting, Workload, well_known};

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
    /// True if the image is known to be the gateway's. Only then does its tag show the gateway's version.
    pub has_known_image: bool,
}

impl<'a> Gateway<'a> {
    /// Recognizes a gateway by its image or by `config.service.*` in its environment. If no container matches, a label
    /// on the object or on the pod template counts. `None` if the workload is not a gateway.
    pub fn recognize(workload: &'a Workload, images: &Images, related: &'a RelatedObjects) -> Option<Self> {
        let gateway_container = |container: Container<'a>| {
            let environment = Environment::of(&container, workload, related);
            let has_known_image = images.is_gateway(container.image);
            GatewayContainer { container, environment, has_known_image }
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

    /// The containers that authenticate to the configuration API: all except ingress-only ones.
    pub fn authenticating(&self) -> impl Iterator<Item = &GatewayContainer<'a>> {
        self.containers.iter().filter(|container| !container.is_ingress_only())
    }
}

impl GatewayContainer<'_> {
    /// Returns true if the image or the environment alone shows that the container is the gateway's.
    fn is_recognized(&self) -> bool {
        self.has_known_image
            || self.environment.settings().any(|(setting, _)| setting.is_config_service())
            || self
                .container
                .env_from
                .iter()
                .any(|from| from.prefix.as_deref().is_some_and(prefix_makes_config_service))
    }

    /// Returns true if the container only serves as an ingress (`k8s.ingress.enabled`, experimental) and does not
    /// authenticate to the configuration API.
    ///
    /// This is an exemption, so it applies only if the whole environment is known.
    pub fn is_ingress_only(&self) -> bool {
        let mut settings = self.environment.settings();
        let enabled = |(setting, variable): (Setting, &super::Variable<'_>)| {
            setting == Setting::IngressEnabled
                && matches!(&variable.value, EnvValue::Text(text) if text.trim().eq_ignore_ascii_case("true"))
        };
        self.environment.is_fully_known()
            && settings.any(enabled)
            && !self.environment.settings().any(|(setting, _)| setting.is_config_service())
    }
}

/// The gateway containers of a workload that only a label marks: its only regular container, or else those named like
/// the chart's container or like the workload.
fn keep_labeled_containers(containers: &mut Vec<GatewayContainer<'_>>, workload: Option<&str>) {
    let is_regular =
        |gateway_container: &GatewayContainer<'_>| gateway_container.container.list == ContainerList::Containers;
    if containers.iter().filter(|gateway_container| is_regular(gateway_container)).count() == 1 {
        containers.retain(is_regular);
    } else {
        containers.retain(|gateway_container| {
            let name = gateway_container.container.name;
            is_regular(gateway_container) && (name == well_known::CHART_CONTAINER || Some(name) == workload)
        });
    }
}
