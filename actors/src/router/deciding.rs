//! One question's way to its answer: what was decided before, what is being asked already, then tier after tier.
//!
//! It ends within the deadline, always with an answer for exactly the step that asked. Whoever stops waiting ends it.

use super::attention::Regard;
use super::cache::Occasion;
use super::calling::{Call, CallError, Called, call, estimate};
use super::desk::Desk;
use super::inquiry::Inquiry;
use super::ladder::{Strain, order};
use super::model::{ModelError, Prompt, Repair};
use super::situation::Situation;
use super::verdict::Verdict;
use crate::port::Reply;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use wire::decision::{Fallback, Routed, Source};
use wire::hash::Hash;

/// The answer leaves before the asker's own timer strikes: by this share of the deadline, within these bounds.
const MARGIN_SHARE: u32 = 50;
const MARGIN_LEAST: Duration = Duration::from_millis(2);
const MARGIN_MOST: Duration = Duration::from_millis(20);

/// A question waits for so many calls of others, one after the other, before it makes its own.
const JOINS_MAX: usize = 2;

/// Decides, and answers within the deadline.
pub(super) async fn answer(desk: Rc<Desk>, inquiry: Box<Inquiry>, allowed: Duration, mut reply: Reply<Routed>) {
    let began = Instant::now();
    let margin = (allowed / MARGIN_SHARE).clamp(MARGIN_LEAST, MARGIN_MOST).min(allowed / 2);
    let question = Question::new(desk.clone(), *inquiry, began + allowed - margin);
    let routed = tokio::select! {
        biased;
        () = reply.abandoned() => None,
        routed = timeout_at(question.deadline, question.decide()) => Some(routed.unwrap_or_else(|_| question.late())),
    };
    let Some(routed) = routed else {
        desk.state().counts.abandoned += 1;
        return;
    };
    let routed = question.in_order(routed);
    desk.took(began.elapsed());
    let mut state = desk.state();
    state.counts.answered(&routed);
    state.counts.late_answers += u64::from(reply.is_abandoned());
    drop(state);
    reply.send(routed);
}

/// A question under way.
struct Question {
    desk: Rc<Desk>,
    inquiry: Arc<Inquiry>,
    situation: Situation,
    deadline: Instant,
    /// An answer that is not sure: better than none.
    draft: RefCell<Option<(Rc<Verdict>, Source)>>,
}

/// Why a tier brought no decision.
#[derive(Clone, Debug)]
struct Failure {
    level: usize,
    cause: Fallback,
    reason: String,
}

impl Question {
    fn new(desk: Rc<Desk>, inquiry: Inquiry, deadline: Instant) -> Question {
        desk.state().counts.under_way += 1;
        let situation = Situation::of(&inquiry);
        Question { desk, inquiry: Arc::new(inquiry), situation, deadline, draft: RefCell::new(None) }
    }

    async fn decide(&self) -> Routed {
        let (regard, level) = self.look();
        if self.inquiry.offers.len() < 2 {
            return planner(Fallback::NoChoice, "there is nothing to choose".to_string());
        }
        let is_usable = |verdict: &Rc<Verdict>| verdict.level >= level && verdict.suits(&self.inquiry);
        let is_cached = self.desk.settings.is_cached;
        if let Some(verdict) = regard.kept.as_ref().filter(|verdict| is_cached && is_usable(verdict)) {
            return Routed::Decided(verdict.decision(&self.inquiry, Source::Kept));
        }
        let is_ready: Vec<_> = self.desk.tiers.iter().map(|place| place.tier.model.standing().is_ready).collect();
        let mut order = order(level, &is_ready);
        if order.is_empty() {
            // It knows best why it cannot be asked, and what to do about it.
            order.push(0);
        }
        let first = order[0];
        let prompt = self.pack(first);
        if is_cached && let Some((verdict, source)) = self.find(&prompt, level) {
            return self.decided(verdict, source);
        }
        self.ask_tiers(&order, prompt, &regard).await
    }

    /// Looks at what is asked: what it matters, what became of the decision before, and which tier it begins with.
    fn look(&self) -> (Regard, usize) {
        let Question { desk, inquiry, situation, .. } = self;
        let now_ms = desk.now_ms();
        let mut state = desk.state();
        let regard = state.attention.look(inquiry, situation, now_ms);
        if let Some((decided_in, verdict)) = &regard.barren {
            state.cache.forget(*decided_in, verdict);
        }
        let (level, has_risen) = state.ladder.begin(inquiry.instance, Strain::of(inquiry));
        state.counts.escalated += u64::from(has_risen);
        (regard, level)
    }

    fn pack(&self, level: usize) -> Prompt {
        self.desk.packer.pack(self.desk.settings_of(level), &self.inquiry)
    }

