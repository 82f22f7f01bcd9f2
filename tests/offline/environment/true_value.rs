//! The true value of a variable, and whether it changes when a hidden source changes. Only a value that no hidden
//! source can change counts as known. References in a text are expanded as the kubelet expands them.

/// The true value of a variable.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TrueValue {
    /// Its text; `None` if the variable is not set.
    pub(crate) text: Option<String>,
    /// The start of the text that no hidden source can change.
    pub(crate) known_start: String,
    /// Can a Secret, or a file of another container, change it?
    pub(crate) depends_on_secret: bool,
    /// Can any other unknown source change it, or is it unknown whether a Secret sets it?
    pub(crate) depends_on_unknown: bool,
}

/// The origin of a hidden text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Origin {
    /// A Secret, or a file that another container writes.
    Secret,
    /// Any other source.
    Unknown,
}

impl TrueValue {
    pub(crate) fn known(text: String) -> Self {
        Self { known_start: text.clone(), text: Some(text), depends_on_secret: false, depends_on_unknown: false }
    }

    pub(crate) fn hidden(text: &str, origin: Origin) -> Self {
        let is_secret = origin == Origin::Secret;
        Self {
            text: Some(text.to_owned()),
            known_start: String::new(),
            depends_on_secret: is_secret,
            depends_on_unknown: !is_secret,
        }
    }

    /// The same value, but hidden sources of these origins may override it.
    pub(crate) fn maybe_overridden_by(mut self, origins: &[Origin]) -> Self {
        if !origins.is_empty() {
            self.known_start.clear();
            self.depends_on_unknown = true;
        }
        self.depends_on_secret |= origins.contains(&Origin::Secret);
        self
    }

    /// Is it the same, whatever hidden sources contain?
    pub(crate) fn is_known(&self) -> bool {
        !self.depends_on_secret && !self.depends_on_unknown
    }

    /// Appends another value to this one.
    fn append(&mut self, other: Self) {
        if self.is_known() {
            self.known_start.push_str(&other.known_start);
        }
        self.text.get_or_insert_default().push_str(&other.text.unwrap_or_default());
        self.depends_on_secret |= other.depends_on_secret;
        self.depends_on_unknown |= other.depends_on_unknown;
    }
}

/// Expands references as `third_party/forked/golang/expansion` does: one pass from left to right. `$$` becomes `$`.
/// `$(X)` becomes the value of X, or stays if X is not set. Any other `$` stays, and so does a malformed reference.
pub(crate) fn expanded(value: &str, true_value: impl Fn(&str) -> TrueValue) -> TrueValue {
    let (mut whole, mut rest) = (TrueValue::known(String::new()), value);
    while let Some((before, after)) = rest.split_once('$') {
        whole.append(TrueValue::known(before.to_owned()));
        rest = if let Some(after) = after.strip_prefix('$') {
            whole.append(TrueValue::known("$".to_owned()));
            after
        } else if let Some((name, after)) = after.strip_prefix('(').and_then(|after| after.split_once(')')) {
            whole.append(dereferenced(name, true_value(name)));
            after
        } else {
            whole.append(TrueValue::known("$".to_owned()));
            after
        };
    }
    whole.append(TrueValue::known(rest.to_owned()));
    whole
}

/// What `$(name)` expands to: the value of the variable, or the reference itself if the variable is not set.
fn dereferenced(name: &str, value: TrueValue) -> TrueValue {
    if value.text.is_some() {
        return value;
    }
    let written = format!("$({name})");
    let known_start = if value.is_known() { written.clone() } else { String::new() };
    TrueValue { known_start, text: Some(written), ..value }
}
