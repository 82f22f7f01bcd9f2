//! A subject that is the gateway's, and what a rule may look at when it judges it.

use super::{Context, Expectations, Finding};
use crate::gateway::{
    AuthMethod, ConfigMap, Gateway, Image, ImageVersion, Images, Part, ServiceAccount, Setting, Subject, Surroundings,
    Value, View, well_known,
};
use jsonptr::PointerBuf;
use std::borrow::Cow;

/// What a rule is given. A subject that is none of the gateway's never becomes one.
pub struct Case<'a> {
    /// What the namespace expects.
    pub expectations: &'a Expectations,
    /// What stands beside the subject.
    pub surroundings: &'a Surroundings,
    /// Which images are the gateway's, and what is vouched for.
    pub images: &'a Images,
    judged: Judged<'a>,
}

/// A value that decides how the gateway signs in.
pub struct SignIn<'a> {
    /// Where it is set.
    pub at: PointerBuf,
    /// [`Setting::Auth`] or [`Setting::AuthKey`].
    pub setting: Setting,
    /// What it is.
    pub value: Cow<'a, Value>,
}

impl SignIn<'_> {
    /// How the text of it is read, as far as there is one to be seen.
    pub fn method(&self) -> Option<AuthMethod> {
        match self.value.as_ref() {
            Value::Text(text) => Some(AuthMethod::of(self.setting, text)),
            // of a text that is only known by its beginning, a key can be told and nothing else
            Value::Unseen(beginning) => {
                Some(AuthMethod::of(self.setting, beginning)).filter(|method| *method == AuthMethod::Key)
            }
            Value::Key(_) => None,
        }
    }
}

enum Judged<'a> {
    ConfigMap(&'a ConfigMap),
    Gateway(Gateway<'a>),
    ServiceAccount(&'a ServiceAccount),
}

impl<'a> Case<'a> {
    /// The case of a subject; `None` if it is none of the gateway's.
    pub(super) fn of(subject: &'a Subject<'_>, context: &'a Context<'_>, images: &'a Images) -> Option<Self> {
        let (expectations, surroundings) = (&context.expectations, context.surroundings);
        let judged = match &subject.view {
            View::ConfigMap(config_map) => is_config_map_of_gateway(config_map, expectations, surroundings)
                .then_some(Judged::ConfigMap(config_map))?,
            View::ServiceAccount(account) => {
                is_account_of_gateway(account, expectations, surroundings).then_some(Judged::ServiceAccount(account))?
            }
            View::Workload(workload) => Judged::Gateway(Gateway::recognise(workload, images, surroundings)?),
        };
        Some(Self { expectations, surroundings, images, judged })
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

    /// A finding at every image whose name tells `version`, with a problem made of what the name says of it.
    ///
    /// An ingress-only gateway signs in nowhere: its image is remarked on and no more.
    pub fn findings_on_images(&self, version: &ImageVersion, problem: impl Fn(&str) -> String) -> Vec<Finding> {
        let parts = self.gateway().map(|gateway| gateway.parts.as_slice()).unwrap_or_default();
        let told = parts.iter().filter(|part| {
            part.has_known_image
                && self.images.version(part.container.image, &self.expectations.minimum_version) == *version
        });
        told.map(|part| Finding {
            only_remarked: part.is_ingress_only(),
            ..Finding::new(part.container.place(["image"]), problem(&Image::version_text(part.container.image)))
        })
        .collect()
    }

    /// Every value that decides how the gateway signs in, overridden ones included, each where it is to be mended: what
    /// stands in a `ConfigMap` is there the `ConfigMap`'s.
    pub fn sign_ins(&self) -> Vec<SignIn<'_>> {
        let in_containers = self.parts_that_sign_in().flat_map(|part| part.environment.settings());
        let of_workload = in_containers
            .filter(|(setting, variable)| setting.is_auth() && !variable.is_said_at_config_map())
            .map(|(setting, variable)| SignIn {
                at: variable.at.clone(),
                setting,
                value: Cow::Borrowed(&variable.value),
            });
        let settings = self.config_map().into_iter().flat_map(ConfigMap::settings);
        let of_config_map = settings.filter(|(setting, ..)| setting.is_auth()).map(|(setting, key, text)| SignIn {
            at: PointerBuf::from_tokens(["data", key]),
            setting,
            value: Cow::Owned(Value::Text(text.to_owned())),
        });
        of_workload.chain(of_config_map).collect()
    }

    /// The `ServiceAccount` of a gateway, if the subject is one.
    pub fn service_account(&self) -> Option<&'a ServiceAccount> {
        match &self.judged {
            Judged::ServiceAccount(account) => Some(account),
            _ => None,
        }
    }

    /// Is a `ConfigMap` the gateway's main one: expected, the only one of some gateway, or the one with the endpoint?
    pub fn is_main(&self, config_map: &ConfigMap) -> bool {
        let name = config_map.name();
        is_named(&self.expectations.config_maps, name)
            || self.surroundings.is_only_config_map_of_gateway(name)
            || config_map.has_endpoint()
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
