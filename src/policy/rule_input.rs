//! A subject that is the gateway's, and what a rule may look at when it judges it.

use super::{Context, Expectations, IdentityKeyAt, Problem};
use crate::gateway::{
    ConfigMap, Gateway, GatewayContainer, ImageName, ImageVersion, Images, KubernetesObject, ObjectView,
    RelatedObjects, Service, ServiceAccount, Setting, Workload, well_known,
};

/// What a rule is given. A subject that is none of the gateway's never becomes one.
pub struct RuleInput<'a> {
    /// What the namespace expects.
    pub expectations: &'a Expectations,
    /// What stands beside the subject.
    pub related: &'a RelatedObjects,
    /// Which images are the gateway's, and what is vouched for.
    pub images: &'a Images,
    pub(super) identity_keys: Vec<IdentityKeyAt<'a>>,
    /// What the image of each of the gateway's containers tells of its version.
    versions: Vec<ImageVersion>,
    evaluated_keys: EvaluatedObject<'a>,
}

enum EvaluatedObject<'a> {
    ConfigMap(&'a ConfigMap),
    Gateway(Gateway<'a>),
    Service(&'a Service),
    ServiceAccount(&'a ServiceAccount),
}

impl<'a> RuleInput<'a> {
    /// The case of a subject; `None` if it is none of the gateway's.
    pub(super) fn of(object: &'a KubernetesObject<'_>, context: &'a Context<'_>, images: &'a Images) -> Option<Self> {
        let (expectations, related) = (&context.expectations, context.related);
        let evaluated_keys = match &object.view {
            ObjectView::ConfigMap(config_map) => is_config_map_of_gateway(config_map, expectations, related)
                .then_some(EvaluatedObject::ConfigMap(config_map))?,
            ObjectView::Namespace(_) => return None,
            ObjectView::Service(service) => {
                let is_ours =
                    well_known::marks_gateway(&service.metadata.labels) || related.is_service_of_gateway(service);
                is_ours.then_some(EvaluatedObject::Service(service))?
            }
            ObjectView::ServiceAccount(account) => is_account_of_gateway(account, expectations, related)
                .then_some(EvaluatedObject::ServiceAccount(account))?,
            ObjectView::Workload(workload) => EvaluatedObject::Gateway(Gateway::recognize(workload, images, related)?),
        };
        let mut input =
            Self { expectations, related, images, identity_keys: Vec::new(), versions: Vec::new(), evaluated_keys };
        input.identity_keys = input.find_identity_keys();
        input.versions = input.containers().iter().map(|part| input.version(part)).collect();
        Some(input)
    }

    /// The `ConfigMap` of a gateway, if the subject is one.
    pub fn config_map(&self) -> Option<&'a ConfigMap> {
        match &self.evaluated_keys {
            EvaluatedObject::ConfigMap(config_map) => Some(config_map),
            _ => None,
        }
    }

    /// The gateway, if the subject is a workload, ingress-only ones included.
    pub fn gateway(&self) -> Option<&Gateway<'a>> {
        match &self.evaluated_keys {
            EvaluatedObject::Gateway(gateway) => Some(gateway),
            _ => None,
        }
    }

    /// The gateway, if the subject is a workload that signs in to the configuration API.
    pub fn authenticating_gateway(&self) -> Option<&Gateway<'a>> {
        self.gateway().filter(|gateway| gateway.authenticating().next().is_some())
    }

    /// The containers that sign in, if the subject is a workload.
    pub fn authenticating_containers(&self) -> impl Iterator<Item = &GatewayContainer<'a>> {
        self.gateway().into_iter().flat_map(Gateway::authenticating)
    }

    /// A finding at every image that tells `version`, with a problem made of what its name says of it.
    ///
    /// An image that is not known to be the gateway's has tags of its own, so nothing can be relied on. An ingress-only
    /// gateway signs in nowhere: its image is remarked on and no more.
    pub fn image_problems(&self, version: &ImageVersion, message: impl Fn(&str) -> String) -> Vec<Problem> {
        let told = self.containers().iter().zip(&self.versions).filter(|(_, told)| *told == version);
        told.map(|(part, _)| Problem {
            only_warned: part.is_ingress_only(),
            ..Problem::new(part.container.place(["image"]), message(&ImageName::version_text(part.container.image)))
        })
        .collect()
    }

    fn containers(&self) -> &[GatewayContainer<'a>] {
        self.gateway().map(|gateway| gateway.containers.as_slice()).unwrap_or_default()
    }

    fn version(&self, part: &GatewayContainer<'_>) -> ImageVersion {
        if part.has_known_image {
            self.images.version(part.container.image, &self.expectations.minimum_version)
        } else {
            ImageVersion::Unverifiable
        }
    }

    /// The Service of a gateway, if the subject is one.
    pub fn service(&self) -> Option<&'a Service> {
        match &self.evaluated_keys {
            EvaluatedObject::Service(service) => Some(service),
            _ => None,
        }
    }

    /// The `ServiceAccount` of a gateway, if the subject is one.
    pub fn service_account(&self) -> Option<&'a ServiceAccount> {
        match &self.evaluated_keys {
            EvaluatedObject::ServiceAccount(account) => Some(account),
            _ => None,
        }
    }

    /// The gateway, if the subject is a workload that signs in, with the `ServiceAccount` of its own that it runs
    /// under: `default`, which a Pod takes if it names none, is nobody's own unless it is expected.
    pub fn own_service_account(&self) -> Option<(&'a Workload, &'a str)> {
        let workload = self.authenticating_gateway()?.workload;
        let name = workload.service_account().unwrap_or(well_known::DEFAULT_SERVICE_ACCOUNT);
        let is_own = name != well_known::DEFAULT_SERVICE_ACCOUNT || is_named(&self.expectations.service_accounts, name);
        is_own.then_some((workload, name))
    }

    /// Is a `ConfigMap` the gateway's main one: expected, the only one of some gateway, or the one with the endpoint?
    pub fn is_main(&self, config_map: &ConfigMap) -> bool {
        let name = config_map.name();
        is_named(&self.expectations.config_maps, name)
            || self.related.is_only_config_map_of_gateway(name)
            || config_map.texts_of(Setting::Endpoint).next().is_some()
    }
}

fn is_account_of_gateway(account: &ServiceAccount, expectations: &Expectations, related: &RelatedObjects) -> bool {
    let name = account.name();
    let is_taken = name != well_known::DEFAULT_SERVICE_ACCOUNT
        && (related.is_account_of_gateway(name) || well_known::marks_gateway(&account.metadata.labels));
    is_taken || is_named(&expectations.service_accounts, name)
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
