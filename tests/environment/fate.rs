//! What a variable is truly set to, and whether it would be another if hidden things held something else: only where it
//! wouldn't may anybody say that it has seen it. References in a text are expanded as the kubelet does.

/// What a name is set to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fate {
    /// Its true text; `None` if it is not set.
    pub(crate) text: Option<String>,
    /// What the text begins with, whatever hidden things hold.
    pub(crate) known: String,
    /// Could it be another if a Secret, or a file of another container, held something else?
    pub(crate) is_secret: bool,
    /// Could it be another if anything else that isn't seen were different, or is it unseen whether a Secret sets it?
    pub(crate) is_unseen: bool,
}

/// Where a hidden text is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Origin {
    /// In a Secret, or in a file that another container writes.
    Secret,
    /// Elsewhere.
    Unseen,
}

impl Fate {
    pub(crate) fn seen(text: String) -> Self {
        Self { known: text.clone(), text: Some(text), is_secret: false, is_unseen: false }
    }

    pub(crate) fn hidden(text: &str, origin: Origin) -> Self {
        let is_secret = origin == Origin::Secret;
        Self { text: Some(text.to_owned()), known: String::new(), is_secret, is_unseen: !is_secret }
    }

    /// The same, but that something of `origins` might have made it another; whether it has can't be seen.
    pub(crate) fn doubted(mut self, origins: &[Origin]) -> Self {
        if !origins.is_empty() {
            self.known.clear();
            self.is_unseen = true;
        }
        self.is_secret |= origins.contains(&Origin::Secret);
        self
    }

    /// Would it be the same, whatever hidden things hold?
    pub(crate) fn is_seen(&self) -> bool {
        !self.is_secret && !self.is_unseen
    }

    /// This text, and then another one.
    fn followed_by(&mut self, other: Self) {
        if self.is_seen() {
            self.known.push_str(&other.known);
        }
        self.text.get_or_insert_default().push_str(&other.text.unwrap_or_default());
        self.is_secret |= other.is_secret;
        self.is_unseen |= other.is_unseen;
    }
}

/// `third_party/forked/golang/expansion`: from left to right, nothing twice. `$$` is `$`, `$(X)` what X is set to, or
/// itself if it isn't; any other `$` stays, and so does what can't be a reference.
pub(crate) fn expanded(value: &str, fate: impl Fn(&str) -> Fate) -> Fate {
    let (mut whole, mut rest) = (Fate::seen(String::new()), value);
    while let Some((before, after)) = rest.split_once('$') {
        whole.followed_by(Fate::seen(before.to_owned()));
        rest = if let Some(after) = after.strip_prefix('$') {
            whole.followed_by(Fate::seen("$".to_owned()));
            after
        } else if let Some((name, after)) = after.strip_prefix('(').and_then(|after| after.split_once(')')) {
            whole.followed_by(referred(name, fate(name)));
            after
        } else {
            whole.followed_by(Fate::seen("$".to_owned()));
            after
        };
    }
    whole.followed_by(Fate::seen(rest.to_owned()));
    whole
}

/// What `$(name)` becomes: what the name is set to, or if it isn't, itself.
fn referred(name: &str, fate: Fate) -> Fate {
    if fate.text.is_some() {
        return fate;
    }
    let written = format!("$({name})");
    Fate { known: if fate.is_seen() { written.clone() } else { String::new() }, text: Some(written), ..fate }
}
