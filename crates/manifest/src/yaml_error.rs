//! Error messages for malformed YAML. The parser's messages quote the file, which can contain secrets, so they are not
//! used.

use super::document::Document;
use super::template;
use super::{InputError, source::SourceFile};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::granit_parser::ErrorKind;
use serde_saphyr::localizer::ExternalMessageSource;
use serde_saphyr::{Error, Location};

/// The error for a document that cannot be read.
pub(super) fn input_error(source: &SourceFile, document: &Document<'_>, error: &Error) -> InputError {
    if let (None, Some(input_error)) = (semantic_message(error), template::input_error(source, document)) {
        return input_error;
    }
    let number = |from: u64| usize::try_from(from).unwrap_or(usize::MAX);
    let location = error.location().filter(|at| *at != Location::UNKNOWN);
    let place = location.map(|at| document.place(number(at.line()), number(at.column())));
    InputError {
        file: source.name.clone(),
        line: place.map(|(line, _)| line),
        column: place.map(|(_, column)| column),
        message: semantic_message(error).or_else(|| syntax_message(error)).unwrap_or(NOT_YAML).to_owned(),
    }
}

/// The error for a file whose parser panicked or could not be started.
pub(super) fn unknown(source: &SourceFile) -> InputError {
    let message = "could not be read; try again, and if that does not help, split the file".to_owned();
    InputError { file: source.name.clone(), line: None, column: None, message }
}

const NOT_YAML: &str = "not valid YAML; check the indentation, the quotes and the colons here and in the line above";
const TOO_DEEP: &str = "nested more than 100 levels deep, which no Kubernetes object is; flatten it";

/// Messages for documents with valid syntax. A Helm template does not cause these errors.
fn semantic_message(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::AliasError { error, .. } => return semantic_message(error),
        Error::DuplicateMappingKey { .. } => "duplicate key; remove one of the two",
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => TOO_DEEP,
        Error::ExternalMessage { source, .. } if kind_of(source) == Some(&ErrorKind::RecursionLimitExceeded) => {
            TOO_DEEP
        }
        Error::Budget { .. } => "too large to be read safely; split it into several files",
        Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            "its aliases expand to more than can be read safely; replace the aliases with their values"
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            "an alias inside its own anchor; replace the alias with a value"
        }
        Error::NonFiniteFloat { .. } => {
            "a number that JSON cannot represent; quote it if it is meant as text, else correct it"
        }
        Error::MergeValueNotMapOrSeqOfMaps { .. } => "`<<` merges mappings only; give it the alias of a mapping",
        Error::InvalidBinaryBase64 { .. } | Error::BinaryNotUtf8 { .. } => {
            "tagged as `!!binary`, but not the base64 of a text; remove the tag"
        }
        _ => return None,
    })
}

fn syntax_message(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::Unexpected { .. } => {
            "a key is not a scalar; write it as plain or quoted text, or quote the whole value if it starts with a bracket"
        }
        Error::UnknownAnchor { .. } => UNKNOWN_ANCHOR,
        Error::InvalidScalar { .. } => "a value does not match its tag; correct the value or remove the tag",
        Error::ExternalMessage { source, .. } => parser_message(kind_of(source)?)?,
        _ => return None,
    })
}

const UNKNOWN_ANCHOR: &str =
    "an alias without an anchor in this document; define the anchor before it, or quote the value if it is text";

