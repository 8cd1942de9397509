//! What the simulated models know: which skill really acted in each recorded step, and when it was asked.

use actors::router::model::{Ask, Reply};
use actors::router::recording::Recorded;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use wire::{Instance, Step};

/// How sure the simulated models say they are.
const CONFIDENCE: f64 = 0.9;

/// Shared by whoever asks and whoever answers.
#[derive(Debug, Default)]
pub struct Oracle {
    under_way: Mutex<HashMap<(Instance, Step), UnderWay>>,
    calls: AtomicU64,
    /// From the question to the model, without the time in which the model was busy; in microseconds.
    waits: Mutex<Vec<u64>>,
}

#[derive(Clone, Debug)]
struct UnderWay {
    answer: String,
    since: Instant,
}

impl Oracle {
    /// This is about to be asked.
    pub fn expect(&self, instance: Instance, step: Step, skill: &str) {
        let answer =
            serde_json::json!({ "skill": skill, "arguments": {}, "confidence": CONFIDENCE, "reason": "recorded" });
        self.under_way().insert((instance, step), UnderWay { answer: answer.to_string(), since: Instant::now() });
    }

    /// It was answered.
    pub fn forget(&self, instance: Instance, step: Step) {
        self.under_way().remove(&(instance, step));
    }

    /// The question has come to the model, which was free since then.
    pub fn arrived(&self, ask: &Ask, free_since: Option<Instant>) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let asked = self.under_way().get(&(ask.instance, ask.step)).map(|under_way| under_way.since);
        let Some(asked) = asked else { return };
        let waited = free_since.map_or(asked, |free| free.max(asked)).elapsed();
        self.waits.lock().expect("nobody panics while holding the lock").push(micros(waited));
    }

    /// The model's answer.
    pub fn reply(&self, ask: &Ask) -> Reply {
        let text = self.under_way().get(&(ask.instance, ask.step)).map(|under_way| under_way.answer.clone());
        let text = text.unwrap_or_default();
        let tokens_out = text.len() as u64 / 4;
        Reply {
            text,
            model: "simulated".to_string(),
            tokens_in: ask.prompt.tokens.into(),
            tokens_out,
            ..Reply::default()
        }
    }

    /// Questions that came to the model.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// How long questions waited while the model was free.
    pub fn waits(&self) -> Vec<u64> {
        std::mem::take(&mut self.waits.lock().expect("nobody panics while holding the lock"))
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<(Instance, Step), UnderWay>> {
        self.under_way.lock().expect("nobody panics while holding the lock")
    }
}

/// What the uncached model would say: what acted, or the first on offer where nothing on offer did.
pub fn truth(recorded: &Recorded) -> &str {
    let offers = &recorded.inquiry.offers;
    let acted = offers.iter().find(|offer| offer.skill == recorded.acted).or(offers.first());
    acted.map_or("", |offer| offer.skill.as_str())
}

/// What is shared.
pub type Shared = Arc<Oracle>;

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
