//! A plan as a POSIX shell script of `az` commands. It creates only what is missing, and deletes nothing.

use super::model::{EntraIdentity, IdentityKind, Instance, Plan, RoleScope, az_cloud};
use super::steps::{API_VERSION, instances_of, steps};
use super::variable::{UsedBy, Variable};
use apim_keyless_core::azure::{AUDIENCE, CONFIGURATION_READER, ConfigurationRole, MAX_CREDENTIALS, RBAC_VALIDATOR};
use apim_keyless_core::policy::shell_quoted;
use serde_json::json;

/// The functions of every script.
const FUNCTIONS: &str = r#"say() { printf '%s\n' "$1" >&2; }
stop() {
  say "error: $1"
  exit 1
}

# exists COMMAND...: whether an `az ... show` finds something. az exits with 3 if it finds nothing.
exists() {
  status=0
  message=$("$@" --output none 2>&1) || status=$?
  case $status in
    0) return 0 ;;
    3) return 1 ;;
    *) stop "$message" ;;
  esac
}

# gateway INSTANCE-ID NAME NAME-IN-URL
gateway() {
  if ! exists az resource show --ids "$1/gateways/$2" --api-version API_VERSION; then
    say "create the gateway resource $2"
    az rest --method put --url "$1/gateways/$3?api-version=API_VERSION" \
      --body "{\"properties\":{\"locationData\":{\"name\":\"$LOCATION\"}}}" --output none
  fi
}

# role NAME DEFINITION: sets role_id. The name of a custom role is unique in the tenant: if another subscription has it,
# add this subscription to the AssignableScopes of the role instead.
role() {
  role_id=$(az role definition list --subscription "$SUBSCRIPTION" --scope "/subscriptions/$SUBSCRIPTION" \
    --custom-role-only true --name "$1" --query "[0].id" --output tsv)
  if [ -z "$role_id" ]; then
    say "create the custom role $1"
    role_id=$(az role definition create --subscription "$SUBSCRIPTION" --role-definition "$2" --query id --output tsv)
  fi
}

# assign ROLE-ID PRINCIPAL-ID SCOPE
assign() {
  assigned=$(az role assignment list --subscription "$SUBSCRIPTION" --assignee "$2" --role "$1" --scope "$3" \
    --include-inherited --query "[0].id" --output tsv)
  if [ -z "$assigned" ]; then
    say "assign role $1 to $2 on $3"
    az role assignment create --subscription "$SUBSCRIPTION" --role "$1" --scope "$3" \
      --assignee-object-id "$2" --assignee-principal-type ServicePrincipal --output none
  fi
}

# credential NAME SUBJECT: Entra compares each character of issuer, subject and audience. The credentials of one identity
# are created one after another: Azure answers concurrent writes with 409.
credential() {
  matching="[?issuer=='$OIDC_ISSUER' && subject=='$2'].audiences[0] | [0]"
  audience=$(list_credentials "$matching")
  case $audience in
    "$AUDIENCE") return 0 ;;
    '') ;;
    *) stop "set the audience of the federated credential for $2 to $AUDIENCE: it is $audience" ;;
  esac
  named=$(list_credentials "[?name=='$1'].subject | [0]")
  if [ -n "$named" ]; then
    stop "the federated credential $1 has another issuer or subject, and would be replaced: correct or delete it"
  fi
  count=$(list_credentials 'length(@)')
  if [ "$count" -ge MAX_CREDENTIALS ]; then
    stop "use a second identity: this one has $count federated credentials, and can have MAX_CREDENTIALS"
  fi
  say "create the federated credential $1"
  create_credential "$1" "$2"
}
"#;

/// The functions for the credentials of Entra apps.
const APP_FUNCTIONS: &str = r#"
list_credentials() { az ad app federated-credential list --id "$client_id" --query "$1" --output tsv; }
create_credential() {
  az ad app federated-credential create --id "$client_id" --output none --parameters \
    "{\"name\":\"$1\",\"issuer\":\"$OIDC_ISSUER\",\"subject\":\"$2\",\"audiences\":[\"$AUDIENCE\"]}"
}
"#;

