//! Splits the value of an environment variable at its `$(NAME)` references, as the kubelet expands them (Kubernetes
//! API, `EnvVar.value`: `$$` is an escaped `$`; a reference to a variable that does not exist stays unchanged).

/// A piece of a value.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Piece<'a> {
    /// Literal text.
    Text(&'a str),
    /// A reference `$(NAME)`: its name, and the whole reference as written.
    Reference { name: &'a str, written: &'a str },
}

/// The pieces of `text`, in order.
pub(in crate::gateway) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    // no reference ends after the last `)`: without this limit, each further `$(` would search to the end again
    let bytes_after_last = text.rsplit_once(')').map_or(text, |(_, after)| after).len();
    while let Some((before, after)) = rest.split_once('$') {
        pieces.push(Piece::Text(before));
        let may_end = after.len() > bytes_after_last;
        let (piece, remainder) = piece_at_dollar(rest, after, may_end);
        pieces.push(piece);
        rest = remainder;
    }
    pieces.push(Piece::Text(rest));
    pieces.retain(|piece| *piece != Piece::Text(""));
    pieces
}

/// The piece that begins at the first `$` of `rest`, and the text after the piece. `after` is the text after that `$`;
/// `may_end` is true if a `)` follows in it.
fn piece_at_dollar<'a>(rest: &'a str, after: &'a str, may_end: bool) -> (Piece<'a>, &'a str) {
    let from_dollar = rest.get(rest.len() - after.len() - 1..).unwrap_or_default();
    if let Some(remainder) = after.strip_prefix('$') {
        return (Piece::Text("$"), remainder);
    }
    let inside = after.strip_prefix('(').filter(|_| may_end);
    if let Some((name, remainder)) = inside.and_then(|inside| inside.split_once(')')) {
        let written = from_dollar.get(..from_dollar.len() - remainder.len()).unwrap_or_default();
        return (Piece::Reference { name, written }, remainder);
    }
    (Piece::Text("$"), after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_references_and_unescapes_dollars() {
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
