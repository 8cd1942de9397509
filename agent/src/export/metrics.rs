//! What a run does in numbers, counted from its log's lines from the beginning of this process on.
//!
//! The same lines give the same numbers. `docs/exports.md` lists them; a test compares.

use super::gen_ai::{self, Servers};
use super::instruments::Instruments;
use super::news::{News, StepNews};
use crate::run_log::parts;
use prometheus::{CounterVec, GaugeVec, HistogramVec};
use std::collections::BTreeMap;
use std::sync::Arc;
use wire::Instance;
use wire::event::{Event, Level};

const GAME: &str = "pocketpilot.game";
const ROLE: &str = "pocketpilot.role";
const TIER: &str = "pocketpilot.tier";
const MODEL: &str = "pocketpilot.model";

/// Bounds of what a step takes, in seconds.
const STEP_S: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Bounds of what is of our own making in it, in seconds.
const OVERHEAD_S: &[f64] =
    &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 10.0];
/// Bounds of a part of it, in seconds.
const PART_S: &[f64] =
    &[0.000_01, 0.000_025, 0.000_05, 0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0, 20.0];

/// What is known of the run from the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name.
    pub run: String,
    /// Who decides.
    pub brain: String,
    /// How many games it plays.
    pub instances: Instance,
}

/// Counts.
pub struct Metrics {
    all: Arc<Instruments>,
    play: Play,
    processes: Processes,
    models: Models,
    log: Log,
}

struct Play {
    steps: CounterVec,
    floors: CounterVec,
    lives: CounterVec,
    floor: GaugeVec,
    hit_points: GaugeVec,
    decisions: CounterVec,
    fallbacks: CounterVec,
    duration: HistogramVec,
    overhead: HistogramVec,
    part: HistogramVec,
}

struct Processes {
    up: GaugeVec,
    restarts: CounterVec,
    resident: GaugeVec,
    cpu: CounterVec,
    threads: GaugeVec,
    descriptors: GaugeVec,
    /// The life that was sampled last, and its processor time.
    sampled: BTreeMap<(String, String), (u32, u64)>,
}

struct Models {
    servers: Servers,
    calls: CounterVec,
    duration: HistogramVec,
    tokens: CounterVec,
    cost: CounterVec,
    hit_rate: GaugeVec,
    cache_bytes: GaugeVec,
    waiting: GaugeVec,
    token_usage: HistogramVec,
    operation_duration: HistogramVec,
}

struct Log {
    events: CounterVec,
    written: CounterVec,
    torn: CounterVec,
    raised: GaugeVec,
    dropped: CounterVec,
}

impl Metrics {
    /// Begins at nothing.
    pub fn new(about: &About) -> Metrics {
        let mut all = Instruments::default();
        let build = all.gauge("pocketpilot.build.info", "", &["pocketpilot.version"], "1; which program it is.");
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1.0);
        let run =
            all.gauge("pocketpilot.run.info", "", &["pocketpilot.run", "pocketpilot.brain"], "1; which run it is.");
        run.with_label_values(&[about.run.as_str(), about.brain.as_str()]).set(1.0);
        let (play, processes) = (Play::new(&mut all), Processes::new(&mut all));
        let (models, log) = (Models::new(&mut all), Log::new(&mut all));
        for game in 0..about.instances {
            // What is counted is there from the start, so that its first increase is seen.
            for counter in [&play.steps, &play.floors] {
                counter.with_label_values(&[game.to_string()]);
            }
        }
        log.torn.with_label_values::<&str>(&[]);
        log.dropped.with_label_values::<&str>(&[]);
        Metrics { all: Arc::new(all), play, processes, models, log }
    }

    /// The numbers.
    pub fn instruments(&self) -> Arc<Instruments> {
        self.all.clone()
    }

    /// Takes a line of so many bytes into account.
    pub fn take(&mut self, news: &News, bytes: usize) {
        self.log.written.with_label_values::<&str>(&[]).inc_by(bytes as f64);
        match news {
            News::Step(level, step) => {
                self.log.event(*level);
                self.play.step(step);
            }
            News::Other(line) => {
                self.log.event(line.level);
                let game = line.instance.map_or(String::new(), |game| game.to_string());
                self.play.take(&game, &line.event);
                self.processes.take(&game, &line.event);
                self.models.take(&line.event);
                self.log.take(&game, &line.event);
            }
            News::Unknown(level) => self.log.event(*level),
            News::Torn => self.log.torn.with_label_values::<&str>(&[]).inc(),
        }
    }

    /// Spans were dropped, because the collector did not take them.
    pub fn drop_spans(&self, count: u64) {
        self.log.dropped.with_label_values::<&str>(&[]).inc_by(count as f64);
    }
}

