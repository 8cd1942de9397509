//! One call of a tier's model: paid for, given its picture, answered and read, and told of in the log, however it ends.
//!
//! It belongs to nobody: several questions may wait for it. Dropped before its end, it counts as cancelled.

use super::budget::{Expense, Reserved};
use super::desk::Desk;
use super::exchanges::Ended;
use super::inquiry::{Importance, Inquiry};
use super::model::{Ask, ModelError, Prompt, Reply};
use super::verdict::Verdict;
use std::rc::Rc;
use std::sync::Arc;
use tokio::time::Instant;
use wire::event::Event;
use wire::router::TierSettings;

/// What came of a call.
pub(super) type Called = Result<Rc<Verdict>, CallError>;

/// Why a call brought no decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CallError {
    /// There was no answer.
    Model(ModelError),
    /// The answer cannot be used.
    Unreadable {
        /// The answer.
        answer: String,
        /// What is wrong with it, for the model.
        complaint: String,
    },
}

/// What is to be asked.
pub(super) struct Call {
    pub inquiry: Arc<Inquiry>,
    /// Place of the tier.
    pub level: usize,
    /// Without its picture.
    pub prompt: Prompt,
    pub importance: Importance,
    pub deadline: Instant,
    /// What it may take.
    pub reserved: Reserved,
}

/// What a prompt may take.
pub(super) fn estimate(settings: &TierSettings, prompt: &Prompt) -> Expense {
    expense(settings, u64::from(prompt.tokens), u64::from(prompt.answer_tokens), 1)
}

fn expense(settings: &TierSettings, tokens_in: u64, tokens_out: u64, calls: u64) -> Expense {
    let money = tokens_in as f64 * settings.input_price + tokens_out as f64 * settings.output_price;
    Expense { tokens: tokens_in + tokens_out, money: money / 1e6, calls }
}

/// Asks, and reads the answer.
pub(super) async fn call(desk: Rc<Desk>, call: Call) -> Called {
    let Call { inquiry, level, mut prompt, importance, deadline, reserved } = call;
    let mut under_way = UnderWay::new(desk.clone(), inquiry.clone(), level, deadline, &prompt, reserved);
    let settings = desk.settings_of(level);
    // One that is not ready will hardly look at it.
    if settings.pictures > 0 && desk.tiers[level].tier.model.standing().is_ready {
        prompt.picture = picture(&desk, settings, &inquiry).await;
    }
    let prompt = Arc::new(prompt);
    under_way.prompt = Some(prompt.clone());
    let ask = Ask {
        instance: inquiry.instance,
        step: inquiry.step,
        importance,
        deadline: deadline.into_std(),
        prompt,
    };
    // A model that breaks its word is not waited for either.
    let answering = tokio::time::timeout_at(deadline, desk.tiers[level].tier.model.ask(ask));
    match answering.await.unwrap_or(Err(ModelError::Late)) {
        Err(error) => Err(under_way.fail(error)),
        Ok(reply) => under_way.read(&reply),
    }
}

/// Makes the picture on a thread of its own; there are as many as cores.
async fn picture(desk: &Desk, settings: &TierSettings, inquiry: &Arc<Inquiry>) -> Option<Arc<[u8]>> {
    let permit = desk.painters.clone().acquire_owned().await.ok()?;
    let (packer, settings, inquiry) = (desk.packer.clone(), settings.clone(), inquiry.clone());
    let painting = tokio::task::spawn_blocking(move || {
        let picture = packer.picture(&settings, &inquiry);
        drop(permit);
        picture
    });
    painting.await.ok().flatten()
}

/// A call that has begun and is told of when it ends.
struct UnderWay {
    desk: Rc<Desk>,
    inquiry: Arc<Inquiry>,
    level: usize,
    /// Once it is whole.
    prompt: Option<Arc<Prompt>>,
    began: Instant,
    deadline: Instant,
    is_repair: bool,
    /// Estimated tokens of the prompt.
    tokens: u64,
    reserved: Option<Reserved>,
}

/// How a call ended, for the log.
#[derive(Default)]
struct Told {
    outcome: &'static str,
    reason: String,
    reply: Reply,
    cost: f64,
}

