// longer than the guide: tables of layouts, each with the text before and after

use super::{Declined, Rewrite, apply};
use crate::Manifests;
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(text: &str) -> Value {
    let mut manifests = Manifests::default();
    manifests.parse("a.yaml", text);
    assert_eq!(manifests.errors, [], "{text}");
    assert_eq!(manifests.objects.len(), 1, "{text}");
    manifests.objects.remove(0).value
}

fn rewritten(text: &str, new: &Value) -> Result<String, Declined> {
    let mut rewrite = Rewrite::new(text).unwrap();
    rewrite.change(jsonptr::Pointer::root(), &read(text), new)?;
    Ok(apply(text, &rewrite.finish()?))
}

/// A document with this text after its first two lines is changed by `change` into the other text.
#[track_caller]
pub(super) fn changes(before: &str, change: impl FnOnce(&mut Value), after: &str) {
    let head = "apiVersion: v1\nkind: A\n";
    let (before, after) = (format!("{head}{before}"), format!("{head}{after}"));
    let mut new = read(&before);
    change(&mut new);
    let text = rewritten(&before, &new).unwrap();
    assert_eq!(text, after, "\n--- is\n{text}\n--- expected\n{after}");
    assert_eq!(read(&text), new, "{text}");
}

fn set(pointer: &'static str, value: Value) -> impl FnOnce(&mut Value) {
    move |object| {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let mut at = &mut *object;
        for token in parent.split('/').skip(1) {
            at = match at {
                Value::Array(items) => &mut items[token.parse::<usize>().unwrap()],
                other => &mut other[token],
            };
        }
        match at {
            Value::Array(items) => items.push(value),
            other => other[key] = value,
        }
    }
}

fn remove(pointer: &'static str) -> impl FnOnce(&mut Value) {
    move |object| {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match object.pointer_mut(parent).unwrap() {
            Value::Array(items) => drop(items.remove(key.parse().unwrap())),
            other => drop(other.as_object_mut().unwrap().remove(key)),
        }
    }
}

#[test]
fn a_scalar_is_replaced_in_its_own_quotes() {
    changes("a: b # c\n", set("/a", json!("d")), "a: d # c\n");
    changes("a: 'b'\n", set("/a", json!("it's")), "a: 'it''s'\n");
    changes("a: \"b\"\n", set("/a", json!("d")), "a: \"d\"\n");
    changes("a: b\n", set("/a", json!("true")), "a: \"true\"\n");
    changes("a: 2.9.2 # c\n", set("/a", json!("2.11.2")), "a: 2.11.2 # c\n");
    changes("a: 2.9\n", set("/a", json!("2.11")), "a: \"2.11\"\n");
    changes("a: '2.9.2'\n", set("/a", json!("2.11.2")), "a: '2.11.2'\n");
    changes(
        "a:\n- b=c # d\n- e=f\n",
        |object| object["a"] = json!(["b=g", "e=f", "h=i"]),
        "a:\n- b=g # d\n- e=f\n- h=i\n",
    );
    changes("a: true\n", set("/a", json!("true")), "a: \"true\"\n");
    changes("a:\nb: c", set("/a", json!("d")), "a: d\nb: c");
    changes("a: # none\nb: c", set("/a", json!("d")), "a: d # none\nb: c");
    changes("a: |\n  one\n  two\n\n# c\nb: c\n", set("/a", json!("d")), "a: d\n\n# c\nb: c\n");
    changes("a: one\n  two\nb: c\n", set("/a", json!("d")), "a: d\nb: c\n");
    changes("? a\n: b\n", set("/a", json!("d")), "? a\n: d\n");
}

#[test]
fn a_block_of_text_keeps_its_form() {
    changes(
        "a: |\n  b: 1\n\n  # c\nd: 2\n",
        set("/a", json!("b: 2\n\n# c\ne:\n  f: 1\n")),
        "a: |\n  b: 2\n\n  # c\n  e:\n    f: 1\nd: 2\n",
    );
    changes("a: |- # c\n    b\n", set("/a", json!("b\nc")), "a: |- # c\n    b\n    c\n");
    // a text that another form is needed for
    changes("a: |\n  b\n", set("/a", json!("b")), "a: b\n");
    changes("a: |\n  b\n", set("/a", json!(" b\n")), "a: \" b\\n\"\n");
    changes("a: |\n  b\n", set("/a", json!("")), "a: \"\"\n");
    changes("a: |+\n  b\n", set("/a", json!("c\n")), "a: \"c\\n\"\n");
}

