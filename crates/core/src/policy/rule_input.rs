//! What a rule reads: an object of a gateway, its related objects and the expectations.

use super::{Context, Expectations, IdentityKeyAt, Problem};
use crate::gateway::{
    ConfigMap, Gateway, GatewayContainer, GatewayImage, ImageName, ImageVersion, Images, KubernetesObject, ObjectView,
    RelatedObjects, Service, ServiceAccount, Setting, Workload, well_known,
};
use jsonptr::PointerBuf;

/// The input of a rule's check. It exists only for objects of a gateway.
pub struct RuleInput<'a> {
    /// The object's namespace.
    pub namespace: &'a str,
    /// What the object's namespace expects.
    pub expectations: &'a Expectations,
    /// The other objects of its namespace.
    pub related: &'a RelatedObjects,
    /// Which images are the gateway's, and which version a digest has.
    pub images: &'a Images,
    pub(super) identity_keys: Vec<IdentityKeyAt<'a>>,
    /// The images of the gateway's containers, in their order.
    container_images: Vec<ContainerImage<'a>>,
    object: EvaluatedObject<'a>,
}

/// An image that a gateway container runs.
struct ContainerImage<'a> {
    /// JSON pointer to its name.
    at: PointerBuf,
    name: &'a str,
    version: ImageVersion,
    /// The name of the container.
    container: &'a str,
    /// Whether the container is ingress-only.
    is_ingress_only: bool,
}

