//! The federated credentials that an Entra app or a user-assigned identity has, compared with those that it needs.

use super::{AUDIENCE, FederatedCredential};
use serde_json::Value;
use strum::IntoStaticStr;

/// A federated credential as `az identity federated-credential list` and `az ad app federated-credential list` print it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredCredential {
    /// Its name.
    pub name: String,
    /// Its issuer.
    pub issuer: String,
    /// Its subject.
    pub subject: String,
    /// Its audiences; Entra allows one.
    pub audiences: Vec<String>,
}

/// A field of a federated credential that Entra compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum CredentialField {
    /// The audience.
    Audience,
    /// The issuer.
    Issuer,
    /// The subject.
    Subject,
}

impl CredentialField {
    /// Its name, such as `issuer`.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A difference because of which Entra rejects the tokens of a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The name of the configured credential; `None` if there is none that can be meant.
    pub credential: Option<String>,
    /// The field that differs; the subject if there is no credential.
    pub field: CredentialField,
    /// What differs, in a few words.
    pub cause: String,
    /// What the cluster's tokens have.
    pub expected: String,
    /// What is configured; empty if there is no credential.
    pub configured: String,
    /// The code with which Entra answers, as far as is known.
    pub code: &'static str,
}

/// Reads the JSON of `az identity federated-credential list` or `az ad app federated-credential list`.
///
/// # Errors
/// What is wrong with the text of the file, as an instruction after its name and place. No value is quoted.
pub fn parse_credentials(json: &str, file: &str) -> Result<Vec<ConfiguredCredential>, String> {
    let command =
        "write the output of `az identity federated-credential list` or `az ad app federated-credential list`";
    let value: Value = serde_json::from_str(json.trim_start_matches('\u{feff}'))
        .map_err(|error| format!("{file}:{}:{}: the text is not JSON; {command}", error.line(), error.column()))?;
    let list = value.as_array().ok_or_else(|| format!("{file}: the JSON is not a list; {command}"))?;
    let credential = |(index, item): (usize, &Value)| {
        let text = |field: &str| {
            let text = item.get(field).and_then(Value::as_str).map(str::to_owned);
            text.ok_or_else(|| format!("{file}: [{index}].{field} is not a text; {command}"))
        };
        let audiences = item.get("audiences").and_then(Value::as_array);
        let audiences = audiences.and_then(|all| all.iter().map(|one| one.as_str().map(str::to_owned)).collect());
        Ok(ConfiguredCredential {
            name: text("name")?,
            issuer: text("issuer")?,
            subject: text("subject")?,
            audiences: audiences
                .ok_or_else(|| format!("{file}: [{index}].audiences is not a list of texts; {command}"))?,
        })
    };
    list.iter().enumerate().map(credential).collect()
}

/// Compares each character of the credentials that an identity needs with those that it has. Without a known issuer only
/// subject and audience are compared.
pub fn compare(needed: &[FederatedCredential], configured: &[ConfiguredCredential]) -> Vec<Difference> {
    needed.iter().flat_map(|credential| differences(credential, configured)).collect()
}

fn differences(needed: &FederatedCredential, configured: &[ConfiguredCredential]) -> Vec<Difference> {
    let issuer = |candidate: &ConfiguredCredential| match &needed.issuer {
        Some(issuer) => how_different(CredentialField::Issuer, issuer, &candidate.issuer),
        None => None,
    };
    let subject =
        |candidate: &ConfiguredCredential| how_different(CredentialField::Subject, &needed.subject, &candidate.subject);
    let distance = |candidate: &&ConfiguredCredential| {
        let weight = |difference: Option<Kind>| difference.map_or(0, |kind| if kind == Kind::Other { 10 } else { 1 });
        weight(subject(candidate)) * 2 + weight(issuer(candidate))
    };
    // another subject, or another issuer with the same subject, is the credential of another gateway or cluster
    let nearest = configured.iter().min_by_key(distance).filter(|candidate| distance(candidate) < 10);
    let Some(candidate) = nearest else { return vec![missing(needed, configured)] };
    let mut found = Vec::new();
    let mut add = |field: CredentialField, kind: Kind, expected: &str, configured: &str| {
        found.push(Difference {
            credential: Some(candidate.name.clone()),
            field,
            cause: kind.cause(field),
            expected: expected.to_owned(),
            configured: configured.to_owned(),
            code: kind.code(field),
        });
    };
    if let (Some(kind), Some(expected)) = (issuer(candidate), &needed.issuer) {
        add(CredentialField::Issuer, kind, expected, &candidate.issuer);
    }
    if let Some(kind) = subject(candidate) {
        add(CredentialField::Subject, kind, &needed.subject, &candidate.subject);
    }
    let audience = candidate.audiences.join(" ");
    if let Some(kind) = how_different(CredentialField::Audience, AUDIENCE, &audience) {
        add(CredentialField::Audience, kind, AUDIENCE, &audience);
    }
    found
}