#[test]
fn a_member_is_added_after_the_last_one() {
    let label = || set("/labels/x", json!("true"));
    changes("labels:\n  a: b # c\n# d\ne: f\n", label(), "labels:\n  a: b # c\n  x: \"true\"\n# d\ne: f\n");
    changes("labels:\n    a: b", label(), "labels:\n    a: b\n    x: \"true\"");
    changes("labels:\r\n  a: b\r\ne: f\r\n", label(), "labels:\r\n  a: b\r\n  x: \"true\"\r\ne: f\r\n");
    changes("labels: {a: b} # c\n", label(), "labels: {a: b, x: \"true\"} # c\n");
    changes("labels: {} # c\n", label(), "labels: # c\n  x: \"true\"\n");
    changes("labels: # c\ne: f\n", label(), "labels: # c\n  x: \"true\"\ne: f\n");
    changes("labels:\n", label(), "labels:\n  x: \"true\"\n");
    changes("labels: ~\n", label(), "labels:\n  x: \"true\"\n");
    changes(
        "labels: {\n  a: b, # c\n  d: e # f\n}\n",
        label(),
        "labels: {\n  a: b, # c\n  d: e, # f\n  x: \"true\"\n}\n",
    );
    changes("labels:\n  a: |\n    b\n\ne: f\n", label(), "labels:\n  a: |\n    b\n  x: \"true\"\n\ne: f\n");
    changes("labels:\n  a:\ne: f\n", label(), "labels:\n  a:\n  x: \"true\"\ne: f\n");
}

#[test]
fn comments_anchors_and_tags_before_an_empty_value_stay() {
    let label = || set("/labels/x", json!("true"));
    changes("labels: # a\n  # b\n  {}\ne: f\n", label(), "labels: # a\n  # b\n  x: \"true\"\ne: f\n");
    changes("labels: # a\n  ~ # b\n", label(), "labels: # a\n  x: \"true\" # b\n");
    changes("labels: &a {} # b\n", label(), "labels: &a # b\n  x: \"true\"\n");
    changes("labels: !!map {}\n", label(), "labels: !!map\n  x: \"true\"\n");
    changes("labels: &a\n", label(), "labels: &a\n  x: \"true\"\n");
    changes("a:\n- &b {}\n", set("/a/0/x", json!("w")), "a:\n- &b\n  x: w\n");
    changes("labels: {\n  # a\n}\n", label(), "labels: {\n  # a\n  x: \"true\"\n}\n");
    changes("a: [ # b\n  ]\n", set("/a/-", json!({"name": "x"})), "a: [ # b\n    {name: x}\n  ]\n");
    changes("a: # b\n  []\n", set("/a/-", json!({"name": "x"})), "a: # b\n  - name: x\n");
}

#[test]
fn comments_stay_beside_their_parts_of_a_flow_collection() {
    let label = || set("/labels/x", json!("w"));
    changes("labels: {\n  a: b, # c\n  d: e, # f\n}\n", label(), "labels: {\n  a: b, # c\n  d: e, # f\n  x: w,\n}\n");
    changes("labels: {a: b, # c\n  d: e # f\n  }\n", label(), "labels: {a: b, # c\n  d: e, # f\n  x: w\n  }\n");
    let list = "a: [\n  {name: b}, # b\n  {name: c}, # c\n  {name: d} # d\n]\n";
    changes(list, remove("/a/0"), "a: [\n  {name: c}, # c\n  {name: d} # d\n]\n");
    changes(list, remove("/a/1"), "a: [\n  {name: b}, # b\n  {name: d} # d\n]\n");
    changes(list, remove("/a/2"), "a: [\n  {name: b}, # b\n  {name: c} # c\n]\n");
}

#[test]
fn a_new_line_ends_like_its_neighbor() {
    changes("labels:\n  a: b\r\ne: f\r\n", set("/labels/x", json!("w")), "labels:\n  a: b\r\n  x: w\r\ne: f\r\n");
    changes("a:\r\n- b\r\n", |object| object["a"] = json!(["x", "b"]), "a:\r\n- x\r\n- b\r\n");
}

#[test]
fn missing_parents_are_written_in_the_style_of_the_document() {
    let deep = || set("/a/b", json!({"c": [{"name": "d"}]}));
    changes("a:\n  z: 1\n", deep(), "a:\n  z: 1\n  b:\n    c:\n      - name: d\n");
    changes("a:\n    z:\n    - 1\n", deep(), "a:\n    z:\n    - 1\n    b:\n        c:\n        - name: d\n");
    changes("x: y", set("/a", json!({"b": "c"})), "x: y\na:\n  b: c");
}

