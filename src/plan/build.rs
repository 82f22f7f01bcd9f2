//! Builds a plan from the objects of files or of a cluster.

use super::model::{EntraIdentity, IdentityKind, Instance, Plan, PlanProblem, PlannedGateway, RoleScope};
use super::variables::variables;
use apim_keyless_core::azure::{AUDIENCE, FederatedCredential, MAX_CREDENTIALS, is_public_issuer, issuer_problem};
use apim_keyless_core::gateway::well_known::{CLIENT_ID, DEFAULT_SERVICE_ACCOUNT, TENANT_ID};
use apim_keyless_core::gateway::{
    Authentication, Cloud, EndpointForm, Gateway, GatewaySummary, Images, KubernetesObject, Lookup, OddCharacter,
    Recognized, RelatedObjects, ServiceAccount, Setting, is_gateway_name, is_guid, is_nil_guid,
};
use apim_keyless_core::policy::{Level, printable};
use std::collections::{BTreeMap, BTreeSet};

/// What the arguments say of a plan.
#[derive(Clone, Debug)]
pub struct PlanOptions {
    /// The issuer of the cluster's tokens.
    pub issuer: Option<String>,
    /// Where the configuration reader's role is assigned.
    pub scope: RoleScope,
    /// What the gateways authenticate as.
    pub identity: IdentityKind,
    /// The id of the subscription of the API Management instance.
    pub subscription: Option<String>,
    /// The id of the Entra tenant.
    pub tenant: Option<String>,
    /// The resource group of the API Management instance.
    pub resource_group: Option<String>,
    /// The name of the API Management instance, where the endpoint does not contain it.
    pub api_management: Option<String>,
    /// The location of the gateways, as API Management shows it.
    pub location: Option<String>,
}

impl Plan {
    /// The plan for all gateways among these objects, which are evaluated together.
    pub fn of(objects: &[KubernetesObject<'static>], images: &Images, options: &PlanOptions) -> Self {
        let mut namespaces: BTreeMap<&str, Vec<&KubernetesObject<'static>>> = BTreeMap::new();
        for object in objects {
            namespaces.entry(&object.reference.namespace).or_default().push(object);
        }
        let related: BTreeMap<&str, RelatedObjects> =
            namespaces.into_iter().map(|(name, objects)| (name, RelatedObjects::of(objects, images))).collect();
        let mut builder = Builder::new(options);
        // what a controller made has the pod template of its owner
        for object in objects.iter().filter(|object| !object.has_controlling_owner()) {
            let Some(related) = related.get(object.reference.namespace.as_str()) else { continue };
            match Gateway::recognize(object, images, related) {
                Some(Recognized::Gateway(gateway)) => builder.add(object, &gateway, related, images),
                Some(Recognized::TooLarge(_)) => builder
                    .problem(Level::Error, format!("Make {} smaller: it is too large to be evaluated", title(object))),
                None => {}
            }
        }
        builder.finish()
    }
}

fn title(object: &KubernetesObject<'_>) -> String {
    printable(&object.reference.to_string()).into_owned()
}

struct Builder<'o> {
    options: &'o PlanOptions,
    plan: Plan,
    clouds: BTreeSet<&'static str>,
    tenants: BTreeSet<String>,
    /// The `ServiceAccount`s without a client id whose problem is reported.
    reported: BTreeSet<(String, String)>,
}

impl<'o> Builder<'o> {
    fn new(options: &'o PlanOptions) -> Self {
        let plan = Plan {
            cloud: Cloud::Public,
            scope: options.scope,
            identity: options.identity,
            variables: Vec::new(),
            gateways: Vec::new(),
            instances: Vec::new(),
            identities: Vec::new(),
            problems: Vec::new(),
            differences: None,
        };
        Self { options, plan, clouds: BTreeSet::new(), tenants: BTreeSet::new(), reported: BTreeSet::new() }
    }

    fn problem(&mut self, level: Level, message: String) {
        self.plan.problems.push(PlanProblem { level, message });
    }

