//! Aligns the `=` of attributes and the comments behind them as `terraform fmt` does: those in lines that follow each other
//! are in one column. Only changed groups that were aligned before are aligned; the others stay as they are written.

use super::format_lines::{Line, lines};
use apim_keyless_manifest::rewrite::{TextChange, apply};
use std::ops::Range;

/// The text with these changes, which are in order and do not overlap, in which the changed groups are aligned.
pub(super) fn aligned(before: &str, changes: &[TextChange]) -> String {
    let after = apply(before, changes);
    let (old_lines, new_lines) = (lines(before), lines(&after));
    let origins = origins(changes, &old_lines, &new_lines);
    let (mut old, mut new) =
        (cells(before, &old_lines, |line| &line.before_sign), cells(&after, &new_lines, |line| &line.before_sign));
    let mut spaces = align(&old, &mut new, &origins);
    // a comment moves with the `=` before it
    let moved: Vec<isize> = new.iter().map(|cell| cell.as_ref().map_or(0, |cell| cell.moved)).collect();
    old = cells(before, &old_lines, |line| &line.before_comment);
    new = cells(&after, &new_lines, |line| &line.before_comment);
    for (cell, moved) in new.iter_mut().zip(&moved) {
        if let Some(cell) = cell {
            cell.width = cell.width.saturating_add_signed(*moved);
            cell.column = cell.column.saturating_add_signed(*moved);
        }
    }
    let is_moved =
        |origin: (&Origin, &isize)| Origin { is_changed: origin.0.is_changed || *origin.1 != 0, ..*origin.0 };
    let origins: Vec<Origin> = origins.iter().zip(&moved).map(is_moved).collect();
    spaces.append(&mut align(&old, &mut new, &origins));
    spaces.sort_by_key(|change| change.range.start);
    apply(&after, &spaces)
}

/// What is aligned in a line: an `=` or a comment.
struct Cell {
    /// The whitespace before it.
    space: Range<usize>,
    /// The characters of the line before the whitespace.
    width: usize,
    /// Its column, from 0.
    column: usize,
    /// By how many columns it moves.
    moved: isize,
}

fn cells(text: &str, lines: &[Line], space: impl Fn(&Line) -> &Option<Range<usize>>) -> Vec<Option<Cell>> {
    let count = |range: Range<usize>| text.get(range).unwrap_or_default().chars().count();
    let cell = |line: &Line| {
        let space = space(line).clone()?;
        let width = count(line.range.start..space.start);
        Some(Cell { width, column: width + count(space.clone()), space, moved: 0 })
    };
    lines.iter().map(cell).collect()
}

/// What is known of a line of the new text.
#[derive(Clone, Copy)]
struct Origin {
    /// The index of the line in the old text; `None` for a new one.
    old: Option<usize>,
    /// Whether a change is in the line, or at its beginning or end.
    is_changed: bool,
}

fn origins(changes: &[TextChange], old: &[Line], new: &[Line]) -> Vec<Origin> {
    let mut changes = changes.iter().peekable();
    let (mut inserted, mut removed, mut last_end, mut old_index) = (0, 0, None, 0);
    let origin = |line: &Line| {
        let start = line.range.start;
        while let Some(change) =
            changes.next_if(|change| change.range.start + inserted + change.text.len() <= start + removed)
        {
            inserted += change.text.len();
            removed += change.range.len();
            last_end = Some(change.range.end);
        }
        // the byte of the old text that is at the beginning of this line, if no change is there
        let old_start = start + removed - inserted;
        let next = changes.peek().map(|change| change.range.start + inserted - removed);
        let is_new = next.is_some_and(|next| next <= start);
        while old.get(old_index).is_some_and(|old| old.range.end <= old_start) {
            old_index += 1;
        }
        let is_changed = next.is_some_and(|next| next <= line.range.end) || last_end == Some(old_start);
        Origin { old: Some(old_index).filter(|_| !is_new), is_changed }
    };
    new.iter().map(origin).collect()
}

/// Aligns the changed groups of cells, and returns the changes of the whitespace.
fn align(old: &[Option<Cell>], new: &mut [Option<Cell>], origins: &[Origin]) -> Vec<TextChange> {
    let is_aligned = aligned_cells(old);
    let mut changes = Vec::new();
    let mut start = 0;
    while start < new.len() {
        let length = new.iter().skip(start).take_while(|cell| cell.is_some()).count();
        // a change in the line before or after can have added or removed a part of the group
        let around = origins.iter().take(start + length + 1).skip(start.saturating_sub(1));
        let is_changed = length > 0 && around.clone().any(|origin| origin.is_changed);
        let of_group = || origins.iter().skip(start).take(length);
        let group = new.iter().skip(start).take(length).flatten();
        let least = group.map(|cell| cell.width + 1).max().unwrap_or_default();
        let column = is_changed.then(|| column(least, of_group(), (old, &is_aligned))).flatten();
        for cell in new.iter_mut().skip(start).take(length).flatten() {
            if let Some(column) = column.filter(|column| *column != cell.column) {
                cell.moved = column.cast_signed() - cell.column.cast_signed();
                changes.push(TextChange { range: cell.space.clone(), text: " ".repeat(column - cell.width) });
            }
        }
        start += length.max(1);
    }
    changes
}