#[test]
fn items_of_lists_are_added_and_changed_in_their_place() {
    let item = || set("/a/-", json!({"name": "x", "value": "1"}));
    changes(
        "a:\n- name: b # c\n  value: d\n# e\nf: g\n",
        item(),
        "a:\n- name: b # c\n  value: d\n- name: x\n  value: \"1\"\n# e\nf: g\n",
    );
    changes("a:\n  -   name: b\n", item(), "a:\n  -   name: b\n  - name: x\n    value: \"1\"\n");
    changes("a: [] # c\n", item(), "a: # c\n  - name: x\n    value: \"1\"\n");
    changes("a: [{name: b}]\n", item(), "a: [{name: b}, {name: x, value: \"1\"}]\n");
    changes(
        "a:\n- name: b\n- name: c\n  value: d\n",
        set("/a/1/value", json!("e")),
        "a:\n- name: b\n- name: c\n  value: e\n",
    );
    changes("a:\n- b\n- c\n", |object| object["a"] = json!(["b", "x", "c"]), "a:\n- b\n- x\n- c\n");
    changes("a:\n- b\n", |object| object["a"] = json!(["x", "b"]), "a:\n- x\n- b\n");
}

#[test]
fn what_is_removed_takes_its_lines_with_it() {
    changes("a: b # c\nd: e\n", remove("/a"), "d: e\n");
    changes("# c\na: b\nd:\n  - e\n  # f\n  - g", remove("/d"), "# c\na: b");
    changes("a:\n- name: b\n  value: c\n- name: d\n", remove("/a/0/name"), "a:\n- value: c\n- name: d\n");
    changes("a:\n- name: b\n  value: c\n- name: d\n", remove("/a/0"), "a:\n- name: d\n");
    changes("a:\n- name: b\n  value: c\n- name: d\n", remove("/a/1"), "a:\n- name: b\n  value: c\n");
    changes("a: # b\n-\n  # c\n", remove("/a/0"), "a: [] # b\n  # c\n");
    changes("a:\n  # one\n  - b\ne: f\n", remove("/a/0"), "a: []\n  # one\ne: f\n");
    changes("a:\n  b: c\ne: f\n", remove("/a/b"), "a: {}\ne: f\n");
    changes("a: {b: c, d: e, f: g}\n", remove("/a/b"), "a: {d: e, f: g}\n");
    changes("a: {b: c, d: e, f: g}\n", remove("/a/f"), "a: {b: c, d: e}\n");
    changes("a: [b, c]\n", remove("/a/0"), "a: [c]\n");
    changes("a: [b]\n", remove("/a/0"), "a: []\n");
}

#[test]
fn one_member_can_take_the_place_of_another() {
    changes(
        "env:\n- name: a\n  valueFrom:\n    secretKeyRef: {name: b}\n- name: c\n",
        |object| object["env"][0] = json!({"name": "a", "value": "d"}),
        "env:\n- name: a\n  value: d\n- name: c\n",
    );
    changes("a: {b: c}\n", set("/a", json!({"x": "z"})), "a: {x: z}\n");
    changes("a:\n  b: c\n", set("/a", json!({"x": "z"})), "a:\n  x: z\n");
    changes("a:\n  b: c\n", set("/a", json!("d")), "a: d\n");
    changes("a:\n- b\n", set("/a", json!({"x": "z"})), "a:\n  x: z\n");
    changes("a:\n- b\n- c\n", |object| object["a"] = json!(["x", "c", "d"]), "a:\n- x\n- c\n- d\n");
    changes("a: b # c\n", set("/a", json!(["d"])), "a: # c\n  - d\n");
}

#[test]
fn lines_are_added_below_removed_ones() {
    changes(
        "a:\n  b:\n  - c\n  - d # gone\ne: f\n",
        |object| {
            object["a"]["b"] = json!(["c"]);
            object["a"]["x"] = json!({"w": "z"});
        },
        "a:\n  b:\n  - c\n  x:\n    w: z\ne: f\n",
    );
    changes(
        "a:\n  b:\n  - c\n  - d",
        |object| {
            object["a"]["b"] = json!(["c"]);
            object["a"]["x"] = json!("w");
            object["z"] = json!("z");
        },
        "a:\n  b:\n  - c\n  x: w\nz: z",
    );
}

