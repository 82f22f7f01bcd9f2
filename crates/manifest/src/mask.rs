//! Masks the secrets in a line of a file.
//!
//! It shows keys, the scalars that bear no secret, and the punctuation between them. At anything else (a tag, an alias, a
//! line of another document) the line ends with `***`.

use super::outline::Token;
use super::position::Position;
use super::source::Line;

const MASK: &str = "***";

/// The line, with `***` for every scalar that can bear a secret. `tokens` must be in file order.
pub(super) fn mask(line: Line<'_>, tokens: &[Token]) -> String {
    mask_until(line, tokens, line.start + line.text.len()).trim_end().to_owned()
}

/// The position in the masked line of a position in the line: masking changes the columns after it.
pub(super) fn masked_position(line: Line<'_>, tokens: &[Token], position: Position) -> Position {
    let column = |column: usize| {
        let until = line.text.char_indices().nth(column.saturating_sub(1)).map_or(line.text.len(), |(at, _)| at);
        mask_until(line, tokens, line.start + until).chars().count() + 1
    };
    let (start, end) = (column(position.column), column(position.column + position.length));
    Position { column: start, length: end.saturating_sub(start).max(1), ..position }
}

fn mask_until(line: Line<'_>, tokens: &[Token], end: usize) -> String {
    let first = tokens.partition_point(|token| token.range.end <= line.start);
    let tokens = tokens.iter().skip(first).take_while(|token| token.range.start < end);
    let mut mask = Mask { line, at: line.start, masked: String::new() };
    for token in tokens {
        if !mask.punctuation(token.range.start) {
            return mask.masked;
        }
        mask.token(token);
    }
    mask.punctuation(end);
    mask.masked
}

struct Mask<'a> {
    line: Line<'a>,
    at: usize,
    masked: String,
}

impl Mask<'_> {
    /// Writes the text between tokens; returns whether the rest of the line can be shown.
    fn punctuation(&mut self, until: usize) -> bool {
        let gap = self.text(self.at, until).to_owned();
        let rest = gap.trim_start_matches([' ', '\t', '-', '?', ':', ',', '[', ']', '{', '}']);
        self.masked.push_str(gap.strip_suffix(rest).unwrap_or_default());
        if is_block_header(rest) {
            self.masked.push_str(rest);
        } else if !rest.is_empty() && !rest.starts_with('#') {
            self.masked.push_str(MASK);
        }
        rest.is_empty()
    }

    fn token(&mut self, token: &Token) {
        let text = self.text(token.range.start.max(self.line.start), token.range.end).to_owned();
        if token.shown {
            self.masked.push_str(&text);
        } else {
            // a scalar of several lines includes the indentation of each line
            let indentation = text.len() - text.trim_start().len();
            self.masked.push_str(text.get(..indentation).unwrap_or_default());
            self.masked.push_str(if indentation == text.len() { "" } else { MASK });
        }
        self.at = token.range.end;
    }

    fn text(&self, from: usize, until: usize) -> &str {
        let until = until.saturating_sub(self.line.start).min(self.line.text.len());
        self.line.text.get(from.saturating_sub(self.line.start)..until).unwrap_or_default()
    }
}

fn is_block_header(text: &str) -> bool {
    text.strip_prefix(['|', '>'])
        .is_some_and(|rest| rest.trim_end().chars().all(|character| matches!(character, '0'..='9' | '+' | '-')))
}

#[cfg(test)]
mod tests {
    use crate::Manifests;
    use proptest::prelude::*;

    fn masked(text: &str) -> String {
        let mut manifests = Manifests::default();
        manifests.parse("a.yaml", text);
        let object = manifests.objects.first().expect("the text has an object");
        (1..=text.lines().count()).map(|line| object.masked_line(line) + "\n").collect()
    }

    #[test]
    fn values_are_masked_and_keys_are_shown() {
        let text = "apiVersion: v1 # the first\nkind: Pod\nspec:\n  replicas: 3\n  env:\n    - name: KEY\n      value: \"s e\" # secret\n  args: [--key, s]\n  command:\n    - sh\n";
        let expected = "apiVersion: v1\nkind: Pod\nspec:\n  replicas: 3\n  env:\n    - name: KEY\n      value: ***\n  args: [***, ***]\n  command:\n    - ***\n";
        assert_eq!(masked(text), expected);
    }

    #[test]
    fn scalars_of_several_lines_are_masked_on_each_line() {
        let text = "apiVersion: v1\nkind: |-\n  Secret\n\n  line\nspec: one\n  two\nother: 'three\n\n  four'\n";
        let expected = "apiVersion: v1\nkind: |-\n  ***\n\n  ***\nspec: ***\n  ***\nother: ***\n\n  ***\n";
        assert_eq!(masked(text), expected);
    }

