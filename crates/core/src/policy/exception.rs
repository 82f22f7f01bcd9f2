//! Exceptions of a policy document: a rule that is in audit for some objects until a date.

use super::Rule;
use super::document_value::{Checked, NamespaceName, Reason, RuleId, TextFormat};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;
use std::time::SystemTime;
use strum::{IntoStaticStr, VariantArray};

/// For how many days before its last one an exception is reported.
pub const EXPIRING_DAYS: i8 = 14;

/// A rule that is in audit for some objects. Only the policy document has exceptions: no tenant can write one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Id of the rule; `None` for every rule.
    pub rule: Option<&'static str>,
    /// The namespace of the objects.
    pub namespace: String,
    /// The name of the objects; `*` in it stands for any characters.
    pub name: String,
    /// Why it is necessary.
    pub reason: String,
    /// The last day on which it applies, in UTC.
    pub expires: Date,
    /// Its line in the document, from 1.
    pub line: u64,
    /// Its column in the document, from 1.
    pub column: u64,
}

/// Whether an exception applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum ExceptionState {
    /// It applies.
    Active,
    /// It applies for at most [`EXPIRING_DAYS`] days more.
    Expiring,
    /// It does not apply any more.
    Expired,
}

impl ExceptionState {
    /// Its name as metrics write it.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Every state.
    pub fn all() -> &'static [Self] {
        Self::VARIANTS
    }
}

impl Exception {
    /// Whether it applies on the day `today`.
    pub fn state(&self, today: Date) -> ExceptionState {
        match () {
            () if self.expires < today => ExceptionState::Expired,
            () if self.expires <= today.saturating_add(EXPIRING_DAYS.days()) => ExceptionState::Expiring,
            () => ExceptionState::Active,
        }
    }

    /// Whether it takes `rule` out of enforcement for an object on the day `today`.
    pub(super) fn covers(&self, rule: &Rule, namespace: &str, name: &str, today: Date) -> bool {
        self.namespace == namespace
            && self.rule.is_none_or(|id| id == rule.id)
            && self.expires >= today
            && matches(&self.name, name)
    }

    /// What to do about an exception that has expired or expires soon; `None` if it stays active.
    pub fn problem(&self, today: Date) -> Option<String> {
        let (rule, expires) = (self.rule.unwrap_or(EVERY_RULE), self.expires);
        let object = format!("\"{}\" in namespace {}", self.name, self.namespace);
        match self.state(today) {
            ExceptionState::Active => None,
            ExceptionState::Expiring => Some(format!(
                "Fix {object}, or set a later date: the exception from {rule} ends after {expires}, and then the rule \
                 has its own mode again"
            )),
            ExceptionState::Expired => Some(format!(
                "Remove the exception from {rule} for {object}, or set a later date: it ended after {expires} and has \
                 no effect"
            )),
        }
    }
}

/// Stands in the document for every rule.
const EVERY_RULE: &str = "*";

/// The day on which `moment` is, in UTC. A moment that no calendar has counts as the last day, on which no exception
/// applies.
pub fn utc_date(moment: SystemTime) -> Date {
    Timestamp::try_from(moment).map_or(Date::MAX, |moment| moment.to_zoned(TimeZone::UTC).date())
}

/// Whether `pattern`, in which `*` stands for any characters, matches the whole of `text`. The cost is linear in `text`
/// for each part of the pattern.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*') {
        let Some((_, after)) = text.split_once(part) else { return false };
        text = after;
    }
    text.ends_with(last)
}

/// An exception as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExceptionEntry {
    rule: ExceptedRule,
    namespace: Checked<NamespaceName>,
    name: Checked<Pattern>,
    reason: Checked<Reason>,
    expires: Checked<Date>,
}

impl ExceptionEntry {
    pub(super) fn exception(entry: Spanned<Self>) -> Exception {
        let (line, column) = (entry.referenced.line(), entry.referenced.column());
        let Self { rule, namespace, name, reason, expires } = entry.value;
        Exception {
            rule: rule.0,
            namespace: namespace.0.0,
            name: name.0.0,
            reason: reason.0.0,
            expires: expires.0,
            line,
            column,
        }
    }
}

/// The id of a rule, or `*`.
struct ExceptedRule(Option<&'static str>);

impl<'de> Deserialize<'de> for ExceptedRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == EVERY_RULE {
            return Ok(Self(None));
        }
        RuleId::deserialize(serde::de::value::StringDeserializer::new(text)).map(|rule| Self(Some(rule.0)))
    }
}

/// The name of objects, with `*` for any characters.
struct Pattern(String);

impl TextFormat for Pattern {
    const DESCRIPTION: &'static str =
        "the name of an object: up to 253 lowercase letters, digits, - and ., and * for any characters";

    fn read(text: &str) -> Option<Self> {
        let is_allowed = |one: u8| one.is_ascii_lowercase() || one.is_ascii_digit() || b"-.*".contains(&one);
        ((1..=253).contains(&text.len()) && text.bytes().all(is_allowed)).then(|| Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use std::time::Duration;

    fn exception(rule: Option<&'static str>, name: &str) -> Exception {
        let (namespace, reason) = ("team-a".to_owned(), "r".to_owned());
        Exception { rule, namespace, name: name.to_owned(), reason, expires: date(2027, 1, 31), line: 1, column: 1 }
    }

    #[test]
    fn an_exception_applies_until_the_end_of_its_last_day() {
        for (today, state) in [
            (date(2027, 1, 16), ExceptionState::Active),
            (date(2027, 1, 17), ExceptionState::Expiring),
            (date(2027, 1, 31), ExceptionState::Expiring),
            (date(2027, 2, 1), ExceptionState::Expired),
            (Date::MAX, ExceptionState::Expired),
        ] {
            let exception = exception(None, "*");
            assert_eq!(exception.state(today), state, "{today}");
            assert_eq!(exception.problem(today).is_none(), state == ExceptionState::Active);
            let is_covered = exception.covers(super::super::rules::RULES[0], "team-a", "orders", today);
            assert_eq!(is_covered, state != ExceptionState::Expired, "{today}");
        }
    }

    #[test]
    fn an_exception_covers_its_rule_and_its_objects() {
        let rule = super::super::rules::RULES[0];
        let today = date(2027, 1, 1);
        for (id, pattern, namespace, name, expected) in [
            (Some(rule.id), "orders", "team-a", "orders", true),
            (Some(rule.id), "orders", "team-a", "orders-2", false),
            (Some(rule.id), "orders", "team-b", "orders", false),
            (Some("unsupported-version"), "orders", "team-a", "orders", false),
            (None, "orders-*", "team-a", "orders-2", true),
            (None, "orders-*", "team-a", "orders", false),
        ] {
            assert_eq!(
                exception(id, pattern).covers(rule, namespace, name, today),
                expected,
                "{pattern} {namespace}/{name}"
            );
        }
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "orders", true),
            ("a*", "a", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*-env", "orders-env", true),
            ("*-env", "orders-env-2", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("a**c", "abc", true),
            ("a*bc*c", "abc", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_day_of_a_moment_is_that_of_utc() {
        let at = |seconds| utc_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!((at(0), at(86_399), at(86_400)), (date(1970, 1, 1), date(1970, 1, 1), date(1970, 1, 2)));
    }
}
