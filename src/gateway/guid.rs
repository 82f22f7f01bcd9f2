//! The form of a client or tenant id of Entra.

/// Is a text a GUID, such as `00000000-0000-0000-0000-000000000000`?
pub fn is_guid(text: &str) -> bool {
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(group.len());
    text.split('-').map(digits).eq([8, 4, 4, 4, 12].map(Some))
}