    #[test]
    fn data_is_masked_whatever_its_keys() {
        let text = "apiVersion: v1\nkind: Secret\nmetadata:\n  annotations:\n    name: s\n    apim-keyless.dev/mode: warn\ndata:\n  name: s\n  key: s\n";
        let expected = "apiVersion: v1\nkind: Secret\nmetadata:\n  annotations:\n    name: ***\n    apim-keyless.dev/mode: warn\ndata:\n  name: ***\n  key: ***\n";
        assert_eq!(masked(text), expected);
    }

    #[test]
    fn flow_style_is_masked() {
        let text = r#"{"apiVersion":"v1","kind":"Pod","spec":{"env":[{"name":"a","value":"s\"s"},{name: b, value: s}],"n":1}}"#;
        assert_eq!(
            masked(text),
            "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\"env\":[{\"name\":\"a\",\"value\":***},{name: b, value: ***}],\"n\":1}}\n"
        );
    }

    #[test]
    fn unknown_syntax_ends_the_line() {
        let text = "apiVersion: v1\nkind: Pod\nbase: &base {a: s}\nname: !tag s\nother:\n  <<: {a: s, b: s}\n  a: *base\n---\nname: s\n";
        let expected = "apiVersion: v1\nkind: Pod\nbase: ***\nname: ***\nother:\n  ***\n  a: ***\n---\n***\n";
        assert_eq!(masked(text), expected);
    }

    #[test]
    fn positions_move_with_the_masked_line() {
        let mut manifests = Manifests::default();
        manifests.parse(
            "a.json",
            r#"{"apiVersion":"v1","kind":"Pod","spec":{"é":"GatewayKey a","image":"b","args":["another"]}}"#,
        );
        let object = &manifests.objects[0];
        let underlined = |pointer: &str| {
            let excerpt = object.place.locate().excerpt(pointer);
            excerpt.text.chars().skip(excerpt.field.start).take(excerpt.field.len()).collect::<String>()
        };
        assert_eq!(["/spec/é", "/spec/image", "/spec/args/0"].map(underlined), ["\"é\"", "\"image\"", "***"]);
    }

    #[test]
    fn of_a_long_line_the_part_around_the_field_is_shown() {
        let pods: Vec<String> = (0..50)
            .map(|number| {
                format!(
                    r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"é{number}"}},"spec":{{"a":"GatewayKey secret"}}}}"#
                )
            })
            .collect();
        let list = format!(r#"{{"apiVersion":"v1","kind":"List","items":[{}]}}"#, pods.join(","));
        for text in [list, pods.join(" "), format!("- {}\n", pods.join("\n- "))] {
            let mut manifests = Manifests::default();
            manifests.parse("a.json", &text);
            let located = manifests.objects[40].place.locate();
            let (excerpt, position) = (located.excerpt("/spec/a"), located.position("/spec/a"));
            let underlined: String = excerpt.text.chars().skip(excerpt.field.start).take(excerpt.field.len()).collect();
            assert_eq!(underlined, "\"a\"", "{excerpt:?}");
            assert!(excerpt.text.contains("é40") && !excerpt.text.contains("secret"), "{excerpt:?}");
            assert!(excerpt.text.chars().count() < 400, "{excerpt:?}");
            let line = text.lines().nth(position.line - 1).unwrap();
            assert_eq!(line.chars().skip(position.column - 1).take(3).collect::<String>(), "\"a\"");
        }
    }

    #[test]
    fn lines_outside_the_file_are_empty() {
        let mut manifests = Manifests::default();
        manifests.parse("a.yaml", "apiVersion: v1\nkind: Pod\n");
        assert_eq!(
            (manifests.objects[0].masked_line(0), manifests.objects[0].masked_line(9)),
            (String::new(), String::new())
        );
    }

    proptest! {
        #[test]
        fn a_secret_is_never_shown(secret in "[a-z]{1,3}[ ,:#'\"{}\\[\\]&*!|>%@a-z\\\\-]{0,12}", lead in "[ -z|}~é]{0,20}") {
            let secret = format!("hunter2{secret}hunter2");
            let json = serde_json::to_string(&secret).unwrap();
            let single = secret.replace('\'', "''");
            let lead = serde_json::to_string(&lead).unwrap();
            let text = format!(
                "apiVersion: v1\nkind: Secret\nmetadata: {{name: {lead}}}\nspec:\n  env:\n  - {{value: {json}, name: {lead}}}\n  - name: {lead}\n    value: '{single}'\ndata:\n  name: {json}\n  key: |\n    {secret}\n  a: >-\n\n     {secret}\n\n  b: {json}\n",
            );
            prop_assert!(!masked(&text).contains("hunter2"), "{}", masked(&text));
        }
    }
}
