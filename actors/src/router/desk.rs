//! What all questions to the router share. It lives on one thread, and nothing holds on to its state while it waits.

use super::attention::Attention;
use super::budget::{Budget, Expense, News, Reserved};
use super::cache::{Cache, limit_bytes, machine_bytes};
use super::calling::Called;
use super::counts::{Counts, Summary};
use super::exchanges::{Ended, Exchanges};
use super::inquiry::Inquiry;
use super::ladder::Ladder;
use super::model::{Prompt, Reply};
use super::sharing::Sharing;
use super::{Clock, Live, Packing, Setup, Tier};
use std::cell::{RefCell, RefMut};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use wire::Instance;
use wire::control::FromRole;
use wire::event::Event;
use wire::link::Link;
use wire::log::{Context, Log};
use wire::router::{RouterSettings, TierSettings};

/// The name in the log.
const ACTOR: &str = "router";
/// The latest call weighs so much in what a tier's calls are expected to take: one of so many.
const TEMPO_SHARE: u32 = 8;

/// What all questions share.
pub(super) struct Desk {
    pub settings: RouterSettings,
    /// The tiers, the lowest first.
    pub tiers: Vec<Place>,
    pub packer: Arc<dyn Packing>,
    /// Threads that may make pictures at a time.
    pub painters: Arc<Semaphore>,
    exchanges: Option<Exchanges>,
    log: Arc<Log>,
    parent: Option<Arc<Link>>,
    live: Live,
    clock: Clock,
    state: RefCell<State>,
}

/// A tier with what it is told apart from pictures.
pub(super) struct Place {
    pub tier: Tier,
    /// Its settings where its model turned out to take no pictures.
    pub blind: TierSettings,
}

/// What changes from question to question.
pub(super) struct State {
    pub counts: Counts,
    pub attention: Attention,
    pub ladder: Ladder,
    pub cache: Cache,
    pub sharing: Sharing<Called>,
    budget: Budget,
    summary: Summary,
    /// Games that are over.
    ended: BTreeSet<Instance>,
    /// How long a call of each tier takes, as far as is known.
    tempo: Vec<Option<Duration>>,
}

impl Desk {
    pub fn new(setup: Setup) -> Desk {
        let Setup { settings, tiers, packer, log, live, clock, parent, exchanges } = setup;
        let limit = Expense {
            tokens: settings.tokens_per_hour,
            money: settings.money_per_hour,
            calls: settings.calls_per_hour,
        };
        let state = State {
            counts: Counts::default(),
            attention: Attention::default(),
            ladder: Ladder::new(tiers.len(), settings.stay_steps),
            cache: Cache::new(limit_bytes(settings.cache_bytes, machine_bytes()), settings.similar_bits),
            sharing: Sharing::default(),
            budget: Budget::new(limit),
            summary: Summary::default(),
            ended: BTreeSet::new(),
            tempo: vec![None; tiers.len()],
        };
        let blind = |tier: &Tier| TierSettings { pictures: 0, ..tier.settings.clone() };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Desk {
            settings,
            tiers: tiers.into_iter().map(|tier| Place { blind: blind(&tier), tier }).collect(),
            packer,
            painters: Arc::new(Semaphore::new(cores)),
            exchanges,
            log,
            parent,
            live,
            clock,
            state: RefCell::new(state),
        }
    }