#[test]
fn json_stays_json() {
    let label = |object: &mut Value| object["labels"]["x"] = json!({"y": ["z"]});
    for (before, after) in [
        (
            r#"{"apiVersion":"v1","kind":"A","labels":{"a":"b"}}"#,
            r#"{"apiVersion":"v1","kind":"A","labels":{"a":"b","x":{"y":["z"]}}}"#,
        ),
        (
            r#"{"apiVersion": "v1", "kind": "A", "labels": {}}"#,
            r#"{"apiVersion": "v1", "kind": "A", "labels": {"x":{"y":["z"]}}}"#,
        ),
        (
            "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"A\",\n\t\"labels\": {\n\t\t\"a\": \"b\"\n\t}\n}\n",
            "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"A\",\n\t\"labels\": {\n\t\t\"a\": \"b\",\n\t\t\"x\": {\n\t\t\t\"y\": [\n\t\t\t\t\"z\"\n\t\t\t]\n\t\t}\n\t}\n}\n",
        ),
        (
            " \n{\"apiVersion\": \"v1\", \"kind\": \"A\", \"labels\": {}}\n",
            " \n{\"apiVersion\": \"v1\", \"kind\": \"A\", \"labels\": {\"x\":{\"y\":[\"z\"]}}}\n",
        ),
        (
            "{\n    \"apiVersion\": \"v1\",\n    \"kind\": \"A\",\n    \"labels\": {\n        \"a\": \"b\"\n    }\n}\n",
            "{\n    \"apiVersion\": \"v1\",\n    \"kind\": \"A\",\n    \"labels\": {\n        \"a\": \"b\",\n        \"x\": {\n            \"y\": [\n                \"z\"\n            ]\n        }\n    }\n}\n",
        ),
    ] {
        let mut new = read(before);
        label(&mut new);
        assert_eq!(rewritten(before, &new).unwrap(), after);
    }
}

#[test]
fn a_scalar_of_a_merge_key_can_be_overridden() {
    let before = "x: &x {b: c, d: e}\na:\n  <<: *x\n  f: g\n";
    changes(before, set("/a/b", json!("h")), "x: &x {b: c, d: e}\na:\n  <<: *x\n  f: g\n  b: h\n");
}

#[test]
fn what_is_written_once_and_read_twice_is_declined() {
    for (text, change) in [
        ("a: &a {b: c}\nd: *a\n", Box::new(set("/a/b", json!("x"))) as Box<dyn FnOnce(&mut Value)>),
        ("a: &a {b: c}\nd: *a\n", Box::new(set("/d/b", json!("x")))),
        ("a: &a {b: c}\nd:\n  <<: *a\n", Box::new(remove("/d/b"))),
        ("a: &a {b: {c: d}}\nd:\n  <<: *a\n", Box::new(set("/d/b/x", json!("y")))),
        ("a: &a {b: [c]}\nd: {<<: *a}\n", Box::new(set("/d/b/-", json!("y")))),
    ] {
        let text = format!("apiVersion: v1\nkind: A\n{text}");
        let mut new = read(&text);
        change(&mut new);
        assert!(rewritten(&text, &new).is_err(), "{text}");
    }
}

/// Writes a value with random layouts: block and flow style, quotes, comments, empty lines, indentation.
struct Writer {
    choices: Vec<u8>,
    next: usize,
    step: usize,
    text: String,
}

impl Writer {
    fn choose(&mut self, of: u8) -> u8 {
        self.next += 1;
        self.choices.get(self.next % self.choices.len()).map_or(0, |choice| choice % of)
    }

    fn start_member(&mut self, index: usize, is_item: bool, column: usize) {
        match (index, is_item) {
            (0, true) => self.text += " ",
            (0, false) => {
                self.comment(column);
                self.text += &" ".repeat(column);
            }
            _ => self.text += &" ".repeat(column),
        }
    }

