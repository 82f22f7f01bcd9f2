//! Names of settings as .NET's configuration compares them, and generated spellings.
//!
//! Sources: .NET, "Configuration providers" (keys are compared without case; `:` is the separator, and the environment
//! variables provider also accepts `__`). The self-hosted gateway's settings reference writes `.` as the separator.

use apim_keyless_core::gateway::Setting;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// The settings, by the lowercase parts of their names.
const SETTINGS: [(&[&str], Setting); 11] = [
    (&["config", "service", "auth"], Setting::Auth),
    (&["config", "service", "auth", "key"], Setting::AuthKey),
    (&["config", "service", "auth", "azuread", "clientsecret"], Setting::ClientSecret),
    (&["config", "service", "auth", "azuread", "authority"], Setting::Authority),
    (&["config", "service", "auth", "azuread", "certificatepath"], Setting::OtherAuth),
    (&["config", "service", "auth", "azuread", "clientid"], Setting::OtherAuth),
    (&["config", "service", "auth", "azuread", "tenantid"], Setting::OtherAuth),
    (&["config", "service", "auth", "tokenaudience"], Setting::TokenAudience),
    (&["config", "service", "endpoint"], Setting::Endpoint),
    (&["gateway", "name"], Setting::GatewayName),
    (&["k8s", "ingress", "enabled"], Setting::IngressEnabled),
];
/// Separators, texts that are not separators, and texts of which only a part is one.
const SEPARATORS: [&str; 11] = [".", ".", ":", ":", "__", "__", "__", "_", "-", "___", ".:"];
const ENDS: [&str; 8] = ["", "", "", "", "s", "_", ".", "__x"];

/// Prefixes of environment variables that .NET's hosts remove.
const HOSTS: [&str; 2] = ["dotnet_", "aspnetcore_"];

/// The setting with this name.
pub(crate) fn setting(name: &str) -> Option<Setting> {
    let name = name.to_lowercase();
    let name = HOSTS.iter().find_map(|host| name.strip_prefix(host)).unwrap_or(&name);
    let parts = parts(name);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    SETTINGS.iter().find(|(of, _)| *of == parts.as_slice()).map(|(_, setting)| *setting)
}

/// The parts of a name. Read from left to right, each pair of underscores, each colon and each dot ends a part.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        if matches!(letter, '.' | ':') || (letter == '_' && letters.next_if_eq(&'_').is_some()) {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.extend(letter.to_lowercase());
        }
    }
    parts
}

/// The name of a setting in some spelling, or a name close to one.
pub(crate) fn spelling() -> impl Strategy<Value = String> {
    let parts = prop_oneof![
        5 => select(&SETTINGS[..]).prop_map(|(parts, _)| parts.to_vec()),
        1 => vec(select(&["config", "service", "auth", "gateway", "name", ""][..]), 1..5),
    ];
    let start = select(&["", "", "", "", "x", "_", ".", "DOTNET_", "aspnetcore_", "DOTNET__"][..]);
    (parts, vec(select(&SEPARATORS[..]), 5), any::<u64>(), start, select(&ENDS[..])).prop_map(
        |(parts, separators, capitals, start, end)| {
            let mut name = start.to_owned();
            for (index, part) in parts.iter().enumerate() {
                name.push_str(if index == 0 { "" } else { separators[index] });
                name.push_str(part);
            }
            name.push_str(end);
            let is_capital = |index: usize| capitals >> (index % 64) & 1 == 1;
            let letter = |(index, letter): (usize, char)| {
                if is_capital(index) { letter.to_ascii_uppercase() } else { letter }
            };
            name.chars().enumerate().map(letter).collect()
        },
    )
}