impl Play {
    fn new(all: &mut Instruments) -> Play {
        let cause = &[GAME, "pocketpilot.cause"];
        Play {
            steps: all.counter("pocketpilot.steps", "{step}", &[GAME], "Completed steps."),
            floors: all.counter(
                "pocketpilot.floors",
                "{floor}",
                &[GAME],
                "Floors entered for the first time in a life.",
            ),
            lives: all.counter("pocketpilot.lives", "{life}", &[GAME, "pocketpilot.outcome"], "Lives that ended."),
            floor: all.gauge("pocketpilot.floor", "", &[GAME], "The floor that is played."),
            hit_points: all.gauge("pocketpilot.hit_points", "", &[GAME], "The leader's hit points."),
            decisions: all.counter(
                "pocketpilot.decisions",
                "{decision}",
                &[GAME, "pocketpilot.source"],
                "Steps by what decided them: a model's answer by where it came from, else the brain.",
            ),
            fallbacks: all.counter(
                "pocketpilot.fallbacks",
                "{step}",
                cause,
                "Steps that no model decided although asked.",
            ),
            duration: all.histogram(("pocketpilot.step.duration", STEP_S), "s", &[GAME], "A step in all."),
            overhead: all.histogram(
                ("pocketpilot.step.overhead", OVERHEAD_S),
                "s",
                &[GAME],
                "A step without the emulator's own time and the models'.",
            ),
            part: all.histogram(
                ("pocketpilot.step.part.duration", PART_S),
                "s",
                &[GAME, "pocketpilot.part"],
                "A part of a step: capture, decode, recall, route, skill, apply.",
            ),
        }
    }

    fn step(&self, step: &StepNews) {
        let game = step.instance.unwrap_or(0).to_string();
        let game = game.as_str();
        self.steps.with_label_values(&[game]).inc();
        self.floor.with_label_values(&[game]).set(step.state.floor.into());
        self.hit_points.with_label_values(&[game]).set(step.state.hp.into());
        let source = step.source.as_deref().unwrap_or(&step.brain);
        self.decisions.with_label_values(&[game, source]).inc();
        if let Some(cause) = step.fallback.as_deref() {
            self.fallbacks.with_label_values(&[game, cause]).inc();
        }
        self.duration.with_label_values(&[game]).observe(seconds(step.latency.total_us));
        self.overhead.with_label_values(&[game]).observe(seconds(step.latency.overhead_us));
        for (part, took_us) in parts(&step.latency) {
            self.part.with_label_values(&[game, part]).observe(seconds(took_us));
        }
    }

    fn take(&self, game: &str, event: &Event) {
        // A line about a game that names none is about the only one.
        let game = if game.is_empty() { "0" } else { game };
        match event {
            Event::FloorReached { .. } => self.floors.with_label_values(&[game]).inc(),
            Event::EpisodeEnded { outcome, .. } => self.lives.with_label_values(&[game, outcome.as_str()]).inc(),
            _ => {}
        }
    }
}

impl Processes {
    fn new(all: &mut Instruments) -> Processes {
        let keys = &[ROLE, GAME];
        Processes {
            up: all.gauge("pocketpilot.process.up", "", keys, "1 while a process of the run is ready, else 0."),
            restarts: all.counter("pocketpilot.process.restarts", "{restart}", keys, "Times it was started again."),
            resident: all.gauge("pocketpilot.process.memory", "By", keys, "Its own resident memory."),
            cpu: all.counter("pocketpilot.process.cpu", "s", keys, "Processor time that it took, in all its lives."),
            threads: all.gauge("pocketpilot.process.threads", "", keys, "Its threads."),
            descriptors: all.gauge("pocketpilot.process.descriptors", "", keys, "Its open descriptors."),
            sampled: BTreeMap::new(),
        }
    }

    fn take(&mut self, game: &str, event: &Event) {
        match event {
            Event::ProcessReady { role, .. } => {
                self.up.with_label_values(&[role.as_str(), game]).set(1.0);
                self.restarts.with_label_values(&[role.as_str(), game]);
            }
            Event::ProcessExited { role, .. } => self.up.with_label_values(&[role.as_str(), game]).set(0.0),
            Event::ProcessRestarted { role, .. } => self.restarts.with_label_values(&[role.as_str(), game]).inc(),
            Event::ProcessSampled { role, child_pid, resident_bytes, cpu_ms, threads, descriptors } => {
                let key = (role.clone(), game.to_string());
                let before = self.sampled.insert(key, (*child_pid, *cpu_ms));
                let taken_ms = before.filter(|(pid, _)| pid == child_pid).map_or(0, |(_, before_ms)| before_ms);
                let labels = [role.as_str(), game];
                self.cpu.with_label_values(&labels).inc_by(cpu_ms.saturating_sub(taken_ms) as f64 / 1e3);
                self.up.with_label_values(&labels).set(1.0);
                self.resident.with_label_values(&labels).set(*resident_bytes as f64);
                self.threads.with_label_values(&labels).set(*threads as f64);
                self.descriptors.with_label_values(&labels).set(*descriptors as f64);
            }
            _ => {}
        }
    }
}