    /// What was decided before.
    fn find(&self, prompt: &Prompt, level: usize) -> Option<(Rc<Verdict>, Source)> {
        let now_ms = self.desk.now_ms();
        let mut state = self.desk.state();
        let cache = &mut state.cache;
        let suits = |verdict: &Rc<Verdict>| verdict.suits(&self.inquiry);
        let exact = cache.exact(prompt.key, now_ms).filter(suits).map(|verdict| (verdict, Source::Exact));
        exact.or_else(|| {
            if !self.situation.is_known {
                return None;
            }
            let similar = cache.similar(&self.occasion(prompt.key), level, now_ms).filter(suits);
            similar.map(|verdict| (verdict, Source::Similar))
        })
    }

    fn occasion(&self, prompt: Hash) -> Occasion {
        Occasion { prompt, situation: self.situation, picture: self.inquiry.picture }
    }

    /// Asks tier after tier until one is sure enough.
    async fn ask_tiers(&self, order: &[usize], prompt: Prompt, regard: &Regard) -> Routed {
        let first_key = prompt.key;
        let mut prompt = Some(prompt);
        let mut failures: Vec<Failure> = Vec::new();
        // Who gave an answer that is not good enough is followed only by higher tiers.
        let mut above: Option<usize> = None;
        for (place, level) in order.iter().copied().enumerate() {
            if above.is_some_and(|below| level <= below) || !self.has_time_for(level) {
                continue;
            }
            if place > 0 && level > order[0] {
                self.desk.state().counts.escalated += 1;
            }
            let prompt = prompt.take().unwrap_or_else(|| self.pack(level));
            let key = prompt.key;
            match self.ask_tier(level, prompt, regard).await {
                Ok((verdict, source)) => {
                    if self.is_unsure(&verdict) && order.iter().any(|other| *other > level) {
                        self.desk.state().ladder.fail(self.inquiry.instance, level);
                        above = Some(level);
                        self.prefer(verdict, source);
                        continue;
                    }
                    self.learn(key, &verdict);
                    // What a lower tier was asked first is answered by this, too.
                    if verdict.level > order[0] {
                        self.learn(first_key, &verdict);
                    }
                    return self.decided(verdict, source);
                }
                Err(failure) => {
                    if failure.cause == Fallback::Unusable {
                        self.desk.state().ladder.fail(self.inquiry.instance, level);
                        above = Some(level);
                    }
                    failures.push(failure);
                }
            }
        }
        match self.draft.take() {
            Some((verdict, source)) => self.decided(verdict, source),
            None => {
                let (cause, reason) = self.sum_up(&failures);
                self.fallback(cause, reason)
            }
        }
    }

    /// Asks a tier, and once more where its answer cannot be used.
    async fn ask_tier(&self, level: usize, prompt: Prompt, regard: &Regard) -> Result<(Rc<Verdict>, Source), Failure> {
        let failure = |cause, reason| Failure { level, cause, reason };
        let (called, source) = self
            .call(level, prompt.clone(), regard)
            .await
            .map_err(|what| failure(Fallback::Budget, format!("the {what} of this hour are used up")))?;
        let (answer, complaint) = match called {
            Ok(verdict) => return Ok((verdict, source)),
            Err(CallError::Model(error)) => return Err(failure(cause(&error), error.to_string())),
            Err(CallError::Unreadable { answer, complaint }) => (answer, complaint),
        };
        let unusable = |complaint: String| failure(Fallback::Unusable, complaint);
        let repair = repair(prompt, answer, complaint.clone());
        let Ok((called, source)) = self.call(level, repair, regard).await else { return Err(unusable(complaint)) };
        match called {
            Ok(verdict) => Ok((verdict, source)),
            Err(CallError::Unreadable { complaint, .. }) => Err(unusable(complaint)),
            Err(CallError::Model(error)) => {
                Err(failure(cause(&error), format!("{complaint}; asked once more: {error}")))
            }
        }
    }

