//! The figures of all benches that are compared from run to run, and what those that can be judged must keep to.
//!
//! Only what compares two things within one run, and counts of instructions, are judged: what a time is, is the machine's doing.
//! Bounds are wide: they hold in development builds and on a machine that does something else meanwhile.

use serde::Serialize;
use serde_json::Value;

/// Which way a figure should go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Up.
    Higher,
    /// Down.
    Lower,
}

/// What a figure must keep to.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// The least of a figure that is better when it is higher, the most of another.
    pub at: f64,
    /// Why it can be judged, and why there.
    pub why: &'static str,
}

/// A figure.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Where it stands below `benches`; `*` is each of a group.
    pub path: &'static str,
    /// Which way it should go.
    pub better: Better,
    /// What it must keep to.
    pub bound: Option<Bound>,
    /// Whether it may be missing, because it needs what not every machine has.
    pub is_optional: bool,
}

/// A figure that does not keep to its bound.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Broken {
    /// Which.
    pub figure: String,
    /// Its value; none where it is missing.
    pub value: Option<f64>,
    /// Its bound.
    pub bound: f64,
    /// What is wrong, in words.
    pub says: String,
}

const fn told(path: &'static str, better: Better) -> Figure {
    Figure { path, better, bound: None, is_optional: true }
}

const fn faster(path: &'static str) -> Figure {
    told(path, Better::Higher)
}

const fn shorter(path: &'static str) -> Figure {
    told(path, Better::Lower)
}

const fn at_least(path: &'static str, at: f64, why: &'static str) -> Figure {
    Figure { path, better: Better::Higher, bound: Some(Bound { at, why }), is_optional: false }
}

const fn at_most(path: &'static str, at: f64, why: &'static str) -> Figure {
    Figure { path, better: Better::Lower, bound: Some(Bound { at, why }), is_optional: false }
}

const fn where_there(figure: Figure) -> Figure {
    Figure { is_optional: true, ..figure }
}

/// All of them.
pub const FIGURES: &[Figure] = &[
    shorter("decode/p50_us"),
    shorter("decode/p99_us"),
    at_least(
        "bridge/published_to_bare",
        0.5,
        "both take turns on one core; publishing a frame copies it, and must not cost as much as emulating it",
    ),
    faster("bridge/bare_frames_per_s"),
    faster("bridge/published_frames_per_s"),
    at_most(
        "skills/turn_to_bare_p50",
        20.0,
        "both take turns between the same two processes; a script's turn is a few round trips, not dozens",
    ),
    shorter("skills/turn_us/p50"),
    shorter("skills/turn_us/p99"),
    shorter("skills/without_a_script_us/p50"),
    at_least("recall/recall_at_10/all", 0.97, "the same vectors give the same graph; ids are compared, not times"),
    at_least("recall/memory/less", 0.3, "mapped and loaded in one process; silos this small leave little to save"),
    at_least(
        "recall/python/exact_to_index_p50",
        0.5,
        "the same queries in one process: an index that takes twice as long as looking at everything is none",
    ),
    where_there(at_most(
        "recall/python/hnsw/ratio_p50",
        2.0,
        "ours and Python's in turns, on the same file, by the same library",
    )),
    shorter("recall/served/search_us/p50"),
    shorter("recall/served/search_us/p99"),
    shorter("recall/served/role_anonymous_kib"),
    at_least(
        "router/remote/games/8/router/times_sequential",
        2.5,
        "the model only sleeps: eight games ask at once, and 7.4 times was measured",
    ),
    at_least("router/remote/games/8/cached/times_sequential", 3.0, "the same with caches: 17 times was measured"),
    at_least(
        "router/batched/games/8/router/times_sequential",
        2.0,
        "a batch of eight takes 420 ms where eight alone take 2,520: 5.9 times was measured",
    ),
    at_least("router/batched/games/8/cached/times_sequential", 2.5, "the same with caches: 14.7 times was measured"),
    at_least("router/saved/saved_share", 0.3, "decisions are counted, not timed: 0.74 was measured over whole games"),
    at_most("router/saved/differing_share", 0.05, "kept answers are compared with the model's own: 0.004 was measured"),
    at_least("router/overload/slowest_of_fair_share", 0.3, "games wait in turn: 0.99 was measured"),
    shorter("router/waiting/cheap/wait_us/p50"),
    shorter("router/waiting/cheap/wait_us/p99"),
    shorter("router/waiting/batched/wait_us/p50"),
    at_least(
        "models/reader/batch_of_8_to_1",
        0.2,
        "pictures a second, eight at a time and alone, in one process; several cores help, but may be busy: 0.7 then",
    ),
    shorter("models/reader/rows/0/p50_ms"),
    shorter("models/reader/rows/0/p99_ms"),
    faster("models/reader/rows/3/pictures_per_s"),
    at_most(
        "telemetry/share_of_run_cpu_percent",
        10.0,
        "lines and run in the same minute: telling what is done must cost far less than doing it",
    ),
    shorter("telemetry/step_event_ns/p50"),
    shorter("telemetry/step_event_ns/p99"),
    shorter("telemetry/step_event_undisturbed_ns/p99"),
    shorter("telemetry/small_event_ns/p50"),
    shorter("telemetry/step_event_bytes"),
    shorter("telemetry/run_cpu_ms"),
    shorter("loop/run_s"),
    shorter("loop/overhead_us/p50"),
    shorter("loop/overhead_us/p99"),
    shorter("loop/skill_us/p50"),
    shorter("loop/total_us/p50"),
    shorter("loop/total_us/p99"),
    shorter("instructions/counts/*/instructions"),
    where_there(at_most(
        "instructions/counts/*/to_budget",
        1.15,
        "callgrind counts the same instructions on every day; what a C library or compiler changes is less than this",
    )),
];

