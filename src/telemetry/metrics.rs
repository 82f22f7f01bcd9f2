//! Metrics in OpenMetrics text. Labels are bounded: no name of an object, a namespace or a user is one.

use super::{Connections, Upkeep};
use crate::admission::routes::Observer;
use crate::admission::{Answer, Entry, Verdict};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::sync::Arc;
use std::time::Duration;

/// The metric families of the server. Clones count into the same ones.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    reviews: Family<ReviewLabels, Counter>,
    rulings: Family<RulingLabels, Counter>,
    undecodable: Family<EntryLabels, Counter>,
    postponed: Family<EntryLabels, Counter>,
    duration: Family<EntryLabels, Histogram>,
    connections: Connections,
    upkeep: Upkeep,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EntryLabels {
    door: &'static str,
    mode: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReviewLabels {
    door: &'static str,
    mode: &'static str,
    kind: String,
    verdict: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RulingLabels {
    rule: &'static str,
    mode: &'static str,
}

impl EntryLabels {
    fn of(entry: Entry) -> Self {
        Self { door: entry.door.name(), mode: entry.mode.name() }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("apim_keyless");
        // a judgement takes tens of microseconds, so the buckets begin there (seconds)
        let buckets =
            || Histogram::new([0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.005, 0.025, 0.1, 1.0]);
        let duration = Family::new_with_constructor(buckets as fn() -> Histogram);
        let (reviews, rulings) = (Family::default(), Family::default());
        let (undecodable, postponed) = (Family::default(), Family::default());
        registry.register("reviews", "Reviews that were answered", reviews.clone());
        registry.register("rulings", "Faults that were found, by rule and by the mode that counted", rulings.clone());
        registry.register("undecodable", "Bodies that were no review", undecodable.clone());
        registry.register(
            "postponed",
            "Reviews that were put off, since their namespace was not seen yet",
            postponed.clone(),
        );
        registry.register_with_unit(
            "review_duration",
            "From the whole body to the answer",
            Unit::Seconds,
            duration.clone(),
        );
        let connections = Connections::default();
        connections.register(&mut registry);
        let upkeep = Upkeep::default();
        upkeep.register(&mut registry);
        registry.register("build", "The running build", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        Self { registry: Arc::new(registry), reviews, rulings, undecodable, postponed, duration, connections, upkeep }
    }
}

impl Metrics {
    /// Those of the listening side.
    pub fn connections(&self) -> Connections {
        self.connections.clone()
    }

    /// What is kept up beside the reviews.
    pub fn upkeep(&self) -> Upkeep {
        self.upkeep.clone()
    }

    /// Every family as OpenMetrics text.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        // writing to a String can't fail
        _ = encode(&mut text, &self.registry);
        text
    }
}

impl Observer for Metrics {
    fn answered(&self, entry: Entry, answer: &Answer, duration: Duration) {
        let (door, mode) = (entry.door.name(), entry.mode.name());
        let kind = answer.kind.map_or_else(|| "other".to_owned(), |kind| kind.to_string());
        self.reviews.get_or_create(&ReviewLabels { door, mode, kind, verdict: answer.verdict.name() }).inc();
        self.duration.get_or_create(&EntryLabels::of(entry)).observe(duration.as_secs_f64());
        if answer.verdict == Verdict::Failed {
            self.connections.panics.inc();
        }
        for ruling in &answer.rulings {
            self.rulings.get_or_create(&RulingLabels { rule: ruling.rule.id, mode: ruling.mode.name() }).inc();
        }
    }

    fn undecodable(&self, entry: Entry) {
        self.undecodable.get_or_create(&EntryLabels::of(entry)).inc();
    }

    fn postponed(&self, entry: Entry) {
        self.postponed.get_or_create(&EntryLabels::of(entry)).inc();
    }
}
