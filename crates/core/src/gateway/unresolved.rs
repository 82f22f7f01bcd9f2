//! Recognizes text that stands for another value: references of secret stores, and placeholders of templates.

/// Beginnings of references that another webhook or a tool replaces by a value of a secret store: Bank-Vaults
/// (`vault:`, `bao:`, and those of its other stores), vals (`ref+vault://`), argocd-vault-plugin (`<path:`), 1Password,
/// berglas, SOPS (`ENC[`), Ansible, Azure App Service and Container Apps (`secretref:`, `keyvaultref:`).
const STORE_PREFIXES: [&str; 21] = [
    "vault:",
    ">>vault:",
    "bao:",
    ">>bao:",
    "azure:keyvault:",
    "gcp:secretmanager:",
    "arn:aws:secretsmanager:",
    "arn:aws:ssm:",
    "ref+",
    "secretref+",
    "secretref:",
    "keyvaultref:",
    "<path:",
    "op://",
    "berglas://",
    "sm://",
    "enc[",
    "@microsoft.keyvault(",
    "conjur:",
    "!vault",
    "$ansible_vault;",
];

/// The mark of akv2k8s (`NAME@azurekeyvault`, `NAME@azurekeyvault?FIELD`).
const AKV2K8S: &str = "@azurekeyvault";

/// Pairs of marks around the name of a placeholder: GitHub Actions; Flux, Kustomize, envsubst and Terraform; Helm and
/// Jinja; Azure Pipelines; gomplate; Concourse; documentation. The longer one of two that begin alike is first.
const PLACEHOLDERS: [(&str, &str); 8] =
    [("${{", "}}"), ("${", "}"), ("{{", "}}"), ("#{", "}"), ("$(", ")"), ("[[", "]]"), ("((", "))"), ("<", ">")];

/// Marks that are the same before and after the name of a placeholder, as extensions of Azure Pipelines, Maven and
/// scripts have them.
const MARKS: [&str; 5] = ["%%", "__", "@@", "%", "@"];

/// Most placeholders and separators of a text that is nothing else. A key's template has fewer than ten.
const PLACEHOLDER_STEPS: usize = 64;

/// The marks of `check` for placeholders that a tool replaces before an object reaches a cluster.
const RENDERED: [(&str, &str); 3] = [("${{", "}}"), ("#{", "}"), ("{{", "}}")];

/// Returns true if the whole text is a reference to a value of a secret store.
pub(super) fn is_store_reference(text: &str) -> bool {
    let text = text.trim();
    let begins_with = |prefix: &&str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let ends_in_key_vault = || {
        let (_, field) = text.rsplit_once(AKV2K8S)?;
        Some(field.is_empty() || field.starts_with('?'))
    };
    // a host of such a name has a port
    let is_host_with_port = || {
        let port = text.split_once(':').map(|(_, rest)| rest.split('/').next().unwrap_or_default());
        port.is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
    };
    (STORE_PREFIXES.iter().any(begins_with) && !is_host_with_port()) || ends_in_key_vault() == Some(true)
}

/// Returns true if the text is an address with a scheme, such as `akv://contoso/orders`. No auth key is one.
pub(super) fn is_address(text: &str) -> bool {
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character))
    };
    text.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme))
}

/// Returns true if the text contains a placeholder that a template engine replaces.
pub(super) fn has_placeholder(text: &str) -> bool {
    // one pass excludes most texts; each mark would be another one
    let is_of_mark = |byte: u8| b"$#{[(<%_@".contains(&byte);
    text.bytes().any(is_of_mark)
        && (PLACEHOLDERS.iter().any(|pair| is_between(text, pair))
            || MARKS.iter().any(|mark| has_marked_name(text, mark)))
}

fn is_between(text: &str, (opening, closing): &(&str, &str)) -> bool {
    text.split_once(opening).is_some_and(|(_, rest)| rest.contains(closing))
}

/// Returns true if the text contains a name between two of these marks.
fn has_marked_name(text: &str, mark: &str) -> bool {
    let mut parts = text.split(mark).skip(1).peekable();
    std::iter::from_fn(|| parts.next().filter(|_| parts.peek().is_some())).any(is_name)
}

/// Returns true if the whole text is placeholders and characters that separate the parts of an auth key: the text itself
/// then holds no key.
pub(super) fn is_placeholder(text: &str) -> bool {
    let (mut rest, mut is_found) = (text, false);
    for _ in 0..=PLACEHOLDER_STEPS {
        if let Some(after) = after_placeholder(rest) {
            (rest, is_found) = (after, true);
        } else if let Some(after) = rest.strip_prefix(is_separator) {
            rest = after;
        } else {
            return is_found && rest.is_empty();
        }
    }
    false
}

/// The text after the placeholder with which `text` begins. What is between the marks has no part of a key.
fn after_placeholder(text: &str) -> Option<&str> {
    let between = |opening: &str, closing: &str| text.strip_prefix(opening)?.split_once(closing);
    let paired = PLACEHOLDERS.iter().find_map(|(opening, closing)| between(opening, closing));
    let named = || MARKS.iter().find_map(|mark| between(mark, mark).filter(|(name, _)| is_name(name)));
    let variable = || {
        let rest = text.strip_prefix('$')?;
        let end = rest.find(|character: char| !is_of_name(character)).unwrap_or(rest.len());
        rest.split_at_checked(end).filter(|(name, _)| is_name(name))
    };
    let (inside, after) = paired.or_else(named).or_else(variable)?;
    (!inside.contains('&')).then_some(after)
}