    /// Waits for whoever asks this already, or else asks.
    ///
    /// # Errors
    /// What the budget has not enough of.
    async fn call(&self, level: usize, prompt: Prompt, regard: &Regard) -> Result<(Called, Source), &'static str> {
        let key = prompt.key;
        // When the first's time was up there may be some left here, and another may be asking by then.
        for _ in 0..JOINS_MAX {
            // A statement of its own, so that nothing holds on to the state while waiting.
            let joined = self.desk.settings.is_cached.then(|| self.desk.state().sharing.join(key)).flatten();
            let Some(joined) = joined else { break };
            let called = joined.await;
            if called != Err(CallError::Model(ModelError::Late)) {
                return Ok((called, Source::Shared));
            }
        }
        let reserved = self.desk.reserve(estimate(&self.desk.tiers[level].tier.settings, &prompt))?;
        let Question { desk, inquiry, deadline, .. } = self;
        let call = call(
            desk.clone(),
            Call {
                inquiry: inquiry.clone(),
                level,
                prompt,
                importance: regard.importance,
                deadline: *deadline,
                reserved,
            },
        );
        if !desk.settings.is_cached {
            return Ok((call.await, Source::Model));
        }
        let begun = desk.state().sharing.begin(key, call);
        Ok((begun.await, Source::Model))
    }

    fn is_unsure(&self, verdict: &Verdict) -> bool {
        verdict.confidence.is_some_and(|confidence| f64::from(confidence) < self.desk.settings.escalate_below)
    }

    /// An answer that is not sure is followed where no better one comes: the surest.
    fn prefer(&self, verdict: Rc<Verdict>, source: Source) {
        let mut draft = self.draft.borrow_mut();
        if draft.as_ref().is_none_or(|(before, _)| before.confidence <= verdict.confidence) {
            *draft = Some((verdict, source));
        }
    }

    /// Whether this tier can be expected to answer in the time that is left. Where nothing else is at hand it is tried.
    fn has_time_for(&self, level: usize) -> bool {
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.draft.borrow().is_none() || left > self.desk.tempo(level)
    }

    fn learn(&self, prompt: Hash, verdict: &Rc<Verdict>) {
        if self.desk.settings.is_cached {
            let now_ms = self.desk.now_ms();
            self.desk.state().cache.learn(&self.occasion(prompt), verdict.clone(), now_ms);
        }
    }

    fn decided(&self, verdict: Rc<Verdict>, source: Source) -> Routed {
        let decision = verdict.decision(&self.inquiry, source);
        let now_ms = self.desk.now_ms();
        self.desk.state().attention.hold(&self.inquiry, self.situation, verdict, now_ms);
        Routed::Decided(decision)
    }

    fn fallback(&self, cause: Fallback, reason: String) -> Routed {
        self.desk.state().attention.let_go(&self.inquiry);
        planner(cause, reason)
    }

    /// The time is up: what is at hand is followed.
    fn late(&self) -> Routed {
        match self.draft.take() {
            Some((verdict, source)) => self.decided(verdict, source),
            None => self.fallback(Fallback::Late, "no answer within the deadline".to_string()),
        }
    }

    /// An answer to an older step than one that was answered already is not given.
    fn in_order(&self, routed: Routed) -> Routed {
        let mut state = self.desk.state();
        if state.attention.is_in_order(&self.inquiry) {
            return routed;
        }
        state.counts.late_answers += 1;
        planner(Fallback::Late, "a later step of this game was answered meanwhile".to_string())
    }

    /// What kept the tiers from deciding: of several causes the one that says most.
    fn sum_up(&self, failures: &[Failure]) -> (Fallback, String) {
        const TELLING: [Fallback; 6] =
            [Fallback::Unusable, Fallback::Failed, Fallback::Late, Fallback::Busy, Fallback::Budget, Fallback::Open];
        let told = |cause: &Fallback| failures.iter().any(|failure| failure.cause == *cause);
        let cause = TELLING.into_iter().find(told).unwrap_or(Fallback::Failed);
        let name = |level: usize| &self.desk.tiers[level].tier.settings.name;
        let reasons = failures.iter().map(|failure| format!("{}: {}", name(failure.level), failure.reason));
        (cause, reasons.collect::<Vec<_>>().join("; "))
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.desk.state().counts.under_way -= 1;
    }
}

/// The prompt once more, with what was wrong with its answer.
fn repair(prompt: Prompt, answer: String, complaint: String) -> Prompt {
    let key = Hash::of([&prompt.key.0.to_le_bytes()[..], answer.as_bytes(), &[0], complaint.as_bytes()]);
    let more = u32::try_from((answer.len() + complaint.len()) / 4).unwrap_or(u32::MAX);
    let tokens = prompt.tokens.saturating_add(more);
    Prompt { repair: Some(Repair { answer, complaint }), key, tokens, ..prompt }
}

fn cause(error: &ModelError) -> Fallback {
    match error {
        ModelError::Busy => Fallback::Busy,
        ModelError::Late => Fallback::Late,
        ModelError::Open(_) => Fallback::Open,
        ModelError::Unreachable(_) | ModelError::Refused { .. } => Fallback::Failed,
        ModelError::Unusable(_) => Fallback::Unusable,
    }
}

fn planner(cause: Fallback, reason: String) -> Routed {
    Routed::Planner { cause, reason }
}
