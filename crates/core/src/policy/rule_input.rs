//! What a rule reads: an object of a gateway, its related objects and the expectations.

use super::{Context, Edit, Expectations, IdentityKeyAt, Problem};
use crate::gateway::{
    AuthMethod, ConfigMap, Coverage, EnvValue, ExceededLimit, Gateway, GatewayContainer, GatewayImage, GatewaySign,
    ImageName, ImageVersion, Images, KubernetesObject, Metadata, Namespace, ObjectView, Recognized, RelatedObjects,
    Service, ServiceAccount, Setting, Workload, well_known,
};
use jsonptr::{Pointer, PointerBuf};

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
    /// The containers that are only possibly a gateway's: JSON pointers. The root if the whole object is.
    possible: Vec<PointerBuf>,
    /// The images of the gateway's containers, in their order.
    container_images: Vec<ContainerImage<'a>>,
    object: EvaluatedObject<'a>,
}

/// An image that a gateway container runs.
struct ContainerImage<'a> {
    /// JSON pointer to its name.
    at: PointerBuf,
    name: &'a str,
    /// Its version; `None` if the image is not known to be the gateway's: its tag may mean anything.
    version: Option<ImageVersion>,
    /// The name of the container.
    container: &'a str,
    /// Whether the container is ingress-only.
    is_ingress_only: bool,
}

impl ContainerImage<'_> {
    fn problem(&self, message: String) -> Problem {
        Problem { only_warned: self.is_ingress_only, ..Problem::new(self.at.clone(), message) }
    }
}