/// The column of a group that needs at least this one; `None` if its old cells were not aligned.
fn column<'o>(
    least: usize,
    mut origins: impl Iterator<Item = &'o Origin> + Clone,
    (old, is_aligned): (&[Option<Cell>], &[bool]),
) -> Option<usize> {
    let cells =
        origins.clone().filter_map(|origin| origin.old).filter(|index| old.get(*index).is_some_and(Option::is_some));
    if cells.clone().all(|index| is_aligned.get(index) == Some(&true)) {
        return Some(least);
    }
    // some groups are in one column that is further right
    let mut columns = cells.filter_map(|index| old.get(index)?.as_ref().map(|cell| cell.column));
    let first = columns.next().filter(|first| *first >= least)?;
    (columns.all(|column| column == first) && origins.next().is_some()).then_some(first)
}

/// Whether each cell is in a group that `terraform fmt` leaves as it is.
fn aligned_cells(cells: &[Option<Cell>]) -> Vec<bool> {
    let mut is_aligned = Vec::with_capacity(cells.len());
    for group in cells.chunk_by(|one, other| one.is_some() == other.is_some()) {
        let least = group.iter().flatten().map(|cell| cell.width + 1).max();
        let all = group.iter().flatten().all(|cell| Some(cell.column) == least);
        is_aligned.extend(group.iter().map(|_| all));
    }
    is_aligned
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Replaces a part of a text. `terraform fmt` leaves the results of aligned texts as they are.
    #[track_caller]
    fn changes(before: &str, (part, new): (&str, &str), after: &str) {
        let start = before.find(part).unwrap();
        let change = TextChange { range: start..start + part.len(), text: new.to_owned() };
        assert_eq!(aligned(before, &[change]), after);
    }

    #[test]
    fn a_changed_group_is_aligned() {
        let group = "a {\n  b   = 1 # b\n  ccc = 2 # c\n\n  d = 3\n}\n";
        changes(
            group,
            ("2 # c", "2 # c\n  eeeee = 4"),
            "a {\n  b     = 1 # b\n  ccc   = 2 # c\n  eeeee = 4\n\n  d = 3\n}\n",
        );
        changes(group, ("2 # c", "2 # c\n  e = 4"), "a {\n  b   = 1 # b\n  ccc = 2 # c\n  e   = 4\n\n  d = 3\n}\n");
        changes(group, ("1 #", "\"é1\" #"), "a {\n  b   = \"é1\" # b\n  ccc = 2    # c\n\n  d = 3\n}\n");
        changes(group, ("  ccc = 2 # c\n", ""), "a {\n  b = 1 # b\n\n  d = 3\n}\n");
        changes(group, ("  ccc = 2 # c\n\n", ""), "a {\n  b = 1 # b\n  d = 3\n}\n");
        changes(
            group,
            ("= 2 # c", "= {\n    e = 1\n    ff = 2\n  }"),
            "a {\n  b = 1 # b\n  ccc = {\n    e  = 1\n    ff = 2\n  }\n\n  d = 3\n}\n",
        );
        changes(
            group,
            ("a {", "a {\n  eeeee = 4"),
            "a {\n  eeeee = 4\n  b     = 1 # b\n  ccc   = 2 # c\n\n  d = 3\n}\n",
        );
        changes("b   = 1\r\nccc = 2\r\n", ("2\r\n", "2\r\ndddd = 1\r\n"), "b    = 1\r\nccc  = 2\r\ndddd = 1\r\n");
    }

    #[test]
    fn a_group_that_is_not_aligned_stays() {
        let group = "b = 1\nccc = 2   # c\n";
        changes(group, ("2   # c", "2   # c\nddddd = 3"), "b = 1\nccc = 2   # c\nddddd = 3\n");
        changes(
            "a = 1\nb = 2\nccc = 3\nd = <<E\nb = 1\nE\n",
            ("= 2", "= 44"),
            "a = 1\nb = 44\nccc = 3\nd = <<E\nb = 1\nE\n",
        );
        // other groups stay, too
        changes("b = 1\nccc = 2\n\nd = 1\n", ("d = 1", "d = 1\neee = 2"), "b = 1\nccc = 2\n\nd   = 1\neee = 2\n");
    }

    #[test]
    fn a_line_of_a_group_further_right_is_added_there() {
        let group = "b      = 1\nccc    = 2\n";
        changes(group, ("= 2", "= 2\nd = 3"), "b      = 1\nccc    = 2\nd      = 3\n");
        changes(group, ("= 2", "= 2\nddddddd = 3"), "b      = 1\nccc    = 2\nddddddd = 3\n");
    }
}
