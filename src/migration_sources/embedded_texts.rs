//! Texts in a script that a command reads from its input: here-documents of a shell and here-strings of PowerShell.

use std::collections::HashMap;

/// A text in a script.
pub(super) struct EmbeddedText {
    /// The line, from 1, with the command.
    pub(super) line: usize,
    /// The file that the command writes.
    pub(super) file: Option<String>,
    /// The text, without the lines around it.
    pub(super) text: String,
}

/// The texts that commands of a script read from their input, in their order.
pub(super) fn find(text: &str) -> Vec<EmbeddedText> {
    let lines: Vec<&str> = text.lines().collect();
    // where each line is, so that an end that is missing is looked for once
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, line) in lines.iter().enumerate() {
        places.entry(line.trim()).or_default().push(index);
    }
    let (mut found, mut index) = (Vec::new(), 0);
    while let Some(line) = lines.get(index) {
        index += 1;
        let Some(end) = end_of(line) else { continue };
        let ends = places.get(end).map(Vec::as_slice).unwrap_or_default();
        let Some(end) = ends.get(ends.partition_point(|place| *place < index)) else { continue };
        let inner = lines.get(index..*end).unwrap_or_default();
        let file = file_of(line).map(str::to_owned);
        found.push(EmbeddedText { line: index, file, text: inner.join("\n") });
        index = end + 1;
    }
    found
}

/// The file that the command of a line writes: `cat > FILE <<EOF`, `tee FILE <<EOF`.
fn file_of(line: &str) -> Option<&str> {
    let target = line.split_once('>').map(|(_, after)| after.trim_start_matches(['>', '|']));
    let target =
        target.or_else(|| line.split_once("tee ").map(|(_, after)| after.trim_start().trim_start_matches("-a ")));
    let name = target?.split_whitespace().next()?.trim_matches(['"', '\'']);
    (!name.is_empty()).then_some(name)
}

/// The line that ends the text that begins behind this line.
fn end_of(line: &str) -> Option<&str> {
    let trimmed = line.trim_end();
    if trimmed.trim_start().starts_with('#') {
        return None;
    }
    for quote in ["\"", "'"] {
        if trimmed.strip_suffix(quote).is_some_and(|start| start.ends_with('@')) {
            return Some(if quote == "'" { "'@" } else { "\"@" });
        }
    }
    let (_, after) = line.split_once("<<")?;
    let after = after.trim_start_matches(['-', '~']).trim_start().trim_start_matches(['"', '\'', '\\']);
    let length = after.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(after.len());
    after.get(..length).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn here_documents_and_here_strings_are_found() {
        let text = "a <<EOF | b\nx: 1\n  y\nEOF\ncat <<-'END'\n\tz\n\tEND\n$v = @\"\nw\n\"@\nc <<OPEN\nrest\n";
        let found: Vec<(usize, String)> = find(text).into_iter().map(|text| (text.line, text.text)).collect();
        let expected = [(1, "x: 1\n  y"), (5, "\tz"), (8, "w")].map(|(line, text)| (line, text.to_owned()));
        assert_eq!(found, expected);
        for line in ["cat > v.yaml <<EOF", "cat <<EOF >v.yaml", "sudo tee -a \"v.yaml\" <<EOF | a"] {
            assert_eq!(file_of(line), Some("v.yaml"), "{line}");
        }
        assert_eq!(file_of("kubectl apply -f - <<EOF"), None);
        assert!(find("# a <<EOF\nx\nEOF\n1 << 2\n").is_empty());
    }
}
