//! Decodes the bytes of a file: UTF-8, and UTF-16 as PowerShell's `>` writes it.

const BYTE_ORDER_MARK: char = '\u{feff}';

/// The text of a file; the error is cause and fix.
pub(super) fn decode(bytes: Vec<u8>) -> Result<String, String> {
    match bytes.as_slice() {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Err("UTF-32; save it as UTF-8".to_owned()),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        // without a byte order mark: YAML and JSON begin with an ASCII character
        [first, 0, ..] if *first != 0 => utf16(&bytes, u16::from_le_bytes),
        [0, first, ..] if *first != 0 => utf16(&bytes, u16::from_be_bytes),
        _ => String::from_utf8(bytes).map_err(|_| "not UTF-8; save it as UTF-8".to_owned()),
    }
}

/// The bytes of a file whose text was `before` with the text `after`, in the same encoding and with the same byte order
/// mark, whether `before` has that or not; `None` if its text is another one.
pub(super) fn reencode(bytes: &[u8], before: &str, after: &str) -> Option<Vec<u8>> {
    let text = decode(bytes.to_vec()).ok()?;
    let has_lost_mark = text != before;
    if has_lost_mark && text.strip_prefix(BYTE_ORDER_MARK) != Some(before) {
        return None;
    }
    let is_marked = has_lost_mark || bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let mark = if is_marked { "\u{feff}" } else { "" };
    let units = mark.encode_utf16().chain(after.encode_utf16());
    Some(match bytes {
        [0xff, 0xfe, ..] => units.flat_map(u16::to_le_bytes).collect(),
        [0xfe, 0xff, ..] => units.flat_map(u16::to_be_bytes).collect(),
        [first, 0, ..] if *first != 0 => units.flat_map(u16::to_le_bytes).collect(),
        [0, first, ..] if *first != 0 => units.flat_map(u16::to_be_bytes).collect(),
        _ => [mark, after].concat().into_bytes(),
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let decoded: Result<String, _> = char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect();
    decoded.ok().filter(|_| rest.is_empty()).ok_or_else(|| "not valid UTF-16; save it as UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_16_is_converted() {
        let units = |text: &str| text.encode_utf16().collect::<Vec<_>>();
        for text in ["\u{feff}kind: é😀\r\n", "kind: Pod"] {
            let little: Vec<u8> = units(text).into_iter().flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = units(text).into_iter().flat_map(u16::to_be_bytes).collect();
            for bytes in [little, big] {
                let decoded = decode(bytes).unwrap();
                assert_eq!(decoded.trim_start_matches('\u{feff}'), text.trim_start_matches('\u{feff}'));
            }
        }
    }

    #[test]
    fn a_changed_text_keeps_its_encoding() {
        let units = |text: &str| text.encode_utf16().collect::<Vec<_>>();
        for mark in ["", "\u{feff}"] {
            let encoded = |text: &str| {
                let text = format!("{mark}{text}");
                [
                    text.clone().into_bytes(),
                    units(&text).into_iter().flat_map(u16::to_le_bytes).collect(),
                    units(&text).into_iter().flat_map(u16::to_be_bytes).collect(),
                ]
            };
            for (old, new) in encoded("a: é").into_iter().zip(encoded("a: 😀")) {
                assert_eq!(reencode(&old, "a: é", "a: 😀"), Some(new));
                assert_eq!(reencode(&old, "a: e", "a: 😀"), None);
            }
        }
    }

    #[test]
    fn a_text_with_its_mark_keeps_it_once() {
        assert_eq!(reencode("\u{feff}a".as_bytes(), "\u{feff}a", "\u{feff}b"), Some("\u{feff}b".as_bytes().to_vec()));
    }

    #[test]
    fn other_encodings_are_an_error() {
        for bytes in [&b"a: \xe9"[..], b"\xff\xfe\0\0a\0\0\0", b"\xff\xfea\0b", b"\xff\xfe\0\xdc", b"\x7fELF\xff"] {
            assert!(decode(bytes.to_vec()).unwrap_err().ends_with("save it as UTF-8"), "{bytes:?}");
        }
        assert_eq!(decode(Vec::new()).unwrap(), "");
    }
}