impl Models {
    fn new(all: &mut Instruments) -> Models {
        let keys = &[TIER, MODEL];
        let kinds = &[TIER, MODEL, gen_ai::TOKEN_TYPE];
        Models {
            servers: Servers::default(),
            calls: all.counter(
                "pocketpilot.model.calls",
                "{call}",
                &[TIER, MODEL, "pocketpilot.outcome"],
                "Questions to models, by what became of them.",
            ),
            duration: all.histogram(
                ("pocketpilot.model.call.duration", gen_ai::OPERATION_DURATION.1),
                "s",
                keys,
                "A question to a model, with waiting for its turn.",
            ),
            tokens: all.counter(
                "pocketpilot.model.tokens",
                "{token}",
                kinds,
                "Tokens: input, cached (of input), output.",
            ),
            cost: all.counter("pocketpilot.model.cost", "{currency}", keys, "Costs, by the tiers' prices."),
            hit_rate: all.gauge("pocketpilot.cache.hits", "1", &[], "The share of decisions that caches knew."),
            cache_bytes: all.gauge("pocketpilot.cache.size", "By", &[], "Memory that the caches take."),
            waiting: all.gauge("pocketpilot.questions.waiting", "{question}", &[], "Questions that wait for a model."),
            token_usage: all.histogram(
                gen_ai::TOKEN_USAGE,
                "{token}",
                &[
                    gen_ai::OPERATION_NAME,
                    gen_ai::PROVIDER_NAME,
                    gen_ai::REQUEST_MODEL,
                    gen_ai::RESPONSE_MODEL,
                    gen_ai::TOKEN_TYPE,
                ],
                "Number of input and output tokens used.",
            ),
            operation_duration: all.histogram(
                gen_ai::OPERATION_DURATION,
                "s",
                &[
                    gen_ai::OPERATION_NAME,
                    gen_ai::PROVIDER_NAME,
                    gen_ai::REQUEST_MODEL,
                    gen_ai::RESPONSE_MODEL,
                    gen_ai::ERROR_TYPE,
                ],
                "GenAI operation duration.",
            ),
        }
    }

    fn take(&mut self, event: &Event) {
        self.servers.note(event);
        match event {
            Event::DecisionSummary { hit_rate, cache_bytes, waiting, .. } => {
                self.hit_rate.with_label_values::<&str>(&[]).set(*hit_rate);
                self.cache_bytes.with_label_values::<&str>(&[]).set(*cache_bytes as f64);
                self.waiting.with_label_values::<&str>(&[]).set(*waiting as f64);
            }
            Event::ModelCalled {
                tier, model, outcome, took_us, tokens_in, tokens_cached, tokens_out, cost, ..
            } => {
                self.calls.with_label_values(&[tier, model, outcome]).inc();
                self.duration.with_label_values(&[tier, model]).observe(seconds(*took_us));
                self.cost.with_label_values(&[tier, model]).inc_by(cost.max(0.0));
                for (kind, count) in [("input", tokens_in), ("cached", tokens_cached), ("output", tokens_out)] {
                    self.tokens.with_label_values(&[tier.as_str(), model.as_str(), kind]).inc_by(*count as f64);
                }
                let provider = self.servers.of(tier).provider;
                let is_answer = gen_ai::is_answer(outcome);
                let (answering, error) = if is_answer { (model.as_str(), "") } else { ("", outcome.as_str()) };
                let labels = |last| [gen_ai::CHAT, provider.as_str(), model.as_str(), answering, last];
                self.operation_duration.with_label_values(&labels(error)).observe(seconds(*took_us));
                for (kind, count) in [("input", tokens_in), ("output", tokens_out)].into_iter().filter(|_| is_answer) {
                    self.token_usage.with_label_values(&labels(kind)).observe(*count as f64);
                }
            }
            _ => {}
        }
    }
}

impl Log {
    fn new(all: &mut Instruments) -> Log {
        Log {
            events: all.counter("pocketpilot.events", "{event}", &["pocketpilot.level"], "Lines of the log by level."),
            written: all.counter("pocketpilot.log.written", "By", &[], "Bytes that were written into the log."),
            torn: all.counter("pocketpilot.log.torn", "{line}", &[], "Lines of the log that were cut short."),
            raised: all.gauge(
                "pocketpilot.alert.raised",
                "",
                &["pocketpilot.alert", GAME],
                "1 while an alert is raised.",
            ),
            dropped: all.counter("pocketpilot.export.dropped", "{span}", &[], "Spans that the collector did not take."),
        }
    }

    fn event(&self, level: Level) {
        let level = match level {
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        };
        self.events.with_label_values(&[level]).inc();
    }

    fn take(&self, game: &str, event: &Event) {
        match event {
            Event::AlertRaised { alert, .. } => self.raised.with_label_values(&[alert.as_str(), game]).set(1.0),
            Event::AlertCleared { alert, .. } => self.raised.with_label_values(&[alert.as_str(), game]).set(0.0),
            _ => {}
        }
    }
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

#[cfg(test)]
mod tests;