impl Figure {
    /// Its values among those of the benches, each with its whole name.
    pub fn found(&self, benches: &Value) -> Vec<(String, f64)> {
        let mut found = vec![(String::new(), benches)];
        for part in self.path.split('/') {
            found = found.into_iter().flat_map(|(name, value)| below(&name, value, part)).collect();
        }
        found.into_iter().filter_map(|(name, value)| Some((name, value.as_f64()?))).collect()
    }

    /// The bench that it is of.
    pub fn bench(&self) -> &'static str {
        self.path.split('/').next().unwrap_or(self.path)
    }
}

/// What breaks its bound. Of a bench that failed nothing is judged, nor of one that is not there.
pub fn broken(benches: &Value) -> Vec<Broken> {
    let is_there =
        |figure: &&Figure| benches[figure.bench()].is_object() && benches[figure.bench()]["failed"].is_null();
    FIGURES.iter().filter(is_there).flat_map(|figure| broken_of(figure, benches)).collect()
}

fn broken_of(figure: &Figure, benches: &Value) -> Vec<Broken> {
    let Some(Bound { at, why }) = figure.bound else { return Vec::new() };
    let found = figure.found(benches);
    if found.is_empty() && !figure.is_optional {
        let says = format!("{} was not measured; its bound is {at}", figure.path);
        return vec![Broken { figure: figure.path.to_string(), value: None, bound: at, says }];
    }
    let over = |value: f64| match figure.better {
        Better::Higher => (value < at).then_some("less than"),
        Better::Lower => (value > at).then_some("more than"),
    };
    let broken = found.into_iter().filter_map(|(name, value)| {
        let says = format!("{name} is {value}, {} {at}: {why}", over(value)?);
        Some(Broken { figure: name, value: Some(value), bound: at, says })
    });
    broken.collect()
}

fn below<'a>(name: &str, value: &'a Value, part: &str) -> Vec<(String, &'a Value)> {
    let named = |part: &str| if name.is_empty() { part.to_string() } else { format!("{name}/{part}") };
    match (value, part) {
        (Value::Object(group), "*") => group.iter().map(|(part, value)| (named(part), value)).collect(),
        (Value::Object(group), _) => group.get(part).map(|value| (named(part), value)).into_iter().collect(),
        (Value::Array(rows), _) => {
            let row = part.parse::<usize>().ok().and_then(|row| rows.get(row));
            row.map(|value| (named(part), value)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_figure_stands_once_and_bounds_have_reasons() {
        let mut paths: Vec<&str> = FIGURES.iter().map(|figure| figure.path).collect();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), FIGURES.len());
        assert!(FIGURES.iter().filter_map(|figure| figure.bound).all(|bound| bound.why.len() > 20 && bound.at > 0.0));
    }

    #[test]
    fn a_ratio_below_its_floor_or_above_its_ceiling_is_named_with_the_reason() {
        assert_eq!(broken(&json!({ "bridge": { "published_to_bare": 0.9 } })), []);
        let broken = broken(&json!({
            "bridge": { "published_to_bare": 0.25 },
            "instructions": { "counts": { "a": { "to_budget": 1.2 }, "b": { "to_budget": 1.1 } } },
        }));
        let names: Vec<&str> = broken.iter().map(|broken| broken.figure.as_str()).collect();
        assert_eq!(names, ["bridge/published_to_bare", "instructions/counts/a/to_budget"]);
        assert!(broken[0].says.contains("less than 0.5: both take turns"), "{}", broken[0].says);
    }

    #[test]
    fn a_ratio_that_is_no_longer_measured_is_broken_and_a_failed_bench_is_not_judged() {
        let missing = broken(&json!({ "bridge": {} }));
        assert_eq!((missing.len(), missing[0].value), (1, None));
        assert_eq!(
            broken(&json!({ "bridge": { "failed": "no core" }, "instructions": { "left_out": "no valgrind" } })),
            []
        );
    }

    #[test]
    fn times_are_never_judged() {
        let has_unit = |part: &str| ["_ns", "_us", "_ms", "_s"].iter().any(|unit| part.ends_with(unit));
        for figure in FIGURES.iter().filter(|figure| figure.bound.is_some()) {
            assert!(!figure.path.split('/').any(has_unit), "{}", figure.path);
        }
    }

    #[test]
    fn rows_and_groups_are_looked_into() {
        let benches = json!({ "models": { "reader": { "rows": [{ "p50_ms": 2.5 }] } }, "instructions": { "counts": {
            "a": { "instructions": 5 }, "b": { "instructions": 6 } } } });
        let found = |path| shorter(path).found(&benches);
        assert_eq!(found("models/reader/rows/0/p50_ms"), [("models/reader/rows/0/p50_ms".to_string(), 2.5)]);
        assert_eq!(found("instructions/counts/*/instructions").len(), 2);
        assert_eq!(found("models/reader/rows/1/p50_ms"), []);
    }
}