/// The difference of a `ServiceAccount` for which there is no credential.
fn missing(needed: &FederatedCredential, configured: &[ConfiguredCredential]) -> Difference {
    let other = configured.iter().find(|credential| credential.subject == needed.subject);
    let (cause, code) = match other {
        _ if configured.is_empty() => ("the identity has no federated credential", "AADSTS70025"),
        Some(_) => {
            ("the only credential with this subject has another issuer, so it is of another cluster", "AADSTS700211")
        }
        None => ("no credential has this subject", "AADSTS700213"),
    };
    Difference {
        credential: None,
        field: if other.is_some() { CredentialField::Issuer } else { CredentialField::Subject },
        cause: cause.to_owned(),
        expected: match (&needed.issuer, other) {
            (Some(issuer), Some(_)) => issuer.clone(),
            _ => needed.subject.clone(),
        },
        configured: other.map(|credential| credential.issuer.clone()).unwrap_or_default(),
        code,
    }
}

/// How two texts differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Case,
    MissingSlash,
    ExtraSlash,
    Whitespace,
    /// More than one of the others.
    Several,
    Other,
}

fn how_different(field: CredentialField, expected: &str, configured: &str) -> Option<Kind> {
    let is_issuer = field == CredentialField::Issuer;
    let without_whitespace = |text: &str| text.chars().filter(|letter| !letter.is_whitespace()).collect::<String>();
    let bare = |text: &str| {
        let text = without_whitespace(text).to_lowercase();
        if is_issuer { text.trim_end_matches('/').to_owned() } else { text }
    };
    Some(match () {
        () if expected == configured => return None,
        () if without_whitespace(configured) == expected => Kind::Whitespace,
        () if is_issuer && configured.strip_suffix('/') == Some(expected) => Kind::ExtraSlash,
        () if is_issuer && expected.strip_suffix('/') == Some(configured) => Kind::MissingSlash,
        () if expected.to_lowercase() == configured.to_lowercase() => Kind::Case,
        () if bare(expected) == bare(configured) => Kind::Several,
        () => Kind::Other,
    })
}

impl Kind {
    fn cause(self, field: CredentialField) -> String {
        let field = field.name();
        match self {
            Self::Case => format!("the {field} differs in upper and lower case"),
            Self::MissingSlash => format!("the {field} lacks the final slash"),
            Self::ExtraSlash => format!("the {field} has a final slash too many"),
            Self::Whitespace => format!("the {field} contains whitespace"),
            Self::Several => format!("the {field} differs in case, whitespace or the final slash"),
            Self::Other => format!("the {field} is another one"),
        }
    }

