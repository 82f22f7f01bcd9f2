//! What makes a workload a gateway's: no name and no label of its own choosing is a way out.

use super::setting::prefix_makes_config_service;
use super::{Container, ContainerList, EnvValue, Environment, Images, RelatedObjects, Setting, Workload, well_known};

/// A workload with at least one container of the gateway.
pub struct Gateway<'a> {
    /// The workload.
    pub workload: &'a Workload,
    /// Its containers of the gateway, and none else.
    pub containers: Vec<GatewayContainer<'a>>,
}

/// A container of the gateway.
pub struct GatewayContainer<'a> {
    /// The container.
    pub container: Container<'a>,
    /// Its environment as far as it can be seen.
    pub environment: Environment<'a>,
    /// Is its image one that is known to be the gateway's, so that its tag means something?
    pub has_known_image: bool,
}

impl<'a> Gateway<'a> {
    /// Recognises a gateway by image, by `config.service.*` in its environment, or, where neither shows, by label.
    pub fn recognize(workload: &'a Workload, images: &Images, related: &'a RelatedObjects) -> Option<Self> {
        let part = |container: Container<'a>| {
            let environment = Environment::of(&container, workload, related);
            let has_known_image = images.is_gateway(container.image);
            GatewayContainer { container, environment, has_known_image }
        };
        let mut containers: Vec<GatewayContainer<'a>> = workload.containers().into_iter().map(part).collect();
        if containers.iter().any(GatewayContainer::shows_itself) {
            containers.retain(GatewayContainer::shows_itself);
        } else if [&workload.metadata.labels, workload.template_labels()].into_iter().any(well_known::marks_gateway) {
            keep_the_labelled(&mut containers, workload.metadata.name.as_deref());
        } else {
            return None;
        }
        (!containers.is_empty()).then_some(Self { workload, containers })
    }

    /// The containers that sign in to the configuration API: all but those of an ingress-only gateway.
    pub fn authenticating(&self) -> impl Iterator<Item = &GatewayContainer<'a>> {
        self.containers.iter().filter(|part| !part.is_ingress_only())
    }
}

impl GatewayContainer<'_> {
    fn shows_itself(&self) -> bool {
        self.has_known_image
            || self.environment.settings().any(|(setting, _)| setting.is_config_service())
            || self
                .container
                .env_from
                .iter()
                .any(|from| from.prefix.as_deref().is_some_and(prefix_makes_config_service))
    }

    /// Does it serve as an ingress alone (`k8s.ingress.enabled`, experimental) and sign in nowhere?
    ///
    /// That is an exemption, so it is given only where the whole environment can be seen.
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

/// Of a workload that only a label marks: its only container, or the one named like the chart's or the workload.
fn keep_the_labelled(containers: &mut Vec<GatewayContainer<'_>>, workload: Option<&str>) {
    let is_regular = |part: &GatewayContainer<'_>| part.container.list == ContainerList::Containers;
    if containers.iter().filter(|part| is_regular(part)).count() == 1 {
        containers.retain(is_regular);
    } else {
        containers.retain(|part| {
            is_regular(part)
                && (part.container.name == well_known::CHART_CONTAINER || Some(part.container.name) == workload)
        });
    }
}