    fn quotes(&mut self) -> &'static str {
        if self.choose(3) == 0 { "\"" } else { "" }
    }

    fn comment(&mut self, column: usize) {
        match self.choose(8) {
            0 => self.text += " # a comment: with a colon\n",
            1 => self.text += &format!("\n{}# - a comment {{\n", " ".repeat(column)),
            2 => self.text += "\n\n",
            _ => self.text += "\n",
        }
    }

    fn flow(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                self.text += "{";
                for (index, (key, member)) in members.iter().enumerate() {
                    self.text += separator(index);
                    let quotes = self.quotes();
                    self.text += &format!("{quotes}{key}{quotes}: ");
                    self.flow(member);
                }
                self.text += "}";
            }
            Value::Array(items) => {
                self.text += "[";
                for (index, item) in items.iter().enumerate() {
                    self.text += separator(index);
                    self.flow(item);
                }
                self.text += "]";
            }
            scalar => self.scalar(scalar),
        }
    }

    fn scalar(&mut self, scalar: &Value) {
        let choice = self.choose(4);
        self.text += &match scalar {
            Value::String(text) if choice == 0 => format!("'{text}'"),
            Value::String(text) if choice == 1 && super::format::is_plain(text) => text.clone(),
            other => other.to_string(),
        };
    }

    /// Writes a value after a colon or a dash; what is nested is in at least this column.
    fn value(&mut self, value: &Value, column: usize, is_item: bool) {
        match value {
            Value::Object(members) if !members.is_empty() && self.choose(4) > 0 => {
                let column = if is_item { column } else { column + self.step };
                for (index, (key, member)) in members.iter().enumerate() {
                    self.start_member(index, is_item, column);
                    self.text += &format!("{key}:");
                    self.value(member, column, false);
                }
            }
            Value::Array(items) if !items.is_empty() && !is_item && self.choose(4) > 0 => {
                let column = column + usize::from(self.choose(2)) * self.step;
                self.comment(column);
                for item in items {
                    self.text += &format!("{}-", " ".repeat(column));
                    self.value(item, column + 2, true);
                }
            }
            Value::String(text) if self.choose(6) == 0 && !text.is_empty() => {
                self.text += &format!(" |-\n{}{text}\n", " ".repeat(column + 2));
            }
            Value::Null if self.choose(2) == 0 => self.comment(column),
            other => {
                self.text += " ";
                self.flow(other);
                self.comment(column);
            }
        }
    }
}

fn separator(index: usize) -> &'static str {
    if index > 0 { ", " } else { "" }
}

fn document(spec: &Value, choices: Vec<u8>) -> String {
    let step = if choices[0].is_multiple_of(2) { 2 } else { 4 };
    let mut writer = Writer { choices, next: 0, step, text: "apiVersion: v1\nkind: A\nspec:".to_owned() };
    writer.value(spec, 0, false);
    if writer.choose(2) == 0 {
        writer.text += "# the end\nlast: 1";
    }
    writer.text
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        "[a-m]{0,6}".prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        (0..100).prop_map(Value::from),
        Just(Value::Null),
    ];
    scalar.prop_recursive(4, 24, 5, |inner| {
        let named = ("[a-m]{1,3}", inner.clone()).prop_map(|(name, value)| json!({"name": name, "value": value}));
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(named, 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-m]{1,3}", inner, 0..5)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// Changes a value at random places.
fn changed(value: &mut Value, choices: &mut impl Iterator<Item = u8>, new: &Value) {
    let choice = choices.next().unwrap_or(9) % 10;
    match value {
        Value::Object(members) => {
            let key = members.keys().nth(usize::from(choice) % members.len().max(1)).cloned();
            match (choice, key) {
                (0, Some(key)) => drop(members.remove(&key)),
                (1 | 2, _) => drop(members.insert("new".to_owned(), new.clone())),
                (3, Some(key)) => drop(members.insert(key, new.clone())),
                _ => members.values_mut().for_each(|member| changed(member, choices, new)),
            }
        }
        Value::Array(items) => match choice {
            0 if !items.is_empty() => drop(items.remove(usize::from(choice) % items.len())),
            1 | 2 => items.push(new.clone()),
            3 | 4 if !items.is_empty() => {
                let place = |choice: u8, count: usize| usize::from(choice) % count;
                drop(items.remove(place(choices.next().unwrap_or_default(), items.len())));
                items.insert(place(choices.next().unwrap_or_default(), items.len() + 1), new.clone());
            }
            _ => items.iter_mut().for_each(|item| changed(item, choices, new)),
        },
        scalar if choice < 3 => *scalar = new.clone(),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn any_layout_reads_as_the_changed_value(spec in value(), new in value(), layout in prop::collection::vec(any::<u8>(), 1..60), edits in prop::collection::vec(any::<u8>(), 1..40)) {
        let text = document(&spec, layout);
        let mut wanted = read(&text);
        prop_assert_eq!(&wanted["spec"], &spec, "{}", text);
        changed(&mut wanted["spec"], &mut edits.into_iter().cycle().take(200), &new);
        let result = rewritten(&text, &wanted);
        let result = result.map_err(|declined| TestCaseError::fail(format!("{declined:?}\n{text}\n{wanted}")))?;
        prop_assert_eq!(&read(&result), &wanted, "before:\n{}\nafter:\n{}", text, result);
        let comments = |text: &str| text.matches("# ").count();
        prop_assert!(comments(&result) <= comments(&text));
    }
}