/// The functions for the credentials of user-assigned identities.
const IDENTITY_FUNCTIONS: &str = r#"
list_credentials() {
  az identity federated-credential list --subscription "$SUBSCRIPTION" --resource-group "$identity_resource_group" \
    --identity-name "$identity_name" --query "$1" --output tsv
}
create_credential() {
  az identity federated-credential create --subscription "$SUBSCRIPTION" --resource-group "$identity_resource_group" \
    --identity-name "$identity_name" --name "$1" --issuer "$OIDC_ISSUER" --subject "$2" --audiences "$AUDIENCE" \
    --output none
}
"#;

/// The step about the cluster.
const CLUSTER: &str = r#"if [ -n "$AKS_CLUSTER" ]; then
  aks() {
    az aks "$1" --subscription "${AKS_SUBSCRIPTION:-$SUBSCRIPTION}" --resource-group "$AKS_RESOURCE_GROUP" \
      --name "$AKS_CLUSTER" "$2" "$3" --output tsv
  }
  has_issuer=$(aks show --query oidcIssuerProfile.enabled)
  has_identity=$(aks show --query securityProfile.workloadIdentity.enabled)
  case $has_issuer-$has_identity in
    [Tt]rue-[Tt]rue) ;;
    *)
      say "enable the OIDC issuer and workload identity of the cluster"
      aks update --enable-oidc-issuer --enable-workload-identity >/dev/null
      ;;
  esac
  issuer=$(aks show --query oidcIssuerProfile.issuerUrl)
  OIDC_ISSUER=${OIDC_ISSUER:-$issuer}
  [ "$issuer" = "$OIDC_ISSUER" ] || stop "set OIDC_ISSUER to $issuer: it is $OIDC_ISSUER, and the cluster is another one"
fi
case $OIDC_ISSUER in
  https://*) ;;
  *) stop "set OIDC_ISSUER to the https:// URL of the cluster's issuer, or set AKS_CLUSTER and AKS_RESOURCE_GROUP" ;;