/// The object under evaluation, by kind.
enum EvaluatedObject<'a> {
    ConfigMap(&'a ConfigMap, GatewaySign),
    Gateway(Gateway<'a>),
    /// A Namespace with labels or annotations of apim-keyless.
    Namespace(&'a Namespace),
    /// An object that is too large to be evaluated: what is too large, and the limit that it exceeds.
    TooLarge(PointerBuf, ExceededLimit),
    Service(&'a Service),
    ServiceAccount(&'a ServiceAccount),
}

impl<'a> RuleInput<'a> {
    /// The input for `object`; `None` if it is not a gateway's.
    pub(super) fn of(object: &'a KubernetesObject<'_>, context: &'a Context<'_>, images: &'a Images) -> Option<Self> {
        let (expectations, related) = (&context.expectations, context.related);
        let (namespace, name_bytes) = (object.reference.namespace.as_str(), object.reference.name.len());
        let object = match &object.view {
            ObjectView::ConfigMap(config_map) => {
                let sign = sign_of_config_map(config_map, expectations, related);
                (sign != GatewaySign::None).then_some(EvaluatedObject::ConfigMap(config_map, sign))?
            }
            ObjectView::Namespace(namespace) => {
                let Metadata { labels, annotations, .. } = &namespace.metadata;
                let has_our_key = labels.keys().chain(annotations.keys()).any(|key| well_known::is_our_key(key));
                has_our_key.then_some(EvaluatedObject::Namespace(namespace))?
            }
            ObjectView::Service(service) => {
                let is_of_gateway =
                    well_known::marks_gateway(&service.metadata.labels) || related.is_service_of_gateway(service);
                is_of_gateway.then_some(EvaluatedObject::Service(service))?
            }
            ObjectView::ServiceAccount(account) => is_account_of_gateway(account, expectations, related)
                .then_some(EvaluatedObject::ServiceAccount(account))?,
            ObjectView::Workload(workload) => match Gateway::recognize(object, images, related)? {
                Recognized::Gateway(gateway) => EvaluatedObject::Gateway(gateway),
                Recognized::TooLarge(limit) => EvaluatedObject::TooLarge(workload.pointer_to(["spec"]), limit),
            },
        };
        let object = match ExceededLimit::NAME_BYTES.if_exceeded_by(name_bytes) {
            Some(limit) => EvaluatedObject::TooLarge(PointerBuf::from_tokens(["metadata", "name"]), limit),
            None => object,
        };
        let mut input = Self {
            namespace,
            expectations,
            related,
            images,
            identity_keys: Vec::new(),
            possible: Vec::new(),
            container_images: Vec::new(),
            object,
        };
        input.possible = input.find_possible();
        input.identity_keys = input.find_identity_keys();
        input.container_images = input.find_images();
        Some(input)
    }

    /// Returns true if the part of the object at a JSON pointer is only possibly a gateway's. Nothing is set there, and
    /// only findings about the auth setting count.
    pub(super) fn is_possible(&self, at: &Pointer) -> bool {
        self.possible.iter().any(|possible| at.starts_with(possible))
    }

    fn find_possible(&self) -> Vec<PointerBuf> {
        match &self.object {
            EvaluatedObject::ConfigMap(_, GatewaySign::Possible) => vec![PointerBuf::root()],
            EvaluatedObject::Gateway(gateway) if gateway.is_possible() => vec![PointerBuf::root()],
            EvaluatedObject::Gateway(gateway) => {
                let containers = gateway.containers.iter().filter(|container| container.is_possible);
                containers.map(|container| container.container.at()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The `ConfigMap` of a gateway, if the object is one.
    pub fn config_map(&self) -> Option<&'a ConfigMap> {
        match &self.object {
            EvaluatedObject::ConfigMap(config_map, _) => Some(config_map),
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

    /// What is too large, and the limit that it exceeds, if the object is too large to be evaluated.
    pub fn too_large(&self) -> Option<(&Pointer, ExceededLimit)> {
        match &self.object {
            EvaluatedObject::TooLarge(at, limit) => Some((at, *limit)),
            _ => None,
        }
    }

    /// The gateway, if the object is a workload that authenticates to the configuration API.
    pub fn authenticating_gateway(&self) -> Option<&Gateway<'a>> {
        self.gateway().filter(|gateway| gateway.authenticating().next().is_some())
    }

    /// Returns true if the object is a workload of which every container authenticates as an Entra app with a client
    /// secret or a certificate.
    pub(super) fn is_entra_app(&self) -> bool {
        let is_entra_app = |container: &GatewayContainer<'_>| {
            let method = container.environment.settings().rfind(|(setting, _)| *setting == Setting::Auth);
            method.is_some_and(|(_, variable)| {
                matches!(&variable.value, EnvValue::Text(_)) && variable.method == Some(AuthMethod::EntraApp)
            })
        };
        let mut containers = self.authenticating_containers().filter(|container| !container.takes_only_address());
        self.authenticating_gateway().is_some() && containers.all(is_entra_app)
    }

    /// The containers that authenticate, if the object is a workload.
    pub fn authenticating_containers(&self) -> impl Iterator<Item = &GatewayContainer<'a>> {
        self.gateway().into_iter().flat_map(Gateway::authenticating)
    }

    /// A problem at every image of version `version`. `message` gets what shows the version, such as `2.9.2`, and the
    /// name of the container.
    ///
    /// An ingress-only gateway does not authenticate, so its image is only warned about.
    pub fn image_problems(&self, version: &ImageVersion, message: impl Fn(&str, &str) -> String) -> Vec<Problem> {
        let with_version = self.container_images.iter().filter(|image| image.version.as_ref() == Some(version));
        with_version
            .map(|image| {
                let message = message(&self.images.described(image.name), image.container);
                let minimum = &self.expectations.minimum_version;
                let newer = (*version == ImageVersion::Older)
                    .then(|| ImageName::with_tag(image.name, &minimum.to_string()))
                    .flatten();
                let fix = newer.map(|name| Edit::set(image.at.clone(), name));
                image.problem(message).with_unsafe_fix(fix)
            })
            .collect()
    }

    /// A problem at every image that is not known to be the gateway's, of containers that something else shows to be.
    /// `message` gets the name of the container.
    pub fn unknown_image_problems(&self, message: impl Fn(&str) -> String) -> impl Iterator<Item = Problem> {
        let unknown = self.container_images.iter().filter(|image| image.version.is_none());
        unknown.map(move |image| image.problem(message(image.container)))
    }

    /// The images of the gateway that its containers run.
    fn find_images(&self) -> Vec<ContainerImage<'a>> {
        let Some(gateway) = self.gateway() else { return Vec::new() };
        gateway.containers.iter().flat_map(|container| self.images_of(container, gateway.workload)).collect()
    }

    /// The images of the gateway that a container runs, and an image that is not known to be the gateway's if no other
    /// container of the Pod has one that is.
    fn images_of(&self, gateway_container: &GatewayContainer<'a>, workload: &Workload) -> Vec<ContainerImage<'a>> {
        let container = &gateway_container.container;
        let is_ingress_only = gateway_container.is_ingress_only;
        let image =
            |at, name, version| ContainerImage { at, name, version, container: container.name, is_ingress_only };
        if gateway_container.images.is_empty() {
            let own = image(container.pointer_to(["image"]), container.image, None);
            return if gateway_container.is_beside_gateway { Vec::new() } else { vec![own] };
        }
        let images = gateway_container.images.iter().map(|&GatewayImage { name, volume }| {
            let in_volume =
                |index: usize| workload.pointer_to(["spec", "volumes", &index.to_string(), "image", "reference"]);
            let at = volume.map_or_else(|| container.pointer_to(["image"]), in_volume);
            image(at, name, Some(self.images.version(name, &self.expectations.minimum_version)))
        });
        images.collect()
    }

    /// The Namespace, if the object is one with labels or annotations of apim-keyless.
    pub fn namespace_object(&self) -> Option<&'a Namespace> {
        match &self.object {
            EvaluatedObject::Namespace(namespace) => Some(namespace),
            _ => None,
        }
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

    /// Whether the namespace has no main `ConfigMap` of a gateway but this one.
    pub fn is_only_main_config_map(&self, config_map: &ConfigMap) -> bool {
        let mut others = self
            .related
            .config_maps_with_endpoint()
            .chain(self.related.only_config_maps_of_gateways())
            .chain(self.expectations.config_maps.iter().map(String::as_str));
        self.related.coverage != Coverage::Partial && others.all(|name| name == config_map.name())
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

fn sign_of_config_map(config_map: &ConfigMap, expectations: &Expectations, related: &RelatedObjects) -> GatewaySign {
    let name = config_map.name();
    let is_of_gateway = is_named(&expectations.config_maps, name) || related.is_config_map_of_gateway(name);
    if is_of_gateway { GatewaySign::Certain } else { config_map.sign() }
}

fn is_named(names: &[String], name: &str) -> bool {
    names.iter().any(|one| one == name)
}
