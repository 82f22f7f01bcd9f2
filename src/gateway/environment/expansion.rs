//! `$(NAME)` in the value of an environment variable, as the kubelet expands it
//! (Kubernetes API, `EnvVar.value`; `$$` is an escaped `$`, a reference to nothing stays as it stands).

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text that stays.
    Text(&'a str),
    /// The name in `$(NAME)`, and the whole reference as written.
    Reference { name: &'a str, written: &'a str },
}

/// The pieces of `text`, in order.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    // behind the last `)` no reference ends, and none is looked for there again and again
    let behind_the_last = text.rsplit_once(')').map_or(text, |(_, behind)| behind).len();
    while let Some((before, after)) = rest.split_once('$') {
        pieces.push(Piece::Text(before));
        let may_end = after.len() > behind_the_last;
        let (piece, behind) = piece_behind_dollar(rest, after, may_end);
        pieces.push(piece);
        rest = behind;
    }
    pieces.push(Piece::Text(rest));
    pieces.retain(|piece| *piece != Piece::Text(""));
    pieces
}

/// The piece that begins at a `$`; `after` is what stands behind the `$` at the end of `rest`'s first part, and `may_end`
/// whether a `)` does.
fn piece_behind_dollar<'a>(rest: &'a str, after: &'a str, may_end: bool) -> (Piece<'a>, &'a str) {
    let from_dollar = rest.get(rest.len() - after.len() - 1..).unwrap_or_default();
    if let Some(behind) = after.strip_prefix('$') {
        return (Piece::Text("$"), behind);
    }
    let inside = after.strip_prefix('(').filter(|_| may_end);
    if let Some((name, behind)) = inside.and_then(|inside| inside.split_once(')')) {
        let written = from_dollar.get(..from_dollar.len() - behind.len()).unwrap_or_default();
        return (Piece::Reference { name, written }, behind);
    }
    (Piece::Text("$"), after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_and_escapes_undone() {
        let show = |text| {
            let show = |piece: &Piece<'_>| match piece {
                Piece::Text(text) => (*text).to_owned(),
                Piece::Reference { name, written } => format!("<{name}|{written}>"),
            };
            pieces(text).iter().map(show).collect::<Vec<_>>().concat()
        };
        for (text, shown) in [
            ("GatewayKey $(TOKEN)", "GatewayKey <TOKEN|$(TOKEN)>"),
            ("$$(TOKEN)", "$(TOKEN)"),
            ("$$$(A)$(B)", "$<A|$(A)><B|$(B)>"),
            ("$(A", "$(A"),
            ("$", "$"),
            ("a$b", "a$b"),
            ("$()", "<|$()>"),
            ("", ""),
            ("$(A)$(", "<A|$(A)>$("),
            ("$(A)$(B", "<A|$(A)>$(B"),
            ("$(config.service.auth)", "<config.service.auth|$(config.service.auth)>"),
        ] {
            assert_eq!(show(text), shown, "{text}");
        }
    }
}