    /// What changes from question to question. Not to be held while waiting.
    pub fn state(&self) -> RefMut<'_, State> {
        self.state.borrow_mut()
    }

    /// Milliseconds that ages are measured by.
    pub fn now_ms(&self) -> u64 {
        (self.clock)()
    }

    /// What a tier is told now.
    pub fn settings_of(&self, level: usize) -> &TierSettings {
        let Place { tier, blind } = &self.tiers[level];
        if tier.model.standing().takes_pictures { &tier.settings } else { blind }
    }

    /// Sets aside what a call may take.
    ///
    /// # Errors
    /// What there is not enough of.
    pub fn reserve(&self, estimate: Expense) -> Result<Reserved, &'static str> {
        let (reserved, news) = self.state().budget.reserve(self.now_ms(), estimate);
        let (alert, detail) = match news {
            None => return reserved,
            Some(News::RanOut(what)) => (
                "budget used up",
                format!("the {what} of this hour for models are used up; the planner decides meanwhile"),
            ),
            Some(News::Back(what)) => ("budget back", format!("there are {what} for models again")),
        };
        self.alert(alert, detail);
        reserved
    }

    /// A game is over: what is known of it is forgotten, and no batch waits for it.
    pub fn end_game(&self, instance: Instance) {
        let mut state = self.state();
        state.attention.forget(instance);
        state.ladder.forget(instance);
        if state.ended.insert(instance) {
            self.live.set(self.live.get().saturating_sub(1));
        }
    }

    /// Puts what a call took in the place of what was set aside.
    pub fn settle(&self, reserved: Reserved, taken: Expense) {
        self.state().budget.settle(reserved, taken);
    }

    /// Learns from a call that was answered.
    pub fn answered(&self, level: usize, reply: &Reply, cost: f64) {
        let mut state = self.state();
        state.counts.tokens_in += reply.tokens_in;
        state.counts.tokens_out += reply.tokens_out;
        state.counts.cost += cost;
        let took = Duration::from_micros(reply.took_us);
        let tempo = &mut state.tempo[level];
        *tempo = Some(tempo.map_or(took, |before| (before * (TEMPO_SHARE - 1) + took) / TEMPO_SHARE));
    }

    /// How long a call of this tier takes; nothing where none was answered yet.
    pub fn tempo(&self, level: usize) -> Duration {
        self.state().tempo[level].unwrap_or_default()
    }

    /// An answer was given after so long.
    pub fn took(&self, duration: Duration) {
        self.state().summary.took(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    /// What became of all questions.
    pub fn counts(&self) -> Counts {
        let models = || self.tiers.iter().map(|place| &place.tier.model);
        let standings: Vec<_> = models().map(|model| model.standing()).collect();
        let state = self.state();
        Counts {
            late_answers: state.counts.late_answers + models().map(|model| model.late_answers()).sum::<u64>(),
            cache_entries: state.cache.len() as u64,
            cache_bytes: state.cache.bytes() as u64,
            waiting: standings.iter().map(|standing| standing.waiting as u64).sum(),
            limit: standings.iter().map(|standing| standing.limit as u64).sum(),
            ..state.counts.clone()
        }
    }

    /// Writes what became of the last second's questions, and what is wrong with the texts that models are shown.
    pub fn summarise(&self) {
        self.packer.problems().into_iter().for_each(|problem| self.alert("prompt template", problem));
        let counts = self.counts();
        let event = self.state().summary.tell(&counts);
        if let Some(event) = event {
            self.write(Context::default(), event);
        }
    }

    /// Writes down what was asked and said, where that is wanted.
    pub fn note_exchange(&self, inquiry: &Inquiry, prompt: &Prompt, ended: Ended<'_>) {
        let Some(exchanges) = &self.exchanges else { return };
        if let Err(problem) = exchanges.note(inquiry, prompt, ended) {
            self.alert("exchanges not kept", problem);
        }
    }

    /// Writes a line about a question.
    pub fn write_about(&self, inquiry: &Inquiry, dur_us: u64, event: Event) {
        let (instance, step, frame) = (Some(inquiry.instance), Some(inquiry.step), Some(inquiry.basis.frame));
        self.write(Context { instance, step, frame, dur_us: Some(dur_us) }, event);
    }

    /// Says that somebody should look, in the log and at the terminal.
    fn alert(&self, alert: &str, detail: String) {
        if let Some(parent) = &self.parent {
            // A parent that is gone ends the process anyway.
            let _ = parent.send(&FromRole::Note { instance: None, text: format!("{alert}: {detail}") }, &[]);
        }
        self.write(Context::default(), Event::AlertRaised { alert: alert.to_string(), detail });
    }

    fn write(&self, context: Context, event: Event) {
        // A full disk ends the run at the next step's line; this one more or less changes nothing.
        let _ = self.log.write(ACTOR, context, event);
    }
}