    fn add(&mut self, object: &KubernetesObject<'_>, gateway: &Gateway<'_>, related: &RelatedObjects, images: &Images) {
        let title = title(object);
        if gateway.is_possible() {
            return self.problem(
                Level::Warning,
                format!(
                    "Add the gateway's ConfigMap to the input: {title} is only possibly a gateway, and is left out"
                ),
            );
        }
        let known = |setting| gateway.authenticating().find_map(|container| container.environment.known_text(setting));
        if gateway.authenticating().next().is_none() {
            return;
        }
        let summary = GatewaySummary::of(gateway, images);
        if let Some(message) = not_migrated(&title, &summary) {
            return self.problem(Level::Error, message);
        }
        let endpoint = known(Setting::Endpoint).filter(|text| EndpointForm::of(text) == EndpointForm::Usable);
        if let Some(cloud) = endpoint.and_then(Cloud::of_api_management) {
            self.plan.cloud = cloud;
            self.clouds.insert(cloud.configuration_host());
        }
        let instance = self.instance(endpoint.and_then(instance_name));
        let gateway_name = known(Setting::GatewayName).map(str::to_owned);
        let gateway_name = self.gateway_name(&title, gateway_name);
        if let (Some(name), Some(instance)) = (&gateway_name, self.plan.instances.get_mut(instance)) {
            instance.gateways.insert(name.clone());
        }
        let service_account = self.service_account(&title, &object.reference.namespace, summary.service_account);
        let account = service_account.as_deref().map(|name| related.service_account(name));
        let client_id = self.client_id(&object.reference.namespace, service_account.as_deref(), account);
        let identity = self.identity(client_id);
        if let Some(identity) = self.plan.identities.get_mut(identity) {
            let issuer = self.options.issuer.as_deref();
            let credential = service_account
                .as_deref()
                .map(|name| FederatedCredential::new(issuer, &object.reference.namespace, name));
            identity.credentials.extend(credential);
            identity.instances.insert(instance);
        }
        let authentication = summary.authentication;
        let object = object.reference.clone();
        self.plan.gateways.push(PlannedGateway {
            object,
            authentication,
            gateway_name,
            service_account,
            instance,
            identity,
        });
    }

    fn instance(&mut self, name: Option<String>) -> usize {
        let name = name.or_else(|| self.options.api_management.clone());
        let instances = &mut self.plan.instances;
        instances.iter().position(|instance| instance.name == name).unwrap_or_else(|| {
            instances.push(Instance { name, suffix: String::new(), gateways: BTreeSet::new() });
            instances.len() - 1
        })
    }

    fn identity(&mut self, client_id: Option<String>) -> usize {
        let identities = &mut self.plan.identities;
        identities.iter().position(|identity| identity.client_id == client_id).unwrap_or_else(|| {
            let (credentials, instances) = (BTreeSet::new(), BTreeSet::new());
            identities.push(EntraIdentity { client_id, suffix: String::new(), credentials, instances });
            identities.len() - 1
        })
    }

    fn gateway_name(&mut self, title: &str, name: Option<String>) -> Option<String> {
        match name {
            // Azure Resource Manager reads a slash and a percent sign as part of an address
            Some(name) if is_gateway_name(&name) && !name.is_empty() && !name.contains(['/', '\\', '%']) => Some(name),
            Some(_) => {
                let message = format!("Correct gateway.name of {title}: no gateway resource can have this name");
                self.problem(Level::Error, message);
                None
            }
            None => {
                let message = format!(
                    "Add the ConfigMap with gateway.name of {title} to the input: without it the plan does not contain \
                     its gateway resource"
                );
                self.problem(Level::Warning, message);
                None
            }
        }
    }

    fn service_account(&mut self, title: &str, namespace: &str, name: Option<String>) -> Option<String> {
        let name = name.filter(|name| !name.is_empty() && name != DEFAULT_SERVICE_ACCOUNT);
        match name {
            None => {
                let message = format!(
                    "Set serviceAccountName of {title} to a ServiceAccount of its own: a federated credential names it"
                );
                self.problem(Level::Error, message);
                None
            }
            Some(name) if is_dns_name(namespace, 63) && !namespace.contains('.') && is_dns_name(&name, 253) => {
                Some(name)
            }
            Some(_) => {
                let message = format!(
                    "Correct the namespace or serviceAccountName of {title}: the API server rejects such a name, or it \
                     is a placeholder"
                );
                self.problem(Level::Error, message);
                None
            }
        }
    }

    fn client_id(
        &mut self,
        namespace: &str,
        name: Option<&str>,
        account: Option<Lookup<&ServiceAccount>>,
    ) -> Option<String> {
        let name = name?;
        let is_first = self.reported.insert((namespace.to_owned(), name.to_owned()));
        let annotation = |key| match account {
            Some(Lookup::Found(account)) => account.metadata.annotations.get(key).cloned(),
            _ => None,
        };
        if let Some(tenant) = annotation(TENANT_ID).filter(|tenant| is_guid(tenant)) {
            self.tenants.insert(tenant.to_ascii_lowercase());
        }
        let client_id = annotation(CLIENT_ID).filter(|text| !text.is_empty());
        let title = printable(&format!("ServiceAccount {namespace}/{name}")).into_owned();
        match client_id {
            Some(client_id) if is_guid(&client_id) => return Some(client_id.to_ascii_lowercase()),
            _ if !is_first => {}
            Some(client_id) => {
                let why =
                    if is_nil_guid(&client_id) { "the GUID of zeros is a placeholder" } else { "it is not a GUID" };
                let odd = OddCharacter::reason(&client_id);
                let message = format!("Correct the annotation {CLIENT_ID} of {title}: {why}{odd}");
                self.problem(Level::Error, message);
            }
            None => {
                let what = match account {
                    Some(Lookup::Found(_)) => "it has no client id",
                    _ => "it is not in the input",
                };
                let message = format!(
                    "Add {title} with the annotation {CLIENT_ID} to the input, or write the client id of the new identity \
                     into it afterwards: {what}"
                );
                self.problem(Level::Warning, message);
            }
        }
        None
    }

