//! The router actor: chooses who answers a decision: a cache, a question that is under way already, or a tier's model.
//!
//! Whatever happens ends in a value within the deadline: a model's decision for exactly this step, or the planner's turn with
//! the cause named. Absent: what is shown to a model (`prompt`), how a server is spoken to (`openai`), who acts (the pilot).

use crate::port::{Envelope, Question};
use actix::{Actor, AsyncContext as _, Context, Handler};
use desk::Desk;
use exchanges::Exchanges;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use wire::Instance;
use wire::decision::{Fallback, Routed};
use wire::link::Link;
use wire::log::Log;
use wire::router::{RouterSettings, TierSettings};

pub mod answer;
mod attention;
pub mod batch;
mod budget;
pub mod cache;
mod calling;
mod counts;
mod deciding;
mod desk;
pub mod exchanges;
pub mod inquiry;
mod ladder;
pub mod line;
#[cfg(feature = "local-vlm")]
pub mod local;
pub mod model;
pub mod models;
pub mod openai;
pub mod packing;
pub mod prompt;
pub mod recording;
pub mod remote;
pub mod seeing;
mod sharing;
pub mod situation;
mod unpacking;
pub mod verdict;

pub use counts::Counts;
pub use inquiry::{Importance, Inquiry, Offer, Outcome};
pub use model::Model;
pub use packing::{Answer, Packing};

/// How often it is told what became of the questions.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(1);

/// Routes decisions of all games.
#[derive(Default)]
pub struct Router {
    /// Nothing where no model plays.
    desk: Option<Rc<Desk>>,
}

/// A model with its settings.
pub struct Tier {
    /// How it is set up.
    pub settings: TierSettings,
    /// Who is asked.
    pub model: Arc<dyn Model>,
}

/// What a router is made of.
pub struct Setup {
    /// How it is set up.
    pub settings: RouterSettings,
    /// The tiers, the lowest first.
    pub tiers: Vec<Tier>,
    /// Packs prompts and reads answers.
    pub packer: Arc<dyn Packing>,
    /// Where calls and summaries are written.
    pub log: Arc<Log>,
    /// How many games are alive.
    pub live: Live,
    /// What ages are measured by.
    pub clock: Clock,
    /// Who tells the person at the terminal.
    pub parent: Option<Arc<Link>>,
    /// Where what models are asked is written down word for word, if it is.
    pub exchanges: Option<Exchanges>,
}

/// How many games are alive: whoever starts and ends games keeps it, and batches need not wait longer than for all of them.
#[derive(Clone, Debug, Default)]
pub struct Live(Arc<AtomicUsize>);

impl Live {
    /// So many are alive from now on.
    pub fn set(&self, games: usize) {
        self.0.store(games, Ordering::Relaxed);
    }

    /// How many are alive.
    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Milliseconds by which caches and budgets measure age: the wall clock in play, the recorded game's clock in a replay.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

impl Router {
    /// A router of these tiers. Without any, or where no model is to play, the planner decides.
    pub fn new(setup: Setup) -> Router {
        let is_used = setup.settings.is_used && !setup.tiers.is_empty();
        Router { desk: is_used.then(|| Rc::new(Desk::new(setup))) }
    }

    fn summarise(&self) {
        if let Some(desk) = &self.desk {
            desk.summarise();
        }
    }
}

/// A decision that is wanted.
pub struct AskRouter {
    /// What is asked.
    pub inquiry: Box<Inquiry>,
    /// Longest wait.
    pub deadline: Duration,
}

impl Question for AskRouter {
    type Answer = Routed;
}

/// What became of all questions so far?
pub struct AskCounts;

impl Question for AskCounts {
    type Answer = Counts;
}

/// A game is over: its questions are not waited for any more, what is known of it is forgotten, and what became of its last
/// questions is in the log.
pub struct GameEnded(pub Instance);

impl Question for GameEnded {
    type Answer = ();
}

impl Actor for Router {
    type Context = Context<Router>;

    fn started(&mut self, context: &mut Context<Router>) {
        if self.desk.is_some() {
            context.run_interval(SUMMARY_INTERVAL, |router, _| router.summarise());
        }
    }
}

impl Handler<Envelope<AskRouter>> for Router {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<AskRouter>, _: &mut Context<Router>) {
        let Some(desk) = self.desk.clone() else {
            return envelope.answer(|_| Routed::Planner { cause: Fallback::Off, reason: "no model plays".to_string() });
        };
        let (AskRouter { inquiry, deadline }, reply) = envelope.into_parts();
        actix::spawn(deciding::answer(desk, inquiry, deadline, reply));
    }
}

impl Handler<Envelope<GameEnded>> for Router {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<GameEnded>, _: &mut Context<Router>) {
        envelope.answer(|GameEnded(instance)| {
            if let Some(desk) = &self.desk {
                desk.end_game(instance);
                desk.summarise();
            }
        });
    }
}

impl Handler<Envelope<AskCounts>> for Router {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<AskCounts>, _: &mut Context<Router>) {
        envelope.answer(|AskCounts| self.desk.as_ref().map_or_else(Counts::default, |desk| desk.counts()));
    }
}

#[cfg(test)]
mod tests;
