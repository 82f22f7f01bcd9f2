//! A gateway that authenticates as an Entra app needs no workload identity, if the policy allows that.

use crate::findings::findings;
use apim_keyless_core::policy::Policy;

const APP: (&str, &str) = ("config.service.auth", "azureAdApp");

/// The findings about a Pod without an identity, with these auth settings and this mode of `entra-app-auth-method`.
fn of(auth: &[(&str, &str)], mode: &str) -> String {
    let policy = Policy::parse(&format!(
        "apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\nmetadata: {{name: tests}}\nspec: {{rules: \
         {{entra-app-auth-method: {mode}}}}}\n"
    ));
    let auth = auth.iter().map(|(name, value)| format!("    - {{name: {name}, value: {value}}}\n"));
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: orders}}\nspec:\n  containers:\n  - name: orders\n    image: \
         mcr.microsoft.com/azure-api-management/gateway:2.11.1\n    env:\n    - {{name: config.service.endpoint, value: \
         contoso.configuration.azure-api.net}}\n    - {{name: gateway.name, value: orders}}\n{}",
        auth.collect::<String>()
    );
    findings(&policy.unwrap(), "pod.yaml", &pod)
}

#[test]
fn the_identity_rules_are_enforced_no_more_strictly_than_the_rule_about_the_app() {
    let enforced = of(&[APP], "enforce");
    for expected in ["Error entra-app-auth-method", "Fixable missing-identity-label", "Error missing-service-account"] {
        assert!(enforced.contains(expected), "{enforced}");
    }
    let audited = of(&[APP], "audit");
    for expected in ["entra-app-auth-method", "missing-identity-label", "missing-service-account"] {
        assert!(audited.contains(&format!("Warning {expected}")), "{audited}");
    }
    assert!(!of(&[APP], "off").contains("Error"));
    // the mode decides about the identity only
    let with_key = of(&[APP, ("config.service.auth.key", "GatewayKey a")], "audit");
    assert!(with_key.contains("Error auth-key-literal"), "{with_key}");
    let keyless = of(&[(APP.0, "workloadIdentity")], "audit");
    assert!(keyless.contains("Fixable missing-identity-label"), "{keyless}");
}
