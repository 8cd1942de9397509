//! What can be counted and measured: each instrument is named once, as OpenTelemetry names it, and Prometheus's name of it follows
//! by OpenTelemetry's own rule (points become underscores, the unit and `total` are appended).
//!
//! Values are shared and atomic, so that whoever reads them waits for nobody.

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{CounterVec, GaugeVec, HistogramOpts, HistogramVec, Opts, TextEncoder};
use std::fmt;

/// The prefix of our own names, which labels in Prometheus go without.
const OWN: &str = "pocketpilot.";

/// What kind of instrument.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// It only grows, from the beginning of this process.
    Counter,
    /// It is what it is now.
    Gauge,
    /// How often values up to each of these bounds were seen.
    Histogram(&'static [f64]),
}

/// An instrument.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Definition {
    /// Its name, in OpenTelemetry's way.
    pub name: &'static str,
    /// Its unit, in UCUM's.
    pub unit: &'static str,
    /// What it says.
    pub help: &'static str,
    /// What kind it is.
    pub kind: Kind,
    /// The names of its attributes, in OpenTelemetry's way.
    pub keys: &'static [&'static str],
}

/// All instruments of a run, in the order in which they were made.
#[derive(Default)]
pub struct Instruments(Vec<(Definition, Box<dyn Collector>)>);

impl Definition {
    /// What Prometheus calls it.
    pub fn prometheus_name(&self) -> String {
        let unit = match (self.unit, self.kind) {
            ("s", _) => "_seconds",
            ("By", _) => "_bytes",
            ("1", Kind::Gauge) => "_ratio",
            _ => "",
        };
        let total = if self.kind == Kind::Counter { "_total" } else { "" };
        format!("{}{unit}{total}", self.name.replace('.', "_"))
    }

    /// What Prometheus calls its attributes.
    pub fn labels(&self) -> Vec<String> {
        self.keys.iter().map(|key| label(key)).collect()
    }

    /// The attribute that Prometheus calls so.
    pub fn key_of(&self, label_name: &str) -> &'static str {
        self.keys.iter().find(|key| label(key) == label_name).copied().unwrap_or_default()
    }
}

impl Instruments {
    /// Makes a counter.
    pub fn counter(
        &mut self,
        name: &'static str,
        unit: &'static str,
        keys: &'static [&'static str],
        help: &'static str,
    ) -> CounterVec {
        let (definition, options, labels) = prepare(Definition { name, unit, help, kind: Kind::Counter, keys });
        let made = CounterVec::new(options, &borrowed(&labels)).expect("names of instruments are tested");
        self.0.push((definition, Box::new(made.clone())));
        made
    }

    /// Makes a gauge.
    pub fn gauge(
        &mut self,
        name: &'static str,
        unit: &'static str,
        keys: &'static [&'static str],
        help: &'static str,
    ) -> GaugeVec {
        let (definition, options, labels) = prepare(Definition { name, unit, help, kind: Kind::Gauge, keys });
        let made = GaugeVec::new(options, &borrowed(&labels)).expect("names of instruments are tested");
        self.0.push((definition, Box::new(made.clone())));
        made
    }

    /// Makes a histogram with these bounds.
    pub fn histogram(
        &mut self,
        (name, bounds): (&'static str, &'static [f64]),
        unit: &'static str,
        keys: &'static [&'static str],
        help: &'static str,
    ) -> HistogramVec {
        let (definition, options, labels) =
            prepare(Definition { name, unit, help, kind: Kind::Histogram(bounds), keys });
        let options = HistogramOpts::from(options).buckets(bounds.to_vec());
        let made = HistogramVec::new(options, &borrowed(&labels)).expect("names of instruments are tested");
        self.0.push((definition, Box::new(made.clone())));
        made
    }

    /// Each instrument that has values, with them.
    pub fn families(&self) -> impl Iterator<Item = (&Definition, MetricFamily)> {
        let collected =
            self.0.iter().flat_map(|(definition, made)| made.collect().into_iter().map(move |it| (definition, it)));
        collected.filter(|(_, family)| !family.get_metric().is_empty())
    }

    /// All values in Prometheus's text format, 0.0.4.
    pub fn text(&self) -> String {
        let families: Vec<MetricFamily> = self.families().map(|(_, family)| family).collect();
        TextEncoder::new().encode_to_string(&families).unwrap_or_else(|error| {
            tracing::warn!("metrics cannot be written: {error}");
            String::new()
        })
    }

    /// Each instrument.
    #[cfg(test)]
    pub fn definitions(&self) -> impl Iterator<Item = &Definition> {
        self.0.iter().map(|(definition, _)| definition)
    }
}

impl fmt::Debug for Instruments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.0.iter().map(|(definition, _)| definition.name)).finish()
    }
}

fn prepare(definition: Definition) -> (Definition, Opts, Vec<String>) {
    (definition, Opts::new(definition.prometheus_name(), definition.help), definition.labels())
}

fn borrowed(labels: &[String]) -> Vec<&str> {
    labels.iter().map(String::as_str).collect()
}

fn label(key: &str) -> String {
    key.strip_prefix(OWN).unwrap_or(key).replace('.', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_names_carry_unit_and_total() {
        let named = |name, unit, kind| Definition { name, unit, help: "", kind, keys: &[] }.prometheus_name();
        assert_eq!(named("a.steps", "{step}", Kind::Counter), "a_steps_total");
        assert_eq!(named("a.time", "s", Kind::Counter), "a_time_seconds_total");
        assert_eq!(named("a.memory", "By", Kind::Gauge), "a_memory_bytes");
        assert_eq!(named("a.hits", "1", Kind::Gauge), "a_hits_ratio");
        assert_eq!(named("a.duration", "s", Kind::Histogram(&[])), "a_duration_seconds");
    }

    #[test]
    fn values_are_told_with_help_type_and_escaped_labels() {
        let mut all = Instruments::default();
        let calls = all.counter("pocketpilot.calls", "{call}", &["pocketpilot.tier", "error.type"], "Calls.");
        all.gauge("pocketpilot.unset", "", &["pocketpilot.game"], "Never set.");
        calls.with_label_values(&["a\"b\n", ""]).inc_by(2.0);
        let told = all.text();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(
            lines,
            [
                "# HELP pocketpilot_calls_total Calls.",
                "# TYPE pocketpilot_calls_total counter",
                "pocketpilot_calls_total{error_type=\"\",tier=\"a\\\"b\\n\"} 2"
            ]
        );
    }
}
