//! The name of a gateway resource, which the setting `gateway.name` holds.

use super::OddCharacter;

/// Maximum length of a gateway resource's name, in characters (Azure Resource Manager,
/// `Microsoft.ApiManagement/service/gateways`).
pub const GATEWAY_NAME_CHARACTERS: usize = 80;

/// Quotes that become a part of the name by mistake.
const QUOTES: [char; 6] = ['"', '\'', '\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}'];

/// Is this text possible as the name of a gateway resource?
///
/// The excluded characters are those that Azure Resource Manager does not allow in names, those of template
/// placeholders, and `=`: Microsoft's article writes `helm --set gateway.name==...`, with one `=` too many.
pub fn is_gateway_name(text: &str) -> bool {
    let is_allowed = |character: char| {
        !character.is_control() && !OddCharacter::is_invisible(character) && !"*#&+:<>?=${}".contains(character)
    };
    let has_quotes = || text.starts_with(QUOTES) || text.ends_with(QUOTES);
    text.trim().len() == text.len()
        && !has_quotes()
        && text.chars().all(is_allowed)
        && text.chars().count() <= GATEWAY_NAME_CHARACTERS
}
