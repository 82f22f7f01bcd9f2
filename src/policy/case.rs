//! A subject that is the gateway's, and what a rule may look at when it judges it.

use super::{Context, Expectations, Finding, PlacedKey};
use crate::gateway::{
    ConfigMap, Gateway, ImageName, ImageVersion, Images, Part, Service, ServiceAccount, Setting, Subject, Surroundings,
    View, Workload, well_known,
};

/// What a rule is given. A subject that is none of the gateway's never becomes one.
pub struct Case<'a> {
    /// What the namespace expects.
    pub expectations: &'a Expectations,
    /// What stands beside the subject.
    pub surroundings: &'a Surroundings,
    /// Which images are the gateway's, and what is vouched for.
    pub images: &'a Images,
    pub(super) identity_keys: Vec<PlacedKey<'a>>,
    /// What the image of each of the gateway's containers tells of its version.
    versions: Vec<ImageVersion>,
    judged: Judged<'a>,
}

enum Judged<'a> {
    ConfigMap(&'a ConfigMap),
    Gateway(Gateway<'a>),
    Service(&'a Service),
    ServiceAccount(&'a ServiceAccount),
}

impl<'a> Case<'a> {
    /// The case of a subject; `None` if it is none of the gateway's.
    pub(super) fn of(subject: &'a Subject<'_>, context: &'a Context<'_>, images: &'a Images) -> Option<Self> {
        let (expectations, surroundings) = (&context.expectations, context.surroundings);
        let judged = match &subject.view {
            View::ConfigMap(config_map) => is_config_map_of_gateway(config_map, expectations, surroundings)
                .then_some(Judged::ConfigMap(config_map))?,
            View::Namespace(_) => return None,
            View::Service(service) => {
                let is_ours =
                    well_known::marks_gateway(&service.metadata.labels) || surroundings.is_service_of_gateway(service);
                is_ours.then_some(Judged::Service(service))?
            }
            View::ServiceAccount(account) => {
                is_account_of_gateway(account, expectations, surroundings).then_some(Judged::ServiceAccount(account))?
            }
            View::Workload(workload) => Judged::Gateway(Gateway::recognise(workload, images, surroundings)?),
        };
        let mut case =
            Self { expectations, surroundings, images, identity_keys: Vec::new(), versions: Vec::new(), judged };
        case.identity_keys = case.find_identity_keys();
        case.versions = case.parts().iter().map(|part| case.version(part)).collect();
        Some(case)
    }

    /// The `ConfigMap` of a gateway, if the subject is one.
    pub fn config_map(&self) -> Option<&'a ConfigMap> {
        match &self.judged {
            Judged::ConfigMap(config_map) => Some(config_map),
            _ => None,
        }
    }

    /// The gateway, if the subject is a workload, ingress-only ones included.
    pub fn gateway(&self) -> Option<&Gateway<'a>> {
        match &self.judged {
            Judged::Gateway(gateway) => Some(gateway),
            _ => None,
        }
    }

    /// The gateway, if the subject is a workload that signs in to the configuration API.
    pub fn gateway_that_signs_in(&self) -> Option<&Gateway<'a>> {
        self.gateway().filter(|gateway| gateway.signing_in().next().is_some())
    }

    /// The containers that sign in, if the subject is a workload.
    pub fn parts_that_sign_in(&self) -> impl Iterator<Item = &Part<'a>> {
        self.gateway().into_iter().flat_map(Gateway::signing_in)
    }

    /// A finding at every image that tells `version`, with a problem made of what its name says of it.
    ///
    /// An image that is not known to be the gateway's has tags of its own, so nothing can be relied on. An ingress-only
    /// gateway signs in nowhere: its image is remarked on and no more.
    pub fn findings_on_images(&self, version: &ImageVersion, problem: impl Fn(&str) -> String) -> Vec<Finding> {
        let told = self.parts().iter().zip(&self.versions).filter(|(_, told)| *told == version);
        told.map(|(part, _)| Finding {
            only_remarked: part.is_ingress_only(),
            ..Finding::new(part.container.place(["image"]), problem(&ImageName::version_text(part.container.image)))
        })
        .collect()
    }

    fn parts(&self) -> &[Part<'a>] {
        self.gateway().map(|gateway| gateway.parts.as_slice()).unwrap_or_default()
    }

    fn version(&self, part: &Part<'_>) -> ImageVersion {
        if part.has_known_image {
            self.images.version(part.container.image, &self.expectations.minimum_version)
        } else {
            ImageVersion::Unverifiable
        }
    }

    /// The Service of a gateway, if the subject is one.
    pub fn service(&self) -> Option<&'a Service> {
        match &self.judged {
            Judged::Service(service) => Some(service),
            _ => None,
        }
    }

    /// The `ServiceAccount` of a gateway, if the subject is one.
    pub fn service_account(&self) -> Option<&'a ServiceAccount> {
        match &self.judged {
            Judged::ServiceAccount(account) => Some(account),
            _ => None,
        }
    }

    /// The gateway, if the subject is a workload that signs in, with the `ServiceAccount` of its own that it runs
    /// under: `default`, which a Pod takes if it names none, is nobody's own unless it is expected.
    pub fn own_service_account(&self) -> Option<(&'a Workload, &'a str)> {
        let workload = self.gateway_that_signs_in()?.workload;
        let name = workload.service_account().unwrap_or(well_known::DEFAULT_SERVICE_ACCOUNT);
        let is_own = name != well_known::DEFAULT_SERVICE_ACCOUNT || is_named(&self.expectations.service_accounts, name);
        is_own.then_some((workload, name))
    }

    /// Is a `ConfigMap` the gateway's main one: expected, the only one of some gateway, or the one with the endpoint?
    pub fn is_main(&self, config_map: &ConfigMap) -> bool {
        let name = config_map.name();
        is_named(&self.expectations.config_maps, name)
            || self.surroundings.is_only_config_map_of_gateway(name)
            || config_map.texts_of(Setting::Endpoint).next().is_some()
    }
}

fn is_account_of_gateway(account: &ServiceAccount, expectations: &Expectations, surroundings: &Surroundings) -> bool {
    let name = account.name();
    let is_taken = name != well_known::DEFAULT_SERVICE_ACCOUNT
        && (surroundings.is_account_of_gateway(name) || well_known::marks_gateway(&account.metadata.labels));
    is_taken || is_named(&expectations.service_accounts, name)
}

fn is_config_map_of_gateway(config_map: &ConfigMap, expectations: &Expectations, surroundings: &Surroundings) -> bool {
    let name = config_map.name();
    is_named(&expectations.config_maps, name)
        || surroundings.is_config_map_of_gateway(name)
        || config_map.has_config_service()
}

fn is_named(names: &[String], name: &str) -> bool {
    names.iter().any(|one| one == name)
}