impl UnderWay {
    fn new(
        desk: Rc<Desk>,
        inquiry: Arc<Inquiry>,
        level: usize,
        deadline: Instant,
        prompt: &Prompt,
        reserved: Reserved,
    ) -> UnderWay {
        desk.state().counts.calls += 1;
        let (is_repair, tokens) = (prompt.repair.is_some(), u64::from(prompt.tokens));
        let (began, reserved) = (Instant::now(), Some(reserved));
        UnderWay { desk, inquiry, level, prompt: None, began, deadline, is_repair, tokens, reserved }
    }

    fn settings(&self) -> &TierSettings {
        &self.desk.tiers[self.level].tier.settings
    }

    fn read(mut self, reply: &Reply) -> Called {
        let calls = u64::from(reply.attempts.max(1)) + u64::from(reply.is_hedged);
        let taken = expense(self.settings(), reply.tokens_in, reply.tokens_out, calls);
        self.settle(taken);
        let took_us = if reply.took_us > 0 { reply.took_us } else { self.took_us() };
        let reply = Reply { took_us, ..reply.clone() };
        self.desk.answered(self.level, &reply, taken.money);
        let read = self.desk.packer.read(&reply, &self.inquiry);
        let (called, outcome, reason) = match read {
            Ok(answer) => {
                let verdict = Verdict::new(&self.inquiry, self.level, &self.settings().name, answer);
                if verdict.suits(&self.inquiry) {
                    self.desk.state().counts.repaired += u64::from(self.is_repair);
                    let outcome = if self.is_repair { "repaired" } else { "answered" };
                    (Ok(Rc::new(verdict)), outcome, String::new())
                } else {
                    let complaint = format!("`{}` is not on offer", verdict.skill);
                    (Err(complaint.clone()), "unusable", complaint)
                }
            }
            Err(complaint) => (Err(complaint.clone()), "unusable", complaint),
        };
        let answer = reply.text.clone();
        self.tell(Told { outcome, reason, reply, cost: taken.money });
        called.map_err(|complaint| CallError::Unreadable { answer, complaint })
    }

    fn fail(mut self, error: ModelError) -> CallError {
        let (outcome, is_sent, is_answered) = match &error {
            ModelError::Busy => ("busy", false, false),
            ModelError::Open(_) => ("open", false, false),
            ModelError::Unreachable(_) => ("unreachable", true, false),
            ModelError::Refused { .. } => ("refused", true, false),
            ModelError::Late => ("late", true, true),
            ModelError::Unusable(_) => ("unusable", true, true),
        };
        self.desk.state().counts.busy += u64::from(outcome == "busy");
        // What a server did with a prompt that it did not answer nobody knows: it may well have read it.
        self.settle(expense(self.settings(), u64::from(is_answered) * self.tokens, 0, u64::from(is_sent)));
        self.tell(Told { outcome, reason: error.to_string(), ..Told::default() });
        CallError::Model(error)
    }

    fn settle(&mut self, taken: Expense) {
        if let Some(reserved) = self.reserved.take() {
            self.desk.settle(reserved, taken);
        }
    }

    fn took_us(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn tell(&self, told: Told) {
        let Told { outcome, reason, reply, cost } = told;
        let took_us = if reply.took_us > 0 { reply.took_us } else { self.took_us() };
        let settings = self.settings();
        if let Some(prompt) = &self.prompt {
            let ended = Ended { tier: &settings.name, outcome, reason: &reason, reply: &reply };
            self.desk.note_exchange(&self.inquiry, prompt, ended);
        }
        let event = Event::ModelCalled {
            tier: settings.name.clone(),
            model: if reply.model.is_empty() { settings.model.clone() } else { reply.model },
            outcome: outcome.to_string(),
            reason,
            attempts: reply.attempts,
            hedged: reply.is_hedged,
            waited_us: reply.waited_us,
            first_byte_us: reply.first_byte_us,
            took_us,
            tokens_in: reply.tokens_in,
            tokens_cached: reply.tokens_cached,
            tokens_out: reply.tokens_out,
            cost,
            confidence: reply.confidence,
        };
        self.desk.write_about(&self.inquiry, took_us, event);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        // What was settled was told of.
        if self.reserved.is_some() {
            self.settle(expense(self.settings(), self.tokens, 0, 1));
            let is_late = Instant::now() >= self.deadline;
            let (outcome, reason) =
                if is_late { ("late", "no answer within the deadline") } else { ("cancelled", "nobody waits for it") };
            self.tell(Told { outcome, reason: reason.to_string(), ..Told::default() });
        }
    }
}
