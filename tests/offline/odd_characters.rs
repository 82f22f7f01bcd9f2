//! Messages that name what nobody sees, and advice that fits the value.

use test_support::run::Folder;

/// The report of a gateway with these elements of `env` and this image tag.
fn report(env: &str, tag: &str) -> String {
    let text = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: orders}}\nspec:\n  containers:\n  - name: orders\n    \
         image: \"mcr.microsoft.com/azure-api-management/gateway:{tag}\"\n    env: [{env}]\n"
    );
    Folder::with(&[("pod.yaml", &text)]).check("pod.yaml").stdout
}

#[test]
fn an_odd_character_is_named_by_code_point_and_place() {
    let auth = |value: &str| report(&format!("{{name: config.service.auth, value: \"{value}\"}}"), "2.11.1");
    for (report, named) in [
        (auth("work\u{200b}loadIdentity"), "it has U+200B (invisible character) at character 5"),
        (auth("w\u{43e}rkloadIdentity"), "needs neither a key nor a secret; it has U+043E (not ASCII) at character 2"),
        (report("", "2.11.1\u{feff}"), "an image whose name has U+FEFF (invisible character) at character 54"),
        (report("", "<TAG>"), "an image whose name has a placeholder"),
    ] {
        assert!(report.contains(named), "{named}\n{report}");
    }
}

#[test]
fn the_advice_for_an_endpoint_is_an_address_of_its_cloud() {
    for (value, host) in [
        ("contoso.azure-api.us", "to NAME.configuration.azure-api.us"),
        ("contoso.management.azure-api.cn", "to NAME.configuration.azure-api.cn"),
        ("contoso .configuration.azure-api.net", "to NAME.configuration.azure-api.net"),
    ] {
        let report = report(&format!("{{name: config.service.endpoint, value: \"{value}\"}}"), "2.11.1");
        assert!(report.contains(host), "{report}");
    }
}
