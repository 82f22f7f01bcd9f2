//! What stops a document from being read, in our own words: the parser's quote the file, and the file holds secrets.

use super::document::Document;
use super::template;
use super::{ReadError, source::SourceFile};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::granit_parser::ErrorKind;
use serde_saphyr::localizer::ExternalMessageSource;
use serde_saphyr::{Error, Location};

/// The problem of a document that can't be read.
pub(super) fn read_error(source: &SourceFile, document: &Document<'_>, error: &Error) -> ReadError {
    if let (None, Some(read_error)) = (meaning(error), template::read_error(source, document)) {
        return read_error;
    }
    let position = error.location().filter(|at| *at != Location::UNKNOWN);
    let number = |from: u64| usize::try_from(from).unwrap_or(usize::MAX);
    ReadError {
        file: source.name.clone(),
        line: position.map(|at| number(at.line()).saturating_add(document.lines_before)),
        column: position.map(|at| number(at.column())),
        message: meaning(error).or_else(|| syntax(error)).unwrap_or(NOT_YAML).to_owned(),
    }
}

/// The problem of a file that the parser gave up on without a word.
pub(super) fn breakdown(source: &SourceFile) -> ReadError {
    let message = "could not be read: try again, and if that does not help, split the file".to_owned();
    ReadError { file: source.name.clone(), line: None, column: None, message }
}

const NOT_YAML: &str = "not valid YAML: check the indentation, the quotes and the colons here and in the line above";
const TOO_DEEP: &str = "nested more than 100 levels deep, which no Kubernetes object is: flatten it";

/// Faults of documents whose syntax is right: no template is to blame for these.
fn meaning(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::AliasError { error, .. } => return meaning(error),
        Error::DuplicateMappingKey { .. } => "duplicate key: a mapping holds each key once; remove one of the two",
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => TOO_DEEP,
        Error::ExternalMessage { source, .. } if kind_of(source) == Some(&ErrorKind::RecursionLimitExceeded) => {
            TOO_DEEP
        }
        Error::Budget { .. } => "too large to be read safely: split it into several files",
        Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            "its aliases unfold to more than can be read safely: write the values out"
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            "an alias stands within its own anchor: write the value out"
        }
        Error::NonFiniteFloat { .. } => {
            "a number that JSON can't hold: quote it if it is meant as text, else correct it"
        }
        Error::MergeValueNotMapOrSeqOfMaps { .. } => "`<<` merges mappings only: give it the alias of a mapping",
        Error::InvalidBinaryBase64 { .. } | Error::BinaryNotUtf8 { .. } => {
            "tagged as `!!binary`, but not the base64 of a text: remove the tag"
        }
        _ => return None,
    })
}

fn syntax(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::Unexpected { .. } => {
            "a key is no scalar: write it as plain or quoted text, or quote the whole value if it begins with a bracket"
        }
        Error::UnknownAnchor { .. } => UNKNOWN_ANCHOR,
        Error::InvalidScalar { .. } => "a value does not fit its tag: correct the value or remove the tag",
        Error::ExternalMessage { source, .. } => of_kind(kind_of(source)?)?,
        _ => return None,
    })
}

const UNKNOWN_ANCHOR: &str =
    "an alias whose anchor this document does not hold: define the anchor before it, or quote the value if it is text";

fn of_kind(kind: &ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart => "a tab is not allowed as indentation: indent with spaces",
        // told where the text begins that the tab would go on with
        ErrorKind::TabInPlainScalar => "a tab is not allowed as indentation in the line below: indent with spaces",
        ErrorKind::UnknownAnchor => UNKNOWN_ANCHOR,
        ErrorKind::ExpectedDocumentStart => "text after the end of the document: put a line `---` between documents",
        ErrorKind::UnclosedQuotedScalar => "a quote is never closed: close it",
        ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::UnclosedFlowCollection { .. } => "a bracket or brace is never closed: close it",
        ErrorKind::MismatchedFlowCollectionEnd { .. } | ErrorKind::MisplacedFlowCollectionEnd => {
            "a closing bracket or brace without its opening one: remove it or open it"
        }
        ErrorKind::UnexpectedCharacter { .. } => "a character that may not begin a value: quote the value",
        ErrorKind::MappingValueNotAllowed => {
            "a colon where no key may stand: quote the value if it holds a colon, else correct the indentation"
        }
        ErrorKind::InvalidIndentation => "wrong indentation: align it with the lines it belongs to",
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
    use crate::manifest::Manifests;

    fn read_error(text: &str) -> (usize, usize, String) {
        let mut manifests = Manifests::default();
        manifests.parse("a.yaml", text);
        assert_eq!((manifests.objects.len(), manifests.errors.len()), (0, 1), "{:?}", manifests.errors);
        let read_error = manifests.errors.remove(0);
        (read_error.line.unwrap(), read_error.column.unwrap(), read_error.message)
    }

    #[test]
    fn faults_are_named_with_their_place_in_the_file() {
        for (text, line, column, words) in [
            ("# c\n---\na: hunter2\na: hunter3\n", 4, 1, "duplicate key"),
            ("---\n---\na:\n\t- hunter2\n", 4, 2, "a tab is not allowed as indentation"),
            ("a: 'hunter2\n", 1, 4, "a quote is never closed"),
            ("a: [hunter2\n", 1, 4, "a bracket or brace is never closed"),
            ("{}\n{\"a\": \"hunter2\"}", 2, 1, "text after the end"),
            ("a: ]\n", 1, 4, "a closing bracket"),
            ("a: hunter2: b\n", 1, 11, "a colon where no key may stand"),
            ("a: @hunter2\n", 1, 4, "a character that may not begin"),
            ("a: *hunter2\n", 1, 4, "an alias whose anchor"),
            ("a: .inf\n", 1, 4, "a number that JSON can't hold"),
            ("? [hunter2]\n: b\n", 1, 3, "a key is no scalar"),
            ("a: !!int hunter2\n", 1, 10, "a value does not fit its tag"),
            ("<<: hunter2\n", 1, 5, "`<<` merges mappings only"),
            ("a: &a [*a]\n", 1, 8, "an alias stands within"),
        ] {
            let (found_line, found_column, message) = read_error(text);
            assert_eq!((found_line, found_column), (line, column), "{text}");
            assert!(message.starts_with(words) && !message.contains("hunter"), "{text}: {message}");
        }
    }

    #[test]
    fn depth_is_a_problem_and_no_overflow() {
        for piece in ["[", "{a:", "- ", "? ", "a:\n", "{\"a\":["] {
            read_error(&piece.repeat(100_000));
        }
        let block: String = (0..2000).map(|depth| " ".repeat(depth) + "a:\n").collect();
        assert!(read_error(&block).2.starts_with("nested more than 100 levels"));
        assert!(read_error(&("[".repeat(120) + &"]".repeat(120))).2.starts_with("nested more than 100 levels"));
    }

    #[test]
    fn alias_bombs_are_a_problem() {
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
        assert!(read_error(&bomb).2.starts_with("its aliases unfold"));
    }
}