    fn code(self, field: CredentialField) -> &'static str {
        match (field, self) {
            (CredentialField::Audience, _) => "AADSTS700212",
            (CredentialField::Issuer, _) => "AADSTS700211",
            (CredentialField::Subject, Self::Case) => "AADSTS7002138",
            (CredentialField::Subject, _) => "AADSTS700213",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://issuer.example/id/";
    const SUBJECT: &str = "system:serviceaccount:shop:orders";

    fn configured(issuer: &str, subject: &str, audience: &str) -> ConfiguredCredential {
        ConfiguredCredential {
            name: "orders".to_owned(),
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            audiences: vec![audience.to_owned()],
        }
    }

    fn needed() -> FederatedCredential {
        FederatedCredential::new(Some(ISSUER), "shop", "orders")
    }

    #[test]
    fn every_kind_of_difference_is_named() {
        for (issuer, subject, audience, cause, code) in [
            ("https://issuer.example/id", SUBJECT, AUDIENCE, "the issuer lacks the final slash", "AADSTS700211"),
            ("https://issuer.example/id//", SUBJECT, AUDIENCE, "the issuer has a final slash too many", "AADSTS700211"),
            (
                "https://Issuer.example/id/",
                SUBJECT,
                AUDIENCE,
                "the issuer differs in upper and lower case",
                "AADSTS700211",
            ),
            ("https://issuer.example/id/ ", SUBJECT, AUDIENCE, "the issuer contains whitespace", "AADSTS700211"),
            (
                " https://Issuer.example/id",
                SUBJECT,
                AUDIENCE,
                "differs in case, whitespace or the final slash",
                "AADSTS700211",
            ),
            (ISSUER, "system:serviceaccount:Shop:orders", AUDIENCE, "the subject differs in upper", "AADSTS7002138"),
            (
                ISSUER,
                "system:serviceaccount:shop:orders\n",
                AUDIENCE,
                "the subject contains whitespace",
                "AADSTS700213",
            ),
            (ISSUER, SUBJECT, "api://azureadtokenexchange", "the audience differs in upper and lower", "AADSTS700212"),
            (ISSUER, SUBJECT, "orders", "the audience is another one", "AADSTS700212"),
            (ISSUER, "system:serviceaccount:other:orders", AUDIENCE, "no credential has this subject", "AADSTS700213"),
            ("https://other.example/", SUBJECT, AUDIENCE, "has another issuer", "AADSTS700211"),
        ] {
            let found = compare(&[needed()], &[configured(issuer, subject, audience)]);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].cause.contains(cause) && found[0].code == code, "{found:?}");
        }
        assert_eq!(compare(&[needed()], &[configured(ISSUER, SUBJECT, AUDIENCE)]), []);
        assert_eq!(compare(&[needed()], &[])[0].code, "AADSTS70025");
    }

    #[test]
    fn a_credential_of_another_cluster_hides_no_correct_one() {
        let all = [configured("https://other.example/", SUBJECT, AUDIENCE), configured(ISSUER, SUBJECT, AUDIENCE)];
        assert_eq!(compare(&[needed()], &all), []);
        let without_issuer = FederatedCredential::new(None, "shop", "orders");
        assert_eq!(compare(&[without_issuer], &all), []);
    }

    #[test]
    fn two_audiences_are_a_difference() {
        let mut credential = configured(ISSUER, SUBJECT, AUDIENCE);
        credential.audiences.push("other".to_owned());
        assert_eq!(compare(&[needed()], &[credential])[0].field, CredentialField::Audience);
    }

    #[test]
    fn lists_of_both_commands_are_read_and_mistakes_are_named_without_values() {
        let list = format!(
            r#"[{{"audiences":["{AUDIENCE}"],"id":"/subscriptions/x","issuer":"{ISSUER}","name":"orders","subject":"{SUBJECT}","type":"t"}}]"#
        );
        assert_eq!(parse_credentials(&list, "list.json"), Ok(vec![configured(ISSUER, SUBJECT, AUDIENCE)]));
        assert_eq!(parse_credentials("[]", "list.json"), Ok(Vec::new()));
        for (text, message) in [
            ("canary", "list.json:1:1: the text is not JSON"),
            (r#"{"a":"canary"}"#, "list.json: the JSON is not a list"),
            (r#"[{"name":"canary","issuer":1}]"#, "list.json: [0].issuer is not a text"),
            (
                r#"[{"name":"a","issuer":"b","subject":"c","audiences":"canary"}]"#,
                "list.json: [0].audiences is not a list of texts",
            ),
        ] {
            let error = parse_credentials(text, "list.json").unwrap_err();
            assert!(error.starts_with(message) && !error.contains("canary"), "{error}");
        }
    }
}