    fn finish(mut self) -> Plan {
        self.name_suffixes();
        self.plan.variables = variables(&self.plan, self.options, self.tenants.first());
        self.check_whole_plan();
        self.plan
    }

    fn name_suffixes(&mut self) {
        if self.plan.instances.len() > 1 {
            for (index, instance) in self.plan.instances.iter_mut().enumerate() {
                instance.suffix = format!("_{}", index + 1);
            }
        }
        if self.plan.identities.len() > 1 {
            for (index, identity) in self.plan.identities.iter_mut().enumerate() {
                identity.suffix = format!("_{}", index + 1);
            }
        }
    }

    fn check_whole_plan(&mut self) {
        if self.clouds.len() > 1 {
            let clouds: Vec<&str> = self.clouds.iter().copied().collect();
            let message = format!(
                "Plan the gateways of each cloud by themselves: these endpoints belong to {}",
                clouds.join(" and ")
            );
            self.problem(Level::Error, message);
        }
        if self.tenants.len() > 1 {
            let message = format!(
                "Plan the gateways of each tenant by themselves: the annotations {TENANT_ID} name {} tenants",
                self.tenants.len()
            );
            self.problem(Level::Error, message);
        }
        if self.plan.cloud == Cloud::China {
            let message = format!(
                "Test one gateway first: whether Azure in China takes the audience {AUDIENCE} is not clear from \
                 Microsoft's documentation. If Entra answers AADSTS700212, compare the audiences"
            );
            self.problem(Level::Warning, message);
        }
        if let Some(problem) = self.options.issuer.as_deref().and_then(issuer_problem) {
            self.problem(Level::Error, format!("Correct the issuer of the cluster: {problem}"));
        } else if let Some(issuer) = self.options.issuer.as_deref().filter(|issuer| !is_public_issuer(issuer)) {
            let message = format!(
                "Give the cluster an issuer with a public https address: Entra cannot fetch the signing keys from {issuer}"
            );
            self.problem(Level::Error, message);
        }
        let too_many: Vec<String> =
            self.plan.identities.iter().filter_map(|identity| self.too_many(identity)).collect();
        for message in too_many {
            self.problem(Level::Error, message);
        }
    }

    fn too_many(&self, identity: &EntraIdentity) -> Option<String> {
        let count = identity.credentials.len();
        (count > MAX_CREDENTIALS).then(|| {
            format!(
                "Use a second {kind} for some of the gateways, or one ServiceAccount for the gateways of a namespace: the \
                 {title} needs {count} federated credentials, and can have {MAX_CREDENTIALS}",
                kind = self.plan.identity.described(),
                title = self.plan.identity_title(identity)
            )
        })
    }
}

/// The name of the instance in `NAME.configuration.azure-api.net`, or the same in another cloud; `None` for a custom host
/// name.
fn instance_name(endpoint: &str) -> Option<String> {
    let cloud = Cloud::of_api_management(endpoint)?;
    let lower = endpoint.trim().to_ascii_lowercase();
    let host = lower.strip_prefix("https://").unwrap_or(&lower);
    let host = host.split(['/', ':']).next()?.trim_end_matches('.');
    let name = host.strip_suffix(cloud.configuration_host().strip_prefix("NAME")?)?;
    (!name.is_empty() && !name.contains('.')).then(|| name.to_owned())
}

/// Whether a text is a DNS subdomain (RFC 1123) of at most `length` characters: the form of the names of namespaces and
/// `ServiceAccount`s.
fn is_dns_name(text: &str, length: usize) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    text.len() <= length && text.split('.').all(is_label)
}

/// What to do with a gateway that lacks what a migration writes.
fn not_migrated(title: &str, gateway: &GatewaySummary) -> Option<String> {
    let old = match gateway.authentication {
        Authentication::Key => "an auth key",
        Authentication::EntraApp => "an Entra app",
        _ => return None,
    };
    let has_own_account = gateway.service_account.as_deref().is_some_and(|name| name != DEFAULT_SERVICE_ACCOUNT);
    (!has_own_account).then(|| {
        format!(
            "Run `apim-keyless migrate` on the manifests of {title} first: it authenticates with {old}, and has no \
             ServiceAccount of its own"
        )
    })
}