/// Returns true for the name of a placeholder.
fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|c| is_of_name(c) || ".-".contains(c))
}

fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// Returns true for a character that separates the parts of an auth key.
fn is_separator(character: char) -> bool {
    character.is_whitespace() || matches!(character, '&' | '#' | '"' | '\'' | '=' | ':' | '-' | '_')
}

/// Returns true if the text has a placeholder that a tool replaces before the object reaches a cluster: a variable of a
/// shell's form (`${NAME}`, `${NAME:=default}`), `{{ NAME }}`, `#{NAME}#` or `%%NAME%%`. A person replaces `<NAME>`.
pub(super) fn is_unrendered(text: &str) -> bool {
    let is_variable = |rest: &str| {
        let end = rest.find(|character: char| !is_of_name(character));
        end.is_some_and(|end| {
            end > 0 && rest.get(end..).is_some_and(|rest| rest.starts_with(['}', ':', '/', '-', '=', '.']))
        })
    };
    text.split("${").skip(1).any(is_variable)
        || RENDERED.iter().any(|pair| is_between(text, pair))
        || has_marked_name(text, "%%")
}

/// Returns true if the text has a placeholder of a tool, or `$(NAME)`, which Kubernetes replaces only in a container's
/// environment, command and arguments.
pub(super) fn is_unrendered_outside_env(text: &str) -> bool {
    is_unrendered(text) || is_between(text, &("$(", ")"))
}

/// Returns true if the value of the text is not known: it is a reference of a secret store or has a placeholder.
pub(super) fn is_unresolved(text: &str) -> bool {
    is_store_reference(text) || has_placeholder(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_secret_stores_are_recognized() {
        for text in [
            "vault:secret/data/gateways/orders#token",
            ">>vault:secret/data/gateways/orders#token",
            "orders-token@azurekeyvault",
            "orders-token@azurekeyvault?value",
            "ref+azurekeyvault://contoso/orders-token",
            "<path:kv/data/gateways#orders>",
            "ENC[AES256_GCM,data:eA==,iv:eA==,tag:eA==,type:str]",
            "op://gateways/orders/token",
            "secretref:orders-token",
            "$ANSIBLE_VAULT;1.1;AES256",
        ] {
            assert!(is_store_reference(text), "{text}");
        }
        for text in ["workloadIdentity", "GatewayKey orders&202601010000&vault:", "", "@azurekeyvaults", "vault:8200/x"]
        {
            assert!(!is_store_reference(text), "{text}");
        }
    }

    #[test]
    fn an_address_has_a_scheme() {
        assert!(is_address("akv://contoso/orders") && is_address("https://contoso.vault.azure.net/secrets/orders"));
        assert!(!is_address("orders&202601010000&c2ln://x") && !is_address("://x") && !is_address("akv:orders"));
    }

    #[test]
    fn placeholders_of_tools_are_recognized() {
        for text in ["${A}", "gateway:${TAG:=2.11.1}", "${A_1}.configuration.azure-api.net", "${var.a}"] {
            assert!(is_unrendered(text), "{text}");
        }
        for text in ["{{ .A }}", "gateway:#{tag}#", "%%A%%", "${{ env.A }}"] {
            assert!(is_unrendered(text), "{text}");
        }
        for text in ["", "$A", "$(A)", "${}", "${", "${a b}", "<a>", "%%", "50%%", "a%20%b%"] {
            assert!(!is_unrendered(text), "{text}");
        }
        assert!(is_unrendered_outside_env("gateway:$(TAG)") && !is_unrendered_outside_env("gateway:$TAG"));
    }

    #[test]
    fn placeholders_are_recognized() {
        let tools = ["${TOKEN}", "${TOKEN:=none}", "{{ .Values.token }}", "#{Token}#", "${A}&${B}", "${{ secrets.A }}"];
        let marks = ["%%TOKEN%%", "%TOKEN%", "__gateway.token__", "@TOKEN@", "@@TOKEN@@", "[[ .token ]]", "((token))"];
        for text in tools.into_iter().chain(marks).chain(["<token>", "<path:kv/data/orders#token>"]) {
            assert!(is_placeholder(text) && has_placeholder(text), "{text}");
        }
        assert!(is_placeholder("$TOKEN") && is_placeholder("$A:${B}"));
        for text in ["orders&202601010000&c2lnbmF0dXJl${X}", "c2ln${X}bmF0dXJl", "<orders&202601010000&c2ln>"] {
            assert!(!is_placeholder(text) && has_placeholder(text), "{text}");
        }
        for text in ["", "key", "a > b < c", "}${", "%20a%", "a@example.com", "____", "a__b"] {
            assert!(!is_placeholder(text) && !has_placeholder(text), "{text}");
        }
    }

    #[test]
    fn many_marks_take_linear_time() {
        for part in ["${a}", "__", "_#", "@a@", "$a", "<", "${{", "#{"] {
            assert!(!is_placeholder(&format!("{}\u{1}", part.repeat(100_000))), "{part}");
        }
    }
}