fn parser_message(kind: &ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart => "a tab is not allowed as indentation; indent with spaces",
        // the parser reports the start of the scalar that the line with the tab would continue
        ErrorKind::TabInPlainScalar => "a tab is not allowed as indentation in the line below; indent with spaces",
        ErrorKind::UnknownAnchor => UNKNOWN_ANCHOR,
        ErrorKind::ExpectedDocumentStart => "text after the end of the document; put a line `---` between documents",
        ErrorKind::UnclosedQuotedScalar => "a quote is never closed; close it",
        ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::UnclosedFlowCollection { .. } => "a bracket or brace is never closed; close it",
        ErrorKind::MismatchedFlowCollectionEnd { .. } | ErrorKind::MisplacedFlowCollectionEnd => {
            "a closing bracket or brace without an opening one; remove it or add the opening one"
        }
        ErrorKind::UnexpectedCharacter { .. } => "a character that cannot start a value; quote the value",
        ErrorKind::MappingValueNotAllowed => {
            "a colon where no key is allowed; quote the value if it contains a colon, else correct the indentation"
        }
        ErrorKind::InvalidIndentation => "wrong indentation; align it with the lines it belongs to",
        _ => return None,
    })
}

fn kind_of(source: &ExternalMessageSource) -> Option<&ErrorKind> {
    match source {
        ExternalMessageSource::Parser(error) => Some(error.kind()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::Manifests;

    fn input_error(text: &str) -> (usize, usize, String) {
        let mut manifests = Manifests::default();
        manifests.parse("a.yaml", text);
        assert_eq!((manifests.objects.len(), manifests.errors.len()), (0, 1), "{:?}", manifests.errors);
        let input_error = manifests.errors.remove(0);
        (input_error.line.unwrap(), input_error.column.unwrap(), input_error.message)
    }

    #[test]
    fn errors_have_their_position_in_the_file() {
        for (text, line, column, words) in [
            ("# c\n---\na: hunter2\na: hunter3\n", 4, 1, "duplicate key"),
            ("---\n---\na:\n\t- hunter2\n", 4, 2, "a tab is not allowed as indentation"),
            ("a: 'hunter2\n", 1, 4, "a quote is never closed"),
            ("a: [hunter2\n", 1, 4, "a bracket or brace is never closed"),
            ("{}\n{a: \"hunter2\"", 2, 1, "a bracket or brace is never closed"),
            ("{}\n{\"a\": 1, \"a\": 2}", 2, 10, "duplicate key"),
            ("a: ]\n", 1, 4, "a closing bracket"),
            ("a: hunter2: b\n", 1, 11, "a colon where no key is allowed"),
            ("a: @hunter2\n", 1, 4, "a character that cannot start"),
            ("a: *hunter2\n", 1, 4, "an alias without an anchor"),
            ("a: .inf\n", 1, 4, "a number that JSON cannot represent"),
            ("? [hunter2]\n: b\n", 1, 3, "a key is not a scalar"),
            ("a: !!int hunter2\n", 1, 10, "a value does not match its tag"),
            ("<<: hunter2\n", 1, 5, "`<<` merges mappings only"),
            ("a: &a [*a]\n", 1, 8, "an alias inside its own anchor"),
        ] {
            let (found_line, found_column, message) = input_error(text);
            assert_eq!((found_line, found_column), (line, column), "{text}");
            assert!(message.starts_with(words) && !message.contains("hunter"), "{text}: {message}");
        }
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_stack_overflow() {
        for piece in ["[", "{a:", "- ", "? ", "a:\n", "{\"a\":["] {
            input_error(&piece.repeat(100_000));
        }
        let block: String = (0..2000).map(|depth| " ".repeat(depth) + "a:\n").collect();
        assert!(input_error(&block).2.starts_with("nested more than 100 levels"));
        assert!(input_error(&("[a, ".repeat(120) + &"]".repeat(120))).2.starts_with("nested more than 100 levels"));
    }

    #[test]
    fn alias_bombs_are_an_error() {
        let levels = ('b'..='z').zip('a'..='y').map(|(name, of)| {
            format!(
                "{name}: &{name} [{}]
",
                format!("*{of}, ").repeat(10)
            )
        });
        let bomb: String = std::iter::once(
            "a: &a [x, x, x, x, x]
"
            .to_owned(),
        )
        .chain(levels)
        .collect();
        assert!(input_error(&bomb).2.starts_with("its aliases expand"));
    }
}