esac
case $OIDC_ISSUER in
  *[!A-Za-z0-9._~:/?\#@!,\;=%+-]*) stop "remove whitespace and special characters from OIDC_ISSUER" ;;
esac
"#;

/// Renders a plan.
pub fn render(plan: &Plan) -> String {
    let titles: Vec<&str> = steps(plan).iter().map(|step| step.title).collect();
    let bodies: [String; 9] = [
        plan.instances.iter().map(tier).collect(),
        CLUSTER.to_owned(),
        plan.instances.iter().map(gateways).collect(),
        plan.instances.iter().map(instance_identity).collect(),
        role("validator_role", RBAC_VALIDATOR) + &role("reader_role", CONFIGURATION_READER),
        plan.instances.iter().map(|instance| validator(plan, instance)).collect(),
        plan.identities.iter().map(|one| identity(plan, one)).collect(),
        plan.identities.iter().map(|one| credentials(plan, one)).collect(),
        plan.identities.iter().map(|one| reader(plan, one)).collect(),
    ];
    let mut script = header(plan) + &variables(plan) + "\n" + &functions(plan) + "\n" + &context(plan);
    for (index, (title, body)) in titles.iter().zip(bodies).enumerate() {
        script += &format!("\n# {}. {title}\n{body}", index + 1);
    }
    script + "\nsay 'done: deploy the gateways with config.service.auth: workloadIdentity'\n"
}

fn header(plan: &Plan) -> String {
    let mut header = "#!/bin/sh\n# What Azure needs so that these gateways authenticate with workload identity. Read it \
                      before you run it.\n# It creates only what is missing, so it can be run again. It deletes nothing.\n#\n"
        .to_owned();
    for gateway in &plan.gateways {
        header += &format!("# {}\n", gateway.title());
    }
    header + "set -eu\n\n# Values: set those written as ${...} in the environment.\n"
}

fn variables(plan: &Plan) -> String {
    let line = |variable: &Variable| {
        let name = variable.shell_name();
        match &variable.value {
            Some(value) => format!("{name}={}\n", shell_quoted(value)),
            // the script reads the issuer of an AKS cluster itself
            None if variable.is_optional || variable.name == "oidc_issuer" => {
                format!("# {name}: {}\n{name}=${{{name}:-}}\n", variable.description)
            }
            None => format!(": \"${{{name}:?set it to {}}}\"\n", variable.description),
        }
    };
    let used = plan.variables.iter().filter(|variable| variable.used_by != UsedBy::Templates);
    let mut text: String = used.map(line).collect();
    text += &format!("AUDIENCE={}\n", shell_quoted(AUDIENCE));
    for instance in &plan.instances {
        let suffix = instance.suffix.to_ascii_uppercase();
        text += &format!(
            "INSTANCE_ID{suffix}=/subscriptions/$SUBSCRIPTION/resourceGroups/$RESOURCE_GROUP{suffix}/providers/\
             Microsoft.ApiManagement/service/$API_MANAGEMENT{suffix}\n"
        );
    }
    text
}

fn functions(plan: &Plan) -> String {
    let of_kind = match plan.identity {
        IdentityKind::App => APP_FUNCTIONS,
        IdentityKind::UserAssigned => IDENTITY_FUNCTIONS,
    };
    let mut functions =
        FUNCTIONS.replace("API_VERSION", API_VERSION).replace("MAX_CREDENTIALS", &MAX_CREDENTIALS.to_string());
    if plan.variable("location").is_none()
        && let (Some(start), Some(end)) = (functions.find("# gateway INSTANCE-ID"), functions.find("# role NAME"))
    {
        functions.replace_range(start..end, "");
    }
    functions + of_kind
}

/// Checks cloud and tenant, and the values that are written into JSON and queries.
fn context(plan: &Plan) -> String {
    let cloud = az_cloud(plan.cloud);
    let mut text = format!(
        "cloud=$(az cloud show --query name --output tsv)\n[ \"$cloud\" = {cloud} ] || stop \"run: az cloud set --name \
         {cloud}; az login\"\ntenant=$(az account show --subscription \"$SUBSCRIPTION\" --query tenantId --output tsv)\n[ \
         \"$tenant\" = \"$TENANT\" ] || stop \"the subscription is in the tenant $tenant, not in TENANT: correct one of \
         them, or run: az login --tenant\"\n"
    );
    let in_json = plan.variables.iter().filter(|variable| {
        let is_asked = variable.value.is_none() && variable.used_by != UsedBy::Templates;
        is_asked && (variable.name == "location" || has_quoted_name(&variable.name))
    });
    for variable in in_json {
        let name = variable.shell_name();
        text +=
            &format!("case ${name} in *[\\\"\\'\\\\]*) stop \"remove quotes and backslashes from {name}\" ;; esac\n");
    }
    text
}

/// Whether a query quotes this variable.
fn has_quoted_name(name: &str) -> bool {
    name.starts_with("app_name") || name.starts_with("identity_name")
}

/// `az apim` for an instance, with a verb and more arguments.
fn apim(instance: &Instance, verb: &str, arguments: &str) -> String {
    let suffix = instance.suffix.to_ascii_uppercase();
    format!(
        "az apim {verb} --subscription \"$SUBSCRIPTION\" --resource-group \"$RESOURCE_GROUP{suffix}\" \\\n  --name \
         \"$API_MANAGEMENT{suffix}\" {arguments}"
    )
}

fn tier(instance: &Instance) -> String {
    let suffix = instance.suffix.to_ascii_uppercase();
    format!(
        "tier=$({})\ncase $tier in\n  Developer | Premium) ;;\n  *) stop \"use an instance of the tier Developer or \
         Premium: $API_MANAGEMENT{suffix} has the tier $tier\" ;;\nesac\n",
        apim(instance, "show", "--query sku.name --output tsv")
    )
}

fn gateways(instance: &Instance) -> String {
    let suffix = instance.suffix.to_ascii_uppercase();
    let gateway = |name: &String| {
        format!("gateway \"$INSTANCE_ID{suffix}\" {} {}\n", shell_quoted(name), shell_quoted(&percent_encoded(name)))
    };
    instance.gateways.iter().map(gateway).collect()
}

/// A name as a part of a URL (RFC 3986).
pub fn percent_encoded(name: &str) -> String {
    let encoded = |byte: u8| {
        let is_unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if is_unreserved { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    name.bytes().map(encoded).collect()
}

fn instance_identity(instance: &Instance) -> String {
    let suffix = instance.suffix.to_ascii_uppercase();
    format!(
        "type=$({show})\ncase $type in\n  *SystemAssigned*) ;;\n  '' | None)\n    say \"enable the system-assigned identity \
         of $API_MANAGEMENT{suffix}\"\n    {update}\n    ;;\n  *) stop \"enable the system-assigned identity of \
         $API_MANAGEMENT{suffix} by hand, beside its identity of the type $type\" ;;\nesac\nprincipal{lower}=$({id})\n",
        show = apim(instance, "show", "--query identity.type --output tsv"),
        update = apim(instance, "update", "--enable-managed-identity true --output none").replace("\n  ", "\n      "),
        id = apim(instance, "show", "--query identity.principalId --output tsv"),
        lower = instance.suffix,
    )
}

fn role(variable: &str, role: ConfigurationRole) -> String {
    let definition = json!({
        "Name": role.name,
        "IsCustom": true,
        "Description": role.description,
        "Actions": role.actions,
        "NotActions": [],
        "DataActions": role.data_actions,
        "NotDataActions": [],
        "AssignableScopes": ["/subscriptions/SUBSCRIPTION"],
    });
    // the id of the subscription is between two quoted parts
    let definition = shell_quoted(&definition.to_string()).replace("SUBSCRIPTION", "'\"$SUBSCRIPTION\"'");
    format!("role {} \\\n  {definition}\n{variable}=$role_id\n", shell_quoted(role.name))
}

/// The address of a scope, in double quotes.
fn scope(scope: RoleScope, instance: &Instance) -> String {
    let suffix = instance.suffix.to_ascii_uppercase();
    match scope {
        RoleScope::Instance => format!("\"$INSTANCE_ID{suffix}\""),
        RoleScope::Group => format!("\"/subscriptions/$SUBSCRIPTION/resourceGroups/$RESOURCE_GROUP{suffix}\""),
        RoleScope::Subscription => "\"/subscriptions/$SUBSCRIPTION\"".to_owned(),
    }
}

fn validator(plan: &Plan, instance: &Instance) -> String {
    let scope = scope(plan.scope.of_validator(), instance);
    format!("assign \"$validator_role\" \"$principal{}\" {scope}\n", instance.suffix)
}

fn identity(plan: &Plan, identity: &EntraIdentity) -> String {
    let (lower, upper) = (&identity.suffix, identity.suffix.to_ascii_uppercase());
    let annotation =
        format!("say \"write into the ServiceAccounts: azure.workload.identity/client-id: $client_id{lower}\"\n");
    match (plan.identity, &identity.client_id) {
        (IdentityKind::App, Some(client_id)) => format!(
            "client_id{lower}={client_id}\napp=$(az ad app list --filter \"appId eq '$client_id{lower}'\" --query \
             \"[0].appId\" --output tsv)\n[ -n \"$app\" ] || stop \"the tenant has no app with the client id \
             $client_id{lower}: correct the annotation of the ServiceAccounts\"\n{}",
            service_principal(lower)
        ),
        (IdentityKind::App, None) => format!(
            "client_id{lower}=$(az ad app list --filter \"displayName eq '$APP_NAME{upper}'\" --query \"[0].appId\" \
             --output tsv)\nif [ -z \"$client_id{lower}\" ]; then\n  say \"create the Entra app $APP_NAME{upper}\"\n  \
             client_id{lower}=$(az ad app create --display-name \"$APP_NAME{upper}\" --query appId --output \
             tsv)\nfi\n{annotation}{}",
            service_principal(lower)
        ),
        (IdentityKind::UserAssigned, Some(client_id)) => format!(
            "client_id{lower}={client_id}\nidentity_id{lower}=$(az identity list --subscription \"$SUBSCRIPTION\" \
             --query \"[?clientId=='$client_id{lower}'].id | [0]\" --output tsv)\n[ -n \"$identity_id{lower}\" ] || stop \
             \"the subscription has no user-assigned identity with the client id $client_id{lower}: correct the \
             annotation of the ServiceAccounts\"\n"
        ),
        (IdentityKind::UserAssigned, None) => format!(
            "identity_id{lower}=$(az identity list --subscription \"$SUBSCRIPTION\" --resource-group \
             \"$IDENTITY_RESOURCE_GROUP{upper}\" \\\n  --query \"[?name=='$IDENTITY_NAME{upper}'].id | [0]\" --output \
             tsv)\nif [ -z \"$identity_id{lower}\" ]; then\n  say \"create the user-assigned identity \
             $IDENTITY_NAME{upper}\"\n  identity_id{lower}=$(az identity create --subscription \"$SUBSCRIPTION\" \
             --resource-group \"$IDENTITY_RESOURCE_GROUP{upper}\" \\\n    --name \"$IDENTITY_NAME{upper}\" --query id \
             --output tsv)\nfi\nclient_id{lower}=$(az identity show --ids \"$identity_id{lower}\" --query clientId \
             --output tsv)\n{annotation}"
        ),
    }
}

fn service_principal(suffix: &str) -> String {
    format!(
        "reader{suffix}=$(az ad sp list --filter \"appId eq '$client_id{suffix}'\" --query \"[0].id\" --output tsv)\nif [ -z \
         \"$reader{suffix}\" ]; then\n  say \"create the service principal of $client_id{suffix}\"\n  reader{suffix}=$(az ad \
         sp create --id \"$client_id{suffix}\" --query id --output tsv)\nfi\n"
    )
}

fn credentials(plan: &Plan, identity: &EntraIdentity) -> String {
    let suffix = &identity.suffix;
    let select = match plan.identity {
        IdentityKind::App if suffix.is_empty() => String::new(),
        IdentityKind::App => format!("client_id=$client_id{suffix}\n"),
        IdentityKind::UserAssigned => format!(
            "identity_name=$(az identity show --ids \"$identity_id{suffix}\" --query name --output \
             tsv)\nidentity_resource_group=$(az identity show --ids \"$identity_id{suffix}\" --query resourceGroup \
             --output tsv)\n"
        ),
    };
    let credential = |credential: &apim_keyless_core::azure::FederatedCredential| {
        format!("credential {} {}\n", shell_quoted(&credential.name), shell_quoted(&credential.subject))
    };
    select + &identity.credentials.iter().map(credential).collect::<String>()
}

fn reader(plan: &Plan, identity: &EntraIdentity) -> String {
    let suffix = &identity.suffix;
    let find = match plan.identity {
        IdentityKind::App => String::new(),
        IdentityKind::UserAssigned => format!(
            "reader{suffix}=$(az identity show --ids \"$identity_id{suffix}\" --query principalId --output tsv)\n"
        ),
    };
    let assign = |instance| format!("assign \"$reader_role\" \"$reader{suffix}\" {}\n", scope(plan.scope, instance));
    find + &instances_of(plan, identity).map(assign).collect::<String>()
}