/// The object under evaluation, by kind.
enum EvaluatedObject<'a> {
    ConfigMap(&'a ConfigMap),
    Gateway(Gateway<'a>),
    Service(&'a Service),
    ServiceAccount(&'a ServiceAccount),
}

impl<'a> RuleInput<'a> {
    /// The input for `object`; `None` if it is not a gateway's.
    pub(super) fn of(object: &'a KubernetesObject<'_>, context: &'a Context<'_>, images: &'a Images) -> Option<Self> {
        let (expectations, related) = (&context.expectations, context.related);
        let namespace = object.reference.namespace.as_str();
        let object = match &object.view {
            ObjectView::ConfigMap(config_map) => is_config_map_of_gateway(config_map, expectations, related)
                .then_some(EvaluatedObject::ConfigMap(config_map))?,
            ObjectView::Namespace(_) => return None,
            ObjectView::Service(service) => {
                let is_of_gateway =
                    well_known::marks_gateway(&service.metadata.labels) || related.is_service_of_gateway(service);
                is_of_gateway.then_some(EvaluatedObject::Service(service))?
            }
            ObjectView::ServiceAccount(account) => is_account_of_gateway(account, expectations, related)
                .then_some(EvaluatedObject::ServiceAccount(account))?,
            ObjectView::Workload(workload) => EvaluatedObject::Gateway(Gateway::recognize(workload, images, related)?),
        };
        let mut input = Self {
            namespace,
            expectations,
            related,
            images,
            identity_keys: Vec::new(),
            container_images: Vec::new(),
            object,
        };
        input.identity_keys = input.find_identity_keys();
        input.container_images = input.find_images();
        Some(input)
    }

    /// The `ConfigMap` of a gateway, if the object is one.
    pub fn config_map(&self) -> Option<&'a ConfigMap> {
        match &self.object {
            EvaluatedObject::ConfigMap(config_map) => Some(config_map),
            _ => None,
        }
    }

    /// The gateway, if the object is a workload. Ingress-only gateways are included.
    pub fn gateway(&self) -> Option<&Gateway<'a>> {
        match &self.object {
            EvaluatedObject::Gateway(gateway) => Some(gateway),
            _ => None,
        }
    }

    /// The gateway, if the object is a workload that authenticates to the configuration API.
    pub fn authenticating_gateway(&self) -> Option<&Gateway<'a>> {
        self.gateway().filter(|gateway| gateway.authenticating().next().is_some())
    }

    /// The containers that authenticate, if the object is a workload.
    pub fn authenticating_containers(&self) -> impl Iterator<Item = &GatewayContainer<'a>> {
        self.gateway().into_iter().flat_map(Gateway::authenticating)
    }

    /// A problem at every image of version `version`. `message` gets the tag or digest of the image, or a text if it has
    /// neither, and the name of the container.
    ///
    /// An ingress-only gateway does not authenticate, so its image is only warned about.
    pub fn image_problems(&self, version: &ImageVersion, message: impl Fn(&str, &str) -> String) -> Vec<Problem> {
        let with_version = self.container_images.iter().filter(|image| image.version == *version);
        with_version
            .map(|image| {
                let version = ImageName::version_text(image.name).unwrap_or("an image without tag");
                Problem {
                    only_warned: image.is_ingress_only,
                    ..Problem::new(image.at.clone(), message(version, image.container))
                }
            })
            .collect()
    }

    /// The images of the gateway that its containers run.
    fn find_images(&self) -> Vec<ContainerImage<'a>> {
        let Some(gateway) = self.gateway() else { return Vec::new() };
        gateway.containers.iter().flat_map(|container| self.images_of(container, gateway.workload)).collect()
    }

    /// The images of the gateway that a container runs. The tags of an image that is not known to be the gateway's may
    /// mean anything, so its version is unverifiable.
    fn images_of(&self, gateway_container: &GatewayContainer<'a>, workload: &Workload) -> Vec<ContainerImage<'a>> {
        let container = &gateway_container.container;
        let is_ingress_only = gateway_container.is_ingress_only();
        let image =
            |at, name, version| ContainerImage { at, name, version, container: container.name, is_ingress_only };
        if gateway_container.images.is_empty() {
            return vec![image(container.pointer_to(["image"]), container.image, ImageVersion::Unverifiable)];
        }
        let images = gateway_container.images.iter().map(|&GatewayImage { name, volume }| {
            let in_volume =
                |index: usize| workload.pointer_to(["spec", "volumes", &index.to_string(), "image", "reference"]);
            let at = volume.map_or_else(|| container.pointer_to(["image"]), in_volume);
            image(at, name, self.images.version(name, &self.expectations.minimum_version))
        });
        images.collect()
    }

    /// The Service of a gateway, if the object is one.
    pub fn service(&self) -> Option<&'a Service> {
        match &self.object {
            EvaluatedObject::Service(service) => Some(service),
            _ => None,
        }
    }

    /// The `ServiceAccount` of a gateway, if the object is one.
    pub fn service_account(&self) -> Option<&'a ServiceAccount> {
        match &self.object {
            EvaluatedObject::ServiceAccount(account) => Some(account),
            _ => None,
        }
    }

    /// The workload, if the object is one that authenticates, with the name of its own `ServiceAccount`.
    ///
    /// `default`, under which a Pod runs that names none, is a gateway's own only if it is expected.
    pub fn own_service_account(&self) -> Option<(&'a Workload, &'a str)> {
        let workload = self.authenticating_gateway()?.workload;
        let name = workload.service_account().unwrap_or(well_known::DEFAULT_SERVICE_ACCOUNT);
        let is_own = name != well_known::DEFAULT_SERVICE_ACCOUNT || is_named(&self.expectations.service_accounts, name);
        is_own.then_some((workload, name))
    }

    /// Whether a `ConfigMap` is a gateway's main one: it is expected, it is the only one of some gateway, or it has the
    /// endpoint.
    pub fn is_main_config_map(&self, config_map: &ConfigMap) -> bool {
        let name = config_map.name();
        is_named(&self.expectations.config_maps, name)
            || self.related.is_only_config_map_of_gateway(name)
            || config_map.values_of(Setting::Endpoint).next().is_some()
    }
}

fn is_account_of_gateway(account: &ServiceAccount, expectations: &Expectations, related: &RelatedObjects) -> bool {
    let name = account.name();
    let is_used_or_marked = name != well_known::DEFAULT_SERVICE_ACCOUNT
        && (related.is_account_of_gateway(name) || well_known::marks_gateway(&account.metadata.labels));
    is_used_or_marked || is_named(&expectations.service_accounts, name)
}

fn is_config_map_of_gateway(config_map: &ConfigMap, expectations: &Expectations, related: &RelatedObjects) -> bool {
    let name = config_map.name();
    is_named(&expectations.config_maps, name)
        || related.is_config_map_of_gateway(name)
        || config_map.has_config_service()
}

fn is_named(names: &[String], name: &str) -> bool {
    names.iter().any(|one| one == name)
}
