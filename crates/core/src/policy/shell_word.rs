//! Values in shell commands that a person copies.

use super::printable;

/// A text as one word of a shell command on one line, with control characters escaped. It is quoted if the shell could
/// read it in another way.
pub fn shell_word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    // zsh expands a word that begins with =
    let is_word = !text.is_empty() && text.bytes().all(is_plain) && !text.starts_with('=');
    if is_word { text.to_owned() } else { shell_quoted(&printable(text)) }
}

/// A text in single quotes, in which the shell reads nothing.
pub fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_word_is_one_word() {
        for (text, word) in [
            ("contoso", "contoso"),
            ("a.b=c", "a.b=c"),
            ("=c", "'=c'"),
            ("", "''"),
            ("a b", "'a b'"),
            ("$(id)", "'$(id)'"),
            ("a';id;'", r"'a'\'';id;'\'''"),
            ("a\nb", r"'a\nb'"),
            ("~", "'~'"),
        ] {
            assert_eq!(shell_word(text), word, "{text}");
        }
    }
}
